"""What fits what, and why."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock, metrics
from marketplace.kernel.actor import Actor
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import NotFound, Unavailable
from marketplace.listings.models import Listing
from marketplace.pairings import reading, shown
from marketplace.pairings.engine import Engine
from marketplace.pairings.reading import Kind
from marketplace.pairings.shown import Shown
from matching import Document, Filters, Match, Query, Ranking, Side
from matching import Reasons as Why
from matching.coverage import coverage
from matching.records import NO_FILTERS
from matching.segments.index import SharedSnapshot
from schemas.listings import ListingKind
from schemas.pairings import MatchRequest, Pairing, RankingFilter, RankingPage

Row = TypeVar("Row")

# A record that was withdrawn in the last quarter of a second may still be ranked; a few more than asked are ranked so
# that a page stays full when such a one is left out.
SPARE = 3

NOTHING_FITS = (
    "没有找到真正合适的；下面只是最接近的几条。可以补充技术细节、放宽筛选，或稍后再看。"
    " · Nothing here really fits; these are only the nearest. Add technical detail, loosen the filters, or look again later."
)
NOTHING_WITHIN = (
    "没有符合条件的有效记录。请放宽筛选，或稍后再看。"
    " · There is no current record within the filters. Loosen them, or look again later."
)
NOTHING_AT_ALL = (
    "没有任何记录与此有共同的词。请换一种说法，或放宽筛选。"
    " · No record shares a word with this. Say it differently, or loosen the filters."
)
# The same where there are no filters to loosen.
UNFILTERED = {
    NOTHING_FITS: (
        "没有找到真正合适的；下面只是最接近的几条。可以补充技术细节，或稍后再看。"
        " · Nothing here really fits; these are only the nearest. Add technical detail, or look again later."
    ),
    NOTHING_WITHIN: "还没有这类有效记录，请稍后再看。 · There is no current record of this kind yet; look again later.",
    NOTHING_AT_ALL: "没有任何记录与此有共同的词。请换一种说法。 · No record shares a word with this. Say it differently.",
}


class RankingLoading(Unavailable):
    """匹配索引正在载入，请稍后重试。 · The ranking is still being loaded; try again shortly."""


KIND: dict[type[Listing], ListingKind] = {model: kind for kind, model in reading.MODEL.items()}
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
    listing = await shown.asking(session, actor, KIND[cls], listing_id)
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
    query = Query(body=wish.text, side=side, synonyms=engine.synonyms, style=wish.read_as)
    return await ranked(session, engine, query, kind, reading.filters(wish.filters), wish.limit)


async def one(
    session: AsyncSession, engine: Engine, actor: Actor, cls: type[Listing], listing_id: UUID, other_id: UUID
) -> Pairing:
    """One pairing with all of its arithmetic."""
    found = await these(session, engine, actor, cls, listing_id, [other_id], in_full=True)
    if not found:
        raise NotFound
    return found[other_id]


async def these(
    session: AsyncSession,
    engine: Engine,
    actor: Actor,
    cls: type[Listing],
    listing_id: UUID,
    others: Sequence[UUID],
    *,
    in_full: bool = False,
) -> dict[UUID, Pairing]:
    """Some pairings of a record, as its ranking would show them now; those that it would not show are left out."""
    listing = await shown.asking(session, actor, KIND[cls], listing_id)
    kind = OTHER[listing.kind]
    snapshot = ready(engine, kind)
    query, now = reading.query(listing, engine.synonyms), clock.now().timestamp()
    there = await shown.shown(session, kind, [id_ for id_ in others if str(id_) in snapshot])
    if not there:
        return {}
    await let_go(session)
    keyed = [(str(id_), other) for id_, other in there.items()]
    made = await engine.off_the_loop(partial(_explained, snapshot, query, now, listing, keyed, in_full=in_full))
    return {one["id"]: Pairing.model_validate(one) for one in made}


def ready(engine: Engine, kind: Kind) -> SharedSnapshot:
    if not engine.sides[kind].loaded:
        raise RankingLoading
    return engine.snapshot(kind)


def _explained(
    snapshot: SharedSnapshot,
    query: Query,
    now: float,
    about: Shown | None,
    found: Sequence[tuple[str, Shown]],
    *,
    in_full: bool = False,
) -> list[dict[str, Any]]:
    """The found records with their reasons, and what they say to the indicators, for ``Pairing`` to check all at once."""
    return [
        _pairing(
            listing,
            snapshot.explain(query, key, document, now=now, in_full=in_full),
            verdicts=_covered(about, listing, document),
            in_full=in_full,
        )
        for key, listing in found
        for document in [reading.texts(listing)]
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
    about: Shown | None = None,
    without: UUID | None = None,
) -> RankingPage:
    """One page of a ranking with its reasons: ranked in a thread, then shown as the database has it now.

    `about` is the record that asks, where one does: its indicators, or the found problems', are looked up too.
    `without`: a record that is left out.
    """
    snapshot, now, after = begun(engine, kind, paging)
    await let_go(session)
    first, found = await best(
        session, engine, kind, snapshot, query, limit, now=now, filters=filters, after=after,
        shown=partial(shown.shown, session, kind), without=without,
    )  # fmt: skip
    kept, more = found[:limit], found[limit:]
    await let_go(session)
    keyed = [(match.key, listing) for match, listing in kept]
    pairings = await engine.off_the_loop(partial(_explained, snapshot, query, now, about, keyed))
    narrowed = filters != NO_FILTERS
    told_beside = beside(engine, kind, first, paging, snapshot, now, kept, more=bool(more), narrowed=narrowed)
    return RankingPage.model_validate({"items": pairings, **told_beside})


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
    without: UUID | None = None,
) -> tuple[Ranking, list[tuple[Match, Row]]]:
    """The first of a ranking that are still shown, more than `limit` of them where there are more."""
    wanted = limit + SPARE
    left_out = None if without is None else str(without)
    first: Ranking | None = None
    found: list[tuple[Match, Row]] = []
    while True:
        started = time.perf_counter()
        ranking = await engine.off_the_loop(
            partial(snapshot.rank, query, k=wanted, now=now, filters=filters, after=after, without=left_out)
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
    narrowed: bool = True,
) -> dict[str, Any]:
    """What a page of a ranking says beside its items. `narrowed`: whether there are filters that could be loosened."""
    marker = None
    if paging and more:
        marker = paging.marker([kept[-1][0].score, kept[-1][0].key, now, engine.sides[kind].keep(snapshot)])
    message = None
    if not first.fits:
        said = NOTHING_FITS if kept else NOTHING_AT_ALL if first.considered else NOTHING_WITHIN
        message = told(said if narrowed else UNFILTERED[said])
    return {
        "next_cursor": marker,
        "fits": first.fits,
        "message": message,
        "considered": first.considered,
        "best_text": first.best_text,
        "threshold": first.threshold,
        "read_as": first.style,
    }


async def let_go(session: AsyncSession) -> None:
    """Give the connection back for as long as a ranking takes or waits its turn; nothing was written on it."""
    await session.commit()


def _covered(about: Shown | None, found: Shown, document: Document) -> list[dict[str, Any]] | None:
    """What the achievement of the two says to the problem's indicators; None for a free text."""
    if about is None:
        return None
    if about.kind is ListingKind.PROBLEM:
        problem, achievement = about, document
    else:
        problem, achievement = found, reading.texts(about)
    return [
        {
            **asdict(one.indicator),
            "verdict": one.verdict,
            "sentence": one.sentence,
            "found": one.found,
            "converted": one.converted,
        }
        for one in coverage(reading.indicators(problem), achievement)
    ]


def _pairing(listing: Shown, why: Why, *, verdicts: list[dict[str, Any]] | None, in_full: bool) -> dict[str, Any]:
    return {
        "id": listing.id,
        "kind": listing.kind,
        "title": listing.title,
        "score": why.score,
        "organisation": {
            "id": listing.organisation_id,
            "name": listing.organisation_name,
            "verification": listing.organisation_verification,
        },
        "region": listing.region,
        "confirmed_at": listing.confirmed_at,
        "reasons": reasons_of(why, in_full=in_full),
        "coverage": verdicts,
    }


def reasons_of(why: Why, *, in_full: bool) -> dict[str, Any]:
    """As ``Reasons`` takes them: hundreds a page, which one look at all of them checks much faster than one at each."""
    sentence = why.sentence
    return {
        "text": why.text,
        "terms": [
            {
                "term": group.label,
                "contribution": group.contribution,
                "synonym_of": group.synonym_of,
                "lowered": group.lowered,
                "raised": group.raised,
                "parts": [part._asdict() for part in group.parts] if in_full else None,
            }
            for group in why.terms
        ],
        "other": {"terms": why.other.terms, "contribution": why.other.contribution},
        "signals": [
            {
                "name": signal.name,
                "known": signal.known,
                "value": signal.value,
                "weight": signal.weight,
                "contribution": signal.contribution,
                "detail": signal.detail,
            }
            for signal in why.signals
        ],
        "sentence": sentence
        and {"field": sentence.field, "text": sentence.text, "share": sentence.share, "spans": sentence.spans},
        "query_norm": why.query_norm,
        "document_norm": why.document_norm,
        "pivot": why.pivot,
        "documents": why.documents,
        "model": why.version,
        "lexicon": why.lexicon,
    }
