"""The timetable as one whole-number program: exact where it is small, and a part of it at a time where it is not.

A variable for each seating of a wish; the rules are its rows. For idle slots, before[p,s] and after[p,s] say that a person
has a meeting up to, and from, a slot of the session: who has both, and none in it, waits.
Table changes are the moves of a person's last known table, which is free to be anything between two meetings.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import product

from matching.timetable.board import Board
from matching.timetable.model import POOL, Model, Seating
from matching.timetable.programs import Found, Program, ones
from matching.timetable.seating import Tables

Terms = dict[int, float]
Choices = dict[tuple[int, Seating], dict[int, int]]
"""By wish and seating: by table, the variable that says it."""


class Whole:
    """The program over some slots; meetings that lie in others stay, and count. All slots: the whole timetable."""

    def __init__(self, board: Board, slots: Iterable[int]) -> None:
        self.model = model = board.model
        self.board = board
        within = set(slots)
        self.stays = {
            edge
            for edge, seating in board.at.items()
            if edge in model.fixed or not within.issuperset(model.edges[edge].span(seating))
        }
        self.program = Program()
        self.seats: dict[int, dict[Seating, int]] = {}
        for edge, one in enumerate(model.edges):
            if edge not in self.stays:
                choices = [seating for seating in one.seatings if within.issuperset(one.span(seating))]
                self.seats[edge] = {seating: self.program.variable() for seating in choices}
                self.program.at_most_one(self.seats[edge].values())
        self.busy: dict[tuple[int, int], list[int]] = defaultdict(list)
        self._slots(within)
        self.marks: list[int] = []
        self.reached = 0
        self._counts()

    def _slots(self, within: set[int]) -> None:
        """Nobody and nothing twice in a slot."""
        model, held = self.model, self.stays
        place: dict[tuple[int, int], list[int]] = defaultdict(list)
        pool: dict[int, list[int]] = defaultdict(list)
        for edge, seats in self.seats.items():
            one = model.edges[edge]
            for seating, variable in seats.items():
                for slot in one.span(seating):
                    self.busy[seating.first, slot].append(variable)
                    self.busy[seating.second, slot].append(variable)
                    (pool[slot] if one.place == POOL else place[one.place, slot]).append(variable)
        for (person, slot), variables in self.busy.items():
            self.program.row(ones(variables), high=float(self.board.who[person][slot] not in held))
        for (table, slot), variables in place.items():
            self.program.row(ones(variables), high=float(self.board.place[table][slot] not in held))
        for slot in within:
            left = self.board.room[slot] - sum(edge in held for edge in self.board.pooled[slot])
            if len(pool[slot]) > left:
                self.program.row(ones(pool[slot]), high=left)

    def _counts(self) -> None:
        """Nobody more than they want; who reaches the floor."""
        model = self.model
        party: dict[int, list[int]] = defaultdict(list)
        person: dict[int, list[int]] = defaultdict(list)
        for edge, seats in self.seats.items():
            for seating, variable in seats.items():
                for side in model.edges[edge].sides:
                    party[side].append(variable)
                for each in seating[1:]:
                    person[each].append(variable)
        have = Counter(side for edge in self.stays for side in model.edges[edge].sides)
        sat = Counter(each for edge in self.stays for each in self.board.at[edge][1:])
        for each, variables in person.items():
            if model.person_most[each] - sat[each] < len(variables):
                self.program.row(ones(variables), high=model.person_most[each] - sat[each])
        for side, floor in enumerate(model.floor):
            variables = party[side]
            if model.most[side] - have[side] < len(variables):
                self.program.row(ones(variables), high=model.most[side] - have[side])
            if have[side] >= floor:
                self.reached += 1
            elif variables:
                mark = self.program.variable()
                self.marks.append(mark)
                self.program.row(ones(variables) | {mark: float(have[side] - floor)}, low=0)

    def worth(self) -> Terms:
        edges = self.model.edges
        return {variable: float(edges[edge].value) for edge, seats in self.seats.items() for variable in seats.values()}

    def kept(self) -> Terms:
        """Published meetings that stay in their slot."""
        before = self.model.before.items()
        return {self.seats[edge][seating]: 1.0 for edge, (seating, _) in before if seating in self.seats.get(edge, {})}

    def seatings(self, found: Found) -> dict[int, Seating]:
        assert found.chosen is not None
        return {
            edge: seating
            for edge, seats in self.seats.items()
            for seating, variable in seats.items()
            if found.chosen[variable]
        }

    def apply(self, found: Found) -> None:
        for edge in list(self.board.at):
            if edge not in self.stays:
                self.board.lift(edge)
        self.board.replaced(self.seatings(found).items())

    def idle(self) -> Terms:
        """Adds the rows that count idle slots. For the whole timetable only."""
        model, program, out = self.model, self.program, {}
        for person, days in product(range(len(model.people)), _sessions(model)):
            before = self._reaching(person, days)
            after = self._reaching(person, days[::-1])
            for slot in days[1:-1]:
                if model.free[person][slot]:
                    idle = program.variable(whole=False)
                    out[idle] = 1.0
                    here, held = self._at(person, slot)
                    # idle ≥ before + after − 1 − here
                    program.row({idle: 1.0, before[slot]: -1.0, after[slot]: -1.0} | ones(here), low=-1.0 - float(held))
        return out

    def _at(self, person: int, slot: int) -> tuple[list[int], bool]:
        return self.busy.get((person, slot), []), self.board.who[person][slot] in self.stays

    def _reaching(self, person: int, days: Sequence[int]) -> dict[int, int]:
        """Per slot, whether the person has a meeting in it or in one of those listed before it."""
        out: dict[int, int] = {}
        last = -1
        for slot in days:
            here, held = self._at(person, slot)
            out[slot] = self.program.variable(lower=float(held), whole=False)
            if here:
                self.program.row(ones(here) | {out[slot]: -1.0}, high=0)
            if last >= 0:
                self.program.row({last: 1.0, out[slot]: -1.0}, high=0)
            last = out[slot]
        return out

    def tables(self) -> tuple[Choices, Terms]:
        """Adds a table for each meeting, and the changes. What stands for a table, and what changes cost."""
        model, program = self.model, self.program
        chosen: Choices = {}
        at: dict[tuple[int, int, int], list[int]] = defaultdict(list)
        holders: dict[tuple[int, int], list[int]] = defaultdict(list)
        for edge, seats in self.seats.items():
            one = model.edges[edge]
            for seating, variable in seats.items():
                if one.place != POOL:
                    for slot, person in product(one.span(seating), seating[1:]):
                        at[person, slot, one.place].append(variable)
                    continue
                here = {table: program.variable() for table in model.pool if model.open[table][seating.start]}
                program.row(ones(list(here.values())) | {variable: -1.0}, low=0, high=0)
                kept_seating, kept = model.before.get(edge, (None, -1))
                for table, sits in here.items():
                    if kept_seating == seating and table != kept:
                        program.row({sits: 1.0}, high=0)
                    holders[table, seating.start].append(sits)
                    for person in seating[1:]:
                        at[person, seating.start, table].append(sits)
                chosen[edge, seating] = here
        for edge, (seating, table) in model.fixed.items():
            sits = program.variable(lower=1)
            for slot in model.edges[edge].span(seating):
                holders[table, slot].append(sits)
                for person in seating[1:]:
                    at[person, slot, table].append(sits)
        for variables in holders.values():
            program.at_most_one(variables)
        return chosen, self._changes(at)

    def _changes(self, at: dict[tuple[int, int, int], list[int]]) -> Terms:
        model = self.model
        cost: Terms = {}
        rooms: dict[str, list[int]] = defaultdict(list)
        for table, each in enumerate(model.agenda.tables):
            rooms[each.room].append(table)
        every = range(len(model.agenda.tables))
        for person, days in product(range(len(model.people)), _sessions(model)):
            last: dict[int, int] = {}
            for slot in days:
                here = {table: self.program.variable(whole=False) for table in every}
                self.program.row(ones(list(here.values())), low=1, high=1)
                for table in every:
                    if sits := at.get((person, slot, table)):
                        self.program.row(ones(sits) | {here[table]: -1.0}, high=0)
                if last:
                    for group in ([[table] for table in every], rooms.values()):
                        cost |= self._moves(last, here, group)
                last = here
        return cost

    def _moves(self, last: dict[int, int], here: dict[int, int], groups: Iterable[Sequence[int]]) -> Terms:
        """How much of where somebody is was elsewhere before."""
        cost: Terms = {}
        for group in groups:
            moves = self.program.variable(whole=False)
            cost[moves] = 1.0
            gone = {last[table]: -1.0 for table in group}
            self.program.row({here[table]: 1.0 for table in group} | gone | {moves: -1.0}, high=0)
        return cost


def _sessions(model: Model) -> list[list[int]]:
    days: dict[int, list[int]] = defaultdict(list)
    for slot, session in enumerate(model.session):
        days[session].append(slot)
    return list(days.values())


def tables_of(found: Found, chosen: Choices, board: Board) -> Tables:
    """The tables that the program chose; own places are their own, fixed meetings stay at theirs."""
    assert found.chosen is not None
    model = board.model
    out: Tables = {edge: model.edges[edge].place for edge in board.at if model.edges[edge].place != POOL}
    out |= {edge: table for edge, (_, table) in model.fixed.items()}
    for edge, seating in board.at.items():
        for table, variable in chosen.get((edge, seating), {}).items():
            if found.chosen[variable]:
                out[edge] = table
    return out
