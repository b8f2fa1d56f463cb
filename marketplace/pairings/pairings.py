"""What fits what, and why."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import load_only

from marketplace.identity.models import Organisation
from marketplace.kernel import clock, metrics
from marketplace.kernel.actor import Actor
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import NotFound, Unavailable
from marketplace.listings import records
from marketplace.listings.models import Listing, Problem
from marketplace.listings.policy import listing_open
from marketplace.pairings import reading
from marketplace.pairings.engine import Engine
from marketplace.pairings.reading import Kind
from matching import Filters, Match, Query, Ranking, Side
from matching import Reasons as Why
from matching.coverage import coverage
from matching.segments.index import SharedSnapshot
from schemas.identity import OrganisationCard
from schemas.listings import ListingKind
from schemas.pairings import (
    CoverageReason,
    MatchRequest,
    OtherTerms,
    Pairing,
    RankingFilter,
    RankingPage,
    Reasons,
    SentenceReason,
    SignalReason,
    TermPart,
    TermReason,
)

Row = TypeVar("Row")

# A record that was withdrawn in the last quarter of a second may still be ranked; a few more than asked are ranked so
# that a page stays full when such a one is left out.
SPARE = 3

NOTHING_FITS = (
    "没有找到真正合适的；下面只是最接近的几条。可以补充技术细节、放宽筛选，或稍后再看。"
    " · Nothing here really fits; these are only the nearest. Add technical detail, loosen the filters, or look again later."
)
NOTHING_AT_ALL = (
    "没有任何记录与此有共同的词。请换一种说法，或放宽筛选。"
    " · No record shares a word with this. Say it differently, or loosen the filters."
)


class RankingLoading(Unavailable):
    """匹配索引正在载入，请稍后重试。 · The ranking is still being loaded; try again shortly."""


OTHER = {ListingKind.ACHIEVEMENT: ListingKind.PROBLEM, ListingKind.PROBLEM: ListingKind.ACHIEVEMENT}


async def for_listing(
    session: AsyncSession,
    engine: Engine,
    actor: Actor,
    cls: type[Listing],
    listing_id: UUID,
    wish: RankingFilter,
    paging: Paging,
) -> RankingPage:
    """The records of the other kind that fit this one, best first. A draft's owner sees what it would find."""
    listing = await records.read(session, actor, cls, listing_id)
    return await ranked(
        session,
        engine,
        reading.query(listing, engine.synonyms),
        OTHER[listing.kind],
        reading.filters(wish),
        paging.limit,
        paging,
        about=listing,
    )


async def for_text(session: AsyncSession, engine: Engine, wish: MatchRequest) -> RankingPage:
    """The records that fit a text. Nothing of it is kept."""
    kind = ListingKind(wish.kind)
    side: Side = "problem" if kind is ListingKind.ACHIEVEMENT else "achievement"
    query = Query(body=wish.text, side=side, synonyms=engine.synonyms)
    return await ranked(session, engine, query, kind, reading.filters(wish.filters), wish.limit)


async def one(
    session: AsyncSession, engine: Engine, actor: Actor, cls: type[Listing], listing_id: UUID, other_id: UUID
) -> Pairing:
    """One pairing with all of its arithmetic."""
    listing = await records.read(session, actor, cls, listing_id)
    kind = OTHER[listing.kind]
    snapshot = ready(engine, kind)
    query, now = reading.query(listing, engine.synonyms), clock.now().timestamp()
    if str(other_id) not in snapshot:
        raise NotFound
    other = (await _shown(session, kind, [other_id])).get(other_id)
    if other is None:
        raise NotFound
    await let_go(session)
    why = await engine.off_the_loop(partial(snapshot.explain, query, str(other_id), reading.document(other), now=now))
    (verdicts,) = await engine.off_the_loop(partial(_covered, listing, [other]))
    return _pairing(other, why, verdicts=verdicts, in_full=True)


def ready(engine: Engine, kind: Kind) -> SharedSnapshot:
    if not engine.sides[kind].loaded:
        raise RankingLoading
    return engine.snapshot(kind)


def _explained(
    snapshot: SharedSnapshot, query: Query, now: float, about: Listing | None, found: Sequence[tuple[Match, Listing]]
) -> list[Pairing]:
    """The found records with their reasons, and what they say to the indicators."""
    verdicts = _covered(about, [listing for _, listing in found])
    return [
        _pairing(listing, snapshot.explain(query, match.key, reading.document(listing), now=now), verdicts=covered)
        for (match, listing), covered in zip(found, verdicts, strict=True)
    ]


async def ranked(
    session: AsyncSession,
    engine: Engine,
    query: Query,
    kind: ListingKind,
    filters: Filters,
    limit: int,
    paging: Paging | None = None,
    *,
    about: Listing | None = None,
) -> RankingPage:
    """One page of a ranking with its reasons: ranked in a thread, then shown as the database has it now.

    `about` is the record that asks, where one does: its indicators, or the found problems', are looked up too.
    """
    snapshot, now, after = begun(engine, kind, paging)
    await let_go(session)
    first, found = await best(
        session, engine, kind, snapshot, query, limit, now=now, filters=filters, after=after,
        shown=partial(_shown, session, kind),
    )  # fmt: skip
    kept, more = found[:limit], found[limit:]
    await let_go(session)
    pairings = await engine.off_the_loop(partial(_explained, snapshot, query, now, about, kept))
    return RankingPage(items=pairings, **beside(engine, kind, first, paging, snapshot, now, kept, more=bool(more)))


def begun(engine: Engine, kind: Kind, paging: Paging | None) -> tuple[SharedSnapshot, float, tuple[float, str] | None]:
    """The snapshot and the moment that a page is of, and what it goes on behind.

    Freshness fades with every second, and each record that comes or goes moves all others a little: every page of a
    ranking is of the moment and the snapshot of the first. Where that snapshot is gone, the present one goes on.
    """
    snapshot = ready(engine, kind)
    place = paging.place((float, str, float, str)) if paging else None
    if place is None:
        return snapshot, clock.now().timestamp(), None
    return engine.sides[kind].kept(place[3]) or snapshot, place[2], (place[0], place[1])


async def best(
    session: AsyncSession,
    engine: Engine,
    kind: Kind,
    snapshot: SharedSnapshot,
    query: Query,
    limit: int,
    *,
    now: float,
    filters: Filters,
    after: tuple[float, str] | None,
    shown: Callable[[Sequence[UUID]], Awaitable[Mapping[UUID, Row]]],
) -> tuple[Ranking, list[tuple[Match, Row]]]:
    """The first of a ranking that are still shown, more than `limit` of them where there are more."""
    wanted = limit + SPARE
    first: Ranking | None = None
    found: list[tuple[Match, Row]] = []
    while True:
        started = time.perf_counter()
        ranking = await engine.off_the_loop(
            partial(snapshot.rank, query, k=wanted, now=now, filters=filters, after=after)
        )
        metrics.rankings.labels(str(kind)).observe(time.perf_counter() - started)
        first = first or ranking
        there = await shown([UUID(match.key) for match in ranking.items])
        found += [(match, there[id_]) for match in ranking.items if (id_ := UUID(match.key)) in there]
        if len(found) > limit or len(ranking.items) < wanted:
            return first, found
        after = ranking.next


def beside(
    engine: Engine,
    kind: Kind,
    first: Ranking,
    paging: Paging | None,
    snapshot: SharedSnapshot,
    now: float,
    kept: Sequence[tuple[Match, Any]],
    *,
    more: bool,
) -> dict[str, Any]:
    """What a page of a ranking says beside its items."""
    marker = None
    if paging and more:
        marker = paging.marker([kept[-1][0].score, kept[-1][0].key, now, engine.sides[kind].keep(snapshot)])
    message = None
    if not first.fits:
        message = told(NOTHING_FITS if kept else NOTHING_AT_ALL)
    return {
        "next_cursor": marker,
        "fits": first.fits,
        "message": message,
        "considered": first.considered,
        "best_text": first.best_text,
        "threshold": first.threshold,
    }


async def let_go(session: AsyncSession) -> None:
    """Give the connection back for as long as a ranking takes or waits its turn; nothing was written on it."""
    await session.commit()


async def _shown(session: AsyncSession, kind: ListingKind, ids: Sequence[UUID]) -> dict[UUID, Listing]:
    """The records as they are now: what was taken back a moment ago, or ran out, is not among them."""
    if not ids:
        return {}
    statement = records.chosen(reading.MODEL[kind]).options(load_only(*reading.shown(kind), raiseload=True))
    found = await session.scalars(
        statement.where(Listing.id.in_(ids), listing_open(), Listing.confirmed_until > clock.now())
    )
    return {listing.id: listing for listing in found.unique()}


def _covered(about: Listing | None, found: Sequence[Listing]) -> list[list[CoverageReason] | None]:
    """For each found record: what the achievement of the two says to the problem's indicators; None for a free text."""
    if about is None:
        return [None] * len(found)
    pairs = [(about, other) if isinstance(about, Problem) else (other, about) for other in found]
    return [
        [
            CoverageReason(
                **asdict(one.indicator),
                verdict=one.verdict,
                sentence=one.sentence,
                found=one.found,
                converted=one.converted,
            )
            for one in coverage(reading.indicators(problem), reading.document(achievement))
        ]
        for problem, achievement in pairs
    ]


def _pairing(
    listing: Listing, why: Why, *, verdicts: list[CoverageReason] | None = None, in_full: bool = False
) -> Pairing:
    organisation: Organisation = listing.organisation
    return Pairing(
        id=listing.id,
        kind=listing.kind,
        title=listing.title,
        score=why.score,
        organisation=OrganisationCard(
            id=organisation.id, name=organisation.name, verification=organisation.verification
        ),
        region=listing.region,
        confirmed_at=listing.confirmed_at,
        reasons=reasons_of(why, in_full=in_full),
        coverage=verdicts,
    )


def reasons_of(why: Why, *, in_full: bool) -> Reasons:
    return Reasons(
        text=why.text,
        terms=[
            TermReason(
                term=group.label,
                contribution=group.contribution,
                synonym_of=group.synonym_of,
                lowered=group.lowered,
                parts=[TermPart(**part._asdict()) for part in group.parts] if in_full else None,
            )
            for group in why.terms
        ],
        other=OtherTerms(terms=why.other.terms, contribution=why.other.contribution),
        signals=[
            SignalReason(
                name=signal.name,
                known=signal.known,
                value=signal.value,
                weight=signal.weight,
                contribution=signal.contribution,
                detail=dict(signal.detail),
            )
            for signal in why.signals
        ],
        sentence=SentenceReason(
            field=why.sentence.field,
            text=why.sentence.text,
            share=why.sentence.share,
            spans=list(why.sentence.spans),
        )
        if why.sentence
        else None,
        query_norm=why.query_norm,
        document_norm=why.document_norm,
        pivot=why.pivot,
        documents=why.documents,
        model=why.version,
    )
