"""What this room does later and by the clock: open and close, offer places, take them back, write letters."""

from typing import Any
from uuid import UUID

from marketplace.docking import announcements, meeting_notices, notices, reminders, steps, waiting, wish_news
from marketplace.kernel import clock
from marketplace.kernel.jobs import Place
from schemas.event_extras import ReminderKind


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


async def tell_schedule(place: Place, args: dict[str, Any]) -> None:
    """A timetable was published or taken back: everybody who meets is told."""
    posted = 1
    while posted:
        async with place.database.writing.begin() as session:
            publication = UUID(args["publication_id"])
            posted = await meeting_notices.tell_published(session, publication, place.settings.public_url)


async def tell_meeting(place: Place, args: dict[str, Any]) -> None:
    """A meeting was made, moved or called off by hand: its two people are told."""
    async with place.database.writing.begin() as session:
        await meeting_notices.tell_changed(session, UUID(args["meeting_id"]), place.settings)


async def remind(place: Place, args: dict[str, Any]) -> None:
    """Those who come are reminded before, when it is over, and half a year later."""
    for kind in ReminderKind:
        posted = 1
        while posted:
            async with place.database.writing.begin() as session:
                posted = await reminders.remind(session, kind, clock.now(), place.settings.public_url)


async def tell_wishes(place: Place, args: dict[str, Any]) -> None:
    """Somebody wishes to meet, or wishes so too: the other side is told, several in one letter."""
    told = 1
    while told:
        async with place.database.writing.begin() as session:
            told = await wish_news.tell(session, clock.now(), place.settings.public_url)
