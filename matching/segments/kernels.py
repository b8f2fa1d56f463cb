"""The ranking of one segment: bounds from its postings, exact scores from its documents. See the package for how."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.segments.adding import (
    DONE,
    LOW_NORMS_ERR,
    Postings,
    add_stage,
    at_first_runs,
    clear,
    postings_of,
    touched,
    touched_best,
)
from matching.segments.bounds import LEAST, PEAKS, STRIP, Flags, Lengths, Open, peak, scan, seed
from matching.segments.compiling import compiled, lean, whole
from matching.segments.planning import (
    EXACT,
    PEAK,
    SCAN,
    TOUCH,
    Questions,
    active_after,
    essential,
    first_stage,
    plain_after,
    planned,
    rest_after,
)
from matching.segments.scoring import Asked, Documents, exact, hashed, push, summon
from matching.segments.segment import BLOCK

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
U32 = NDArray[np.uint32]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]


class Room(NamedTuple):
    """What a search works in, to be used again by the next of the same thread. ``sums`` are 0 before and after it;
    ``kept``: those of the rows ``found``."""

    sums: F32
    bytes: NDArray[np.uint8]
    words: NDArray[np.uint64]
    found: I64
    peaks: F32
    kept: F32


def room_for(rows: int) -> Room:
    """Enough for a segment of so many rows."""
    block = min(rows, BLOCK)
    flags = np.zeros(STRIP, np.uint8)
    return Room(
        np.zeros(block, np.float32),
        flags,
        flags.view(np.uint64),
        np.empty(block + 1, np.int64),
        np.empty(PEAKS, np.float32),
        np.empty(block + 1, np.float32),
    )


class _Best(NamedTuple):
    """What was found. ``numbers``: how many the heap holds, how many rows are kept. ``threshold``: the k-th best score."""

    heap: F64
    heap_rows: I64
    numbers: I64
    threshold: F64


@lean
def _score(
    found: I64, documents: Documents, asked: Asked, floor: float, most: float, best: _Best, rows: I64, scores: F64
) -> None:
    held, kept = best.numbers[0], best.numbers[1]
    for f in range(len(found)):
        row = found[f]
        score = exact(row, documents, asked)
        if score > 0.0 and score * most >= best.threshold[0] * (1.0 - 1e-9):
            rows[kept], scores[kept] = row, score
            kept += 1
            if score > best.threshold[0] or held < len(best.heap):
                held = push(best.heap, best.heap_rows, held, score, row)
                if held == len(best.heap):
                    best.threshold[0] = max(floor, best.heap[0])
    best.numbers[0], best.numbers[1] = held, kept


@lean
def _nearest(found: I64, sums: F32, lo: int, norms: F64, pivot: float, seeds: F64, seed_rows: I64) -> int:
    """Into ``seed_rows`` those with the highest scores so far, and mark them as done; answers how many."""
    held = whole(0)
    for row in found:
        held = push(seeds, seed_rows, held, sums[row - lo] / (norms[row] + pivot), row)
    for row in seed_rows[:held]:
        sums[row - lo] = DONE
    return held


@lean
def _still(found: I64, sums: F32, lo: int, norms: F64, pivot: float, least: float) -> int:
    """Bring to the front those whose scores so far are not below ``least``; answers how many."""
    n = 0
    for row in found:
        if sums[row - lo] >= least * (norms[row] + pivot):
            found[n] = row
            n += 1
    return n


@compiled
def _nobody(admitted: NDArray[np.uint8]) -> bool:
    for i in range(len(admitted)):  # noqa: SIM110 -- any() is slower here
        if admitted[i]:
            return False
    return True


@compiled
def _typical(norms: F64) -> float:
    """A usual |d|: a few are looked at."""
    total = 0.0
    for part in range(8):
        total += norms[part * len(norms) // 8]
    return total / 8.0


@compiled
def search(  # noqa: PLR0912, PLR0915 -- one loop: what is taken out of it is compiled once more inside whatever calls it
    questions: Questions,
    documents: Documents,
    postings: Postings,
    lengths: Lengths,
    open_: Open,
    damp: F64,
    room: Room,
    k: int,
    floors: F64,
    most: float,
) -> tuple[Any, ...]:
    """Rows with their exact scores, question after question, and where each question's begin.

    Holds every admitted row whose score times ``most`` is not below the k-th best of its question, nor below the floor;
    also a few that are.
    """
    n, n_classes = len(documents.norms), len(lengths.parts)
    n_blocks = (n + BLOCK - 1) // BLOCK
    nobody = np.empty(n_blocks, np.bool_)
    for block in range(n_blocks):
        nobody[block] = _nobody(open_.rows[block * BLOCK : min(block * BLOCK + BLOCK, n)])
    flags = Flags(room.bytes, room.words, room.found, room.peaks)
    best = _Best(np.empty(k), np.empty(k, np.int64), np.zeros(2, np.int64), np.zeros(1))
    seeds, seed_rows = np.empty(k), np.empty(k, np.int64)
    rows, scores = np.empty(4 * k, np.int64), np.empty(4 * k)
    starts = np.zeros(len(questions.starts), np.int64)
    active_room, by = np.empty(n_classes, np.int64), np.zeros(n_classes, np.float32)
    typical = _typical(documents.norms)

    for question in range(len(starts) - 1):
        a, b = questions.starts[question], questions.starts[question + 1]
        starts[question + 1] = best.numbers[1]
        if a == b:
            continue
        terms, pivot, floor = questions.terms[a:b], questions.pivots[question], floors[question]
        asked = Asked(
            terms, questions.weights[a:b], questions.idf[a:b], questions.lone[a:b], pivot, damp, hashed(terms)
        )
        plan = planned(
            asked.weights,
            asked.idf,
            questions.classes[a:b],
            questions.df[a:b],
            questions.top_tf[a:b],
            damp,
            n_classes,
            n,
            n_blocks,
            typical,
        )
        margin = 1.0 - (len(terms) + 16) * 1.5e-7  # for the rounding of 32-bit sums
        start = first_stage(plan, n_blocks, n)
        cursor = at_first_runs(asked, postings)
        best.numbers[0], best.threshold[0] = 0, floor
        patient_until = 0
        for block in range(n_blocks):
            if nobody[block]:
                continue
            lo, hi = block * BLOCK, min(block * BLOCK + BLOCK, n)
            here = room.sums[: hi - lo]
            added = whole(0)
            for stage in range(plan.last + 1):
                added += add_stage(here, stage, block, plan, asked, postings, cursor)
                if stage < start and stage < plan.last:
                    continue
                limit = len(here)
                if stage < plan.last:
                    limit = whole((plan.cost[stage + 1] + SCAN * len(here) / BLOCK) / EXACT)
                guess, n_found = 0.0, whole(-1)
                few = added * TOUCH * BLOCK < PEAK * len(here) and plain_after(plan, stage)
                if best.threshold[0] <= 0.0:
                    if few:
                        n_found, guess = touched_best(
                            here, lo, stage, plan, postings, cursor, lengths, open_, most / margin, pivot, room.found,
                            room.kept, limit, seeds, seed_rows,
                        )  # fmt: skip
                    else:
                        high = peak(here, lo, lengths, open_, pivot, flags, seeds, seed_rows)
                        if stage == plan.last:
                            guess = high * (1.0 - LOW_NORMS_ERR)
                        else:
                            n_seeds = seed(
                                here, lo, high, documents.norms, lengths, open_, pivot, flags, seeds, seed_rows
                            )
                            seeded = seed_rows[:n_seeds]
                            rows, scores = _with_room(rows, scores, best.numbers[1] + n_seeds)
                            for row in seeded:
                                here[row - lo] = DONE
                            _score(seeded, documents, asked, floor, most, best, rows, scores)
                            if best.threshold[0] <= 0.0:
                                continue
                while True:
                    if n_found < 0:
                        least = max(max(best.threshold[0], guess) / most * margin - 1e-11, LEAST)
                        needed = essential(plan, stage, least * (lengths.least[block] + pivot))
                        few = False
                        if needed >= 0:
                            few = postings_of(needed, plan, postings, cursor) * TOUCH * BLOCK < SCAN * len(here)
                        if few:
                            rest = plan.left[plan.first[stage + 1]]
                            n_found = touched(
                                here, lo, needed, plan, postings, cursor, lengths, open_, least, pivot, rest,
                                room.found, room.kept, limit,
                            )  # fmt: skip
                        else:
                            n_active = active_after(plan, stage, n_classes, lengths.unit, active_room, by)
                            active, rest = active_room[:n_active], rest_after(plan, stage)
                            n_found = scan(here, lo, lengths, open_, by, active, least, pivot, rest, flags, limit)
                    if n_found > limit:
                        break
                    found = flags.found[:n_found]
                    rows, scores = _with_room(rows, scores, best.numbers[1] + n_found)
                    if (
                        stage == plan.last and n_found > 2 * k and not few
                    ):  # the best first: fewer of the others are left then
                        n_near = _nearest(found, here, lo, documents.norms, pivot, seeds, seed_rows)
                        _score(seed_rows[:n_near], documents, asked, floor, most, best, rows, scores)
                        sure = max(best.threshold[0], guess) / most * margin - 1e-11
                        found = found[: _still(found, here, lo, documents.norms, pivot, max(sure, 0.0))]
                    summon(found, documents)
                    _score(found, documents, asked, floor, most, best, rows, scores)
                    if best.threshold[0] >= guess:
                        break
                    guess, n_found = 0.0, whole(-1)  # it was too high: some of them score nothing
                    for row in found:
                        here[row - lo] = DONE
                if n_found > limit:
                    patient_until = block + 6
                    continue
                start = stage
                if stage > 0 and n_found * 8 <= limit and block >= patient_until:
                    start = stage - 1
                break
            clear(here, added, stage, plan, postings, cursor)
        starts[question + 1] = best.numbers[1]
    return starts, rows[: best.numbers[1]].copy(), scores[: best.numbers[1]].copy()


@compiled
def _with_room(rows: I64, scores: F64, size: int) -> tuple[I64, F64]:
    if size <= len(rows):
        return rows, scores
    more = np.empty(2 * size, np.int64)
    their = np.empty(2 * size)
    for i in range(len(rows)):  # assigning slices takes seconds to compile
        more[i], their[i] = rows[i], scores[i]
    return more, their
