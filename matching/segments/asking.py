"""A query's weights: ``weighting.weigh`` with its terms looked up, weighed and put in order in one call of compiled code.

The formula and the bits of its result are those of ``weighting``; tests hold the two against each other. What numpy makes
of a term's numbers, idf and focus, is computed by numpy when it is first asked for, and kept: its logarithm is not the
compiler's to the last bit.
"""

import math
from collections.abc import Container, Mapping, Sequence
from functools import cache, partial
from itertools import compress
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.asides import ASIDE_TERMS
from matching.segments.answering import BETWEEN, CF, DF, FOCUS, IDF, LETTERS, PLACES, PRESENT, SLOTS, Placed
from matching.segments.compiling import array_at, compiled, lean, whole
from matching.segments.vocabulary import Vocabulary, find, hash_of
from matching.style import Style
from matching.text import CHARACTER, COMPOUND, PAIR
from matching.weighting import Collection, Question, brevity_of, focus_of, idf_of, of_compounds

U8 = NDArray[np.uint8]
U64 = NDArray[np.uint64]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]

_CHARACTER: Final = ord(CHARACTER)
_PAIR: Final = ord(PAIR)
_COMPOUND: Final = ord(COMPOUND)
_A: Final = ord("a")
_Z: Final = ord("z")
_BETWEEN: Final = ord(BETWEEN)

_ONCE: Final = np.concatenate([[0.0], 1.0 + np.log(np.arange(1, 256, dtype=np.int32))])
"""1 + ln tf."""

_NOT_GIVEN: Final = np.empty((3, 0))
_NO_MASK: Final = np.empty(0, np.bool_)
_NO_FACTORS: Final = np.empty(0)


@cache
def _asides(wanted: bool) -> Placed:
    """The words beside the point, to look for, nothing when they are not wanted; and ``_ONCE``."""
    found = Vocabulary.of(sorted(ASIDE_TERMS) if wanted else [])
    return Placed.of([found.content, found.places, found.slots, _ONCE])


@lean
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


@lean
def _cut(content: U8, starts: I64, hashes: U64) -> None:
    """Where each of the terms begins that stand in ``content``, ``BETWEEN`` them; it ends before what stands between."""
    start = whole(0)
    for i in range(len(hashes)):
        end = start
        while end < len(content) and content[end] != _BETWEEN:
            end += 1
        starts[i], hashes[i] = start, hash_of(content, start, end)
        start = end + 1
    starts[len(hashes)] = start


@compiled
def _look_up(
    part: I64, content: U8, starts: I64, hashes: U64, given: F64, numbers: I32, totals: I64, there: Mask, kept: F64
) -> None:
    """Into ``numbers`` that of each term, -1 for what the part lacks. Over ``totals`` goes what the part says of their df
    and cf, and over ``kept`` their idf and focus, 0 where nobody has asked before; unless they are ``given``, to be kept
    for the next. ``there`` becomes true for what somebody has."""
    letters, places = array_at(part, LETTERS, np.uint8), array_at(part, PLACES, np.uint32)
    slots, present = array_at(part, SLOTS, np.uint32), array_at(part, PRESENT, np.uint8)
    df, cf = array_at(part, DF, np.uint32), array_at(part, CF, np.uint64)
    idf, focus = array_at(part, IDF, np.float64), array_at(part, FOCUS, np.float64)
    for i in range(len(numbers)):
        number = find(letters, places, slots, content, starts[i], starts[i + 1] - 1, hashes[i])
        numbers[i] = number
        if number >= 0:
            totals[0, i], totals[1, i] = df[number], cf[number]
            there[i] |= df[number] > 0 or (len(present) > 0 and present[number] > 0)
            if given.shape[1] > 0:
                idf[number], focus[number] = given[1, i], given[2, i]
            kept[0, i], kept[1, i] = idf[number], focus[number]


@compiled
def _told(
    parts: I64,
    asides: I64,
    content: U8,
    tf: I32,
    through: Mask,
    lowered: F64,
    brevity: float,
    report: bool,
    stressed: tuple[float, float, float, float],
    numbers: I32,
    totals: I64,
    flags: Mask,
    told: F64,
    given: F64,
) -> tuple[int, float, float]:
    """Looks the terms up in all ``parts`` and weighs them. Those that are ``there`` come to the front of all other arrays,
    and the rows of ``told`` are as long as they are many: as in ``Question``.

    Answers how many are there, the sum of their squared weights, and that of the others, which lack a factor. Or -1: then
    everything is in its place yet, and ``given`` has to say 1 + ln tf, idf and focus. ``through``, ``lowered``: of no
    length where there is none. ``flags``: who is ``there``, and which are single characters.
    """
    there, lone = flags[0], flags[1]
    letters, places = array_at(asides, 0, np.uint8), array_at(asides, 1, np.uint32)
    slots, table = array_at(asides, 2, np.uint32), array_at(asides, 3, np.float64)
    n, known, fresh = len(tf), whole(0), given.shape[1] == 0
    starts, hashes = np.empty(n + 1, np.int64), np.empty(n, np.uint64)
    kept = np.zeros((2, n))
    totals[:], there[:] = 0, False
    _cut(content, starts, hashes)
    for part in range(len(parts)):
        _look_up(parts[part], content, starts, hashes, given, numbers[part], totals, there, kept)
    for i in range(n):
        if fresh and (tf[i] >= len(table) or (there[i] and kept[0, i] == 0.0)):
            return whole(-1), 0.0, 0.0
        known += there[i]
    rows, at = told.reshape(-1)[: len(told) * known].reshape((len(told), known)), whole(0)
    squared = lost = 0.0
    for i in range(n):
        start, end = starts[i], starts[i + 1] - 1
        single = start < end and content[start] == _CHARACTER
        beside = len(through) > 0 and through[i]
        if not report and not beside:
            beside = single or find(letters, places, slots, content, start, end, hashes[i]) >= 0
        aside = brevity if beside else 1.0
        emphasis = _emphasis(content, start, end, *stressed)
        factor = lowered[i] if len(lowered) > 0 else 1.0
        once = table[tf[i]] if fresh else given[0, i]
        if not there[i]:  # a name that nobody has heard of is no sign that nobody knows the field
            its = once * min(emphasis, 1.0) * aside * factor
            lost += its * its
            continue
        idf, focus = kept[0, i], kept[1, i]
        weight = once * idf * focus * emphasis * aside * factor
        squared += weight * weight
        rows[0, at], rows[1, at], rows[2, at], rows[3, at] = weight, idf, focus, emphasis
        rows[4, at], rows[5, at], rows[6, at] = aside, factor, 1.0
        tf[at], lone[at], totals[0, at], totals[1, at] = tf[i], single, totals[0, i], totals[1, i]
        for part in range(len(parts)):
            numbers[part, at] = numbers[part, i]
        at += 1
    norm = math.sqrt(squared) if squared > 0.0 else 1.0
    for i in range(known):
        rows[0, i] /= norm
    return known, squared, lost


def weighed(
    terms: Sequence[str],
    content: U8,
    counts: I32,
    parts: I64,
    collection: Collection,
    *,
    through: Container[str],
    lowered: Mapping[str, float],
    style: Style,
) -> Question:
    """``terms`` in their order, and in ``content`` with ``BETWEEN`` between them; ``counts`` is used up; ``parts``: the
    addresses of each, shape (parts, addresses); everything else as ``weighting.weigh`` takes it."""
    settings, n = collection.settings, len(terms)
    brevity, report = brevity_of(n, settings), style == "report"
    told, flags = np.empty((7, n)), np.empty((2, n), np.bool_)
    numbers, totals = np.empty((len(parts), n), np.int32), np.empty((2, n), np.int64)
    beside = np.fromiter((term in through for term in terms), np.bool_, n) if through else _NO_MASK
    factors = np.fromiter((lowered.get(term, 1.0) for term in terms), np.float64, n) if lowered else _NO_FACTORS
    stressed = settings.names, settings.letters, settings.pairs if report else 1.0, of_compounds(brevity, settings)
    tell = partial(
        _told, parts, _asides(settings.asides).addresses, content, counts, beside, factors, brevity, report, stressed,
        numbers, totals, flags, told,
    )  # fmt: skip
    known, squared, lost = tell(_NOT_GIVEN)
    df, cf = totals[0], totals[1]
    if known < 0:
        once, idf = 1.0 + np.log(counts), idf_of(df, collection.documents)
        known, squared, lost = tell(np.array([once, idf, focus_of(df, cf, settings)]))
    lone, its = flags[1], tuple(numbers)
    if known < n:
        lost *= (math.log(1 + collection.documents) + 1) ** 2
        terms = list(compress(terms, flags[0].tolist()))
        counts, df, cf, lone, its = counts[:known], df[:known], cf[:known], lone[:known], tuple(numbers[:, :known])
        told = told.reshape(-1)[: 7 * known].reshape(7, known)
    pivot = 0.0 if report else settings.pivot * brevity * collection.mean
    share = squared / ((squared + lost) or 1.0)
    return Question(tuple(terms), its, counts, df, cf, told, lone, math.sqrt(squared) or 1.0, pivot, share)
