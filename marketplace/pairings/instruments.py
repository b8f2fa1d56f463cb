"""Which instruments a problem or a text needs, why, when each is free, and what that costs."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple
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
from marketplace.money import offers, slot_prices
from marketplace.pairings import pairings, reading
from marketplace.pairings.engine import Engine
from marketplace.pairings.reading import INSTRUMENT
from matching import Filters, Query
from matching.known_measuring import MEASURING
from schemas.identity import OrganisationCard, Permission, Verification
from schemas.labs import Stretch
from schemas.pairings import InstrumentPairing, InstrumentRankingPage, MatchRequest, Reasons, RegionQuery


class Wanted(NamedTuple):
    """For how long an instrument is needed, and who would pay; left open, the least length and the actor's own."""

    minutes: int | None = None
    organisation_id: UUID | None = None


async def for_problem(
    session: AsyncSession, engine: Engine, actor: Actor, problem_id: UUID, wish: RegionQuery, paging: Paging
) -> InstrumentRankingPage:
    """The instruments that fit a problem that the actor may see, best first."""
    problem = await records.read(session, actor, Problem, problem_id)
    query = replace(reading.query(problem, engine.synonyms), measuring=MEASURING)
    use = Wanted(wish.minutes, wish.organisation)
    return await ranked(session, engine, actor, query, wish.region, paging.limit, paging, use=use)


async def for_text(session: AsyncSession, engine: Engine, actor: Actor, wish: MatchRequest) -> InstrumentRankingPage:
    """The instruments that fit a text. Nothing of it is kept."""
    query = Query(body=wish.text, synonyms=engine.synonyms, style="request", measuring=MEASURING)
    use = Wanted(wish.minutes, wish.organisation_id)
    return await ranked(session, engine, actor, query, wish.filters.region, wish.limit, use=use)


async def ranked(
    session: AsyncSession,
    engine: Engine,
    actor: Actor,
    query: Query,
    regions: Sequence[str],
    limit: int,
    paging: Paging | None = None,
    *,
    use: Wanted = Wanted(),
) -> InstrumentRankingPage:
    """One page of a ranking among what is open to the actor, each with its reasons, its first free time and what that
    costs the actor."""
    payer = await slot_prices.payer(session, actor, use.organisation_id)
    snapshot, now, after = pairings.begun(engine, INSTRUMENT, paging)
    filters = Filters(regions=tuple(regions), modes=await _marks(session, actor))
    await pairings.let_go(session)
    first, found = await pairings.best(
        session, engine, INSTRUMENT, snapshot, query, limit, now=now, filters=filters, after=after,
        shown=partial(_shown, session, actor),
    )  # fmt: skip
    kept, more = found[:limit], found[limit:]
    found_now = [one for _, one in kept]
    free = await first_free.first_free(session, found_now, clock.now(), use.minutes)
    prices = await slot_prices.prices(session, payer, found_now, free)
    offered = offers.offers(found_now, payer, free, prices)
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
                reasons=Reasons.model_validate(pairings.reasons_of(why, in_full=False)),
                first_free=Stretch(**offer.free._asdict()) if offer.free is not None else None,
                price=offer.price,
                unpriced=offer.unpriced,
            )
            for match, one in kept
            for why in [snapshot.explain(query, match.key, reading.document(one), now=now, in_full=False)]
            for offer in [offered[one.id]]
        ]

    items = await engine.off_the_loop(explained)
    told = pairings.beside(
        engine, INSTRUMENT, first, paging, snapshot, now, kept, more=bool(more), narrowed=bool(regions)
    )
    priced_for = OrganisationCard.model_validate(payer) if payer is not None else None
    return InstrumentRankingPage(items=items, priced_for=priced_for, **told)


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
