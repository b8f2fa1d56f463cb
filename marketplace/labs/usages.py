"""What was really used, written down once; corrections are asked for, decided, and kept."""

from datetime import timedelta
from typing import Any, Final
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
from marketplace.labs import bookings, counting, facts, instruments, rules, runs, shapes
from marketplace.labs.booking_models import HOLDING_STATES, Adjustment, Booking, Evidence, Usage
from marketplace.labs.models import Instrument
from marketplace.labs.policy import instrument_kept_by, usage_visible_to
from marketplace.reservations import claims
from schemas.base import FieldError
from schemas.bookings import (
    AdjustmentDecision,
    AdjustmentNew,
    AdjustmentState,
    BookingState,
    CheckOut,
    UsageCut,
    UsageFilter,
    UsageNew,
    UsageSource,
    WithdrawalOfUse,
)
from schemas.identity import Permission
from schemas.labs import CustomerClass

MOST_CUTS: Final = 100


class NotUsable(Conflict):
    """此预约没有使用过。 · That booking was not used."""


class AskedAlready(Conflict):
    """已有一个待处理的更正申请。 · An adjustment was asked for and waits to be decided."""


class DecidedAlready(Conflict):
    """此更正申请已处理。 · This adjustment was decided already."""


class NothingToWithdraw(Conflict):
    """这条记录没有可撤回的管理员录入。 · No keeper's entry of this record is left to withdraw."""


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


async def enter(session: AsyncSession, actor: Actor, wish: UsageNew) -> Usage:
    """A keeper writes down what was used: of a booking, whose user it served, or of use that nobody had booked."""
    instrument = await instruments.kept(session, actor, wish.instrument_id)
    there: Usage | None = None
    if wish.booking_id is not None:
        booking = await session.get(Booking, wish.booking_id)
        if booking is None or booking.instrument_id != instrument.id:
            raise NoSuchBooking
        if booking.state not in HOLDING_STATES:
            raise NotUsable
        whom = of_booking(booking)
        there = await of(session, booking.id)
    else:
        assert wish.organisation_id is not None
        whom = await _served(session, actor, instrument, wish.organisation_id)
    told = wish.model_dump(include={*counting.NUMBERS, "booking_id", "starts_at", "ends_at", "assisted", "note"})
    made = counting.written(instrument.id, UsageSource.KEEPER, actor.person, told | whom)
    if there is None or there.withdrawn_at is None:
        usage = await counting.put(session, made, asked_by=actor.person, strict=True)
        return await read(session, actor, usage.id)
    # The use of a booking is one record, also after it was withdrawn.
    evidence = counting.told_of(made)
    evidence.usage_id = there.id
    there.assisted, there.note = made.assisted, made.note
    await counting.tell(session, there, evidence, counting.ENTERED_AGAIN, asked_by=actor.person, strict=True)
    return await read(session, actor, there.id)


async def would_cut(session: AsyncSession, actor: Actor, wish: UsageNew) -> list[UsageCut]:
    """What entering would take of other records: it is entered, looked at, and undone."""
    point = await session.begin_nested()
    usage = await enter(session, actor, wish)
    found = [shapes.cut(*one) for one in await cuts(session, usage.id)]
    await point.rollback()
    return found


async def cuts(session: AsyncSession, usage_id: UUID) -> list[tuple[Adjustment, Usage]]:
    """What other records lost or got back because of one, the latest first."""
    rows = await session.execute(
        chosen()
        .add_columns(Adjustment)
        .join(Adjustment, Adjustment.usage_id == Usage.id)
        .where(Adjustment.cause_id == usage_id)
        .order_by(Adjustment.asked_at.desc(), Adjustment.id.desc())
        .limit(MOST_CUTS)
    )
    return [(adjustment, usage) for usage, adjustment in rows.all()]


async def cut_by(session: AsyncSession, actor: Actor, usage_id: UUID) -> list[tuple[Adjustment, Usage]]:
    """The same for its keepers: whom the other records served is not told to everybody whom this one served."""
    usage = await read(session, actor, usage_id)
    if not await instruments.keeps(session, actor, usage.instrument_id):
        raise instruments.NotItsKeeper
    return await cuts(session, usage_id)


def withdrawable(said: Evidence) -> bool:
    """What a keeper wrote down of itself, and stands: corrections that were accepted go with it."""
    return said.source is UsageSource.KEEPER and said.adjustment_id is None and said.withdrawn_at is None


async def withdraw(session: AsyncSession, actor: Actor, usage_id: UUID, wish: WithdrawalOfUse) -> Usage:
    """Take back what keepers wrote down of a use: what it had cut has its time again, and its charge follows."""
    seen = await read(session, actor, usage_id)
    await claims.take_turns(session, [seen.instrument_id])
    usage = await read(session, actor, usage_id, lock=True)
    if not await instruments.keeps(session, actor, usage.instrument_id):
        raise instruments.NotItsKeeper
    if not await counting.withdraw(session, usage, wish.reason, by=actor.person):
        raise NothingToWithdraw
    return await read(session, actor, usage_id)


async def _served(session: AsyncSession, actor: Actor, instrument: Instrument, organisation_id: UUID) -> dict[str, Any]:
    found = await session.scalar(
        select(Organisation).where(Organisation.id == organisation_id, organisation_visible_to(actor))
    )
    if found is None:
        raise NoSuchOrganisation
    return of_organisation(instrument, found)


async def check_out(session: AsyncSession, actor: Actor, booking_id: UUID, wish: CheckOut | None = None) -> Booking:
    """Say that one is done: the time between coming and going is written down as use, to be corrected if need be.

    Where a meter has measured the run, or will yet, that stands, and what is said here is added to it.
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
    there = await of(session, booking.id)
    told = wish.preparation_minutes + wish.processing_minutes
    ran = runs.minutes_between(booking.checked_in_at, booking.checked_out_at) - told
    if ran < 0 and (there is None or there.source is not UsageSource.METER):
        raise LongerThanThere
    values = wish.model_dump() | {
        "starts_at": booking.checked_in_at,
        "ends_at": max(booking.checked_out_at, booking.checked_in_at + timedelta(seconds=1)),
        "run_minutes": max(ran, 0),
    }
    if there is None:
        values |= {"booking_id": booking.id, "assisted": booking.assisted} | of_booking(booking)
        usage = counting.written(booking.instrument_id, UsageSource.KIOSK, actor.person, values)
        await counting.put(session, usage, asked_by=actor.person)
    else:
        evidence = Evidence(
            usage_id=there.id, instrument_id=booking.instrument_id, source=UsageSource.KIOSK, told_by=actor.person,
            told_at=clock.now(), **values,
        )  # fmt: skip
        measured = there.source is UsageSource.METER
        reason = counting.SAID_LEAVING if measured else counting.CAME_AND_WENT
        await counting.tell(session, there, evidence, reason, asked_by=actor.person)
    return booking


async def of(session: AsyncSession, booking_id: UUID) -> Usage | None:
    """The record of a booking's use, locked."""
    found: Usage | None = await session.scalar(chosen().where(Usage.booking_id == booking_id).with_for_update(of=Usage))
    return found


async def evidence(
    session: AsyncSession, actor: Actor, usage_id: UUID, paging: Paging
) -> tuple[list[Evidence], str | None]:
    """Everything that was told of a use, latest first, whether it counts or not."""
    await read(session, actor, usage_id)
    by = tuple(zip((Evidence.told_at, Evidence.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, select(Evidence).where(Evidence.usage_id == usage_id), by, paging)
    return [row[0] for row in rows], marker


async def corrected_by(session: AsyncSession, usage_id: UUID) -> UUID | None:
    """The correction that a record goes by: the last one that a keeper accepted and did not withdraw."""
    found: UUID | None = await session.scalar(
        select(Evidence.id)
        .where(Evidence.usage_id == usage_id, Evidence.adjustment_id.is_not(None), Evidence.withdrawn_at.is_(None))
        .order_by(Evidence.told_at.desc(), Evidence.id.desc())
        .limit(1)
    )
    return found


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
        wished=wish.model_dump(include=set(counting.NUMBERS)), before=counting.numbers(usage), asked_by=actor.person,
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
    seen = await read(session, actor, usage_id)
    await claims.take_turns(session, [seen.instrument_id])
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
        adjustment.before = counting.numbers(usage)
        for name, value in adjustment.wished.items():
            setattr(usage, name, value)
        usage.superseded_by_id = usage.withdrawn_at = None
        # Who says that it was longer says that it went on.
        usage.ends_at = max(usage.ends_at, usage.starts_at + timedelta(minutes=usage.effective_minutes))
        usage.version += 1
        usage.updated_at = clock.now()
    await session.flush()
    decided = facts.AdjustmentDecided(usage.id, adjustment.id, decision.accept)
    await record(session, decided, subject=usage.id, by=actor.person)
    if decision.accept:
        correction = Evidence(
            usage_id=usage.id, instrument_id=usage.instrument_id, source=UsageSource.KEEPER,
            adjustment_id=adjustment.id, starts_at=usage.starts_at, ends_at=usage.ends_at, told_by=actor.person,
            told_at=clock.now(), **adjustment.wished,
        )  # fmt: skip
        session.add(correction)
        await session.flush()
        await counting.settle(
            session, usage.instrument_id, usage.starts_at, usage.ends_at, asked_by=actor.person, cause=usage.id,
            strict=usage.id,
        )  # fmt: skip
        await session.refresh(adjustment)
    return adjustment
