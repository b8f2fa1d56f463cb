"""Which rows of a block can still be among the best: a sum and a bound for each, compared sixteen at a time.

A row with the sum s so far, of whose terms those of some classes g are not added yet, scores at most

    (s + Σ |q in g| · |d in g|) / (|d| + pivot)                     by Cauchy and Schwarz, class by class

so it can reach t only if s ≥ t · pivot + (t − Σ |q in g| · share in g) · |d|. The bracket is the ``slope``. It may be
negative, when what is left out could lift a row above t by itself; then a longer |d| asks for less, and the upper end of
what is known of |d| is the safe one: ``low_norms`` + 1 instead of ``low_norms``, which is one slope more.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.segments.compiling import compiled, fused, whole
from matching.segments.scoring import push

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
I64 = NDArray[np.int64]

STRIP = 4096
"""Rows that are flagged before their flags are looked at: few enough for the first-level cache."""

LEAST = 1e-30
"""A bar that any sum above 0 passes."""


class Lengths(NamedTuple):
    """``statistics.Weighing``'s |d| in two bytes, and what of it lies in each class of terms, in a byte each."""

    low_norms: U16
    unit: float
    parts: U8


class Open(NamedTuple):
    """Which rows are admitted, 0 or 1 each, and whether all are."""

    rows: U8
    all: bool


class Flags(NamedTuple):
    """Room for the flags of a strip, eight of which are looked at as one word, and for the places they point to."""

    bytes: U8
    words: NDArray[np.uint64]
    found: I64


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


@compiled
def _close(flags: U8, admitted: U8) -> None:
    for i in range(len(flags)):
        flags[i] &= admitted[i]


@compiled
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


@compiled
def scan(
    sums: F32,
    lo: int,
    lengths: Lengths,
    open_: Open,
    by: F32,
    active: I64,
    least: float,
    pivot: float,
    flags: Flags,
    limit: int,
) -> int:
    """Into ``flags.found`` the rows from ``lo`` on whose score can reach ``least``.

    The bound is made of the classes ``active``, times ``by``. Answers how many there are; gives up beyond ``limit``.
    """
    n = whole(0)
    bar, lift = np.float32(least * lengths.unit), np.float32(least * pivot)
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


@compiled
def seed(
    sums: F32, lo: int, norms: F64, lengths: Lengths, open_: Open, pivot: float, flags: Flags, scores: F64, rows: I64
) -> int:
    """The rows with the highest scores so far, at most as many as ``scores`` holds; answers how many."""
    held = whole(0)  # of one type from the beginning, or what is called with it is compiled for two
    least = LEAST
    for begin in range(0, len(sums), STRIP):
        end = min(begin + STRIP, len(sums))
        bar, lift = np.float32(max(least * lengths.unit, LEAST)), np.float32(least * pivot)
        _flag(sums[begin:end], lengths.low_norms[lo + begin : lo + end], bar, lift, flags.bytes[: end - begin])
        flags.bytes[end - begin :] = 0
        n = _collect(flags, lo + begin, whole(0), whole(STRIP))
        for f in range(n):
            row = flags.found[f]
            score = sums[row - lo] / (norms[row] + pivot)
            if score > least and open_.rows[row]:
                held = push(scores, rows, held, score, row)
                if held == len(scores):
                    least = max(scores[0], LEAST)
    return held
