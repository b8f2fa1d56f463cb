"""The kiosk beside an instrument: who has a booking comes and goes by its code. Names are shown to nobody there."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Person
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.refusals import Invalid
from marketplace.labs import bookings, instruments, usages
from marketplace.labs.booking_models import HOLDING_STATES, Booking
from marketplace.labs.codes import code
from marketplace.labs.device_models import Device
from marketplace.labs.notices import SOON
from schemas.base import FieldError
from schemas.bookings import LONGEST, BookingState, CheckOut
from schemas.text import fold

AHEAD: Final = timedelta(days=1)
# A code is read against the bookings of these days.
NEAR: Final = timedelta(days=7)
MOST: Final = 500
SHOWN: Final = 8
# The alphabet of the codes has no 0, 1 and 8; whoever reads one means a letter.
_MEANT: Final = str.maketrans("018", "OIB", " -\t")


class CodeUnknown(Invalid):
    """这台仪器近期没有这个预约码，请核对。 · No booking of this instrument in these days has that code; look at it again."""

    def __init__(self) -> None:
        super().__init__(errors=[FieldError(pointer="/code", code="unknown", detail=self.title())])


async def code_of(session: AsyncSession, actor: Actor, booking_id: UUID, signing_key: bytes) -> str:
    """The code of a booking, for whoever booked, is to use it, or keeps the instrument."""
    booking = await bookings.read(session, actor, booking_id)
    keeper = await instruments.keeps(session, actor, booking.instrument_id)
    bookings.require_own(actor, booking, keeper=keeper)
    return code(signing_key, booking.id)


@dataclass(frozen=True, slots=True)
class Ahead:
    """A booking as everybody may see it at the instrument."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Running:
    """Who is there now, without a name: since when, until when, and how far over the time."""

    checked_in_at: datetime
    ends_at: datetime
    over_minutes: int


@dataclass(frozen=True, slots=True)
class Standing:
    running: list[Running]
    following: list[Ahead]
    # When the next one begins, where somebody is still there and it is near.
    next_soon: datetime | None


async def look(session: AsyncSession, device: Device, now: datetime) -> Standing:
    """What is going on at the instrument, and what comes within a day."""
    rows = await session.scalars(
        select(Booking)
        .where(
            Booking.instrument_id == device.instrument_id,
            Booking.starts_at > now - 2 * LONGEST,
            Booking.starts_at < now + AHEAD,
            or_(
                Booking.state == BookingState.IN_USE,
                (Booking.state == BookingState.CONFIRMED) & (Booking.ends_at > now),
            ),
        )
        .order_by(Booking.starts_at, Booking.id)
        .limit(MOST)
    )
    found = rows.all()
    running = [
        Running(one.checked_in_at, one.ends_at, max(0, int((now - one.ends_at).total_seconds() // 60)))
        for one in found
        if one.state is BookingState.IN_USE and one.checked_in_at is not None
    ]
    following = [Ahead(one.starts_at, one.ends_at) for one in found if one.state is BookingState.CONFIRMED][:SHOWN]
    soon = following[0].starts_at if running and following and following[0].starts_at <= now + SOON else None
    return Standing(running, following, soon)


async def present(session: AsyncSession, device: Device, written: str, signing_key: bytes, now: datetime) -> Booking:
    """The booking whose code was shown."""
    said = fold(written).upper().translate(_MEANT)
    rows = await session.scalars(
        bookings.chosen()
        .where(
            Booking.instrument_id == device.instrument_id,
            Booking.state.in_(HOLDING_STATES),
            Booking.starts_at > now - 2 * LONGEST,
            Booking.starts_at < now + NEAR,
            or_(Booking.state == BookingState.IN_USE, Booking.ends_at > now - NEAR),
            Person.suspended_at.is_(None),
        )
        .order_by(Booking.starts_at.desc(), Booking.id)
        .limit(MOST)
    )
    for one in rows.all():
        known = code(signing_key, one.id).replace("-", "")
        if said.isascii() and hmac.compare_digest(known, said):
            return one
    raise CodeUnknown


def _whoever_has_the_code(booking: Booking) -> Actor:
    """The code stands for its user, for this one booking."""
    return Actor(person_id=booking.person_id)


async def check_in(session: AsyncSession, device: Device, booking: Booking) -> Booking:
    """Whoever shows the code of a booking is there."""
    await _seen(session, device)
    return await bookings.check_in(session, _whoever_has_the_code(booking), booking.id)


async def check_out(session: AsyncSession, device: Device, booking: Booking, wish: CheckOut) -> Booking:
    """Whoever shows the code of a booking is done; the time between is written down as use."""
    await _seen(session, device)
    return await usages.check_out(session, _whoever_has_the_code(booking), booking.id, wish)


async def _seen(session: AsyncSession, device: Device) -> None:
    device.seen_at = clock.now()
    await session.flush()
