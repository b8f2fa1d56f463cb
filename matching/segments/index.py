"""The index that the marketplace runs on: the verbs, rankings and reasons of ``matching.index``, from segments.

What is different: texts are not kept, so who explains brings the document, and the numbers of a large collection are
those of its last publication (see the package).
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from functools import cache, lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.blend import Weights, bonus, highest
from matching.explain import Reasons, explain
from matching.index import fits_from
from matching.lexicon import NO_LEXICON, Lexicon, is_piece_or_compound
from matching.queries import Reading
from matching.records import NO_FILTERS, Document, Facets, Filters, Query, Ranking
from matching.segments import bulk
from matching.segments.bulk import TERMS, Analysis, Record
from matching.segments.codec import compared
from matching.segments.collection import Collection
from matching.segments.facets import COLUMNS, Carried, codes, columns
from matching.segments.ranking import View
from matching.segments.store import Manifest, Store
from matching.text import normalise
from matching.tfidf import Match, rounded
from matching.tuning import STARTING, Tuning
from matching.weighting import Question

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

AHEAD: Final = 4
"""So many times more rows are ranked when those behind a place are not enough."""

WITHIN_KEPT: Final = 8
"""Of so many lengths of `Filters.confirmed_within` it is kept whom they admit."""


class _Admission:
    """Who is admitted, as one mask over a view's rows; made once for filters and for as long as nobody's time runs out."""

    def __init__(self, view: View, carried: Sequence[Carried]) -> None:
        self._view, self._carried = view, carried
        # Holds no reference to self, so an old snapshot goes at once.
        self._passed = lru_cache(maxsize=32)(partial(_passed, view, carried))
        self._confirmed: dict[float | None, tuple[Mask | None, float, float]] = {}

    def __call__(self, filters: Filters, now: float) -> tuple[Mask | None, int]:
        """The mask, None where all the living are admitted; and how many are."""
        within = filters.confirmed_within
        confirmed = self._still(now, within)
        passed, count = self._passed(filters if within is None else replace(filters, confirmed_within=None))
        if confirmed is None:
            return passed, count
        mask: Mask = confirmed if passed is None else confirmed & passed
        return mask, _living(self._view, mask)

    def _still(self, now: float, within: float | None) -> Mask | None:
        known = self._confirmed.get(within)
        if known is None or not known[1] <= now < known[2]:
            found = [its.confirmed(now, within) for its in self._carried]
            since = max((each[1] for each in found), default=-np.inf)
            until = min((each[2] for each in found), default=np.inf)
            known = _together(self._view, [each[0] for each in found]), since, until
            if len(self._confirmed) >= WITHIN_KEPT:
                self._confirmed = {}
            self._confirmed[within] = known
        return known[0]


def _passed(view: View, carried: Sequence[Carried], filters: Filters) -> tuple[Mask | None, int]:
    """Who passes the filters, None for everybody; and how many of the living do."""
    mask = _together(view, [its.admitted(filters) for its in carried])
    return mask, len(view) if mask is None else _living(view, mask)


def _living(view: View, mask: Mask) -> int:
    return sum(
        int(np.count_nonzero(mask[part.first : part.first + len(part)] & part.alive.view(np.bool_)))
        for part in view.parts
    )


def _together(view: View, masks: Sequence[Mask | None]) -> Mask | None:
    if all(mask is None for mask in masks):
        return None
    return np.concatenate(
        [np.ones(len(part), np.bool_) if mask is None else mask for part, mask in zip(view.parts, masks, strict=True)]
    )


def _weigh(view: View, tuning: Tuning, reading: Reading, kinds: frozenset[str]) -> Question:
    lowered = {**reading.raised, **tuning.factors(reading, kinds)}
    return view.ask(reading.counts, through=reading.through, lowered=lowered, style=reading.style)


class SharedSnapshot:
    """The corpus as it was at one refresh. Never changes, so any number of threads may read it at once."""

    def __init__(self, view: View, lexicon: Lexicon = NO_LEXICON) -> None:
        self.view, self.lexicon = view, lexicon
        self._carried = [Carried(part.segment) for part in view.parts]
        self._admission = _Admission(view, self._carried)
        self._tune(STARTING)

    def _tune(self, tuning: Tuning) -> None:
        self.tuning = tuning
        # Kept for the explanations that follow a ranking.
        self._weigh = lru_cache(maxsize=16)(partial(_weigh, self.view, tuning))

    def tuned(self, tuning: Tuning) -> "SharedSnapshot":
        """The same corpus, ranked and explained with another tuning."""
        made = copy(self)
        made._tune(tuning)  # noqa: SLF001 -- it is one of us
        return made

    def __len__(self) -> int:
        return len(self.view)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key in self.view

    def rank(
        self,
        query: Query,
        *,
        k: int = 20,
        now: float,
        filters: Filters = NO_FILTERS,
        weights: Weights | None = None,
        after: tuple[float, str] | None = None,
        without: str | None = None,
    ) -> Ranking:
        """As ``index.Snapshot.rank``: the same items to the last bit.

        The bonus of a signal raises a score by at most ``blend.highest``, so only rows whose text alone comes so near
        to the k-th best are looked at.
        """
        if k < 1:
            raise ValueError("k must be at least 1")
        weights = weights or self.tuning.weights
        reading = query.read_with(self.lexicon)
        weighed = self._weigh(reading, self.tuning.kinds(query))
        admitted, considered = self._admission(filters, now)
        if without is not None:
            admitted, considered = self._but(without, admitted, considered)
        most = 1.0 + highest(query, weights)
        wanted = k
        while True:
            near = self.view.near(weighed, wanted, most=most, admitted=admitted)
            scores = rounded(near.scores * (1.0 + self._bonus(query, near.rows, weights, now)))
            order, complete = self._ordered(near.rows, scores), len(near.rows) < wanted
            certain = order if complete else order[:wanted]
            items = [Match(key, float(scores[n]), float(near.scores[n])) for n, key in certain]
            if after is not None:
                items = [one for one in items if (-one.score, one.key) > (-after[0], after[1])]
            if len(items) >= k or complete:
                break
            wanted *= AHEAD
        best_text = float(near.scores.max(initial=0.0))
        threshold = fits_from(len(self), reading.style, self.tuning.least)
        return Ranking(
            items=tuple(items[:k]),
            fits=best_text > 0 and best_text * weighed.known >= threshold,
            considered=considered,
            best_text=best_text,
            known=weighed.known,
            threshold=threshold,
            style=reading.style,
        )

    def _but(self, key: str, admitted: Mask | None, considered: int) -> tuple[Mask | None, int]:
        """Everybody of these but one."""
        row = self.view.row(key)
        if row < 0 or (admitted is not None and not admitted[row]):
            return admitted, considered
        others: Mask = np.ones(self.view.rows, np.bool_) if admitted is None else admitted.copy()
        others[row] = False
        return others, considered - 1

    def _ordered(self, rows: Rows, scores: Floats) -> list[tuple[int, str]]:
        """Their places and keys, best first, the lower key first among equals."""
        keys = [self.view.key(row) for row in rows.tolist()]
        told = scores.tolist()
        return [(n, keys[n]) for n in sorted(range(len(keys)), key=lambda n: (-told[n], keys[n])) if told[n] > 0]

    def _bonus(self, query: Query, rows: Rows, weights: Weights, now: float) -> Floats:
        found = np.zeros(len(rows))
        for part, carried in zip(self.view.parts, self._carried, strict=True):
            here = np.flatnonzero((rows >= part.first) & (rows < part.first + len(part)))
            if len(here):
                found[here] = bonus(query, carried.table(rows[here] - part.first), weights, now)
        return found

    def explain(
        self,
        query: Query,
        key: str,
        document: Document,
        *,
        now: float,
        weights: Weights | None = None,
        top: int = 12,
        in_full: bool = True,
    ) -> Reasons:
        """As ``index.Snapshot.explain``. ``document``: what the key stands for, to show its sentences; what is known of
        it beside its text is taken as it was ranked. KeyError for an unknown key."""
        row = self.view.row(key)
        if row < 0:
            raise KeyError(key)
        reading = query.read_with(self.lexicon)
        weighed = self._weigh(reading, self.tuning.kinds(query))
        place = self.view.place(row)
        part = self.view.parts[place]
        here = row - part.first
        carried = self._carried[place]
        matched, counts, ids, places = compared(
            part.segment.forward, part.segment.forward_start, here, weighed.numbers[place], carried.marked
        )
        return explain(
            query=query,
            reading=reading,
            weighed=weighed,
            documents=self.view.collection.documents,
            key=key,
            document=document,
            facets=carried.facets(here, ids, places),
            matched=matched,
            counts=counts,
            length=float(part.weighing.norms[here]),
            now=now,
            weights=weights or self.tuning.weights,
            top=top,
            version=self.tuning.version,
            lexicon=self.lexicon.version,
            in_full=in_full,
        )


class SharedIndex:
    """Where records are put and dropped. Safe to use from several threads.

    Changes show in ``snapshot`` after ``refresh``; a snapshot that was taken before stays as it was. What was published to
    the store is shared by all processes that open it; without a store, everything stays in memory. ``lexicon``: what all
    records of the store were counted with.
    """

    def __init__(self, store: Store | None = None, lexicon: Lexicon = NO_LEXICON) -> None:
        self.store, self.lexicon = store, lexicon
        self._collection = Collection(store, columns=COLUMNS)
        self._showing = Lock()
        self._snapshot = SharedSnapshot(self._collection.view, lexicon)

    def __len__(self) -> int:
        return len(self._snapshot)

    @property
    def snapshot(self) -> SharedSnapshot:
        return self._snapshot

    @property
    def manifest(self) -> Manifest | None:
        """The version that the snapshot is built on."""
        return self._collection.manifest

    @property
    def changes(self) -> int:
        """How many records have changed since that version."""
        return self._collection.changes

    def put(self, key: str, document: Document, *, mark: int = 0) -> None:
        """Add a document, or replace the one with this key; ``mark`` as in ``Collection``."""
        counts = codes(document.facets) | self.lexicon.count_all(normalise(document.text))
        self._collection.put(key, counts, mark=mark, columns=columns(document.facets))

    def put_many(self, documents: Iterable[tuple[str, Document]], *, mark: int = 0) -> int:
        """Put each (key, document); of two with one key the later stays. Returns how many were put."""
        count = 0
        for key, document in documents:
            self.put(key, document, mark=mark)
            count += 1
        return count

    def drop(self, key: str, *, mark: int = 0) -> bool:
        """Take a document out; False when there was none, here: another process may publish it yet."""
        there = self._collection.holds(key)
        self._collection.drop(key, mark=mark)
        return there

    def refresh(self) -> SharedSnapshot:
        """Make all changes so far visible, on top of the newest published version. Free when there are none."""
        with self._showing:
            self._collection.follow()
            view = self._collection.refresh()
            if view is not self._snapshot.view:
                self._snapshot = SharedSnapshot(view, self.lexicon)
            return self._snapshot

    def publish(self, mark: int) -> Manifest:
        """Write down what this process knows: see ``Collection.publish``."""
        manifest = self._collection.publish(mark)
        self.refresh()
        return manifest


class Building:
    """All records anew: see ``building``."""

    def __init__(self, making: bulk.Building) -> None:
        self._making = making

    def add(self, documents: Iterable[tuple[str, Document]]) -> None:
        """Cut and count (key, document), each key once."""
        self._making.add(
            Record(key, document.text, codes(document.facets), columns(document.facets)) for key, document in documents
        )

    def publish(self, mark: int) -> Manifest:
        """Put them in place of what was published before. ``mark``: all changes up to it are in them."""
        return self._making.publish(mark)


@contextmanager
def building(store: Store, lexicon: Lexicon = NO_LEXICON) -> Iterator[Building]:
    """Build an index from the records themselves, whatever was there. ``store.Busy`` while another process writes."""
    analysis = Analysis(lexicon.pieces, is_piece_or_compound) if lexicon.terms else TERMS
    with bulk.building(store, analysis) as making:
        yield Building(making)


@cache
def warm() -> None:
    """Have every kernel at hand, from the disk or compiled, before somebody waits for an answer. Seconds; once a process."""
    about = Facets(("C3841",), ("460",), "220102", 5, "early", frozenset({"transfer"}), (1.0, 2.0), 1.0, 9.0)
    documents = [(str(n), Document("固态电解质薄膜", "锂离子电池。" * n, about)) for n in range(6)]
    query = Query("固态电解质", "电池的界面阻抗", about)
    with TemporaryDirectory(prefix="duijie-") as folder:
        store = Store(Path(folder))
        with building(store) as making:
            making.add(documents[:4])
            making.publish(1)
        index = SharedIndex(store)
        index.put_many(documents[3:], mark=2)
        index.drop("0", mark=2)
        for snapshot in (index.snapshot, index.refresh()):
            for filters in (NO_FILTERS, Filters(regions=("220000",))):
                (first, *_) = snapshot.rank(query, k=2, now=2.0, filters=filters).items
                snapshot.explain(query, first.key, documents[0][1], now=2.0)
        index.publish(2)
