"""Booking an instrument, waiting for one, and what was really used."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, StrictBool, model_validator

from schemas.base import FieldError, Filter, Message, ShownOnce, ends_later, wrong_at
from schemas.identity import Email, OrganisationCard
from schemas.labs import CustomerClass
from schemas.listings import EachOnce
from schemas.text import Line, Moment, Text, Whole

LONGEST = timedelta(days=31)


class BookingState(StrEnum):
    """待审批、已确认、使用中、已完成；已拒绝、已取消、已改期、爽约释放."""

    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    IN_USE = "in_use"
    DONE = "done"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    MOVED = "moved"
    RELEASED = "released"


class Rule(StrEnum):
    """What a booking can fail on. A refusal names every one that it fails on."""

    NOT_OFFERED = "not_offered"
    ORGANISATION_NOT_VERIFIED = "organisation_not_verified"
    CUSTOMER_NOT_SERVED = "customer_not_served"
    IN_THE_PAST = "in_the_past"
    OFF_GRID = "off_grid"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    TOO_SOON = "too_soon"
    TOO_FAR = "too_far"
    OUTSIDE_HOURS = "outside_hours"
    OUT_OF_ORDER = "out_of_order"
    OPERATION_NOT_OFFERED = "operation_not_offered"
    QUALIFICATION_MISSING = "qualification_missing"
    ANSWERS_MISSING = "answers_missing"
    PERSON_QUOTA = "person_quota"
    ORGANISATION_QUOTA = "organisation_quota"
    TOO_MANY_UPCOMING = "too_many_upcoming"
    SLOT_TAKEN = "slot_taken"


Purpose = Annotated[str, Line(300)]
Note = Annotated[str, Text(2000)]
Answers = Annotated[
    list[Annotated[str, Text(2000)]],
    Field(max_length=20, description="对预约问题的回答 · an answer to each question of the order form"),
]
Waived = Annotated[
    list[Rule],
    Field(max_length=20, description="管理员放行的规则 · rules that a keeper waives (keepers only)"),
    EachOnce,
]


class Slot(Message):
    """From one moment up to, and without, another."""

    starts_at: Moment
    ends_at: Moment

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        ends_later(self.starts_at, self.ends_at)
        if self.ends_at - self.starts_at > LONGEST:
            raise wrong_at("ends_at", "period_length", "最长 31 天 · 31 days at most")
        return self


class BookingWish(Slot):
    """A time on an instrument, and what for."""

    purpose: Purpose
    assisted: Annotated[StrictBool, Field(description="由机组人员操作 · an operator runs it")] = False
    answers: Answers = []


class BookingNew(BookingWish):
    """A time on an instrument, for oneself, in the name of an organisation."""

    instrument_id: UUID
    organisation_id: Annotated[UUID, Field(description="以哪个单位的名义 · the organisation it is for")]
    for_email: Annotated[
        Email | None,
        Field(
            description="管理员代为预约：该单位成员的邮箱"
            " · keepers book in the name of somebody of that organisation, by their address"
        ),
    ] = None
    waive: Waived = []


class SeriesNew(BookingNew):
    """The same time every week until a day."""

    weeks: Annotated[int, Whole(2, 52)]
    skip_what_fails: Annotated[
        StrictBool,
        Field(description="跳过不能预约的周并列出，否则全有或全无 · leave gaps and report them; else all or nothing"),
    ] = False


class BookingPatch(Message):
    """What a booking is for, without moving it; what is left out stays as it is."""

    purpose: Purpose = Field(default=None, validate_default=False)  # type: ignore[assignment]
    answers: Answers = []


class BookingRevisionView(Message):
    """What a booking said before an edit."""

    version: int
    purpose: str
    answers: list[str]
    by: Annotated[UUID, Field(description="谁改的 · who changed it")]
    at: AwareDatetime


class BookingMove(Slot):
    waive: Waived = []


class Approval(Message):
    note: Note | None = None
    waive: Waived = []


class RefusalNote(Message):
    note: Note


class Cancellation(Message):
    note: Note | None = None


class BookingFilter(Filter):
    """Which bookings to list: one's own; with `kept`, those of the instruments one keeps."""

    instrument: UUID | None = None
    state: BookingState | None = None
    kept: Annotated[bool, Field(description="我管理的仪器上的 · of the instruments that you keep")] = False


class InstrumentBrief(Message):
    id: UUID
    name: str


class BookingView(Message):
    id: UUID
    instrument: InstrumentBrief
    organisation: OrganisationCard
    person_id: UUID
    person_name: str
    made_by: UUID
    customer_class: CustomerClass
    state: BookingState
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    purpose: str
    assisted: bool
    answers: list[str]
    waived: list[Rule]
    note: str | None
    decided_at: AwareDatetime | None
    cancelled_late: bool
    moved_from_id: UUID | None
    series_id: UUID | None
    checked_in_at: AwareDatetime | None
    checked_out_at: AwareDatetime | None
    created_at: AwareDatetime
    version: int


class Gap(Message):
    """A week of a series that was not booked, and every reason why."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime
    because: list[FieldError]


class SeriesView(Message):
    series_id: UUID
    bookings: list[BookingView]
    gaps: list[Gap]


class WaitingState(StrEnum):
    WAITING = "waiting"
    OFFERED = "offered"
    TAKEN = "taken"
    DECLINED = "declined"
    EXPIRED = "expired"
    LEFT = "left"


class WaitingNew(BookingWish):
    instrument_id: UUID
    organisation_id: UUID


class WaitingFilter(Filter):
    instrument: UUID | None = None
    live: Annotated[bool, Field(description="只列仍在候补的，按先后次序 · those who still wait, in their order")] = (
        False
    )


class WaitingView(Message):
    id: UUID
    instrument: InstrumentBrief
    organisation_id: UUID
    organisation: OrganisationCard
    person_id: UUID
    person_name: str
    state: WaitingState
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    purpose: str
    assisted: bool
    answers: list[str]
    offered_at: AwareDatetime | None
    offer_expires_at: AwareDatetime | None
    booking_id: UUID | None
    created_at: AwareDatetime
    version: int


class UsageSource(StrEnum):
    """管理员录入、签到终端、仪器日志、计量终端."""

    KEEPER = "keeper"
    KIOSK = "kiosk"
    LOG = "log"
    METER = "meter"


UsedMinutes = Annotated[int, Whole(0, 31 * 24 * 60)]


class UsageSaid(Message):
    """Effective hours: necessary preparation, the run, necessary post-processing."""

    preparation_minutes: UsedMinutes = 0
    run_minutes: UsedMinutes
    processing_minutes: UsedMinutes = 0
    samples: Annotated[int, Whole(0, 1_000_000)] | None = None


class UsageNumbers(UsageSaid):
    """The same as somebody writes it down: something at least."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.preparation_minutes + self.run_minutes + self.processing_minutes == 0:
            raise wrong_at("run_minutes", "usage_empty", "机时不能全为零 · at least one of the times is above zero")
        return self


class CheckOut(Message):
    """What of the time that one was there was preparation and post-processing; the rest was the run."""

    preparation_minutes: UsedMinutes = 0
    processing_minutes: UsedMinutes = 0
    samples: Annotated[int, Whole(0, 1_000_000)] | None = None


class UsageNew(UsageNumbers):
    """What a keeper writes down: of a booking, or of use that nobody had booked."""

    instrument_id: UUID
    booking_id: UUID | None = None
    organisation_id: Annotated[
        UUID | None, Field(description="无预约时必填 · whom it served, when there was no booking")
    ] = None
    starts_at: Moment
    ends_at: Moment
    assisted: StrictBool = False
    note: Note | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        ends_later(self.starts_at, self.ends_at)
        if self.ends_at - self.starts_at > LONGEST:
            raise wrong_at("ends_at", "period_length", "最长 31 天 · 31 days at most")
        minutes = -((self.starts_at - self.ends_at) // timedelta(minutes=1))
        if self.preparation_minutes + self.run_minutes + self.processing_minutes > minutes:
            raise wrong_at(
                "run_minutes",
                "usage_longer_than_period",
                "准备、运行、后处理合计超过了起止时间 · preparation, run and post-processing are longer than from beginning to end",
            )
        if (self.booking_id is None) == (self.organisation_id is None):
            raise wrong_at(
                "booking_id", "usage_of", "填写预约或单位之一 · name the booking or, without one, the organisation"
            )
        return self


class UsageLogView(Message):
    """What came of a log that was handed in."""

    rows: int
    entered: int
    known: Annotated[int, Field(description="此前已录入的行 · rows that were there already")]


class UsageFilter(Filter):
    instrument: UUID | None = None
    kept: Annotated[bool, Field(description="我管理的仪器上的 · of the instruments that you keep")] = False
    asked: Annotated[bool, Field(description="有待处理的更正申请 · with a correction that waits for a keeper")] = False


class UsageView(Message):
    id: UUID
    instrument: InstrumentBrief
    booking_id: UUID | None
    organisation: OrganisationCard
    person_id: UUID | None
    customer_class: CustomerClass
    source: UsageSource
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    preparation_minutes: int
    run_minutes: int
    processing_minutes: int
    effective_minutes: int
    samples: int | None
    assisted: bool
    note: str | None
    superseded_by_id: Annotated[
        UUID | None,
        Field(
            description="此时间已由这条记录计入，本条不再计机时和费用，只作留存"
            " · that record has its time: this one is kept, and counts neither as use nor in money"
        ),
    ]
    withdrawn_at: Annotated[
        AwareDatetime | None,
        Field(
            description="管理员已撤回，且没有其他来源的记录：不计机时和费用，只作留存"
            " · its keepers took it back and nobody else told of it: kept, and counts neither as use nor in money"
        ),
    ]
    created_at: AwareDatetime
    updated_at: AwareDatetime
    version: int


class UsageCut(Message):
    """What a record of use lost, or got back, because of another one."""

    usage_id: UUID
    organisation: OrganisationCard
    source: UsageSource
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    before_minutes: Annotated[int, Field(description="此前的有效机时（分钟） · effective minutes before")]
    after_minutes: Annotated[int, Field(description="此后的有效机时（分钟） · effective minutes afterwards")]
    samples_before: int | None
    samples_after: int | None
    at: AwareDatetime


class UsageEntered(UsageView):
    """A record as it was just entered, with what it took of others."""

    cuts: Annotated[
        list[UsageCut], Field(description="因此被减少的其他记录 · other records that were cut because of it")
    ]


class UsagePreview(Message):
    """What entering would do to other records. Nothing is written by asking."""

    cuts: list[UsageCut]


class WithdrawalOfUse(Message):
    reason: Note


class EvidenceView(UsageSaid):
    """What one source said of a use, as it said it."""

    id: UUID
    source: UsageSource
    device_id: Annotated[UUID | None, Field(description="计量终端 · the meter")]
    correction: Annotated[bool, Field(description="管理员采纳的更正 · a correction that a keeper accepted")]
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    counts: Annotated[
        bool, Field(description="计入机时；同一使用以等级最高的来源为准 · it counts: of one use the highest rank does")
    ]
    told_at: AwareDatetime
    withdrawn_at: Annotated[AwareDatetime | None, Field(description="管理员已撤回 · its keepers took it back")]


class AdjustmentState(StrEnum):
    ASKED = "asked"
    ACCEPTED = "accepted"
    DECLINED = "declined"


class AdjustmentNew(UsageNumbers):
    reason: Note


class AdjustmentDecision(Message):
    accept: StrictBool
    note: Note | None = None


class AdjustmentView(Message):
    id: UUID
    usage_id: UUID
    cause_id: Annotated[UUID | None, Field(description="引起这次更正的另一条记录 · the other record that it came of")]
    state: AdjustmentState
    reason: str
    wished: UsageSaid
    before: UsageSaid
    asked_by: UUID
    asked_at: AwareDatetime
    decided_by: UUID | None
    decided_at: AwareDatetime | None
    note: str | None


class CalendarKind(StrEnum):
    """我的预约、我管理的仪器、一台仪器."""

    PERSON = "person"
    KEEPER = "keeper"
    INSTRUMENT = "instrument"


class CalendarNew(Message):
    kind: CalendarKind
    instrument_id: UUID | None = None

    @model_validator(mode="after")
    def _of_an_instrument(self) -> Self:
        if (self.kind is CalendarKind.INSTRUMENT) != (self.instrument_id is not None):
            raise wrong_at(
                "instrument_id",
                "calendar_of",
                "仪器日历须注明仪器，其他不填 · an instrument's calendar names it, the others do not",
            )
        return self


class CalendarView(Message):
    id: UUID
    kind: CalendarKind
    instrument_id: UUID | None
    created_at: AwareDatetime


class CalendarMade(Message):
    id: UUID
    kind: CalendarKind
    instrument_id: UUID | None
    url: ShownOnce
