"""What came of a meeting, and the report of an event."""

from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from schemas.base import Message, wrong_at
from schemas.event_extras import GroupFilter
from schemas.text import Text, Whole, Yuan
from schemas.wishes import ParticipantCard


class OutcomeStage(StrEnum):
    """洽谈后、半年后."""

    RIGHT_AFTER = "right_after"
    LATER = "later"


class Result(StrEnum):
    """不再联系、有所收获、有价值的联系、开始商谈、达成协议."""

    NO_FURTHER_CONTACT = "no_further_contact"
    KNOWLEDGE_GAINED = "knowledge_gained"
    VALUABLE_CONTACT = "valuable_contact"
    NEGOTIATION_STARTED = "negotiation_started"
    AGREEMENT_REACHED = "agreement_reached"


class OutcomeBody(Message):
    """What one side says came of it. The other side is not told."""

    result: Result
    stars: Annotated[Annotated[int, Whole(1, 5)] | None, Field(description="评分 · 1 to 5")] = None
    signed_yuan: Annotated[Yuan | None, Field(description="签约金额（元） · what was signed, agreements only")] = None
    note: Annotated[str, Text(2000)] | None = None

    @model_validator(mode="after")
    def _signed(self) -> Self:
        if self.signed_yuan is not None and self.result is not Result.AGREEMENT_REACHED:
            raise wrong_at(
                "signed_yuan", "nothing_signed", "只有达成协议才有签约金额 · only an agreement has a sum signed"
            )
        return self


class OutcomeFilter(GroupFilter):
    """Which outcomes; region and industry are those of who says it."""

    event: UUID | None = None
    stage: OutcomeStage | None = None
    result: Result | None = None


class InterestFilter(GroupFilter):
    """Which interests; region and industry are those of who declares it."""

    event: UUID | None = None


class OutcomeView(Message):
    id: UUID
    event_id: UUID
    meeting_id: UUID
    registration_id: UUID
    participant: ParticipantCard
    other: ParticipantCard
    stage: OutcomeStage
    result: Result
    stars: int | None
    signed_yuan: Yuan | None
    note: str | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    version: int


class InterestNew(Message):
    note: Annotated[Annotated[str, Text(2000)] | None, Field(description="说明 · what one hopes for")] = None


class InterestView(Message):
    """A meeting became an interest; by its ids it is followed to the contract."""

    id: UUID
    event_id: UUID
    meeting_id: UUID
    registration_id: UUID
    organisation_id: UUID | None
    to_organisation_id: UUID | None
    wish_id: UUID | None
    problem_id: UUID | None
    achievement_id: UUID | None
    note: str | None
    created_at: AwareDatetime


class Figure(Message):
    """A number, and the address of the rows that it counts."""

    name: str
    label: str
    value: int
    yuan: Annotated[
        Yuan | None,
        Field(
            description="签约金额；一场洽谈多次填写的，只计其中最大的一个"
            " · what was signed; of what is said of one meeting several times, the largest counts once"
        ),
    ]
    rows: Annotated[str, Field(description="明细地址 · where its rows are")]


class GroupLevel(StrEnum):
    """省份、行业门类、行业大类."""

    PROVINCE = "province"
    SECTION = "section"
    DIVISION = "division"
    UNSTATED = "unstated"


class GroupFigures(Message):
    """What those of one province, or of one industry, came to. Who is of several industries is counted in each."""

    code: Annotated[str, Field(description="代码，未注明为 none · code; none: not stated")]
    label: str
    level: GroupLevel
    outcomes: int
    agreements: int
    signed_yuan: Yuan
    rows: Annotated[str, Field(description="反馈的明细地址 · where the rows of its outcomes are")]
    figures: Annotated[list[Figure], Field(description="与总表相同的各项 · the figures of the whole, for this group")]


class EventReport(Message):
    event_id: UUID
    title: str
    made_at: AwareDatetime
    figures: list[Figure]
    regions: Annotated[list[GroupFigures], Field(description="按单位所在省份 · by province of the organisation")]
    industries: Annotated[
        list[GroupFigures],
        Field(
            description="按所带成果、难题的行业 · by industry of the records that they bring: sections and divisions"
        ),
    ]
