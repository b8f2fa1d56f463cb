"""What a booking is for, said anew at the same time, and what it said before."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock, etag
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import Paging, page
from marketplace.kernel.refusals import refusing
from marketplace.labs import facts
from marketplace.labs.booking_models import Booking, BookingRevision
from marketplace.labs.bookings import BookingOver, read, require_own, taken_up
from marketplace.labs.moves import AlreadyMoving
from marketplace.labs.rules import NotBookable
from schemas.bookings import BookingPatch, BookingState, Rule


async def edit(session: AsyncSession, actor: Actor, booking_id: UUID, version: int, patch: BookingPatch) -> Booking:
    """Change what a booking is for; what it said stays in its history.

    Where a keeper gave their word to what it said, they are asked again: that is a request for the same time, and until
    they decide the booking holds and says what it said. Its time is not judged again, for it does not change.
    """
    booking, instrument, keeper = await taken_up(session, actor, booking_id)
    require_own(actor, booking, keeper=keeper)
    etag.check(version, booking.version)
    if booking.state not in {BookingState.REQUESTED, BookingState.CONFIRMED} or booking.ends_at <= clock.now():
        raise BookingOver
    given = {name: getattr(patch, name) for name in patch.model_fields_set}
    values = {name: value for name, value in given.items() if getattr(booking, name) != value}
    if not values:
        return booking
    if "answers" in values and len(values["answers"]) != len(instrument.order_form):
        raise NotBookable([Rule.ANSWERS_MISSING])
    asked = booking.customer_class not in instrument.confirmed_at_once
    if booking.state is BookingState.CONFIRMED and asked and not keeper:
        return await _asked_again(session, actor, booking, values)
    session.add(
        BookingRevision(
            booking_id=booking.id, version=booking.version, purpose=booking.purpose, answers=booking.answers,
            by=actor.person, at=clock.now(),
        )
    )  # fmt: skip
    for name, value in values.items():
        setattr(booking, name, value)
    booking.version += 1
    booking.updated_at = clock.now()
    await session.flush()
    edited = facts.BookingEdited(booking.id, booking.instrument_id, sorted(values))
    await record(session, edited, subject=booking.id, by=actor.person)
    return booking


async def _asked_again(session: AsyncSession, actor: Actor, old: Booking, values: dict[str, Any]) -> Booking:
    """A request that takes the booking's place once a keeper agrees."""
    now = clock.now()
    kept = (
        "instrument_id", "organisation_id", "person_id", "customer_class", "starts_at", "ends_at", "purpose", "assisted",
        "answers", "waived", "waived_by", "series_id",
    )  # fmt: skip
    row = {name: getattr(old, name) for name in kept} | values
    booking = Booking(
        **row, made_by=actor.person, state=BookingState.REQUESTED, moved_from_id=old.id, created_at=now, updated_at=now,
        version=1,
    )  # fmt: skip
    with refusing(booking_moved_from_key=AlreadyMoving):
        async with session.begin_nested():
            session.add(booking)
    requested = facts.BookingRequested(booking.id, booking.instrument_id)
    await record(session, requested, subject=booking.id, by=actor.person)
    return await read(session, actor, booking.id)


async def revisions(
    session: AsyncSession, actor: Actor, booking_id: UUID, paging: Paging
) -> tuple[list[BookingRevision], str | None]:
    """What a booking said before, latest first; for whoever sees it."""
    await read(session, actor, booking_id)
    statement = select(BookingRevision).where(BookingRevision.booking_id == booking_id)
    rows, marker = await page(session, statement, ((BookingRevision.version, int),), paging)
    return [row[0] for row in rows], marker
