"""Which table: people change tables, and rooms, as seldom as can be, with everybody's slots as they are.

Slot by slot an assignment problem (Kuhn, 1955): the meetings of the slot to the tables of the pool, at the cost of the
changes from each person's meeting before and to the one after. It is solved again and again, while that helps. Then
annealing over exchanges of two tables (``kernels.swapping``), mostly so that who changes tables stays in the room.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random
from typing import Final

import numpy as np
from scipy.optimize import linear_sum_assignment

from matching.timetable.board import Board
from matching.timetable.kernels.swapping import Seats, anneal
from matching.timetable.model import POOL, Model

SWEEPS: Final = 12

HELD: Final = 1_000_000
"""Changes for which a published meeting may change its table: none are worth it."""

TRIES: Final = 1_500
"""Exchanges of two tables, per meeting."""

AT_ONCE: Final = 65_536
"""Tries between two looks at the clock and at what was reached."""

HEATS: Final = 0.5, 0.1
"""Changes by which a try may be worse, at first and in the end, once in e times."""

Tables = dict[int, int]


def changes(model: Model, board: Board, tables: Tables) -> tuple[int, int]:
    """How often people change table, and room, from one meeting to the next of the same session."""
    rooms = _rooms(model)
    at_tables = at_rooms = 0
    for before, after in links(board):
        at_tables += tables[before] != tables[after]
        at_rooms += rooms[tables[before]] != rooms[tables[after]]
    return at_tables, at_rooms


def links(board: Board) -> Iterator[tuple[int, int]]:
    """Each person's meetings, one and the next of the same session."""
    session = board.model.session
    for row in board.who:
        last = -1
        for slot, edge in enumerate(row):
            if edge < 0 or edge == last:
                continue
            if last >= 0 and session[board.at[last].start] == session[slot]:
                yield last, edge
            last = edge


def _rooms(model: Model) -> list[int]:
    numbers: dict[str, int] = {}
    return [numbers.setdefault(table.room, len(numbers)) for table in model.agenda.tables]


def seat(model: Model, board: Board) -> Tables:
    """A table for each meeting. Own places and fixed tables are given; so is a published one, if its slot is."""
    tables: Tables = {edge: model.edges[edge].place for edge in board.at if model.edges[edge].place != POOL}
    tables |= {edge: table for edge, (_, table) in model.fixed.items()}
    near: dict[int, list[int]] = {edge: [] for edge in board.at}
    for before, after in links(board):
        near[before].append(after)
        near[after].append(before)
    rooms = np.array(_rooms(model))
    costs = -1
    for _ in range(SWEEPS):
        for slot in range(model.slots):
            _seat_slot(model, board, tables, near, rooms, slot)
        now = sum(changes(model, board, tables))
        if now == costs:
            break
        costs = now
    return tables


def _seat_slot(
    model: Model, board: Board, tables: Tables, near: dict[int, list[int]], rooms: np.ndarray, slot: int
) -> None:
    there = [edge for edge in board.pooled[slot] if edge not in model.fixed]
    if not there:
        return
    taken = {tables[edge] for edge in board.pooled[slot] if edge in model.fixed}
    open_ = np.array([table for table in model.pool if model.open[table][slot] and table not in taken])
    cost = np.zeros((len(there), len(open_)))
    for row, edge in enumerate(there):
        for other in near[edge]:
            if (table := tables.get(other, -1)) >= 0:
                cost[row] += (open_ != table) + 0.0 + (rooms[open_] != rooms[table])
        seating, table = model.before.get(edge, (None, -1))
        if seating == board.at[edge]:
            cost[row, open_ == table] -= HELD
    for row, column in zip(*linear_sum_assignment(cost), strict=True):
        tables[there[row]] = int(open_[column])


def rearrange(board: Board, tables: Tables, rng: Random, on: Callable[[], bool], *, enough: int = 0) -> Tables:
    """Anneal while ``on``, until there are no more than ``enough`` changes. Never worse than before."""
    model = board.model
    best = sum(changes(model, board, tables))
    if best <= enough or len(model.pool) < 2:
        return tables
    order = sorted(board.at)
    seats = _seats(board, order, tables)
    heats, random = np.array(HEATS), np.array([rng.getrandbits(64)], np.uint64)
    steps = TRIES * len(order)
    for begin in range(0, steps, AT_ONCE):
        if best <= enough or not on():
            break
        anneal(seats, random, heats, begin, min(steps, begin + AT_ONCE), steps)
        found = dict(zip(order, seats.table.tolist(), strict=True))
        if (now := sum(changes(model, board, found))) < best:
            best, tables = now, found
    return tables


def _seats(board: Board, order: list[int], tables: Tables) -> Seats:
    model = board.model
    number = {edge: place for place, edge in enumerate(order)}
    session = np.array(model.session)
    grid = np.full((len(model.open), model.slots), -1)
    near = np.full((len(order), 4), -1)
    for edge in order:
        if model.edges[edge].place == POOL:
            grid[tables[edge], board.at[edge].start] = number[edge]
    for person, row in enumerate(board.who):
        for before, after in pairwise(dict.fromkeys(edge for edge in row if edge >= 0)):
            if session[board.at[before].start] == session[board.at[after].start]:
                near[number[after], board.at[after].index(person, 1) - 1] = number[before]
                near[number[before], board.at[before].index(person, 1) + 1] = number[after]

    def stays(edge: int) -> bool:
        kept, _ = model.before.get(edge, (None, -1))
        return model.edges[edge].place != POOL or edge in model.fixed or kept == board.at[edge]

    # Somebody's own table is closed to all who could sit elsewhere.
    open_ = np.zeros((len(model.open), model.slots), np.bool_)
    open_[model.pool] = np.array(model.open)[model.pool]
    return Seats(
        table=np.array([tables[edge] for edge in order]),
        grid=grid,
        slot=np.array([board.at[edge].start for edge in order]),
        near=near,
        stays=np.array([stays(edge) for edge in order]),
        room=np.array(_rooms(model)),
        open=open_,
        pool=np.array(model.pool),
        begins=np.searchsorted(session, session, "left"),
        ends=np.searchsorted(session, session, "right"),
    )
