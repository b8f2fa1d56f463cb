"""What goes with an event: its documents, and the letters that remind those who come."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field, StrictBool

from schemas.base import Message
from schemas.text import Whole


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
