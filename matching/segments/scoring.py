"""Exact scores, document by document, and a heap for the best of them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.segments.codec import GAP_BITS, GAP_MASK, GOES_ON, TF_ELSEWHERE, TF_WIDE, damped
from matching.segments.compiling import compiled, lean, prefetch, whole

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
U32 = NDArray[np.uint32]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

_DECIMALS = 1e12  # 10 ** tfidf.DECIMALS


class Documents(NamedTuple):
    """A segment's documents (``codec``) and |d| of each."""

    forward: U16
    forward_start: U32
    norms: F64


class Asked(NamedTuple):
    """A query's terms by their numbers in a segment, ascending: ``weighting.Question`` has the other words.

    ``lone``: 1 for a single character. ``damp``: ``codec.DAMP``. ``table`` finds a term's place among them.
    """

    terms: I32
    weights: F64
    idf: F64
    lone: U8
    pivot: float
    damp: F64
    table: "Table"


class Table(NamedTuple):
    """Open addresses that say of a term number whether and where it is among a query's terms.

    ``sieve``, by the lower bits of a number, is 1 wherever a term could be: most of a document's terms end there, without
    a branch that the machine could guess wrong. ``met`` and ``times``: room for those that pass.
    """

    slot_term: I32
    slot_place: I32
    sieve: U8
    met: I64
    times: I64


_SIEVE = 4096
_MET = 256
_NOT_PLAIN = TF_ELSEWHERE << GAP_BITS
"""A word from here on says less than all of its term: the gap goes on, or the tf is elsewhere."""


@compiled
def hashed(terms: I32) -> Table:
    """The table of a query's terms."""
    size = 16
    while size < 4 * len(terms):
        size *= 2
    slot_term = np.full(size, -1, np.int32)
    slot_place = np.zeros(size, np.int32)
    sieve = np.zeros(_SIEVE if len(terms) <= 256 else 4 * _SIEVE, np.uint8)
    for place in range(len(terms)):
        at = terms[place] & (size - 1)
        while slot_term[at] >= 0:
            at = (at + 1) & (size - 1)
        slot_term[at] = terms[place]
        slot_place[at] = place
        sieve[terms[place] & (len(sieve) - 1)] = 1
    return Table(slot_term, slot_place, sieve, np.empty(_MET, np.int64), np.empty(_MET, np.int64))


@lean
def exact(row: int, documents: Documents, asked: Asked) -> float:
    """The score, with the operations of ``weighting`` in their order."""
    forward, slot_term, slot_place = documents.forward, asked.table.slot_term, asked.table.slot_place
    sieve, met, times = asked.table.sieve, asked.table.met, asked.table.times
    mask, sieved = whole(len(slot_term) - 1), whole(len(sieve) - 1)
    at = whole(documents.forward_start[row])
    end = whole(documents.forward_start[row + 1])
    term = whole(-1)
    spoken = single = 0.0
    while at < end:
        n = whole(0)
        while at < end and n < _MET:
            word = whole(forward[at])
            at += 1
            term += word & GAP_MASK
            count = ((word >> GAP_BITS) & 3) + 1
            if word >= _NOT_PLAIN:
                if word & GOES_ON:
                    term += whole(forward[at]) << GAP_BITS
                    at += 1
                if count > TF_ELSEWHERE:
                    count = whole(forward[at])
                    at += 1
                    if count == TF_WIDE:
                        count = whole(forward[at]) | (whole(forward[at + 1]) << 16)
                        at += 2
            met[n], times[n] = term, count
            n += whole(sieve[term & sieved])
        for m in range(n):
            slot = met[m] & mask
            while slot_term[slot] >= 0:
                if slot_term[slot] == met[m]:
                    place = slot_place[slot]
                    part = damped(times[m], asked.damp) * asked.idf[place] * asked.weights[place]
                    if asked.lone[place]:
                        single += part
                    else:
                        spoken += part
                    break
                slot = (slot + 1) & mask
    if spoken <= 0.0:
        return 0.0
    score = (spoken + single) / (documents.norms[row] + asked.pivot)
    rounded: float = np.rint(score * _DECIMALS) / _DECIMALS
    return rounded


@lean
def summon(rows: I64, documents: Documents) -> None:
    """Have rows brought near that will be scored soon: far memory is slow, but many reads of it go on at once."""
    for i in range(len(rows)):
        prefetch(documents.forward_start, rows[i])
        prefetch(documents.norms, rows[i])
    for i in range(len(rows)):
        start = whole(documents.forward_start[rows[i]])
        prefetch(documents.forward, start)
        prefetch(documents.forward, start + 32)
        prefetch(documents.forward, start + 64)


@compiled
def score_rows(rows: I64, documents: Documents, asked: Asked) -> F64:
    """The exact scores of some rows."""
    scores = np.empty(len(rows))
    some = 16
    for begin in range(0, len(rows), some):
        summon(rows[begin : begin + some], documents)
        for i in range(begin, min(begin + some, len(rows))):
            scores[i] = exact(rows[i], documents, asked)
    return scores


@lean
def push(scores: F64, rows: I64, held: int, score: float, row: int) -> int:
    """A heap with its least on top; full, it takes what is better and drops the least. Answers how many it holds."""
    if held < len(scores):
        at = held
        held += 1
        while at > 0 and scores[(at - 1) // 2] > score:
            scores[at], rows[at] = scores[(at - 1) // 2], rows[(at - 1) // 2]
            at = (at - 1) // 2
    else:
        if score <= scores[0]:
            return held
        at = 0
        while True:
            child = 2 * at + 1
            if child >= held:
                break
            if child + 1 < held and scores[child + 1] < scores[child]:
                child += 1
            if scores[child] >= score:
                break
            scores[at], rows[at] = scores[child], rows[child]
            at = child
    scores[at], rows[at] = score, row
    return held
