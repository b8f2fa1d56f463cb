"""What this room does by the clock."""

from typing import Any
from uuid import UUID

from marketplace.funding import bookmarks, calls
from marketplace.kernel import clock
from marketplace.kernel.jobs import Place


async def keep_time(place: Place, args: dict[str, Any]) -> None:
    """Calls close by themselves at their deadline."""
    closed = 1
    while closed:
        async with place.database.writing.begin() as session:
            closed = await calls.keep_time(session, clock.now())


async def remind(place: Place, args: dict[str, Any]) -> None:
    """Whoever keeps an eye on a call is written to before its deadline."""
    posted = 1
    while posted:
        async with place.database.writing.begin() as session:
            posted = await bookmarks.remind(session, clock.now(), place.settings.public_url)


async def tell_changes(place: Place, args: dict[str, Any]) -> None:
    """Whoever keeps an eye on a call is told what has changed of it, a portion of letters a transaction."""
    told = True
    while told:
        async with place.database.writing.begin() as session:
            told = await bookmarks.tell_changes(session, clock.now(), place.settings.public_url)


async def organisation_changed(place: Place, args: dict[str, Any]) -> None:
    """The word of the platform on an organisation hides its calls, or shows them again."""
    async with place.database.writing.begin() as session:
        await calls.organisation_changed(session, UUID(args["organisation_id"]), clock.now())
