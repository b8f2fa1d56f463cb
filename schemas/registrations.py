"""Registering for an event, waiting for a place, checking in, and being told."""

from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, StrictBool, model_validator

from schemas.base import Filter, Message, wrong_at
from schemas.event_extras import GroupFilter
from schemas.events import EventState, Languages, ParticipantKind
from schemas.identity import Email, OrganisationCard, Phone
from schemas.listings import EachOnce, ListingKind
from schemas.text import Day, Line, Name, Text, Title, Whole, Words

Note = Annotated[str, Text(2000)]


class RegistrationState(StrEnum):
    """待审核、候补中、已留位、已确认；未通过、放弃候补、候补过期、已取消."""

    REQUESTED = "requested"
    WAITING = "waiting"
    OFFERED = "offered"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    DECLINED = "declined"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Answer(Message):
    """What was answered to one question: the one field that fits its kind."""

    question_id: UUID
    text: Annotated[Annotated[str, Text(2000)] | None, Field(description="一行、多行 · line, text")] = None
    number: Annotated[Annotated[int, Whole(-(2**31), 2**31 - 1)] | None, Field(description="整数 · number")] = None
    yes: Annotated[StrictBool | None, Field(description="是否 · yes_no")] = None
    chosen: Annotated[
        list[Annotated[str, Line(200)]] | None, Field(max_length=50, description="单选、多选 · choice, choices")
    ] = None
    day: Annotated[
        Annotated[Day, Field(json_schema_extra={"format": "date"})] | None, Field(description="日期 · day")
    ] = None

    @model_validator(mode="after")
    def _once(self) -> Self:
        given = [one for one in (self.text, self.number, self.yes, self.chosen, self.day) if one is not None]
        if len(given) != 1:
            raise wrong_at("question_id", "answer_once", "每个问题只填一种回答 · give one answer to each question")
        return self


class AttendeeBody(Message):
    """Somebody who comes. The people of one registration share one meeting list."""

    name: Name
    email: Email
    phone: Phone | None = None
    job: Annotated[Annotated[str, Line(100)] | None, Field(description="职务 · position")] = None
    languages: Annotated[Languages, Field(description="会说的语言，不填则不限 · spoken; none: any")] = []
    meetings_most: Annotated[int, Whole(0, 200)] | None = None
    absent: Annotated[
        list[UUID], Field(max_length=500, description="不能参加的场次 · slots in which they cannot"), EachOnce
    ] = []


People = Annotated[list[AttendeeBody], Field(min_length=1, max_length=20)]


class RegistrationBody(Message):
    people: People
    introduction: Annotated[
        Annotated[str, Text(2000)] | None, Field(description="自我介绍，其他参会者可见 · shown to other participants")
    ] = None
    wanted: Annotated[
        Annotated[str, Text(2000)] | None, Field(description="希望见到谁、解决什么 · whom they hope to meet, what for")
    ] = None
    accessibility: Annotated[
        Annotated[str, Text(1000)] | None, Field(description="无障碍需求，仅主办方可见 · needs; told to the desk only")
    ] = None
    meetings_most: Annotated[
        Annotated[int, Whole(0, 200)] | None, Field(description="最多洽谈几场 · meetings at most, all people together")
    ] = None
    shown: Annotated[StrictBool, Field(description="在参会名单中公开 · shown to other participants in the list")] = True
    answers: Annotated[list[Answer], Field(max_length=30)] = []
    records: Annotated[
        list[UUID],
        Field(max_length=50, description="带来的成果或难题（本单位的） · records of one's own organisation"),
        EachOnce,
    ] = []


class RegistrationNew(RegistrationBody):
    """Register people, in the name of an organisation or for oneself."""

    organisation_id: Annotated[
        UUID | None, Field(description="以哪个单位的名义，不填则以个人名义 · null: for oneself")
    ] = None
    kind: ParticipantKind
    wait: Annotated[StrictBool, Field(description="满员时候补 · get in line when it is full")] = False


class RegistrationPatch(RegistrationBody):
    """Any of the fields; those left out stay as they are."""

    people: People = Field(default=None, validate_default=False)  # type: ignore[call-overload]


class RegistrationDecision(Message):
    note: Note | None = None
    wait: Annotated[StrictBool, Field(description="满员时转为候补 · put into the line when it is full")] = False


class RegistrationRefusal(Message):
    note: Note


class RegistrationCancellation(Message):
    note: Note | None = None


class RegistrationFilter(GroupFilter):
    """Which registrations of an event to list."""

    q: Annotated[Words | None, Field(description="文字 · text in names, organisation")] = None
    kind: ParticipantKind | None = None
    state: RegistrationState | None = None


class RosterFilter(Filter):
    """Whom a file of the people of an event holds."""

    kind: ParticipantKind | None = None
    state: RegistrationState = RegistrationState.CONFIRMED


class BadgeFilter(Filter):
    """Whose badges to print, of those who come."""

    kind: ParticipantKind | None = None


class EventBrief(Message):
    id: UUID
    title: str
    title_en: str | None
    state: EventState
    starts_at: AwareDatetime
    ends_at: AwareDatetime


class AttendeeView(Message):
    id: UUID
    name: str
    email: str
    phone: str | None
    job: str | None
    languages: list[str]
    meetings_most: int | None
    absent: list[UUID]
    checked_in_at: Annotated[AwareDatetime | None, Field(description="首次签到 · when they first came in")]


class BroughtRecord(Message):
    id: UUID
    kind: ListingKind
    title: str


class RegistrationView(Message):
    id: UUID
    event: EventBrief
    organisation: OrganisationCard | None
    kind: ParticipantKind
    state: RegistrationState
    made_by: UUID
    people: list[AttendeeView]
    introduction: str | None
    wanted: str | None
    accessibility: Annotated[
        str | None, Field(description="报名方与主办方可见 · told to those who registered and the desk")
    ]
    meetings_most: int | None
    shown: bool
    answers: list[Answer]
    records: list[BroughtRecord]
    note: str | None
    decided_at: AwareDatetime | None
    offered_at: AwareDatetime | None
    offer_expires_at: AwareDatetime | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    version: int


class CheckInNew(Message):
    """The code of a badge, read at a door. Reading it again changes nothing."""

    code: Annotated[str, Line(100)]
    door: Annotated[str, Line(100)] = "入口"


class CheckInView(Message):
    registration_id: UUID
    person_id: Annotated[UUID, Field(description="参会者 · the attendee")]
    name: str
    organisation: str | None
    kind: ParticipantKind
    door: str
    at: AwareDatetime
    before: Annotated[bool, Field(description="此门此前已签到 · was checked in at this door before")]


class Presence(Message):
    """How many came, each counted once however many doors they went through."""

    confirmed: int
    present: int


class AnnouncementNew(Message):
    """A letter to the participants."""

    subject: Title
    text: Annotated[str, Text(10_000)]
    states: Annotated[
        list[RegistrationState],
        Field(min_length=1, max_length=len(RegistrationState), description="发给哪些报名 · whose registrations"),
        EachOnce,
    ] = [RegistrationState.CONFIRMED]
    kinds: Annotated[
        list[ParticipantKind],
        Field(max_length=len(ParticipantKind), description="只发给这些类别，不填则都发 · empty: all"),
        EachOnce,
    ] = []


class AnnouncementView(Message):
    id: UUID
    subject: str
    text: str
    states: list[RegistrationState]
    kinds: list[ParticipantKind]
    created_at: AwareDatetime
    letters: Annotated[int, Field(description="已投递 · letters posted so far")]
    done_at: AwareDatetime | None
