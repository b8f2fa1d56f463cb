"""Versions of the signals' weights, of which one is active, and the terms that people called misleading."""

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel.base import Base, Key, Moment, Now, Versioned
from marketplace.kernel.columns import many, words
from schemas.tuning import ModelState


class MatchingModel(Base):
    """`weights` are empty for number 0: those that the program itself starts with, whatever they are in it."""

    __tablename__ = "matching_model"
    __table_args__ = (
        CheckConstraint("(number = 0) = (weights is null)", name="starting"),
        CheckConstraint("(weights is null) = (measured is null)", name="measured"),
        CheckConstraint("state = 'candidate' or better", name="better"),
        Index("matching_model_number_key", "number", unique=True),
        Index("matching_model_active_key", "state", unique=True, postgresql_where=sql("state = 'active'")),
    )

    id: Mapped[Key]
    number: Mapped[int]
    state: Mapped[ModelState] = mapped_column(words(ModelState))
    weights: Mapped[dict[str, float] | None] = mapped_column(JSONB(none_as_null=True))
    learnt_from: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    measured: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    better: Mapped[bool]
    # The number of the version that it was compared with.
    against: Mapped[int | None]
    created_at: Mapped[Now]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    activated_at: Mapped[Moment | None]
    activated_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


class LoweredTerm(Versioned, Base):
    """A term in questions of a kind (a division of industry, '' for all). It is lowered while learning finds it and nobody
    has struck it out."""

    __tablename__ = "lowered_term"
    __table_args__ = (
        CheckConstraint("factor between 0.25 and 1", name="factor"),
        CheckConstraint("named_by <= asked", name="named_by"),
        CheckConstraint(
            "(struck_out_at is null) = (struck_out_by is null) and (struck_out_at is null) = (reason is null)",
            name="struck_out",
        ),
        Index("lowered_term_once_key", "term", "kind", unique=True),
        Index("lowered_term_listed_idx", "created_at", "id"),
    )

    id: Mapped[Key]
    term: Mapped[str]
    kind: Mapped[str]
    factor: Mapped[float] = mapped_column(Float)
    share: Mapped[float] = mapped_column(Float)
    named_by: Mapped[int]
    asked: Mapped[int]
    spared: Mapped[list[str]] = mapped_column(many())
    stands: Mapped[bool]
    struck_out_at: Mapped[Moment | None]
    struck_out_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str | None]
