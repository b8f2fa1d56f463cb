"""TF-IDF cosine over postings, exact: only the query's terms are touched, and ties fall by key.

The weighting is scikit-learn's ``TfidfVectorizer(sublinear_tf=True)`` (Salton's ltc): a term that occurs tf times
weighs (1 + ln tf) · idf with idf = ln((1 + n) / (1 + df)) + 1, and a text's weights are divided by their Euclidean
length |d|. The score of a query and a document is the sum of wq · wd over the terms that both have: their cosine.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

DECIMALS = 12
"""Scores are compared to so many decimals. The sums are made in float64 with an error near 1e-16, so two documents that
are equally good on paper are equal here as well, on every machine, and their keys decide; float32 could not tell ties
from differences near 1e-7."""


@dataclass(frozen=True, slots=True)
class Match:
    """A document and how well it fits: ``score`` in [0, 1.25], of which ``text`` in [0, 1] is the cosine alone."""

    key: str
    score: float
    text: float


@dataclass(frozen=True, slots=True)
class Weighed:
    """A query as a unit vector over the terms that some document has, in the order of the terms themselves.

    ``norm`` is |q| before division. ``known``: the share of the query's squared weight that these terms hold, in [0, 1];
    the rest lies in terms that no document has.
    """

    terms: tuple[str, ...]
    ids: NDArray[np.intp]
    counts: Ints
    weights: Floats
    norm: float
    known: float


@dataclass(frozen=True, slots=True)
class Postings:
    """For every term the documents that have it, with the term's weight there. Never changes once built.

    ``df``, ``idf``: by term number. ``norms``: |d| by row. ``by_term``: weights, shape (terms, documents).
    """

    documents: int
    df: NDArray[np.intp]
    idf: Floats
    norms: Floats
    by_term: csr_array
    sublinear: bool = True

    @classmethod
    def build(cls, ids: Sequence[Ints], counts: Sequence[Ints], n_terms: int, *, sublinear: bool = True) -> Self:
        """From each document's term numbers (distinct, below ``n_terms``) and counts, in any order that is the same
        whenever the document is the same: sums run in that order. A few nanoseconds a posting."""
        n = len(ids)
        lengths = np.fromiter(map(len, ids), dtype=np.intp, count=n)
        columns = np.concatenate(ids) if n else np.zeros(0, np.int32)
        tf = np.concatenate(counts) if n else np.zeros(0, np.int32)
        df = np.bincount(columns, minlength=n_terms)
        idf = np.log((1 + n) / (1 + df)) + 1
        weights = damped(tf, sublinear=sublinear) * idf[columns]
        norms = np.sqrt(np.bincount(np.repeat(np.arange(n), lengths), weights * weights, minlength=n))
        norms[norms == 0] = 1.0
        weights /= np.repeat(norms, lengths)
        starts = np.concatenate([[0], np.cumsum(lengths)])
        by_document = csr_array((weights, columns, starts.astype(np.int32)), shape=(n, n_terms))
        return cls(
            documents=n,
            df=df,
            idf=idf,
            norms=norms,
            by_term=by_document.tocsc().T,
            sublinear=sublinear,
        )

    def weigh(self, counts: Mapping[str, int], vocabulary: Mapping[str, int]) -> Weighed:
        """A query's unit vector. Terms that no document has are left out of it, and of its length, as scikit-learn does."""
        known = [
            (term, number, count)
            for term, count in counts.items()
            if (number := vocabulary.get(term, -1)) >= 0 and number < len(self.df) and self.df[number]
        ]
        ids = np.array([number for _, number, _ in known], dtype=np.intp)
        tf = np.array([count for _, _, count in known], dtype=np.int32)
        weights = damped(tf, sublinear=self.sublinear) * self.idf[ids]
        squared = sum((weights * weights).tolist())
        seen = {term for term, _, _ in known}
        unseen = np.array([count for term, count in counts.items() if term not in seen], dtype=np.int32)
        lost = sum((damped(unseen, sublinear=self.sublinear) ** 2).tolist()) * (math.log(1 + self.documents) + 1) ** 2
        norm = math.sqrt(squared) or 1.0
        return Weighed(
            terms=tuple(term for term, _, _ in known),
            ids=ids,
            counts=tf,
            weights=weights / norm,
            norm=norm,
            known=squared / ((squared + lost) or 1.0),
        )

    def scores(self, query: Weighed) -> Floats:
        """The cosine of the query with every document, shape (documents,), rounded to ``DECIMALS``.

        Reads each posting of the query's terms once. A document's sum runs in the order of the terms, so it does not
        depend on how the vocabulary is numbered.
        """
        sums: Floats = self.by_term[query.ids].T @ query.weights
        return rounded(sums)


def damped(tf: Ints, *, sublinear: bool = True) -> Floats:
    """1 + ln tf, or tf itself."""
    return 1.0 + np.log(tf) if sublinear else tf.astype(np.float64)


def rounded(scores: Floats) -> Floats:
    return np.round(scores, DECIMALS)


def best(scores: Floats, k: int, *, below: tuple[float, int] | None = None) -> list[int]:
    """The rows of the k highest scores above zero, best first, the lower row first among equals. Exact.

    ``below=(score, row)`` starts after that place: scores under it, or equal to it from that row on.
    """
    if k < 1:
        return []
    if below is not None:
        score, row = below
        open_to = (scores < score) | ((scores == score) & (np.arange(len(scores)) >= row))
        scores = np.where(open_to, scores, 0.0)
    if k < len(scores):
        floor = np.partition(scores, len(scores) - k)[len(scores) - k]
        rows = np.flatnonzero((scores >= floor) & (scores > 0))
    else:
        rows = np.flatnonzero(scores > 0)
    chosen: list[int] = rows[np.argsort(-scores[rows], kind="stable")][:k].tolist()
    return chosen
