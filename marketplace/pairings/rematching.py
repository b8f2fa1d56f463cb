"""Everybody against everybody: one run in the ranking's folder that goes on where it stopped, and what is proposed from it."""

import fcntl
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy import null, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.kernel.db import Database
from marketplace.kernel.refusals import Conflict, Unavailable
from marketplace.lexicon import synonyms
from marketplace.listings.models import Achievement, Listing
from marketplace.listings.policy import listing_open
from marketplace.pairings import reading
from marketplace.pairings.engine import Engine
from marketplace.tuning import tunings
from matching import Facets, Query, Weights, fits_from
from matching.blend import lifted
from matching.rewording import name_of, reworded
from matching.segments.rematch import Run, Way
from matching.segments.store import Busy, Store
from matching.sharing import Passed, Proposal, shared
from matching.synonyms import Synonyms
from matching.tuning import Tuning
from schemas.listings import ListingKind

KINDS: Final = {Way.PROBLEMS: ListingKind.PROBLEM, Way.ACHIEVEMENTS: ListingKind.ACHIEVEMENT}
_BATCH: Final = 1000


class RematchRunning(Conflict):
    """另一个全量匹配正在运行；等它结束，或先停下它。 · Another rematch is running; wait for it or stop it first."""


class DepthDiffers(Conflict):
    """有一次没做完的全量匹配，深度与此不同：用它的深度继续，或加 --anew 重新开始。 · An unfinished rematch has another depth: go on with its depth, or begin again with --anew."""


class NothingPublished(Conflict):
    """还没有公开的成果或难题可以匹配。 · There are no open achievements or problems to match yet."""


class ClusterAway(Unavailable):
    """全量匹配的集群没有应答，或没有工作节点；已算好的部分保留着。 · The cluster for rematches does not answer or has no worker; what is computed so far is kept."""


class ClusterNotInstalled(Conflict):
    """设置了 DUIJIE_REMATCH_SCHEDULER，但没有安装集群组件：pip install 'duijie[scale]'。 · DUIJIE_REMATCH_SCHEDULER is set, but the cluster's packages are not installed: pip install 'duijie[scale]'."""


@dataclass(frozen=True, slots=True)
class Words:
    """What records ask by beside their own texts: the administrators' synonyms, and the terms that are lowered."""

    synonyms: Synonyms
    tuning: Tuning

    @property
    def name(self) -> str:
        return name_of(self.synonyms, self.tuning)


async def words(database: Database) -> Words:
    """Those in use now."""
    async with database.reading() as session:
        return Words(Synonyms.of(await synonyms.current(session)), await tunings.current(session))


@contextmanager
def begun(folder: Path, *, depth: int, anew: bool, by: Words, current: bool = False) -> Iterator[Run]:
    """The run of a ranking's folder: the unfinished one, the finished one while nothing was published since and the words
    are the same, else a new one, of which `worded` comes before the work. One process at a time. With `current` an
    unfinished one of other versions or words or of another depth is begun again."""
    home = folder / "rematch"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "running.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RematchRunning from None
        yield _run(folder, home / "run", depth, by, anew=anew, current=current)


def _run(folder: Path, place: Path, depth: int, by: Words, *, anew: bool, current: bool) -> Run:
    stores = {way: Store(folder / kind) for way, kind in KINDS.items()}
    try:
        known = None if anew else Run(place)
    except (FileNotFoundError, ValueError, TypeError):  # never begun, or cut off while it was
        known = None
    asked_by = {known.worded_by(way) for way in Way} if known else set()
    if known and known.left() and not current:
        if known.plan.k != depth:
            raise DepthDiffers
        return known
    same = known and known.plan.k == depth and asked_by <= {by.name, None}
    if known and same and all(_same(known, way, store) for way, store in stores.items()):
        return known
    shutil.rmtree(place, ignore_errors=True)
    try:
        return Run.begin(place, stores[Way.PROBLEMS], stores[Way.ACHIEVEMENTS], k=depth)
    except LookupError:
        raise NothingPublished from None


def match(run: Run, told: Callable[[int, int], object], *, threads: int, scheduler: str | None = None) -> None:
    """Do what is left of a run: in threads of this process, or on the cluster of a scheduler, which sees the run's folder
    under the same path."""
    if scheduler is None:
        run.work(threads=threads, told=told)
        return
    try:
        from matching import cluster  # noqa: PLC0415 -- an extra that few installations have
    except ModuleNotFoundError:
        raise ClusterNotInstalled from None
    try:
        with cluster.reached(scheduler) as client:
            cluster.work(client, run, told=told)
    except OSError as error:
        raise ClusterAway(f"{ClusterAway.title()} ({error})") from error


def _same(run: Run, way: Way, store: Store) -> bool:
    kept, newest = Store(run.folder / way).latest(), store.latest()
    return kept is not None and newest is not None and kept.number == newest.number


async def worded(database: Database, run: Run, by: Words) -> None:
    """Write down in a run's folder how each record asks otherwise than by its own terms alone, unless that is there."""
    for way, kind in KINDS.items():
        if run.worded_by(way) is None:
            with run.rewording(way, by.name) as add:
                async for row in _open(database, kind):
                    add(str(row.id), reworded(reading.query(row, by.synonyms), by.tuning))


async def _open(database: Database, kind: ListingKind) -> AsyncIterator[Any]:
    """All open records of a kind, as the ranking reads them."""
    key, statement = reading.open_records(kind)
    some, after = statement.order_by(key).limit(_BATCH), None
    async with database.reading() as session:
        while rows := (await session.execute(some if after is None else some.where(key > after))).all():
            for row in rows:
                yield row
            after = rows[-1].id


async def written_down(database: Database, home: Path) -> Path:
    """The ranking's folder, with all open records in its newest versions."""
    engine = Engine(database, home)
    await engine.open()
    await engine.catch_up()
    with suppress(Busy):  # another process is about to
        await engine.publish()
    return await engine.folder()


@dataclass(frozen=True, slots=True)
class Wish:
    """What to propose. ``most``: to each who asks; ``places``: of each who is proposed and does not say how many talks
    it can take, None for any number; ``floor``: proposals that who asks keeps; ``by_organisation``: places are those of
    an organisation, and what an achievement says itself holds within them."""

    way: Way = Way.PROBLEMS
    most: int = 5
    places: int | None = None
    floor: int = 0
    by_organisation: bool = False
    all: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """An open record: what it is called, whose it is, how many talks it can take, what is known beside its text."""

    title: str
    organisation_id: UUID
    organisation: str
    talks: int | None
    facets: Facets


Ranked = list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Proposed:
    """``asking``: by id, those who ask, with what they get and what is passed over. ``names``: of all records in it.
    ``answering``: how many could be proposed.
    ``back``: for each who is proposed, the plain places of those who ask in its own ranking, where that was wanted."""

    asking: Sequence[tuple[str, Sequence[Proposal], Sequence[Passed]]]
    names: Mapping[str, Named]
    answering: int
    back: Mapping[str, Mapping[str, int]]
    plain: float
    total: float
    short: int


async def proposed(database: Database, run: Run, wish: Wish, *, back: bool = False) -> Proposed:
    """What a finished run proposes, among the records that are open now. ``matching.sharing`` tells how places are shared.

    The run kept the candidates whose texts are nearest. Here they get the score that a ranking shows, structured signals
    by the weights in use included; whether something fits at all is a matter of the text alone, there as here.
    """
    async with database.reading() as session:
        names = {kind: await _names(session, kind) for kind in KINDS.values()}
        weights = (await tunings.current(session)).weights
    now = clock.now().timestamp()
    ranked = _ranked(run, wish.way, names, weights, now, every=wish.all)
    found_names = names[KINDS[wish.way.other]]
    talks = {key: named.talks for key, named in found_names.items() if named.talks is not None}
    teams = {key: str(named.organisation_id) for key, named in found_names.items()} if wish.by_organisation else None
    places = len(ranked) if wish.places is None else wish.places
    sharing = shared(
        [found for _, found in ranked],
        most=wish.most,
        floor=wish.floor,
        places=min(places, 10_000),
        places_of=None if teams else talks,
        teams=teams,
        own=talks if teams else None,
    )
    return Proposed(
        [(key, share.proposals, share.passed) for (key, _), share in zip(ranked, sharing.shares, strict=True)],
        names[KINDS[wish.way]] | found_names,
        len(found_names),
        {
            key: {other: place for place, (other, _) in enumerate(found, 1)}
            for key, found in _ranked(run, wish.way.other, names, weights, now, every=True)
        }
        if back
        else {},
        sharing.plain,
        sharing.total,
        len(sharing.short),
    )


def _ranked(
    run: Run,
    way: Way,
    names: Mapping[ListingKind, Mapping[str, Named]],
    weights: Weights,
    now: float,
    *,
    every: bool,
) -> list[tuple[str, Ranked]]:
    """Each open record that asks, with the open candidates that a run kept for it, best first by the blended score."""
    least = 0.0 if every else fits_from(run.plan.achievements if way is Way.PROBLEMS else run.plan.problems)
    asking, found = names[KINDS[way]], names[KINDS[way.other]]
    made = []
    for key, candidates in run.found(way):
        named = asking.get(key)
        if named is None:
            continue
        query = Query(facets=named.facets, side="problem" if way is Way.PROBLEMS else "achievement")
        scored = [
            (other, lifted(query, found[other].facets, score, weights, now))
            for other, score in candidates
            if score >= least and other in found
        ]
        made.append((key, sorted(scored, key=lambda one: (-one[1], one[0]))))
    return made


async def _names(session: AsyncSession, kind: ListingKind) -> dict[str, Named]:
    """All open records of a kind."""
    found: dict[str, Named] = {}
    model = reading.MODEL[kind]
    talks = Achievement.talks if kind is ListingKind.ACHIEVEMENT else null()
    statement = (
        select(
            model.id, model.title, Organisation.id.label("organisation_id"), Organisation.name,
            talks.label("talks"), *reading.beside_text(kind),
        )
        .join(Organisation, Organisation.id == model.organisation_id)
        .where(model.kind == kind, listing_open(), Listing.confirmed_until > clock.now())
        .order_by(model.id)
        .limit(_BATCH)
    )  # fmt: skip
    after: UUID | None = None
    while rows := (await session.execute(statement if after is None else statement.where(model.id > after))).all():
        found |= {
            str(row.id): Named(row.title, row.organisation_id, row.name, row.talks, reading.facets(row)) for row in rows
        }
        after = rows[-1].id
    return found
