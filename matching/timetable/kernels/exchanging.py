"""Kernels: exchanges of two slots, annealed: fewer idle slots, then fewer changes of table, with the same meetings.

An exchange (Kempe's chain) takes a meeting from one slot to another, and whoever stands in the way back in its place, and
so on until nobody is seated twice; a table too many in one of the two slots is made up for by one more chain. It leaves who
meets whom untouched, so floor and value stay what they are. ``linking`` says what it costs.
"""

from typing import Final

import numpy as np

from matching.segments.compiling import lean, whole
from matching.timetable.kernels.linking import POOL, Array, Given, Held, Scratch, row, weight

CHAIN: Final = 60
"""Meetings that one exchange may move."""


@lean
def draw(random: Array, below: int) -> int:
    """SplitMix64."""
    random[0] += np.uint64(0x9E3779B97F4A7C15)
    z = random[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return whole((z >> np.uint64(33)) % np.uint64(below))


@lean
def share(random: Array) -> float:
    return draw(random, 1 << 30) / float(1 << 30)


@lean
def _lift(given: Given, held: Held, edge: int) -> None:
    slot = held.slot[edge]
    for here in range(slot, slot + given.length[edge]):
        for each in range(2):
            person = held.people[edge, each]
            if held.who[person, here] == edge:
                held.who[person, here] = -1
        if given.place[edge] != POOL and held.holds[given.place[edge], here] == edge:
            held.holds[given.place[edge], here] = -1
    if given.place[edge] == POOL:
        last = held.count[slot] - 1
        held.count[slot] = last
        other = held.pooled[slot, last]
        held.pooled[slot, held.at[edge]] = other
        held.at[other] = held.at[edge]
    for each in range(2):
        held.sat[held.people[edge, each]] -= 1


@lean
def _put(given: Given, held: Held, edge: int, slot: int, first: int, second: int) -> None:
    held.slot[edge] = slot
    held.people[edge, 0], held.people[edge, 1] = first, second
    for here in range(slot, slot + given.length[edge]):
        held.who[first, here] = held.who[second, here] = edge
        if given.place[edge] != POOL:
            held.holds[given.place[edge], here] = edge
    if given.place[edge] == POOL:
        last = held.count[slot]
        held.pooled[slot, last] = edge
        held.at[edge] = last
        held.count[slot] = last + 1
    held.sat[first] += 1
    held.sat[second] += 1


@lean
def _opens(given: Given, edge: int, slot: int, first: int, second: int) -> bool:
    """Whether two people and a place are there for a meeting at a slot, taken or not."""
    if slot + given.length[edge] > given.ends[slot]:
        return False
    for here in range(slot, slot + given.length[edge]):
        if not (given.free[first, here] and given.free[second, here]):
            return False
        if given.place[edge] == POOL:
            if not given.room[here]:
                return False
        elif not given.open[given.place[edge], here]:
            return False
    return True


@lean
def _chain(given: Given, held: Held, scratch: Scratch, begun: int, here: int, there: int) -> int:
    """Follow who stands in the way of the last in the chain. How long it is then, or 0 if rules forbid it."""
    chain, target, to, near = scratch.chain, scratch.target, scratch.to, scratch.near
    stamp = scratch.stamp[1]
    size = begun
    next_ = begun - 1
    while next_ < size:
        edge, slot = chain[next_], target[next_]
        for way in range(3):
            if way < 2:
                other = held.who[to[next_, way], slot]
            elif given.place[edge] != POOL:
                other = held.holds[given.place[edge], slot]
            else:
                continue
            if other < 0 or near[other] == stamp:
                continue
            if size == CHAIN or given.fixed[other] or given.length[other] > 1 or given.length[edge] > 1:
                return 0
            back = here if held.slot[other] == there else there
            first, second = held.people[other, 0], held.people[other, 1]
            if back == held.slot[other] or not _opens(given, other, back, first, second):
                return 0
            _append(scratch, size, other, back, first, second)
            size += 1
        next_ += 1
    return size


@lean
def _propose(given: Given, held: Held, scratch: Scratch, edge: int, there: int, first: int, second: int) -> int:
    """The chain that takes a meeting elsewhere. Its length, or 0 if there is none."""
    here = held.slot[edge]
    if given.fixed[edge] or not _opens(given, edge, there, first, second):
        return 0
    if given.length[edge] > 1:
        for slot in range(there, there + given.length[edge]):
            for other in (held.who[first, slot], held.who[second, slot], held.holds[given.place[edge], slot]):
                if other >= 0 and other != edge:
                    return 0
    scratch.stamp[1] += 1
    _append(scratch, 0, edge, there, first, second)
    size = _chain(given, held, scratch, 1, here, there)
    for _ in range(4):
        slot = _full(given, held, scratch, size, here, there)
        if slot < 0:
            return size
        size = _another(given, held, scratch, size, slot, here + there - slot)
    return 0


@lean
def _append(scratch: Scratch, size: int, edge: int, slot: int, first: int, second: int) -> None:
    scratch.near[edge] = scratch.stamp[1]
    scratch.chain[size], scratch.target[size] = edge, slot
    scratch.to[size, 0], scratch.to[size, 1] = first, second


@lean
def _full(given: Given, held: Held, scratch: Scratch, size: int, here: int, there: int) -> int:
    """Of two slots, the one that would lack a table after the chain, or -1."""
    more = 0
    for place in range(size):
        edge = scratch.chain[place]
        if given.place[edge] == POOL:
            more += int(scratch.target[place] == there) - int(held.slot[edge] == there)
    if here == there or not more:
        return -1
    if more > 0:
        return there if held.count[there] + more > given.room[there] else -1
    return here if held.count[here] - more > given.room[here] else -1


@lean
def _another(given: Given, held: Held, scratch: Scratch, size: int, slot: int, back: int) -> int:
    """One more meeting of a slot into the chain, to another slot, with all in its way. How long it is then, or 0."""
    if size == CHAIN:
        return 0
    for _ in range(3):
        other = held.pooled[slot, draw(scratch.random, held.count[slot])]
        first, second = held.people[other, 0], held.people[other, 1]
        new = scratch.near[other] != scratch.stamp[1] and not given.fixed[other]
        if new and _opens(given, other, back, first, second):
            _append(scratch, size, other, back, first, second)
            return _chain(given, held, scratch, size + 1, slot, back)
    return 0


@lean
def _move(given: Given, held: Held, scratch: Scratch, size: int) -> bool:
    """Do what the chain says. Undone at once, and False, if somebody would be seated twice or once too often."""
    chain, target, to = scratch.chain, scratch.target, scratch.to
    for place in range(size):
        edge = chain[place]
        _lift(given, held, edge)
    for place in range(size):
        edge, first, second = chain[place], to[place, 0], to[place, 1]
        good = held.sat[first] < given.most[first] and held.sat[second] < given.most[second]
        for slot in range(target[place], target[place] + given.length[edge]):
            good &= held.who[first, slot] < 0 and held.who[second, slot] < 0
            good &= given.place[edge] == POOL or held.holds[given.place[edge], slot] < 0
        if not good:
            for other in range(place):
                _lift(given, held, chain[other])
            _back(given, held, scratch, size)
            return False
        _put(given, held, edge, target[place], first, second)
    return True


@lean
def _back(given: Given, held: Held, scratch: Scratch, size: int) -> None:
    was = scratch.was
    for place in range(size):
        _put(given, held, scratch.chain[place], was[place, 0], was[place, 1], was[place, 2])


@lean
def anneal(
    given: Given, held: Held, scratch: Scratch, weights: Array, heats: Array, begin: int, end: int, steps: int
) -> None:
    """Tries ``begin`` to ``end`` of so many, while the heat falls: costs by which one may be worse, once in e times."""
    random = scratch.random
    edges, slots, homes = held.slot.size, given.begins.size, given.homes.size
    for step in range(begin, end):
        edge, there = draw(random, edges), draw(random, slots)
        if draw(random, 2):
            # Rather somebody who changes tables.
            for _ in range(4):
                scratch.stamp[0] += 1
                if row(given, held, scratch, 2 * edge) + row(given, held, scratch, 2 * edge + 1):
                    break
                edge = draw(random, edges)
        first, second = held.people[edge, 0], held.people[edge, 1]
        choice = given.pairs_from[edge]
        many = given.pairs_from[edge + 1] - choice
        if many > 1 and draw(random, 2):
            choice += draw(random, many)
            first, second = given.pairs[choice, 0], given.pairs[choice, 1]
        if homes and draw(random, 5) == 0:
            edge = given.homes[draw(random, homes)]
            there, first, second = given.home[edge, 0], given.home[edge, 1], given.home[edge, 2]
        if there == held.slot[edge] and first == held.people[edge, 0] and second == held.people[edge, 1]:
            continue
        size = _propose(given, held, scratch, edge, there, first, second)
        if size:
            heat = heats[0] * (heats[1] / heats[0]) ** (step / steps)
            _try(given, held, scratch, weights, size, heat)


@lean
def _try(given: Given, held: Held, scratch: Scratch, weights: Array, size: int, heat: float) -> None:
    """Do what the chain says, unless it costs too much."""
    for place in range(size):
        edge = scratch.chain[place]
        scratch.was[place, 0] = held.slot[edge]
        scratch.was[place, 1], scratch.was[place, 2] = held.people[edge, 0], held.people[edge, 1]
    limit = weight(given, held, scratch, size, weights, np.inf) - heat * np.log(1 - share(scratch.random))
    if _move(given, held, scratch, size) and weight(given, held, scratch, size, weights, limit) > limit:
        for place in range(size):
            _lift(given, held, scratch.chain[place])
        _back(given, held, scratch, size)
