"""From an agenda to a plan: choose, place, improve, smooth, seat, prove. Each stage leaves a plan that breaks no rule."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from threading import Event
from typing import Final

from matching.timetable import choosing, placing, proving, reasons, seating, smoothing
from matching.timetable.agenda import Agenda, Keeping, Published
from matching.timetable.board import Board
from matching.timetable.checking import check
from matching.timetable.colouring import coloured
from matching.timetable.counting import forced_changes
from matching.timetable.improving import fill, improve, trim
from matching.timetable.model import Model, compiled
from matching.timetable.plan import Ended, Numbers, Objective, Plan, Progress, Stage
from matching.timetable.programs import Clock
from matching.timetable.proving import Bounds, Exact, seatings
from matching.timetable.seating import Tables

WIDE: Final = 60_000
"""Seatings up to which the relaxation of the whole program is worth its time when a gap of value is left."""


SLOTS: Final = 0.9
"""The part of all time after which slots are left as they are, and tables are seen to."""

TELL: Final = 0.5
"""Seconds between two reports within a stage."""


@dataclass(slots=True)
class _Work(Clock):
    """The clock, and who is told what is known so far."""

    tell: Callable[[Progress], None] | None = None
    told: float = 0.0
    last: tuple[Stage, Board, Bounds | None] | None = None

    def report(self, stage: Stage, board: Board, bounds: Bounds | None) -> None:
        self.last = stage, board, bounds
        if self.tell:
            self.told = self.elapsed()
            most = (bounds.floor, bounds.value) if bounds else (len(board.count), board.model.most_value)
            self.tell(Progress(stage, self.told, len(board.at), board.reached(), board.value(), *most))

    def on(self) -> bool:
        if self.last and self.elapsed() - self.told > TELL:
            self.report(*self.last)
        return Clock.on(self)

    def ended(self) -> Ended:
        if self.cancelled():
            return Ended.CANCELLED
        return Ended.OUT_OF_TIME if self.hurried else Ended.DONE


def solve(
    agenda: Agenda,
    *,
    seconds: float = 30.0,
    seed: int = 0,
    progress: Callable[[Progress], None] | None = None,
    cancel: Event | None = None,
) -> Plan:
    """The best timetable that is found in that time, and what is proven of it.

    Floor, value, published meetings moved, idle slots, changes of table: each counts only among plans that are equal in
    those before. ``seconds`` may be exceeded by a moment; ``cancel`` is heard within ten seconds (``programs.BREATH``),
    mostly at once. Either way a plan comes back that keeps all rules. The same agenda and seed give the same plan, unless
    ``ended`` says that time ran out.
    ``progress`` is called in this thread, a few times a second at most.

    AgendaRefused, with all that is to be changed, when no timetable can be made of the agenda.
    """
    work = _Work(seconds, cancel, tell=progress)
    check(agenda)
    published = agenda.published
    if published is None or not published.late:
        return _solved(agenda, work, seed)
    known = {frozenset(meeting.pair) for meeting in published.meetings}
    early = tuple(
        wish for wish in agenda.wishes if not published.late & set(wish.pair) or frozenset(wish.pair) in known
    )
    first = _solved(replace(agenda, wishes=early, published=replace(published, late=frozenset())), work, seed)
    # What the others have is settled; who came late fills what is empty.
    settled = Published(first.meetings, Keeping.FIXED)
    then = _solved(replace(agenda, published=settled), work, seed)
    moves = tuple(level for level in first.levels if level.objective is Objective.MOVED)
    levels = (*then.levels[:2], *moves, *then.levels[2:])
    return replace(then, levels=levels, numbers=replace(then.numbers, moved=first.numbers.moved))


def _solved(agenda: Agenda, work: _Work, seed: int) -> Plan:
    model = compiled(agenda)
    rng = Random(seed)  # noqa: S311 - the same plan for the same seed
    board = Board(model)
    bounds = _chosen(model, board, work, rng)
    _improved(board, bounds, work, rng)
    work.report(Stage.SMOOTHING, board, bounds)
    tables = _smoothed(board, bounds, work, rng)
    unsettled = smoothing.moved(board) + sum(smoothing.idle_slots(board)) + _changes(board, tables) - bounds.changes
    if unsettled and seatings(model) <= proving.SMALL and work.on():
        work.report(Stage.PROVING, board, bounds)
        tables = _proven(board, tables, bounds, work, rng)
    work.report(Stage.DONE, board, bounds)
    return _plan(board, tables, bounds, work)


def _chosen(model: Model, board: Board, work: _Work, rng: Random) -> Bounds:
    """Bounds from the b-matching, and its wishes seated as far as may be."""
    work.report(Stage.CHOOSING, board, None)
    choice = choosing.choose(model, work)
    bounds = Bounds(choice.floor, choice.value, moved=model.published - len(model.fixed) - choice.kept)
    work.report(Stage.PLACING, board, bounds)
    exact = coloured(model, choice.edges)
    if exact is not None:
        board.replaced(exact.items())
    else:
        placing.place(board, choice.edges, rng, work.on)
    fill(board)
    return bounds


def _improved(board: Board, bounds: Bounds, work: _Work, rng: Random) -> None:
    """Floor and value up to their bounds, or the bounds down to them."""

    hoped = bounds.floor, bounds.value

    def met() -> bool:
        return (board.reached(), board.value()) >= (bounds.floor, bounds.value)

    if not met() and work.on():
        work.report(Stage.IMPROVING, board, bounds)
        improve(board, rng, work, met)
        size = seatings(board.model)
        if not met() and (work.on() if size <= proving.SMALL else size <= WIDE and work.before(0.3)):
            Exact(board, bounds, work).floor_and_value()
        trim(board)
    if board.reached() < bounds.floor:
        # With fewer at their floor, more value may be had than was thought.
        bounds.value = max(bounds.value, choosing.value_bound(board.model, board.reached(), work))
    if (board.reached(), board.value()) != hoped:
        bounds.moved = board.model.published - len(board.model.fixed) - len(board.model.before)


def _smoothed(board: Board, bounds: Bounds, work: _Work, rng: Random) -> Tables:
    """Slots, then tables: fewer idle slots and changes. Sets the bound of changes."""

    def on() -> bool:
        going = work.on() and work.before(SLOTS)
        work.hurried |= not going
        return going

    fewest = 0
    if work.on():
        fewest = forced_changes(board.model, board.reached(), board.value(), 0, work)
        for plan in (smoothing.QUICK, smoothing.THOROUGH):
            smoothing.smooth(board, rng, on, plan, enough=fewest)
    idle = sum(smoothing.idle_slots(board))
    if idle:
        fewest = forced_changes(board.model, board.reached(), board.value(), idle, work) if work.on() else 0
    bounds.changes = fewest
    return seating.rearrange(board, seating.seat(board.model, board), rng, work.on, enough=fewest)


def _proven(board: Board, tables: Tables, bounds: Bounds, work: _Work, rng: Random) -> Tables:
    """The later levels of a small timetable by the whole program."""
    before = dict(board.at)
    program = Exact(board, bounds, work)
    program.floor_and_value()
    program.moves()
    program.idle()
    if board.at != before:
        tables = _smoothed(board, bounds, work, rng)
    if seatings(board.model) * max(1, len(board.model.pool)) <= proving.TINY and work.on():
        tables = program.tables(tables)
    return tables


def _changes(board: Board, tables: Tables) -> int:
    return sum(seating.changes(board.model, board, tables))


def _plan(board: Board, tables: Tables, bounds: Bounds, work: _Work) -> Plan:
    model = board.model
    order = sorted(board.at, key=lambda edge: (board.at[edge].start, tables[edge], edge))
    at_tables, at_rooms = seating.changes(model, board, tables)
    levels = proving.levels(model, board, tables, bounds)
    gone = next((level.reached for level in levels if level.objective is Objective.MOVED), 0)
    filled = sum(model.edges[edge].fills for edge in board.at)
    numbers = Numbers(
        wishes=sum(not one.fills for one in model.edges),
        placed=len(board.at) - filled,
        filled=filled,
        participants=len(model.of),
        floor_reached=board.reached(),
        value=board.value(),
        moved=gone,
        idle_slots=sum(smoothing.idle_slots(board)),
        table_changes=at_tables,
        room_changes=at_rooms,
    )
    return Plan(
        meetings=tuple(model.meeting(edge, board.at[edge], tables[edge]) for edge in order),
        levels=levels,
        unplaced=tuple(reasons.reasons(model, board)),
        numbers=numbers,
        ended=work.ended(),
    )
