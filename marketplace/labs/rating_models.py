"""What users say of an instrument, and what the lab answers."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.kernel.base import Base, Key, Moment, Now
from marketplace.labs.booking_models import Booking


class Rating(Base):
    """One a booking, by somebody of those that it served."""

    __tablename__ = "rating"
    __table_args__ = (
        CheckConstraint("stars between 1 and 5", name="stars"),
        CheckConstraint(
            "(answer is null) = (answered_at is null) and (answer is null) = (answered_by is null)", name="answered"
        ),
        Index("rating_booking_key", "booking_id", unique=True),
        Index("rating_instrument_idx", "instrument_id", "created_at", "id"),
    )

    id: Mapped[Key]
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("booking.id"))
    # The booking's, which never changes: every page of an instrument counts by it.
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instrument.id"))
    by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    stars: Mapped[int] = mapped_column(SmallInteger)
    text: Mapped[str | None]
    created_at: Mapped[Now]
    answer: Mapped[str | None]
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    answered_at: Mapped[Moment | None]

    booking: Mapped[Booking] = relationship(lazy="raise")
