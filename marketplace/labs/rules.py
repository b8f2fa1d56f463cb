"""What a booking must keep to: one list of rules for every way in.

Asking, moving, approving, a series and an offer from the waiting list all call `admitted`. A refusal gives every reason
at once, and says of each whether a keeper may waive it.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Uuid,
    all_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSTZRANGE
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation, Person
from marketplace.kernel import clock, locks
from marketplace.kernel.clock import BEIJING
from marketplace.kernel.prepared import Prepared
from marketplace.kernel.refusals import Conflict
from marketplace.labs import hours
from marketplace.labs.availability import days_of, opened
from marketplace.labs.booking_models import LIVE_STATES, Booking
from marketplace.labs.instruments import NotItsKeeper
from marketplace.labs.models import Instrument, Outage, Qualification
from marketplace.labs.terms import COLUMNS, Terms
from marketplace.reservations.claims import Period, period
from marketplace.reservations.models import Claim
from schemas.base import FieldError
from schemas.bookings import LONGEST, Rule
from schemas.identity import OrganisationCard, OrganisationKind, Verification
from schemas.labs import CustomerClass, InstrumentState, Operation


@dataclass(frozen=True, slots=True)
class Ask:
    """Who wants which time, and since when. `but` names what may hold that time already: what is being replaced."""

    organisation_id: UUID
    person_id: UUID
    starts_at: datetime
    ends_at: datetime
    assisted: bool
    answers: Sequence[str]
    asked_at: datetime
    but: Collection[UUID] = ()

    @property
    def minutes(self) -> float:
        return (self.ends_at - self.starts_at).total_seconds() / 60


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Everything that the rules look at."""

    instrument: Terms
    ask: Ask
    now: datetime
    organisation: OrganisationCard
    person_name: str
    customer_class: CustomerClass
    open: bool
    out_of_order: bool
    qualified: bool
    taken: bool
    person_minutes: float
    organisation_minutes: float
    upcoming: int


@dataclass(frozen=True, slots=True)
class Kept:
    """One rule: what breaks it, how that is said, which field it is about, whether a keeper may waive it."""

    broken: Callable[[Circumstances], bool]
    pointer: str
    told: str
    waivable: bool = False


def _off_grid(c: Circumstances) -> bool:
    step = timedelta(minutes=c.instrument.slot_minutes)
    local = [moment.astimezone(BEIJING) for moment in (c.ask.starts_at, c.ask.ends_at)]
    return any((moment - hours.midnight(moment.date())) % step for moment in local)


def _above(used: float, c: Circumstances, most: int | None) -> bool:
    return most is not None and used + c.ask.minutes > most


RULES: Final[dict[Rule, Kept]] = {
    Rule.NOT_OFFERED: Kept(
        lambda c: c.instrument.state is not InstrumentState.PUBLISHED,
        "/instrument_id",
        "此仪器当前不开放。 · It is not offered at present.",
    ),
    Rule.ORGANISATION_NOT_VERIFIED: Kept(
        lambda c: c.organisation.verification is not Verification.VERIFIED,
        "/organisation_id",
        "您的单位尚未通过认证。 · Your organisation is not verified.",
    ),
    Rule.CUSTOMER_NOT_SERVED: Kept(
        lambda c: c.customer_class not in c.instrument.customers,
        "/organisation_id",
        "不接受您这类用户的预约。 · Bookings of your class of customers are not taken.",
    ),
    Rule.IN_THE_PAST: Kept(lambda c: c.ask.starts_at < c.now, "/starts_at", "时间已过。 · That time has passed."),
    Rule.OFF_GRID: Kept(
        _off_grid,
        "/starts_at",
        "开始与结束须落在时间粒度上。 · It has to begin and end on the instrument's time grid.",
        waivable=True,
    ),
    Rule.TOO_SHORT: Kept(
        lambda c: c.ask.minutes < c.instrument.min_minutes,
        "/ends_at",
        "短于最短时长。 · It is shorter than the least length.",
        waivable=True,
    ),
    Rule.TOO_LONG: Kept(
        lambda c: c.ask.minutes > c.instrument.max_minutes,
        "/ends_at",
        "超过最长时长。 · It is longer than the greatest length.",
        waivable=True,
    ),
    Rule.TOO_SOON: Kept(
        lambda c: c.ask.starts_at < c.ask.asked_at + timedelta(minutes=c.instrument.notice_minutes),
        "/starts_at",
        "未达到提前预约时间。 · It is asked for at too short notice.",
        waivable=True,
    ),
    Rule.TOO_FAR: Kept(
        lambda c: c.ask.starts_at > c.ask.asked_at + timedelta(days=c.instrument.horizon_days),
        "/starts_at",
        "超出可预约的日期范围。 · It is further ahead than bookings are taken.",
        waivable=True,
    ),
    Rule.OUTSIDE_HOURS: Kept(
        lambda c: not c.open,
        "/starts_at",
        "不在开放时间内。 · It is outside the opening hours.",
        waivable=True,
    ),
    Rule.OUT_OF_ORDER: Kept(
        lambda c: c.out_of_order, "/starts_at", "这段时间仪器停用。 · It is out of order in that time."
    ),
    Rule.OPERATION_NOT_OFFERED: Kept(
        lambda c: c.instrument.operation is (Operation.SELF_USE if c.ask.assisted else Operation.ASSISTED),
        "/assisted",
        "不提供这种操作方式。 · It is not offered that way (alone, or with an operator).",
    ),
    Rule.QUALIFICATION_MISSING: Kept(
        lambda c: c.instrument.needs_qualification and not c.ask.assisted and not c.qualified,
        "/assisted",
        "没有有效的上机资格；可选择由机组人员操作。 · No valid qualification to use it alone; ask for an operator instead.",
    ),
    Rule.ANSWERS_MISSING: Kept(
        lambda c: len(c.ask.answers) != len(c.instrument.order_form),
        "/answers",
        "请回答全部预约问题。 · Answer every question of the order form.",
    ),
    Rule.PERSON_QUOTA: Kept(
        lambda c: _above(c.person_minutes, c, c.instrument.person_week_minutes),
        "/ends_at",
        "超过每人每周限额。 · It is above a person's weekly quota.",
        waivable=True,
    ),
    Rule.ORGANISATION_QUOTA: Kept(
        lambda c: _above(c.organisation_minutes, c, c.instrument.organisation_week_minutes),
        "/ends_at",
        "超过每单位每周限额。 · It is above an organisation's weekly quota.",
        waivable=True,
    ),
    Rule.TOO_MANY_UPCOMING: Kept(
        lambda c: c.instrument.person_upcoming is not None and c.upcoming >= c.instrument.person_upcoming,
        "/starts_at",
        "未完成的预约已达上限。 · There are too many upcoming bookings already.",
        waivable=True,
    ),
    Rule.SLOT_TAKEN: Kept(
        lambda c: c.taken,
        "/starts_at",
        "这段时间已被占用，可加入候补。 · That time is taken; the waiting list is open.",
    ),
}


class NotBookable(Conflict):
    """不能这样预约，原因如下。 · It cannot be booked like that; these are the reasons."""

    def __init__(self, rules: Sequence[Rule], *, within: str = "") -> None:
        super().__init__(errors=reasons(rules, within=within))
        self.rules = tuple(rules)


class SeriesNotBookable(Conflict):
    """系列预约中有些周不能预约，未预约任何一周。 · Some weeks of the series cannot be booked; none was."""


def reasons(rules: Sequence[Rule], *, within: str = "") -> list[FieldError]:
    """Each broken rule as it is told."""
    return [
        FieldError(
            pointer=f"{within}{RULES[rule].pointer}", code=rule, detail=RULES[rule].told, waivable=RULES[rule].waivable
        )
        for rule in rules
    ]


def broken(circumstances: Circumstances) -> list[Rule]:
    """Every rule that is broken, in the order of the list."""
    return [rule for rule, kept in RULES.items() if kept.broken(circumstances)]


def claimed(instrument: Terms, starts_at: datetime, ends_at: datetime) -> Period:
    """What a booking holds: its time, and what is kept free after it."""
    return period(starts_at, ends_at + timedelta(minutes=instrument.buffer_minutes))


def class_of(instrument: Terms | Instrument, organisation_id: UUID, kinds: Sequence[str], region: str) -> CustomerClass:
    """校内、高校院所、本省企业、其他."""
    if organisation_id == instrument.organisation_id:
        return CustomerClass.INTERNAL
    if {OrganisationKind.UNIVERSITY, OrganisationKind.INSTITUTE} & set(kinds):
        return CustomerClass.ACADEMIC
    if OrganisationKind.ENTERPRISE in kinds and region[:2] == instrument.region[:2]:
        return CustomerClass.PROVINCE_FIRM
    return CustomerClass.OTHER


def quota(instrument_id: UUID, whose: UUID) -> int:
    """The number of the lock on which those take turns who count what a person or an organisation has."""
    return locks.number("labs.quota", instrument_id, whose)


def counting() -> tuple[ColumnElement[None], ColumnElement[None]]:
    """Locks for whoever is not alone with the calendar, and only where there is a quota to count.

    Two columns that are given `quota` of the person and of the organisation under those names.
    """
    of_person, of_organisation = (
        func.pg_advisory_xact_lock(bindparam(name, type_=BigInteger)) for name in ("person_quota", "organisation_quota")
    )
    each = or_(Instrument.person_week_minutes.is_not(None), Instrument.person_upcoming.is_not(None))
    return case((each, of_person)), case((Instrument.organisation_week_minutes.is_not(None), of_organisation))


async def look(session: AsyncSession, instrument: Terms, ask: Ask) -> Circumstances:
    """The circumstances of a wish, in one statement, on a calendar that stands still.

    Terms that changed before it stood still are read anew.
    """
    while True:
        now, week = clock.now(), hours.week_of(ask.starts_at)
        found = await _LOOKED.first(
            session, instrument=instrument.id, organisation=ask.organisation_id, person=ask.person_id,
            starts_at=ask.starts_at, ends_at=ask.ends_at, during=claimed(instrument, ask.starts_at, ask.ends_at),
            but=list(ask.but), monday=week.starts_at, next_monday=week.ends_at, now=now,
            first_day=hours.local_day(ask.starts_at), last_day=hours.local_day(ask.ends_at),
        )  # fmt: skip
        assert found is not None
        if found["version"] == instrument.version:
            break
        whose = (ask.person_id, ask.organisation_id)
        await locks.hold(session, *(quota(instrument.id, one) for one in whose))
        instrument = Terms.from_row(await _TERMS.first(session, instrument=instrument.id))
    spans = opened(found, ask.starts_at, ask.ends_at)
    return Circumstances(
        instrument=instrument,
        ask=ask,
        now=now,
        organisation=OrganisationCard(
            id=ask.organisation_id, name=found["organisation_name"], verification=Verification(found["verification"])
        ),
        person_name=found["person_name"],
        customer_class=class_of(instrument, ask.organisation_id, found["kinds"], found["region"]),
        open=hours.covers(spans, ask.starts_at, ask.ends_at),
        out_of_order=found["out_of_order"],
        qualified=found["qualified"],
        taken=found["taken"],
        person_minutes=_minutes(found["person_time"]),
        organisation_minutes=_minutes(found["organisation_time"]),
        upcoming=found["upcoming"],
    )


def _minutes(time: timedelta | None) -> float:
    return 0 if time is None else time.total_seconds() / 60


def _looked() -> Any:
    """What `look` asks: of an organisation and a person, an instrument and a time."""
    instrument, organisation, person = (
        bindparam(name, type_=Uuid) for name in ("instrument", "organisation", "person")
    )
    starts_at, ends_at, now = (bindparam(name, type_=DateTime(True)) for name in ("starts_at", "ends_at", "now"))
    first, last = (bindparam(name, type_=Date) for name in ("first_day", "last_day"))
    but = all_(bindparam("but", type_=ARRAY(Uuid)))
    theirs = (Booking.instrument_id == instrument, Booking.state.in_(LIVE_STATES), Booking.id != but)
    length = func.sum(Booking.ends_at - Booking.starts_at)
    # One look at the instrument's own week: what a whole organisation has in one, on all instruments, may be a great deal.
    week = (
        select(
            length.filter(Booking.person_id == person).label("person_time"),
            length.filter(Booking.organisation_id == organisation).label("organisation_time"),
        )
        .where(*theirs, Booking.starts_at >= bindparam("monday"), Booking.starts_at < bindparam("next_monday"))
        .subquery("week")
    )
    return select(
        Organisation.name.label("organisation_name"),
        Organisation.verification,
        Organisation.kinds,
        Organisation.region,
        *days_of(instrument, first, last),
        exists(
            select(Outage.id).where(
                Outage.instrument_id == instrument,
                Outage.starts_at < ends_at,
                or_(Outage.ends_at.is_(None), Outage.ends_at > starts_at),
            )
        ).label("out_of_order"),
        exists(
            select(Qualification.id)
            .where(
                Qualification.email == Person.email,
                Qualification.instrument_id == instrument,
                Qualification.revoked_at.is_(None),
                or_(Qualification.expires_on.is_(None), Qualification.expires_on >= last),
            )
        ).label("qualified"),
        exists(
            select(Claim.id).where(
                Claim.resource_id == instrument, Claim.during.op("&&")(bindparam("during", type_=TSTZRANGE)),
                Claim.held_by != but,
            )
        ).label("taken"),
        week.c.person_time,
        week.c.organisation_time,
        select(func.count())
        .select_from(Booking)
        # What began longer ago than anything lasts has ended: so the history of a person is not read.
        .where(*theirs, Booking.person_id == person, Booking.ends_at > now, Booking.starts_at > now - LONGEST)
        .scalar_subquery()
        .label("upcoming"),
        Person.name.label("person_name"),
        Instrument.version,
    ).where(Organisation.id == organisation, Person.id == person, Instrument.id == instrument)  # fmt: skip


_LOOKED = Prepared(_looked())
_TERMS = Prepared(select(*COLUMNS).where(Instrument.id == bindparam("instrument")))


async def admitted(
    session: AsyncSession, instrument: Terms, ask: Ask, *, waive: Collection[Rule], keeper: bool
) -> tuple[Circumstances, list[Rule]]:
    """The circumstances, and what was waived of the rules; or every reason why not."""
    circumstances = await look(session, instrument, ask)
    found = broken(circumstances)
    waived = [rule for rule in found if rule in waive and RULES[rule].waivable]
    if waived and not keeper:
        raise NotItsKeeper("只有管理员可以放行规则。 · Only its keepers waive rules.")
    if len(waived) < len(found):
        raise NotBookable([rule for rule in found if rule not in waived])
    return circumstances, waived
