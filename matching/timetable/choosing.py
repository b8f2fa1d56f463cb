"""Which wishes to grant, before when and where: the b-matching that bounds every timetable.

The wishes are edges, participants have a maximum degree, tables × slots a total: a (simple) b-matching of largest weight.
In a bipartite graph its matrix is totally unimodular (Hoffman and Kruskal, 1956), so the solver's first relaxation is
already whole; floors and odd circles may need branching, which HiGHS does. Single absences come in as Hall's condition
(1935): a participant's meetings must find as many of its slots. It is added where the choice breaks it, as cutting planes.
Every timetable obeys all of these rows, so what is found here is an upper bound for floor and value.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from matching.timetable.model import POOL, Model
from matching.timetable.programs import Clock, Found, Program, ones, whole

ROUNDS: Final = 12
"""Times that cutting planes are added before the bound is taken as it is."""

PART: Final = 1 / 6
"""The part of all time that one of these programs may take."""

DIVES: Final = 80
"""Relaxations solved at most when floors are fixed one after the other."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Wishes that one could hope to grant together, and the bounds. ``kept``: published meetings that can stay."""

    edges: tuple[int, ...]
    floor: int
    value: int
    kept: int


class Chooser:
    """The program, to which more rows may be added."""

    def __init__(self, model: Model, clock: Clock) -> None:
        self.model = model
        self.clock = clock
        self.program = Program()
        self.of: dict[int, int] = {}
        self.reached: list[int] = []
        for edge, one in enumerate(model.edges):
            if one.seatings:
                self.of[edge] = self.program.variable(lower=float(edge in model.fixed))
        self.incident: dict[int, list[int]] = defaultdict(list)
        for edge in self.of:
            for side in model.edges[edge].sides:
                self.incident[side].append(edge)
        self.free_floor = sum(floor <= 0 for floor in model.floor)
        for side in range(len(model.of)):
            self._side(side)
        self._tables()

    def _side(self, side: int) -> None:
        model, edges = self.model, self.incident[side]
        people = model.of[side]
        hours = sum(sum(model.free[each]) for each in people)
        most = sum(min(model.person_most[each], sum(model.free[each])) for each in people)
        limit = min(most, model.most[side])
        self.program.row(ones([self.of[edge] for edge in edges]), high=limit)
        self.program.row({self.of[edge]: float(model.edges[edge].length) for edge in edges}, high=hours)
        if 0 < model.floor[side] <= limit:
            mark = self.program.variable()
            self.reached.append(mark)
            self.program.row(ones([self.of[edge] for edge in edges]) | {mark: -float(model.floor[side])}, low=0)

    def _tables(self) -> None:
        model = self.model
        self.program.row(
            ones([self.of[edge] for edge in self.of if model.edges[edge].place == POOL]), high=sum(model.capacity())
        )
        by_place: dict[int, list[int]] = defaultdict(list)
        for edge in self.of:
            by_place[model.edges[edge].place].append(edge)
        by_place.pop(POOL, None)
        self.by_place = by_place
        for place, edges in by_place.items():
            self.program.row(
                {self.of[edge]: float(model.edges[edge].length) for edge in edges}, high=sum(model.open[place])
            )

    def best(self, aim: dict[int, float]) -> tuple[Found, set[int]]:
        """Solved again while somebody's choice does not fit into their slots."""
        for _ in range(ROUNDS):
            found = self.program.best(aim, self.clock, part=PART)
            if found.chosen is None:
                return found, set(self.model.fixed)
            chosen = {edge for edge, variable in self.of.items() if found.chosen[variable]}
            if not self._cut(chosen) or not self.clock.before(0.5):
                break
        return found, chosen

    def dive(self) -> list[int]:
        """Participants' marks that can all be reached, found by fixing the most promising and looking again.

        For floors that not everybody can reach: that problem is hard, and the solver's own tries are poor.
        """
        program, aim = self.program, ones(self.reached)
        open_, tried = list(self.reached), list[int]()
        for _ in range(DIVES):
            if not open_ or not self.clock.before(0.5):
                break
            values = program.relaxed(aim, self.clock)
            if values is None:
                # Too many at once: try half of them; one alone that is too many is out.
                for mark in tried:
                    program.bound(mark, 0, float(len(tried) > 1))
                open_ += tried if len(tried) > 1 else []
                tried = tried[: len(tried) // 2]
            else:
                sure = [mark for mark in open_ if values[mark] > 1 - 1e-6]
                rest = sorted((mark for mark in open_ if values[mark] <= 1 - 1e-6), key=lambda mark: -values[mark])
                for mark in sure:
                    program.bound(mark, 1, 1)
                tried, open_ = rest[: len(rest) // 8 + 1], rest
            for mark in tried:
                program.bound(mark, 1, 1)
            open_ = [mark for mark in open_ if mark not in tried]
        found = self.program.best(aim, self.clock, part=PART)
        for mark in self.reached:
            program.bound(mark, 0, 1)
        return [] if found.chosen is None else [mark for mark in self.reached if found.chosen[mark]]

    def _cut(self, chosen: set[int]) -> bool:
        model, cut = self.model, False
        for side, edges in self.incident.items():
            cut |= self._hall({edge: _own_slots(model, edge, side) for edge in edges if edge in chosen})
        for place, edges in self.by_place.items():
            cut |= self._hall(
                {
                    edge: {
                        (place, slot)
                        for seating in model.edges[edge].seatings
                        for slot in model.edges[edge].span(seating)
                    }
                    for edge in edges
                    if edge in chosen
                }
            )
        return cut

    def _hall(self, wants: dict[int, set[tuple[int, int]]]) -> bool:
        crowd = crowded(wants)
        if crowd:
            there = set().union(*(wants[edge] for edge in crowd))
            self.program.row(ones([self.of[edge] for edge in crowd]), high=len(there))
        return bool(crowd)


def _own_slots(model: Model, edge: int, side: int) -> set[tuple[int, int]]:
    one = model.edges[edge]
    own = one.sides.index(side) + 1
    return {(seating[own], slot) for seating in one.seatings for slot in one.span(seating)}


def crowded(wants: dict[int, set[tuple[int, int]]]) -> set[int]:
    """Wishes that want fewer places together than they are, or none if each can have its own (Hall; found as by Kuhn)."""
    holder: dict[tuple[int, int], int] = {}

    def seat(edge: int, seen: set[tuple[int, int]]) -> bool:
        for place in sorted(wants[edge]):
            if place in seen:
                continue
            seen.add(place)
            if place not in holder or seat(holder[place], seen):
                holder[place] = edge
                return True
        return False

    for edge in wants:
        seen: set[tuple[int, int]] = set()
        if not seat(edge, seen):
            return {edge} | {holder[place] for place in seen}
    return set()


def choose(model: Model, clock: Clock) -> Choice:
    """Floor first, then value, then published meetings kept; each level holds what the one before reached."""
    chooser = Chooser(model, clock)
    floor_bound = chooser.free_floor + len(chooser.reached)
    settled, marks = True, list[int]()
    if chooser.reached:
        found, _ = chooser.best(ones(chooser.reached))
        floor_bound = min(floor_bound, chooser.free_floor + whole(found.bound))
        marks = [mark for mark in chooser.reached if found.chosen[mark]] if found.chosen is not None else []
        if not found.proven:
            marks = max(marks, chooser.dive(), key=len)
        settled = found.proven
        chooser.program.row(ones(chooser.reached), low=len(marks))
    worth = {variable: float(model.edges[edge].value) for edge, variable in chooser.of.items()}
    found, chosen = chooser.best(worth)
    value_bound = whole(found.bound)
    if not (settled and found.proven):
        for mark in marks:
            chooser.program.bound(mark, 1, 1)
        sure, again = chooser.best(worth)
        if sure.chosen is not None and (found.chosen is None or _worth(model, again) > _worth(model, chosen)):
            found, chosen = sure, again
        for mark in marks:
            chooser.program.bound(mark, 0, 1)
    kept = len(model.before)
    if model.before and found.chosen is not None:
        chooser.program.row(worth, low=_worth(model, chosen) - 0.5)
        stays, again = chooser.best(ones([chooser.of[edge] for edge in model.before]))
        if stays.chosen is not None:
            chosen, kept = again, whole(stays.bound)
    return Choice(tuple(sorted(chosen)), floor_bound, value_bound, kept)


def _worth(model: Model, chosen: Iterable[int]) -> int:
    return sum(model.edges[edge].value for edge in chosen)


def value_bound(model: Model, floor: int, clock: Clock) -> int:
    """No timetable in which so many participants reach their floor is worth more."""
    chooser = Chooser(model, clock)
    chooser.program.row(ones(chooser.reached), low=floor - chooser.free_floor)
    found, _ = chooser.best({variable: float(model.edges[edge].value) for edge, variable in chooser.of.items()})
    return whole(found.bound)
