"""What a term is worth in a question and in a record: the score that rankings use, exact and in parts that add up.

A text's term that occurs tf times, with n records of which df have it and cf occurrences in all of them:

    idf      = ln((1 + n) / (1 + df)) + 1
    focus    = ((cf + 5) / (df + 5)) ** 0.3         a technical term comes back where it occurs at all; 目前 does not
    brevity  = 150 / (150 + terms in the question)  few words are chosen words
    aside    = brevity for single characters and for words beside the point (``asides``), 1 for all others

    wq = (1 + ln tf) · idf · focus · aside ÷ |q|    |q|: Euclidean length of these
    wd = (1 + ln(1 + ln tf)) · idf ÷ (|d| + 0.8 · brevity · mean |d|)

The score is Σ wq · wd over the terms that both have, in [0, 1), if a word or a pair is among them: single characters
alone are chance, and nearly every record has some. It is a cosine whose document side is pivoted (Singhal
1996): with brevity 0 it would be the plain one. A long question, itself a document, is compared with the whole of a
record; a short one asks only whether the record speaks of it, so a record's length matters less. ``tfidf`` is the plain
cosine, kept as the reference. What each part adds is in docs/matching-quality.md.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from matching.asides import is_aside
from matching.text import CHARACTER
from matching.tfidf import Floats, Ints, rounded


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
_CALM = 5.0  # so many occurrences in as many records are imagined before focus believes what it sees


@dataclass(frozen=True, slots=True)
class Question:
    """A query's weights over the terms that some record has, in the order of the terms themselves.

    ``weights`` are wq, ``aside`` the factor in them, ``lone`` tells the single characters; ``norm`` is |q|; ``pivot`` is what is added to each |d|. ``known``:
    the share of the query's squared weight that these terms hold, in [0, 1]; the rest lies in terms that no record has.
    """

    terms: tuple[str, ...]
    ids: NDArray[np.intp]
    counts: Ints
    aside: Floats
    lone: NDArray[np.bool_]
    weights: Floats
    norm: float
    pivot: float
    known: float


@dataclass(frozen=True, slots=True)
class TermWeights:
    """For every term the records that have it, with the term's weight there before division. Never changes.

    ``df``, ``cf``, ``idf``, ``focus``: by term number. ``norms``: |d| by row. ``by_term``: shape (terms, documents).
    """

    documents: int
    df: NDArray[np.intp]
    cf: NDArray[np.intp]
    idf: Floats
    focus: Floats
    norms: Floats
    mean: float
    by_term: csr_array
    settings: Settings = SETTINGS

    @classmethod
    def build(cls, ids: Sequence[Ints], counts: Sequence[Ints], n_terms: int, *, settings: Settings = SETTINGS) -> Self:
        """From each record's term numbers (distinct, below ``n_terms``) and counts, in any order that is the same
        whenever the record is the same: sums run in that order."""
        n = len(ids)
        lengths = np.fromiter(map(len, ids), dtype=np.intp, count=n)
        columns = np.concatenate(ids) if n else np.zeros(0, np.int32)
        tf = np.concatenate(counts) if n else np.zeros(0, np.int32)
        df = np.bincount(columns, minlength=n_terms)
        cf = np.bincount(columns, tf, minlength=n_terms).astype(np.intp)
        idf = np.log((1 + n) / (1 + df)) + 1
        weights = damped_twice(tf) * idf[columns]
        norms = np.sqrt(np.bincount(np.repeat(np.arange(n), lengths), weights * weights, minlength=n))
        norms[norms == 0] = 1.0
        starts = np.concatenate([[0], np.cumsum(lengths)])
        by_document = csr_array((weights, columns, starts.astype(np.int32)), shape=(n, n_terms))
        return cls(
            documents=n,
            df=df,
            cf=cf,
            idf=idf,
            focus=((cf + _CALM) / (df + _CALM)) ** settings.focus,
            norms=norms,
            mean=math.fsum(norms.tolist()) / max(n, 1),
            by_term=by_document.tocsc().T,
            settings=settings,
        )

    def weigh(self, counts: Mapping[str, int], vocabulary: Mapping[str, int]) -> Question:
        """A query's weights. Terms that no record has are left out of them, and of |q|, but not of brevity."""
        brevity = self.settings.half / (self.settings.half + len(counts))
        beside = self.settings.asides
        known: list[tuple[str, int, int, float]] = []
        lost = 0.0
        for term, count in counts.items():
            factor = brevity if term[0] == CHARACTER or (beside and is_aside(term)) else 1.0
            number = vocabulary.get(term, -1)
            if 0 <= number < len(self.df) and self.df[number]:
                known.append((term, number, count, factor))
            else:
                lost += ((1.0 + math.log(count)) * factor) ** 2
        ids = np.array([number for _, number, _, _ in known], dtype=np.intp)
        tf = np.array([count for _, _, count, _ in known], dtype=np.int32)
        aside = np.array([factor for _, _, _, factor in known], dtype=np.float64)
        weights = (1.0 + np.log(tf)) * self.idf[ids] * self.focus[ids] * aside
        squared = sum((weights * weights).tolist())
        lost *= (math.log(1 + self.documents) + 1) ** 2
        norm = math.sqrt(squared) or 1.0
        return Question(
            terms=tuple(term for term, _, _, _ in known),
            ids=ids,
            counts=tf,
            aside=aside,
            lone=np.array([term[0] == CHARACTER for term, _, _, _ in known], dtype=np.bool_),
            weights=weights / norm,
            norm=norm,
            pivot=self.settings.pivot * brevity * self.mean,
            known=squared / ((squared + lost) or 1.0),
        )

    def scores(self, question: Question) -> Floats:
        """The score of every record, shape (documents,), rounded to ``tfidf.DECIMALS``.

        Reads each posting of the query's terms once. A record's sums run in the order of the terms, so they do not
        depend on how the vocabulary is numbered.
        """
        spoken, single = (self._sums(question, which) for which in (~question.lone, question.lone))
        sums = np.where(spoken > 0, spoken + single, 0.0)
        return rounded(sums / (self.norms + question.pivot))

    def _sums(self, question: Question, which: NDArray[np.bool_]) -> Floats:
        sums: Floats = self.by_term[question.ids[which]].T @ question.weights[which]
        return sums


def damped_twice(tf: Ints) -> Floats:
    """1 + ln(1 + ln tf): the second and third time say something, the tenth hardly more."""
    return 1.0 + np.log(1.0 + np.log(tf))
