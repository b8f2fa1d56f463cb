"""Which records are like one of their own kind, by the engine that finds its counterpart: asked as a report, for its kin."""

from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.actor import Actor
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.listings import duplicates
from marketplace.listings.models import Listing
from marketplace.pairings import pairings, reading, shown
from marketplace.pairings.engine import Engine
from schemas.pairings import RankingFilter, SimilarPage

COMPARED: Final = frozenset({"field", "freshness"})
"""The signals that say something of two records of one kind; the others are not asked and count nothing."""

NONE_LIKE_IT: Final = (
    "没有真正相近的；下面只是最接近的几条。 · Nothing here is really like it; these are only the nearest."
)
NONE_AT_ALL: Final = "没有别的记录与它相近，请稍后再看。 · No other record is like it; look again later."


async def of(
    session: AsyncSession,
    engine: Engine,
    actor: Actor,
    cls: type[Listing],
    listing_id: UUID,
    wish: RankingFilter,
    paging: Paging,
) -> SimilarPage:
    """The open records of its kind that are like one that the actor may see, best first, without itself. Those that say
    nearly the same are marked."""
    kind = pairings.KIND[cls]
    listing = await shown.asking(session, actor, kind, listing_id)
    query, filters = reading.kin(listing, engine.synonyms), reading.filters(wish)
    page = await pairings.ranked(session, engine, query, kind, filters, paging.limit, paging, without=listing_id)
    same = await duplicates.among(session, actor, cls, listing_id, [one.id for one in page.items])
    items = [
        {
            **dict(one),
            "reasons": one.reasons.model_copy(
                update={"signals": [signal for signal in one.reasons.signals if signal.name in COMPARED]}
            ),
            "overlap": same.get(one.id),
        }
        for one in page.items
    ]
    message = None if page.fits else told(NONE_LIKE_IT if items else NONE_AT_ALL)
    return SimilarPage.model_validate({**dict(page), "items": items, "message": message})
