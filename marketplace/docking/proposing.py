"""Who should meet whom, and why: the ranking of the whole place, asked about what the participants of an event bring."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import with_polymorphic
from uuid_utils.compat import uuid4

from marketplace.docking import events, meeting_facts
from marketplace.docking.meeting_models import Meeting
from marketplace.docking.meeting_policy import takes_part
from marketplace.docking.registration_models import BroughtListing, Registration
from marketplace.docking.wish_models import Wish
from marketplace.identity.models import Organisation
from marketplace.kernel import clock, operations, work
from marketplace.kernel.actor import Actor
from marketplace.kernel.db import Database
from marketplace.kernel.facts import record
from marketplace.kernel.jobs import Place
from marketplace.kernel.operations import Operation
from marketplace.listings.models import Listing
from marketplace.listings.policy import listing_open
from marketplace.pairings import reading
from marketplace.pairings.engine import Engine
from matching.segments.index import SharedSnapshot
from matching.synonyms import Synonyms
from schemas.events import EventAct
from schemas.listings import ListingKind
from schemas.meetings import Ground, MeetingState
from schemas.operations import OperationState
from schemas.wishes import RecordBrief, TermBrief, WishReason

JOB: Final = "docking.propose"
PARTNERS: Final = 15
"""Proposals that each list gets at least, where so many fit."""
REASONS: Final = 3
TERMS: Final = 6
BATCH: Final = 20

Pair = tuple[UUID, UUID]


@dataclass(frozen=True, slots=True)
class Brought:
    """A record and who brings it."""

    listing: Any
    by: tuple[Registration, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A problem beside an achievement, both brought, with the score of the ranking."""

    score: float
    fits: bool
    problem: Any
    achievement: Any


async def start(session: AsyncSession, actor: Actor, event_id: UUID) -> Operation:
    """Have the pairs of an event proposed anew; what was answered stays answered."""
    event = await events.run(session, actor, event_id)
    events.require(event, EventAct.WISH)
    return await work.start(session, actor, "proposals", JOB, event_id=event_id)


_engines: WeakKeyDictionary[Database, Engine] = WeakKeyDictionary()


async def _ranking(place: Place) -> Engine:
    """The ranking of this process, as of now. It is opened when it is first asked for, and kept."""
    engine = _engines.setdefault(place.database, Engine(place.database, place.settings.home))
    if not engine.loaded:
        await engine.open()
    await engine.catch_up()
    await engine.go_over()
    return engine


async def run(place: Place, args: dict[str, Any]) -> None:
    """Propose the pairs of one event. Done twice it comes to the same."""
    operation_id, event_id = UUID(args["operation_id"]), UUID(args["event_id"])
    async with place.database.writing.begin() as session:
        if not await work.begin(session, operation_id):
            return
    try:
        await _run(place, operation_id, event_id)
    except work.Stopped:
        async with place.database.writing.begin() as session:
            await operations.end(session, operation_id, OperationState.CANCELLED)


async def _run(place: Place, operation_id: UUID, event_id: UUID) -> None:
    engine = await _ranking(place)
    async with place.database.reading() as session:
        brought = await _brought(session, event_id)
    problems = [one for one in brought.values() if one.listing.kind is ListingKind.PROBLEM]
    achievements = {str(key): one for key, one in brought.items() if one.listing.kind is ListingKind.ACHIEVEMENT}
    snapshot, now = engine.snapshot(ListingKind.ACHIEVEMENT), clock.now().timestamp()
    pairs: dict[Pair, list[Found]] = defaultdict(list)
    for start in range(0, len(problems), BATCH):
        some = problems[start : start + BATCH]
        for found in await engine.off_the_loop(partial(_ranked, snapshot, engine.synonyms, some, achievements, now)):
            for pair in _between(brought[found.problem.id].by, brought[found.achievement.id].by):
                pairs[pair].append(found)
        await _progress(place, operation_id, start + len(some), 2 * len(problems))
    chosen = _chosen(pairs)
    rows: list[dict[str, Any]] = []
    keys = sorted(chosen)
    for start in range(0, len(keys), BATCH):
        some_pairs = {key: chosen[key] for key in keys[start : start + BATCH]}
        rows += await engine.off_the_loop(partial(_explained, snapshot, engine.synonyms, some_pairs, event_id, now))
        done = len(problems) * (len(keys) + start + BATCH) // max(1, len(keys))
        await _progress(place, operation_id, min(done, 2 * len(problems)), 2 * len(problems))
    async with place.database.writing.begin() as session:
        await work.still_wanted(session, operation_id)
        await _write(session, event_id, rows)
        await record(session, meeting_facts.PairsProposed(event_id, len(rows)), subject=event_id)
        await operations.progress(session, operation_id, max(1, 2 * len(problems)), max(1, 2 * len(problems)))
        result = {"pairs": len(rows), "problems": len(problems), "achievements": len(achievements)}
        await operations.end(session, operation_id, OperationState.DONE, result=result)


async def _progress(place: Place, operation_id: UUID, done: int, of: int) -> None:
    async with place.database.writing.begin() as session:
        if not await operations.progress(session, operation_id, done, of):
            raise work.Stopped


async def _brought(session: AsyncSession, event_id: UUID) -> dict[UUID, Brought]:
    """What those who come bring, as far as it is public."""
    whole = with_polymorphic(Listing, "*")
    rows = await session.execute(
        select(whole, Registration)
        .join(BroughtListing, BroughtListing.listing_id == Listing.id)
        .join(Registration, Registration.id == BroughtListing.registration_id)
        .join(Organisation, Organisation.id == Listing.organisation_id)
        .where(Registration.event_id == event_id, takes_part(), listing_open())
        .order_by(Registration.id, BroughtListing.position)
    )
    found: dict[UUID, Brought] = {}
    for listing, registration in rows.all():
        before = found.get(listing.id)
        found[listing.id] = Brought(listing, (*(before.by if before else ()), registration))
    return found


def _ranked(
    snapshot: SharedSnapshot,
    synonyms: Synonyms,
    problems: Iterable[Brought],
    achievements: dict[str, Brought],
    now: float,
) -> list[Found]:
    """For each problem the brought achievements that share something with it, with the score of the whole ranking."""
    found = []
    for problem in problems:
        ranking = snapshot.rank(reading.query(problem.listing, synonyms), k=max(1, len(snapshot)), now=now)
        for match in ranking.items:
            if match.score <= 0:
                break
            other = achievements.get(match.key)
            if other is not None:
                fits = match.text * ranking.known >= ranking.threshold
                found.append(Found(match.score, fits, problem.listing, other.listing))
    return found


def _between(some: Sequence[Registration], others: Sequence[Registration]) -> Iterable[Pair]:
    """The pairs of lists that bring the two; nobody is proposed to themselves or to their own organisation."""
    for one in some:
        for other in others:
            same = one.organisation_id is not None and one.organisation_id == other.organisation_id
            if one.id != other.id and not same:
                yield (min(one.id, other.id), max(one.id, other.id))


def _chosen(pairs: dict[Pair, list[Found]]) -> dict[Pair, list[Found]]:
    """Of each list the best partners, and of each pair what carries it."""
    best = {pair: sorted(found, key=lambda one: -one.score)[:REASONS] for pair, found in pairs.items()}
    by_list: dict[UUID, list[tuple[float, Pair]]] = defaultdict(list)
    for pair, found in best.items():
        for side in pair:
            by_list[side].append((-found[0].score, pair))
    kept = {pair for ranked in by_list.values() for _, pair in sorted(ranked)[:PARTNERS]}
    return {pair: best[pair] for pair in kept}


def _explained(
    snapshot: SharedSnapshot, synonyms: Synonyms, pairs: dict[Pair, list[Found]], event_id: UUID, now: float
) -> list[dict[str, Any]]:
    return [
        {
            "id": uuid4(),
            "event_id": event_id,
            "first_id": pair[0],
            "second_id": pair[1],
            "score": found[0].score,
            "fits": any(one.fits for one in found),
            "because": [_because(snapshot, synonyms, one, now).model_dump(mode="json") for one in found],
        }
        for pair, found in pairs.items()
    ]


def _because(snapshot: SharedSnapshot, synonyms: Synonyms, found: Found, now: float) -> WishReason:
    query, achievement = reading.query(found.problem, synonyms), found.achievement
    why = snapshot.explain(query, str(achievement.id), reading.document(achievement), now=now)
    return WishReason(
        problem=_brief(found.problem),
        achievement=_brief(found.achievement),
        score=found.score,
        text=why.text,
        terms=[
            TermBrief(term=one.label, contribution=one.contribution, synonym_of=one.synonym_of)
            for one in why.terms[:TERMS]
        ],
        sentence=why.sentence.text if why.sentence else None,
    )


def _brief(listing: Any) -> RecordBrief:
    return RecordBrief(id=listing.id, kind=listing.kind, title=listing.title)


async def _write(session: AsyncSession, event_id: UUID, rows: Sequence[dict[str, Any]]) -> None:
    """The proposals of an event are these and no others; what somebody answered is not touched.

    Who meets because the matcher said so goes on seeing why.
    """
    shown = exists().where(
        Meeting.wish_id == Wish.id, Meeting.ground == Ground.RECOMMENDED, Meeting.state != MeetingState.CANCELLED
    )
    gone = update(Wish).where(Wish.event_id == event_id).execution_options(synchronize_session=False)
    await session.execute(gone.values(proposed_at=None, fits=False))
    await session.execute(gone.where(~shown).values(score=0.0, because=[]))
    now = clock.now()
    made = insert(Wish)
    upsert = made.on_conflict_do_update(
        constraint="wish_pair_key",
        set_={name: made.excluded[name] for name in ("score", "fits", "because", "proposed_at")},
    )
    for start in range(0, len(rows), 500):
        batch = [
            one | {"proposed_at": now, "created_at": now, "first_version": 1, "second_version": 1, "slots": 1}
            for one in rows[start : start + 500]
        ]
        await session.execute(upsert, batch)
