"""Bookings, the waiting list, and what was really used."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.identity.models import Organisation, Person
from marketplace.kernel.base import Base, Key, Moment, Now, Versioned
from marketplace.kernel.columns import many, words
from marketplace.labs.models import Instrument
from schemas.bookings import AdjustmentState, BookingState, CalendarKind, UsageSource, WaitingState
from schemas.labs import CustomerClass

# What holds, or may yet hold, its time.
LIVE_STATES: Final = (BookingState.REQUESTED, BookingState.CONFIRMED, BookingState.IN_USE, BookingState.DONE)
# What holds a claim in `reservations`. A request holds none, for several may wish for one time; but one that came of an
# offer keeps what was offered.
HOLDING_STATES: Final = (BookingState.CONFIRMED, BookingState.IN_USE, BookingState.DONE)
_LIVE: Final = "state in ('requested', 'confirmed', 'in_use', 'done')"


class Booking(Versioned, Base):
    """Time on an instrument, asked for or held. A moved one is a new row that points at the old: nothing is overwritten."""

    __tablename__ = "booking"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="in_order"),
        CheckConstraint("(state in ('in_use', 'done')) <= (checked_in_at is not null)", name="used_when_checked_in"),
        CheckConstraint("(state = 'done') = (checked_out_at is not null)", name="done_when_checked_out"),
        Index("booking_instrument_idx", "instrument_id", "starts_at", "id"),
        Index("booking_person_idx", "person_id", "starts_at", "id"),
        Index("booking_organisation_idx", "organisation_id", "starts_at", "id"),
        Index("booking_pending_idx", "instrument_id", "starts_at", postgresql_where=sql("state = 'requested'")),
        Index("booking_due_idx", "starts_at", postgresql_where=sql("state = 'confirmed'")),
        Index("booking_running_idx", "ends_at", postgresql_where=sql("state = 'in_use'")),
        Index("booking_series_idx", "series_id", postgresql_where=sql("series_id is not null")),
        # A booking is moved to one place.
        Index(
            "booking_moved_from_key",
            "moved_from_id",
            unique=True,
            postgresql_where=sql(f"moved_from_id is not null and {_LIVE}"),
        ),
    )

    id: Mapped[Key]
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instrument.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    made_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    customer_class: Mapped[CustomerClass] = mapped_column(words(CustomerClass))
    state: Mapped[BookingState] = mapped_column(words(BookingState))
    starts_at: Mapped[Moment]
    ends_at: Mapped[Moment]
    purpose: Mapped[str]
    assisted: Mapped[bool]
    answers: Mapped[list[str]] = mapped_column(many())
    waived: Mapped[list[str]] = mapped_column(many())
    waived_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    note: Mapped[str | None]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[Moment | None]
    cancelled_late: Mapped[bool] = mapped_column(default=False)
    moved_from_id: Mapped[UUID | None] = mapped_column(ForeignKey("booking.id"))
    series_id: Mapped[UUID | None]
    checked_in_at: Mapped[Moment | None]
    checked_out_at: Mapped[Moment | None]
    # What its user was told of, so that each is told once: the version that was mailed as an invitation or its end, and
    # the booking before it that may overrun.
    mailed_version: Mapped[int | None]
    warned_of_id: Mapped[UUID | None] = mapped_column(ForeignKey("booking.id"))

    instrument: Mapped[Instrument] = relationship(lazy="raise")
    organisation: Mapped[Organisation] = relationship(lazy="raise")
    person: Mapped[Person] = relationship(foreign_keys=[person_id], lazy="raise")


class BookingRevision(Base):
    """What a booking said before it was edited. Who moves it makes a new row instead: nothing is overwritten."""

    __tablename__ = "booking_revision"

    booking_id: Mapped[UUID] = mapped_column(ForeignKey("booking.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    answers: Mapped[list[str]] = mapped_column(many())
    by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    at: Mapped[Now]


class Waiting(Versioned, Base):
    """Somebody waits for a time that is taken. When it comes free it is held for them until the offer runs out."""

    __tablename__ = "waiting"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="in_order"),
        CheckConstraint("(state = 'offered') <= (offer_expires_at is not null)", name="offer_expires"),
        CheckConstraint("(state = 'taken') = (booking_id is not null)", name="taken_booking"),
        Index("waiting_line_idx", "instrument_id", "created_at", "id", postgresql_where=sql("state = 'waiting'")),
        Index("waiting_offer_idx", "offer_expires_at", postgresql_where=sql("state = 'offered'")),
        Index("waiting_person_idx", "person_id", "created_at", "id"),
        Index(
            "waiting_live_key",
            "instrument_id",
            "person_id",
            "starts_at",
            "ends_at",
            unique=True,
            postgresql_where=sql("state in ('waiting', 'offered')"),
        ),
    )

    id: Mapped[Key]
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instrument.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    state: Mapped[WaitingState] = mapped_column(words(WaitingState), default=WaitingState.WAITING)
    starts_at: Mapped[Moment]
    ends_at: Mapped[Moment]
    purpose: Mapped[str]
    assisted: Mapped[bool]
    answers: Mapped[list[str]] = mapped_column(many())
    offered_at: Mapped[Moment | None]
    offer_expires_at: Mapped[Moment | None]
    booking_id: Mapped[UUID | None] = mapped_column(ForeignKey("booking.id"))

    instrument: Mapped[Instrument] = relationship(lazy="raise")
    organisation: Mapped[Organisation] = relationship(lazy="raise")
    person: Mapped[Person] = relationship(lazy="raise")


class Usage(Versioned, Base):
    """What was really used: effective time is preparation, run and post-processing. Corrections are adjustments."""

    __tablename__ = "usage"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="in_order"),
        CheckConstraint(
            "preparation_minutes >= 0 and run_minutes >= 0 and processing_minutes >= 0"
            " and (preparation_minutes + run_minutes + processing_minutes > 0)"
            " = (superseded_by_id is null and withdrawn_at is null)",
            name="minutes",
        ),
        CheckConstraint("samples >= 0", name="samples"),
        Index("usage_booking_key", "booking_id", unique=True, postgresql_where=sql("booking_id is not null")),
        Index("usage_instrument_idx", "instrument_id", "starts_at", "id"),
        Index("usage_organisation_idx", "organisation_id", "starts_at", "id"),
        Index("usage_person_idx", "person_id", "starts_at", "id"),
    )

    id: Mapped[Key]
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instrument.id"))
    booking_id: Mapped[UUID | None] = mapped_column(ForeignKey("booking.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    customer_class: Mapped[CustomerClass] = mapped_column(words(CustomerClass))
    source: Mapped[UsageSource] = mapped_column(words(UsageSource))
    starts_at: Mapped[Moment]
    ends_at: Mapped[Moment]
    preparation_minutes: Mapped[int]
    run_minutes: Mapped[int]
    processing_minutes: Mapped[int]
    samples: Mapped[int | None]
    assisted: Mapped[bool]
    note: Mapped[str | None]
    entered_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    # The record that has its time; without minutes of its own this one is kept and counts nowhere.
    superseded_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("usage.id"))
    # Its keepers took back all that they had said, and nobody else had said anything: it counts nowhere either.
    withdrawn_at: Mapped[Moment | None]

    instrument: Mapped[Instrument] = relationship(lazy="raise")
    organisation: Mapped[Organisation] = relationship(lazy="raise")

    @property
    def effective_minutes(self) -> int:
        return self.preparation_minutes + self.run_minutes + self.processing_minutes


class Evidence(Base):
    """What one source said of a use, as it said it: never deleted, and taken back by a mark alone.

    What of it counts is the record's.
    """

    __tablename__ = "usage_evidence"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="in_order"),
        CheckConstraint("preparation_minutes >= 0 and run_minutes >= 0 and processing_minutes >= 0", name="minutes"),
        CheckConstraint("samples >= 0", name="samples"),
        CheckConstraint("adjustment_id is null or source = 'keeper'", name="correction"),
        # What was measured is not taken back; what a keeper wrote is.
        CheckConstraint("withdrawn_at is null or source = 'keeper'", name="withdrawn"),
        Index("usage_evidence_usage_idx", "usage_id", "told_at", "id"),
        # What a log says once is entered once, however often it is handed in.
        Index(
            "usage_evidence_log_key", "instrument_id", "starts_at", "ends_at", unique=True,
            postgresql_where=sql("source = 'log'"),
        ),
    )  # fmt: skip

    id: Mapped[Key]
    usage_id: Mapped[UUID] = mapped_column(ForeignKey("usage.id"))
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instrument.id"))
    source: Mapped[UsageSource] = mapped_column(words(UsageSource))
    device_id: Mapped[UUID | None] = mapped_column(ForeignKey("device.id"))
    adjustment_id: Mapped[UUID | None] = mapped_column(ForeignKey("usage_adjustment.id"))
    starts_at: Mapped[Moment]
    ends_at: Mapped[Moment]
    preparation_minutes: Mapped[int]
    run_minutes: Mapped[int]
    processing_minutes: Mapped[int]
    samples: Mapped[int | None]
    told_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    told_at: Mapped[Now]
    withdrawn_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    withdrawn_at: Mapped[Moment | None]


class Adjustment(Base):
    """A wish to correct what was written down: what it said, what it should say, and what was decided."""

    __tablename__ = "usage_adjustment"
    __table_args__ = (
        CheckConstraint("(state = 'asked') = (decided_at is null)", name="decided_when"),
        Index("usage_adjustment_usage_idx", "usage_id", "asked_at", "id"),
        Index("usage_adjustment_open_key", "usage_id", unique=True, postgresql_where=sql("state = 'asked'")),
        Index(
            "usage_adjustment_cause_idx", "cause_id", "asked_at", "id",
            postgresql_where=sql("cause_id is not null"),
        ),
    )  # fmt: skip

    id: Mapped[Key]
    usage_id: Mapped[UUID] = mapped_column(ForeignKey("usage.id"))
    # Another record, of whose time this one was left more or less since.
    cause_id: Mapped[UUID | None] = mapped_column(ForeignKey("usage.id"))
    state: Mapped[AdjustmentState] = mapped_column(words(AdjustmentState), default=AdjustmentState.ASKED)
    reason: Mapped[str]
    wished: Mapped[dict[str, Any]] = mapped_column(JSONB)
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    asked_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[Now]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[Moment | None]
    note: Mapped[str | None]


class CalendarLink(Base):
    """A secret address under which a calendar program reads: only its hash is kept."""

    __tablename__ = "calendar_link"
    __table_args__ = (
        CheckConstraint("(kind = 'instrument') = (instrument_id is not null)", name="instrument"),
        Index("calendar_link_person_idx", "person_id", "created_at", "id"),
    )

    id: Mapped[Key]
    hash: Mapped[bytes] = mapped_column(unique=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[CalendarKind] = mapped_column(words(CalendarKind))
    instrument_id: Mapped[UUID | None] = mapped_column(ForeignKey("instrument.id"))
    created_at: Mapped[Now]
    revoked_at: Mapped[Moment | None]
