"""Schedules and their drafts, meetings and what becomes of them."""

from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from schemas.base import Filter, Message, wrong_at
from schemas.event_extras import GroupFilter
from schemas.events import ParticipantKind
from schemas.operations import OperationState
from schemas.text import Line, Text, Whole
from schemas.wishes import ParticipantCard, WhyNot, WishReason

Note = Annotated[str, Text(2000)]


class Planning(StrEnum):
    """全部重排、已公布的不动、尽量少动: what becomes of meetings that are published already."""

    ANEW = "anew"
    FIXED = "fixed"
    FEWEST_MOVES = "fewest_moves"


class LateJoiners(StrEnum):
    """不排、只补空位、与他人一样: what those get who were confirmed after the last publication."""

    LEAVE_OUT = "leave_out"
    FILL = "fill"
    LIKE_OTHERS = "like_others"


class Publishing(StrEnum):
    """预公布、正式公布."""

    PRELIMINARY = "preliminary"
    FINAL = "final"


class MeetingState(StrEnum):
    """已安排、已洽谈、爽约、已取消."""

    PLANNED = "planned"
    HELD = "held"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"


class Source(StrEnum):
    """排程、现场: from a schedule, or made on the spot."""

    SCHEDULE = "schedule"
    WALK_IN = "walk_in"


class Ground(StrEnum):
    """双方都想见、一方提出、系统推荐: why two meet. Whom nobody asked for, the matcher found, for the promised number."""

    AGREED = "agreed"
    ASKED = "asked"
    RECOMMENDED = "recommended"


class Goal(StrEnum):
    """保底、约见价值、改动、空等、换桌: in the order in which they count."""

    FLOOR = "floor"
    VALUE = "value"
    MOVED = "moved"
    IDLE = "idle"
    CHANGES = "changes"


class Proof(StrEnum):
    OPTIMAL = "optimal"
    GAP = "gap"


class LevelView(Message):
    """What was reached of a goal, and the bound that no timetable passes."""

    objective: Goal
    reached: int
    bound: int
    status: Proof
    gap: Annotated[float, Field(description="已证明的差距，0 为最优 · proven distance; 0 when optimal")]


class ScheduleNumbers(Message):
    meetings: int
    wishes: Annotated[int, Field(description="有人提出的约见 · pairs that somebody asked for")]
    placed: int
    one_sided: Annotated[
        int, Field(description="只有一方提出、为保底排上的 · planned for the promise, and asked for by one side")
    ] = 0
    recommended: Annotated[
        int,
        Field(
            description="无人提出、由系统推荐、为保底排上的 · planned for the promise, and found by the matcher alone"
        ),
    ] = 0
    participants: int
    floor_reached: int
    value: Annotated[int, Field(description="千分之一 · in thousandths")]
    moved: int
    idle_slots: int
    table_changes: int
    room_changes: int


class ScheduleNew(Message):
    """Have a draft computed. Nothing changes for anybody until it is published."""

    name: Annotated[Annotated[str, Line(100)] | None, Field(description="草案名称 · what to call it")] = None
    planning: Planning = Planning.FIXED
    late: LateJoiners = LateJoiners.LEAVE_OUT
    fill: Annotated[
        bool,
        Field(
            description="保底不足时用系统推荐的配对补足"
            " · keep promises with what the matcher proposes, where wishes do not reach; never with a pair of no reason"
        ),
    ] = True
    seconds: Annotated[
        Annotated[int, Whole(1, 600)], Field(description="最多计算多少秒 · how long it may be looked for")
    ] = 60
    seed: Annotated[int, Whole(0, 2**31 - 1)] = 0


class ScheduleView(Message):
    """A draft: how far the work is, and what is proven of the result."""

    id: UUID
    event_id: UUID
    number: int
    name: str | None
    planning: Planning
    late: LateJoiners
    fill: bool
    seconds: int
    seed: int
    operation_id: UUID
    state: OperationState
    progress: Annotated[float, Field(description="0–1")]
    error: str | None
    levels: list[LevelView]
    numbers: ScheduleNumbers | None
    optimal: Annotated[bool | None, Field(description="各级都已证明最优 · every level is proven")]
    published: Annotated[bool, Field(description="当前公布的就是此草案 · it is what is published now")]
    created_at: AwareDatetime
    planned_at: AwareDatetime | None


class PlaceView(Message):
    """When and where, in the words of the agenda."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime
    table_id: UUID | None
    table: str | None
    room: str | None
    venue: str | None


class PlacedView(Message):
    """One meeting of a draft."""

    first: ParticipantCard
    second: ParticipantCard
    first_person: str
    second_person: str
    value: Annotated[
        int, Field(description="约见价值（千分之一），只为保底的为 0 · in thousandths; 0: it only keeps a promise")
    ]
    ground: Ground | None
    because: Annotated[
        list[WishReason], Field(description="系统推荐的理由 · where nobody asked: why the matcher proposes it")
    ]
    place: PlaceView


class UnplacedView(Message):
    """A wish that a draft has no room for, and why."""

    first: ParticipantCard
    second: ParticipantCard
    why: WhyNot
    instead: Annotated[
        list[tuple[str, str]], Field(description="占用其所需的洽谈 · the meetings that hold what it would have needed")
    ]


class ShiftView(Message):
    """Somebody whose meetings are worth more, or less, in the other draft: how many they are and their value, in both."""

    participant: ParticipantCard
    meetings: tuple[int, int]
    value: tuple[int, int]


class ComparisonView(Message):
    """From one draft to another: who gains, who loses, and how many meetings moved, came or went."""

    one: int
    other: int
    gain: list[ShiftView]
    lose: list[ShiftView]
    moved: int
    added: int
    dropped: int
    one_sided: tuple[int, int]
    recommended: tuple[int, int]
    levels: list[tuple[LevelView | None, LevelView | None]]


class PublicationNew(Message):
    kind: Publishing


class PublicationView(Message):
    id: UUID
    event_id: UUID
    number: int
    kind: Publishing
    schedule_id: UUID
    planned: Annotated[int, Field(description="洽谈场数 · meetings from then on")]
    added: int
    moved: int
    dropped: int
    published_at: AwareDatetime
    undone_at: AwareDatetime | None


class MeetingFilter(GroupFilter):
    """Which meetings: one's own, or of an event that one runs."""

    event: UUID | None = None
    registration: UUID | None = None
    state: MeetingState | None = None
    table: UUID | None = None


class MeetingView(Message):
    id: UUID
    event_id: UUID
    state: MeetingState
    source: Source
    ground: Annotated[Ground | None, Field(description="为何见面；现场约谈没有 · null: made on the spot")]
    because: Annotated[list[WishReason], Field(description="系统推荐的理由 · where nobody asked: why it was proposed")]
    first: ParticipantCard
    second: ParticipantCard
    first_person: Annotated[str, Field(description="出席人 · who sits")]
    second_person: str
    first_person_id: UUID
    second_person_id: UUID
    wish_id: UUID | None
    place: PlaceView
    absent: Annotated[list[UUID], Field(description="未到的一方（报名） · sides that did not come")]
    note: str | None
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class MeetingMove(Message):
    """Another slot, another table, or both. Of a visit the slot is the first."""

    slot_id: UUID | None = None
    table_id: UUID | None = None

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.slot_id is None and self.table_id is None:
            raise wrong_at(
                "slot_id", "nowhere_to_move", "请填写新的场次或桌子 · name another slot, another table, or both"
            )
        return self


class MeetingSwap(Message):
    """Two meetings change places."""

    other_id: UUID


class MeetingCancellation(Message):
    note: Note | None = None


class NoShow(Message):
    """Which sides did not come."""

    absent: Annotated[list[UUID], Field(min_length=1, max_length=2, description="未到的报名 · their registrations")]


class WalkIn(Message):
    """A meeting made on the spot."""

    first_id: UUID
    second_id: UUID
    slot_id: UUID
    table_id: Annotated[UUID | None, Field(description="不填则任一空桌 · null: any table that is free")] = None


class TableDay(Message):
    """A table, and who sits there in the course of the event."""

    table_id: UUID
    venue: str
    room: str
    table: str
    meetings: list[MeetingView]


class SeatNeeds(Message):
    """What somebody who sits at a table needs there. It is for those who set it up, and stays off what is laid on it."""

    registration_id: UUID
    name: str
    accessibility: str


class TablePlan(Message):
    event_id: UUID
    title: str
    made_at: AwareDatetime
    tables: list[TableDay]
    needs: list[SeatNeeds] = []


class DoorRow(Message):
    """Somebody who is expected, and where they are to be."""

    name: str
    organisation: str | None
    job: str | None
    kind: ParticipantKind
    accessibility: str | None
    checked_in_at: AwareDatetime | None
    meetings: list[PlaceView]


class DoorList(Message):
    event_id: UUID
    title: str
    made_at: AwareDatetime
    people: list[DoorRow]


class CalendarFilter(Filter):
    person: Annotated[UUID | None, Field(description="只要其中一人的 · of one of its people alone")] = None
