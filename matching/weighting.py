"""What a term is worth in a question and in a record: the score that rankings use, exact and in parts that add up.

A text's term that occurs tf times, with n records of which df have it and cf occurrences in all of them:

    idf      = ln((1 + n) / (1 + df)) + 1
    focus    = ((cf + 5) / (df + 5)) ** 0.3         a technical term comes back where it occurs at all; 目前 does not
    emphasis = 2.5 for Latin names (ADAS, pecvd: all of a name stands in one word, while a Chinese one is several words,
               pairs and characters), 0.5 for pairs of Latin letters (spelling, not terms), 4 · brevity⁴ for compounds of a
               lexicon (much where somebody asks for one, little in prose that says its parts as well), 1 for all others
    brevity  = 150 / (150 + terms in the question)  few words are chosen words
    aside    = brevity for single characters, for words beside the point (``asides``) and for what only a synonym asks
               for: in few words it was meant, in a long text it is one more guess; 1 for all others
    lowered  = below 1 for words and pairs that people called misleading in such questions (``tuning``), else 1
    raised   = 4 for words and pairs of the tests that a question for instruments needs (``measuring``), else 1; told together
               with lowered, as no term is both

    apart    = 1; in a report, see below

    wq = (1 + ln tf) · idf · focus · emphasis · aside · lowered · raised · apart ÷ |q|    |q|: Euclidean length of these
    wd = (1 + ln(1 + ln tf)) · idf ÷ (|d| + 0.8 · brevity · mean |d|)

The score is Σ wq · wd over the terms that both have, in [0, 1), if a word or a pair is among them: single characters
alone are chance, and nearly every record has some. It is a cosine whose document side is pivoted (Singhal
1996): with brevity 0 it would be the plain one. A long question, itself a document, is compared with the whole of a
record; a short one asks only whether the record speaks of it, so a record's length matters less. ``tfidf`` is the plain
cosine, kept as the reference. What each part adds is in docs/matching-quality.md.

A question that is a report (``style``: an abstract that looks for its kin) is about its matter with every word, and is
asked like a record: aside is 1 but for synonyms, nothing is added to |d|, and pairs, which repeat what the words of prose
say, have emphasis 0.7. It is asked twice. Of the (at most) 50 records that come first, ``held`` have the term:

    apart    = ((50 + 1) / (held + 1)) ** 0.3       what the nearest share tells none of them apart

and with that all records are ranked anew.
"""

import math
from bisect import bisect_left
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from matching.asides import ASIDE_TERMS
from matching.style import Style
from matching.text import CHARACTER, COMPOUND, PAIR
from matching.tfidf import Floats, Ints, best, rounded

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int32]
Totals = NDArray[Any]
"""Whole numbers of records or occurrences, by term."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The few numbers of the score. ``focus``: the exponent; ``half``: how many terms make brevity a half; ``pivot``:
    the share of the mean length that is added to every record's; ``names``, ``letters``: the emphasis of Latin names and
    of pairs of Latin letters; ``compounds``: that of compounds in
    the shortest questions, ``chosen``: the exponent with which it falls as brevity does; ``asides``: whether words beside the point count less; ``characters``: whether single
    characters count at all. For reports ``pairs``: the emphasis of other pairs; ``apart``: the exponent; ``reports``:
    whether they are asked in their own way. The switches are there to be measured.
    """

    focus: float = 0.3
    half: float = 150.0
    pivot: float = 0.8
    asides: bool = True
    characters: bool = True
    names: float = 2.5
    letters: float = 0.5
    compounds: float = 4.0
    chosen: float = 4.0
    pairs: float = 0.7
    apart: float = 0.3
    reports: bool = True


NEAREST: Final = 50
"""So many records say what tells a report's kin apart."""

SETTINGS = Settings()
_BEHIND_CHARACTERS = chr(ord(CHARACTER) + 1)
_BEHIND_PAIRS = chr(ord(PAIR) + 1)
_BEHIND_COMPOUNDS = chr(ord(COMPOUND) + 1)
CALM = 5.0
"""So many occurrences in as many records are imagined before focus believes what it sees."""


@dataclass(frozen=True, slots=True)
class Collection:
    """What all records together make of every question: n, and ``mean`` of |d|."""

    documents: int
    mean: float
    settings: Settings = SETTINGS


class Question(NamedTuple):
    """A query's weights over the terms that some record has, in the order of the terms themselves.

    ``numbers``: where these terms are in each of the vocabularies that it was weighed for, -1 for nowhere. ``told``, row by
    row: wq, and what it is made of beside ``counts``: idf, focus, emphasis, aside, lowered and apart. ``lone`` tells the
    single characters; ``norm`` is |q|; ``pivot`` is what is added to each |d|. ``known``: the share of the query's squared
    weight that these terms hold, in [0, 1]; the rest lies in terms that no record has.
    """

    terms: tuple[str, ...]
    numbers: tuple[Numbers, ...]
    counts: Ints
    df: Totals
    cf: Totals
    told: Floats
    lone: Mask
    norm: float
    pivot: float
    known: float

    @property
    def weights(self) -> Floats:
        found: Floats = self.told[0]
        return found

    @property
    def idf(self) -> Floats:
        found: Floats = self.told[1]
        return found

    @property
    def lowered(self) -> Floats:
        found: Floats = self.told[5]
        return found

    @property
    def factors(self) -> tuple[Floats, ...]:
        """What multiplies idf, in the order in which reasons tell it."""
        return tuple(self.told[2:])


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


def emphasis_of(
    terms: Sequence[str], settings: Settings = SETTINGS, style: Style = "request", brevity: float = 1.0
) -> Floats:
    """Of terms in their order. Latin words begin between a and z, since texts are case folded."""
    found = np.ones(len(terms))
    first, last = bisect_left(terms, PAIR), bisect_left(terms, _BEHIND_PAIRS)
    if style == "report":
        found[first:last] = settings.pairs
    for place in range(first, bisect_left(terms, PAIR + "\x80", first, last)):
        if terms[place].isascii():
            found[place] = settings.letters
    for place in range(bisect_left(terms, "a"), bisect_left(terms, "{")):
        if len(terms[place]) > 1 and terms[place].isascii():
            found[place] = settings.names
    found[bisect_left(terms, COMPOUND) : bisect_left(terms, _BEHIND_COMPOUNDS)] = of_compounds(brevity, settings)
    return found


def of_compounds(brevity: float, settings: Settings = SETTINGS) -> float:
    """The emphasis of a lexicon's compounds."""
    return float(settings.compounds * brevity**settings.chosen)


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
    style: Style = "request",
) -> Question:
    """A query's weights, a report's for the first time. ``counts`` in the order of the terms; ``numbers``, ``df``, ``cf``
    and ``there`` by place in it. ``through``: the terms that only synonyms ask for. ``lowered``: the factors of misleading
    ones.

    Terms that are not ``there``, in no record, are left out of the weights and of |q|, but not of brevity.
    """
    settings = collection.settings
    brevity = brevity_of(len(counts), settings)
    terms, n = list(counts), len(counts)
    tf = np.fromiter(counts.values(), dtype=np.int32, count=n)
    lone = np.zeros(n, np.bool_)
    lone[bisect_left(terms, CHARACTER) : bisect_left(terms, _BEHIND_CHARACTERS)] = True
    report = style == "report"
    emphasis = emphasis_of(terms, settings, style, brevity)
    beside = np.zeros(n, np.bool_) if report else lone
    if settings.asides and not report:
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
        # A name that nobody has heard of is no sign that nobody knows the field.
        modest = np.minimum(emphasis[gone], 1.0)
        lost = sum((((1.0 + np.log(tf[gone])) * modest * aside[gone] * factors[gone]) ** 2).tolist())
        lost *= (math.log(1 + collection.documents) + 1) ** 2
        terms = list(compress(terms, there.tolist()))
        tf, df, cf, aside, lone = tf[there], df[there], cf[there], aside[there], lone[there]
        emphasis, factors = emphasis[there], factors[there]
        numbers = [each[there] for each in numbers]
    idf, focus = idf_of(df, collection.documents), focus_of(df, cf, settings)
    weights = (1.0 + np.log(tf)) * idf * focus * emphasis * aside * factors
    squared = _squared(weights)
    norm = math.sqrt(squared) or 1.0
    told = np.stack([weights / norm, idf, focus, emphasis, aside, factors, np.ones(len(terms))])
    pivot = 0.0 if report else settings.pivot * brevity * collection.mean
    known = squared / ((squared + lost) or 1.0)
    return Question(tuple(terms), tuple(numbers), tf, df, cf, told, lone, norm, pivot, known)


def told_apart(question: Question, held: Totals, nearest: int, settings: Settings = SETTINGS) -> Question:
    """A report's question for the second time, after ``held`` of its ``nearest`` records were found to have each term."""
    apart = ((nearest + 1) / (held + 1)) ** settings.apart
    weights = question.weights * apart
    length = math.sqrt(_squared(weights)) or 1.0
    told = np.stack([weights / length, *question.told[1:-1], apart])
    return question._replace(told=told, norm=question.norm * length)


def _squared(weights: Floats) -> float:
    """The sum of the squares, one after the other, as compiled code has it on any Python."""
    return float(np.cumsum(weights * weights)[-1]) if len(weights) else 0.0


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
        style: Style = "request",
    ) -> Question:
        """A query's weights; ``counts`` in the order of the terms, the others as in ``weigh``. A report is asked for the
        first time here."""
        ids = np.fromiter((vocabulary.get(term, -1) for term in counts), np.int32, len(counts))
        ids[ids >= len(self.df)] = -1
        df, cf = (np.where(ids >= 0, each[ids], 0) if len(each) else np.zeros_like(ids) for each in (self.df, self.cf))
        settings = self.collection.settings
        style = style if settings.reports else "request"
        question = weigh(counts, [ids], df, cf, df > 0, self.collection, through=through, lowered=lowered, style=style)
        if style != "report":
            return question
        nearest = best(self.scores(question), NEAREST)
        held = (self.by_term[question.numbers[0]][:, nearest] != 0).sum(axis=1)
        return told_apart(question, held, len(nearest), settings)

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
