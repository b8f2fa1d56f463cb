"""Records that say nearly the same: found by what their sketches share, told by the exact overlap of their texts."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

import anyio.to_thread
from sqlalchemy import any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger

from marketplace.identity.models import Organisation
from marketplace.kernel.actor import Actor
from marketplace.kernel.paging import Paging
from marketplace.listings import records
from marketplace.listings.models import Listing
from marketplace.listings.policy import listing_visible_to
from matching.likeness import ALIKE, Compared, Likeness
from schemas.identity import OrganisationCard
from schemas.listings import NearDuplicate

# So many texts are compared at most, those whose sketches share most: some 50 ms of work.
COMPARED: Final = 100


async def of(
    session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID, paging: Paging
) -> tuple[list[NearDuplicate], str | None]:
    """The records of its kind that the actor may see and that say nearly the same, most alike first."""
    listing = await records.read(session, actor, cls, listing_id)
    if not listing.sketch:
        return [], None
    rows = await _candidates(session, actor, cls, listing)
    found = await anyio.to_thread.run_sync(partial(_alike, listing.words, rows))
    place = paging.place((float, UUID))
    if place is not None:
        found = [(like, row) for like, row in found if (-like.overlap, row.id) > (-place[0], place[1])]
    kept = found[: paging.limit]
    marker = paging.marker([kept[-1][0].overlap, kept[-1][1].id]) if len(found) > len(kept) else None
    return [_shown(like, row) for like, row in kept], marker


async def among(
    session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID, others: Sequence[UUID]
) -> dict[UUID, float]:
    """Which of some records say nearly the same as one, all of which the actor must be allowed to see; with the overlap."""
    if not others:
        return {}
    listing = await records.read(session, actor, cls, listing_id)
    if not listing.sketch:
        return {}
    rows = await _candidates(session, actor, cls, listing, others)
    return {row.id: like.overlap for like, row in await anyio.to_thread.run_sync(partial(_alike, listing.words, rows))}


async def _candidates(
    session: AsyncSession, actor: Actor, cls: type[Listing], listing: Listing, others: Sequence[UUID] | None = None
) -> Sequence[Any]:
    mine = literal(listing.sketch, ARRAY(BigInteger()))
    number = func.unnest(cls.sketch).column_valued("number")
    shared = select(func.count(number)).where(number == any_(mine)).scalar_subquery()
    statement = (
        select(cls.id, cls.kind, cls.title, cls.state, cls.words, Organisation.id.label("organisation_id"))
        .add_columns(Organisation.name, Organisation.verification)
        .join(Organisation, Organisation.id == cls.organisation_id)
        .where(cls.sketch.overlap(mine), cls.id != listing.id, listing_visible_to(actor))
        .order_by(shared.desc(), cls.id)
        .limit(COMPARED)
    )
    if others is not None:
        statement = statement.where(cls.id.in_(others))
    return (await session.execute(statement)).all()


def _alike(words: str, rows: Sequence[Any]) -> list[tuple[Likeness, Any]]:
    compared = Compared(words)
    found = [(like, row) for row in rows if (like := compared(row.words)).overlap >= ALIKE]
    return sorted(found, key=lambda pair: (-pair[0].overlap, pair[1].id))


def _shown(like: Likeness, row: Any) -> NearDuplicate:
    return NearDuplicate(
        id=row.id,
        kind=row.kind,
        title=row.title,
        state=row.state,
        organisation=OrganisationCard(id=row.organisation_id, name=row.name, verification=row.verification),
        overlap=like.overlap,
        of_this=like.of_one,
        of_other=like.of_other,
        passages=list(like.passages),
    )
