"""What identity does by the clock."""

from typing import Any

from marketplace.identity import allowances, notices, people
from marketplace.kernel import clock, idempotency, jobs
from marketplace.kernel.jobs import Place


async def sweep(place: Place, args: dict[str, Any]) -> None:
    """Forget what has served: counted tries, spent letters, dead tokens, idempotency keys, notes of ended jobs.

    Each portion is a transaction of its own.
    """
    for sweep_some in (allowances.sweep, people.sweep, idempotency.sweep, jobs.sweep):
        gone = 1
        while gone:
            async with place.database.writing.begin() as session:
                gone = await sweep_some(session, clock.now())


async def tell_verification(place: Place, args: dict[str, Any]) -> None:
    """The platform decided on an organisation: its administrators are told."""
    async with place.database.writing.begin() as session:
        await notices.tell_verification(session, place.settings.public_url, **args)
