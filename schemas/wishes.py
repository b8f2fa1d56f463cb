"""Who wishes to meet whom at an event: proposals with their reasons, and what each side answers."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from schemas.base import Filter, Message
from schemas.event_extras import GroupFilter
from schemas.events import ParticipantKind
from schemas.identity import OrganisationCard
from schemas.lexicon import SynonymOf
from schemas.listings import ListingKind
from schemas.text import Whole, Words


class WishAnswer(StrEnum):
    """必须见、愿意见、不见. The last is told to nobody but those who said it."""

    MUST = "must"
    MEET = "meet"
    NO_THANKS = "no_thanks"


class Asked(StrEnum):
    """What is told of another side's answer: that they wish to meet, and how much. All else is silence."""

    MUST = "must"
    MEET = "meet"


class WishTerms(Message):
    """How many requests may wait for an answer, and for how long."""

    outstanding_most: Annotated[
        Annotated[int, Whole(1, 500)],
        Field(description="最多几个未答复的约见 · requests of one list without an answer"),
    ] = 10
    answer_hours: Annotated[
        Annotated[int, Whole(1, 24 * 90)], Field(description="约见的有效时间（小时） · after which a request lapses")
    ] = 7 * 24


class ParticipantCard(Message):
    """Somebody else who comes to an event: one meeting list."""

    registration_id: UUID
    kind: ParticipantKind
    name: Annotated[str, Field(description="单位，或本人姓名 · organisation, or their own name")]
    organisation: OrganisationCard | None
    introduction: str | None
    wanted: str | None


class RecordBrief(Message):
    id: UUID
    kind: ListingKind
    title: str


class TermBrief(Message):
    term: str
    contribution: float
    synonym_of: SynonymOf = None


class WishReason(Message):
    """A problem beside an achievement that the two bring: the score that the ranking gives, and what carries it."""

    problem: RecordBrief
    achievement: RecordBrief
    score: float
    text: Annotated[float, Field(description="文字部分的得分 · the part of the score that is of the text")]
    terms: list[TermBrief]
    sentence: Annotated[str | None, Field(description="最相关的一句 · the sentence that carries most")]


class WishBody(Message):
    answer: WishAnswer


class WishNew(WishBody):
    """Ask for a meeting with another participant of the event."""

    other_id: Annotated[UUID, Field(description="对方的报名 · the registration of the other side")]


class WishFilter(Filter):
    """Which of the wishes of a meeting list."""

    answer: Annotated[WishAnswer | None, Field(description="自己的答复 · what one said oneself")] = None
    open: Annotated[bool, Field(description="只看自己还未答复的 · those that wait for one's own answer")] = False
    asked: Annotated[bool, Field(description="只看对方想见的 · those that the other side asked for")] = False


class WhyNot(StrEnum):
    """Why a wish was not placed: the reasons of the timetable, and one of its own."""

    NO_COMMON_LANGUAGE = "no_common_language"
    HOSTS_APART = "hosts_apart"
    NO_COMMON_SLOT = "no_common_slot"
    NO_TABLE_OPEN = "no_table_open"
    FIXED_MEETINGS = "fixed_meetings"
    FLOOR = "floor"
    MAXIMUM_REACHED = "maximum_reached"
    NO_TABLE_LEFT = "no_table_left"
    PEOPLE_BUSY = "people_busy"
    SEARCH_ENDED = "search_ended"
    NOT_AGREED = "not_agreed"
    """Only one side asked for it. Whether the other refused or said nothing is not told."""


class NotPlaced(Message):
    """Why a wish has no meeting in what is published: in a word, and what may help, in the reader's language."""

    why: WhyNot
    told: str


class WishView(Message):
    """One pair as one side of it sees it."""

    id: UUID
    event_id: UUID
    registration_id: UUID
    other: ParticipantCard
    proposed: Annotated[bool, Field(description="系统推荐 · the matcher proposes it")]
    score: float
    because: list[WishReason]
    answer: Annotated[WishAnswer | None, Field(description="自己的答复 · what one said oneself")]
    answered_at: AwareDatetime | None
    expires_at: Annotated[
        AwareDatetime | None,
        Field(description="对方未答复时，约见到此失效 · when the request lapses without an answer"),
    ]
    expired: bool
    asked: Annotated[Asked | None, Field(description="对方想见 · the other side wishes to meet")]
    mutual: Annotated[bool, Field(description="双方都想见 · both wish to meet")]
    not_placed: Annotated[
        NotPlaced | None,
        Field(description="您想见而公布的日程未安排的原因 · why the published schedule has no meeting for your wish"),
    ] = None
    version: int


class WishDeskFilter(GroupFilter):
    """Which pairs of an event."""

    q: Annotated[Words | None, Field(description="文字 · text in names, organisation")] = None
    asked: Annotated[bool, Field(description="只看有人想见的 · those that somebody asked for")] = False
    mutual: Annotated[bool, Field(description="只看双方都想见的 · those that both asked for")] = False


class Visit(Message):
    """A meeting that takes several slots at a place of its own, in a lab say."""

    table_id: Annotated[UUID, Field(description="地点（洽谈桌或实验室） · where it takes place")]
    slots: Annotated[int, Whole(1, 40)] = 2


class WishDeskView(Message):
    """One pair as the desk sees it. A refusal looks like silence here too."""

    id: UUID
    first: ParticipantCard
    second: ParticipantCard
    first_asks: Asked | None
    second_asks: Asked | None
    mutual: bool
    proposed: bool
    score: float
    because: list[WishReason]
    visit: Visit | None


class ParticipantFilter(Filter):
    """Which of the others who come."""

    q: Annotated[Words | None, Field(description="文字 · text in names, organisation")] = None
    kind: ParticipantKind | None = None
