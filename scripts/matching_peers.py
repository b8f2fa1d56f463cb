"""The scores that ours is set beside: the plain cosine, the same on words alone, and BM25, over the records of a snapshot."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from scipy.sparse import csr_array

from matching import Match, Query, Snapshot
from matching.text import CHARACTER, PAIR
from matching.tfidf import Floats, Ints, Postings, best, rounded

K1: Final = 1.2
B: Final = 0.75

Rank = Callable[[Query, int], tuple[Match, ...]]


def _without(snapshot: Snapshot, marks: tuple[str, ...]) -> tuple[dict[str, int], list[Ints], list[Ints]]:
    """The terms without these marks with their numbers, and each record's."""
    known = {term: number for term, number in snapshot.vocabulary.items() if not term.startswith(marks)}
    there = np.zeros(len(snapshot.vocabulary), np.bool_)
    there[list(known.values())] = True
    held = [there[entry.ids] for entry in snapshot.entries]
    ids = [entry.ids[its] for entry, its in zip(snapshot.entries, held, strict=True)]
    return known, ids, [entry.counts[its] for entry, its in zip(snapshot.entries, held, strict=True)]


def _first(snapshot: Snapshot, scores: Floats, k: int) -> tuple[Match, ...]:
    return tuple(Match(snapshot.keys[row], float(scores[row]), float(scores[row])) for row in best(scores, k))


def cosine(*marks: str) -> Callable[[Snapshot], Rank]:
    """Logarithmic tf, idf and the cosine, leaving out the terms with these marks."""

    def of(snapshot: Snapshot) -> Rank:
        known, ids, counts = _without(snapshot, marks)
        postings = Postings.build(ids, counts, len(snapshot.vocabulary))

        def rank(query: Query, k: int) -> tuple[Match, ...]:
            asked = {term: tf for term, tf in query.reading.counts.items() if not term.startswith(marks)}
            return _first(snapshot, postings.scores(postings.weigh(asked, known)), k)

        return rank

    return of


def bm25(*marks: str) -> Callable[[Snapshot], Rank]:
    """Okapi BM25 with Lucene's idf; a term that the question has twice counts twice."""

    def of(snapshot: Snapshot) -> Rank:
        known, ids, counts = _without(snapshot, marks)
        n = len(snapshot)
        columns, tf = np.concatenate(ids), np.concatenate(counts).astype(np.float64)
        rows = np.repeat(np.arange(n), list(map(len, ids)))
        length = np.bincount(rows, tf, n)
        df = np.bincount(columns, minlength=len(snapshot.vocabulary))
        idf = np.log(1 + (n - df + 0.5) / (df + 0.5))
        weights = idf[columns] * tf * (K1 + 1) / (tf + K1 * (1 - B + B * length / length.mean())[rows])
        by_term = csr_array((weights, (columns, rows)), shape=(len(df), n))

        def rank(query: Query, k: int) -> tuple[Match, ...]:
            asked = [(known[term], tf) for term, tf in query.reading.counts.items() if term in known]
            scores = np.zeros(n)
            if asked:
                numbers, times = zip(*asked, strict=True)
                scores = by_term[list(numbers)].T @ np.array(times, np.float64)
            return _first(snapshot, rounded(scores), k)

        return rank

    return of


PEERS: Mapping[str, Callable[[Snapshot], Rank]] = {
    "plain cosine, words and pairs": cosine(CHARACTER),
    "plain cosine, words": cosine(CHARACTER, PAIR),
    "BM25, words and pairs": bm25(CHARACTER),
}
