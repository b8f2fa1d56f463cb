"""In which order a question's terms are added to the sums of a block, and what those that wait could still add."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.segments.codec import damped
from matching.segments.compiling import compiled, lean, whole
from matching.segments.segment import BLOCK

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

SHARE = 0.2
"""Of |q|²: the first block starts to look when no more is left out."""

# Measured costs in nanoseconds; they only steer when to stop adding and start scoring.
POSTING = 0.4
EXACT = 250.0
SCAN = 7000.0
PEAK = 35000.0  # to find a first bar among all rows of a block, and who reaches it
TOUCH = 1.0

ALONE = 2000.0  # what is left out in a collection of one block has to cost more, for the few rows more that are scored
_TYPICAL_SHARE = 0.3  # of |d| in a class: only decides which of two bounds is asked


class Questions(NamedTuple):
    """Queries end to end; ``starts`` has one more than there are. By term: number in the segment, ascending in each query,
    and as in ``Asked``; ``classes`` of commonness; ``df`` and largest tf in the segment. By query: ``pivots``."""

    starts: I64
    terms: I32
    weights: F64
    idf: F64
    lone: U8
    classes: NDArray[np.int8]
    df: U32
    top_tf: U32
    pivots: F64


class Plan(NamedTuple):
    """Stage 0 adds the terms without a class, each following stage those of one class, the commonest last: what more than
    half of the rows have comes after the others of its class.

    ``order``: the terms by stage, those of stage 0 that can add most first; ``first``: where each stage begins in it;
    ``cost``: of each in nanoseconds a block; ``last``: the last stage that has terms. Bounds of what a stage can add:
    ``reach``: |q in stage|; ``most``: to any sum. ``plain``: whether the latter is the better one. ``left``: the most that
    the terms from a place in the order on can add to any sum.
    """

    order: I64
    first: I64
    cost: F64
    reach: F64
    last: int
    most: F64
    left: F64
    plain: NDArray[np.bool_]


@lean
def sort_down(values: F64, names: I64) -> None:
    """Put both in the order of the values, highest first, the lower name first among equals. By Shell's way, in place."""
    gap = whole(1)
    while gap < len(values) // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, len(values)):
            value, name, at = values[i], names[i], i
            while at >= gap and (values[at - gap] < value or (values[at - gap] == value and names[at - gap] > name)):
                values[at], names[at] = values[at - gap], names[at - gap]
                at -= gap
            values[at], names[at] = value, name
        gap //= 3


@compiled
def planned(
    weights: F64,
    idf: F64,
    classes: NDArray[np.int8],
    df: U32,
    top_tf: U32,
    damp: F64,
    n_classes: int,
    rows: int,
    n_blocks: int,
    typical: float,
) -> Plan:
    """``typical``: a usual |d|."""
    n, n_stages = len(classes), n_classes + 2
    order, stages = np.empty(n, np.int64), np.empty(n, np.int64)
    first, at = np.zeros(n_stages + 1, np.int64), np.zeros(n_stages + 1, np.int64)
    cost, most, reach = np.zeros(n_stages + 1), np.zeros(n_stages), np.zeros(n_stages)
    left, tops = np.zeros(n + 1), np.empty(n)
    last = whole(0)
    for j in range(n):
        stage = whole(n_classes - classes[j])
        if stage == n_classes and 2 * whole(df[j]) > rows:
            stage += 1
        stages[j], last = stage, max(last, stage)
        first[stage + 1] += 1
    for stage in range(n_stages):
        first[stage + 1] += first[stage]
        at[stage] = first[stage]
    for j in range(n):
        stage = stages[j]
        top = weights[j] * idf[j] * damped(whole(top_tf[j]), damp)
        tops[at[stage]], order[at[stage]] = top, j
        at[stage] += 1
        cost[stage] += POSTING * df[j] / n_blocks
        most[stage] += top
        reach[stage] += weights[j] * weights[j]
    sort_down(tops[: first[1]], order[: first[1]])
    for place in range(n - 1, -1, -1):
        left[place] = left[place + 1] + tops[place] * (1.0 + 1e-6)
    plain = np.zeros(n_stages, np.bool_)
    for stage in range(n_stages):
        reach[stage] = math.sqrt(reach[stage])
        plain[stage] = most[stage] <= reach[stage] * _TYPICAL_SHARE * typical
    return Plan(order, first, cost, reach, last, most, left, plain)


@lean
def plain_after(plan: Plan, stage: int) -> bool:
    """Whether of no later stage more is known than what its terms can add to any sum."""
    for later in range(stage + 1, plan.last + 1):  # noqa: SIM110 -- all() is slower here
        if not plan.plain[later]:
            return False
    return True


@lean
def first_stage(plan: Plan, n_blocks: int, rows: int) -> int:
    """Where most of the query is added. In a collection of one block, what an early look leaves out has to be more than the
    look costs, and it costs little only where few rows have a sum yet."""
    left = 0.0
    start = plan.last
    if n_blocks == 1:
        before = 0.0
        for stage in range(start):
            before += plan.cost[stage]
        early = before * TOUCH * BLOCK < POSTING * PEAK * rows and plan.cost[start] > ALONE
        return start - 1 if start > 0 and early and plain_after(plan, start - 1) else start
    while start > 0:
        left += plan.reach[start] ** 2
        if left > SHARE:
            break
        start -= 1
    return start


@lean
def rest_after(plan: Plan, stage: int) -> float:
    """The most that later stages with a plain bound can add to any sum."""
    rest = 0.0
    for later in range(stage + 1, plan.last + 1):
        if plan.plain[later]:
            rest += plan.most[later]
    return rest * (1.0 + 1e-6)


@lean
def active_after(plan: Plan, stage: int, n_classes: int, unit: float, active: I64, by: F32) -> int:
    """Into ``active`` the classes of later stages whose bound is made of shares, and into ``by`` what each share counts;
    answers how many."""
    n = whole(0)
    by[:] = np.float32(0.0)
    squared = 0.0
    for later in range(plan.last, stage, -1):
        if later > n_classes:  # of the same class as the stage before it
            squared = 0.0 if plan.plain[later] else plan.reach[later] ** 2
            if later - 1 > stage:
                continue
        elif not plan.plain[later]:
            squared += plan.reach[later] ** 2
        if squared > 0.0:
            active[n] = max(n_classes - later, 0)
            by[active[n]] = math.sqrt(squared) * unit / 255.0
            n += 1
        squared = 0.0
    return n


@lean
def essential(plan: Plan, stage: int, need: float) -> int:
    """Which terms of stages up to this one a row must have one of, to reach ``need``: so many from the first of the order
    on. -1 when rows with none of them could reach it."""
    for place in range(plan.first[stage + 1] + 1):
        if plan.left[place] < need:
            return place
    return -1
