"""Which table: people change tables, and rooms, as seldom as can be, with everybody's slots as they are.

Slot by slot an assignment problem (Kuhn, 1955): the meetings of the slot to the tables of the pool, at the cost of the
changes from each person's meeting before and to the one after. It is solved again and again, while that helps.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from scipy.optimize import linear_sum_assignment

from matching.timetable.board import Board
from matching.timetable.model import POOL, Model

SWEEPS: Final = 12

HELD: Final = 1_000_000
"""Changes for which a published meeting may change its table: none are worth it."""

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
