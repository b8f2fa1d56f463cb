"""``matching.index`` on segments: the same verbs, the same rankings and reasons, for more records than memory should hold.

What is different: texts are not kept (who explains brings the document), and the numbers of a large collection are those
of its last publication (see the package).
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.blend import DEFAULT_WEIGHTS, Weights, bonus
from matching.explain import Reasons, explain, shared
from matching.index import fits_from
from matching.queries import read
from matching.records import NO_FACETS, NO_FILTERS, Document, Filters, Query, Ranking
from matching.segments.bulk import Record
from matching.segments.collection import Collection
from matching.segments.facets import COLUMNS, Carried, codes, columns
from matching.segments.ranking import View
from matching.segments.store import Manifest, Store
from matching.text import count_all
from matching.tfidf import Match, rounded
from matching.weighting import Question

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

AHEAD: Final = 4
"""So many times more rows are ranked when those behind a place are not enough."""


def _weigh(view: View, text: str) -> Question:
    return view.ask(read(text).counts)


class _Admission:
    """Who is admitted, as one mask over a view's rows; made once for filters and for as long as nobody's time runs out."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._carried = [Carried(part.segment) for part in view.parts]
        self.carried = self._carried
        self._passed = lru_cache(maxsize=32)(self._filtered)
        self._confirmed: tuple[Mask | None, float, float] | None = None

    def __call__(self, filters: Filters, now: float) -> tuple[Mask | None, int]:
        """The mask, None where all the living are admitted; and how many are."""
        confirmed, passed = self._still(now), self._passed(filters)
        if confirmed is None and passed is None:
            return None, len(self._view)
        mask: Mask = passed if confirmed is None else confirmed if passed is None else confirmed & passed  # type: ignore[assignment]
        return mask, self._living(mask)

    def _living(self, mask: Mask) -> int:
        return sum(
            int(np.count_nonzero(mask[part.first : part.first + len(part)] & part.alive.view(np.bool_)))
            for part in self._view.parts
        )

    def _together(self, masks: Sequence[Mask | None]) -> Mask | None:
        if all(mask is None for mask in masks):
            return None
        return np.concatenate(
            [
                np.ones(len(part), np.bool_) if mask is None else mask
                for part, mask in zip(self._view.parts, masks, strict=True)
            ]
        )

    def _filtered(self, filters: Filters) -> Mask | None:
        return self._together([its.admitted(filters) for its in self._carried])

    def _still(self, now: float) -> Mask | None:
        known = self._confirmed
        if known is None or not known[1] <= now < known[2]:
            found = [its.confirmed(now) for its in self._carried]
            since, until = (
                max((each[1] for each in found), default=-np.inf),
                min((each[2] for each in found), default=np.inf),
            )
            known = self._confirmed = self._together([each[0] for each in found]), since, until
        return known[0]


class LargeSnapshot:
    """The corpus as it was at one refresh; see ``index.Snapshot``."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._admission = _Admission(view)
        self._weigh = lru_cache(maxsize=16)(partial(_weigh, view))

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
        weights: Weights = DEFAULT_WEIGHTS,
        after: tuple[float, str] | None = None,
    ) -> Ranking:
        """As ``index.Snapshot.rank``: the same items to the last bit."""
        if k < 1:
            raise ValueError("k must be at least 1")
        weighed = self._weigh(query.text)
        admitted, considered = self._admission(filters, now)
        most = 1.0 + sum(getattr(weights, name) for name in weights.__dataclass_fields__)
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
        threshold = fits_from(len(self))
        return Ranking(
            items=tuple(items[:k]),
            fits=best_text > 0 and best_text * weighed.known >= threshold,
            considered=considered,
            best_text=best_text,
            known=weighed.known,
            threshold=threshold,
        )

    def _ordered(self, rows: Rows, scores: Floats) -> list[tuple[int, str]]:
        """Their places and keys, best first, the lower key first among equals."""
        keys = [self.view.key(row) for row in rows.tolist()]
        order = sorted(range(len(keys)), key=lambda n: (-scores[n], keys[n]))
        return [(n, keys[n]) for n in order if scores[n] > 0]

    def _bonus(self, query: Query, rows: Rows, weights: Weights, now: float) -> Floats:
        found = np.zeros(len(rows))
        for part, carried in zip(self.view.parts, self._admission.carried, strict=True):
            here = np.flatnonzero((rows >= part.first) & (rows < part.first + len(part)))
            if len(here):
                found[here] = bonus(query, carried.table(rows[here] - part.first), weights, now)
        return found

    def explain(
        self,
        query: Query,
        key: str,
        *,
        now: float,
        weights: Weights = DEFAULT_WEIGHTS,
        top: int = 12,
        document: Document | None = None,
    ) -> Reasons:
        """As ``index.Snapshot.explain``. ``document``: what the key stands for; without it, no sentence is shown and no
        signal counts. KeyError for an unknown key."""
        row = self.view.row(key)
        if row < 0:
            raise KeyError(key)
        weighed = self._weigh(query.text)
        place = self.view.place(row)
        part = self.view.parts[place]
        _, ids, counts = part.segment.decoded(np.array([row - part.first]))
        matched, held = shared(weighed.numbers[place], ids)
        return explain(
            query=query,
            reading=read(query.text),
            weighed=weighed,
            documents=self.view.collection.documents,
            key=key,
            document=document or Document("", "", NO_FACETS),
            matched=matched,
            counts=counts[held],
            length=float(part.weighing.norms[row - part.first]),
            now=now,
            weights=weights,
            top=top,
        )


class LargeIndex:
    """Where records are put and dropped; see ``index.Index``. What was published is shared by all processes."""

    def __init__(self, store: Store | None = None) -> None:
        self.collection = Collection(store, columns=COLUMNS)
        self._showing = Lock()
        self._snapshot = LargeSnapshot(self.collection.view)

    def __len__(self) -> int:
        return len(self._snapshot)

    @property
    def snapshot(self) -> LargeSnapshot:
        return self._snapshot

    @property
    def manifest(self) -> Manifest | None:
        return self.collection.manifest

    def put(self, key: str, document: Document, *, mark: int = 0) -> None:
        """Add a document, or replace the one with this key; ``mark`` as in ``Collection``."""
        counts = codes(document.facets) | count_all(document.text)
        self.collection.put(key, counts, mark=mark, columns=columns(document.facets))

    def put_many(self, documents: Iterable[tuple[str, Document]], *, mark: int = 0) -> int:
        count = 0
        for key, document in documents:
            self.put(key, document, mark=mark)
            count += 1
        return count

    def drop(self, key: str, *, mark: int = 0) -> bool:
        """Take a document out; False when there was none."""
        there = self.collection.holds(key)
        self.collection.drop(key, mark=mark)
        return there

    def refresh(self) -> LargeSnapshot:
        """Make all changes so far visible, on top of the newest published version."""
        with self._showing:
            self.collection.follow()
            view = self.collection.refresh()
            if view is not self._snapshot.view:
                self._snapshot = LargeSnapshot(view)
            return self._snapshot

    def publish(self, mark: int, origin: str = "") -> Manifest:
        """Write down what this process knows: see ``Collection.publish``."""
        manifest = self.collection.publish(mark, origin)
        self.refresh()
        return manifest


def record(key: str, document: Document) -> Record:
    """For ``bulk.publish``."""
    return Record(key, document.text, codes(document.facets), columns(document.facets))
