"""The chosen wishes into slots: an edge colouring under absences, by guided ejection.

A wish that finds no free seating pushes out those that were easiest to seat so far; they are seated anew. How often a
wish could not be seated is remembered, so that the hard ones end up inside (Nagata and Bräysy, 2009, for vehicle routes).
"""

from collections.abc import Callable, Iterable
from random import Random
from typing import Final

from matching.timetable.board import Board
from matching.timetable.model import Seating

EJECTIONS: Final = 40_000
"""Rounds of ejection before the rest is given up."""

STALE: Final = 8_000
"""Rounds without a fuller board before it is given up as well."""

STIR: Final = 12
"""Meetings that are moved at random after each round, so that the search does not circle."""


def place(
    board: Board, edges: Iterable[int], rng: Random, on: Callable[[], bool], rounds: int = EJECTIONS
) -> list[int]:
    """Seat these wishes, on a board that may already hold others. What could not be seated is returned.

    ``on``: whether to go on. Nobody's maximum is exceeded; fixed meetings stay where they are. When it ends early, the
    fullest board that was met is restored.
    """
    model = board.model
    waiting = [edge for edge in edges if edge not in board.at]
    waiting.sort(
        key=lambda edge: (edge not in model.before, -model.edges[edge].length, len(model.edges[edge].seatings), edge)
    )
    waiting = [edge for edge in waiting if not _seat(board, edge)]
    penalty = [1] * len(model.edges)
    best, kept, since = len(waiting), dict(board.at), 0
    for turn in range(rounds):
        since += 1
        if not waiting or since > STALE or (turn % 64 == 0 and not on()):
            break
        edge = waiting.pop()
        if _seat(board, edge):
            continue
        penalty[edge] += 1
        ejected = _eject(board, edge, penalty, rng)
        if ejected is None:
            waiting.insert(0, edge)
        else:
            waiting += ejected
        if len(waiting) < best:
            best, kept, since = len(waiting), dict(board.at), 0
        _stir(board, rng)
    if waiting and best < len(waiting):
        board.restore(kept)
        waiting = [edge for edge in edges if edge not in board.at]
    return waiting


def _seat(board: Board, edge: int) -> bool:
    """Into the seating whose slot is emptiest, if any is free; a published meeting as it was, if it can."""
    model = board.model
    if board.full(edge):
        return False
    if edge in model.before and board.fits(edge, model.before[edge][0]):
        board.put(edge, model.before[edge][0])
        return True
    best, least = None, 0
    for seating in model.edges[edge].seatings:
        load = len(board.pooled[seating.start])
        if (best is None or load < least) and board.fits(edge, seating):
            best, least = seating, load
    if best is None:
        return False
    board.put(edge, best)
    return True


def _eject(board: Board, edge: int, penalty: list[int], rng: Random) -> list[int] | None:
    """Seat a wish at the least penalty of those that must leave; they are returned."""
    model = board.model
    best: tuple[float, Seating, set[int]] | None = None
    for seating in model.edges[edge].seatings:
        leaving = board.blockers(edge, seating)
        if leaving & model.fixed.keys():
            continue
        frees = not leaving.isdisjoint(board.pooled[seating.start])
        out = _victim(board, seating.start, penalty, rng) if board.packed(edge, seating) and not frees else -1
        if out is None:
            continue
        leaving = leaving | {out} if out >= 0 else leaving
        if not _within(board, edge, seating, leaving):
            continue
        cost = sum(penalty[each] for each in leaving) + rng.random()
        if best is None or cost < best[0]:
            best = cost, seating, leaving
    if best is None:
        return None
    _, seating, leaving = best
    for each in leaving:
        board.lift(each)
    board.put(edge, seating)
    return sorted(leaving)


def _victim(board: Board, slot: int, penalty: list[int], rng: Random) -> int | None:
    """Somebody whose table in a full slot is taken, of those with the least penalty."""
    there = [each for each in board.pooled[slot] if each not in board.model.fixed]
    return min(there, key=lambda each: (penalty[each], rng.random()), default=None)


def _within(board: Board, edge: int, seating: Seating, leaving: set[int]) -> bool:
    """Whether nobody's maximum is exceeded once these have left."""
    model = board.model
    for each in seating[1:]:
        gone = sum(each in board.at[other][1:] for other in leaving)
        if board.person_count[each] - gone >= model.person_most[each]:
            return False
    for side in model.edges[edge].sides:
        gone = sum(side in model.edges[other].sides for other in leaving)
        if board.count[side] - gone >= model.most[side]:
            return False
    return True


def _stir(board: Board, rng: Random) -> None:
    held = list(board.at)
    for _ in range(min(STIR, len(held))):
        edge = rng.choice(held)
        if edge in board.model.fixed:
            continue
        seating = rng.choice(board.model.edges[edge].seatings)
        old = board.lift(edge)
        board.put(edge, seating if board.fits(edge, seating) else old)
