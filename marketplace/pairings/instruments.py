"""Which instruments a problem or a text needs, why, and when each is free."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.paging import Paging
from marketplace.labs import first_free, instruments
from marketplace.labs.models import Instrument
from marketplace.labs.policy import instrument_offered, instrument_visible_to
from marketplace.listings import records
from marketplace.listings.models import Problem
from marketplace.pairings import pairings, reading
from marketplace.pairings.engine import Engine
from marketplace.pairings.reading import INSTRUMENT
from matching import Filters, Query
from schemas.identity import OrganisationCard, Permission, Verification
from schemas.labs import Stretch
from schemas.pairings import InstrumentPairing, InstrumentRankingPage, MatchRequest, RegionQuery


async def for_problem(
    session: AsyncSession, engine: Engine, actor: Actor, problem_id: UUID, wish: RegionQuery, paging: Paging
) -> InstrumentRankingPage:
    """The instruments that fit a problem that the actor may see, best first."""
    problem = await records.read(session, actor, Problem, problem_id)
    return await ranked(
        session, engine, actor, reading.query(problem, engine.synonyms), wish.region, paging.limit, paging
    )


async def for_text(session: AsyncSession, engine: Engine, actor: Actor, wish: MatchRequest) -> InstrumentRankingPage:
    """The instruments that fit a text. Nothing of it is kept."""
    query = Query(body=wish.text, synonyms=engine.synonyms)
    return await ranked(session, engine, actor, query, wish.filters.region, wish.limit)


async def ranked(
    session: AsyncSession,
    engine: Engine,
    actor: Actor,
    query: Query,
    regions: Sequence[str],
    limit: int,
    paging: Paging | None = None,
) -> InstrumentRankingPage:
    """One page of a ranking among what is open to the actor, each with its reasons and its first free time."""
    snapshot, now, after = pairings.begun(engine, INSTRUMENT, paging)
    filters = Filters(regions=tuple(regions), modes=await _marks(session, actor))
    await pairings.let_go(session)
    first, found = await pairings.best(
        session, engine, INSTRUMENT, snapshot, query, limit, now=now, filters=filters, after=after,
        shown=partial(_shown, session, actor),
    )  # fmt: skip
    kept, more = found[:limit], found[limit:]
    free = await first_free.first_free(session, [one for _, one in kept], clock.now())
    await pairings.let_go(session)

    def explained() -> list[InstrumentPairing]:
        return [
            InstrumentPairing(
                id=one.id,
                kind=INSTRUMENT,
                instrument_kind=one.kind,
                title=one.name,
                model=one.model,
                lab=one.lab,
                location=one.location,
                score=why.score,
                organisation=OrganisationCard.model_validate(one.organisation),
                region=one.region,
                reasons=pairings.reasons_of(why, in_full=False),
                first_free=Stretch(**free[one.id]._asdict()) if one.id in free else None,
            )
            for match, one in kept
            for why in [snapshot.explain(query, match.key, reading.document(one), now=now)]
        ]

    items = await engine.off_the_loop(explained)
    told = pairings.beside(engine, INSTRUMENT, first, paging, snapshot, now, kept, more=bool(more))
    return InstrumentRankingPage(items=items, **told)


async def _marks(session: AsyncSession, actor: Actor) -> tuple[str, ...]:
    """What the actor finds instruments by; none stands for everything, which the platform and auditors see."""
    if Permission.READ_ALL in actor.platform:
        return ()
    own = actor.organisations_where(Permission.READ_OWN)
    if not own:
        return (reading.EVERYBODY,)
    regions = await session.scalars(
        select(Organisation.region)
        .where(Organisation.id.in_(own), Organisation.verification == Verification.VERIFIED)
        .distinct()
    )
    provinces = {reading.province_mark(region) for region in regions.all()}
    return (reading.EVERYBODY, *sorted(provinces), *(f"own:{one}" for one in own))


async def _shown(session: AsyncSession, actor: Actor, ids: Sequence[UUID]) -> dict[UUID, Instrument]:
    """The instruments as they are now: what was retired or closed a moment ago is not among them."""
    if not ids:
        return {}
    found = await session.scalars(
        instruments.chosen().where(Instrument.id.in_(ids), instrument_offered(), instrument_visible_to(actor))
    )
    return {one.id: one for one in found}
