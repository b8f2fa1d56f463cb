"""A document's terms and how often it has each, as a short run of 16-bit words.

One word a term: 13 bits of the gap to the term before (the first: to -1), 2 bits of tf (1, 2, 3, or "in the next word"),
and 1 bit that says that the gap goes on in the next word with 16 bits more. A tf from 65,535 on takes two words after a
65,535. Term numbers ascend, so a gap is at least 1.
"""

import math

import numpy as np
from numpy.typing import NDArray

from matching.segments.compiling import compiled, whole
from matching.weighting import damped_twice

Words = NDArray[np.uint16]
Ids = NDArray[np.int32]
Counts = NDArray[np.int32]
Starts = NDArray[np.int64]
Rows = NDArray[np.int64]

GAP_BITS = 13
GAP_MASK = (1 << GAP_BITS) - 1
GOES_ON = 1 << 15
TF_ELSEWHERE = 3
TF_WIDE = 65_535
HIGHEST_TERM = (1 << 29) - 2

DAMP = np.concatenate([[0.0], damped_twice(np.arange(1, 4096, dtype=np.int32))])
"""``weighting.damped_twice`` by tf; what is beyond it is computed."""


@compiled
def damped(count: int, damp: NDArray[np.float64]) -> float:
    """1 + ln(1 + ln tf)."""
    return float(damp[count]) if count < len(damp) else 1.0 + math.log(1.0 + math.log(count))


@compiled
def _sizes(starts: Starts, ids: Ids, tf: Counts) -> Starts:
    places = np.zeros(len(starts), np.int64)
    at = 0
    for row in range(len(starts) - 1):
        last = -1
        for j in range(starts[row], starts[row + 1]):
            at += 1
            if ids[j] - last > GAP_MASK:
                at += 1
            if tf[j] >= TF_WIDE:
                at += 3
            elif tf[j] > TF_ELSEWHERE:
                at += 1
            last = ids[j]
        places[row + 1] = at
    return places


@compiled
def _fill(starts: Starts, ids: Ids, tf: Counts, words: Words) -> None:
    at = 0
    for row in range(len(starts) - 1):
        last = -1
        for j in range(starts[row], starts[row + 1]):
            gap = ids[j] - last
            last = ids[j]
            count = tf[j]
            word = gap & GAP_MASK
            word |= (count - 1 if count <= TF_ELSEWHERE else TF_ELSEWHERE) << GAP_BITS
            if gap > GAP_MASK:
                word |= GOES_ON
            words[at] = word
            at += 1
            if gap > GAP_MASK:
                words[at] = gap >> GAP_BITS
                at += 1
            if count > TF_ELSEWHERE:
                if count >= TF_WIDE:
                    words[at] = TF_WIDE
                    words[at + 1] = count & 0xFFFF
                    words[at + 2] = count >> 16
                    at += 3
                else:
                    words[at] = count
                    at += 1


def encode(starts: Starts, ids: Ids, tf: Counts) -> tuple[Words, Starts]:
    """Documents as words, and where each begins. ``ids`` ascend within each document, counts are at least 1."""
    places = _sizes(starts, ids, tf)
    words = np.empty(int(places[-1]), np.uint16)
    _fill(starts, ids, tf, words)
    return words, places


@compiled
def _count(words: Words, places: NDArray[np.uint32], rows: Rows) -> Starts:
    starts = np.zeros(len(rows) + 1, np.int64)
    for i in range(len(rows)):
        at = whole(places[rows[i]])
        end = whole(places[rows[i] + 1])
        n = 0
        while at < end:
            word = whole(words[at])
            at += 1
            if word & GOES_ON:
                at += 1
            if (word >> GAP_BITS) & 3 == TF_ELSEWHERE:
                at += 3 if words[at] == TF_WIDE else 1
            n += 1
        starts[i + 1] = starts[i] + n
    return starts


@compiled
def following(words: Words, at: int, term: int) -> tuple[int, int, int]:
    """The term after ``term`` in a document whose next word is at ``at``, its tf, and where the word after it is."""
    word = whole(words[at])
    at += 1
    gap = word & GAP_MASK
    if word & GOES_ON:
        gap |= whole(words[at]) << GAP_BITS
        at += 1
    count = ((word >> GAP_BITS) & 3) + 1
    if count > TF_ELSEWHERE:
        count = whole(words[at])
        at += 1
        if count == TF_WIDE:
            count = whole(words[at]) | (whole(words[at + 1]) << 16)
            at += 2
    return term + gap, count, at


@compiled
def _read(words: Words, places: NDArray[np.uint32], rows: Rows, ids: Ids, tf: Counts) -> None:
    j = 0
    for i in range(len(rows)):
        at = whole(places[rows[i]])
        end = whole(places[rows[i] + 1])
        term = whole(-1)
        while at < end:
            term, count, at = following(words, at, term)
            ids[j] = term
            tf[j] = count
            j += 1


def decode(words: Words, places: NDArray[np.uint32], rows: Rows) -> tuple[Starts, Ids, Counts]:
    """The terms and counts of some rows, in their order, and where each row begins among them."""
    starts = _count(words, places, rows)
    ids = np.empty(int(starts[-1]), np.int32)
    tf = np.empty(int(starts[-1]), np.int32)
    _read(words, places, rows, ids, tf)
    return starts, ids, tf


@compiled
def compared(
    words: Words, places: NDArray[np.uint32], row: int, numbers: Ids, marked: int
) -> tuple[Rows, Counts, Ids, Counts]:
    """A document beside a query's terms: which of ``numbers`` it has, and how often; and its terms below ``marked``, and
    how often it has those. ``numbers`` ascend, but for -1, which stands for no term."""
    at, end = whole(places[row]), whole(places[row + 1])
    matched, counts = np.empty(len(numbers), np.int64), np.empty(len(numbers), np.int32)
    codes, times = np.empty(end - at, np.int32), np.empty(end - at, np.int32)
    n, n_codes, j, term = whole(0), whole(0), whole(0), whole(-1)
    while at < end:
        term, count, at = following(words, at, term)
        if term < marked:
            codes[n_codes], times[n_codes] = term, count
            n_codes += 1
            continue
        while j < len(numbers) and numbers[j] < term:
            j += 1
        if j < len(numbers) and numbers[j] == term:
            matched[n], counts[n] = j, count
            n += 1
    return matched[:n], counts[:n], codes[:n_codes], times[:n_codes]


@compiled
def _lengths(
    words: Words,
    places: NDArray[np.uint32],
    idf: NDArray[np.float64],
    classes: NDArray[np.int8],
    damp: NDArray[np.float64],
    norms: NDArray[np.float64],
    parts: NDArray[np.float32],
) -> None:
    squares = np.zeros(len(parts) + 1)
    for row in range(len(norms)):
        at = whole(places[row])
        end = whole(places[row + 1])
        term = whole(-1)
        total = 0.0
        squares[:] = 0.0
        while at < end:
            word = whole(words[at])
            at += 1
            gap = word & GAP_MASK
            if word & GOES_ON:
                gap |= whole(words[at]) << GAP_BITS
                at += 1
            count = ((word >> GAP_BITS) & 3) + 1
            if count > TF_ELSEWHERE:
                count = whole(words[at])
                at += 1
                if count == TF_WIDE:
                    count = whole(words[at]) | (whole(words[at + 1]) << 16)
                    at += 2
            term += gap
            weight = damped(count, damp) * idf[term]
            square = weight * weight
            total += square
            squares[classes[term]] += square
        norms[row] = math.sqrt(total) if total > 0.0 else 1.0
        for part in range(len(parts)):
            parts[part, row] = math.sqrt(squares[part])


def lengths(
    words: Words, places: NDArray[np.uint32], idf: NDArray[np.float64], classes: NDArray[np.int8], n_classes: int
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """|d| of each document, summed in the order of its terms, and the length of its part in each class of terms.

    ``classes``: a term's class, from 0; ``n_classes`` for a term of none. Shapes (n,) and (n_classes, n).
    """
    n = len(places) - 1
    norms, parts = np.empty(n), np.empty((n_classes, n), np.float32)
    _lengths(words, places, idf, classes, DAMP, norms, parts)
    return norms, parts
