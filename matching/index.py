"""The plain index: a corpus in memory that lives; queries read an unchanging snapshot of it.

What rankings are is written down here, in a few array operations over all documents. ``segments.index`` answers the same
from disk and is what the marketplace runs on; tests hold the two against each other. This one also takes other
``Settings``, by which docs/matching-quality.md measures what each part of the score adds.

Each text is cut once, when it is put. ``refresh`` lays the cached terms out as postings anew, so that a snapshot is
always, to the last bit, what a fit from scratch on the same records would be, in whatever order they came.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from matching.blend import Weights, bonus
from matching.explain import Reasons, explain, shared
from matching.facets import FacetTable
from matching.lexicon import NO_LEXICON, Lexicon
from matching.queries import Reading
from matching.records import NO_FILTERS, Document, Filters, Query, Ranking
from matching.style import Style
from matching.text import CHARACTER, normalise
from matching.tfidf import Ints, Match, best, rounded
from matching.tuning import FITS_FROM, STARTING, Tuning
from matching.weighting import SETTINGS, Question, Settings, TermWeights


def fits_from(documents: int, style: Style = "request", least: Mapping[Style, float] = FITS_FROM) -> float:
    """What the best text score times the known share of the query must reach for something to fit: 0.0055 · ln(1 + n), for
    a report 0.007 · ln(1 + n), since its scores are higher. ``least``: other numbers, of records of another kind.

    It grows with the corpus because a larger one knows more of any query's words and holds more chance likenesses. Chosen so
    that "nothing fits" is said wrongly of at most 3 in 100; told on questions that did not choose, of 2 in 100 requests
    and 3 in 100 reports, and rightly of two requests in three and half of the reports where only records of another
    field are there. Of 44 requirements with an answer none is lost. It tells another field, not a missing answer:
    docs/matching-quality.md. Corpora of less than a thousand records are extrapolated.
    """
    return least[style] * math.log1p(documents)


@dataclass(frozen=True, slots=True)
class Entry:
    """A document with its distinct terms, in the order of the terms themselves, and how often each occurs."""

    key: str
    document: Document
    ids: Ints
    counts: Ints


def _weigh(
    postings: TermWeights, vocabulary: Mapping[str, int], tuning: Tuning, reading: Reading, kinds: frozenset[str]
) -> Question:
    counts = reading.counts
    if not postings.collection.settings.characters:
        counts = {term: count for term, count in counts.items() if not term.startswith(CHARACTER)}
    lowered = {**reading.raised, **tuning.factors(reading, kinds)}
    return postings.weigh(counts, vocabulary, through=reading.through, lowered=lowered, style=reading.style)


class Snapshot:
    """The corpus as it was at one refresh. Never changes, so any number of threads may read it at once."""

    def __init__(
        self,
        entries: list[Entry],
        vocabulary: Mapping[str, int],
        n_terms: int,
        settings: Settings = SETTINGS,
        lexicon: Lexicon = NO_LEXICON,
    ) -> None:
        """``entries`` in the order of their keys; terms numbered from ``n_terms`` on are of a later time. ``lexicon``: what
        they were counted with."""
        self.lexicon = lexicon
        self.entries = entries
        self.keys = [entry.key for entry in entries]
        self.vocabulary = vocabulary
        self.postings = TermWeights.build(
            [entry.ids for entry in entries], [entry.counts for entry in entries], n_terms, settings=settings
        )
        self.table = FacetTable.build([entry.document.facets for entry in entries])
        self._rows = {key: row for row, key in enumerate(self.keys)}
        self._tune(STARTING)

    def _tune(self, tuning: Tuning) -> None:
        self.tuning = tuning
        # Kept for the explanations that follow a ranking. Holds no reference to self, so an old snapshot goes at once.
        self._weigh = lru_cache(maxsize=16)(partial(_weigh, self.postings, self.vocabulary, tuning))

    def tuned(self, tuning: Tuning) -> "Snapshot":
        """The same corpus, ranked and explained with another tuning."""
        made = copy(self)
        made._tune(tuning)  # noqa: SLF001 -- it is one of us
        return made

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def document(self, key: str) -> Document:
        """KeyError for a key that is not in the snapshot."""
        return self.entries[self._rows[key]].document

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
        """The k best documents for a query: highest blended score first, ties by key. Exact, over all documents.

        ``weights``: instead of the tuning's. ``now``: seconds since 1970; what is no longer confirmed then is left out. ``after``: a (score, key) to go on
        behind, as in ``Ranking.next``; it need not exist any more. ``without``: one that is left out, the record that asks.
        ValueError when k < 1.
        """
        if k < 1:
            raise ValueError("k must be at least 1")
        weights = weights or self.tuning.weights
        reading = query.read_with(self.lexicon)
        weighed = self._weigh(reading, self.tuning.kinds(query))
        text = self.postings.scores(weighed)
        admitted = self.table.admitted(filters, now)
        if without in self._rows:
            admitted[self._rows[without]] = False
        text[~admitted] = 0.0
        scores = rounded(text * (1.0 + bonus(query, self.table, weights, now)))
        below = None if after is None else (after[0], bisect_right(self.keys, after[1]))
        best_text = float(text.max(initial=0.0))
        threshold = fits_from(len(self), reading.style, self.tuning.least)
        return Ranking(
            items=tuple(
                Match(self.keys[row], float(scores[row]), float(text[row])) for row in best(scores, k, below=below)
            ),
            fits=best_text > 0 and best_text * weighed.known >= threshold,
            considered=int(np.count_nonzero(admitted)),
            best_text=best_text,
            known=weighed.known,
            threshold=threshold,
            style=reading.style,
        )

    def explain(self, query: Query, key: str, *, now: float, weights: Weights | None = None, top: int = 12) -> Reasons:
        """Why this document has its score for this query, in parts that add up to it. KeyError for an unknown key."""
        row = self._rows[key]
        entry = self.entries[row]
        reading = query.read_with(self.lexicon)
        weighed = self._weigh(reading, self.tuning.kinds(query))
        matched, held = shared(weighed.numbers[0], entry.ids)
        return explain(
            query=query,
            reading=reading,
            weighed=weighed,
            documents=len(self),
            key=entry.key,
            document=entry.document,
            facets=entry.document.facets,
            matched=matched,
            counts=entry.counts[held],
            length=float(self.postings.norms[row]),
            now=now,
            weights=weights or self.tuning.weights,
            top=top,
            version=self.tuning.version,
            lexicon=self.lexicon.version,
        )


class Index:
    """The one place where records are put and dropped. Safe to use from several threads.

    Changes show in ``snapshot`` after ``refresh``; a snapshot that was taken before stays as it was.
    """

    def __init__(self, settings: Settings = SETTINGS, lexicon: Lexicon = NO_LEXICON) -> None:
        self._settings, self._lexicon = settings, lexicon
        self._entries: dict[str, Entry] = {}
        self._vocabulary: dict[str, int] = {}
        self._changed = False
        self._changing = Lock()
        self._refreshing = Lock()
        self._snapshot = Snapshot([], {}, 0, settings, lexicon)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def snapshot(self) -> Snapshot:
        return self._snapshot

    def put(self, key: str, document: Document) -> None:
        """Add a document, or replace the one with this key. Cuts its text; a millisecond for a few thousand characters."""
        lexicon, text = self._lexicon, document.text
        counts = lexicon.count_all(normalise(text)) if self._settings.characters else lexicon.count_terms(text)
        tf = np.fromiter(counts.values(), dtype=np.int32, count=len(counts))
        with self._changing:
            numbers = self._vocabulary
            ids = np.array([numbers.setdefault(term, len(numbers)) for term in counts], dtype=np.int32)
            self._entries[key] = Entry(key, document, ids, tf)
            self._changed = True

    def put_many(self, documents: Iterable[tuple[str, Document]]) -> int:
        """Put each (key, document); of two with one key the later stays. Returns how many were put."""
        count = 0
        for key, document in documents:
            self.put(key, document)
            count += 1
        return count

    def drop(self, key: str) -> bool:
        """Take a document out; False when there was none."""
        with self._changing:
            gone = self._entries.pop(key, None) is not None
            self._changed |= gone
        return gone

    def refresh(self) -> Snapshot:
        """Make all changes so far visible, and return the snapshot that shows them. Free when nothing changed."""
        with self._refreshing:
            with self._changing:
                if not self._changed:
                    return self._snapshot
                self._changed = False
                entries = list(self._entries.values())
                vocabulary, n_terms = self._vocabulary, len(self._vocabulary)
            entries.sort(key=lambda entry: entry.key)
            snapshot = Snapshot(entries, vocabulary, n_terms, self._settings, self._lexicon)
            self._snapshot = snapshot
            self._forget_dead_terms(snapshot)
            return snapshot

    def _forget_dead_terms(self, snapshot: Snapshot) -> None:
        """Renumber the terms once more than half of them occur nowhere. Older snapshots keep the numbers they had."""
        dead = int(np.count_nonzero(snapshot.postings.df == 0))
        if dead * 2 <= len(snapshot.postings.df):
            return
        with self._changing:
            living = np.zeros(len(self._vocabulary), dtype=np.bool_)
            for entry in self._entries.values():
                living[entry.ids] = True
            renumbered: NDArray[np.int32] = (np.cumsum(living) - 1).astype(np.int32)
            self._vocabulary = {
                term: int(renumbered[number]) for term, number in self._vocabulary.items() if living[number]
            }
            self._entries = {key: replace(entry, ids=renumbered[entry.ids]) for key, entry in self._entries.items()}
