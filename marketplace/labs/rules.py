"""What a booking must keep to: one list of rules for every way in.

Asking, moving, approving, a series and an offer from the waiting list all call `admitted`. A refusal gives every reason
at once, and says of each whether a keeper may waive it.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation, Person
from marketplace.kernel import clock, locks
from marketplace.kernel.clock import BEIJING
from marketplace.kernel.refusals import Conflict
from marketplace.labs import hours
from marketplace.labs.booking_models import LIVE_STATES, Booking
from marketplace.labs.instruments import NotItsKeeper
from marketplace.labs.models import Holiday, Instrument, OpeningException, OpeningHours, Outage, Qualification
from marketplace.reservations.claims import Period, period
from marketplace.reservations.models import Claim
from schemas.base import FieldError
from schemas.bookings import Rule
from schemas.identity import OrganisationKind, Verification
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

    instrument: Instrument
    ask: Ask
    now: datetime
    customer_class: CustomerClass
    verified: bool
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
        lambda c: not c.verified,
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


def claimed(instrument: Instrument, starts_at: datetime, ends_at: datetime) -> Period:
    """What a booking holds: its time, and what is kept free after it."""
    return period(starts_at, ends_at + timedelta(minutes=instrument.buffer_minutes))


def class_of(instrument: Instrument, organisation_id: UUID, kinds: Sequence[str], region: str) -> CustomerClass:
    """校内、高校院所、本省企业、其他."""
    if organisation_id == instrument.organisation_id:
        return CustomerClass.INTERNAL
    if {OrganisationKind.UNIVERSITY, OrganisationKind.INSTITUTE} & set(kinds):
        return CustomerClass.ACADEMIC
    if OrganisationKind.ENTERPRISE in kinds and region[:2] == instrument.region[:2]:
        return CustomerClass.PROVINCE_FIRM
    return CustomerClass.OTHER


async def look(session: AsyncSession, instrument: Instrument, ask: Ask) -> Circumstances:
    """The circumstances of a wish, in one statement."""
    if instrument.person_week_minutes is not None or instrument.person_upcoming is not None:
        await session.execute(locks.wait_for("labs.quota", instrument.id, ask.person_id))
    if instrument.organisation_week_minutes is not None:
        await session.execute(locks.wait_for("labs.quota", instrument.id, ask.organisation_id))
    now = clock.now()
    found = (await session.execute(_facts(instrument, ask, now))).one()
    weekly = [SimpleNamespace(weekday=day, opens=opens, closes=closes) for day, opens, closes in found.weekly]
    special = [
        SimpleNamespace(day=date.fromisoformat(day), opens=opens, closes=closes) for day, opens, closes in found.special
    ]
    holidays = {date.fromisoformat(day): follows for day, follows in found.holidays}
    spans = hours.open_spans(weekly, special, ask.starts_at, ask.ends_at, holidays)
    return Circumstances(
        instrument=instrument,
        ask=ask,
        now=now,
        customer_class=class_of(instrument, ask.organisation_id, found.kinds, found.region),
        verified=found.verification is Verification.VERIFIED,
        open=hours.covers(spans, ask.starts_at, ask.ends_at),
        out_of_order=found.out_of_order,
        qualified=found.qualified,
        taken=found.taken,
        person_minutes=_minutes(found.person_time),
        organisation_minutes=_minutes(found.organisation_time),
        upcoming=found.upcoming,
    )


def _minutes(time: timedelta) -> float:
    return time.total_seconds() / 60


def _facts(instrument: Instrument, ask: Ask, now: datetime) -> Any:
    during = claimed(instrument, ask.starts_at, ask.ends_at)
    week = hours.week_of(ask.starts_at)
    theirs = (
        Booking.instrument_id == instrument.id,
        Booking.state.in_(LIVE_STATES),
        Booking.id.not_in(ask.but),
    )
    this_week = (*theirs, Booking.starts_at >= week.starts_at, Booking.starts_at < week.ends_at)

    def used(*conditions: ColumnElement[bool]) -> Any:
        length = func.sum(Booking.ends_at - Booking.starts_at)
        return (
            select(func.coalesce(length, literal_column("interval '0'")))
            .where(*this_week, *conditions)
            .scalar_subquery()
        )

    def rows(cls: Any, order: Any, *parts: Any, where: Sequence[ColumnElement[bool]]) -> Any:
        listed = func.json_agg(aggregate_order_by(func.json_build_array(*parts), order))
        return select(func.coalesce(listed, func.json_build_array())).where(*where).scalar_subquery()

    first, last = hours.local_day(ask.starts_at), hours.local_day(ask.ends_at)
    return select(
        Organisation.verification,
        Organisation.kinds,
        Organisation.region,
        rows(
            OpeningHours, OpeningHours.weekday, OpeningHours.weekday, OpeningHours.opens, OpeningHours.closes,
            where=[OpeningHours.instrument_id == instrument.id],
        ).label("weekly"),
        rows(
            OpeningException, OpeningException.day, OpeningException.day, OpeningException.opens,
            OpeningException.closes,
            where=[OpeningException.instrument_id == instrument.id, OpeningException.day.between(first, last)],
        ).label("special"),
        rows(Holiday, Holiday.day, Holiday.day, Holiday.follows, where=[Holiday.day.between(first, last)]).label(
            "holidays"
        ),
        exists(
            select(Outage.id).where(
                Outage.instrument_id == instrument.id,
                Outage.starts_at < ask.ends_at,
                or_(Outage.ends_at.is_(None), Outage.ends_at > ask.starts_at),
            )
        ).label("out_of_order"),
        exists(
            select(Qualification.id)
            .join(Person, Person.email == Qualification.email)
            .where(
                Person.id == ask.person_id,
                Qualification.instrument_id == instrument.id,
                Qualification.revoked_at.is_(None),
                or_(Qualification.expires_on.is_(None), Qualification.expires_on >= last),
            )
        ).label("qualified"),
        exists(
            select(Claim.id).where(
                Claim.resource_id == instrument.id, Claim.during.op("&&")(during), Claim.held_by.not_in(ask.but)
            )
        ).label("taken"),
        used(Booking.person_id == ask.person_id).label("person_time"),
        used(Booking.organisation_id == ask.organisation_id).label("organisation_time"),
        select(func.count())
        .select_from(Booking)
        .where(*theirs, Booking.person_id == ask.person_id, Booking.ends_at > now)
        .scalar_subquery()
        .label("upcoming"),
    ).where(Organisation.id == ask.organisation_id)  # fmt: skip


async def admitted(
    session: AsyncSession, instrument: Instrument, ask: Ask, *, waive: Collection[Rule], keeper: bool
) -> tuple[CustomerClass, list[Rule]]:
    """Whose class they are, and what was waived for them; or every reason why not."""
    circumstances = await look(session, instrument, ask)
    found = broken(circumstances)
    waived = [rule for rule in found if rule in waive and RULES[rule].waivable]
    if waived and not keeper:
        raise NotItsKeeper("只有管理员可以放行规则。 · Only its keepers waive rules.")
    if len(waived) < len(found):
        raise NotBookable([rule for rule in found if rule not in waived])
    return circumstances.customer_class, waived
