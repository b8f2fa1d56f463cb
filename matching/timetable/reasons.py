"""Why each wish that is not in the plan is not in it."""

from collections.abc import Iterator
from itertools import product

from matching.timetable.board import Board
from matching.timetable.model import APART, POOL, Model, Seating, seated_pairs
from matching.timetable.plan import Unplaced, Why


def reasons(model: Model, board: Board) -> Iterator[Unplaced]:
    """One for each wish that is not on the board, in the order of the agenda. Takes milliseconds for thousands.

    What only fills is nobody's wish, and has none.
    """
    kept = Board(model)
    by_side: list[set[int]] = [set() for _ in model.of]
    for edge in board.at:
        for side in model.edges[edge].sides:
            by_side[side].add(edge)
    for edge in range(len(model.edges)):
        if edge not in board.at and not model.edges[edge].fills:
            why, instead = _reason(board, kept, by_side, edge)
            pairs = tuple(model.agenda.wishes[other].pair for other in sorted(instead))
            yield Unplaced(model.agenda.wishes[edge].pair, why, pairs)


def _reason(board: Board, kept: Board, by_side: list[set[int]], edge: int) -> tuple[Why, set[int]]:
    model, one = board.model, board.model.edges[edge]
    if not one.seatings:
        return _never(model, edge), set()
    if model.fixed and (kept.full(edge) or not any(kept.fits(edge, seating) for seating in one.seatings)):
        return Why.FIXED_MEETINGS, _standing(kept, edge)
    exchange = _gainful(board, by_side, edge)
    if exchange is not None:
        return exchange
    if board.full(edge) or all(board.crowded(seating) for seating in one.seatings):
        return Why.MAXIMUM_REACHED, _of_sides(board, by_side, edge)
    for seating in one.seatings:
        people = {board.who[person][slot] for person in seating[1:] for slot in one.span(seating)}
        if people == {-1} and not board.crowded(seating):
            return Why.NO_TABLE_LEFT, board.blockers(edge, seating)
    return Why.PEOPLE_BUSY, _standing(board, edge)


def _never(model: Model, edge: int) -> Why:
    one, length = model.edges[edge], model.edges[edge].length
    if one.place == APART:
        return Why.HOSTS_APART
    pairs = seated_pairs(model, one.sides)
    if not pairs:
        return Why.NO_COMMON_LANGUAGE
    for start, (first, second) in product(range(model.slots - length + 1), pairs):
        span = range(start, start + length)
        one_session = model.session[span[0]] == model.session[span[-1]]
        if one_session and all(model.free[first][slot] and model.free[second][slot] for slot in span):
            return Why.NO_TABLE_OPEN
    return Why.NO_COMMON_SLOT


def _standing(board: Board, edge: int) -> set[int]:
    return set().union(*(board.blockers(edge, seating) for seating in board.model.edges[edge].seatings))


def _of_sides(board: Board, by_side: list[set[int]], edge: int) -> set[int]:
    """The meetings of those who have all that they want."""
    sides = board.model.edges[edge].sides
    full = [side for side in sides if board.count[side] >= board.model.most[side]]
    return set().union(*(by_side[side] for side in full or sides))


def _gainful(board: Board, by_side: list[set[int]], edge: int) -> tuple[Why, set[int]] | None:
    """Whether a wish is worth more than those that it would take the place of, and why it did not."""
    value = board.model.edges[edge].value
    for seating in board.model.edges[edge].seatings:
        leaving = _leaving(board, by_side, edge, seating)
        if leaving is None or leaving & board.model.fixed.keys():
            continue
        if sum(board.model.edges[other].value for other in leaving) < value or not leaving:
            hurt = _missing(board, edge, leaving)
            return (Why.FLOOR, hurt) if hurt else (Why.SEARCH_ENDED, leaving)
    return None


def _leaving(board: Board, by_side: list[set[int]], edge: int, seating: Seating) -> set[int] | None:
    """The cheapest meetings whose leaving would let a seating in, chosen one by one; None when there are none."""
    model = board.model
    leaving = board.blockers(edge, seating)

    def cheapest(among: set[int]) -> bool:
        found = min(among - leaving, key=lambda other: (model.edges[other].value, other), default=None)
        if found is not None:
            leaving.add(found)
        return found is not None

    for side in model.edges[edge].sides:
        while len(by_side[side] - leaving) >= model.most[side]:
            if not cheapest(by_side[side]):
                return None
    for person in seating[1:]:
        own = {other for other in board.who[person] if other >= 0}
        while len(own - leaving) >= model.person_most[person]:
            if not cheapest(own):
                return None
    if model.edges[edge].place == POOL:
        there = set(board.pooled[seating.start])
        if len(there - leaving) >= board.room[seating.start] and not cheapest(there):
            return None
    return leaving


def _missing(board: Board, edge: int, leaving: set[int]) -> set[int]:
    """Of those who would leave, the ones that somebody's floor needs, if fewer would reach theirs afterwards."""
    model = board.model
    count = list(board.count)
    for side in model.edges[edge].sides:
        count[side] += 1
    for other in leaving:
        for side in model.edges[other].sides:
            count[side] -= 1
    if sum(have >= floor for have, floor in zip(count, model.floor, strict=True)) >= board.reached():
        return set()
    short = {side for side, have in enumerate(count) if have < model.floor[side] <= board.count[side]}
    return {other for other in leaving if short & set(model.edges[other].sides)}
