"""Events that fit a text or a record, and why."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from schemas.base import Message
from schemas.codes import IndustryCode, RegionCode
from schemas.events import EventCard
from schemas.pairings import FieldOfText, RankedPage, Reasons
from schemas.text import Text, Whole

Regions = Annotated[
    list[RegionCode],
    Field(max_length=20, description="在这些地区举办的 · held in one of these regions"),
]
Industries = Annotated[
    list[IndustryCode],
    Field(
        max_length=20, description="面向这些行业（含其下各级）的 · for one of these trades, or what stands below them"
    ),
]


class EventMatchRequest(Message):
    """A text to find events for. Nothing of it is stored."""

    text: Annotated[str, Text(20000), Field(examples=["铝合金热锻模具龟裂，求表面强化与修复办法"])]
    side: Annotated[
        Literal["problem", "achievement"],
        Field(description="这段文字是难题还是成果 · whether the text asks for something or offers it"),
    ] = "problem"
    region: Regions = []
    industry: Industries = []
    limit: Annotated[int, Whole(1, 100)] = 20


class EventRankingQuery(Message):
    """Which events to rank, in an address where paging has its own names."""

    model_config = ConfigDict(extra="ignore")

    region: Regions = []
    industry: Industries = []


class EventPairing(Message):
    """An event to which one can still register, or will be able to, and why it fits."""

    id: UUID
    kind: Literal["event"]
    score: float
    event: EventCard
    reasons: Reasons


class EventRankingPage(RankedPage):
    items: list[EventPairing]
    field: FieldOfText = None
