"""What identity does by the clock."""

from typing import Any

from marketplace.identity import people
from marketplace.kernel import clock, idempotency
from marketplace.kernel.jobs import Place


async def sweep(place: Place, args: dict[str, Any]) -> None:
    """Forget failed sign-ins, spent letters, dead tokens and idempotency keys that have served."""
    async with place.database.writing.begin() as session:
        await people.sweep(session)
        await idempotency.sweep(session, clock.now())
