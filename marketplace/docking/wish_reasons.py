"""Why the matcher proposes a pair, as far as it rests on what is public now."""

from collections.abc import Collection, Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking.wish_models import Wish
from marketplace.identity.models import Organisation
from marketplace.listings.models import Listing
from marketplace.listings.policy import listing_open
from schemas.wishes import WishReason


async def of(session: AsyncSession, found: Iterable[Wish]) -> dict[UUID, list[WishReason]]:
    """Why the matcher proposes them; what rests on a record that is no longer public is left out."""
    told = {one.id: [WishReason.model_validate(reason) for reason in one.because] for one in found}
    ids = {brief.id for each in told.values() for one in each for brief in (one.problem, one.achievement)}
    if not ids:
        return told
    rows = await session.scalars(
        select(Listing.id)
        .join(Organisation, Organisation.id == Listing.organisation_id)
        .where(Listing.id.in_(ids), listing_open())
    )
    public = set(rows.all())
    return {key: [one for one in each if {one.problem.id, one.achievement.id} <= public] for key, each in told.items()}


async def by_id(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, list[WishReason]]:
    """The same for wishes of which the ids are known."""
    if not ids:
        return {}
    return await of(session, (await session.scalars(select(Wish).where(Wish.id.in_(ids)))).all())
