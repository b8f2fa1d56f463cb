"""Fewer idle slots, with the same meetings: annealing over exchanges of two slots.

An exchange (Kempe's chain) takes a meeting from one slot to another, and whoever stands in the way back in its place, and
so on until nobody is seated twice. It leaves who meets whom untouched, so floor and value stay what they are.
"""

import math
from collections.abc import Callable
from random import Random
from typing import Final

from matching.timetable.board import Board
from matching.timetable.model import POOL, Model, Seating

CHAIN: Final = 60
"""Meetings that one exchange may move."""

IDLE: Final = 4
"""What an idle slot costs; a session in which somebody has a meeting gives one back, when meetings are to be spread."""

HOT: Final = 4.0
WARM: Final = 1.0
COLD: Final = 0.3
"""Costs by which a step may be worse, at first (spreading: WARM) and in the end, once in e times."""

AWAY: Final = 4_000
"""Costs for which a published meeting may be moved: none of them are worth it."""


class _Days:
    """Each person's slots as bits: when they have meetings, when they could."""

    def __init__(self, board: Board) -> None:
        model = board.model
        count = max(model.session) + 1
        self.masks = [sum(1 << slot for slot in range(model.slots) if model.session[slot] == s) for s in range(count)]
        self.free = [sum(1 << slot for slot, yes in enumerate(row) if yes) for row in model.free]
        self.busy = [sum(1 << slot for slot, edge in enumerate(row) if edge >= 0) for row in board.who]

    def idle(self, person: int) -> int:
        """Bits of the slots in which a person waits between two meetings of a session."""
        out, busy = 0, self.busy[person]
        for mask in self.masks:
            here = busy & mask
            if here:
                out |= ((1 << here.bit_length()) - (here & -here)) & ~here
        return out & self.free[person]

    def sessions(self, person: int) -> int:
        """The sessions in which a person has a meeting."""
        return sum(self.busy[person] & mask != 0 for mask in self.masks)


def idle_slots(board: Board) -> list[int]:
    """Slots in which each person waits, though they could meet, between two meetings of one session."""
    days = _Days(board)
    return [days.idle(person).bit_count() for person in range(len(days.busy))]


def moved(board: Board) -> int:
    """Published meetings that are not where they were, or not at all."""
    kept = sum(board.at.get(edge) == seating for edge, (seating, _) in board.model.before.items())
    return len(board.model.before) - kept


class _Annealing:
    def __init__(self, board: Board, rng: Random, *, spread: bool) -> None:
        self.board, self.rng, self.spread = board, rng, spread
        self.days = _Days(board)
        self.wait = [self.days.idle(person).bit_count() for person in range(len(self.days.busy))]
        self.used = [self.days.sessions(person) for person in range(len(self.days.busy))]
        self.at_home = {edge: seating for edge, (seating, _) in board.model.before.items()}
        self.homes = list(self.at_home)

    def step(self, heat: float) -> None:
        """Try one exchange: a meeting of somebody who waits, into the slot in which they do."""
        board, rng = self.board, self.rng
        if self.at_home and rng.random() < 0.2:
            edge = rng.choice(self.homes)
            chain = None
            if edge in board.at and board.at[edge] != self.at_home[edge]:
                chain = exchange(board, edge, self.at_home[edge], rng)
            if chain:
                self._weigh(chain, heat)
            return
        waiting = rng.randrange(len(self.wait))
        for _ in range(20):
            if self.wait[waiting]:
                break
            waiting = rng.randrange(len(self.wait))
        busy = [slot for slot, edge in enumerate(board.who[waiting]) if edge >= 0]
        if not busy:
            return
        idle = self.days.idle(waiting)
        gaps = [slot for slot in range(board.model.slots) if idle >> slot & 1]
        edge = board.who[waiting][rng.choice(busy)]
        seating = self._to(edge, rng.choice(gaps) if gaps and rng.random() < 0.8 else rng.randrange(board.model.slots))
        if seating is None:
            return
        chain = exchange(board, edge, seating, rng)
        if chain:
            self._weigh(chain, heat)

    def _to(self, edge: int, slot: int) -> Seating | None:
        one, now = self.board.model.edges[edge], self.board.at[edge]
        choices = [each for each in one.seatings if each.start == slot and each != now]
        if len(choices) > 1 and self.rng.random() < 0.5:
            same = [each for each in choices if each[1:] == now[1:]]
            choices = same or choices
        return self.rng.choice(choices) if choices else None

    def _weigh(self, chain: dict[int, Seating], heat: float) -> None:
        board, days = self.board, self.days
        people = {person for edge, to in chain.items() for person in (*board.at[edge][1:], *to[1:])}
        away = sum((to != self.at_home[edge]) - (board.at[edge] != self.at_home[edge]) for edge, to in chain.items()
                   if edge in self.at_home)  # fmt: skip
        old = {edge: board.at[edge] for edge in chain}
        self._turn(chain, -1, old)
        self._turn(chain, 1, chain)
        waits = {person: days.idle(person).bit_count() for person in people}
        change = IDLE * (sum(waits.values()) - sum(self.wait[person] for person in people)) + AWAY * away
        used = {person: days.sessions(person) for person in people} if self.spread else {}
        change -= sum(count - self.used[person] for person, count in used.items())
        if change <= 0 or self.rng.random() < math.exp(-change / heat):
            for edge in chain:
                board.lift(edge)
            board.replaced(chain.items())
            for person, wait in waits.items():
                self.wait[person] = wait
            for person, count in used.items():
                self.used[person] = count
        else:
            self._turn(chain, -1, chain)
            self._turn(chain, 1, old)

    def _turn(self, chain: dict[int, Seating], by: int, seats: dict[int, Seating]) -> None:
        busy = self.days.busy
        for edge in chain:
            one, seating = self.board.model.edges[edge], seats[edge]
            bits = ((1 << one.length) - 1) << seating.start
            for person in seating[1:]:
                busy[person] += by * bits


def exchange(board: Board, edge: int, to: Seating, rng: Random) -> dict[int, Seating] | None:
    """The seatings after a meeting went elsewhere, or None if rules forbid it. Those in its way go where it was.

    A table too many in one of the two slots is made up for by one more chain in the other direction.
    """
    model = board.model
    here, there = board.at[edge].start, to.start
    chain = _chain(board, {}, edge, to)
    if chain is None:
        return None
    for _ in range(3):
        surplus = _surplus(board, chain, here, there)
        if surplus == 0:
            return chain if _within(board, chain) else None
        slot, back = (there, here) if surplus > 0 else (here, there)
        others = [each for each in board.pooled[slot] if each not in chain]
        if not others or here == there:
            return None
        other = rng.choice(others)
        more = _back(model, other, board.at[other], back)
        longer = _chain(board, chain, other, more) if more else None
        if longer is None:
            continue
        chain = longer
    return None


def _back(model: Model, edge: int, seating: Seating, slot: int) -> Seating | None:
    """The same two people in another slot, if they and the place are free for it."""
    one = model.edges[edge]
    if one.length > 1 or edge in model.fixed:
        return None
    if not (model.free[seating.first][slot] and model.free[seating.second][slot]):
        return None
    open_ = model.open[one.place][slot] if one.place != POOL else True
    return Seating(slot, seating.first, seating.second) if open_ else None


def _chain(board: Board, begun: dict[int, Seating], edge: int, to: Seating) -> dict[int, Seating] | None:
    model = board.model
    if edge in model.fixed or (model.edges[edge].length > 1 and board.blockers(edge, to) - {edge}):
        return None
    here, there = board.at[edge].start, to.start
    chain = begun | {edge: to}
    queue = [edge]
    while queue:
        moving = queue.pop()
        for other in board.blockers(moving, chain[moving]):
            if other in chain:
                continue
            at = board.at[other]
            back = _back(model, other, at, here if at.start == there else there)
            if back is None or len(chain) >= CHAIN:
                return None
            chain[other] = back
            queue.append(other)
    return chain


def _surplus(board: Board, chain: dict[int, Seating], here: int, there: int) -> int:
    """Tables that ``there`` would lack (above 0) or ``here`` (below 0)."""
    out = sum(
        (to.start == there) - (board.at[edge].start == there)
        for edge, to in chain.items()
        if board.model.edges[edge].place == POOL
    )
    if out > 0:
        return max(0, len(board.pooled[there]) + out - board.room[there])
    return -max(0, len(board.pooled[here]) - out - board.room[here])


def _within(board: Board, chain: dict[int, Seating]) -> bool:
    """Nobody is seated twice, and nobody has more meetings than they want."""
    count: dict[int, int] = {}
    taken: set[tuple[int, int]] = set()
    for edge, to in chain.items():
        for person in board.at[edge][1:]:
            count[person] = count.get(person, 0) - 1
        for person in to[1:]:
            count[person] = count.get(person, 0) + 1
            if (person, to.start) in taken:
                return False
            taken.add((person, to.start))
    most = board.model.person_most
    return all(board.person_count[person] + more <= most[person] for person, more in count.items() if more > 0)


def smooth(board: Board, rng: Random, on: Callable[[], bool], steps: int, *, spread: bool = False) -> None:
    """Anneal for so many steps, while ``on``. Ends with the best that was met, never worse than before.

    Until nobody waits; with ``spread`` to the end, so that people have meetings in more sessions and fewer in a row:
    without changing what comes before, that is the fewest changes of table that slots can do for.
    """
    if not board.at:
        return
    work = _Annealing(board, rng, spread=spread)

    def standing() -> tuple[int, int, int]:
        return moved(board), sum(work.wait), -sum(work.used) if spread else 0

    best, kept = standing(), dict(board.at)
    hot = WARM if spread else HOT
    for turn in range(steps):
        if turn % 256 == 0:
            if not on():
                break
            if (now := standing()) < best:
                best, kept = now, dict(board.at)
            if not (spread or any(best)):
                break
        work.step(hot * (COLD / hot) ** (turn / steps))
    if standing() > best:
        board.restore(kept)
