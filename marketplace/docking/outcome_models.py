"""What came of a meeting: what each side says of it, and the interest that it became."""

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Numeric, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel.base import Base, Key, Moment, Versioned
from marketplace.kernel.columns import words
from schemas.outcomes import OutcomeStage, Result


class Outcome(Versioned, Base):
    """What one side says came of a meeting, right after it or half a year later. The other side is not told."""

    __tablename__ = "outcome"
    __table_args__ = (
        CheckConstraint("stars between 1 and 5", name="stars"),
        CheckConstraint("signed_yuan is null or result = 'agreement_reached'", name="signed"),
        UniqueConstraint("meeting_id", "registration_id", "stage", name="outcome_once_key"),
        ForeignKeyConstraint(
            ["meeting_id", "event_id"], ["meeting.id", "meeting.event_id"], name="outcome_meeting_fkey"
        ),
        Index("outcome_event_idx", "event_id", "created_at", "id"),
        Index("outcome_registration_idx", "registration_id"),
    )

    id: Mapped[Key]
    event_id: Mapped[UUID]
    meeting_id: Mapped[UUID]
    registration_id: Mapped[UUID] = mapped_column(ForeignKey("registration.id"))
    stage: Mapped[OutcomeStage] = mapped_column(words(OutcomeStage))
    stars: Mapped[int | None] = mapped_column(SmallInteger)
    result: Mapped[Result] = mapped_column(words(Result))
    signed_yuan: Mapped[Any | None] = mapped_column(Numeric(14, 2))
    note: Mapped[str | None]
    by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))


class Interest(Base):
    """One side wants more after a meeting. The ids are the chain: pairing, meeting, and what will come of it."""

    __tablename__ = "interest"
    __table_args__ = (
        UniqueConstraint("meeting_id", "registration_id", name="interest_once_key"),
        ForeignKeyConstraint(
            ["meeting_id", "event_id"], ["meeting.id", "meeting.event_id"], name="interest_meeting_fkey"
        ),
        Index("interest_event_idx", "event_id", "created_at", "id"),
    )

    id: Mapped[Key]
    event_id: Mapped[UUID]
    meeting_id: Mapped[UUID]
    registration_id: Mapped[UUID] = mapped_column(ForeignKey("registration.id"))
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    to_organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    wish_id: Mapped[UUID | None] = mapped_column(ForeignKey("wish.id"))
    problem_id: Mapped[UUID | None] = mapped_column(ForeignKey("listing.id"))
    achievement_id: Mapped[UUID | None] = mapped_column(ForeignKey("listing.id"))
    note: Mapped[str | None]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Moment]
