"""Kernel: two tables of the pool exchange what they hold in some slots of a session, annealed: fewer changes of table and room.

Everybody's slots stay as they are. Only links over the edge of the exchange matter: within it, who sat at one table still
does.
"""

from typing import NamedTuple

import numpy as np

from matching.segments.compiling import lean
from matching.timetable.kernels.exchanging import draw, share
from matching.timetable.kernels.linking import Array


class Seats(NamedTuple):
    """Tables and slots, and the meetings in them, by number."""

    table: Array
    """By meeting."""
    grid: Array
    """Table × slot: the meeting of the pool there, or -1."""
    slot: Array
    near: Array
    """Meeting × 4: both people's one before and one after in the session, or -1."""
    stays: Array
    """By meeting, whether its table is given."""
    room: Array
    """By table."""
    open: Array
    """Table × slot."""
    pool: Array
    begins: Array
    ends: Array


@lean
def changes(seats: Seats, edge: int) -> int:
    """Of table, and once more of room, between a meeting and those that its people have before and after."""
    out = 0
    here = seats.table[edge]
    for way in range(4):
        other = seats.near[edge, way]
        if other >= 0 and seats.table[other] != here:
            out += 1 + int(seats.room[seats.table[other]] != seats.room[here])
    return out


@lean
def _total(seats: Seats, one: int, other: int, begin: int, end: int) -> int:
    out = 0
    for slot in range(begin, end):
        if seats.grid[one, slot] >= 0:
            out += changes(seats, seats.grid[one, slot])
        if seats.grid[other, slot] >= 0:
            out += changes(seats, seats.grid[other, slot])
    return out


@lean
def _may(seats: Seats, one: int, other: int, begin: int, end: int) -> bool:
    for slot in range(begin, end):
        here, there = seats.grid[one, slot], seats.grid[other, slot]
        if (here >= 0 and (seats.stays[here] or not seats.open[other, slot])) or (
            there >= 0 and (seats.stays[there] or not seats.open[one, slot])
        ):
            return False
    return True


@lean
def _swap(seats: Seats, one: int, other: int, begin: int, end: int) -> None:
    for slot in range(begin, end):
        here, there = seats.grid[one, slot], seats.grid[other, slot]
        seats.grid[one, slot], seats.grid[other, slot] = there, here
        if here >= 0:
            seats.table[here] = other
        if there >= 0:
            seats.table[there] = one


@lean
def anneal(seats: Seats, random: Array, heats: Array, begin: int, end: int, steps: int) -> None:
    """Tries ``begin`` to ``end`` of so many, while the heat falls."""
    for step in range(begin, end):
        edge = draw(random, seats.table.size)
        one = seats.table[edge]
        slot = seats.slot[edge]
        if seats.stays[edge]:
            continue
        other = seats.pool[draw(random, seats.pool.size)]
        from_, to = seats.begins[slot], seats.ends[slot]
        way = draw(random, 8)
        if way < 4:
            # To the table of one before or after, with all on this side of it, or some.
            mate = seats.near[edge, way]
            if mate < 0:
                continue
            other = seats.table[mate]
            if seats.slot[mate] < slot:
                from_ = slot
            else:
                to = slot + 1
        if way % 2:
            from_, to = from_ + draw(random, slot + 1 - from_), slot + 1 + draw(random, to - slot)
        if one == other or not _may(seats, one, other, from_, to):
            continue
        before = _total(seats, one, other, from_, to)
        _swap(seats, one, other, from_, to)
        more = _total(seats, one, other, from_, to) - before
        if more > 0:
            heat = heats[0] * (heats[1] / heats[0]) ** (step / steps)
            if share(random) >= np.exp(-more / heat):
                _swap(seats, one, other, from_, to)
