"""Spellings that mean the same, as the platform's administrators keep them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel.base import Base, Key
from marketplace.kernel.columns import many


class Synonym(Base):
    """One meaning with all of its spellings, as they were written. `key`: the same, folded and in order, so that no
    group is there twice."""

    __tablename__ = "synonym"
    __table_args__ = (
        CheckConstraint("cardinality(spellings) between 2 and 8", name="spellings"),
        Index("synonym_key_key", "key", unique=True),
        Index("synonym_listed_idx", "created_at", "id"),
    )

    id: Mapped[Key]
    spellings: Mapped[list[str]] = mapped_column(many())
    key: Mapped[list[str]] = mapped_column(many())
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp())
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
