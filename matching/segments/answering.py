"""One query, one part, one call: what is asked each time costs as little as the ranking of a small collection itself.

To hand forty arrays to compiled code takes longer than to rank ten thousand records. So where a part's arrays are is
written down once, as one array of addresses, and the kernels make arrays of them again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from matching.segments.adding import Postings
from matching.segments.bounds import Lengths, Open
from matching.segments.codec import DAMP
from matching.segments.compiling import array_at, compiled, whole
from matching.segments.kernels import Room, search
from matching.segments.planning import Questions, sort_down
from matching.segments.scoring import Documents
from matching.segments.segment import Segment
from matching.segments.statistics import Weighing, bounds_of_classes

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]

BETWEEN: Final = "\0"
"""Stands between terms that are looked up together."""

# Which of the addresses are whose.
LETTERS, PLACES, SLOTS, DF, CF, PRESENT, IDF, FOCUS = range(8)
_CLASSES, _OWN_DF, _TOP_TF, _FORWARD, _FORWARD_START, _NORMS = range(8, 14)
_RUN_FIRST, _RUNS, _IDS, _LOW_NORMS, _PARTS, _LEAST, _UNIT, _DAMP = range(14, 22)
_SUMS, _BYTES, _WORDS, _FOUND, _PEAKS, _KEPT = range(6)


@dataclass(frozen=True, slots=True)
class Placed:
    """Arrays and where they are: address and length of each. They stay there as long as this is held."""

    addresses: I64
    arrays: tuple[NDArray[Any], ...]

    @classmethod
    def of(cls, arrays: Sequence[NDArray[Any]]) -> "Placed":
        flat = tuple(np.ascontiguousarray(array).reshape(-1) for array in arrays)
        return cls(np.array([number for a in flat for number in (a.ctypes.data, a.size)], np.int64), flat)


def placed_part(segment: Segment, weighing: Weighing, present: Mask | None) -> Placed:
    words = segment.vocabulary
    here = np.zeros(0, np.bool_) if present is None else present
    return Placed.of(
        [
            *(words.content, words.places, words.slots),
            *(weighing.df, weighing.cf, here.view(np.uint8), np.zeros(len(words)), np.zeros(len(words))),
            *(bounds_of_classes(weighing.documents), segment.df, segment.top_tf),
            *(segment.forward, segment.forward_start, weighing.norms),
            *(segment.run_first, segment.runs, segment.ids),
            *(weighing.low_norms, weighing.parts, weighing.least_norms, np.array([weighing.unit]), DAMP),
        ]
    )


def placed_room(room: Room) -> Placed:
    return Placed.of(room)


@compiled
def answer(
    part: I64,
    room: I64,
    alive: U8,
    every: bool,
    numbers: I32,
    told: F64,
    df: I64,
    lone: Mask,
    pivot: float,
    k: int,
    floor: float,
    most: float,
) -> tuple[I64, F64]:
    """``kernels.search`` for one question: rows and scores, best first, the lower row first among equals.

    All rows whose score, raised by ``most``, reaches the k-th best; the k best at least, or all that there are.
    """
    bounds, own_df, own_top_tf = (
        array_at(part, _CLASSES, np.float64),
        array_at(part, _OWN_DF, np.uint32),
        array_at(part, _TOP_TF, np.uint32),
    )
    norms, unit = array_at(part, _NORMS, np.float64), array_at(part, _UNIT, np.float64)
    n = whole(0)
    spoken = False
    terms, its_weights, its_idf = np.empty(len(numbers), np.int32), np.empty(len(numbers)), np.empty(len(numbers))
    its_lone, classes = np.empty(len(numbers), np.uint8), np.empty(len(numbers), np.int8)
    its_df, top_tf = np.empty(len(numbers), np.uint32), np.empty(len(numbers), np.uint32)
    for j in range(len(numbers)):
        number = whole(numbers[j])
        if number >= 0:
            terms[n], its_weights[n], its_idf[n], its_lone[n] = number, told[0, j], told[1, j], lone[j]
            its_df[n], top_tf[n] = own_df[number], own_top_tf[number]
            its = len(bounds)
            for bound in bounds:
                if df[j] > bound:
                    its -= 1
            classes[n] = its
            spoken |= not lone[j]
            n += 1
    if not spoken or len(norms) == 0:
        return np.empty(0, np.int64), np.empty(0)
    starts, pivots, floors = np.zeros(2, np.int64), np.empty(1), np.empty(1)
    starts[1], pivots[0], floors[0] = n, pivot, floor
    _, rows, scores = search(
        Questions(
            starts, terms[:n], its_weights[:n], its_idf[:n], its_lone[:n], classes[:n], its_df[:n], top_tf[:n], pivots
        ),
        Documents(array_at(part, _FORWARD, np.uint16), array_at(part, _FORWARD_START, np.uint32), norms),
        Postings(
            array_at(part, _RUN_FIRST, np.uint32),
            array_at(part, _RUNS, np.uint32).reshape((-1, 3)),
            array_at(part, _IDS, np.uint16),
        ),
        Lengths(
            array_at(part, _LOW_NORMS, np.uint16),
            unit[0],
            array_at(part, _PARTS, np.uint8).reshape((len(bounds), -1)),
            array_at(part, _LEAST, np.float64),
        ),
        Open(alive, every),
        array_at(part, _DAMP, np.float64),
        Room(
            array_at(room, _SUMS, np.float32),
            array_at(room, _BYTES, np.uint8),
            array_at(room, _WORDS, np.uint64),
            array_at(room, _FOUND, np.int64),
            array_at(room, _PEAKS, np.float32),
            array_at(room, _KEPT, np.float32),
        ),
        min(k, len(norms)),
        floors,
        most,
    )
    sort_down(scores, rows)
    found = len(rows)
    if found > k:
        least = scores[k - 1] / most * (1.0 - 1e-12)
        while scores[found - 1] < least:
            found -= 1
    return rows[:found], scores[:found]
