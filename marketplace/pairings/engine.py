"""The ranking of this process: every open record, kept current from the facts."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

import anyio
import anyio.to_thread
import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid4

from marketplace.kernel import clock, facts, metrics
from marketplace.kernel.db import Database
from marketplace.labs.models import Instrument
from marketplace.lexicon import synonyms
from marketplace.listings.models import Listing
from marketplace.pairings import reading
from marketplace.pairings.reading import INSTRUMENT, Kind
from matching import Index, Snapshot
from matching.synonyms import NO_SYNONYMS, Synonyms
from schemas.listings import ListingKind

log = structlog.get_logger("ranking")

Answer = TypeVar("Answer")

# Well under the promised second; a look costs one indexed statement that mostly finds nothing.
LOOK_EVERY: Final = 0.25
BATCH: Final = 2000
# Two rankings at once keep two cores busy; more would only wait for each other and for the event loop's thread.
AT_ONCE: Final = 2
# A reader who turns pages goes on in the ranking that was begun, although records come and go meanwhile: a snapshot
# that a next page was promised from is kept while it is among the latest few of those (some 30 MB each at 12,000 records).
KEPT: Final = 3

_OF_LISTING: Final = frozenset(
    {
        "ListingPublished",
        "ListingEdited",
        "ListingConfirmed",
        "ListingWithdrawn",
        "ListingExpired",
        "TalksBegun",
        "ProblemSolved",
    }
)
_OF_MANY: Final = "ListingsImported"
_OF_INSTRUMENT: Final = frozenset({"InstrumentPublished", "InstrumentEdited", "InstrumentRetired"})
_OF_ORGANISATION: Final = frozenset({"VerificationDecided", "OrganisationEdited"})
_OF_WORDS: Final = frozenset({"SynonymAdded", "SynonymRemoved"})
_NEWS: Final = _OF_LISTING | _OF_INSTRUMENT | _OF_ORGANISATION | _OF_WORDS | {_OF_MANY}


@dataclass
class Side:
    """One kind of record: its index, whether all of it was read, and the snapshots that pages were promised from."""

    index: Index = field(default_factory=Index)
    loaded: bool = False
    _kept: "OrderedDict[str, Snapshot]" = field(default_factory=OrderedDict)

    def keep(self, snapshot: Snapshot) -> str:
        """A name under which the next page will find this snapshot, unless it has to make room for others."""
        name = next((name for name, kept in self._kept.items() if kept is snapshot), str(uuid4()))
        self._kept[name] = snapshot
        self._kept.move_to_end(name)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return name

    def kept(self, name: str) -> Snapshot | None:
        return self._kept.get(name)


class Engine:
    """Ranks in threads, so that the event loop goes on answering. One a process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._mark = 0
        self._seen: set[int] = set()
        self._looking = asyncio.Lock()
        self._limiter = anyio.CapacityLimiter(AT_ONCE)
        self.sides: dict[Kind, Side] = {kind: Side() for kind in (*ListingKind, INSTRUMENT)}
        # They widen the questions alone, so a change holds from the next one on and nothing is indexed anew.
        self.synonyms: Synonyms = NO_SYNONYMS

    @property
    def loaded(self) -> bool:
        return all(side.loaded for side in self.sides.values())

    def readiness(self) -> dict[str, dict[str, object]]:
        return {
            str(kind): {"loaded": side.loaded, "records": len(side.index.snapshot), "high_water_mark": self._mark}
            for kind, side in self.sides.items()
        }

    def snapshot(self, kind: Kind) -> Snapshot:
        return self.sides[kind].index.snapshot

    async def off_the_loop(self, work: Callable[[], Answer]) -> Answer:
        return await anyio.to_thread.run_sync(work, limiter=self._limiter)

    async def load(self) -> None:
        """Read every open record. The place in the facts is taken first, so nothing falls between."""
        async with self._looking:
            await self._load()

    async def _load(self) -> None:
        started = time.perf_counter()
        async with self._database.reading() as session:
            mark = await facts.mark(session)
            self.synonyms = Synonyms.of(await synonyms.current(session))
            for kind in self.sides:
                # Built beside the one in use: what a broken try read must not stay when it is tried again.
                side, after = Side(), None
                while rows := await _open_rows(session, kind, after=after):
                    after = rows[-1].id
                    await self.off_the_loop(partial(_put, side.index, rows))
                await self.off_the_loop(side.index.refresh)
                side.loaded = True
                self.sides[kind] = side
                metrics.index_records.labels(str(kind)).set(len(side.index.snapshot))
        self._mark, self._seen = mark, set()
        log.info(
            "ranking_loaded",
            seconds=round(time.perf_counter() - started, 2),
            **{str(kind): len(side.index.snapshot) for kind, side in self.sides.items()},
        )

    async def catch_up(self) -> int:
        """Bring the ranking up to what is committed now. Answers how many records were looked at again."""
        async with self._looking:
            async with self._database.reading() as session:
                news, following = await facts.since(session, self._mark, _NEWS)
                if following < self._mark:
                    # History only runs backwards when another cluster answers: a backup was restored.
                    log.warning("ranking_starts_over")
                    await self._load()
                    return sum(len(side.index.snapshot) for side in self.sides.values())
                # While a long transaction runs, what its neighbours wrote is handed out at every look.
                unseen = [fact for fact in news if fact.id not in self._seen]
                if any(fact.name in _OF_WORDS for fact in unseen):
                    self.synonyms = Synonyms.of(await synonyms.current(session))
                concerned = await _concerned(session, [fact for fact in unseen if fact.name not in _OF_WORDS])
                changed: set[Kind] = set()
                for kind, side in self.sides.items():
                    wanted = concerned.of(kind)
                    for start in range(0, len(wanted), BATCH):
                        some = wanted[start : start + BATCH]
                        rows = await _open_rows(session, kind, among=some)
                        if await self.off_the_loop(partial(_exchange, side.index, rows, some)):
                            changed.add(kind)
            for kind in changed:
                index = self.sides[kind].index
                await self.off_the_loop(index.refresh)
                metrics.index_records.labels(str(kind)).set(len(index.snapshot))
            self._mark, self._seen = following, {fact.id for fact in news}
            metrics.index_lag.set(clock.now().timestamp())
            return len(concerned.listings) + len(concerned.instruments)

    async def follow(self) -> None:
        """Load, then keep looking, whatever the database does, until cancelled."""
        while True:
            try:
                if not self.loaded:
                    await self.load()
                await self.catch_up()
            except Exception as error:  # noqa: BLE001 -- the database may be away; the last good ranking goes on
                log.warning("ranking_waits", because=repr(error))
                await asyncio.sleep(1)
            await asyncio.sleep(LOOK_EVERY)


@dataclass(frozen=True, slots=True)
class Concerned:
    """The records that news speak of."""

    listings: list[UUID]
    instruments: list[UUID]

    def of(self, kind: Kind) -> list[UUID]:
        return self.instruments if kind == INSTRUMENT else self.listings


async def _concerned(session: AsyncSession, news: Sequence[Any]) -> Concerned:
    listings: dict[UUID, None] = {}
    instruments: dict[UUID, None] = {}
    organisations: set[UUID] = set()
    for fact in news:
        if fact.name == _OF_MANY:
            listings.update(dict.fromkeys(UUID(one) for one in fact.body["listing_ids"]))
        elif fact.name in _OF_ORGANISATION:
            organisations.add(fact.subject)
        elif fact.name in _OF_INSTRUMENT:
            instruments[fact.subject] = None
        else:
            listings[fact.subject] = None
    if organisations:
        found = await session.scalars(select(Listing.id).where(Listing.organisation_id.in_(organisations)))
        listings.update(dict.fromkeys(found.all()))
        owned = await session.scalars(select(Instrument.id).where(Instrument.organisation_id.in_(organisations)))
        instruments.update(dict.fromkeys(owned.all()))
    return Concerned(list(listings), list(instruments))


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


def _put(index: Index, rows: Sequence[Any]) -> None:
    index.put_many((str(row.id), reading.document(row)) for row in rows)


def _exchange(index: Index, rows: Sequence[Any], looked_for: Collection[UUID]) -> bool:
    """Put what is open, drop what is no longer. Answers whether that changed anything."""
    gone = {str(id_) for id_ in looked_for} - {str(row.id) for row in rows}
    dropped = [index.drop(key) for key in gone]
    _put(index, rows)
    return bool(rows) or any(dropped)
