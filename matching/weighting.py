"""What a term is worth in a question and in a record: the score that rankings use, exact and in parts that add up.

A text's term that occurs tf times, with n records of which df have it and cf occurrences in all of them:

    idf      = ln((1 + n) / (1 + df)) + 1
    focus    = ((cf + 5) / (df + 5)) ** 0.3         a technical term comes back where it occurs at all; 目前 does not
    brevity  = 150 / (150 + terms in the question)  few words are chosen words
    aside    = brevity for single characters, for words beside the point (``asides``) and for what only a synonym asks
               for: in few words it was meant, in a long text it is one more guess; 1 for all others
    lowered  = below 1 for words and pairs that people called misleading in such questions (``tuning``), else 1

    wq = (1 + ln tf) · idf · focus · aside · lowered ÷ |q|    |q|: Euclidean length of these
    wd = (1 + ln(1 + ln tf)) · idf ÷ (|d| + 0.8 · brevity · mean |d|)

The score is Σ wq · wd over the terms that both have, in [0, 1), if a word or a pair is among them: single characters
alone are chance, and nearly every record has some. It is a cosine whose document side is pivoted (Singhal
1996): with brevity 0 it would be the plain one. A long question, itself a document, is compared with the whole of a
record; a short one asks only whether the record speaks of it, so a record's length matters less. ``tfidf`` is the plain
cosine, kept as the reference. What each part adds is in docs/matching-quality.md.
"""

import math
from bisect import bisect_left
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from matching.asides import ASIDE_TERMS
from matching.text import CHARACTER
from matching.tfidf import Floats, Ints, rounded

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int32]
Totals = NDArray[Any]
"""Whole numbers of records or occurrences, by term."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The few numbers of the score. ``focus``: the exponent; ``half``: how many terms make brevity a half; ``pivot``:
    the share of the mean length that is added to every record's; ``asides``: whether words beside the point count less;
    ``characters``: whether single characters count at all. The last two are there to be switched off and measured.
    """

    focus: float = 0.3
    half: float = 150.0
    pivot: float = 0.8
    asides: bool = True
    characters: bool = True


SETTINGS = Settings()
_BEHIND_CHARACTERS = chr(ord(CHARACTER) + 1)
CALM = 5.0
"""So many occurrences in as many records are imagined before focus believes what it sees."""


@dataclass(frozen=True, slots=True)
class Collection:
    """What all records together make of every question: n, and ``mean`` of |d|."""

    documents: int
    mean: float
    settings: Settings = SETTINGS


@dataclass(frozen=True, slots=True)
class Question:
    """A query's weights over the terms that some record has, in the order of the terms themselves.

    ``numbers``: where these terms are in each of the vocabularies that it was weighed for, -1 for nowhere. ``weights`` are
    wq, made of ``counts``, ``idf``, ``focus``, ``aside`` and ``lowered``; ``lone`` tells the single characters; ``norm`` is |q|;
    ``pivot`` is what is added to each |d|. ``known``: the share of the query's squared weight that these terms hold, in
    [0, 1]; the rest lies in terms that no record has.
    """

    terms: tuple[str, ...]
    numbers: tuple[Numbers, ...]
    counts: Ints
    df: Totals
    cf: Totals
    idf: Floats
    focus: Floats
    aside: Floats
    lowered: Floats
    lone: Mask
    weights: Floats
    norm: float
    pivot: float
    known: float


def brevity_of(terms: int, settings: Settings = SETTINGS) -> float:
    """Of a question of so many distinct terms, whether or not somebody has them."""
    return settings.half / (settings.half + terms)


def idf_of(df: Totals, documents: int) -> Floats:
    """ln((1 + n) / (1 + df)) + 1."""
    idf: Floats = np.log((1 + documents) / (1 + df)) + 1
    return idf


def focus_of(df: Totals, cf: Totals, settings: Settings = SETTINGS) -> Floats:
    focus: Floats = ((cf + CALM) / (df + CALM)) ** settings.focus
    return focus


def weigh(
    counts: Mapping[str, int],
    numbers: Sequence[Numbers],
    df: Totals,
    cf: Totals,
    there: Mask,
    collection: Collection,
    *,
    through: Container[str] = (),
    lowered: Mapping[str, float] = MappingProxyType({}),
) -> Question:
    """A query's weights. ``counts`` in the order of the terms; ``numbers``, ``df``, ``cf`` and ``there`` by place in it.
    ``through``: the terms that only synonyms ask for. ``lowered``: the factors of misleading ones.

    Terms that are not ``there``, in no record, are left out of the weights and of |q|, but not of brevity.
    """
    settings = collection.settings
    brevity = brevity_of(len(counts), settings)
    terms, n = list(counts), len(counts)
    tf = np.fromiter(counts.values(), dtype=np.int32, count=n)
    lone = np.zeros(n, np.bool_)
    lone[bisect_left(terms, CHARACTER) : bisect_left(terms, _BEHIND_CHARACTERS)] = True
    beside = lone
    if settings.asides:
        beside = beside | np.fromiter(map(ASIDE_TERMS.__contains__, terms), np.bool_, n)
    if through:
        beside = beside | np.fromiter((term in through for term in terms), np.bool_, n)
    aside = np.where(beside, brevity, 1.0)
    factors = np.ones(n)
    if lowered:
        factors = np.fromiter((lowered.get(term, 1.0) for term in terms), np.float64, n)
    lost = 0.0
    if not there.all():
        gone = ~there
        lost = sum((((1.0 + np.log(tf[gone])) * aside[gone] * factors[gone]) ** 2).tolist())
        lost *= (math.log(1 + collection.documents) + 1) ** 2
        terms = list(compress(terms, there.tolist()))
        tf, df, cf, aside, lone = tf[there], df[there], cf[there], aside[there], lone[there]
        factors = factors[there]
        numbers = [each[there] for each in numbers]
    idf, focus = idf_of(df, collection.documents), focus_of(df, cf, settings)
    weights = (1.0 + np.log(tf)) * idf * focus * aside * factors
    squared = float(np.cumsum(weights * weights)[-1]) if len(weights) else 0.0  # one after the other, on any Python
    norm = math.sqrt(squared) or 1.0
    return Question(
        terms=tuple(terms),
        numbers=tuple(numbers),
        counts=tf,
        df=df,
        cf=cf,
        idf=idf,
        focus=focus,
        aside=aside,
        lowered=factors,
        lone=lone,
        weights=weights / norm,
        norm=norm,
        pivot=settings.pivot * brevity * collection.mean,
        known=squared / ((squared + lost) or 1.0),
    )


def damped_twice(tf: Ints) -> Floats:
    """1 + ln(1 + ln tf): the second and third time say something, the tenth hardly more."""
    return 1.0 + np.log(1.0 + np.log(tf))


def mean_of(norms: Floats) -> float:
    """The same whatever the order of the records."""
    return math.fsum(norms.tolist()) / max(len(norms), 1)


@dataclass(frozen=True, slots=True)
class TermWeights:
    """For every term the records that have it, with the term's weight there before division. Never changes.

    ``df``, ``cf``: by term number. ``norms``: |d| by row. ``by_term``: shape (terms, documents).
    """

    collection: Collection
    df: NDArray[np.int64]
    cf: NDArray[np.int64]
    norms: Floats
    by_term: csr_array

    @classmethod
    def build(cls, ids: Sequence[Ints], counts: Sequence[Ints], n_terms: int, *, settings: Settings = SETTINGS) -> Self:
        """From each record's term numbers (distinct, below ``n_terms``) and counts, in any order that is the same
        whenever the record is the same: sums run in that order."""
        n = len(ids)
        lengths = np.fromiter(map(len, ids), dtype=np.intp, count=n)
        columns = np.concatenate(ids) if n else np.zeros(0, np.int32)
        tf = np.concatenate(counts) if n else np.zeros(0, np.int32)
        df = np.bincount(columns, minlength=n_terms)
        cf = np.bincount(columns, tf, minlength=n_terms).astype(np.int64)
        weights = damped_twice(tf) * idf_of(df, n)[columns]
        norms = np.sqrt(np.bincount(np.repeat(np.arange(n), lengths), weights * weights, minlength=n))
        norms[norms == 0] = 1.0
        starts = np.concatenate([[0], np.cumsum(lengths)])
        by_document = csr_array((weights, columns, starts.astype(np.int32)), shape=(n, n_terms))
        return cls(
            collection=Collection(n, mean_of(norms), settings),
            df=df,
            cf=cf,
            norms=norms,
            by_term=by_document.tocsc().T,
        )

    def weigh(
        self,
        counts: Mapping[str, int],
        vocabulary: Mapping[str, int],
        *,
        through: Container[str] = (),
        lowered: Mapping[str, float] = MappingProxyType({}),
    ) -> Question:
        """A query's weights; ``counts`` in the order of the terms, ``through`` and ``lowered`` as in ``weigh``."""
        ids = np.fromiter((vocabulary.get(term, -1) for term in counts), np.int32, len(counts))
        ids[ids >= len(self.df)] = -1
        df, cf = (np.where(ids >= 0, each[ids], 0) if len(each) else np.zeros_like(ids) for each in (self.df, self.cf))
        return weigh(counts, [ids], df, cf, df > 0, self.collection, through=through, lowered=lowered)

    def scores(self, question: Question) -> Floats:
        """The score of every record, shape (documents,), rounded to ``tfidf.DECIMALS``.

        Reads each posting of the query's terms once. A record's sums run in the order of the terms, so they do not
        depend on how the vocabulary is numbered.
        """
        spoken, single = (self._sums(question, which) for which in (~question.lone, question.lone))
        sums = np.where(spoken > 0, spoken + single, 0.0)
        return rounded(sums / (self.norms + question.pivot))

    def _sums(self, question: Question, which: Mask) -> Floats:
        sums: Floats = self.by_term[question.numbers[0][which]].T @ question.weights[which]
        return sums
