"""A query's weights: ``weighting.weigh`` with its terms looked at once, in compiled code, instead of a dozen times.

The formula and the bits of its result are those of ``weighting``; tests hold the two against each other.
"""

import math
from collections.abc import Container, Mapping, Sequence
from functools import cache
from itertools import compress
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.asides import ASIDE_TERMS
from matching.segments.answering import BETWEEN, Placed
from matching.segments.compiling import array_at, compiled, whole
from matching.segments.vocabulary import Vocabulary, find
from matching.style import Style
from matching.text import CHARACTER, COMPOUND, PAIR
from matching.weighting import CALM, Collection, Question, brevity_of, of_compounds

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
Numbers = NDArray[np.int32]
I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]

_CHARACTER: Final = ord(CHARACTER)
_PAIR: Final = ord(PAIR)
_COMPOUND: Final = ord(COMPOUND)
_A: Final = ord("a")
_Z: Final = ord("z")
_BETWEEN: Final = ord(BETWEEN)


@cache
def _asides(wanted: bool) -> Placed:
    """The words beside the point, to look for; nothing when they are not wanted."""
    found = Vocabulary.of(sorted(ASIDE_TERMS) if wanted else [])
    return Placed.of([found.content, found.places, found.slots])


@compiled
def _emphasis(content: U8, start: int, end: int, names: float, letters: float, pairs: float, compounds: float) -> float:
    """Of the term that stands there, as ``weighting.emphasis_of`` has it; ``pairs``: of those that are no Latin letters."""
    if end > start and content[start] == _COMPOUND:
        return compounds
    if end - start < 2 or (content[start] != _PAIR and (content[start] < _A or content[start] > _Z)):
        return 1.0
    latin = True
    for i in range(start, end):
        latin &= content[i] < 128
    if content[start] == _PAIR:
        return letters if latin else pairs
    return names if latin else 1.0


@compiled
def _told(
    content: U8,
    asides: I64,
    tf: I32,
    df: I64,
    cf: I64,
    there: Mask,
    numbers: Numbers,
    documents: int,
    brevity: float,
    report: bool,
    stressed: tuple[float, float, float, float],
    beside: Mask,
    lone: Mask,
    out: F64,
) -> int:
    """Brings the terms that are ``there`` to the front of all arrays, and answers how many; the others come behind them,
    in ``out`` alone. Its rows become (1 + n) / (1 + df); tf; what focus is a power of; aside; emphasis."""
    letters, places = array_at(asides, 0, np.uint8), array_at(asides, 1, np.uint32)
    slots = array_at(asides, 2, np.uint32)
    known = whole(0)
    for i in range(len(tf)):
        known += there[i]
    start, n, gone = whole(0), whole(0), known
    for i in range(len(tf)):
        end = start
        while end < len(content) and content[end] != _BETWEEN:
            end += 1
        single = start < end and content[start] == _CHARACTER
        aside = beside[i] or (not report and (single or find(letters, places, slots, content, start, end) >= 0))
        at = n if there[i] else gone
        out[0, at] = (1.0 + documents) / (1.0 + df[i])
        out[1, at] = tf[i]
        out[2, at] = (cf[i] + CALM) / (df[i] + CALM)
        out[3, at] = brevity if aside else 1.0
        out[4, at] = _emphasis(content, start, end, *stressed)
        if there[i]:
            tf[n], df[n], cf[n], lone[n] = tf[i], df[i], cf[i], single
            for part in range(len(numbers)):
                numbers[part, n] = numbers[part, i]
            n += 1
        else:
            gone += 1
        start = end + 1
    return known


@compiled
def _multiplied(told: F64, focus: F64, factors: F64, known: int) -> float:
    """What ``_told`` left, after its first two rows became their logarithms: makes idf, the weights and focus of those
    rows. Answers the sum of the squared weights of the first ``known``."""
    squared = 0.0
    for i in range(len(focus)):
        idf, once = told[0, i] + 1.0, told[1, i] + 1.0
        told[0, i], told[2, i] = idf, focus[i]
        if i < known:
            told[1, i] = once * idf * focus[i] * told[4, i] * told[3, i] * factors[i]
            squared += told[1, i] * told[1, i]
        else:
            told[1, i] = once * min(told[4, i], 1.0) * told[3, i] * factors[i]
    norm = math.sqrt(squared) if squared > 0.0 else 1.0
    for i in range(known):
        told[1, i] /= norm
    return squared


def weighed(
    terms: Sequence[str],
    content: U8,
    counts: Sequence[int],
    numbers: Numbers,
    df: I64,
    cf: I64,
    there: Mask,
    collection: Collection,
    *,
    through: Container[str],
    lowered: Mapping[str, float],
    style: Style,
) -> Question:
    """``terms`` in their order, and in ``content`` end to end; ``numbers`` by part and term; everything else as
    ``weighting.weigh`` takes it."""
    settings, n = collection.settings, len(terms)
    brevity, report = brevity_of(n, settings), style == "report"
    tf, lone, told = np.array(counts, np.int32), np.empty(n, np.bool_), np.empty((5, n))
    beside = np.fromiter((term in through for term in terms), np.bool_, n) if through else np.zeros(n, np.bool_)
    asides = _asides(settings.asides).addresses
    stressed = settings.names, settings.letters, settings.pairs if report else 1.0, of_compounds(brevity, settings)
    of = collection.documents, brevity, report, stressed
    known = _told(content, asides, tf, df, cf, there, numbers, *of, beside, lone, told)
    factors = np.ones(n)
    if lowered:
        factors = np.fromiter((lowered.get(term, 1.0) for term in terms), np.float64, n)
        factors = np.concatenate([factors[there], factors[~there]])
    np.log(told[:2], out=told[:2])
    squared = _multiplied(told, told[2] ** settings.focus, factors, known)
    lost = 0.0
    if known < n:
        lost = sum((told[1, known:] ** 2).tolist()) * (math.log(1 + collection.documents) + 1) ** 2
        terms = list(compress(terms, there.tolist()))
        tf, df, cf, lone, numbers = tf[:known], df[:known], cf[:known], lone[:known], numbers[:, :known]
        told, factors = told[:, :known], factors[:known]
    idf, weights, focus, aside, emphasis = told
    return Question(
        terms=tuple(terms),
        numbers=tuple(numbers),
        counts=tf,
        df=df,
        cf=cf,
        idf=idf,
        focus=focus,
        emphasis=emphasis,
        aside=aside,
        lowered=factors,
        apart=np.ones(known),
        lone=lone,
        weights=weights,
        norm=math.sqrt(squared) or 1.0,
        pivot=0.0 if report else settings.pivot * brevity * collection.mean,
        known=squared / ((squared + lost) or 1.0),
    )
