"""What this room does later and by the clock: open and close, offer places, take them back, write letters."""

from typing import Any
from uuid import UUID

from marketplace.docking import announcements, notices, steps, waiting
from marketplace.kernel import clock
from marketplace.kernel.jobs import Place


async def keep_time(place: Place, args: dict[str, Any]) -> None:
    """Events open, close, begin and end by themselves."""
    made = 1
    while made:
        async with place.database.writing.begin() as session:
            made = await steps.keep_time(session, clock.now())


async def promote(place: Place, args: dict[str, Any]) -> None:
    """Places came free: whoever waits is offered them."""
    offered = 1
    while offered:
        async with place.database.writing.begin() as session:
            offered = await waiting.promote(session, UUID(args["event_id"]), clock.now())


async def expire_offers(place: Place, args: dict[str, Any]) -> None:
    expired = 1
    while expired:
        async with place.database.writing.begin() as session:
            expired = await waiting.expire_offers(session, clock.now())


async def tell(place: Place, args: dict[str, Any]) -> None:
    """Something became of a registration: whoever made it is told."""
    async with place.database.writing.begin() as session:
        await notices.tell(session, UUID(args["registration_id"]), place.settings)


async def announce(place: Place, args: dict[str, Any]) -> None:
    posted = 1
    while posted:
        async with place.database.writing.begin() as session:
            posted = await announcements.deliver(session, UUID(args["announcement_id"]), place.settings.public_url)
