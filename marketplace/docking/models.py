"""Docking events, and their agenda: venues with rooms and tables, sessions with slots."""

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, SmallInteger, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.identity.models import Organisation
from marketplace.kernel.base import Base, Key, Moment, Now, Versioned
from marketplace.kernel.columns import many, words
from schemas.agenda import SessionKind
from schemas.events import EventFormat, EventKind, EventState, OrganizerRole, ParticipantKind, QuestionKind


class Event(Versioned, Base):
    """An event, and the rules by which people register. Whoever saw it published goes on seeing what became of it."""

    __tablename__ = "event"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="in_order"),
        CheckConstraint("registration_opens_at < registration_closes_at", name="window"),
        CheckConstraint("registration_closes_at <= ends_at and registration_opens_at < ends_at", name="window_in_time"),
        CheckConstraint("state in ('draft', 'cancelled') or published_at is not null", name="published_when"),
        CheckConstraint("(state = 'cancelled') = (cancelled_because is not null)", name="cancelled_because"),
        CheckConstraint("offer_hours > 0 and people_most > 0 and records_most >= 0", name="terms"),
        CheckConstraint("meetings_promised >= 0 and meetings_promised <= meetings_most", name="meetings"),
        Index("event_listed_idx", "starts_at", "id", postgresql_where=sql("published_at is not null")),
        Index("event_owner_idx", "organisation_id", "starts_at", "id"),
        Index("event_grams_idx", sql("grams(words)"), postgresql_using="gin"),
        Index("event_facets_idx", "facets", postgresql_using="gin"),
        # What is over, or was half a year ago: those who came are reminded of what came of it.
        Index("event_over_idx", "ends_at", postgresql_where=sql("published_at is not null")),
        # What the clock may move on.
        Index(
            "event_due_idx",
            "state",
            postgresql_where=sql("state in ('published', 'open', 'closed', 'scheduled', 'running')"),
        ),
    )

    id: Mapped[Key]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    cloned_from_id: Mapped[UUID | None] = mapped_column(ForeignKey("event.id"))
    kind: Mapped[EventKind] = mapped_column(words(EventKind))
    format: Mapped[EventFormat] = mapped_column(words(EventFormat))
    state: Mapped[EventState] = mapped_column(words(EventState), default=EventState.DRAFT)
    title: Mapped[str]
    title_en: Mapped[str | None]
    summary: Mapped[str | None]
    description: Mapped[str | None]
    time_zone: Mapped[str]
    starts_at: Mapped[Moment]
    ends_at: Mapped[Moment]
    region: Mapped[str | None]
    place: Mapped[str | None]
    online_url: Mapped[str | None]
    industries: Mapped[list[str]] = mapped_column(many())
    disciplines: Mapped[list[str]] = mapped_column(many())
    regions: Mapped[list[str]] = mapped_column(many())
    languages: Mapped[list[str]] = mapped_column(many())
    registration_opens_at: Mapped[Moment | None]
    registration_closes_at: Mapped[Moment | None]
    needs_approval: Mapped[bool]
    offer_hours: Mapped[int]
    people_most: Mapped[int]
    calls_for: Mapped[list[str]] = mapped_column(many())
    records_most: Mapped[int]
    meetings_promised: Mapped[int]
    meetings_most: Mapped[int | None]
    contact: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    published_at: Mapped[Moment | None]
    cancelled_because: Mapped[str | None]
    # Kept by `docking.events`: codes with what stands above them, and the folded text that `q` searches.
    facets: Mapped[list[str]] = mapped_column(many())
    words: Mapped[str]

    organisation: Mapped[Organisation] = relationship(lazy="raise")


class CoOrganizer(Base):
    """Another organisation that holds an event with its host; where it runs the desk, its organizers do."""

    __tablename__ = "event_organizer"
    __table_args__ = (Index("event_organizer_organisation_idx", "organisation_id"),)

    event_id: Mapped[UUID] = mapped_column(ForeignKey("event.id"), primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    role: Mapped[OrganizerRole] = mapped_column(words(OrganizerRole))
    runs_desk: Mapped[bool]
    since: Mapped[Now]

    organisation: Mapped[Organisation] = relationship(lazy="raise")


class EventCapacity(Base):
    """Places for one kind of participant. `taken` is kept by triggers on `registration` and by nobody else.

    Whoever takes a place changes this row, so those who reach for the last one go one after the other, and the CHECK
    refuses the second.
    """

    __tablename__ = "event_capacity"
    __table_args__ = (
        CheckConstraint("seats >= 0", name="seats"),
        CheckConstraint("taken >= 0", name="not_below"),
        CheckConstraint("taken <= seats", name="not_over"),
    )

    event_id: Mapped[UUID] = mapped_column(ForeignKey("event.id"), primary_key=True)
    kind: Mapped[ParticipantKind] = mapped_column(words(ParticipantKind), primary_key=True)
    seats: Mapped[int | None]
    taken: Mapped[int] = mapped_column(default=0, server_default=sql("0"))


class EventQuestion(Base):
    """What whoever registers is asked, in its order."""

    __tablename__ = "event_question"
    __table_args__ = (
        CheckConstraint("(kind in ('choice', 'choices')) = (cardinality(options) >= 2)", name="options"),
        Index("event_question_event_idx", "event_id", "position"),
    )

    id: Mapped[Key]
    event_id: Mapped[UUID] = mapped_column(ForeignKey("event.id"))
    position: Mapped[int] = mapped_column(SmallInteger)
    text: Mapped[str]
    text_en: Mapped[str | None]
    kind: Mapped[QuestionKind] = mapped_column(words(QuestionKind))
    options: Mapped[list[str]] = mapped_column(many())
    required: Mapped[bool]
    asked_of: Mapped[list[str]] = mapped_column(many())


class EventVenue(Base):
    __tablename__ = "event_venue"
    __table_args__ = (
        UniqueConstraint("event_id", "name", name="event_venue_name_key"),
        UniqueConstraint("id", "event_id", name="event_venue_of_event_key"),
    )

    id: Mapped[Key]
    event_id: Mapped[UUID] = mapped_column(ForeignKey("event.id"))
    position: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[str]
    address: Mapped[str | None]

    rooms: Mapped[list["EventRoom"]] = relationship(lazy="raise", order_by="EventRoom.position", back_populates="venue")


class EventRoom(Base):
    __tablename__ = "event_room"
    __table_args__ = (
        UniqueConstraint("venue_id", "name", name="event_room_name_key"),
        UniqueConstraint("id", "event_id", name="event_room_of_event_key"),
        ForeignKeyConstraint(
            ["venue_id", "event_id"], ["event_venue.id", "event_venue.event_id"], name="event_room_venue_fkey"
        ),
        Index("event_room_event_idx", "event_id"),
    )

    id: Mapped[Key]
    event_id: Mapped[UUID]
    venue_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[str]

    venue: Mapped[EventVenue] = relationship(lazy="raise", back_populates="rooms")
    tables: Mapped[list["EventTable"]] = relationship(
        lazy="raise", order_by="EventTable.position", back_populates="room"
    )


class EventTable(Base):
    """Where one meeting at a time can sit. It can be claimed: `reservations` knows a place of the same id.

    A table with an instrument is where that instrument is visited; the visit claims the instrument too.
    """

    __tablename__ = "event_table"
    __table_args__ = (
        UniqueConstraint("room_id", "name", name="event_table_name_key"),
        UniqueConstraint("id", "event_id", name="event_table_of_event_key"),
        ForeignKeyConstraint(
            ["room_id", "event_id"], ["event_room.id", "event_room.event_id"], name="event_table_room_fkey"
        ),
        Index("event_table_event_idx", "event_id"),
    )

    id: Mapped[UUID] = mapped_column(ForeignKey("resource.id"), primary_key=True)
    event_id: Mapped[UUID]
    room_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[str]
    url: Mapped[str | None]
    instrument_id: Mapped[UUID | None] = mapped_column(ForeignKey("instrument.id"))

    room: Mapped[EventRoom] = relationship(lazy="raise", back_populates="tables")
    closures: Mapped[list["TableClosure"]] = relationship(lazy="raise")


class EventSession(Base):
    """A part of the programme. A break is one too, so that slots of one session follow each other without a break."""

    __tablename__ = "event_session"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="in_order"),
        CheckConstraint("(kind = 'meetings') = (slot_minutes is not null)", name="slots"),
        CheckConstraint("slot_minutes > 0 and gap_minutes >= 0", name="minutes"),
        ExcludeConstraint(
            ("event_id", "="),
            (sql("tstzrange(starts_at, ends_at)"), "&&"),
            name="event_session_no_overlap",
            using="gist",
        ),
        UniqueConstraint("id", "event_id", name="event_session_of_event_key"),
    )

    id: Mapped[Key]
    event_id: Mapped[UUID] = mapped_column(ForeignKey("event.id"))
    kind: Mapped[SessionKind] = mapped_column(words(SessionKind))
    title: Mapped[str]
    title_en: Mapped[str | None]
    starts_at: Mapped[Moment]
    ends_at: Mapped[Moment]
    slot_minutes: Mapped[int | None]
    gap_minutes: Mapped[int]

    slots: Mapped[list["EventSlot"]] = relationship(
        lazy="raise", order_by="EventSlot.starts_at", back_populates="session"
    )


class EventSlot(Base):
    """A stretch of a session in which one meeting a person and a table can be."""

    __tablename__ = "event_slot"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="in_order"),
        ExcludeConstraint(
            ("event_id", "="),
            (sql("tstzrange(starts_at, ends_at)"), "&&"),
            name="event_slot_no_overlap",
            using="gist",
        ),
        UniqueConstraint("id", "event_id", name="event_slot_of_event_key"),
        # Looked at when the transaction ends: a slot keeps its id when its session is written anew.
        ForeignKeyConstraint(
            ["session_id", "event_id"],
            ["event_session.id", "event_session.event_id"],
            name="event_slot_session_fkey",
            deferrable=True,
            initially="DEFERRED",
        ),
        Index("event_slot_event_idx", "event_id", "starts_at"),
        Index("event_slot_session_idx", "session_id"),
    )

    id: Mapped[Key]
    event_id: Mapped[UUID]
    session_id: Mapped[UUID]
    starts_at: Mapped[Moment]
    ends_at: Mapped[Moment]

    session: Mapped[EventSession] = relationship(lazy="raise", back_populates="slots")


class TableClosure(Base):
    """A slot in which a table is not there."""

    __tablename__ = "event_table_closure"
    __table_args__ = (
        ForeignKeyConstraint(
            ["table_id", "event_id"],
            ["event_table.id", "event_table.event_id"],
            name="event_table_closure_table_fkey",
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["slot_id", "event_id"],
            ["event_slot.id", "event_slot.event_id"],
            name="event_table_closure_slot_fkey",
            ondelete="CASCADE",
        ),
        Index("event_table_closure_slot_idx", "slot_id"),
    )

    table_id: Mapped[UUID] = mapped_column(primary_key=True)
    slot_id: Mapped[UUID] = mapped_column(primary_key=True)
    event_id: Mapped[UUID]
