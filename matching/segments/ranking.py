"""A query against the collection as it is at one moment: its weights, the k best rows, and who they are."""

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.segments.bounds import Lengths, Open
from matching.segments.codec import DAMP
from matching.segments.files import frozen
from matching.segments.kernels import BLOCK, Postings, Room, room_for, search
from matching.segments.scoring import Asked, Documents, hashed, score_rows
from matching.segments.segment import Segment, key_bytes
from matching.segments.statistics import Weighing, classes_of, idf_of
from matching.segments.vocabulary import packed
from matching.tfidf import damped

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
Flags = NDArray[np.uint8]

FEW: Final = 0.004
"""Below this share of a segment's rows, the admitted ones are scored one by one instead of reading postings."""


@dataclass(frozen=True, slots=True)
class Part:
    """A segment as one view has it. ``alive``: 0 or 1 by row. ``young``: came after the collection was counted;
    ``present`` says then which of its terms a living record has."""

    segment: Segment
    weighing: Weighing
    alive: Flags
    first: int = 0
    present: Mask | None = None

    def __len__(self) -> int:
        return len(self.segment)


@dataclass(frozen=True, slots=True)
class Question:
    """A query as a unit vector over the terms that somebody has, in the order of the terms.

    ``numbers``: for each part where these terms are in its vocabulary, -1 for nowhere. ``norm``: |q| before division.
    ``known``: the share of its squared weight that these terms hold; the rest lies in terms that nobody has.
    """

    terms: tuple[str, ...]
    counts: NDArray[np.int32]
    df: NDArray[np.int64]
    idf: Floats
    weights: Floats
    norm: float
    known: float
    numbers: tuple[NDArray[np.int32], ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of a view with their scores, best first, the lower key first among equals."""

    rows: Rows
    scores: Floats


@dataclass(frozen=True)
class View:
    """The collection at one moment. Never changes; any number of threads may ask it at once.

    Rows are numbered part after part, the dead included. ``documents``: n of the numbers in force, which may be those of
    the last publication; ``len`` counts who is alive.
    """

    parts: Sequence[Part]
    documents: int
    _size: int = field(default=-1)

    @classmethod
    def of(cls, parts: Sequence[Part], documents: int) -> "View":
        firsts = accumulate(map(len, parts), initial=0)
        return cls(
            [Part(p.segment, p.weighing, p.alive, first, p.present) for p, first in zip(parts, firsts, strict=False)],
            documents,
        )

    @cached_property
    def rows(self) -> int:
        """How many rows there are, the dead included: the length of a mask."""
        return sum(map(len, self.parts))

    @cached_property
    def _living(self) -> int:
        return sum(int(np.count_nonzero(part.alive)) for part in self.parts)

    def __len__(self) -> int:
        return self._living

    def __contains__(self, key: str) -> bool:
        return self.row(key) >= 0

    def row(self, key: str) -> int:
        """The living record's row, -1 when there is none."""
        content = key_bytes(key)
        for part in self.parts:
            row = part.segment.row(content)
            if row >= 0 and part.alive[row]:
                return part.first + row
        return -1

    def key(self, row: int) -> str:
        part = self._part(row)
        return bytes(part.segment.keys[row - part.first]).decode("utf-8", "surrogatepass")

    def _part(self, row: int) -> Part:
        return next(part for part in reversed(self.parts) if part.first <= row)

    def ask(self, counts: Mapping[str, int]) -> Question:
        """Weigh a query: term → how often. What nobody has is left out of it and of its length."""
        terms = sorted(counts)
        asked = packed(terms)
        numbers = [part.segment.vocabulary.numbers(asked) for part in self.parts]
        df = np.zeros(len(terms), np.int64)
        there = np.zeros(len(terms), np.bool_)
        for part, number in zip(self.parts, numbers, strict=True):
            has = number >= 0
            df[has] = part.weighing.df[number[has]]
            if part.present is not None:
                there[has] |= part.present[number[has]]
        there |= df > 0
        tf = np.fromiter((counts[term] for term in terms), np.int32, len(terms))
        idf = idf_of(df, self.documents)
        raw = damped(tf) * idf
        squared = sum((raw[there] ** 2).tolist())
        lost = sum((damped(tf[~there]) ** 2).tolist()) * (math.log(1 + self.documents) + 1) ** 2
        norm = math.sqrt(squared) or 1.0
        return Question(
            terms=tuple(term for term, has in zip(terms, there.tolist(), strict=True) if has),
            counts=tf[there],
            df=df[there],
            idf=idf[there],
            weights=raw[there] / norm,
            norm=norm,
            known=squared / ((squared + lost) or 1.0),
            numbers=tuple(number[there] for number in numbers),
        )

    def best(self, question: Question, k: int, *, admitted: Mask | None = None) -> Found:
        """The k rows with the highest scores above 0, among those that are alive and admitted; exact."""
        near = self.near(question, k, admitted=admitted)
        return Found(near.rows[:k], near.scores[:k])

    def near(self, question: Question, k: int, *, most: float = 1.0, admitted: Mask | None = None) -> Found:
        """All rows that could still be among the k best if every score were raised by a factor from 1 to ``most``.

        ``admitted``: shape (``rows``,). ValueError when k < 1 or most < 1.
        """
        if k < 1 or most < 1:
            raise ValueError("k and most must be at least 1")
        rows: list[Rows] = []
        scores: list[Floats] = []
        floor = 0.0
        for part, numbers in zip(self.parts, question.numbers, strict=True):
            some = None if admitted is None else admitted[part.first : part.first + len(part)]
            found, their = _near(part, question, numbers, k, floor, most, some)
            rows.append(found + part.first)
            scores.append(their)
            floor = max(floor, _kth(scores, k))
        return self._ordered(
            np.concatenate([*rows, np.zeros(0, np.int64)]), np.concatenate([*scores, np.zeros(0)]), floor / most
        )

    def _ordered(self, rows: Rows, scores: Floats, least: float) -> Found:
        keep = scores >= least * (1 - 1e-12)
        rows, scores = rows[keep], scores[keep]
        if len(self.parts) > 1:
            order = np.array(
                sorted(range(len(rows)), key=lambda i: (-scores[i], self.key_bytes_of(int(rows[i])))), np.intp
            )
        else:
            order = np.lexsort((rows, -scores))
        return Found(rows[order], scores[order])

    def key_bytes_of(self, row: int) -> bytes:
        part = self._part(row)
        return bytes(part.segment.keys[row - part.first])

    def scores(self, question: Question, rows: Rows) -> Floats:
        """The exact scores of some rows, alive or not."""
        scores = np.zeros(len(rows))
        for part, numbers in zip(self.parts, question.numbers, strict=True):
            here = (rows >= part.first) & (rows < part.first + len(part))
            scores[here] = _scores(part, question, numbers, rows[here] - part.first)
        return scores


_rooms = threading.local()


def _room() -> Room:
    """The room of this thread."""
    found: Room | None = getattr(_rooms, "room", None)
    if found is None:
        found = _rooms.room = room_for(BLOCK)
    return found


def _kth(scores: Sequence[Floats], k: int) -> float:
    together = np.concatenate(scores)
    return float(np.partition(together, len(together) - k)[len(together) - k]) if len(together) >= k else 0.0


def _present(numbers: NDArray[np.int32]) -> NDArray[np.intp]:
    """The query's terms that a part has, in the order of their numbers there, which is theirs here."""
    return np.flatnonzero(numbers >= 0)


def _documents(part: Part) -> Documents:
    return Documents(part.segment.forward, part.segment.forward_start, part.weighing.norms)


def _asked(question: Question, numbers: NDArray[np.int32], has: NDArray[np.intp]) -> Asked:
    terms = numbers[has]
    return Asked(terms, question.weights[has], question.idf[has], DAMP, *hashed(terms))


def _scores(part: Part, question: Question, numbers: NDArray[np.int32], rows: Rows) -> Floats:
    asked = _asked(question, numbers, _present(numbers))
    return score_rows(np.ascontiguousarray(rows, np.int64), _documents(part), asked)


def _near(
    part: Part,
    question: Question,
    numbers: NDArray[np.int32],
    k: int,
    floor: float,
    most: float,
    some: Mask | None,
) -> tuple[Rows, Floats]:
    has = _present(numbers)
    nothing = np.zeros(0, np.int64), np.zeros(0)
    if not len(has) or not len(part):
        return nothing
    alive = part.alive
    if some is not None:
        alive = alive & some
        count = int(np.count_nonzero(alive))
        if not count:
            return nothing
        if count <= FEW * len(part) + k:
            rows = np.flatnonzero(alive)
            scores = _scores(part, question, numbers, rows)
            return rows[scores > 0], scores[scores > 0]
    segment, weighing = part.segment, part.weighing
    asked = _asked(question, numbers, has)
    rows, scores = search(
        _documents(part),
        Postings(segment.run_first, segment.runs, segment.ids),
        Lengths(weighing.low_norms, weighing.unit, weighing.parts),
        Open(frozen(alive), some is None and alive is segment.everyone),
        asked,
        classes_of(question.df[has], weighing.documents),
        segment.df[asked.terms],
        _room(),
        min(k, len(part)),
        floor,
        most,
    )
    return rows, scores
