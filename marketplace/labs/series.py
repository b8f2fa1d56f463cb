"""The same time every week: all of it, or what can be had with the gaps reported."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from marketplace.kernel.actor import Actor
from marketplace.labs import bookings
from marketplace.labs.booking_models import Booking
from marketplace.labs.rules import NotBookable, SeriesNotBookable, reasons
from schemas.base import FieldError
from schemas.bookings import Gap, SeriesNew


async def request(session: AsyncSession, actor: Actor, wish: SeriesNew) -> tuple[UUID, list[Booking], list[Gap]]:
    """Book the weeks one after another, each by all the rules: the ones before it count for its quotas.

    All or nothing names every reason of every week. With gaps allowed, at least one week has to be had.
    """
    if wish.for_email is None:
        bookings.require_membership(actor, wish.organisation_id)
    instrument, keeper = await bookings.alone(session, actor, wish.instrument_id)
    person_id = await bookings.whom(session, actor, wish, keeper=keeper)
    series_id = uuid7()
    first = bookings.asked(wish, wish.organisation_id, person_id)
    made: list[UUID] = []
    gaps: list[Gap] = []
    errors: list[FieldError] = []
    for week in range(wish.weeks):
        later = timedelta(weeks=week)
        ask = replace(first, starts_at=first.starts_at + later, ends_at=first.ends_at + later)
        try:
            booking = await bookings.book(
                session, actor, instrument, ask, wish.purpose, waive=wish.waive, keeper=keeper, series_id=series_id
            )
        except NotBookable as refusal:
            errors += reasons(refusal.rules, within=f"/weeks/{week}")
            gaps.append(Gap(starts_at=ask.starts_at, ends_at=ask.ends_at, because=reasons(refusal.rules)))
        else:
            made.append(booking.id)
    if gaps and (not wish.skip_what_fails or not made):
        # Nothing was committed yet, and nothing will be.
        raise SeriesNotBookable(errors=errors[:100])
    return series_id, [await bookings.read(session, actor, one) for one in made], gaps
