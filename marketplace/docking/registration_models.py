"""Who comes to an event: registrations, their people, what they bring, where they checked in, what they were told."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, SmallInteger, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.docking.models import Event
from marketplace.identity.models import Organisation
from marketplace.kernel.base import Base, Key, Moment, Now, Versioned
from marketplace.kernel.columns import many, words
from marketplace.listings.models import Listing
from schemas.events import ParticipantKind
from schemas.registrations import RegistrationState

# What takes places away from others. The trigger of `registration` names the same two.
HOLDING_STATES: Final = (RegistrationState.OFFERED, RegistrationState.CONFIRMED)
# What may yet come to something.
LIVE_STATES: Final = (RegistrationState.REQUESTED, RegistrationState.WAITING, *HOLDING_STATES)


class Registration(Versioned, Base):
    """Some people who come together, in the name of an organisation or of nobody but themselves: one meeting list.

    `seats` counts its people. An offered or confirmed one holds as many places of its kind; a trigger keeps the count of
    `event_capacity`, whose CHECK refuses what is over.
    """

    __tablename__ = "registration"
    __table_args__ = (
        CheckConstraint("seats > 0", name="seats"),
        CheckConstraint("meetings_most >= 0 and meetings_promised >= 0", name="meetings"),
        CheckConstraint(
            "(state = 'offered') <= (offered_at is not null and offer_expires_at is not null)", name="offer_expires"
        ),
        CheckConstraint("(state = 'waiting') <= (waiting_since is not null)", name="waiting_since"),
        CheckConstraint(
            "(state in ('requested', 'waiting', 'offered', 'confirmed')) = (ended_at is null)", name="ended_when"
        ),
        ForeignKeyConstraint(
            ["event_id", "kind"],
            ["event_capacity.event_id", "event_capacity.kind"],
            name="registration_capacity_fkey",
        ),
        ForeignKeyConstraint(
            ["table_id", "event_id"], ["event_table.id", "event_table.event_id"], name="registration_table_fkey"
        ),
        UniqueConstraint("id", "event_id", name="registration_of_event_key"),
        Index("registration_event_idx", "event_id", "created_at", "id"),
        Index("registration_organisation_idx", "organisation_id", "created_at", "id"),
        Index("registration_maker_idx", "made_by", "created_at", "id"),
        Index("registration_line_idx", "event_id", "kind", "waiting_since", postgresql_where=sql("state = 'waiting'")),
        Index("registration_offer_idx", "offer_expires_at", postgresql_where=sql("state = 'offered'")),
        # A host has a table of its own.
        Index("registration_table_key", "table_id", unique=True, postgresql_where=sql("table_id is not null")),
    )

    id: Mapped[Key]
    event_id: Mapped[UUID] = mapped_column(ForeignKey("event.id"))
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    made_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[ParticipantKind] = mapped_column(words(ParticipantKind))
    state: Mapped[RegistrationState] = mapped_column(words(RegistrationState))
    seats: Mapped[int] = mapped_column(SmallInteger)
    introduction: Mapped[str | None]
    wanted: Mapped[str | None]
    accessibility: Mapped[str | None]
    shown: Mapped[bool]
    meetings_most: Mapped[int | None]
    # The organizer's word: another floor than the event's, and the table where a host stays.
    meetings_promised: Mapped[int | None]
    table_id: Mapped[UUID | None]
    # By the id of the question, the answer without it.
    answers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    note: Mapped[str | None]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[Moment | None]
    waiting_since: Mapped[Moment | None]
    offered_at: Mapped[Moment | None]
    offer_expires_at: Mapped[Moment | None]
    # When it came to nothing; its people left in that moment.
    ended_at: Mapped[Moment | None]
    # The version that its maker was last told of, so that each is told once.
    mailed_version: Mapped[int | None]
    words: Mapped[str]

    event: Mapped[Event] = relationship(lazy="raise")
    organisation: Mapped[Organisation | None] = relationship(lazy="raise")
    people: Mapped[list["Attendee"]] = relationship(
        lazy="raise",
        back_populates="registration",
        order_by="Attendee.position",
        primaryjoin=(
            "and_(Registration.id == Attendee.registration_id,"
            " or_(Attendee.left_at.is_(None), Attendee.left_at == Registration.ended_at))"
        ),
        viewonly=True,
    )
    records: Mapped[list["BroughtListing"]] = relationship(
        lazy="raise", order_by="BroughtListing.position", viewonly=True
    )


class Attendee(Base):
    """One of the people of a registration. Nobody comes to one event twice; those who no longer come are history.

    The code of the badge is made of the id and `badge`, and no copy of it is kept; a new number makes the old one void.
    """

    __tablename__ = "attendee"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint("meetings_most >= 0", name="meetings"),
        ForeignKeyConstraint(
            ["registration_id", "event_id"],
            ["registration.id", "registration.event_id"],
            name="attendee_registration_fkey",
        ),
        UniqueConstraint("id", "event_id", name="attendee_of_event_key"),
        Index("attendee_once_key", "event_id", "email", unique=True, postgresql_where=sql("left_at is null")),
        Index("attendee_registration_idx", "registration_id", "position"),
        Index("attendee_person_idx", "person_id", postgresql_where=sql("person_id is not null")),
    )

    id: Mapped[Key]
    event_id: Mapped[UUID]
    registration_id: Mapped[UUID]
    # The account that signs in with this address, if there was one when it was written.
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    position: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[str]
    email: Mapped[str]
    phone: Mapped[str | None]
    job: Mapped[str | None]
    languages: Mapped[list[str]] = mapped_column(many())
    meetings_most: Mapped[int | None]
    badge: Mapped[int] = mapped_column(SmallInteger, default=1)
    created_at: Mapped[Now]
    left_at: Mapped[Moment | None]

    registration: Mapped[Registration] = relationship(lazy="raise", back_populates="people", viewonly=True)
    absences: Mapped[list["Absence"]] = relationship(lazy="raise", viewonly=True)
    check_ins: Mapped[list["CheckIn"]] = relationship(lazy="raise", order_by="CheckIn.at", viewonly=True)


class Absence(Base):
    """A slot in which somebody cannot meet."""

    __tablename__ = "absence"
    __table_args__ = (
        ForeignKeyConstraint(
            ["attendee_id", "event_id"], ["attendee.id", "attendee.event_id"], name="absence_attendee_fkey"
        ),
        ForeignKeyConstraint(
            ["slot_id", "event_id"],
            ["event_slot.id", "event_slot.event_id"],
            name="absence_slot_fkey",
            ondelete="CASCADE",
        ),
        Index("absence_slot_idx", "slot_id"),
    )

    attendee_id: Mapped[UUID] = mapped_column(primary_key=True)
    slot_id: Mapped[UUID] = mapped_column(primary_key=True)
    event_id: Mapped[UUID]


class BroughtListing(Base):
    """An achievement or problem that a registration brings along."""

    __tablename__ = "brought_listing"
    __table_args__ = (Index("brought_listing_listing_idx", "listing_id"),)

    registration_id: Mapped[UUID] = mapped_column(ForeignKey("registration.id"), primary_key=True)
    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listing.id"), primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger)

    listing: Mapped[Listing] = relationship(lazy="raise")


class CheckIn(Base):
    """Somebody came through a door; through the same one again is nothing new."""

    __tablename__ = "check_in"
    __table_args__ = (
        ForeignKeyConstraint(
            ["attendee_id", "event_id"], ["attendee.id", "attendee.event_id"], name="check_in_attendee_fkey"
        ),
        Index("check_in_event_idx", "event_id", "at"),
    )

    attendee_id: Mapped[UUID] = mapped_column(primary_key=True)
    door: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[UUID]
    at: Mapped[Now]
    by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))

    attendee: Mapped[Attendee] = relationship(lazy="raise", viewonly=True)


class Announcement(Base):
    """A letter to participants. `reached` is the last of them whose copy is in the post, so that none gets two."""

    __tablename__ = "announcement"
    __table_args__ = (Index("announcement_event_idx", "event_id", "created_at", "id"),)

    id: Mapped[Key]
    event_id: Mapped[UUID] = mapped_column(ForeignKey("event.id"))
    subject: Mapped[str]
    text: Mapped[str]
    states: Mapped[list[str]] = mapped_column(many())
    kinds: Mapped[list[str]] = mapped_column(many())
    created_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Now]
    reached: Mapped[UUID | None]
    letters: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[Moment | None]
