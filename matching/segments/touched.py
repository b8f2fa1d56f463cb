"""Where a block has few postings so far: look at the rows that they name instead of at all rows."""

import numpy as np
from numpy.typing import NDArray

from matching.segments.bounds import Lengths, Open
from matching.segments.compiling import compiled, whole

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U16 = NDArray[np.uint16]
U32 = NDArray[np.uint32]


@compiled
def sift(
    sums: F32,
    lo: int,
    runs: U32,
    ids: U16,
    added: I32,
    begin: I64,
    end: I64,
    lengths: Lengths,
    open_: Open,
    by: F32,
    active: I64,
    least: float,
    unread: float,
    found: I64,
    limit: int,
) -> int:
    """Into ``found`` what ``bounds.scan`` finds, for a bar that no row without a sum can reach: |q| of what was not read,
    ``unread``, is below ``least``.

    ``added``: the terms whose runs from ``begin`` to ``end`` make up the sums. Answers how many there are, and makes
    their sums negative; gives up beyond ``limit``, and leaves the sums as they were.
    """
    n = 0
    bar = np.float32(least * lengths.unit)
    lowest = np.float32((least - unread) * lengths.unit)
    for j in added:
        for run in range(begin[j], end[j]):
            start = whole(runs[run, 1])
            for i in range(start, start + whole(runs[run, 2])):
                total = sums[ids[i]]
                row = lo + whole(ids[i])
                low = np.float32(lengths.low_norms[row])
                if total <= np.float32(0.0) or total < lowest * low:
                    continue
                bound = bar
                for c in active:
                    bound -= by[c] * np.float32(lengths.parts[c, row])
                if total >= bound * low and open_.rows[row]:
                    if n == limit:
                        for f in range(n):
                            sums[found[f] - lo] = -sums[found[f] - lo]
                        return limit + 1
                    found[n] = row
                    n += 1
                    sums[ids[i]] = -total
    return n


@compiled
def wipe(sums: F32, runs: U32, ids: U16, added: I32, begin: I64, end: I64) -> None:
    """Sums of 0 again, where these runs have been."""
    for j in added:
        for run in range(begin[j], end[j]):
            start = whole(runs[run, 1])
            for i in range(start, start + whole(runs[run, 2])):
                sums[ids[i]] = np.float32(0.0)
