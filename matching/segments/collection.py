"""A collection that lives: the published version, what came and went since, and the view that queries read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock, RLock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.segments.building import built, merged, of_the_living
from matching.segments.files import Array
from matching.segments.ranking import Part, View
from matching.segments.segment import Segment, encoded, key_bytes
from matching.segments.statistics import Counting, Weighing, known_totals, weighed
from matching.segments.store import Manifest, Shelved, Store
from matching.segments.vocabulary import Vocabulary
from matching.weighting import Collection as Numbers

Mask = NDArray[np.bool_]

FRESH_UP_TO: Final = 20_000_000
"""Published postings up to which n and df are counted anew at each refresh: see the package."""

TIER: Final = 4
"""A segment is joined with the next older one that is less than so many times its size."""

ROT: Final = 0.25
"""A segment with so many dead is written anew when the next version is published."""


@dataclass(frozen=True, slots=True)
class Change:
    """The latest that is known of a key: its terms, or None when it went. ``columns``: a value for each column."""

    mark: int
    number: int
    counts: Mapping[str, int] | None
    columns: Mapping[str, object] = field(default_factory=dict)

    def applied(self) -> "Change":
        """Without what now stands in a young segment: a large import would fill the memory with it."""
        return Change(self.mark, self.number, None if self.counts is None else {})


@dataclass(slots=True)
class _Life:
    """A segment and who of it is alive. The mask is replaced, never changed: views hold it."""

    segment: Segment
    alive: Mask
    weighing: Weighing | None = None

    def without(self, rows: Sequence[int]) -> None:
        alive = self.alive.copy()
        alive[rows] = False
        self.alive = alive


class Collection:
    """Records are put and dropped here; ``refresh`` makes that visible, ``publish`` writes it down for all processes.

    Safe to use from several threads. ``put`` and ``drop`` carry the caller's mark, which never falls: a version that
    another process published with a mark holds all changes up to it.
    """

    def __init__(self, store: Store | None = None, *, columns: Mapping[str, Array] | None = None) -> None:
        """``columns``: an empty array for each column of values that records have, for its type and shape."""
        self._store = store
        self._columns = dict(columns or {})
        self._changes: dict[str, Change] = {}
        self._waiting: dict[str, Change] = {}
        self._number = 0
        self._mark = 0
        self._changing = Lock()
        self._refreshing = RLock()
        self._publishing = Lock()
        self._base: list[_Life] = []
        self._young: list[_Life] = []
        self._manifest: Manifest | None = None
        self._counting = Counting()
        self._view = View.of([], Numbers(0, 0.0))
        self.follow()

    @property
    def view(self) -> View:
        return self._view

    @property
    def manifest(self) -> Manifest | None:
        """The version that this view is built on."""
        return self._manifest

    @property
    def mark(self) -> int:
        """Everything up to there is in, or waits for the next refresh."""
        return self._mark

    def put(self, key: str, counts: Mapping[str, int], *, mark: int = 0, columns: Mapping[str, object] = {}) -> None:
        """Add a record or replace the one with this key. ``counts``: term → how often, at least once each.

        ValueError for less; KeyTaken for a key with a NUL character.
        """
        encoded([key])
        if counts and min(counts.values()) < 1:
            raise ValueError("a term that a record has, it has at least once")
        self._note(key, counts, mark, columns)

    def drop(self, key: str, *, mark: int = 0) -> None:
        self._note(key, None, mark, {})

    def _note(self, key: str, counts: Mapping[str, int] | None, mark: int, columns: Mapping[str, object]) -> None:
        with self._changing:
            self._number += 1
            self._mark = max(self._mark, mark)
            self._waiting[key] = Change(mark, self._number, counts, columns)

    def refresh(self) -> View:
        """Make all changes so far visible. Free when there are none; some 50 ms for a thousand."""
        with self._refreshing:
            with self._changing:
                waiting, self._waiting = self._waiting, {}
            if waiting:
                if self._store:
                    self._changes |= {key: change.applied() for key, change in waiting.items()}
                if self._apply(waiting):
                    self._show()
            return self._view

    def follow(self) -> bool:
        """Go over to the newest published version, and put on top what it does not hold. Whether there was one."""
        if self._store is None:
            return False
        with self._refreshing:
            latest = self._store.latest()
            if latest is None or (self._manifest and latest.number <= self._manifest.number):
                return False
            shelved = self._store.open()
            if shelved is None or (self._manifest and shelved.manifest.number <= self._manifest.number):
                return False
            self._settle(shelved, lambda change: change.mark > shelved.manifest.mark)
            return True

    def holds(self, key: str) -> bool:
        """Whether there is such a record, with all changes so far."""
        with self._changing:
            waiting = self._waiting.get(key)
        return key in self._view if waiting is None else waiting.counts is not None

    @property
    def changes(self) -> int:
        """How many records have changed since the version that this is built on."""
        with self._changing:
            return len(self._changes) + len(self._waiting)

    def publish(self, mark: int | None = None) -> Manifest:
        """Write what this process knows down as the newest version, merging what has become many or rotten.

        ``mark``: all changes up to it were put (default: the highest that came with one). Takes seconds for a million
        records; changes and queries go on meanwhile. ``store.Busy`` when another process is at it.
        """
        if self._store is None:
            raise ValueError("a collection without a store has nowhere to publish")
        with self._publishing, self._store.writing() as writer:
            self.follow()
            with self._refreshing:
                self.refresh()
                lives = [(life.segment, life.alive) for life in [*self._base, *self._young]]
                upto, through = self._number_of_last(), self._mark if mark is None else mark
                if self._manifest:
                    through = max(through, self._manifest.mark)
            writer.publish(tidied(lives), through)
            with self._refreshing:
                shelved = self._store.open()
                assert shelved
                self._settle(shelved, lambda change: change.number > upto)
            return shelved.manifest

    def _number_of_last(self) -> int:
        return max((change.number for change in self._changes.values()), default=0)

    def _settle(self, shelved: Shelved, still: Callable[[Change], bool]) -> None:
        self._manifest = shelved.manifest
        self._mark = max(self._mark, shelved.manifest.mark)
        self._base = [
            _Life(segment, alive, weighing)
            for (segment, alive), weighing in zip(shelved.lives, shelved.weighings, strict=True)
        ]
        self._changes = {key: change for key, change in self._changes.items() if still(change)}
        if self._changes:
            self._bury(self._base, self._changes)
            put = np.array(
                [key_bytes(key) for key, each in self._changes.items() if each.counts is not None], np.bytes_
            )
            young = [(life.segment, life.alive & np.isin(life.segment.keys, put)) for life in self._young]
            young = [(segment, alive) for segment, alive in young if alive.any()]
            one = merged(young)
            self._young = [_Life(one, np.ones(len(one), np.bool_))] if young else []
            self._show()
        else:  # counted already by whoever published it
            self._young = []
            self._view = self._as_published()

    @staticmethod
    def _bury(lives: Sequence[_Life], keys: Iterable[str]) -> bool:
        """These records live no longer in any of the segments. Whether one did."""
        wanted = [key_bytes(key) for key in keys]
        found = False
        for life in lives:
            rows = [row for key in wanted if (row := life.segment.row(key)) >= 0 and life.alive[row]]
            if rows:
                life.without(rows)
                found = True
        return found

    def _apply(self, changes: Mapping[str, Change]) -> bool:
        """Whether that changed anything: not so when what was dropped was not there."""
        buried = self._bury([*self._base, *self._young], changes)
        new = {key: change for key, change in changes.items() if change.counts is not None}
        if new:
            segment = segment_of(new, self._columns)
            self._young.append(_Life(segment, np.ones(len(segment), np.bool_)))
        self._young = [life for life in self._young if life.alive.any()]
        while len(self._young) > 1 and len(self._young[-2].segment) < TIER * len(self._young[-1].segment):
            one, other = self._young[-2:]
            segment = merged([(one.segment, one.alive), (other.segment, other.alive)])
            self._young[-2:] = [_Life(segment, np.ones(len(segment), np.bool_))]
        return buried or bool(new)

    def _show(self) -> None:
        fresh = self._manifest is None or self._manifest.postings <= FRESH_UP_TO
        self._view = self._counted_anew() if fresh else self._as_published()

    def _counted_anew(self) -> View:
        lives = [(life.segment, life.alive) for life in [*self._base, *self._young]]
        weighings, numbers = weighed(lives, self._counting.totals(lives))
        return View.of(
            [
                Part(segment, weighing, _flags(segment, alive))
                for (segment, alive), weighing in zip(lives, weighings, strict=True)
            ],
            numbers,
        )

    def _as_published(self) -> View:
        assert self._manifest
        numbers = self._manifest.collection
        older = [(life.segment, life.weighing) for life in self._base if life.weighing]
        for life in self._young:
            known = known_totals(life.segment, older)
            life.weighing = life.weighing or Weighing.of(life.segment, known, numbers.documents)
        parts = [
            Part(life.segment, life.weighing, _flags(life.segment, life.alive), present=present)
            for life, present in [
                *((life, None) for life in self._base),
                *((life, of_the_living(life.segment, life.alive).df > 0) for life in self._young),
            ]
            if life.weighing
        ]
        return View.of(parts, numbers)


def _flags(segment: Segment, alive: Mask) -> NDArray[np.uint8]:
    return segment.everyone if alive.all() else alive.view(np.uint8)


def segment_of(changes: Mapping[str, Change], columns: Mapping[str, Array]) -> Segment:
    """A small segment of records that were put."""
    found = [change.counts or {} for change in changes.values()]
    terms = sorted(set().union(*found))
    number = dict(zip(terms, range(len(terms)), strict=True))
    lengths = np.fromiter(map(len, found), np.int64, len(found))
    size = int(lengths.sum())
    ids = np.fromiter((number[term] for counts in found for term in counts), np.int32, size)
    tf = np.fromiter((count for counts in found for count in counts.values()), np.int32, size)
    order = np.lexsort((ids, np.repeat(np.arange(len(found)), lengths)))
    values = {
        name: np.array([change.columns[name] for change in changes.values()], kind.dtype).reshape(-1, *kind.shape[1:])
        for name, kind in columns.items()
    }
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return built(encoded(list(changes)), Vocabulary.of(terms), starts, ids[order], tf[order], values)


def tidied(lives: Sequence[tuple[Segment, Mask]]) -> list[tuple[Segment, Mask]]:
    """The same records in fewer segments: sizes fall by at least ``TIER``, and no segment is rotten."""
    groups: list[list[tuple[Segment, Mask]]] = []
    for life in sorted(lives, key=lambda life: -int(np.count_nonzero(life[1]))):
        if not life[1].any():
            continue
        groups.append([life])
        while len(groups) > 1 and _size(groups[-2]) < TIER * _size(groups[-1]):
            groups[-2:] = [groups[-2] + groups[-1]]
    out = []
    for group in groups:
        segment, alive = group[0]
        if len(group) > 1 or np.count_nonzero(alive) < (1 - ROT) * len(alive):
            segment = merged(group)
            alive = np.ones(len(segment), np.bool_)
        out.append((segment, alive))
    return out


def _size(group: Sequence[tuple[Segment, Mask]]) -> int:
    return sum(int(np.count_nonzero(alive)) for _, alive in group)
