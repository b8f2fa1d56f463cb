"""Into which slots: fewer idle slots and fewer changes of table, with the same meetings.

Annealing over exchanges of two slots (``kernels.exchanging``). Floor and value stay what they are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.timetable.board import Board
from matching.timetable.kernels.exchanging import CHAIN, anneal
from matching.timetable.kernels.linking import Given, Held, Scratch, costs
from matching.timetable.model import Seating

AT_ONCE: Final = 8_192
"""Tries between two looks at the clock and at what was reached."""

AWAY: Final = 4_000.0
"""Costs for which a published meeting may be moved: none of them are worth it."""


@dataclass(frozen=True, slots=True)
class Round:
    """Tries per meeting, what an idle slot costs (a change of table costs 1), and the heat at first and in the end."""

    tries: int
    idle: float
    hot: float
    cold: float


QUICK: Final = Round(300, 4.0, 2.0, 0.2)
"""Idle slots go first, so that little time does for them; and what there is when time ends early is good."""

THOROUGH: Final = Round(3_000, 3.0, 0.6, 0.06)

FEWEST: Final = 4_000
"""Tries at least."""


def idle_slots(board: Board) -> list[int]:
    """Slots in which each person waits, though they could meet, between two meetings of one session."""
    out = []
    for row, free in zip(board.who, board.model.free, strict=True):
        idle = gap = 0
        session = -1
        for slot, edge in enumerate(row):
            if edge >= 0:
                idle += gap if board.model.session[slot] == session else 0
                session, gap = board.model.session[slot], 0
            else:
                gap += free[slot]
        out.append(idle)
    return out


def moved(board: Board) -> int:
    """Published meetings that are not where they were, or not at all."""
    kept = sum(board.at.get(edge) == seating for edge, (seating, _) in board.model.before.items())
    return len(board.model.before) - kept


def smooth(board: Board, rng: Random, on: Callable[[], bool], plan: Round, *, enough: int = 0) -> None:
    """Anneal while ``on``. Ends with the best that was met, never worse than before.

    The best: with the fewest published meetings moved, then idle slots, then changes of table. It ends early when nothing
    moved, nobody waits, and tables change no more often than ``enough``, which nobody can do better.
    """
    if not board.at:
        return
    work = annealing(board, rng)
    best, kept = work.standing(), work.copy()
    steps = max(FEWEST, plan.tries * len(board.at))
    for begin in range(0, steps, AT_ONCE):
        if best <= (0, 0, enough) or not on():
            break
        work.go(plan, begin, min(steps, begin + AT_ONCE), steps)
        if (now := work.standing()) < best:
            best, kept = now, work.copy()
    work.give(board, kept)


@dataclass(slots=True)
class Annealing:
    """The board in arrays, for the kernels."""

    order: list[int]
    given: Given
    held: Held
    scratch: Scratch

    def standing(self) -> tuple[int, int, int]:
        away, idle, changes = costs(self.given, self.held, self.scratch)
        return int(away), int(idle), int(changes)

    def go(self, plan: Round, begin: int, end: int, steps: int) -> None:
        weights, heats = np.array([AWAY, plan.idle, 1.0]), np.array([plan.hot, plan.cold])
        anneal(self.given, self.held, self.scratch, weights, heats, begin, end, steps)

    def copy(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return self.held.slot.copy(), self.held.people.copy()

    def give(self, board: Board, kept: tuple[NDArray[np.int64], NDArray[np.int64]]) -> None:
        slots, people = kept[0].tolist(), kept[1].tolist()
        board.restore({edge: Seating(slot, *both) for edge, slot, both in zip(self.order, slots, people, strict=True)})


def annealing(board: Board, rng: Random) -> Annealing:
    order = sorted(board.at)
    number = {edge: place for place, edge in enumerate(order)}
    given = _given(board, order, number)
    held = _held(board, order, number)
    meetings, (people, slots) = len(order), held.who.shape

    def zeros(*shape: int) -> NDArray[np.int64]:
        return np.zeros(shape, np.int64)

    scratch = Scratch(
        chain=zeros(CHAIN),
        target=zeros(CHAIN),
        to=zeros(CHAIN, 2),
        was=zeros(CHAIN, 3),
        stamp=zeros(2),
        seen=zeros(2 * meetings),
        near=zeros(meetings),
        stack=zeros(2 * meetings),
        persons=zeros(people, slots),
        random=np.array([rng.getrandbits(64)], np.uint64),
    )
    return Annealing(order, given, held, scratch)


def _given(board: Board, order: list[int], number: dict[int, int]) -> Given:
    model = board.model
    session = np.array(model.session)
    home = np.full((len(order), 4), -1)
    for edge, (seating, table) in (model.before | model.fixed).items():
        if edge in number:
            home[number[edge]] = (*seating, table)
    pairs = [list(dict.fromkeys(each[1:] for each in model.edges[edge].seatings)) for edge in order]
    return Given(
        free=np.array(model.free),
        begins=np.searchsorted(session, session, "left"),
        ends=np.searchsorted(session, session, "right"),
        room=np.array(model.capacity()),
        open=np.array(model.open),
        length=np.array([model.edges[edge].length for edge in order]),
        place=np.array([model.edges[edge].place for edge in order]),
        fixed=np.array([edge in model.fixed for edge in order]),
        home=home,
        homes=np.array([number[edge] for edge in model.before if edge in number], np.int64),
        pairs_from=np.cumsum([0, *map(len, pairs)]),
        pairs=np.array([pair for each in pairs for pair in each]),
        most=np.array(model.person_most),
    )


def _held(board: Board, order: list[int], number: dict[int, int]) -> Held:
    model = board.model

    def numbered(rows: list[list[int]]) -> NDArray[np.int64]:
        return np.array([[number.get(edge, -1) for edge in row] for row in rows])

    pooled = np.full((model.slots, max(1, *board.room)), -1)
    at = np.zeros(len(order), np.int64)
    for slot, edges in enumerate(board.pooled):
        for place, edge in enumerate(edges):
            pooled[slot, place], at[number[edge]] = number[edge], place
    return Held(
        slot=np.array([board.at[edge].start for edge in order]),
        people=np.array([board.at[edge][1:] for edge in order]),
        who=numbered(board.who),
        holds=numbered(board.place),
        pooled=pooled,
        count=np.array([len(edges) for edges in board.pooled]),
        at=at,
        sat=np.array(board.person_count),
    )
