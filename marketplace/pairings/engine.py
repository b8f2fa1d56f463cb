"""The ranking: every open record in segments that all processes of a machine share, kept current from the facts."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

import anyio
import anyio.to_thread
import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid4

from marketplace.kernel import clock, facts, metrics
from marketplace.kernel.db import Database
from marketplace.lexicon import lexicons, synonyms
from marketplace.pairings import reading, sources
from marketplace.pairings.reading import Kind
from marketplace.pairings.shelf import Shelf
from marketplace.pairings.sources import SOURCES
from marketplace.tuning import tunings
from matching import Document
from matching.lexicon import NO_LEXICON, Lexicon
from matching.segments.files import Damaged
from matching.segments.index import Building, SharedIndex, SharedSnapshot, building, warm
from matching.segments.store import Busy, Store
from matching.synonyms import NO_SYNONYMS, Synonyms
from matching.tuning import STARTING, Tuning

log = structlog.get_logger("ranking")

Answer = TypeVar("Answer")

# Well under the promised second; a look costs one indexed statement that mostly finds nothing.
LOOK_EVERY: Final = 0.25
BATCH: Final = 2000
# Two rankings at once keep two cores busy; more would only wait for each other and for the event loop's thread.
AT_ONCE: Final = 2
# A reader who turns pages goes on in the ranking that was begun, although records come and go meanwhile: a snapshot
# that a next page was promised from is kept while it is among the latest few of those.
KEPT: Final = 3

# Changes are in memory until they are written down; a process that starts reads those since the last version again.
PUBLISH_AT: Final = 1000
PUBLISH_EVERY: Final = 600.0
PUBLISH_LOOK: Final = 5.0

_OF_WORDS: Final = frozenset({"SynonymAdded", "SynonymRemoved"})
_OF_TUNING: Final = frozenset({"WeightsActivated", "TermsLowered", "TermCleared", "TermRestored"})
_OF_LEXICON: Final = frozenset({"LexiconActivated"})
_NEWS: Final = sources.HEARD | _OF_WORDS | _OF_TUNING | _OF_LEXICON


@dataclass
class Side:
    """One kind of record: its index, whether all of it was read, and the snapshots that pages were promised from."""

    index: SharedIndex = field(default_factory=SharedIndex)
    loaded: bool = False
    _kept: "OrderedDict[str, SharedSnapshot]" = field(default_factory=OrderedDict)
    _tuned: SharedSnapshot | None = None

    def tuned(self, tuning: Tuning) -> SharedSnapshot:
        """The present snapshot, ranked with this tuning; the same object as long as both are. Later pages of a ranking
        go on in the tuning of its first."""
        snapshot, known = self.index.snapshot, self._tuned
        if known is None or known.view is not snapshot.view or known.tuning is not tuning:
            known = self._tuned = snapshot.tuned(tuning)
        return known

    def keep(self, snapshot: SharedSnapshot) -> str:
        """A name under which the next page will find this snapshot, unless it has to make room for others."""
        name = next((name for name, kept in self._kept.items() if kept is snapshot), str(uuid4()))
        self._kept[name] = snapshot
        self._kept.move_to_end(name)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return name

    def kept(self, name: str) -> SharedSnapshot | None:
        return self._kept.get(name)

    def hand_on(self, after: "Side") -> None:
        """What pages were promised from stays in a side that takes the place of this one."""
        after._kept = self._kept  # noqa: SLF001 -- it is one of us


class Engine:
    """Ranks in threads, so that the event loop goes on answering. One a process; all of a machine share what is on disk."""

    def __init__(self, database: Database, home: Path) -> None:
        self._database, self._home = database, home
        self._shelf = Shelf(home)
        self._mark = 0
        self._seen: set[int] = set()
        self._looking = asyncio.Lock()
        self._limiter = anyio.CapacityLimiter(AT_ONCE)
        self._published_at = time.monotonic()
        self.sides: dict[Kind, Side] = {kind: Side() for kind in SOURCES}
        # They widen the questions alone, so a change holds from the next one on and nothing is indexed anew.
        self.synonyms: Synonyms = NO_SYNONYMS
        # Learnt from verdicts on achievements and problems, and for their rankings alone.
        self.tuning: Tuning = STARTING
        # What records and questions are read with, and what they are to be read with. Records have to be read anew for
        # another one, so a ranking goes on with its own until that is done: see `go_over`.
        self.lexicon: Lexicon = NO_LEXICON
        self.wanted: Lexicon = NO_LEXICON
        self._coming: Engine | None = None
        self._read = 0

    @property
    def records_read(self) -> int:
        """How many records this process has read with the lexicon that is wanted, while it is not in use yet."""
        return self._coming._read if self._coming else 0  # noqa: SLF001 -- it is one of us

    @property
    def loaded(self) -> bool:
        return all(side.loaded for side in self.sides.values())

    def readiness(self) -> dict[str, dict[str, object]]:
        return {
            str(kind): {
                "loaded": side.loaded,
                "records": len(side.index.snapshot),
                "high_water_mark": self._mark,
                "version": side.index.manifest.number if side.index.manifest else None,
                "version_mark": side.index.manifest.mark if side.index.manifest else None,
                "changes": side.index.changes,
                "model": self._tuning_of(kind).version,
                "lexicon": side.index.lexicon.version,
                "lexicon_wanted": self.wanted.version,
                "records_read": self.records_read,
            }
            for kind, side in self.sides.items()
        }

    async def folder(self) -> Path:
        """Where the published versions are, one store below it for each kind."""
        async with self._database.reading() as session:
            return await self._shelf.folder(session, self.lexicon)

    def snapshot(self, kind: Kind) -> SharedSnapshot:
        return self.sides[kind].tuned(self._tuning_of(kind))

    def _tuning_of(self, kind: Kind) -> Tuning:
        return self.tuning if SOURCES[kind].learns else SOURCES[kind].tuning

    async def off_the_loop(self, work: Callable[[], Answer]) -> Answer:
        return await anyio.to_thread.run_sync(work, limiter=self._limiter)

    async def open(self) -> None:
        """Go over to what was published, by whichever process, and read the records of what never was."""
        async with self._looking:
            await self.off_the_loop(warm)
            async with self._database.reading() as session:
                self.lexicon = await lexicons.current(session)
            while not self.loaded:
                async with self._database.reading() as session:
                    present, folder = await facts.mark(session), await self._shelf.folder(session, self.lexicon)
                for kind in self.sides:
                    index = await self.off_the_loop(partial(SharedIndex, Store(folder / kind), self.lexicon))
                    if index.manifest and index.manifest.mark <= present:
                        self._put_up(kind, index)
                try:
                    await self._load([kind for kind, side in self.sides.items() if not side.loaded])
                except Busy:  # another process reads them, for all of us
                    await asyncio.sleep(LOOK_EVERY)
            self._mark = min(side.index.manifest.mark for side in self.sides.values() if side.index.manifest)
            self._seen = set()
            async with self._database.reading() as session:  # it may have changed before that mark
                self.wanted = await lexicons.current(session)

    async def load(self) -> None:
        """Read every open record anew, whatever was published. ``Busy`` while another process does."""
        async with self._looking:
            await self._load_all()

    async def _load_all(self) -> None:
        async with self._database.reading() as session:
            self.lexicon = self.wanted = await lexicons.current(session)
        self._mark, self._seen = await self._load(list(self.sides), anew=True), set()

    async def _load(self, kinds: Sequence[Kind], *, anew: bool = False) -> int:
        """The place in the facts is taken first, so nothing falls between; answers it. ``anew``: whatever was published."""
        started = time.perf_counter()
        async with self._database.reading() as session:
            mark, folder = await facts.mark(session), await self._shelf.folder(session, self.lexicon)
            self.synonyms = Synonyms.of(await synonyms.current(session))
            self._tune(await tunings.current(session))
            for kind in kinds:
                store = Store(folder / kind)
                with building(store, self.lexicon) as making:
                    made = store.latest()  # by somebody who was the writer until now
                    if anew or made is None or made.mark > mark:
                        await self._read_all(session, kind, making)
                        await self.off_the_loop(partial(making.publish, mark))
                self._put_up(kind, await self.off_the_loop(partial(SharedIndex, store, self.lexicon)))
        log.info(
            "ranking_loaded",
            seconds=round(time.perf_counter() - started, 2),
            **{str(kind): len(self.snapshot(kind)) for kind in kinds},
        )
        return mark

    async def _read_all(self, session: AsyncSession, kind: Kind, making: Building) -> None:
        after: UUID | None = None
        while rows := await _open_rows(session, kind, after=after):
            after = rows[-1].id
            self._read += len(rows)
            await self.off_the_loop(partial(making.add, _documents(rows)))

    def _tune(self, tuning: Tuning) -> None:
        self.tuning = tuning
        metrics.matching_model.set(tuning.version)

    def _put_up(self, kind: Kind, index: SharedIndex) -> None:
        self.sides[kind] = Side(index, loaded=True)
        self._tell(kind)

    def _tell(self, kind: Kind) -> None:
        index = self.sides[kind].index
        metrics.index_records.labels(str(kind)).set(len(index.snapshot))
        metrics.index_changes.labels(str(kind)).set(index.changes)
        if index.manifest:
            metrics.index_version.labels(str(kind)).set(index.manifest.number)
            metrics.index_mark.labels(str(kind)).set(index.manifest.mark)
        metrics.lexicon.set(index.lexicon.version)

    async def catch_up(self) -> int:
        """Bring the ranking up to what is committed now. Answers how many records were looked at again."""
        async with self._looking:
            async with self._database.reading() as session:
                news, following = await facts.since(session, self._mark, _NEWS)
                if following < self._mark:
                    # History only runs backwards when another cluster answers: a backup was restored.
                    log.warning("ranking_starts_over")
                    await self._load_all()
                    return sum(len(side.index.snapshot) for side in self.sides.values())
                # While a long transaction runs, what its neighbours wrote is handed out at every look.
                fresh = [fact for fact in news if fact.id not in self._seen]
                if any(fact.name in _OF_WORDS for fact in fresh):
                    self.synonyms = Synonyms.of(await synonyms.current(session))
                if any(fact.name in _OF_TUNING for fact in fresh):
                    self._tune(await tunings.current(session))
                if any(fact.name in _OF_LEXICON for fact in fresh):
                    self.wanted = await lexicons.current(session)
                concerned = await sources.concerned(session, fresh)
                # A version holds a change for certain once its mark is beyond the transaction that made it.
                mark = 1 + max((fact.xid for fact in fresh), default=0)
                for kind, side in self.sides.items():
                    wanted = concerned[kind]
                    for start in range(0, len(wanted), BATCH):
                        some = wanted[start : start + BATCH]
                        rows = await _open_rows(session, kind, among=some)
                        await self.off_the_loop(partial(_exchange, side.index, rows, some, mark))
            await self.off_the_loop(self._refresh)
            for kind in self.sides:
                self._tell(kind)
            self._mark, self._seen = following, {fact.id for fact in news}
            metrics.index_lag.set(clock.now().timestamp())
            return len(set().union(*concerned.values()))

    async def go_over(self) -> bool:
        """Rank with the lexicon that is wanted, if it is another one; answers whether it was.

        All records are read with it first, by one process for all of a machine, while this one goes on answering with what
        it has and following what changes. Then every ranking from the next one on is of the new index; pages of one that
        was begun go on in the snapshot that they were promised from.
        """
        if all(side.index.lexicon.version == self.wanted.version for side in self.sides.values()):
            return False
        coming = self._coming = Engine(self._database, self._home)
        try:
            await coming.open()
            await coming.catch_up()
            async with self._looking:
                await coming.catch_up()
                for kind, side in coming.sides.items():
                    self.sides[kind].hand_on(side)
                self.sides, self._shelf, self._mark, self._seen = (
                    coming.sides,
                    coming._shelf,
                    coming._mark,
                    coming._seen,
                )
                self.lexicon, self.wanted, self.synonyms = coming.lexicon, coming.wanted, coming.synonyms
                self._tune(coming.tuning)
                for kind in self.sides:
                    self._tell(kind)
        finally:
            self._coming = None
        log.info("lexicon_changed", version=self.lexicon.version, terms=len(self.lexicon))
        return True

    def _refresh(self) -> None:
        """Also goes over to what other processes have published."""
        for side in self.sides.values():
            side.index.refresh()

    async def publish(self) -> None:
        """Write down for all processes what this one knows. ``Busy`` while another does; queries and changes go on."""
        mark = self._mark
        for side in list(self.sides.values()):
            if side.index.manifest is None or side.index.manifest.mark < mark:
                await anyio.to_thread.run_sync(side.index.publish, mark)
        self._published_at = time.monotonic()

    def _due(self) -> bool:
        changes = max(side.index.changes for side in self.sides.values())
        return changes >= PUBLISH_AT or (changes > 0 and time.monotonic() - self._published_at > PUBLISH_EVERY)

    async def follow(self) -> None:
        """Open, then keep looking and writing down, whatever the database does, until cancelled."""
        async with asyncio.TaskGroup() as all_:
            all_.create_task(self._look_on())
            all_.create_task(self._write_down())
            all_.create_task(self._keep_words())

    async def _look_on(self) -> None:
        while True:
            try:
                if not self.loaded:
                    await self.open()
                await self.catch_up()
            except Exception as error:  # noqa: BLE001 -- the database may be away; the last good ranking goes on
                log.warning("ranking_waits", because=repr(error))
                await asyncio.sleep(1)
            await asyncio.sleep(LOOK_EVERY)

    async def _keep_words(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                if self.loaded:
                    await self.go_over()
            except Exception as error:  # noqa: BLE001 -- the database may be away; the lexicon in use goes on
                log.warning("lexicon_waits", because=repr(error))
                await asyncio.sleep(1)

    async def _write_down(self) -> None:
        checked = False
        while True:
            await asyncio.sleep(PUBLISH_LOOK)
            if not self.loaded:
                continue
            try:
                if not checked:
                    await self._check()
                    checked = True
                self._shelf.lived_in()
                if self._due():
                    await self.publish()
            except Busy:
                pass
            except Exception as error:  # noqa: BLE001 -- a full disk, say; memory holds what could not be written
                log.warning("ranking_not_written", because=repr(error))

    async def _check(self) -> None:
        """Read every byte of what was opened once; what is damaged is read from the records again."""
        for kind, side in list(self.sides.items()):
            store, manifest = side.index.store, side.index.manifest
            if store and manifest:
                try:
                    await anyio.to_thread.run_sync(store.verify, manifest)
                except Damaged as error:
                    log.warning("ranking_damaged", kind=str(kind), because=str(error))
                    await self.load()
                    return
                except FileNotFoundError:  # a newer version has taken its place
                    pass


async def _open_rows(
    session: AsyncSession, kind: Kind, *, after: UUID | None = None, among: Collection[UUID] | None = None
) -> Sequence[Any]:
    """The open records of a kind: the next batch by id, or those of `among`."""
    key, statement = reading.open_records(kind)
    if among is not None:
        statement = statement.where(key.in_(among))
    else:
        statement = statement.limit(BATCH)
        if after is not None:
            statement = statement.where(key > after)
    rows: Sequence[Any] = (await session.execute(statement.order_by(key))).all()
    return rows


def _documents(rows: Sequence[Any]) -> Iterator[tuple[str, Document]]:
    return ((str(row.id), reading.document(row)) for row in rows)


def _exchange(index: SharedIndex, rows: Sequence[Any], looked_for: Collection[UUID], mark: int) -> None:
    """Put what is open, drop what is no longer, and show it: what waits to be shown takes much memory."""
    for key in {str(id_) for id_ in looked_for} - {str(row.id) for row in rows}:
        index.drop(key, mark=mark)
    index.put_many(_documents(rows), mark=mark)
    index.refresh()
