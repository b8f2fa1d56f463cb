"""Everybody against everybody: one run in the ranking's folder that goes on where it stopped, and what is proposed from it."""

import fcntl
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.kernel.db import Database
from marketplace.kernel.refusals import Conflict
from marketplace.listings.models import Listing
from marketplace.listings.policy import listing_open
from marketplace.pairings import reading
from marketplace.pairings.engine import Engine
from matching import fits_from
from matching.segments.rematch import Run, Way
from matching.segments.store import Busy, Store
from matching.sharing import Passed, Proposal, shared
from schemas.listings import ListingKind

KINDS: Final = {Way.PROBLEMS: ListingKind.PROBLEM, Way.ACHIEVEMENTS: ListingKind.ACHIEVEMENT}
_BATCH: Final = 1000


class RematchRunning(Conflict):
    """另一个全量匹配正在运行；等它结束，或先停下它。 · Another rematch is running; wait for it or stop it first."""


class DepthDiffers(Conflict):
    """有一次没做完的全量匹配，深度与此不同：用它的深度继续，或加 --anew 重新开始。 · An unfinished rematch has another depth: go on with its depth, or begin again with --anew."""


class NothingPublished(Conflict):
    """还没有公开的成果或难题可以匹配。 · There are no open achievements or problems to match yet."""


@contextmanager
def begun(folder: Path, *, depth: int, anew: bool) -> Iterator[Run]:
    """The run of a ranking's folder: the unfinished one, the finished one while nothing was published since, else a new
    one. One process at a time."""
    home = folder / "rematch"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "running.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RematchRunning from None
        yield _run(folder, home / "run", depth, anew=anew)


def _run(folder: Path, place: Path, depth: int, *, anew: bool) -> Run:
    stores = {way: Store(folder / kind) for way, kind in KINDS.items()}
    try:
        known = None if anew else Run(place)
    except (FileNotFoundError, ValueError, TypeError):  # never begun, or cut off while it was
        known = None
    if known and known.left():
        if known.plan.k != depth:
            raise DepthDiffers
        return known
    if known and known.plan.k == depth and all(_same(known, way, store) for way, store in stores.items()):
        return known
    shutil.rmtree(place, ignore_errors=True)
    try:
        return Run.begin(place, stores[Way.PROBLEMS], stores[Way.ACHIEVEMENTS], k=depth)
    except LookupError:
        raise NothingPublished from None


def _same(run: Run, way: Way, store: Store) -> bool:
    kept, newest = Store(run.folder / way).latest(), store.latest()
    return kept is not None and newest is not None and kept.number == newest.number


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
    """What to propose. ``most``: to each who asks; ``places``: of each who is proposed, None for any number;
    ``floor``: proposals that who asks keeps; ``by_organisation``: places are those of an organisation."""

    way: Way = Way.PROBLEMS
    most: int = 5
    places: int | None = None
    floor: int = 0
    by_organisation: bool = False
    all: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """An open record."""

    title: str
    organisation_id: UUID
    organisation: str


@dataclass(frozen=True, slots=True)
class Proposed:
    """``asking``: by id, those who ask, with what they get and what is passed over. ``names``: of all records in it."""

    asking: Sequence[tuple[str, Sequence[Proposal], Sequence[Passed]]]
    names: Mapping[str, Named]
    plain: float
    total: float
    short: int


async def proposed(database: Database, run: Run, wish: Wish) -> Proposed:
    """What a finished run proposes, among the records that are open now. ``matching.sharing`` tells how places are shared."""
    least = 0.0 if wish.all else fits_from(run.plan.achievements if wish.way is Way.PROBLEMS else run.plan.problems)
    async with database.reading() as session:
        names = {kind: await _names(session, kind) for kind in KINDS.values()}
    asking_names, found_names = names[KINDS[wish.way]], names[KINDS[wish.way.other]]
    ranked = [
        (key, [(other, score) for other, score in found if other in found_names and score >= least])
        for key, found in run.found(wish.way)
        if key in asking_names
    ]
    teams = {key: str(named.organisation_id) for key, named in found_names.items()} if wish.by_organisation else None
    places = len(ranked) if wish.places is None else wish.places
    sharing = shared(
        [found for _, found in ranked], most=wish.most, floor=wish.floor, places=min(places, 10_000), teams=teams
    )
    return Proposed(
        [(key, share.proposals, share.passed) for (key, _), share in zip(ranked, sharing.shares, strict=True)],
        asking_names | found_names,
        sharing.plain,
        sharing.total,
        len(sharing.short),
    )


async def _names(session: AsyncSession, kind: ListingKind) -> dict[str, Named]:
    """All open records of a kind."""
    found: dict[str, Named] = {}
    model = reading.MODEL[kind]
    statement = (
        select(model.id, model.title, Organisation.id, Organisation.name)
        .join(Organisation, Organisation.id == model.organisation_id)
        .where(listing_open(), Listing.confirmed_until > clock.now())
        .order_by(model.id)
        .limit(_BATCH)
    )
    after: UUID | None = None
    while rows := (await session.execute(statement if after is None else statement.where(model.id > after))).all():
        found |= {str(id_): Named(title, organisation_id, name) for id_, title, organisation_id, name in rows}
        after = rows[-1][0]
    return found
