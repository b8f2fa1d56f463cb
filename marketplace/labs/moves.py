"""A request that is given its time, and a booking that is given another one: both are judged by the rules as they are
now, and what they replace gives its own time back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock, etag
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.refusals import Conflict, refusing
from marketplace.labs import facts, instruments, rules
from marketplace.labs.booked import new
from marketplace.labs.booking_models import HOLDING_STATES, Booking
from marketplace.labs.bookings import BookingOver, hold, read, refuse_colliding, require_own, settle, taken_up
from marketplace.labs.rules import Ask
from marketplace.reservations import claims
from schemas.bookings import Approval, BookingMove, BookingState, Rule


class AlreadyMoving(Conflict):
    """此预约已有一个改期申请。 · There is a request to move this booking already."""


def wish_of(booking: Booking, *, starts_at: datetime, ends_at: datetime, asked_at: datetime) -> Ask:
    """A booking as it would be asked for, at its own or another time."""
    replaced = {booking.id} | ({booking.moved_from_id} if booking.moved_from_id else set())
    return Ask(
        organisation_id=booking.organisation_id, person_id=booking.person_id, starts_at=starts_at, ends_at=ends_at,
        assisted=booking.assisted, answers=booking.answers, asked_at=asked_at, but=replaced,
    )  # fmt: skip


async def _asked_at(session: AsyncSession, booking: Booking) -> datetime:
    """Since when that time is asked for: a request that says something else of it is as old as what it replaces."""
    asked_at, one = booking.created_at, booking
    while one.moved_from_id is not None:
        one = await session.get_one(Booking, one.moved_from_id)
        if (one.starts_at, one.ends_at) != (booking.starts_at, booking.ends_at):
            break
        asked_at = one.created_at
    return asked_at


async def approve(
    session: AsyncSession, actor: Actor, booking_id: UUID, wish: Approval, version: int | None = None
) -> Booking:
    """Give a request its time, judged by the rules as they are now; requests that collide with it are refused.

    With `version` it holds for what was looked at: its user may have said something else since.
    """
    booking, instrument, keeper = await taken_up(session, actor, booking_id)
    if not keeper:
        raise instruments.NotItsKeeper
    if version is not None:
        etag.check(version, booking.version)
    if booking.state is BookingState.CONFIRMED:
        return booking
    if booking.state is not BookingState.REQUESTED:
        raise BookingOver
    asked_at = await _asked_at(session, booking)
    ask = wish_of(booking, starts_at=booking.starts_at, ends_at=booking.ends_at, asked_at=asked_at)
    waive = {*wish.waive, *(Rule(one) for one in booking.waived)}
    _, waived = await rules.admitted(session, instrument, ask, waive=waive, keeper=True)
    if set(waived) - set(booking.waived):
        booking.waived_by = actor.person
    booking.waived = list(waived)
    if booking.moved_from_id is not None:
        await _leave(session, booking.moved_from_id, booking, by=actor.person)
    # What an offer left with it may be shorter than what the terms ask for by now.
    await claims.release(session, booking.id)
    await hold(session, instrument, booking)
    await settle(session, booking, BookingState.CONFIRMED, facts.BookingConfirmed, note=wish.note, by=actor.person)
    await refuse_colliding(session, instrument, booking, by=actor.person)
    return booking


async def _moved(session: AsyncSession, old: Booking) -> None:
    old.state, old.version, old.updated_at = BookingState.MOVED, old.version + 1, clock.now()
    await session.flush()


async def _given_up(session: AsyncSession, old: Booking) -> UUID:
    """What a move of this replaces. Of a request to move, that is the booking that still holds its time."""
    if old.state is BookingState.REQUESTED and old.moved_from_id is not None:
        holding = select(Booking.id).where(Booking.id == old.moved_from_id, Booking.state.in_(HOLDING_STATES))
        if await session.scalar(holding) is not None:
            return old.moved_from_id
    return old.id


async def _leave(session: AsyncSession, old_id: UUID, booking: Booking, *, by: UUID) -> None:
    """The old row of a move that has come about: it gives its time back and stays as history."""
    old = await session.get_one(Booking, old_id, with_for_update=True, populate_existing=True)
    if old.checked_in_at is not None:
        # Whoever came to the old time has used it: there is nothing left to move.
        raise BookingOver
    if old.state in {BookingState.REQUESTED, BookingState.CONFIRMED}:
        await claims.release(session, old.id)
        await _moved(session, old)
    moved = facts.BookingMoved(booking.id, booking.instrument_id, old.id)
    await record(session, moved, subject=booking.id, by=by)


async def move(session: AsyncSession, actor: Actor, booking_id: UUID, wish: BookingMove) -> Booking:
    """Another time for a booking: a new row that points at the old one.

    Where a keeper has to be asked, a confirmed booking keeps its time until the new one is approved.
    """
    old, instrument, keeper = await taken_up(session, actor, booking_id)
    require_own(actor, old, keeper=keeper)
    if old.state not in {BookingState.REQUESTED, BookingState.CONFIRMED} or old.ends_at <= clock.now():
        raise BookingOver
    ask = wish_of(old, starts_at=wish.starts_at, ends_at=wish.ends_at, asked_at=clock.now())
    circumstances, waived = await rules.admitted(session, instrument, ask, waive=wish.waive, keeper=keeper)
    row = new(actor, circumstances, old.purpose, waived=waived, keeper=keeper, series_id=old.series_id)
    given_up = await _given_up(session, old)
    booking = Booking(**row | {"moved_from_id": given_up})
    left: set[UUID] = set()
    if old.state is BookingState.REQUESTED:
        left.add(old.id)
        # It makes way at once, with the time that an offer may have left it: a booking has one request to move it.
        await claims.release(session, old.id)
        await _moved(session, old)
    with refusing(booking_moved_from_key=AlreadyMoving):
        async with session.begin_nested():
            session.add(booking)
    if booking.state is BookingState.CONFIRMED:
        left.add(given_up)
    for one in sorted(left):
        await _leave(session, one, booking, by=actor.person)
    if booking.state is BookingState.CONFIRMED:
        await hold(session, instrument, booking)
        await record(session, facts.BookingConfirmed(booking.id, instrument.id), subject=booking.id, by=actor.person)
        await refuse_colliding(session, instrument, booking, by=actor.person)
    else:
        await record(session, facts.BookingRequested(booking.id, instrument.id), subject=booking.id, by=actor.person)
    return await read(session, actor, booking.id)
