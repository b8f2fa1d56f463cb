"""Changes of table that no plan avoids, by counting: a lower bound from one linear program.

Somebody with d meetings in a session goes d - 1 times from one to the next: those are the links, and a link is kept where
both meetings are at one table. So with M meetings, and V visits (a person and a session in which they meet somebody), there
are 2M - V links. How many of them can be kept?

*   A meeting keeps a link to one before it at most. For if it kept two, one of either person, the two earlier meetings
    were at this table in different slots (they differ, since a pair meets once), so that the person of the earlier one sat
    still in between, without another meeting: idle, or absent. There are no more of these than idle slots, and stretches
    of absence within a session.
*   The first meeting at a table in a session keeps no link to one before it. So n tables used in a session are n meetings
    that keep none.

So there are at least (2M - V) - (M - Σ n) - idle - absences changes. It is few where people visit many sessions with few
meetings each. The fewest over all choices of wishes, and of sessions for them, that are as good in floor and value, is
what is computed here; that sessions hold fractions of meetings only makes it smaller. Changes of room are not counted.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from matching.timetable.choosing import Chooser
from matching.timetable.model import POOL, Model
from matching.timetable.programs import Clock, ones

SLACK: Final = 1e-3
"""By which the solver's numbers may be off."""


def forced_changes(model: Model, floor: int, value: int, idle: int, clock: Clock) -> int:
    """No timetable of this floor, value and idle slots has fewer changes of table. 0 when it could not be computed."""
    counting = _Counting(model, clock, floor, value)
    values = counting.program.relaxed(counting.aim, clock)
    if values is None:
        return 0
    fewest = -sum(weight * float(values[each]) for each, weight in counting.aim.items())
    return max(0, math.ceil(fewest - SLACK) - idle)


class _Counting:
    """The choice of wishes, each in a session; ``aim`` is the number of changes, negated."""

    def __init__(self, model: Model, clock: Clock, floor: int, value: int) -> None:
        self.model = model
        self.chooser = Chooser(model, clock)
        self.program = self.chooser.program
        worth = {variable: float(model.edges[edge].value) for edge, variable in self.chooser.of.items()}
        self.program.row(ones(self.chooser.reached), low=floor - self.chooser.free_floor)
        self.program.row(worth, low=value - 0.5)
        self.aim: dict[int, float] = {}
        self.days: dict[int, list[int]] = defaultdict(list)
        for slot, session in enumerate(model.session):
            self.days[session].append(slot)
        self.by_side: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
        self.by_place: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
        self._sessions()
        for (place, session), there in self.by_place.items():
            self._tables(place, self.days[session], there)
        for (side, session), there in self.by_side.items():
            self._visits(side, self.days[session], there)

    def _sessions(self) -> None:
        """Each wish that is granted, in one of the sessions that it can have: two links, less what the others say."""
        model = self.model
        for edge, variable in self.chooser.of.items():
            one = model.edges[edge]
            choices = [model.fixed[edge][0]] if edge in model.fixed else one.seatings
            parts = {session: self.program.variable(whole=False) for session in _in(model, choices)}
            self.program.row(ones(list(parts.values())) | {variable: -1.0}, low=0, high=0)
            self.aim[variable] = -1.0
            for session, part in parts.items():
                self.by_place[one.place, session][part] = one.length
                for side in one.sides:
                    self.by_side[side, session][part] = one.length

    def _tables(self, place: int, days: list[int], there: dict[int, int]) -> None:
        """As many tables as the meetings of a session need, or more."""
        model = self.model
        room = [sum(model.open[table][slot] for table in model.pool) for slot in days]
        if place != POOL:
            room = [int(model.open[place][slot]) for slot in days]
        used = self.program.variable(upper=float(max(room)), whole=False)
        self.aim[used] = -1.0
        lengths = {part: float(length) for part, length in there.items()}
        for level in set(room) - {0}:
            # A slot has no more meetings than open tables, nor than tables that are used.
            full = sum(each for each in room if each < level)
            rest = sum(each >= level for each in room)
            self.program.row(lengths | {used: -float(rest)}, high=full)

    def _visits(self, side: int, days: list[int], there: dict[int, int]) -> None:
        model = self.model
        hours = {person: [slot for slot in days if model.free[person][slot]] for person in model.of[side]}
        self.program.row({part: float(length) for part, length in there.items()}, high=sum(map(len, hours.values())))
        visits = self.program.variable(upper=float(sum(map(bool, hours.values()))), whole=False)
        self.program.row(ones(list(there)) | {visits: -1.0}, low=0)
        self.aim[visits] = 1.0
        absences = sum(after - before > 1 for own in hours.values() for before, after in pairwise(own))
        if absences:
            # No more of them than links.
            kept = self.program.variable(upper=float(absences), whole=False)
            self.program.row(ones(list(there)) | {visits: -1.0, kept: -1.0}, low=0)
            self.aim[kept] = 1.0


def _in(model: Model, seatings: Iterable[tuple[int, int, int]]) -> list[int]:
    return list(dict.fromkeys(model.session[start] for start, _, _ in seatings))
