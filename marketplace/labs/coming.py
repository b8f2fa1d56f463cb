"""Who comes next to the instruments that somebody keeps."""

from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.labs import bookings
from marketplace.labs.booking_models import Booking
from marketplace.labs.models import Instrument
from marketplace.labs.policy import instrument_kept_by
from schemas.bookings import BookingState

AHEAD: Final = timedelta(days=14)
MOST: Final = 50


async def listed(session: AsyncSession, actor: Actor) -> list[Booking]:
    """Confirmed bookings of the next two weeks on the instruments that the actor keeps, the first one first."""
    # The instruments first: their calendars are looked into one by one, and not through everybody's bookings.
    kept = select(Instrument.id).where(instrument_kept_by(actor))
    now = clock.now()
    found = await session.scalars(
        bookings.chosen()
        .where(
            Booking.instrument_id.in_(kept),
            Booking.state == BookingState.CONFIRMED,
            Booking.ends_at > now,
            Booking.starts_at < now + AHEAD,
        )
        .order_by(Booking.starts_at, Booking.id)
        .limit(MOST)
    )
    return list(found.all())
