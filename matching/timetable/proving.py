"""The levels as far as they are proven, and the exact program that proves the rest of small timetables."""

import math
from dataclasses import dataclass
from typing import Final

from matching.timetable.board import Board
from matching.timetable.model import Model
from matching.timetable.plan import Level, Objective
from matching.timetable.programs import Clock, Found, Terms, ones, whole
from matching.timetable.seating import Tables, changes
from matching.timetable.smoothing import idle_slots, moved
from matching.timetable.whole import Whole, tables_of

SMALL: Final = 4_000
"""Seatings up to which the whole timetable is solved as one program for floor and value, and for idle slots."""

TINY: Final = 2_500
"""Seatings × tables of the pool up to which it is solved for the changes of table as well."""


PATIENCE: Final = (100, 400, 1_600, 6_400)
"""Branches that are tried, one after the other, for idle slots and changes of table."""

SHARE: Final = 0.1
"""The part of all time that each try may take."""


@dataclass(slots=True)
class Bounds:
    """What no timetable passes. Each holds given what the levels before have reached."""

    floor: int
    value: int
    moved: int = 0
    idle: int = 0
    changes: int = 0


def seatings(model: Model) -> int:
    return sum(len(one.seatings) for one in model.edges)


def levels(model: Model, board: Board, tables: Tables, bounds: Bounds) -> tuple[Level, ...]:
    """The bounds beside what was reached. A level of which nothing was published is left out."""
    reached = board.reached()
    found = [
        Level(Objective.FLOOR, reached, max(reached, bounds.floor)),
        Level(Objective.VALUE, board.value(), max(board.value(), bounds.value)),
    ]
    if model.before or model.published > len(model.fixed):
        gone = model.published - len(model.fixed) - len(model.before) + moved(board)
        found.append(Level(Objective.MOVED, gone, min(gone, bounds.moved)))
    idle, walked = sum(idle_slots(board)), sum(changes(model, board, tables))
    return (
        *found,
        Level(Objective.IDLE, idle, min(idle, bounds.idle)),
        Level(Objective.CHANGES, walked, min(walked, bounds.changes)),
    )


class Exact:
    """Level by level on the whole program, each with the ones before held. The board is only ever improved."""

    def __init__(self, board: Board, bounds: Bounds, clock: Clock) -> None:
        self.board, self.bounds, self.clock = board, bounds, clock
        self.whole = Whole(board, range(board.model.slots))

    def floor_and_value(self) -> None:
        whole_, board, bounds = self.whole, self.board, self.bounds
        fixed = sum(board.model.edges[edge].value for edge in whole_.stays)
        if board.reached() < bounds.floor:
            found = self._best(ones(whole_.marks))
            bounds.floor = min(bounds.floor, whole_.reached + whole(found.bound))
            self._take(found)
            # The bound of value was that of a floor which may be out of reach.
            bounds.value = board.model.most_value
        whole_.program.row(ones(whole_.marks), low=board.reached() - whole_.reached)
        if board.value() < bounds.value:
            found = self._best(whole_.worth())
            bounds.value = min(bounds.value, fixed + whole(found.bound))
            self._take(found)
        whole_.program.row(whole_.worth(), low=board.value() - fixed - 0.5)

    def moves(self) -> None:
        model, kept = self.board.model, self.whole.kept()
        if not model.before:
            return
        if moved(self.board):
            found = self._best(kept)
            self._take(found)
            self.bounds.moved = max(self.bounds.moved, model.published - len(model.fixed) - whole(found.bound))
        self.whole.program.row(kept, low=len(model.before) - moved(self.board))

    def idle(self) -> None:
        waits = self.whole.idle()
        if sum(idle_slots(self.board)):
            found = self._patiently(dict.fromkeys(waits, -1.0))
            self._take(found)
            self.bounds.idle = max(0, -whole(found.bound))
        self.whole.program.row(waits, high=sum(idle_slots(self.board)) + 0.5)

    def tables(self, now: Tables) -> Tables:
        chosen, cost = self.whole.tables()
        if sum(changes(self.board.model, self.board, now)) <= self.bounds.changes:
            return now
        self.whole.program.row(cost, low=float(self.bounds.changes))
        found = self._patiently({variable: -weight for variable, weight in cost.items()})
        self.bounds.changes = max(self.bounds.changes, -whole(found.bound))
        if found.chosen is None:
            return now
        before = dict(self.board.at)
        was = sum(changes(self.board.model, self.board, now))
        self.whole.apply(found)
        new = tables_of(found, chosen, self.board)
        if sum(changes(self.board.model, self.board, new)) < was:
            return new
        self.board.restore(before)
        return now

    def _best(self, aim: Terms) -> Found:
        return self.whole.program.best(aim, self.clock)

    def _patiently(self, aim: Terms) -> Found:
        """With more and more branches, as long as more of them find or prove more."""
        best, known = Found(None, math.inf, proven=False), -math.inf
        for nodes in PATIENCE:
            found = self.whole.program.best(aim, self.clock, nodes=nodes, part=SHARE)
            reached = -math.inf
            if found.chosen is not None:
                reached = round(sum(weight * float(found.chosen[each]) for each, weight in aim.items()))
            gained = reached > known or whole(found.bound) < (math.inf if best.bound == math.inf else whole(best.bound))
            chosen = found.chosen if reached > known else best.chosen
            best, known = Found(chosen, min(best.bound, found.bound), found.proven), max(known, reached)
            if found.proven or not gained or not self.clock.on():
                break
        return best

    def _take(self, found: Found) -> None:
        """What was found holds all rows so far, so that it is as good as the board in all levels before."""
        if found.chosen is None:
            return
        before, was = dict(self.board.at), standing(self.board)
        self.whole.apply(found)
        if standing(self.board) <= was:
            self.board.restore(before)


def standing(board: Board) -> tuple[int, int, int, int]:
    """The board by its levels, the larger the better."""
    return board.reached(), board.value(), -moved(board), -sum(idle_slots(board))
