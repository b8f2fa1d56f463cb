"""What goes with an event: its documents, and the letters that remind those who come."""

from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field, StrictBool
from pydantic_core import PydanticCustomError

from schemas.base import Filter, Message
from schemas.codes import INDUSTRIES, REGIONS
from schemas.text import Line, Whole


class Audience(StrEnum):
    """所有人、已确认的参会者、主办方: who may see a document of an event they can see."""

    EVERYBODY = "everybody"
    PARTICIPANTS = "participants"
    DESK = "desk"


class DocumentView(Message):
    """A file of an event: an invitation, slides, a map."""

    id: UUID
    name: str
    media_type: str
    size: int
    sha256: str
    audience: Audience
    created_at: AwareDatetime


class ReminderTerms(Message):
    """Which letters remind those who come; each of them goes out once."""

    before_hours: Annotated[
        Annotated[int, Whole(1, 14 * 24)] | None,
        Field(description="提前几小时提醒，不填则不提醒 · how long before each day of theirs; null: not at all"),
    ] = 24
    rate_after: Annotated[
        StrictBool, Field(description="活动结束后提醒填写洽谈结果 · when it is over: say what came of the meetings")
    ] = True
    half_year_after: Annotated[
        StrictBool, Field(description="半年后提醒填写后续结果 · half a year later: say what came of them since")
    ] = True


class ReminderKind(StrEnum):
    """会前、会后、半年后."""

    BEFORE = "before"
    RIGHT_AFTER = "right_after"
    HALF_YEAR = "half_year"


UNSTATED: Final = "none"
"""Of those who said nothing of where they are, or brought no record that names an industry."""


def _a_region(code: str) -> str:
    if code != UNSTATED and code not in REGIONS:
        raise PydanticCustomError(
            "unknown_region",
            "未知的行政区划代码：请从 /api/v1/codes/regions 选择，或写 none（未注明）"
            " · unknown region code: choose from /api/v1/codes/regions, or write none (not stated)",
        )
    return code


def _an_industry(code: str) -> str:
    if code != UNSTATED and code not in INDUSTRIES:
        raise PydanticCustomError(
            "unknown_industry",
            "未知的行业代码：请从 /api/v1/codes/industries 选择，或写 none（未注明）"
            " · unknown industry code: choose from /api/v1/codes/industries, or write none (not stated)",
        )
    return code


class GroupFilter(Filter):
    """Rows of those who are somewhere, or work in something: what the figures of a report count."""

    region: Annotated[
        Annotated[str, Line(10), AfterValidator(_a_region)] | None,
        Field(
            description="地区代码（含下级）或 none · region of one of the sides, with what is below; none: not stated"
        ),
    ] = None
    industry: Annotated[
        Annotated[str, Line(10), AfterValidator(_an_industry)] | None,
        Field(
            description="所带成果、难题的行业代码（含下级）或 none；仅限您主办的活动"
            " · industry of a record that one of the sides brings; none: not stated; in events that you run"
        ),
    ] = None


class CheckInFilter(GroupFilter):
    """Which check-ins of an event."""
