"""Kernels: what a timetable costs before anybody has said which table: idle slots, and changes of table.

From one slot to the next, a meeting can hand its table on to one meeting and take it over from one. So the links between
meetings (somebody's one and next of a session) form rows and circles in which no two neighbours can both be kept, and of
k links in such a row ⌊k/2⌋ are changes of table: no fewer, and no more where tables of the pool are free to choose. (Where
somebody sat still in between, or published meetings stay at their tables, it is an estimate.)
"""

from typing import Any, Final, NamedTuple

from matching.segments.compiling import lean, whole

POOL: Final = -1

Array = Any


class Given(NamedTuple):
    """What does not change. By meeting, unless said."""

    free: Array
    """Person × slot."""
    begins: Array
    """By slot, the first of its session."""
    ends: Array
    """By slot, the one after the last of its session."""
    room: Array
    """By slot, tables of the pool."""
    open: Array
    """Table × slot."""
    length: Array
    place: Array
    fixed: Array
    home: Array
    """Where it was published: slot, first, second, table; -1 where it was not."""
    homes: Array
    """The meetings that were published."""
    pairs_from: Array
    """Where its choices of people begin in ``pairs``."""
    pairs: Array
    most: Array
    """By person."""


class Held(NamedTuple):
    """What is where now."""

    slot: Array
    people: Array
    who: Array
    """Person × slot: the meeting, or -1."""
    holds: Array
    """Table × slot: the meeting at a place of its own, or -1."""
    pooled: Array
    """Slot × place in a list: meetings of the pool."""
    count: Array
    """By slot, how many of those."""
    at: Array
    """By meeting, where it is in that list."""
    sat: Array
    """By person, meetings."""


class Scratch(NamedTuple):
    chain: Array
    target: Array
    to: Array
    was: Array
    stamp: Array
    seen: Array
    near: Array
    stack: Array
    persons: Array
    random: Array


@lean
def _table(given: Given, held: Held, edge: int) -> int:
    """The table that a meeting must have where it is, or -1."""
    if given.place[edge] != POOL:
        return whole(given.place[edge])
    home = given.home
    if given.fixed[edge] or (
        home[edge, 0] == held.slot[edge]
        and home[edge, 1] == held.people[edge, 0]
        and home[edge, 2] == held.people[edge, 1]
    ):
        return whole(home[edge, 3])
    return -1


@lean
def _link(given: Given, held: Held, one: int, after: int) -> int:
    """0: the table stays, 1: it changes, 2: it depends."""
    here, there = _table(given, held, one), _table(given, held, after)
    if here >= 0 and there >= 0:
        return 0 if here == there else 1
    if given.place[one] != POOL or given.place[after] != POOL:
        return 1
    return 2


@lean
def _following(given: Given, held: Held, edge: int, person: int) -> int:
    slot = held.slot[edge]
    for next_ in range(slot + given.length[edge], given.ends[slot]):
        if held.who[person, next_] >= 0:
            return whole(held.who[person, next_])
    return -1


@lean
def _preceding(given: Given, held: Held, edge: int, person: int) -> int:
    slot = held.slot[edge]
    for before in range(slot - 1, given.begins[slot] - 1, -1):
        if held.who[person, before] >= 0:
            return whole(held.who[person, before])
    return -1


@lean
def _waits(given: Given, held: Held, person: int, slot: int) -> tuple[int, int]:
    """In the session of a slot: a person's idle slots, and changes of table that no choice of table avoids."""
    idle = gap = lost = 0
    last = -1
    for here in range(given.begins[slot], given.ends[slot]):
        edge = held.who[person, here]
        if edge < 0:
            gap += given.free[person, here]
        else:
            if last >= 0:
                idle += gap
                if edge != last and _link(given, held, last, edge) == 1:
                    lost += 1
            last, gap = edge, 0
    return idle, lost


@lean
def row(given: Given, held: Held, scratch: Scratch, start: int) -> int:
    """Changes of table in the row of links that a node belongs to; 0 if it was counted. Nodes: 2 · meeting, + 1 for its end."""
    seen, stack, stamp = scratch.seen, scratch.stack, scratch.stamp
    if seen[start] == stamp[0]:
        return 0
    seen[start] = stamp[0]
    stack[0], top, degrees = start, 1, 0
    while top:
        top -= 1
        node = stack[top]
        edge, end = node >> 1, node & 1
        for each in range(2):
            person = held.people[edge, each]
            if end:
                other = _following(given, held, edge, person)
                if other < 0 or _link(given, held, edge, other) != 2:
                    continue
            else:
                other = _preceding(given, held, edge, person)
                if other < 0 or _link(given, held, other, edge) != 2:
                    continue
            degrees += 1
            next_ = 2 * other + 1 - end
            if seen[next_] != stamp[0]:
                seen[next_] = stamp[0]
                stack[top] = next_
                top += 1
    return (degrees // 2) // 2


@lean
def _away(given: Given, held: Held, edge: int) -> int:
    home = given.home
    return int(
        home[edge, 0] >= 0
        and not (
            home[edge, 0] == held.slot[edge]
            and home[edge, 1] == held.people[edge, 0]
            and home[edge, 2] == held.people[edge, 1]
        )
    )


@lean
def costs(given: Given, held: Held, scratch: Scratch) -> tuple[int, int, int]:
    """Published meetings away from where they were, idle slots, and changes of table, of all."""
    scratch.stamp[0] += 1
    away = idle = changes = 0
    for edge in range(held.slot.size):
        away += _away(given, held, edge)
        changes += row(given, held, scratch, 2 * edge) + row(given, held, scratch, 2 * edge + 1)
    slots = given.begins.size
    for person in range(held.who.shape[0]):
        slot = 0
        while slot < slots:
            more, lost = _waits(given, held, person, slot)
            idle += more
            changes += lost
            slot = given.ends[slot]
    return away, idle, changes


@lean
def weight(given: Given, held: Held, scratch: Scratch, size: int, weights: Array, limit: float) -> float:
    """What everything that a chain touches costs now: the same things before and after it. Above the limit, part of it."""
    scratch.stamp[0] += 1
    stamp = scratch.stamp[0]
    mark = scratch.persons
    out: float = 0.0
    for place in range(size):
        edge = scratch.chain[place]
        out += weights[0] * _away(given, held, edge)
        for both in range(2):
            old = scratch.was[place, 0] if both == 0 else scratch.target[place]
            begin = given.begins[old]
            for each in range(4):
                person = scratch.was[place, 1 + each] if each < 2 else scratch.to[place, each - 2]
                if mark[person, begin] == stamp:
                    continue
                mark[person, begin] = stamp
                idle, lost = _waits(given, held, person, begin)
                out += weights[1] * idle + weights[2] * lost
                for slot in range(begin, given.ends[begin]):
                    other = held.who[person, slot]
                    if other >= 0:
                        rows = row(given, held, scratch, 2 * other) + row(given, held, scratch, 2 * other + 1)
                        out += weights[2] * rows
                if out > limit:
                    return out
    return out
