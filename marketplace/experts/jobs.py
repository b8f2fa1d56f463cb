"""What profiles do by the clock: remind, then retire."""

from typing import Any, Final

from sqlalchemy import literal

from marketplace.experts import publication
from marketplace.experts.models import Expert
from marketplace.kernel import clock
from marketplace.kernel.jobs import Place
from marketplace.listings.jobs import Confirmed, remind_of
from schemas.experts import ExpertState

# By what they work on: the letter names nobody.
_EXPERTS: Final = Confirmed(Expert, Expert.state == ExpertState.PUBLISHED, literal("expert"), Expert.focus.expression)


async def expire(place: Place, args: dict[str, Any]) -> None:
    """Retire what was not confirmed in time, a batch a transaction."""
    while True:
        async with place.database.writing.begin() as session:
            if await publication.expire(session, clock.now()) == 0:
                return


async def remind(place: Place, args: dict[str, Any]) -> None:
    """Write once to the owners of profiles whose confirmation runs out within a fortnight."""
    await remind_of(place, _EXPERTS)
