"""A booking as it is put down: its row, written without a detour, together with the claim of its time."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import RecordedWith
from marketplace.labs import rules
from marketplace.labs.booking_models import Booking
from marketplace.labs.facts import OfBooking
from marketplace.labs.rules import Circumstances
from marketplace.reservations import claims
from schemas.bookings import BookingState, Rule


class Booked:
    """A booking that was put down a moment ago: its row, beside what is shown with it."""

    def __init__(self, row: Mapping[str, Any], circumstances: Circumstances) -> None:
        self.row, self.circumstances = row, circumstances
        self.id: UUID = row["id"]
        self.state: BookingState = row["state"]
        self.starts_at: datetime = row["starts_at"]
        self.ends_at: datetime = row["ends_at"]
        self.version: int = row["version"]


_BLANK: Final = dict.fromkeys(Booking.__table__.columns.keys())
_GIVEN: Final = {name: bindparam(name, type_=column.type) for name, column in Booking.__table__.columns.items()}
_PUT_DOWN = RecordedWith(insert(Booking).values(_GIVEN).returning(Booking.id).cte("put_down"))
# If and only if its time was there to be claimed.
_CLAIM: Final = claims.CLAIMED.cte("made")
_PUT_DOWN_AND_HELD = RecordedWith(
    insert(Booking)
    .from_select([*_GIVEN], select(*_GIVEN.values()).where(exists(select(_CLAIM.c.id))), include_defaults=False)
    .returning(Booking.id)
    .cte("put_down"),
    _CLAIM,
)


def new(
    actor: Actor,
    circumstances: Circumstances,
    purpose: str,
    *,
    waived: list[Rule],
    keeper: bool,
    series_id: UUID | None,
) -> dict[str, Any]:
    """A row as it is put down: confirmed where nobody has to be asked."""
    now, ask, instrument = clock.now(), circumstances.ask, circumstances.instrument
    at_once = keeper or circumstances.customer_class in instrument.confirmed_at_once
    return _BLANK | {
        "id": uuid7(),
        "instrument_id": instrument.id,
        "organisation_id": ask.organisation_id,
        "person_id": ask.person_id,
        "made_by": actor.person,
        "customer_class": circumstances.customer_class,
        "state": BookingState.CONFIRMED if at_once else BookingState.REQUESTED,
        "starts_at": ask.starts_at,
        "ends_at": ask.ends_at,
        "purpose": purpose,
        "assisted": ask.assisted,
        "answers": list(ask.answers),
        "waived": list(waived),
        "waived_by": actor.person if waived else None,
        "cancelled_late": False,
        "series_id": series_id,
        "created_at": now,
        "updated_at": now,
        "version": 1,
    }


async def put_down(session: AsyncSession, booking: Booked, fact: OfBooking, *, by: UUID, holding: bool) -> bool:
    """Write the row and its fact and, when it is `holding`, claim its time.

    False when somebody was quicker: then nothing is written.
    """
    instrument = booking.circumstances.instrument
    if not holding:
        return await _PUT_DOWN.done(session, fact, subject=booking.id, by=by, **booking.row)
    claim = claims.claiming(booking.id, rules.claimed(instrument, booking.starts_at, booking.ends_at), [instrument.id])
    return await _PUT_DOWN_AND_HELD.done(session, fact, subject=booking.id, by=by, **claim, **booking.row)
