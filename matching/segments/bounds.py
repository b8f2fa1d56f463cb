"""Which rows of a block can still be among the best: a sum and a bound for each, compared sixteen at a time.

A row with the sum s so far, of whose terms those of some classes g are not added yet, scores at most

    (s + Σ |q in g| · |d in g|) / (|d| + pivot)                     by Cauchy and Schwarz, class by class

so it can reach t only if s ≥ t · pivot + (t − Σ |q in g| · share in g) · |d|. The bracket is the ``slope``. It may be
negative, when what is left out could lift a row above t by itself; then a longer |d| asks for less, and the upper end of
what is known of |d| is the safe one: ``low_norms`` + 1 instead of ``low_norms``, which is one slope more.

Of a class with few terms less is known to be missing by adding up what each can be at most, whatever the row: that is the
``rest``, and it needs no byte of the row. When the rest of all terms but some cannot lift any row to t, only the rows that have one
of those some need to be looked at (``touched``): MaxScore (Turtle and Flood 1995).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.segments.compiling import fused, lean, whole
from matching.segments.scoring import push

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
I64 = NDArray[np.int64]

STRIP = 4096
"""Rows that are flagged before their flags are looked at: few enough for the first-level cache."""

PEAKS = 1024
"""So many groups of rows at most whose best are known: more than anybody asks for, and few enough for the first-level
cache."""

NO_CLASSES = np.zeros(0, np.float32)
NO_ROWS = np.zeros(0, np.int64)

LEAST = 1e-30
"""A bar that any sum above 0 passes."""


class Lengths(NamedTuple):
    """``statistics.Weighing``'s |d| in two bytes, and what of it lies in each class of terms, in a byte each.

    ``least``: of the low norms, block by block, in the units of |d|.
    """

    low_norms: U16
    unit: float
    parts: U8
    least: F64


class Open(NamedTuple):
    """Which rows are admitted, 0 or 1 each, and whether all are."""

    rows: U8
    all: bool


class Flags(NamedTuple):
    """Room for the flags of a strip, eight of which are looked at as one word, for the places they point to, and for the
    best of each group of rows."""

    bytes: U8
    words: NDArray[np.uint64]
    found: I64
    peaks: F32


@fused
def _flag(sums: F32, low_norms: U16, least: np.float32, lift: np.float32, flags: U8) -> None:
    for i in range(len(sums)):
        flags[i] = np.uint8(sums[i] >= lift + least * np.float32(low_norms[i]))


@fused
def _flag_1(sums: F32, low_norms: U16, least: np.float32, lift: np.float32, a: U8, by_a: np.float32, flags: U8) -> None:
    for i in range(len(sums)):
        slope = least - by_a * np.float32(a[i])
        flags[i] = np.uint8(sums[i] >= lift + slope * np.float32(low_norms[i]) + min(slope, np.float32(0.0)))


@fused
def _flag_3(
    sums: F32,
    low_norms: U16,
    least: np.float32,
    lift: np.float32,
    a: U8,
    by_a: np.float32,
    b: U8,
    by_b: np.float32,
    c: U8,
    by_c: np.float32,
    flags: U8,
) -> None:
    for i in range(len(sums)):
        slope = least - by_a * np.float32(a[i]) - by_b * np.float32(b[i]) - by_c * np.float32(c[i])
        flags[i] = np.uint8(sums[i] >= lift + slope * np.float32(low_norms[i]) + min(slope, np.float32(0.0)))


@fused
def _flag_5(sums: F32, low_norms: U16, least: np.float32, lift: np.float32, parts: U8, by: F32, flags: U8) -> None:
    a, b, c, d, e = parts[0], parts[1], parts[2], parts[3], parts[4]
    by_a, by_b, by_c, by_d, by_e = by[0], by[1], by[2], by[3], by[4]
    for i in range(len(sums)):
        slope = least - by_a * np.float32(a[i]) - by_b * np.float32(b[i]) - by_c * np.float32(c[i])
        slope = slope - by_d * np.float32(d[i]) - by_e * np.float32(e[i])
        flags[i] = np.uint8(sums[i] >= lift + slope * np.float32(low_norms[i]) + min(slope, np.float32(0.0)))


@lean
def _close(flags: U8, admitted: U8) -> None:
    for i in range(len(flags)):
        flags[i] &= admitted[i]


@lean
def _collect(flags: Flags, base: int, n: int, limit: int) -> int:
    words = flags.words
    for w in range(0, len(words), 8):
        some = words[w] | words[w + 1] | words[w + 2] | words[w + 3]
        some |= words[w + 4] | words[w + 5] | words[w + 6] | words[w + 7]
        if some:
            for i in range(8 * w, 8 * w + 64):
                if flags.bytes[i]:
                    if n > limit:
                        return n
                    flags.found[n] = base + i
                    n += 1
    return n


@lean
def scan(
    sums: F32,
    lo: int,
    lengths: Lengths,
    open_: Open,
    by: F32,
    active: I64,
    least: float,
    pivot: float,
    rest: float,
    flags: Flags,
    limit: int,
) -> int:
    """Into ``flags.found`` the rows from ``lo`` on whose score can reach ``least``.

    The bound is made of the classes ``active``, times ``by``, and of ``rest``, the most that all other terms which are
    not added yet can add to any sum. Answers how many there are; gives up beyond ``limit``.
    """
    n = whole(0)
    bar, lift = np.float32(least * lengths.unit), np.float32(least * pivot - rest)
    for begin in range(0, len(sums), STRIP):
        end = min(begin + STRIP, len(sums))
        first, last = lo + begin, lo + end
        strip, low, here = sums[begin:end], lengths.low_norms[first:last], flags.bytes[: end - begin]
        if len(active) == 0:
            _flag(strip, low, bar, lift, here)
        elif len(active) == 1:
            _flag_1(strip, low, bar, lift, lengths.parts[active[0], first:last], by[active[0]], here)
        elif len(active) <= 3:
            a, b, c = active[0], active[1], active[-1]
            by_c = by[c] if c != b else np.float32(0.0)
            parts = lengths.parts[:, first:last]
            _flag_3(strip, low, bar, lift, parts[a], by[a], parts[b], by[b], parts[c], by_c, here)
        else:
            _flag_5(strip, low, bar, lift, lengths.parts[:, first:last], by, here)
        if not open_.all:
            _close(here, open_.rows[first:last])
        flags.bytes[end - begin :] = 0
        n = _collect(flags, first, n, limit)
        if n > limit:
            break
    return n


@fused
def _raise_peaks(sums: F32, low_norms: U16, unit: np.float32, pivot: np.float32, peaks: F32) -> None:
    for i in range(len(peaks)):
        score = sums[i] / (np.float32(low_norms[i]) * unit + pivot)
        peaks[i] = max(peaks[i], score)


@fused
def _raise_open_peaks(sums: F32, low_norms: U16, admitted: U8, unit: np.float32, pivot: np.float32, peaks: F32) -> None:
    for i in range(len(peaks)):
        score = sums[i] / (np.float32(low_norms[i]) * unit + pivot)
        score *= np.float32(admitted[i])
        peaks[i] = max(peaks[i], score)


@lean
def peak(
    sums: F32, lo: int, lengths: Lengths, open_: Open, pivot: float, flags: Flags, scores: F64, rows: I64
) -> float:
    """A score that about so many rows reach so far as ``scores`` has places; 0 when fewer have any. Not exact.

    The rows fall into many groups: the k-th highest of the groups' best is reached by k rows at least, and by hardly any
    more.
    """
    held = whole(0)  # of one type from the beginning, or what is called with it is compiled for two
    groups, n = len(flags.peaks), len(sums)
    while groups > 16 * len(scores) and groups > 256:
        groups //= 2
    peaks = flags.peaks[:groups]
    peaks[:] = np.float32(0.0)
    unit, lift = np.float32(lengths.unit), np.float32(max(pivot, 1e-9))
    for begin in range(0, n - len(peaks) + 1, len(peaks)):
        end = begin + len(peaks)
        low = lengths.low_norms[lo + begin : lo + end]
        if open_.all:
            _raise_peaks(sums[begin:end], low, unit, lift, peaks)
        else:
            _raise_open_peaks(sums[begin:end], low, open_.rows[lo + begin : lo + end], unit, lift, peaks)
    for i in range(len(peaks)):
        if peaks[i] > LEAST:
            held = push(scores, rows, held, np.float64(peaks[i]), i)
    return float(scores[0]) if held == len(scores) else 0.0


@lean
def seed(
    sums: F32,
    lo: int,
    high: float,
    norms: F64,
    lengths: Lengths,
    open_: Open,
    pivot: float,
    flags: Flags,
    scores: F64,
    rows: I64,
) -> int:
    """The rows with the highest scores so far, as many as ``scores`` holds or all that have any; answers how many.
    ``high``: their ``peak``."""
    least = max(high * (1.0 - 1e-5), LEAST)
    n = scan(sums, lo, lengths, open_, NO_CLASSES, NO_ROWS, least, pivot, 0.0, flags, whole(len(sums)))
    held = whole(0)
    for row in flags.found[:n]:
        if sums[row - lo] > LEAST:
            held = push(scores, rows, held, sums[row - lo] / (norms[row] + pivot), row)
    return held
