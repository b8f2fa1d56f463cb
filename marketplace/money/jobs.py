"""What money does later: letters."""

from typing import Any
from uuid import UUID

from marketplace.kernel.jobs import Place
from marketplace.money import notices


async def tell_owed(place: Place, args: dict[str, Any]) -> None:
    """A charge was corrected after its voucher was paid out, or what was owed came back: who owed it is told."""
    async with place.database.writing.begin() as session:
        await notices.tell_owed(session, UUID(args["redemption_id"]), place.settings.public_url)
