"""Shared instruments (大型科学仪器), test services and open laboratories: what a lab lets others use, and on which terms."""

import re
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, StrictBool, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from schemas.base import Filter, Message, ends_later, wrong_at
from schemas.codes import InstrumentClassCode, RegionCode
from schemas.identity import Email, OrganisationCard
from schemas.instrument_files import InstrumentFileView, InstrumentPhoto
from schemas.listings import Contact, EachOnce, Keywords, Story
from schemas.places import Position
from schemas.text import Day, Line, Moment, Text, Title, Whole, Words, Yuan


class InstrumentKind(StrEnum):
    """仪器、检测服务、开放实验室（中试线）: booked or ordered alike."""

    INSTRUMENT = "instrument"
    TEST_SERVICE = "test_service"
    OPEN_LAB = "open_lab"


class InstrumentState(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


class Audience(StrEnum):
    """Who sees it: everybody, organisations of the same province, or the owner's own people."""

    EVERYBODY = "everybody"
    PROVINCE = "province"
    OWN = "own"


class CustomerClass(StrEnum):
    """校内、高校院所、本省企业、其他: prices, approval and admission follow it."""

    INTERNAL = "internal"
    ACADEMIC = "academic"
    PROVINCE_FIRM = "province_firm"
    OTHER = "other"


class Operation(StrEnum):
    """自主上机、机组操作."""

    SELF_USE = "self_use"
    ASSISTED = "assisted"
    EITHER = "either"


DAY_MINUTES = 24 * 60
_CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$"


def clock_minutes(written: str) -> int:
    """`"08:30"` as minutes since midnight."""
    hours, _, minutes = written.partition(":")
    return int(hours) * 60 + int(minutes)


def clock_written(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


class _Clock:
    @staticmethod
    def read(value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(_CLOCK, value):
            raise PydanticCustomError(
                "clock_expected", "请填写时刻，例如 08:30 · write a time of day, such as 08:30 (24:00 ends a day)"
            )
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        described = handler.resolve_ref_schema(handler(schema))
        described.update(pattern=_CLOCK, minLength=5, maxLength=5, examples=["08:30"])
        return described


ClockTime = Annotated[str, _Clock()]
"""A time of day in China, `HH:MM`; `24:00` is the end of a day."""


class OpenHours(Message):
    """One stretch of a weekday, 1 (星期一) to 7, in which it can be used."""

    weekday: Annotated[int, Whole(1, 7)]
    opens: ClockTime
    closes: ClockTime

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if clock_minutes(self.opens) >= clock_minutes(self.closes):
            raise PydanticCustomError("hours_order", "开放须早于关闭 · it has to open before it closes")
        return self


class OpeningException(Message):
    """A day that is not like its weekday: a holiday (without hours), or other hours."""

    day: Annotated[Day, Field(json_schema_extra={"format": "date"})]
    opens: ClockTime | None = None
    closes: ClockTime | None = None
    reason: Annotated[str, Line(100)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if (self.opens is None) != (self.closes is None):
            raise PydanticCustomError(
                "exception_pair",
                "opens 与 closes 须同时填写，都不填表示关闭 · opens and closes go together; neither: closed",
            )
        if self.opens and self.closes and clock_minutes(self.opens) >= clock_minutes(self.closes):
            raise PydanticCustomError("hours_order", "开放须早于关闭 · it has to open before it closes")
        return self


def _refuse_overlaps(field: str, stretches: Sequence[tuple[Any, str, str]]) -> None:
    ordered = sorted(stretches)
    for (one, _, until), (other, since, _) in pairwise(ordered):
        if one == other and clock_minutes(since) < clock_minutes(until):
            raise wrong_at(field, "hours_overlap", "同一天的时段不能重叠 · the hours of one day must not overlap")


Minutes = Annotated[int, Whole(0, 7 * DAY_MINUTES)]
Customers = Annotated[list[CustomerClass], Field(max_length=4), EachOnce]
Grain = Annotated[int, Whole(5, DAY_MINUTES)]
Length = Annotated[int, Whole(5, 31 * DAY_MINUTES)]
WeekMinutes = Annotated[int, Whole(0, 7 * DAY_MINUTES)]
OFFICE_HOURS = [OpenHours(weekday=day, opens="08:30", closes="17:30") for day in range(1, 6)]


class InstrumentBody(Message):
    """What the lab writes: what it is, who may use it, and on which terms."""

    kind: InstrumentKind = InstrumentKind.INSTRUMENT
    name: Title
    name_en: Title | None = None
    model: Annotated[str, Line(200)] | None = None
    maker: Annotated[str, Line(200)] | None = None
    class_code: InstrumentClassCode | None = None
    value: Annotated[Yuan | None, Field(description="原值（元） · purchase value in yuan")] = None
    publicly_funded: Annotated[
        StrictBool,
        Field(
            description="财政资金购置：须向本省企业开放，除非说明保密理由"
            " · bought with public money: open to firms of the province unless a confidentiality reason is stated"
        ),
    ] = False
    closed_because: Annotated[
        Annotated[str, Text(2000)] | None,
        Field(description="不向本省企业开放的保密理由 · the confidentiality reason for not opening it"),
    ] = None
    audience: Audience = Audience.EVERYBODY
    customers: Annotated[Customers, Field(description="可预约的用户类别 · whose bookings are taken")] = list(
        CustomerClass
    )
    confirmed_at_once: Annotated[
        Customers, Field(description="无需管理员审批的类别 · whose bookings wait for no keeper")
    ] = list(CustomerClass)
    region: RegionCode
    lab: Annotated[str, Line(200)] | None = None
    location: Annotated[str, Line(300)] | None = None
    position: Annotated[Position | None, Field(description="经纬度，可不填 · its coordinates, if known")] = None
    capabilities: Story | None = None
    accreditation: Annotated[
        Annotated[str, Text(5000)] | None, Field(description="资质能力范围（CMA、CNAS） · accredited scope")
    ] = None
    keywords: Keywords = []
    contact: Contact | None = None
    operation: Operation = Operation.EITHER
    needs_qualification: Annotated[
        StrictBool, Field(description="自主上机须有上机资格 · self-use needs a qualification")
    ] = False
    slot_minutes: Annotated[Grain, Field(description="时间粒度 · bookings begin and end on this grain")] = 30
    min_minutes: Length = 30
    max_minutes: Length = DAY_MINUTES
    notice_minutes: Annotated[
        Annotated[int, Whole(0, 90 * DAY_MINUTES)], Field(description="至少提前多久 · how long before it begins")
    ] = 0
    horizon_days: Annotated[Annotated[int, Whole(1, 730)], Field(description="最多提前多少天 · how far ahead")] = 90
    buffer_minutes: Annotated[
        Annotated[int, Whole(0, DAY_MINUTES)], Field(description="两次预约之间的间隔 · kept free after each booking")
    ] = 0
    late_cancel_minutes: Annotated[
        Minutes, Field(description="开始前多久取消算晚取消 · cancelled later than this before it begins is late")
    ] = 0
    no_show_minutes: Annotated[
        Annotated[int, Whole(5, DAY_MINUTES)] | None,
        Field(description="超过多久未签到即释放，不填则不释放 · released when nobody checked in by then"),
    ] = None
    person_week_minutes: Annotated[
        WeekMinutes | None, Field(description="每人每周限额 · a person's week (Monday to Sunday)")
    ] = None
    organisation_week_minutes: Annotated[
        WeekMinutes | None, Field(description="每单位每周限额 · an organisation's week")
    ] = None
    person_upcoming: Annotated[
        Annotated[int, Whole(1, 1000)] | None,
        Field(description="每人未完成的预约数上限 · a person's upcoming bookings"),
    ] = None
    order_form: Annotated[
        list[Annotated[str, Line(200)]],
        Field(max_length=20, description="预约时须回答的问题 · questions that each booking answers"),
    ] = []
    hours: Annotated[list[OpenHours], Field(max_length=42, description="每周开放时间 · opening hours by weekday")] = (
        OFFICE_HOURS
    )
    exceptions: Annotated[
        list[OpeningException], Field(max_length=200, description="节假日与例外 · holidays and other exceptions")
    ] = []

    @model_validator(mode="after")
    def _hours_apart(self) -> Self:
        _refuse_overlaps("hours", [(one.weekday, one.opens, one.closes) for one in self.hours])
        days = [one.day for one in self.exceptions if one.opens is None]
        if len(days) != len(set(days)) or set(days) & {one.day for one in self.exceptions if one.opens}:
            raise wrong_at("exceptions", "exception_twice", "同一天写了两次 · one day is written twice")
        _refuse_overlaps(
            "exceptions", [(one.day, one.opens, one.closes) for one in self.exceptions if one.opens and one.closes]
        )
        return self


class InstrumentNew(InstrumentBody):
    organisation_id: UUID


class InstrumentPatch(InstrumentBody):
    """Any of the fields; those left out stay as they are."""

    name: Title = Field(default=None, validate_default=False)  # type: ignore[assignment]
    region: RegionCode = Field(default=None, validate_default=False)  # type: ignore[assignment]


class InstrumentFilter(Filter):
    """Which instruments to list. Codes take in what stands below them."""

    q: Annotated[Words | None, Field(description="文字 · text in name, model, maker, capabilities, keywords")] = None
    kind: InstrumentKind | None = None
    class_code: Annotated[InstrumentClassCode | None, Field(description="仪器分类 · instrument class")] = None
    region: RegionCode | None = None
    organisation: UUID | None = None
    publicly_funded: bool | None = None
    state: InstrumentState | None = None
    mine: Annotated[bool, Field(description="只看本单位的，包括草稿 · your organisations' own, drafts included")] = (
        False
    )
    free_from: Annotated[
        Moment | None,
        Field(description="从此刻起空闲，与 free_until 同用 · free and open from here to `free_until`"),
    ] = None
    free_until: Moment | None = None


class InstrumentCard(Message):
    """An instrument in a list."""

    id: UUID
    kind: InstrumentKind
    state: InstrumentState
    organisation: OrganisationCard
    name: str
    name_en: str | None
    model: str | None
    maker: str | None
    class_code: str | None
    publicly_funded: bool
    audience: Audience
    region: str
    lab: str | None
    location: str | None
    keywords: list[str]
    photo: Annotated[InstrumentPhoto | None, Field(description="第一张照片 · its first photo")]
    out_of_order: Annotated[bool, Field(description="现在停用 · out of order at this moment")]
    created_at: AwareDatetime
    updated_at: AwareDatetime
    version: int


class RatingSummary(Message):
    """What its users say, in two numbers."""

    count: int
    mean: Annotated[float | None, Field(description="1–5，两位小数 · two decimal places; null without ratings")]


class InstrumentView(InstrumentCard):
    """An instrument with all that a user has to know of it."""

    value: Yuan | None
    position: Position | None
    photos: list[InstrumentFileView]
    documents: list[InstrumentFileView]
    closed_because: str | None
    customers: list[CustomerClass]
    confirmed_at_once: list[CustomerClass]
    capabilities: str | None
    accreditation: str | None
    contact: Annotated[Contact | None, Field(description="登录后可见 · shown to people who are signed in")]
    operation: Operation
    needs_qualification: bool
    slot_minutes: int
    min_minutes: int
    max_minutes: int
    notice_minutes: int
    horizon_days: int
    buffer_minutes: int
    late_cancel_minutes: int
    no_show_minutes: int | None
    person_week_minutes: int | None
    organisation_week_minutes: int | None
    person_upcoming: int | None
    order_form: list[str]
    hours: list[OpenHours]
    exceptions: list[OpeningException]
    ratings: Annotated[RatingSummary, Field(description="使用后的评价 · what users say")]
    kept_by_you: Annotated[bool, Field(description="您是它的管理员 · you are one of its keepers")]


class KeeperNew(Message):
    email: Email


class KeeperView(Message):
    person_id: UUID
    name: str
    email: str
    since: AwareDatetime


class OutageNew(Message):
    """Out of order from a moment on, until it is said to be over or the end that is given."""

    starts_at: Moment
    ends_at: Moment | None = None
    reason: Annotated[str, Line(300)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends_at is not None:
            ends_later(self.starts_at, self.ends_at)
        return self


class OutageView(Message):
    id: UUID
    starts_at: AwareDatetime
    ends_at: AwareDatetime | None
    reason: str
    reported_at: AwareDatetime


class QualificationNew(Message):
    """A person who may use it alone, until a day or for good."""

    email: Email
    expires_on: Annotated[
        Annotated[Day, Field(json_schema_extra={"format": "date"})] | None,
        Field(description="最后有效日 · the last day on which it holds"),
    ] = None
    note: Annotated[str, Line(300)] | None = None


class QualificationView(Message):
    id: UUID
    email: str
    expires_on: date | None
    note: str | None
    granted_at: AwareDatetime
    revoked_at: AwareDatetime | None


class Window(Filter):
    """From when to when a calendar is asked for: 62 days at most."""

    since: Moment
    until: Moment


class BusyKind(StrEnum):
    BOOKED = "booked"
    OUTAGE = "outage"


class Stretch(Message):
    starts_at: AwareDatetime
    ends_at: AwareDatetime


class BusyStretch(Stretch):
    kind: BusyKind


class Availability(Message):
    """When it is open, when it is taken (by whom is not told), and what is left."""

    instrument_id: UUID
    since: AwareDatetime
    until: AwareDatetime
    open: list[Stretch]
    busy: list[BusyStretch]
    free: list[Stretch]
