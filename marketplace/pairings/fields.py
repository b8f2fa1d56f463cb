"""The field of a question that tells none, from the achievements nearest to it, for what is ranked by field: events, calls."""

from dataclasses import replace
from functools import partial
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.listings.models import Listing
from marketplace.listings.policy import listing_open
from marketplace.pairings.engine import Engine
from matching import TEXT_ONLY, Query
from matching.fields import NEAREST, field_of
from matching.records import NO_FACETS
from schemas.listings import ListingKind
from schemas.pairings import FieldRead


class Fielded(NamedTuple):
    """A question with a field, and that field where it was read from the records nearest to it."""

    query: Query
    read: FieldRead | None = None


async def fielded(session: AsyncSession, engine: Engine, query: Query) -> Fielded:
    """The question as it is where it tells its field, or where no achievement fits it."""
    kind = ListingKind.ACHIEVEMENT
    if query.facets.industries or query.facets.disciplines or not engine.sides[kind].loaded:
        return Fielded(query)
    snapshot, now = engine.snapshot(kind), clock.now().timestamp()
    asking = replace(query, facets=NO_FACETS, side="problem", style="request")
    ranking = await engine.off_the_loop(partial(snapshot.rank, asking, k=NEAREST, now=now, weights=TEXT_ONLY))
    if not ranking.fits:
        return Fielded(query)
    text = {UUID(match.key): match.text for match in ranking.items}
    rows = await session.execute(
        select(Listing.id, Listing.industries, Listing.disciplines)
        .join(Organisation, Organisation.id == Listing.organisation_id)
        .where(Listing.id.in_(text), listing_open())
    )
    field = field_of((text[id_], industries, disciplines) for id_, industries, disciplines in rows.all())
    if not any(field):
        return Fielded(query)
    read = FieldRead(industries=list(field.industries), disciplines=list(field.disciplines))
    return Fielded(replace(query, facets=replace(query.facets, **field._asdict())), read)
