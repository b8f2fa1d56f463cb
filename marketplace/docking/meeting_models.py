"""Drafts of a schedule, what was published of them, and meetings."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, SmallInteger, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.docking.models import Event
from marketplace.kernel.base import Base, Key, Moment, Versioned
from marketplace.kernel.columns import many, words
from marketplace.kernel.operations import Operation
from schemas.meetings import Ground, LateJoiners, MeetingState, Planning, Publishing, Source
from schemas.wishes import WhyNot

# What sits at a table, or did: its people and its table are held for its time.
HOLDING: Final = (MeetingState.PLANNED, MeetingState.HELD)


class Schedule(Versioned, Base):
    """A draft. What is proven of it is kept with it; nobody but the desk sees it until it is published."""

    __tablename__ = "schedule"
    __table_args__ = (
        CheckConstraint("seconds > 0", name="seconds"),
        CheckConstraint(
            "(planned_at is null) = (numbers is null) and (planned_at is null) = (basis is null)", name="planned"
        ),
        UniqueConstraint("event_id", "number", name="schedule_number_key"),
        UniqueConstraint("operation_id", name="schedule_operation_key"),
        UniqueConstraint("id", "event_id", name="schedule_of_event_key"),
    )

    id: Mapped[Key]
    event_id: Mapped[UUID] = mapped_column(ForeignKey("event.id"))
    number: Mapped[int]
    name: Mapped[str | None]
    operation_id: Mapped[UUID] = mapped_column(ForeignKey("operation.id"))
    made_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    planning: Mapped[Planning] = mapped_column(words(Planning))
    late: Mapped[LateJoiners] = mapped_column(words(LateJoiners))
    # Whether promises may be kept with what the matcher alone proposes.
    fill: Mapped[bool] = mapped_column(default=True, server_default=sql("true"))
    seconds: Mapped[int] = mapped_column(SmallInteger)
    seed: Mapped[int]
    # A digest of everything it was computed from: where that is other by now, the draft is out of date.
    basis: Mapped[str | None]
    # `schemas.meetings.LevelView` and `ScheduleNumbers`.
    levels: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    numbers: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    ended: Mapped[str | None]
    planned_at: Mapped[Moment | None]

    event: Mapped[Event] = relationship(lazy="raise")
    operation: Mapped[Operation] = relationship(lazy="raise")


class Planned(Base):
    """One meeting of a draft. It names slots and tables as they were when it was computed."""

    __tablename__ = "planned_meeting"
    __table_args__ = (
        UniqueConstraint("schedule_id", "first_id", "second_id", name="planned_meeting_pair_key"),
        Index("planned_meeting_listed_idx", "schedule_id", "starts_at", "id"),
    )

    id: Mapped[Key]
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedule.id"))
    wish_id: Mapped[UUID | None]
    first_id: Mapped[UUID]
    second_id: Mapped[UUID]
    first_person_id: Mapped[UUID]
    second_person_id: Mapped[UUID]
    # In thousandths; nothing, when it only keeps a promise.
    value: Mapped[int]
    ground: Mapped[Ground | None] = mapped_column(words(Ground))
    table_id: Mapped[UUID]
    slot_id: Mapped[UUID]
    until_slot_id: Mapped[UUID]
    starts_at: Mapped[Moment]
    ends_at: Mapped[Moment]


class Unplaced(Base):
    """A wish that a draft has no room for, and why."""

    __tablename__ = "unplaced_wish"
    __table_args__ = (
        Index("unplaced_wish_listed_idx", "schedule_id", "id"),
        Index("unplaced_wish_wish_idx", "wish_id", "schedule_id"),
    )

    id: Mapped[Key]
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedule.id"))
    wish_id: Mapped[UUID]
    first_id: Mapped[UUID]
    second_id: Mapped[UUID]
    why: Mapped[WhyNot] = mapped_column(words(WhyNot))
    # Pairs of registrations.
    instead: Mapped[list[list[str]]] = mapped_column(JSONB)


class Publication(Base):
    """A draft became what holds. `before` is what held until then, so that it can be brought back."""

    __tablename__ = "publication"
    __table_args__ = (
        CheckConstraint("(undone_at is null) = (undone_by is null)", name="undone"),
        UniqueConstraint("event_id", "number", name="publication_number_key"),
        ForeignKeyConstraint(
            ["schedule_id", "event_id"], ["schedule.id", "schedule.event_id"], name="publication_schedule_fkey"
        ),
        Index("publication_schedule_idx", "schedule_id"),
    )

    id: Mapped[Key]
    event_id: Mapped[UUID] = mapped_column(ForeignKey("event.id"))
    number: Mapped[int]
    schedule_id: Mapped[UUID]
    kind: Mapped[Publishing] = mapped_column(words(Publishing))
    before: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    planned: Mapped[int]
    added: Mapped[int]
    moved: Mapped[int]
    dropped: Mapped[int]
    published_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    published_at: Mapped[Moment]
    undone_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    undone_at: Mapped[Moment | None]
    # The last of the people whose letter is in the post, so that none gets two.
    reached: Mapped[UUID | None]
    told_at: Mapped[Moment | None]


class Meeting(Versioned, Base):
    """Two sides at a table. While it is planned or held, `reservations` keeps its people and its place under its id.

    A calendar knows it by its id; its version is the SEQUENCE, so whatever changes in it raises that.
    """

    __tablename__ = "meeting"
    __table_args__ = (
        CheckConstraint("first_id < second_id", name="in_order"),
        CheckConstraint("starts_at < ends_at", name="times"),
        CheckConstraint(
            "state not in ('planned', 'held')"
            " or (table_id is not null and slot_id is not null and until_slot_id is not null)",
            name="seated",
        ),
        CheckConstraint("(state = 'no_show') = (cardinality(absent) > 0)", name="absent"),
        CheckConstraint("called_off_at is null or state = 'cancelled'", name="called_off"),
        UniqueConstraint("id", "event_id", name="meeting_of_event_key"),
        ForeignKeyConstraint(
            ["first_id", "event_id"], ["registration.id", "registration.event_id"], name="meeting_first_fkey"
        ),
        ForeignKeyConstraint(
            ["second_id", "event_id"], ["registration.id", "registration.event_id"], name="meeting_second_fkey"
        ),
        ForeignKeyConstraint(
            ["first_person_id", "event_id"], ["attendee.id", "attendee.event_id"], name="meeting_first_person_fkey"
        ),
        ForeignKeyConstraint(
            ["second_person_id", "event_id"], ["attendee.id", "attendee.event_id"], name="meeting_second_person_fkey"
        ),
        ForeignKeyConstraint(
            ["table_id", "event_id"], ["event_table.id", "event_table.event_id"], name="meeting_table_fkey"
        ),
        ForeignKeyConstraint(
            ["slot_id", "event_id"], ["event_slot.id", "event_slot.event_id"], name="meeting_slot_fkey"
        ),
        ForeignKeyConstraint(
            ["until_slot_id", "event_id"], ["event_slot.id", "event_slot.event_id"], name="meeting_until_slot_fkey"
        ),
        Index(
            "meeting_pair_key", "first_id", "second_id", unique=True,
            postgresql_where=sql("state in ('planned', 'held')"),
        ),
        Index("meeting_listed_idx", "event_id", "starts_at", "id"),
        Index("meeting_first_idx", "first_id", "starts_at", "id"),
        Index("meeting_second_idx", "second_id", "starts_at", "id"),
        Index("meeting_first_person_idx", "first_person_id"),
        Index("meeting_second_person_idx", "second_person_id"),
        Index("meeting_table_idx", "table_id"),
        Index("meeting_slot_idx", "slot_id"),
        Index("meeting_until_slot_idx", "until_slot_id"),
    )  # fmt: skip

    id: Mapped[Key]
    event_id: Mapped[UUID] = mapped_column(ForeignKey("event.id"))
    first_id: Mapped[UUID]
    second_id: Mapped[UUID]
    first_person_id: Mapped[UUID]
    second_person_id: Mapped[UUID]
    wish_id: Mapped[UUID | None] = mapped_column(ForeignKey("wish.id"))
    source: Mapped[Source] = mapped_column(words(Source))
    ground: Mapped[Ground | None] = mapped_column(words(Ground))
    state: Mapped[MeetingState] = mapped_column(words(MeetingState))
    starts_at: Mapped[Moment]
    ends_at: Mapped[Moment]
    # Given up when it is cancelled: the agenda may then go on without them.
    table_id: Mapped[UUID | None]
    slot_id: Mapped[UUID | None]
    until_slot_id: Mapped[UUID | None]
    absent: Mapped[list[str]] = mapped_column(many(), default=list)
    note: Mapped[str | None]
    # Somebody called it off, and not a schedule that was published after it: it is not planned once more.
    called_off_at: Mapped[Moment | None]
    # The version that its people were last told of by themselves, so that each is told once.
    mailed_version: Mapped[int | None]

    def sides(self) -> tuple[UUID, UUID]:
        return self.first_id, self.second_id

    def person_of(self, side: UUID) -> UUID:
        return self.first_person_id if side == self.first_id else self.second_person_id
