"""What the two sides of a pairing say of it."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from schemas.base import Filter, Message
from schemas.listings import ListingKind
from schemas.text import Line, Text, Whole

MOST_MISLEADING = 8

Grade = Annotated[
    int,
    Whole(0, 3),
    Field(
        description="3 应当面谈，2 值得一见，1 只是同一领域，0 不合适"
        " · 3 talk to them, 2 worth a meeting, 1 same field only, 0 does not fit"
    ),
]
Misleading = Annotated[
    list[Annotated[str, Line(100)]],
    Field(
        max_length=MOST_MISLEADING,
        description="误导的词，须是匹配理由中列出的 · terms of the reasons that lead astray here",
        examples=[["检测"]],
    ),
]


class VerdictBody(Message):
    """What one side says of one pairing. The other side is not told."""

    grade: Grade
    misleading: Misleading = []
    note: Annotated[str, Text(2000)] | None = None


class SaidSignal(Message):
    name: str
    value: float | None
    weight: float


class SaidTerm(Message):
    term: str
    contribution: float


class Said(Message):
    """What the matcher said at that moment."""

    title: Annotated[str, Field(description="当时的标题 · the title of the record that asked, then")]
    other_title: str
    score: float
    text: float
    rank: Annotated[int | None, Field(description="位次，前 100 名之外为空 · its rank; null beyond the first 100")]
    model: Annotated[int, Field(description="匹配权重的版本 · version of the weights")]
    signals: list[SaidSignal]
    terms: list[SaidTerm]


class VerdictView(VerdictBody):
    id: UUID
    kind: Annotated[ListingKind, Field(description="哪一方给的评价 · which side says it")]
    listing_id: Annotated[UUID, Field(description="己方记录 · the record of that side")]
    other_id: UUID
    organisation_id: UUID
    industries: Annotated[list[str], Field(description="难题的行业大类 · divisions of industry of the problem")]
    said: Said
    by: UUID
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class Standing(StrEnum):
    """Whether what was judged is still there to be met."""

    OPEN = "open"
    OURS_CLOSED = "ours_closed"
    THEIRS_CLOSED = "theirs_closed"


class VerdictListed(VerdictView):
    """A verdict in a list of them."""

    by_name: Annotated[str, Field(description="最后由谁给出或修改 · the name of who said it last")]
    standing: Annotated[
        Standing,
        Field(
            description="open 双方记录都公开有效；ours_closed 己方记录已不公开；theirs_closed 对方记录已不在匹配中，评价只能撤回"
            " · open: both records are open; ours_closed: the record of that side is open no more; theirs_closed: the other"
            " is ranked no more, and the verdict can only be taken back"
        ),
    ]


class VerdictFilter(Filter):
    """Which verdicts."""

    mine: Annotated[
        bool | None, Field(description="只看我给出的，或只看同事给出的 · those that I gave, or those of colleagues")
    ] = None

    kind: Annotated[ListingKind | None, Field(description="哪一方 · which side")] = None
    grade: Annotated[int, Whole(0, 3, written=True)] | None = None
    organisation: UUID | None = None
    listing: Annotated[UUID | None, Field(description="己方记录 · the record that asked")] = None
    term: Annotated[str, Line(100)] | None = None
