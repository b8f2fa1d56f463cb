"""Docking events (对接活动): what an organizer writes of one, its agenda, and its states."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Final, Protocol, Self
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import (
    AwareDatetime,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StrictBool,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from schemas.base import Filter, Message, ends_later, wrong_at
from schemas.codes import RegionCode
from schemas.identity import OrganisationCard
from schemas.listings import Contact, Disciplines, EachOnce, Industries, ListingKind, Story, Summary
from schemas.text import Line, Moment, Text, Title, Whole, Words

LONGEST = timedelta(days=31)
DAY_MINUTES: Final = 24 * 60


class EventKind(StrEnum):
    """供需对接、请进来、走出去、路演、产销对接、产需对接、银企对接、展会."""

    DOCKING = "docking"
    INVITE_IN = "invite_in"
    GO_OUT = "go_out"
    ROADSHOW = "roadshow"
    PRODUCER_SELLER = "producer_seller"
    PRODUCER_BUYER = "producer_buyer"
    BANK_ENTERPRISE = "bank_enterprise"
    FAIR = "fair"


class EventFormat(StrEnum):
    ONSITE = "onsite"
    ONLINE = "online"
    HYBRID = "hybrid"


class EventState(StrEnum):
    """草稿 → 已发布 → 报名中 → 报名截止 → 已排程 → 进行中 → 已结束 → 已跟进；已取消."""

    DRAFT = "draft"
    PUBLISHED = "published"
    OPEN = "open"
    CLOSED = "closed"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    ENDED = "ended"
    FOLLOWED_UP = "followed_up"
    CANCELLED = "cancelled"


class EventAct(StrEnum):
    """What may be done with an event as long as it is in the right state: `POSSIBLE` says in which."""

    EDIT = "edit"
    EDIT_QUESTIONS = "edit_questions"
    EDIT_AGENDA = "edit_agenda"
    REGISTER = "register"
    CHANGE_REGISTRATION = "change_registration"
    DECIDE = "decide"
    ANNOUNCE = "announce"
    WISH = "wish"
    SCHEDULE = "schedule"
    CHECK_IN = "check_in"
    RENEW_BADGE = "renew_badge"
    FOLLOW_UP = "follow_up"


_S = EventState
NEXT: Final[Mapping[EventState, frozenset[EventState]]] = MappingProxyType(
    {
        _S.DRAFT: frozenset({_S.PUBLISHED, _S.CANCELLED}),
        _S.PUBLISHED: frozenset({_S.OPEN, _S.CANCELLED}),
        _S.OPEN: frozenset({_S.CLOSED, _S.CANCELLED}),
        # Registration may be opened once more; what was planned may be planned anew. From then on it goes one way.
        _S.CLOSED: frozenset({_S.OPEN, _S.SCHEDULED, _S.RUNNING, _S.CANCELLED}),
        _S.SCHEDULED: frozenset({_S.CLOSED, _S.RUNNING, _S.CANCELLED}),
        _S.RUNNING: frozenset({_S.ENDED}),
        _S.ENDED: frozenset({_S.FOLLOWED_UP}),
        _S.FOLLOWED_UP: frozenset(),
        _S.CANCELLED: frozenset(),
    }
)
"""The one table of transitions."""

POSSIBLE: Final[Mapping[EventAct, frozenset[EventState]]] = MappingProxyType(
    {
        EventAct.EDIT: frozenset({_S.DRAFT, _S.PUBLISHED, _S.OPEN, _S.CLOSED, _S.SCHEDULED}),
        # Whoever registered has answered what was asked.
        EventAct.EDIT_QUESTIONS: frozenset({_S.DRAFT, _S.PUBLISHED}),
        EventAct.EDIT_AGENDA: frozenset({_S.DRAFT, _S.PUBLISHED, _S.OPEN, _S.CLOSED}),
        EventAct.REGISTER: frozenset({_S.OPEN}),
        EventAct.CHANGE_REGISTRATION: frozenset({_S.OPEN, _S.CLOSED, _S.SCHEDULED}),
        # A place that is given back is given to whoever waits until the event begins.
        EventAct.DECIDE: frozenset({_S.OPEN, _S.CLOSED, _S.SCHEDULED}),
        EventAct.ANNOUNCE: frozenset(set(_S) - {_S.DRAFT}),
        EventAct.WISH: frozenset({_S.OPEN, _S.CLOSED}),
        EventAct.SCHEDULE: frozenset({_S.CLOSED, _S.SCHEDULED, _S.RUNNING}),
        EventAct.CHECK_IN: frozenset({_S.CLOSED, _S.SCHEDULED, _S.RUNNING}),
        EventAct.RENEW_BADGE: frozenset({_S.OPEN, _S.CLOSED, _S.SCHEDULED, _S.RUNNING}),
        EventAct.FOLLOW_UP: frozenset({_S.RUNNING, _S.ENDED, _S.FOLLOWED_UP}),
    }
)
"""What is possible in which states; in every other it is refused."""


class ParticipantKind(StrEnum):
    """企业、高校院所、专家、金融投资机构、技术转移与服务机构、政府部门、观众: places are counted by it."""

    ENTERPRISE = "enterprise"
    ACADEMIC = "academic"
    EXPERT = "expert"
    FINANCE = "finance"
    BROKER = "broker"
    GOVERNMENT = "government"
    VISITOR = "visitor"


class QuestionKind(StrEnum):
    """一行、多行、整数、是否、单选、多选、日期."""

    LINE = "line"
    TEXT = "text"
    NUMBER = "number"
    YES_NO = "yes_no"
    CHOICE = "choice"
    CHOICES = "choices"
    DAY = "day"


class OrganizerRole(StrEnum):
    """联合主办、承办、协办、支持."""

    HOST = "host"
    UNDERTAKER = "undertaker"
    ASSISTANT = "assistant"
    SUPPORTER = "supporter"


class SpokenLanguage(StrEnum):
    """What can be spoken at a table: ISO 639-1."""

    ZH = "zh"
    EN = "en"
    RU = "ru"
    JA = "ja"
    KO = "ko"
    DE = "de"
    FR = "fr"
    ES = "es"


_ZONES = frozenset(available_timezones())


class _Zone:
    @staticmethod
    def read(value: object) -> str:
        if not isinstance(value, str) or value not in _ZONES:
            raise PydanticCustomError(
                "unknown_time_zone",
                "未知的时区，请填写 IANA 名称，例如 Asia/Shanghai"
                " · unknown time zone; write its IANA name, such as Asia/Shanghai",
            )
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        described = handler.resolve_ref_schema(handler(schema))
        described.update(format="iana-time-zone", examples=["Asia/Shanghai"])
        return described


TimeZone = Annotated[str, _Zone()]
"""The IANA name of the zone in which an event's clocks go."""

_URL = r"https://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[!-~]*)?"


LONGEST_URL: Final = 500


class _WebAddress:
    @staticmethod
    def read(value: object) -> str:
        if not isinstance(value, str) or len(value) > LONGEST_URL or not re.fullmatch(_URL, value):
            raise PydanticCustomError(
                "web_address",
                "请填写以 https:// 开头的网址，最多 500 个字符"
                " · write a web address that begins with https://, of at most 500 characters",
            )
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        described = handler.resolve_ref_schema(handler(schema))
        described.update(pattern=f"^{_URL}$", maxLength=LONGEST_URL, examples=["https://meet.example/room"])
        return described


WebAddress = Annotated[str, _WebAddress()]
Languages = Annotated[list[SpokenLanguage], Field(max_length=8), EachOnce]
Regions = Annotated[list[RegionCode], Field(max_length=20), EachOnce]


class Capacity(Message):
    """How many people of one kind find a place. A kind that is not named cannot register."""

    kind: ParticipantKind
    seats: Annotated[
        Annotated[int, Whole(0, 100_000)] | None, Field(description="名额（人），不填则不限 · people; null: no limit")
    ] = None


class CapacityView(Capacity):
    taken: Annotated[int, Field(description="已占名额 · places that are held")]


class Question(Message):
    """What whoever registers is asked."""

    text: Annotated[str, Line(300)]
    text_en: Annotated[str, Line(300)] | None = None
    kind: QuestionKind = QuestionKind.LINE
    options: Annotated[
        list[Annotated[str, Line(200)]], Field(max_length=50, description="选项（单选、多选） · what to choose from")
    ] = []
    required: StrictBool = False
    asked_of: Annotated[
        list[ParticipantKind],
        Field(max_length=len(ParticipantKind), description="只问这些类别，不填则都问 · empty: everybody"),
        EachOnce,
    ] = []

    @model_validator(mode="after")
    def _choices_have_options(self) -> Self:
        chosen = self.kind in {QuestionKind.CHOICE, QuestionKind.CHOICES}
        if chosen and len(set(self.options)) < 2:
            raise wrong_at("options", "options_missing", "至少两个不同的选项 · at least two different options")
        if not chosen and self.options:
            raise wrong_at("options", "options_unused", "只有选择题有选项 · only questions of choice have options")
        return self


class QuestionView(Question):
    id: UUID


class EventBody(Message):
    """What the organizer writes of an event; the agenda is written apart."""

    kind: EventKind = EventKind.DOCKING
    format: EventFormat = EventFormat.ONSITE
    title: Title
    title_en: Title | None = None
    summary: Summary | None = None
    description: Story | None = None
    time_zone: TimeZone = "Asia/Shanghai"
    starts_at: Moment
    ends_at: Moment
    region: RegionCode | None = None
    place: Annotated[
        Annotated[str, Line(300)] | None, Field(description="举办地点（线下） · where people come together")
    ] = None
    online_url: Annotated[
        WebAddress | None,
        Field(description="线上会议地址，只有已确认的参会者可见 · told to confirmed participants only"),
    ] = None
    industries: Industries = []
    disciplines: Disciplines = []
    regions: Annotated[Regions, Field(description="面向地区 · regions that it is for")] = []
    languages: Languages = [SpokenLanguage.ZH]
    registration_opens_at: Annotated[
        Moment | None, Field(description="自动开始报名，不填则手动 · opens by itself; null: by hand")
    ] = None
    registration_closes_at: Annotated[
        Moment | None, Field(description="自动截止报名，不填则到活动开始 · closes by itself; null: when it begins")
    ] = None
    needs_approval: StrictBool = False
    offer_hours: Annotated[
        Annotated[int, Whole(1, 7 * 24)], Field(description="候补答复时限（小时） · how long an offered place is held")
    ] = 24
    people_most: Annotated[
        Annotated[int, Whole(1, 20)], Field(description="每份报名最多几人 · people of one registration at most")
    ] = 5
    calls_for: Annotated[
        list[ListingKind],
        Field(max_length=2, description="征集的成果或难题 · records that registrants are asked to bring"),
        EachOnce,
    ] = []
    records_most: Annotated[int, Whole(0, 50)] = 10
    meetings_promised: Annotated[
        Annotated[int, Whole(0, 50)], Field(description="每位参会者保底洽谈数 · meetings promised to each participant")
    ] = 0
    meetings_most: Annotated[int, Whole(1, 200)] | None = None
    contact: Contact | None = None
    capacities: Annotated[list[Capacity], Field(min_length=1, max_length=len(ParticipantKind))] = [
        Capacity(kind=ParticipantKind.ENTERPRISE),
        Capacity(kind=ParticipantKind.ACADEMIC),
    ]
    questions: Annotated[list[Question], Field(max_length=30)] = []

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        kinds = [one.kind for one in self.capacities]
        if len(kinds) != len(set(kinds)):
            raise wrong_at("capacities", "kind_twice", "同一类别写了两次 · one kind is written twice")
        promise_kept(self)
        return self


class EventTimes(Message):
    """What of an event has to fit together: when it is, when one can register for it, how many meetings it promises."""

    model_config = ConfigDict(from_attributes=True, extra="ignore")

    starts_at: Moment
    ends_at: Moment
    registration_opens_at: Moment | None = None
    registration_closes_at: Moment | None = None
    meetings_promised: int = 0
    meetings_most: int | None = None

    @model_validator(mode="after")
    def _times(self) -> Self:
        times_in_order(self)
        promise_kept(self)
        return self


class _Promising(Protocol):
    @property
    def meetings_promised(self) -> int: ...
    @property
    def meetings_most(self) -> int | None: ...


def promise_kept(one: _Promising) -> None:
    """Refuse a promise of more meetings than anybody may have."""
    if one.meetings_most is not None and one.meetings_promised > one.meetings_most:
        raise wrong_at(
            "meetings_promised",
            "promise_over_most",
            "保底洽谈数超过了每人上限：请减少保底数或提高上限"
            " · more meetings are promised than anybody may have: promise fewer, or raise the most",
        )


class _Timed(Protocol):
    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...
    @property
    def registration_opens_at(self) -> datetime | None: ...
    @property
    def registration_closes_at(self) -> datetime | None: ...


def times_in_order(one: _Timed) -> None:
    """Refuse times that cannot be, at the field that has to change."""
    ends_later(one.starts_at, one.ends_at)
    if one.ends_at - one.starts_at > LONGEST:
        raise wrong_at("ends_at", "period_length", "最长 31 天 · 31 days at most")
    opens, closes = one.registration_opens_at, one.registration_closes_at
    if opens is not None and closes is not None and closes <= opens:
        raise wrong_at(
            "registration_closes_at", "window_order", "报名截止须晚于开始 · registration has to close after it opens"
        )
    if closes is not None and closes > one.ends_at:
        raise wrong_at(
            "registration_closes_at",
            "window_late",
            "报名须在活动结束前截止 · registration closes before the event ends",
        )
    if opens is not None and opens >= one.ends_at:
        raise wrong_at(
            "registration_opens_at", "window_late", "报名须在活动结束前开始 · registration opens before the event ends"
        )


class EventNew(EventBody):
    organisation_id: UUID

    @model_validator(mode="after")
    def _times(self) -> Self:
        times_in_order(self)
        return self


class EventPatch(EventBody):
    """Any of the fields; those left out stay as they are."""

    title: Title = Field(default=None, validate_default=False)  # type: ignore[assignment]
    starts_at: Moment = Field(default=None, validate_default=False)  # type: ignore[assignment]
    ends_at: Moment = Field(default=None, validate_default=False)  # type: ignore[assignment]


class EventClone(Message):
    """The same event once more, as a draft that begins at another moment; every time in it moves along."""

    title: Title
    starts_at: Moment


class EventStep(Message):
    """The state that the event enters."""

    to: EventState
    reason: Annotated[
        Annotated[str, Text(2000)] | None, Field(description="取消的原因，参会者可见 · why it is cancelled")
    ] = None

    @model_validator(mode="after")
    def _cancelled_for_a_reason(self) -> Self:
        if self.to is EventState.CANCELLED and self.reason is None:
            raise wrong_at("reason", "reason_missing", "请说明取消的原因 · say why it is cancelled")
        return self


class EventFilter(Filter):
    """Which events to list. Codes take in what stands below them."""

    q: Annotated[Words | None, Field(description="文字 · text in title, summary, place")] = None
    kind: EventKind | None = None
    format: EventFormat | None = None
    state: EventState | None = None
    region: RegionCode | None = None
    organisation: UUID | None = None
    starts_from: Moment | None = None
    starts_until: Moment | None = None
    mine: Annotated[bool, Field(description="只看我主办的，包括草稿 · those that you organize, drafts included")] = (
        False
    )


class EventCard(Message):
    """An event in a list."""

    id: UUID
    organisation: OrganisationCard
    kind: EventKind
    format: EventFormat
    state: EventState
    title: str
    title_en: str | None
    summary: str | None
    time_zone: str
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    region: str | None
    place: str | None
    industries: list[str]
    disciplines: list[str]
    regions: list[str]
    languages: list[SpokenLanguage]
    registration_opens_at: AwareDatetime | None
    registration_closes_at: AwareDatetime | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    version: int


class CoOrganizerView(Message):
    organisation: OrganisationCard
    role: OrganizerRole
    runs_desk: bool


class EventView(EventCard):
    """An event with all that a participant has to know."""

    description: str | None
    online_url: Annotated[str | None, Field(description="已确认的参会者可见 · told to confirmed participants only")]
    needs_approval: bool
    offer_hours: int
    people_most: int
    calls_for: list[ListingKind]
    records_most: int
    meetings_promised: int
    meetings_most: int | None
    contact: Annotated[Contact | None, Field(description="登录后可见 · shown to people who are signed in")]
    capacities: list[CapacityView]
    questions: list[QuestionView]
    organizers: list[CoOrganizerView]
    cancelled_because: str | None
    cloned_from_id: UUID | None
    possible: Annotated[list[EventAct], Field(description="此状态下可做的事 · what can be done in this state")]
    run_by_you: Annotated[bool, Field(description="您在办此活动 · you run its desk")]


class CoOrganizerBody(Message):
    role: OrganizerRole
    runs_desk: Annotated[StrictBool, Field(description="可以管理此活动 · its organizers run the desk too")] = False
