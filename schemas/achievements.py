"""Achievements (科技成果): what academia offers."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StrictBool, model_validator
from pydantic_core import PydanticCustomError

from schemas.base import Message
from schemas.codes import DisciplineCode, IpTypeCode, Trl, TrlWritten
from schemas.listings import (
    Industries,
    ListingBody,
    ListingCard,
    ListingContent,
    ListingFilter,
    ListingNew,
    ListingRevision,
    ListingView,
    Stage,
    Summary,
)
from schemas.text import Line, Name, Title, Whole, Yuan


class IpStatus(StrEnum):
    PENDING = "pending"
    GRANTED = "granted"
    LAPSED = "lapsed"


class IntellectualProperty(Message):
    kind: IpTypeCode
    number: Annotated[str, Line(60)] | None = None
    status: IpStatus
    holder: Name | None = None


class TeamMember(Message):
    name: Name
    role: Annotated[str, Line(100)] | None = None


class PriceKind(StrEnum):
    FIXED = "fixed"
    RANGE = "range"
    NEGOTIABLE = "negotiable"


class Price(Message):
    """元 (CNY). `fixed` has `low` alone, `range` both, `negotiable` neither."""

    kind: PriceKind
    low: Yuan | None = None
    high: Yuan | None = None

    @model_validator(mode="after")
    def _parts_fit_the_kind(self) -> Self:
        fits = {
            PriceKind.FIXED: self.low is not None and self.high is None,
            PriceKind.RANGE: self.low is not None and self.high is not None and self.low <= self.high,
            PriceKind.NEGOTIABLE: self.low is None and self.high is None,
        }[self.kind]
        if not fits:
            raise PydanticCustomError(
                "price_parts",
                "一口价只填 low，区间填 low ≤ high，面议都不填 · fixed takes low alone, range takes low ≤ high, negotiable neither",
            )
        return self


Talks = Annotated[
    int,
    Whole(1, 1000),
    Field(
        description="可同时洽谈数：团队能同时与几家企业洽谈，分配推荐时不会超过它"
        " · how many firms the team can talk to at once; proposals that are shared out never exceed it"
    ),
]
RegistrationNumber = Annotated[
    str, Line(12, least=12), Field(description="成果登记号，12 位 · achievement registration number, 12 characters")
]


class AchievementBody(ListingBody):
    """What the owner writes; all but the title may wait until publishing."""

    summary: Summary | None = None
    discipline: DisciplineCode | None = None
    industries: Industries = []
    trl: Trl | None = None
    stage: Stage | None = None
    intellectual_property: Annotated[list[IntellectualProperty], Field(max_length=50)] = []
    awards: Annotated[list[Annotated[str, Line(200)]], Field(max_length=50)] = []
    price: Price | None = None
    publicly_funded: StrictBool | None = None
    registration_number: RegistrationNumber | None = None
    team: Annotated[list[TeamMember], Field(max_length=50)] = []
    talks: Talks | None = None


class AchievementNew(AchievementBody, ListingNew):
    pass


class AchievementPatch(AchievementBody):
    """Any of the fields; those left out stay as they are."""

    title: Title = Field(default=None, validate_default=False)  # type: ignore[assignment]


class AchievementContent(ListingContent):
    """What the owner wrote, as it is read back."""

    summary: str | None
    discipline: str | None
    industries: list[str]
    trl: int | None
    stage: Stage | None
    intellectual_property: list[IntellectualProperty]
    awards: list[str]
    price: Price | None
    publicly_funded: bool | None
    registration_number: str | None
    team: list[TeamMember]
    talks: int | None


class AchievementView(AchievementContent, ListingView):
    pass


class AchievementRevision(ListingRevision):
    body: AchievementContent


class AchievementCard(ListingCard):
    """An achievement in a list."""

    summary: str | None
    discipline: str | None
    industries: list[str]
    trl: int | None
    stage: Stage | None
    talks: int | None


class AchievementFilter(ListingFilter):
    trl_min: Annotated[TrlWritten | None, Field(description="1–9")] = None
    trl_max: TrlWritten | None = None
    stage: Annotated[list[Stage], Field(max_length=3)] = []
