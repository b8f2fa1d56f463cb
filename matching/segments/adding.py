"""The postings of a block: added to its sums, looked at again, and taken back."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.segments.bounds import LEAST, Lengths, Open
from matching.segments.codec import damped
from matching.segments.compiling import compiled, lean, prefetch, whole
from matching.segments.planning import Plan
from matching.segments.scoring import Asked, push
from matching.segments.segment import BLOCK

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
U16 = NDArray[np.uint16]
U32 = NDArray[np.uint32]
I64 = NDArray[np.int64]

DONE = np.float32(-1e30)
"""The sum of a row that was scored."""

LOW_NORMS_ERR = 4e-4
"""The share of a usual |d| that ``low_norms`` may be too low by, and some more."""

_ANY_TF = 65_535
_ANY_DAMP = 4.2  # above 1 + ln(1 + ln 2^31)
_HINTED = 12  # cache lines of a term's next ids; what follows the machine foresees by itself
_SPARSE = 8  # postings that are set to 0 one by one cost as much as so many rows that are set in one go


class Postings(NamedTuple):
    """A segment's runs and ids: see the package."""

    run_first: U32
    runs: U32
    ids: U16


class Cursor(NamedTuple):
    """By term: where its runs of the block that was last added begin, and the first run behind them."""

    begun: I64
    next: I64


@lean
def _hint(run: int, end: int, block: int, postings: Postings) -> None:
    """Have the beginning of what a term has in a block brought near."""
    runs, lines = postings.runs, _HINTED
    while run < end and runs[run, 0] >> 16 == block and lines > 0:
        at, after = whole(runs[run, 1]), whole(runs[run, 1]) + whole(runs[run, 2])
        while at < after and lines > 0:
            prefetch(postings.ids, at)
            at += 32
            lines -= 1
        run += 1


@compiled
def at_first_runs(asked: Asked, postings: Postings) -> Cursor:
    """Each term's first run."""
    cursor = np.empty(len(asked.terms), np.int64)
    for j in range(len(cursor)):
        prefetch(postings.run_first, whole(asked.terms[j]))
    for j in range(len(cursor)):
        cursor[j] = postings.run_first[asked.terms[j]]
        prefetch(postings.runs, 3 * cursor[j])
    for j in range(len(cursor)):
        _hint(cursor[j], whole(postings.run_first[asked.terms[j] + 1]), whole(0), postings)
    return Cursor(cursor.copy(), cursor)


@lean
def _add(sums: F32, ids: U16, start: int, end: int, weight: np.float32) -> None:
    fours = ids[start : start + (end - start) // 4 * 4]
    for i in range(0, len(fours), 4):  # four at once, which no id of a run can tell: none comes twice
        a, b, c, d = fours[i], fours[i + 1], fours[i + 2], fours[i + 3]
        first, second, third, fourth = sums[a] + weight, sums[b] + weight, sums[c] + weight, sums[d] + weight
        sums[a], sums[b], sums[c], sums[d] = first, second, third, fourth
    for i in range(start + len(fours), end):
        sums[ids[i]] += weight


@lean
def add_stage(sums: F32, stage: int, block: int, plan: Plan, asked: Asked, postings: Postings, cursor: Cursor) -> int:
    """Add what the terms of a stage weigh in a block, and move their cursors behind it. Answers how many postings."""
    runs, damp = postings.runs, asked.damp
    n = whole(0)
    for o in range(plan.first[stage], plan.first[stage + 1]):
        j = plan.order[o]
        run = cursor.next[j]
        end = whole(postings.run_first[asked.terms[j] + 1])
        while run < end and runs[run, 0] >> 16 < block:
            run += 1
        cursor.begun[j] = run
        while run < end and runs[run, 0] >> 16 == block:
            tf = whole(runs[run, 0] & 0xFFFF)
            most = _ANY_DAMP if tf == _ANY_TF else damped(tf, damp)
            start, many = whole(runs[run, 1]), whole(runs[run, 2])
            weight = np.float32(asked.weights[j] * asked.idf[j] * most)
            _add(sums, postings.ids, start, start + many, weight)
            n += many
            run += 1
        cursor.next[j] = run
        _hint(run, end, block + 1, postings)
    return n


@lean
def clear(sums: F32, added: int, stage: int, plan: Plan, postings: Postings, cursor: Cursor) -> None:
    """Set to 0 what the stages up to this one have added to."""
    if added * _SPARSE > len(sums):
        sums[:] = np.float32(0.0)
        return
    for o in range(plan.first[stage + 1]):
        j = plan.order[o]
        for run in range(cursor.begun[j], cursor.next[j]):
            start = whole(postings.runs[run, 1])
            for i in range(start, start + whole(postings.runs[run, 2])):
                sums[postings.ids[i]] = np.float32(0.0)


@lean
def postings_of(terms: int, plan: Plan, postings: Postings, cursor: Cursor) -> int:
    """How many the first terms of the order have in the block."""
    n = whole(0)
    for o in range(terms):
        j = plan.order[o]
        for run in range(cursor.begun[j], cursor.next[j]):
            n += whole(postings.runs[run, 2])
    return n


@lean
def touched(
    sums: F32,
    lo: int,
    terms: int,
    plan: Plan,
    postings: Postings,
    cursor: Cursor,
    lengths: Lengths,
    open_: Open,
    least: float,
    pivot: float,
    rest: float,
    found: I64,
    kept: F32,
    limit: int,
) -> int:
    """As ``bounds.scan``, among the rows that have one of the first ``terms`` of the order, by ``rest`` alone. Those found
    are marked as done, and ``kept`` has their sums; when there are more than ``limit``, nobody is."""
    n = whole(0)
    bar = np.float32(least * (lengths.least[lo // BLOCK] + pivot) - rest)
    lift, slope = np.float32(least * pivot - rest), np.float32(least * lengths.unit)
    for o in range(terms):
        j = plan.order[o]
        for run in range(cursor.begun[j], cursor.next[j]):
            start = whole(postings.runs[run, 1])
            for i in range(start, start + whole(postings.runs[run, 2])):
                place = whole(postings.ids[i])
                its = sums[place]
                if its < bar:
                    continue
                row = lo + place
                if its >= lift + slope * np.float32(lengths.low_norms[row]) and open_.rows[row]:
                    if n > limit:
                        for f in range(n):
                            sums[found[f] - lo] = kept[f]
                        return n
                    found[n], kept[n] = row, its
                    sums[place] = DONE
                    n += 1
    if n > limit:
        for f in range(n):
            sums[found[f] - lo] = kept[f]
    return n


@lean
def touched_best(
    sums: F32,
    lo: int,
    stage: int,
    plan: Plan,
    postings: Postings,
    cursor: Cursor,
    lengths: Lengths,
    open_: Open,
    most: float,
    pivot: float,
    found: I64,
    kept: F32,
    limit: int,
    scores: F64,
    rows: I64,
) -> tuple[int, float]:
    """As ``touched``, where no bar is known yet: it is the k-th best of the sums so far, k the length of ``scores``, and
    rises while the rows are looked at, the rarest terms first. ``most``: by how much less than it counts.

    Answers how many there are, and that bar, 0 where fewer rows than k have a sum. More than ``limit`` too where rows
    without any of the terms so far could reach it.
    """
    rest, last = plan.left[plan.first[stage + 1]], stage == plan.last
    guess = least = need = 0.0
    bar = np.float32(0.0)
    n, m, held = whole(0), whole(0), whole(0)
    for o in range(plan.first[stage + 1]):
        if plan.left[o] < need:
            break
        j = plan.order[o]
        for run in range(cursor.begun[j], cursor.next[j]):
            start = whole(postings.runs[run, 1])
            for i in range(start, start + whole(postings.runs[run, 2])):
                place = whole(postings.ids[i])
                its = sums[place]
                if its < bar or not open_.rows[lo + place]:
                    continue
                length = lengths.low_norms[lo + place] * lengths.unit + pivot
                if its + rest < least * length:
                    continue
                found[n], kept[n] = lo + place, its
                sums[place] = DONE
                n += 1
                held = push(scores, rows, held, its / length, lo + place)
                if held == len(scores):
                    guess = scores[0] * (1.0 - LOW_NORMS_ERR)
                    least = max(guess / most - 1e-11, LEAST)
                    need = least * (lengths.least[lo // BLOCK] + pivot)
                    bar = np.float32(need - rest)
    complete = last or rest < need
    for f in range(n):
        length = lengths.low_norms[found[f]] * lengths.unit + pivot
        if complete and m <= limit and kept[f] + rest >= least * length:
            found[m], kept[m] = found[f], kept[f]
            m += 1
        else:
            sums[found[f] - lo] = kept[f]
    if complete and m <= limit:
        return m, guess
    for f in range(m):
        sums[found[f] - lo] = kept[f]
    return limit + 1, 0.0
