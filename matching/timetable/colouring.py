"""When nobody has gaps: every b-matching has its timetable, and here it is.

König (1916): the edges of a bipartite graph of largest degree Δ can be coloured with Δ colours so that no two of a colour
meet. De Werra (1971): with the classes equally large, to within one. Slots are the colours: if nobody has more meetings
than there are slots, and there are no more meetings than slots × tables, all of them fit. Both proofs are alternating
paths, and so are the two functions below: time O(meetings × people).
"""

from collections import defaultdict, deque
from collections.abc import Sequence

from matching.timetable.model import POOL, Model, Seating

Pair = tuple[int, int]


def coloured(model: Model, chosen: Sequence[int]) -> dict[int, Seating] | None:
    """A seating for each chosen wish, or None where the theorem does not speak: absences, visits, hosts, odd circles."""
    room = model.capacity()
    if len(set(room)) != 1 or model.fixed or model.before or len(chosen) > sum(room):
        return None
    for edge in chosen:
        one = model.edges[edge]
        combinations = len(model.of[one.sides[0]]) * len(model.of[one.sides[1]]) * model.slots
        if one.place != POOL or one.length > 1 or len(one.seatings) != combinations:
            return None
    pairs = _people(model, chosen)
    if pairs is None or not bipartite(pairs):
        return None
    colours = balanced(pairs, edge_colouring(pairs, model.slots), model.slots)
    return {edge: Seating(colours[place], *pairs[place]) for place, edge in enumerate(chosen)}


def _people(model: Model, chosen: Sequence[int]) -> list[Pair] | None:
    """Whose meeting each is: the next of its people who has slots left."""
    left = [min(most, model.slots) for most in model.person_most]
    pairs = []
    for edge in chosen:
        seats = [max(model.of[side], key=lambda each: (left[each], -each)) for side in model.edges[edge].sides]
        for each in seats:
            left[each] -= 1
            if left[each] < 0:
                return None
        pairs.append((seats[0], seats[1]))
    return pairs


def bipartite(pairs: Sequence[Pair]) -> bool:
    near: dict[int, list[int]] = defaultdict(list)
    for first, second in pairs:
        near[first].append(second)
        near[second].append(first)
    side: dict[int, bool] = {}
    for root in near:
        if root in side:
            continue
        side[root], queue = True, deque([root])
        while queue:
            here = queue.popleft()
            for there in near[here]:
                if there not in side:
                    side[there] = not side[here]
                    queue.append(there)
                elif side[there] == side[here]:
                    return False
    return True


def edge_colouring(pairs: Sequence[Pair], colours: int) -> list[int]:
    """A colour below ``colours`` for each pair of a bipartite graph, none twice at one end. No end has more pairs."""
    at: dict[int, list[int]] = defaultdict(lambda: [-1] * colours)
    out = [-1] * len(pairs)
    for number, (first, second) in enumerate(pairs):
        free_here, free_there = at[first].index(-1), at[second].index(-1)
        if at[second][free_here] >= 0:
            # From the second end, a path of the two colours in turn never comes to the first: exchange them along it.
            _swap(path(pairs, at, second, free_here, free_there), at, pairs, out, free_here + free_there)
        out[number] = free_here
        at[first][free_here] = at[second][free_here] = number
    return out


def path(pairs: Sequence[Pair], at: dict[int, list[int]], start: int, one: int, other: int) -> list[int]:
    """The pairs of two colours in turn, from an end that has ``one`` of them and lacks the other."""
    found, here, colour = [], start, one
    while (number := at[here][colour]) >= 0:
        found.append(number)
        first, second = pairs[number]
        here = second if here == first else first
        colour = other if colour == one else one
    return found


def _swap(numbers: Sequence[int], at: dict[int, list[int]], pairs: Sequence[Pair], out: list[int], two: int) -> None:
    """Exchange the two colours of a path. ``two``: their sum."""
    for number in numbers:
        for end in pairs[number]:
            at[end][out[number]] = -1
    for number in numbers:
        out[number] = two - out[number]
        for end in pairs[number]:
            at[end][out[number]] = number


def balanced(pairs: Sequence[Pair], colours: Sequence[int], count: int) -> list[int]:
    """The same, recoloured until no colour has two pairs more than another.

    Of two colours, one with more pairs than the other, some path begins and ends with the larger one; exchanging the two
    along it takes one from the larger and gives it to the smaller.
    """
    out = list(colours)
    at: dict[int, list[int]] = defaultdict(lambda: [-1] * count)
    sizes = [0] * count
    for number, colour in enumerate(out):
        sizes[colour] += 1
        for end in pairs[number]:
            at[end][colour] = number
    while max(sizes) - min(sizes) > 1:
        large, small = sizes.index(max(sizes)), sizes.index(min(sizes))
        for end in list(at):
            if at[end][large] >= 0 and at[end][small] < 0:
                found = path(pairs, at, end, large, small)
                if len(found) % 2:
                    _swap(found, at, pairs, out, large + small)
                    sizes[large] -= 1
                    sizes[small] += 1
                    break
    return out
