"""What this room does by the clock."""

from typing import Any

from marketplace.funding import calls
from marketplace.kernel import clock
from marketplace.kernel.jobs import Place


async def keep_time(place: Place, args: dict[str, Any]) -> None:
    """Calls close by themselves at their deadline."""
    closed = 1
    while closed:
        async with place.database.writing.begin() as session:
            closed = await calls.keep_time(session, clock.now())
