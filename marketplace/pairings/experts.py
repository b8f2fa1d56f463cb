"""Which experts fit a text or a record, and which problems fit an expert; and why."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.experts.models import Expert
from marketplace.experts.policy import expert_open, expert_visible_to
from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import NotFound
from marketplace.listings import records
from marketplace.listings.models import Listing
from marketplace.pairings import pairings, reading
from marketplace.pairings.engine import Engine
from marketplace.pairings.reading import EXPERT
from matching import Filters, Query
from schemas.identity import OrganisationCard
from schemas.listings import ListingKind
from schemas.pairings import (
    ExpertMatchRequest,
    ExpertPairing,
    ExpertRankingFilter,
    ExpertRankingPage,
    RankingFilter,
    RankingPage,
    Reasons,
)

_SHOWN: Final = (*reading.OF_EXPERT, "name", "academic_title", "talks")


def _chosen() -> Select[Any]:
    """What is ranked of an expert, and what a pairing shows of them."""
    return reading.profiles(*(getattr(Expert, name) for name in _SHOWN)).add_columns(
        Organisation.id.label("organisation_id"),
        Organisation.name.label("organisation_name"),
        Organisation.verification.label("organisation_verification"),
    )


async def for_listing(
    session: AsyncSession,
    engine: Engine,
    actor: Actor,
    cls: type[Listing],
    listing_id: UUID,
    wish: ExpertRankingFilter,
    paging: Paging,
) -> ExpertRankingPage:
    """The experts who fit a record that the actor may see, best first: who could solve a problem, or take on work."""
    listing = await records.read(session, actor, cls, listing_id)
    query = reading.query(listing, engine.synonyms)
    return await ranked(session, engine, query, reading.expert_filters(wish), paging.limit, paging)


async def for_text(session: AsyncSession, engine: Engine, wish: ExpertMatchRequest) -> ExpertRankingPage:
    """The experts who fit a text. Nothing of it is kept."""
    query = Query(body=wish.text, synonyms=engine.synonyms, style="request")
    return await ranked(session, engine, query, reading.expert_filters(wish.filters), wish.limit)


async def problems_for(
    session: AsyncSession, engine: Engine, actor: Actor, expert_id: UUID, wish: RankingFilter, paging: Paging
) -> RankingPage:
    """The problems that fit an expert whom the actor may see, best first. A draft's owner sees what it would find."""
    found = await session.execute(_chosen().where(Expert.id == expert_id, expert_visible_to(actor)))
    row = found.one_or_none()
    if row is None:
        raise NotFound
    document = reading.profile(row)
    query = Query(
        title=document.title, body=document.body, facets=document.facets, side="achievement",
        synonyms=engine.synonyms, style="request",
    )  # fmt: skip
    return await pairings.ranked(
        session, engine, query, ListingKind.PROBLEM, reading.filters(wish), paging.limit, paging
    )


async def ranked(
    session: AsyncSession, engine: Engine, query: Query, filters: Filters, limit: int, paging: Paging | None = None
) -> ExpertRankingPage:
    """One page of a ranking, each with its reasons."""
    snapshot, now, after = pairings.begun(engine, EXPERT, paging)
    await pairings.let_go(session)
    first, found = await pairings.best(
        session, engine, EXPERT, snapshot, query, limit, now=now, filters=filters, after=after,
        shown=partial(_open, session),
    )  # fmt: skip
    kept, more = found[:limit], found[limit:]
    await pairings.let_go(session)

    def explained() -> list[ExpertPairing]:
        return [
            ExpertPairing(
                id=one.id,
                kind=EXPERT,
                title=one.focus,
                name=one.name,
                academic_title=one.academic_title,
                unit=one.unit,
                services=one.services,
                talks=one.talks,
                score=why.score,
                organisation=OrganisationCard(
                    id=one.organisation_id,
                    name=one.organisation_name,
                    verification=one.organisation_verification,
                ),
                region=one.region,
                confirmed_at=one.confirmed_at,
                reasons=Reasons.model_validate(pairings.reasons_of(why, in_full=False)),
            )
            for match, one in kept
            for why in [snapshot.explain(query, match.key, reading.profile(one), now=now, in_full=False)]
        ]

    items = await engine.off_the_loop(explained)
    told = pairings.beside(engine, EXPERT, first, paging, snapshot, now, kept, more=bool(more))
    return ExpertRankingPage(items=items, **told)


async def _open(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, Any]:
    """The experts as they are now: whoever took their consent back a moment ago, or ran out, is not among them."""
    if not ids:
        return {}
    still = Expert.confirmed_until > clock.now()
    rows = await session.execute(_chosen().where(Expert.id.in_(ids), expert_open(), still))
    return {row.id: row for row in rows}
