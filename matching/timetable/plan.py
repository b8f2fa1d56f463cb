"""What comes out: meetings, what is proven of them, why a wish was not placed, and the numbers."""

from dataclasses import dataclass
from enum import StrEnum

from matching.timetable.agenda import Meeting


class Objective(StrEnum):
    """In the order in which they count. Of each, no timetable that equals this one in those before may do better."""

    FLOOR = "floor"
    """Participants who reach what they were promised."""
    VALUE = "value"
    """What the granted wishes are worth, less what those cost that only fill, in thousandths."""
    MOVED = "moved"
    """Published meetings that were moved or dropped."""
    IDLE = "idle"
    """Slots in which somebody who could meet waits between two meetings of a session."""
    CHANGES = "changes"
    """Changes of table, and once more of room, between two meetings of a session."""

    @property
    def to_be_large(self) -> bool:
        return self in {Objective.FLOOR, Objective.VALUE}


class Status(StrEnum):
    OPTIMAL = "optimal"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class Level:
    """What was reached of an objective, and the bound that no timetable passes, given what the levels before reached."""

    objective: Objective
    reached: int
    bound: int

    @property
    def status(self) -> Status:
        return Status.OPTIMAL if self.reached == self.bound else Status.GAP

    @property
    def gap(self) -> float:
        """|bound − reached| as a share of the larger of the two (by size); 0 when optimal."""
        return abs(self.bound - self.reached) / max(abs(self.bound), abs(self.reached), 1)


class Why(StrEnum):
    """Why a wish was not placed."""

    NO_COMMON_LANGUAGE = "no_common_language"
    """No person of one side speaks a language of the other."""
    HOSTS_APART = "hosts_apart"
    """Both sides stay at a table of their own."""
    NO_COMMON_SLOT = "no_common_slot"
    """Whenever one side is there, the other is not; for a visit, never for long enough."""
    NO_TABLE_OPEN = "no_table_open"
    """In the slots that they have in common there is no table, or theirs is closed."""
    FIXED_MEETINGS = "fixed_meetings"
    """Published meetings that stay fixed hold every slot, table or meeting that it could have had."""
    FLOOR = "floor"
    """It would be worth more than what it would take the place of, but somebody would miss their floor."""
    MAXIMUM_REACHED = "maximum_reached"
    """One of the two has as many meetings as they want, all of them better or part of a better whole."""
    NO_TABLE_LEFT = "no_table_left"
    """Both are free in a slot, but every table, or the one it needs, is taken by better wishes."""
    PEOPLE_BUSY = "people_busy"
    """In every slot that they have in common, one of the two is in a meeting that is better or part of a better whole."""
    SEARCH_ENDED = "search_ended"
    """Time ran out, or it was cancelled, before this wish was settled."""


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A wish that was not placed. ``instead``: the pairs that hold what it would have needed, where that is the reason."""

    pair: tuple[str, str]
    why: Why
    instead: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Numbers:
    """``wishes`` and ``placed`` without the pairs that only fill; ``filled``: of those."""

    wishes: int
    placed: int
    filled: int
    participants: int
    floor_reached: int
    value: int
    moved: int
    idle_slots: int
    table_changes: int
    room_changes: int


class Ended(StrEnum):
    DONE = "done"
    OUT_OF_TIME = "out_of_time"
    """Time cut something short: all of it, or one proof."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Plan:
    """A timetable. It breaks no rule, however it ended. ``meetings`` in the order of slots, then tables."""

    meetings: tuple[Meeting, ...]
    levels: tuple[Level, ...]
    unplaced: tuple[Unplaced, ...]
    numbers: Numbers
    ended: Ended

    @property
    def optimal(self) -> bool:
        """Whether all levels are proven."""
        return all(level.status is Status.OPTIMAL for level in self.levels)

    def level(self, objective: Objective) -> Level:
        return next(level for level in self.levels if level.objective is objective)


class Stage(StrEnum):
    CHOOSING = "choosing"
    PLACING = "placing"
    IMPROVING = "improving"
    SMOOTHING = "smoothing"
    PROVING = "proving"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the work is: its stage, meetings so far, and what is known of floor and value. ``seconds`` since the start."""

    stage: Stage
    seconds: float
    meetings: int
    floor: int
    value: int
    floor_bound: int
    value_bound: int
