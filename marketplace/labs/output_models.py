"""What use of instruments led to."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel.base import Base, Key, Moment, Now
from marketplace.kernel.columns import words
from schemas.outputs import OutputKind

_STANDS = "removed_at is null"


class Output(Base):
    """A paper, patent, standard or project that use of an instrument led to. What was taken out is history."""

    __tablename__ = "output"
    __table_args__ = (
        CheckConstraint("(removed_at is null) = (removed_by is null)", name="removed"),
        # However many uses led to it, an instrument counts it once.
        Index("output_once_key", "instrument_id", "kind", "number", unique=True, postgresql_where=sql(_STANDS)),
        Index("output_instrument_idx", "instrument_id", "created_at", "id", postgresql_where=sql(_STANDS)),
        Index("output_year_idx", "instrument_id", "year", postgresql_where=sql(_STANDS)),
    )

    id: Mapped[Key]
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instrument.id"))
    usage_id: Mapped[UUID | None] = mapped_column(ForeignKey("usage.id"))
    kind: Mapped[OutputKind] = mapped_column(words(OutputKind))
    title: Mapped[str]
    number: Mapped[str]
    year: Mapped[int] = mapped_column(SmallInteger)
    by_keeper: Mapped[bool]
    added_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Now]
    removed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    removed_at: Mapped[Moment | None]
