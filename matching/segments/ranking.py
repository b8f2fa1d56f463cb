"""A query against the collection as it is at one moment: its weights, the k best rows, and who they are."""

import threading
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.segments.adding import Postings
from matching.segments.answering import BETWEEN, Placed, answer, placed_part, placed_room
from matching.segments.asking import weighed
from matching.segments.bounds import Lengths, Open
from matching.segments.codec import DAMP, compared
from matching.segments.files import frozen
from matching.segments.kernels import Room, room_for, search
from matching.segments.planning import Questions
from matching.segments.scoring import Asked, Documents, hashed, score_rows
from matching.segments.segment import BLOCK, Segment, key_bytes
from matching.segments.statistics import MARK, Weighing
from matching.segments.vocabulary import packed
from matching.style import Style
from matching.weighting import NEAREST, Collection, Question, told_apart, weigh

Floats = NDArray[np.float64]
I64 = NDArray[np.int64]
Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
Flags = NDArray[np.uint8]

FEW: Final = 0.004
"""Below this share of a segment's rows, the admitted ones are scored one by one instead of reading postings."""


@dataclass(frozen=True)
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

    @cached_property
    def everybody(self) -> bool:
        """Whether all its rows are alive."""
        return self.alive is self.segment.everyone

    @cached_property
    def placed(self) -> Placed:
        """As ``answering`` takes it."""
        return placed_part(self.segment, self.weighing, self.present)

    @cached_property
    def read(self) -> tuple[Documents, Postings, Lengths]:
        """As the kernels take it."""
        segment, weighing = self.segment, self.weighing
        return (
            Documents(segment.forward, segment.forward_start, weighing.norms),
            Postings(segment.run_first, segment.runs, segment.ids),
            Lengths(weighing.low_norms, weighing.unit, weighing.parts, weighing.least_norms),
        )


class Found(NamedTuple):
    """Rows of a view with their scores, best first, the lower key first among equals."""

    rows: Rows
    scores: Floats


@dataclass(frozen=True)
class View:
    """The collection at one moment. Never changes; any number of threads may ask it at once.

    Rows are numbered part after part, the dead included. ``collection``: the numbers in force, which may be those of the
    last publication; ``len`` counts who is alive.
    """

    parts: Sequence[Part]
    collection: Collection

    @classmethod
    def of(cls, parts: Sequence[Part], collection: Collection) -> "View":
        firsts = accumulate(map(len, parts), initial=0)
        return cls(
            [Part(p.segment, p.weighing, p.alive, first, p.present) for p, first in zip(parts, firsts, strict=False)],
            collection,
        )

    @cached_property
    def rows(self) -> int:
        """How many rows there are, the dead included: the length of a mask."""
        return sum(map(len, self.parts))

    @cached_property
    def _placed(self) -> I64:
        """Where all parts are, a row each."""
        return np.array([part.placed.addresses for part in self.parts] or np.zeros((0, 0)), np.int64)

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
        return self.key_bytes_of(row).decode("utf-8", "surrogatepass")

    def place(self, row: int) -> int:
        """Which part a row is in."""
        return next(n for n in range(len(self.parts) - 1, -1, -1) if self.parts[n].first <= row)

    def ask(
        self,
        counts: Mapping[str, int],
        *,
        through: Container[str] = (),
        lowered: Mapping[str, float] = MappingProxyType({}),
        style: Style = "request",
    ) -> Question:
        """Weigh a query: term → how often. What nobody has is left out of it and of its length.
        ``through``: the terms that only synonyms ask for; ``lowered``: the factors of misleading ones. A report is asked
        for the first time here."""
        terms = sorted(counts)
        while terms and terms[0][:1] == MARK:  # which sorts before all others
            del terms[0]
        question = self._weighed(terms, counts, through, lowered, style)
        if style != "report":
            return question
        nearest = self.best(question, NEAREST).rows
        return told_apart(question, self._held(question, nearest), len(nearest), self.collection.settings)

    def _weighed(
        self,
        terms: Sequence[str],
        counts: Mapping[str, int],
        through: Container[str],
        lowered: Mapping[str, float],
        style: Style,
    ) -> Question:
        n = len(terms)
        tf = np.fromiter(map(counts.__getitem__, terms), np.int32, n)
        together = BETWEEN.join(terms)
        if together.count(BETWEEN) != max(n - 1, 0):  # one has it inside
            asked = packed(terms)
            numbers = [part.segment.vocabulary.numbers(asked) for part in self.parts]
            counts = dict(zip(terms, tf.tolist(), strict=True))
            totals = self.totals(numbers, n)
            return weigh(counts, numbers, *totals, self.collection, through=through, lowered=lowered, style=style)
        content = np.frombuffer(together.encode("utf-8", "surrogatepass"), np.uint8)
        return weighed(terms, content, tf, self._placed, self.collection, through=through, lowered=lowered, style=style)

    def _held(self, question: Question, rows: Rows) -> I64:
        """How many of some rows have each of the question's terms."""
        held = np.zeros(len(question.terms), np.int64)
        for row in rows.tolist():
            place = self.place(row)
            part = self.parts[place]
            segment = part.segment
            matched, *_ = compared(segment.forward, segment.forward_start, row - part.first, question.numbers[place], 0)
            held[matched] += 1
        return held

    def totals(self, numbers: Sequence[NDArray[np.int32]], n: int) -> tuple[I64, I64, Mask]:
        """df and cf of n terms, and whether anybody has them. ``numbers``: where they are in each part's vocabulary."""
        df, cf, there = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.bool_)
        for part, number in zip(self.parts, numbers, strict=True):
            has = number >= 0
            df[has], cf[has] = part.weighing.df[number[has]], part.weighing.cf[number[has]]
            if part.present is not None:
                there[has] |= part.present[number[has]]
        return df, cf, there | (df > 0)

    def best(self, question: Question, k: int, *, admitted: Mask | None = None) -> Found:
        """The k rows with the highest scores above 0, among those that are alive and admitted; exact."""
        near = self.near(question, k, admitted=admitted)
        return near if len(near.rows) <= k else Found(near.rows[:k], near.scores[:k])

    def near(self, question: Question, k: int, *, most: float = 1.0, admitted: Mask | None = None) -> Found:
        """All rows that could still be among the k best if every score were raised by a factor from 1 to ``most``.

        ``admitted``: shape (``rows``,). ValueError when k < 1 or most < 1.
        """
        if k < 1 or most < 1:
            raise ValueError("k and most must be at least 1")
        if len(self.parts) == 1:
            return Found(*_near(self.parts[0], question, question.numbers[0], k, 0.0, most, admitted))
        found: list[tuple[Rows, Floats]] = [(np.zeros(0, np.int64), np.zeros(0))]
        floor = 0.0
        for part, numbers in zip(self.parts, question.numbers, strict=True):
            some = None if admitted is None else admitted[part.first : part.first + len(part)]
            rows, scores = _near(part, question, numbers, k, floor, most, some)
            found.append((rows + part.first, scores))
            floor = max(floor, _kth([scores for _, scores in found], k))
        rows, scores = (np.concatenate(each) for each in zip(*found, strict=True))
        return self._merged(rows, scores, k, most)

    def _merged(self, rows: Rows, scores: Floats, k: int, most: float) -> Found:
        """Of several parts, in each of which the order of rows is that of keys, but not in all together."""
        order = np.argsort(-scores, kind="stable")
        rows, scores = _cut(rows[order], scores[order], k, most)
        told = scores.tolist()
        keyed = sorted(range(len(told)), key=lambda i: (-told[i], self.key_bytes_of(int(rows[i]))))
        return Found(rows[keyed], scores[keyed])

    def key_bytes_of(self, row: int) -> bytes:
        part = self.parts[self.place(row)]
        return bytes(part.segment.keys[row - part.first])

    def scores(self, question: Question, rows: Rows) -> Floats:
        """The exact scores of some rows, alive or not."""
        scores = np.zeros(len(rows))
        for part, numbers in zip(self.parts, question.numbers, strict=True):
            here = (rows >= part.first) & (rows < part.first + len(part))
            scores[here] = _scores(part, question, numbers, rows[here] - part.first)
        return scores


class _Rooms(threading.local):
    """A room for each thread."""

    def __init__(self) -> None:
        self.placed = placed_room(room_for(BLOCK))


_rooms = _Rooms()


def _kth(scores: Sequence[Floats], k: int) -> float:
    together = np.concatenate(scores)
    return float(np.partition(together, len(together) - k)[len(together) - k]) if len(together) >= k else 0.0


def _cut(rows: Rows, scores: Floats, k: int, most: float) -> tuple[Rows, Floats]:
    """Without those, of rows with the best first, that no factor up to ``most`` lifts to the k-th."""
    if len(rows) <= k:
        return rows, scores
    n = len(rows) - int(np.searchsorted(scores[::-1], scores[k - 1] / most * (1 - 1e-12)))
    return rows[:n], scores[:n]


def _present(numbers: NDArray[np.int32]) -> NDArray[np.intp]:
    """The query's terms that a part has, in the order of their numbers there, which is theirs here."""
    return np.flatnonzero(numbers >= 0)


def documents_of(part: Part) -> Documents:
    return part.read[0]


def found_by(
    questions: Questions, part: Part, alive: Flags, every: bool, room: Room, k: int, floors: Floats, most: float
) -> tuple[Rows, Rows, Floats]:
    """``kernels.search`` in a part, among those who are ``alive``; ``every``: whether all are."""
    documents, postings, lengths = part.read
    open_ = Open(frozen(alive), every)
    starts, rows, scores = search(
        questions, documents, postings, lengths, open_, DAMP, room, min(k, len(part)), floors, most
    )
    return starts, rows, scores


def _scores(part: Part, question: Question, numbers: NDArray[np.int32], rows: Rows) -> Floats:
    has = _present(numbers)
    terms, lone = numbers[has], question.lone[has].view(np.uint8)
    asked = Asked(terms, question.weights[has], question.idf[has], lone, question.pivot, DAMP, hashed(terms))
    return score_rows(np.ascontiguousarray(rows, np.int64), documents_of(part), asked)


def _near(
    part: Part,
    question: Question,
    numbers: NDArray[np.int32],
    k: int,
    floor: float,
    most: float,
    some: Mask | None,
) -> tuple[Rows, Floats]:
    alive, every = part.alive, part.everybody
    if some is not None:
        alive, every = (alive & some), False
        count = int(np.count_nonzero(alive))
        if count <= FEW * len(part) + k:
            rows = np.flatnonzero(alive)
            scores = _scores(part, question, numbers, rows)
            rows, scores = rows[scores > 0], scores[scores > 0]
            order = np.lexsort((rows, -scores))
            return _cut(rows[order], scores[order], k, most)
    found, its_scores = answer(
        part.placed.addresses,
        _rooms.placed.addresses,
        frozen(alive),
        every,
        numbers,
        question.told,
        question.df,
        question.lone,
        question.pivot,
        k,
        floor,
        most,
    )
    return found, its_scores
