"""More floor and value for a plan that falls short of its bound: a few slots at a time, each time exactly."""

from collections.abc import Callable
from random import Random
from typing import Final

from matching.timetable.board import Board
from matching.timetable.programs import Clock
from matching.timetable.whole import Whole

TURNS: Final = 60
IDLE_TURNS: Final = 15
"""Turns without gain after which it is left."""

AT_ONCE: Final = 3
"""Slots that are opened in one turn."""

PIECE: Final = 500
"""Branches for one of these small programs."""


def fill(board: Board) -> None:
    """Seat every wish that has a free seating, the most valuable first; what only fills, where it serves a floor."""
    model = board.model
    for edge in sorted(
        set(range(len(model.edges))) - board.at.keys(), key=lambda edge: (-model.edges[edge].value, edge)
    ):
        one = model.edges[edge]
        if board.full(edge) or (
            one.value < 0 and all(board.count[side] >= model.floor[side] for side in one.sides)
        ):  # fmt: skip
            continue
        free = next((seating for seating in one.seatings if board.fits(edge, seating)), None)
        if free is not None:
            board.put(edge, free)
    trim(board)


def trim(board: Board) -> None:
    """Without what only fills and keeps nobody at their floor, the costliest first."""
    model = board.model
    for edge in sorted(board.at, key=lambda edge: (model.edges[edge].value, edge)):
        one = model.edges[edge]
        if one.value >= 0:
            break
        if edge not in model.fixed and all(board.count[side] != model.floor[side] for side in one.sides):
            board.lift(edge)


def improve(board: Board, rng: Random, clock: Clock, enough: Callable[[], bool]) -> None:
    """Open some slots, solve them anew with everything that waits, and take what is better; while it helps.

    Slots are drawn by those that unplaced wishes could have.
    """
    since = 0
    for _ in range(TURNS):
        if not clock.before(0.6) or enough() or since >= IDLE_TURNS:
            return
        slots = _drawn(board, rng)
        program = Whole(board, slots)
        # A floor outweighs all value; and of equal plans, the one that keeps more published meetings.
        heavy = 1.0 + sum(abs(one.value) for one in board.model.edges)
        kept = program.kept()
        aim = program.worth() | dict.fromkeys(program.marks, heavy)
        for variable in kept:
            aim[variable] += 0.4 / len(kept)
        found = program.program.best(aim, clock, nodes=PIECE)
        since += 1
        if found.chosen is None:
            continue
        before, was = dict(board.at), (board.reached(), board.value())
        program.apply(found)
        now = board.reached(), board.value()
        if now > was:
            since = 0
        elif now < was:
            board.restore(before)


def _drawn(board: Board, rng: Random) -> set[int]:
    model = board.model
    waiting = [edge for edge, one in enumerate(model.edges) if one.seatings and edge not in board.at]
    slots: set[int] = set()
    longest = 1
    if waiting:
        edge = rng.choice(waiting)
        seating = rng.choice(model.edges[edge].seatings)
        slots |= set(model.edges[edge].span(seating))
        longest = model.edges[edge].length
    while len(slots) < min(model.slots, longest + AT_ONCE - 1):
        slots.add(rng.randrange(model.slots))
    return slots
