"""Many queries at once that are records themselves: each asks another collection for its best, without Python between."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.segments.bounds import Lengths, Open
from matching.segments.codec import DAMP, decode
from matching.segments.compiling import compiled
from matching.segments.files import frozen
from matching.segments.kernels import Postings, Room, room_for, search
from matching.segments.ranking import Part, View
from matching.segments.scoring import Asked, Documents, hashed
from matching.segments.statistics import classes_of, idf_of

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

NOBODY: Final = -1
"""Stands where a record found fewer than k."""


@dataclass(frozen=True, slots=True)
class Answers:
    """For each asking row the rows it found and their scores, best first, the lower key first among equals; behind the
    last ``NOBODY`` and 0. Shape (asked, k)."""

    rows: I64
    scores: F64


@compiled
def _insert(rows: I64, scores: F64, held: int, row: int, score: float) -> int:
    """Into k places in order; answers how many are taken."""
    if held == len(rows):
        last = held - 1
        if score < scores[last] or (score == scores[last] and row > rows[last]):
            return held
        at = last
    else:
        at = held
        held += 1
    while at > 0 and (scores[at - 1] < score or (scores[at - 1] == score and rows[at - 1] > row)):
        rows[at], scores[at] = rows[at - 1], scores[at - 1]
        at -= 1
    rows[at], scores[at] = row, score
    return held


@compiled
def _ask_all(
    starts: I64,
    ids: I32,
    tf: I32,
    numbers: I32,
    idf: F64,
    classes: NDArray[np.int8],
    damp: F64,
    df: NDArray[np.uint32],
    documents: Documents,
    postings: Postings,
    lengths: Lengths,
    open_: Open,
    room: Room,
    floors: F64,
    rows: I64,
    scores: F64,
) -> None:
    """``idf``: of each asking term, 0 for one that nobody answers to; ``numbers``: where it is in this part, or -1."""
    for i in range(len(starts) - 1):
        begin, end = starts[i], starts[i + 1]
        raw = np.empty(end - begin)
        squared = 0.0
        n = 0
        for j in range(begin, end):
            count = tf[j]
            raw[j - begin] = (damp[count] if count < len(damp) else 1.0 + math.log(count)) * idf[ids[j]]
            squared += raw[j - begin] * raw[j - begin]
            if numbers[ids[j]] >= 0 and idf[ids[j]] > 0.0:
                n += 1
        if n == 0:
            continue
        norm = math.sqrt(squared)
        terms, weights, idf_here = np.empty(n, np.int32), np.empty(n), np.empty(n)
        classes_here, df_here = np.empty(n, np.int8), np.empty(n, np.uint32)
        n = 0
        for j in range(begin, end):
            term = ids[j]
            if numbers[term] >= 0 and idf[term] > 0.0:
                terms[n], weights[n], idf_here[n] = numbers[term], raw[j - begin] / norm, idf[term]
                classes_here[n], df_here[n] = classes[term], df[numbers[term]]
                n += 1
        slot_term, slot_place = hashed(terms)
        asked = Asked(terms, weights, idf_here, damp, slot_term, slot_place)
        k = min(rows.shape[1], len(documents.norms))
        found, their = search(
            documents, postings, lengths, open_, asked, classes_here, df_here, room, k, floors[i], 1.0
        )
        held = 0
        for f in range(len(found)):
            held = _insert(rows[i], scores[i], held, found[f], their[f])


class Asking:
    """The records of one collection as queries to another. Both stay as they are; any number of threads may share it."""

    def __init__(self, asking: View, answering: View) -> None:
        self.asking = asking
        self.answering = answering
        self._links = [self._linked(part) for part in asking.parts]

    def _linked(self, part: Part) -> tuple[list[I32], F64, NDArray[np.int8]]:
        """A part's terms: where they are in each answering part, their idf there, and their class of commonness."""
        every = part.segment.vocabulary.all()
        numbers = [other.segment.vocabulary.numbers(every) for other in self.answering.parts]
        df = np.zeros(len(part.segment.vocabulary), np.int64)
        there = np.zeros(len(df), np.bool_)
        for other, number in zip(self.answering.parts, numbers, strict=True):
            has = number >= 0
            df[has] = other.weighing.df[number[has]]
            if other.present is not None:
                there[has] |= other.present[number[has]]
        there |= df > 0
        documents = self.answering.documents
        return numbers, np.where(there, idf_of(df, documents), 0.0), classes_of(df, documents)

    def best(self, rows: range, k: int) -> Answers:
        """What some rows of the asking view find: for each the same as ``View.best``. The dead find nobody.

        Holds no lock of the interpreter while it computes. ValueError when k < 1.
        """
        if k < 1:
            raise ValueError("k must be at least 1")
        out = Answers(np.full((len(rows), k), NOBODY, np.int64), np.zeros((len(rows), k)))
        for part, link in zip(self.asking.parts, self._links, strict=True):
            first, last = max(rows.start, part.first), min(rows.stop, part.first + len(part))
            if first < last:
                here = slice(first - rows.start, last - rows.start)
                self._ask(part, link, np.arange(first, last) - part.first, out.rows[here], out.scores[here])
        return out

    def _ask(
        self, part: Part, link: tuple[list[I32], F64, NDArray[np.int8]], rows: I64, found: I64, scores: F64
    ) -> None:
        living = np.flatnonzero(part.alive[rows])
        starts, ids, tf = decode(part.segment.forward, part.segment.forward_start, rows[living])
        numbers, idf, classes = link
        k = found.shape[1]
        best_rows, best_scores = np.full((len(living), k), NOBODY, np.int64), np.zeros((len(living), k))
        for answering, number in zip(self.answering.parts, numbers, strict=True):
            if not len(answering):
                continue
            its_rows, its_scores = np.full((len(living), k), NOBODY, np.int64), np.zeros((len(living), k))
            segment, weighing = answering.segment, answering.weighing
            _ask_all(
                starts,
                ids,
                tf,
                number,
                idf,
                classes,
                DAMP,
                segment.df,
                Documents(segment.forward, segment.forward_start, weighing.norms),
                Postings(segment.run_first, segment.runs, segment.ids),
                Lengths(weighing.low_norms, weighing.unit, weighing.parts),
                Open(frozen(answering.alive), answering.alive is segment.everyone),
                room_for(len(answering)),
                np.ascontiguousarray(best_scores[:, -1]),
                its_rows,
                its_scores,
            )
            its_rows[its_rows != NOBODY] += answering.first
            if answering.first == 0:
                best_rows, best_scores = its_rows, its_scores
            else:
                self._merge(best_rows, best_scores, its_rows, its_scores)
        found[living], scores[living] = best_rows, best_scores

    def _merge(self, rows: I64, scores: F64, other_rows: I64, other_scores: F64) -> None:
        """Into the first two the best of both, row by row."""
        k = rows.shape[1]
        for i in np.flatnonzero(other_rows[:, 0] != NOBODY).tolist():
            both = np.concatenate([rows[i], other_rows[i]])
            theirs = np.concatenate([scores[i], other_scores[i]])
            held = np.flatnonzero(both != NOBODY).tolist()
            order = sorted(held, key=lambda j: (-theirs[j], self.answering.key_bytes_of(int(both[j]))))[:k]
            rows[i, : len(order)], scores[i, : len(order)] = both[order], theirs[order]
