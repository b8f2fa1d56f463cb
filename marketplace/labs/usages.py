"""What was really used, written down once; corrections are asked for, decided, and kept."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager

from marketplace.identity.models import Organisation
from marketplace.identity.policy import organisation_visible_to
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, Forbidden, Invalid, NotFound, refusing
from marketplace.labs import bookings, facts, instruments, rules
from marketplace.labs.booking_models import HOLDING_STATES, Adjustment, Booking, Usage
from marketplace.labs.models import Instrument
from marketplace.labs.policy import instrument_kept_by, usage_visible_to
from schemas.base import FieldError
from schemas.bookings import (
    AdjustmentDecision,
    AdjustmentNew,
    AdjustmentState,
    BookingState,
    CheckOut,
    UsageFilter,
    UsageNew,
    UsageNumbers,
    UsageSource,
)
from schemas.identity import Permission
from schemas.labs import CustomerClass

NUMBERS = tuple(UsageNumbers.model_fields)


class EnteredAlready(Conflict):
    """此预约的机时已经录入；如需更正，请提出更正申请。 · The use of this booking is written down already; ask for an adjustment."""


class NotUsable(Conflict):
    """此预约没有使用过。 · That booking was not used."""


class AskedAlready(Conflict):
    """已有一个待处理的更正申请。 · An adjustment was asked for and waits to be decided."""


class DecidedAlready(Conflict):
    """此更正申请已处理。 · This adjustment was decided already."""


class NotYourUsage(Forbidden):
    """只有使用单位和仪器管理员可以申请更正。 · Only the organisation it served and the keepers may ask for that."""


class NoSuchOrganisation(Invalid):
    """没有这个单位。 · There is no such organisation."""

    def __init__(self) -> None:
        super().__init__(errors=[FieldError(pointer="/organisation_id", code="unknown", detail=self.title())])


class LongerThanThere(Invalid):
    """准备与后处理合计超过了在场时间。 · Preparation and post-processing together are longer than the time between coming and going."""

    def __init__(self) -> None:
        super().__init__(
            errors=[FieldError(pointer="/preparation_minutes", code="longer_than_there", detail=self.title())]
        )


class NoSuchBooking(Invalid):
    """此仪器没有这个预约。 · This instrument has no such booking."""

    def __init__(self) -> None:
        super().__init__(errors=[FieldError(pointer="/booking_id", code="unknown", detail=self.title())])


def chosen() -> Select[Usage]:
    return (
        select(Usage)
        .join(Instrument, Instrument.id == Usage.instrument_id)
        .join(Organisation, Organisation.id == Usage.organisation_id)
        .options(contains_eager(Usage.instrument), contains_eager(Usage.organisation))
        .execution_options(populate_existing=True)
    )


async def read(session: AsyncSession, actor: Actor, usage_id: UUID, *, lock: bool = False) -> Usage:
    statement = chosen().where(Usage.id == usage_id, usage_visible_to(actor))
    if lock:
        statement = statement.with_for_update(of=Usage)
    found = await session.scalar(statement)
    if found is None:
        raise NotFound
    return found


async def listed(
    session: AsyncSession, actor: Actor, wish: UsageFilter, paging: Paging
) -> tuple[list[Usage], str | None]:
    """What was used, latest first: all that one may see, or what was used of the instruments one keeps."""
    statement = chosen().where(instrument_kept_by(actor) if wish.kept else usage_visible_to(actor))
    if wish.instrument is not None:
        statement = statement.where(Usage.instrument_id == wish.instrument)
    if wish.asked:
        waits = Adjustment.usage_id == Usage.id, Adjustment.state == AdjustmentState.ASKED
        statement = statement.where(exists(select(Adjustment.id).where(*waits)))
    by = tuple(zip((Usage.starts_at, Usage.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, statement, by, paging)
    return [row[0] for row in rows], marker


def of_booking(booking: Booking) -> dict[str, Any]:
    """Whom the use of a booking served."""
    return {
        "organisation_id": booking.organisation_id,
        "person_id": booking.person_id,
        "customer_class": booking.customer_class,
    }


def of_organisation(instrument: Instrument, served: Organisation) -> dict[str, Any]:
    """Whom use served that nobody had booked."""
    customer: CustomerClass = rules.class_of(instrument, served.id, served.kinds, served.region)
    return {"organisation_id": served.id, "person_id": None, "customer_class": customer}


def written(instrument_id: UUID, source: UsageSource, by: UUID | None, values: dict[str, Any]) -> Usage:
    """A record of use that is to be put down, wherever it was measured."""
    now = clock.now()
    return Usage(
        instrument_id=instrument_id, source=source, entered_by=by, created_at=now, updated_at=now, version=1, **values
    )


async def enter(session: AsyncSession, actor: Actor, wish: UsageNew) -> Usage:
    """A keeper writes down what was used: of a booking, whose user it served, or of use that nobody had booked."""
    instrument = await instruments.kept(session, actor, wish.instrument_id)
    if wish.booking_id is not None:
        booking = await session.get(Booking, wish.booking_id)
        if booking is None or booking.instrument_id != instrument.id:
            raise NoSuchBooking
        if booking.state not in HOLDING_STATES:
            raise NotUsable
        whom = of_booking(booking)
    else:
        assert wish.organisation_id is not None
        whom = await _served(session, actor, instrument, wish.organisation_id)
    told = wish.model_dump(include={*NUMBERS, "booking_id", "starts_at", "ends_at", "assisted", "note"})
    usage = await put(session, written(instrument.id, UsageSource.KEEPER, actor.person, told | whom))
    return await read(session, actor, usage.id)


async def _served(session: AsyncSession, actor: Actor, instrument: Instrument, organisation_id: UUID) -> dict[str, Any]:
    found = await session.scalar(
        select(Organisation).where(Organisation.id == organisation_id, organisation_visible_to(actor))
    )
    if found is None:
        raise NoSuchOrganisation
    return of_organisation(instrument, found)


async def put(session: AsyncSession, *usages: Usage) -> Usage:
    """Put records of use down, each with its fact; answers the last one. The use of a booking is put down once."""
    with refusing(usage_booking_key=EnteredAlready):
        async with session.begin_nested():
            session.add_all(usages)
    for usage in usages:
        entered = facts.UsageEntered(usage.id, usage.instrument_id)
        await record(session, entered, subject=usage.id, by=usage.entered_by)
    return usages[-1]


async def check_out(session: AsyncSession, actor: Actor, booking_id: UUID, wish: CheckOut | None = None) -> Booking:
    """Say that one is done: the time between coming and going is written down as use, to be corrected if need be.

    Where a meter has measured the run already, that stands, and what is said here is added to it.
    """
    wish = wish or CheckOut()
    booking, _, keeper = await bookings.taken_up(session, actor, booking_id)
    bookings.require_own(actor, booking, keeper=keeper)
    if booking.state is BookingState.DONE:
        return booking
    if booking.state is not BookingState.IN_USE or booking.checked_in_at is None:
        raise bookings.BookingOver
    booking.checked_out_at = clock.now()
    await bookings.settle(session, booking, BookingState.DONE, facts.UserCheckedOut, by=actor.person)
    there = await session.scalar(chosen().where(Usage.booking_id == booking.id).with_for_update(of=Usage))
    told = wish.preparation_minutes + wish.processing_minutes
    if there is None:
        ran = minutes_between(booking.checked_in_at, booking.checked_out_at) - told
        if ran < 0:
            raise LongerThanThere
        values = wish.model_dump() | {
            "booking_id": booking.id,
            "starts_at": booking.checked_in_at,
            "ends_at": booking.checked_out_at,
            "run_minutes": ran,
            "assisted": booking.assisted,
        }
        usage = written(booking.instrument_id, UsageSource.KIOSK, actor.person, values | of_booking(booking))
        await put(session, usage)
    elif there.source is UsageSource.METER and (told or wish.samples is not None):
        more = {name: getattr(there, name) + getattr(wish, name) for name in _BESIDE_THE_RUN}
        if wish.samples is not None:
            more["samples"] = wish.samples
        await amend(session, there, more, SAID_LEAVING, asked_by=actor.person)
    return booking


_BESIDE_THE_RUN = ("preparation_minutes", "processing_minutes")
SAID_LEAVING = "签退时填写。 · Said at checking out."
RAN_AGAIN = "同一预约内又一次运行，由计量终端计入。 · Another run within the same booking, added by the meter."
SAID_BY_US = {SAID_LEAVING, RAN_AGAIN}


def minutes_between(since: datetime, until: datetime) -> int:
    """Whole minutes, begun ones counted; at least one."""
    return max(1, -int((since - until).total_seconds() // 60))


async def amend(session: AsyncSession, usage: Usage, wished: dict[str, Any], reason: str, *, asked_by: UUID) -> None:
    """Change a locked record by a correction that waits for nobody; what it said before is kept like any other's."""
    now, before = clock.now(), numbers(usage)
    adjustment = Adjustment(
        usage_id=usage.id, state=AdjustmentState.ACCEPTED, reason=reason, wished=before | wished, before=before,
        asked_by=asked_by, asked_at=now, decided_at=now,
    )  # fmt: skip
    session.add(adjustment)
    for name, value in wished.items():
        setattr(usage, name, value)
    usage.version += 1
    usage.updated_at = now
    await session.flush()
    decided = facts.AdjustmentDecided(usage.id, adjustment.id, accepted=True)
    await record(session, decided, subject=usage.id, by=None)


def numbers(usage: Usage) -> dict[str, Any]:
    return {name: getattr(usage, name) for name in NUMBERS}


async def adjustments(
    session: AsyncSession, actor: Actor, usage_id: UUID, paging: Paging
) -> tuple[list[Adjustment], str | None]:
    """Every correction that was asked for, latest first."""
    await read(session, actor, usage_id)
    by = tuple(zip((Adjustment.asked_at, Adjustment.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, select(Adjustment).where(Adjustment.usage_id == usage_id), by, paging)
    return [row[0] for row in rows], marker


async def ask(session: AsyncSession, actor: Actor, usage_id: UUID, wish: AdjustmentNew) -> Adjustment:
    """Say what it should have been, and why. What stands, stands until a keeper decides."""
    usage = await read(session, actor, usage_id, lock=True)
    own = usage.organisation_id in actor.organisations_where(Permission.READ_OWN)
    if not own and not await instruments.keeps(session, actor, usage.instrument_id):
        raise NotYourUsage
    adjustment = Adjustment(
        usage_id=usage.id, state=AdjustmentState.ASKED, reason=wish.reason,
        wished=wish.model_dump(include=set(NUMBERS)), before=numbers(usage), asked_by=actor.person,
        asked_at=clock.now(),
    )  # fmt: skip
    with refusing(usage_adjustment_open_key=AskedAlready):
        async with session.begin_nested():
            session.add(adjustment)
    await record(session, facts.AdjustmentAsked(usage.id, adjustment.id), subject=usage.id, by=actor.person)
    return adjustment


async def decide(
    session: AsyncSession, actor: Actor, usage_id: UUID, adjustment_id: UUID, decision: AdjustmentDecision
) -> Adjustment:
    """A keeper's word on a correction; accepted, the record says the new numbers and the adjustment the old ones."""
    usage = await read(session, actor, usage_id, lock=True)
    if not await instruments.keeps(session, actor, usage.instrument_id):
        raise instruments.NotItsKeeper
    adjustment = await session.get(Adjustment, adjustment_id, with_for_update=True)
    if adjustment is None or adjustment.usage_id != usage.id:
        raise NotFound
    if adjustment.state is not AdjustmentState.ASKED:
        raise DecidedAlready
    adjustment.state = AdjustmentState.ACCEPTED if decision.accept else AdjustmentState.DECLINED
    adjustment.decided_by, adjustment.decided_at, adjustment.note = actor.person, clock.now(), decision.note
    if decision.accept:
        adjustment.before = numbers(usage)
        for name, value in adjustment.wished.items():
            setattr(usage, name, value)
        usage.version += 1
        usage.updated_at = clock.now()
    await session.flush()
    decided = facts.AdjustmentDecided(usage.id, adjustment.id, decision.accept)
    await record(session, decided, subject=usage.id, by=actor.person)
    return adjustment
