"""What labs do later and by the clock: offer what came free, take back what was not taken up, release no-shows."""

from typing import Any
from uuid import UUID

from marketplace.kernel import clock
from marketplace.kernel.jobs import Place
from marketplace.labs import bookings, notices, waiting


async def promote(place: Place, args: dict[str, Any]) -> None:
    """Something came free on an instrument: whoever waits for it is offered it."""
    async with place.database.writing.begin() as session:
        await waiting.promote(session, UUID(args["instrument_id"]), place.settings.public_url)


async def expire_offers(place: Place, args: dict[str, Any]) -> None:
    while True:
        async with place.database.writing.begin() as session:
            if await waiting.expire_offers(session, clock.now()) == 0:
                return


async def release_no_shows(place: Place, args: dict[str, Any]) -> None:
    while True:
        async with place.database.writing.begin() as session:
            if await bookings.release_no_shows(session, clock.now()) == 0:
                return


async def invite(place: Place, args: dict[str, Any]) -> None:
    """A booking was confirmed or holds no longer: its user's calendar is told. Of a move, both rows are."""
    for name in ("moved_from_id", "booking_id"):
        if name in args:
            async with place.database.writing.begin() as session:
                await notices.invite(session, UUID(args[name]), place.settings)


async def warn_next(place: Place, args: dict[str, Any]) -> None:
    while True:
        async with place.database.writing.begin() as session:
            if await notices.warn_next(session, clock.now(), place.settings.public_url) == 0:
                return
