"""Who wishes to meet whom: one row a pair, however many of its two sides spoke."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, SmallInteger, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel.base import Base, Key, Moment, Now, Versioned
from marketplace.kernel.columns import words
from schemas.wishes import WishAnswer

POSITIVE: Final = (WishAnswer.MUST, WishAnswer.MEET)


def positive(says: WishAnswer | None) -> bool:
    """Whether a side wishes to meet."""
    return says in POSITIVE


class WishRules(Versioned, Base):
    """How many requests of an event may be open at once, and for how long; without a row the schema's defaults hold."""

    __tablename__ = "wish_rules"
    __table_args__ = (CheckConstraint("outstanding_most > 0 and answer_hours > 0", name="terms"),)

    event_id: Mapped[UUID] = mapped_column(ForeignKey("event.id"), primary_key=True)
    outstanding_most: Mapped[int]
    answer_hours: Mapped[int]


class Wish(Base):
    """Two meeting lists of one event, in the order of their ids: what the matcher says, and what each of them says.

    Each side has a version of its own. What one side may not learn of the other must not be told by a counter either.
    """

    __tablename__ = "wish"
    __table_args__ = (
        CheckConstraint("first_id < second_id", name="in_order"),
        CheckConstraint(
            "(coalesce(first_says, '') in ('must', 'meet')) = (first_until is not null)", name="first_until"
        ),
        CheckConstraint(
            "(coalesce(second_says, '') in ('must', 'meet')) = (second_until is not null)", name="second_until"
        ),
        CheckConstraint("slots > 0 and (slots = 1 or table_id is not null)", name="visit"),
        CheckConstraint("score >= 0", name="score"),
        UniqueConstraint("first_id", "second_id", name="wish_pair_key"),
        ForeignKeyConstraint(
            ["first_id", "event_id"], ["registration.id", "registration.event_id"], name="wish_first_fkey"
        ),
        ForeignKeyConstraint(
            ["second_id", "event_id"], ["registration.id", "registration.event_id"], name="wish_second_fkey"
        ),
        ForeignKeyConstraint(
            ["table_id", "event_id"], ["event_table.id", "event_table.event_id"], name="wish_table_fkey"
        ),
        Index("wish_event_idx", "event_id", "score", "id"),
        Index("wish_second_idx", "second_id"),
        Index("wish_table_idx", "table_id", postgresql_where=sql("table_id is not null")),
    )

    id: Mapped[Key]
    event_id: Mapped[UUID]
    first_id: Mapped[UUID]
    second_id: Mapped[UUID]
    # What the matcher found, best first, as `schemas.wishes.WishReason`; titles and sentences are of public parts.
    score: Mapped[float] = mapped_column(default=0.0)
    because: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    # Whether the best of it passes the threshold below which the ranking says that nothing fits.
    fits: Mapped[bool] = mapped_column(default=False, server_default=sql("false"))
    proposed_at: Mapped[Moment | None]
    first_says: Mapped[WishAnswer | None] = mapped_column(words(WishAnswer, "first_says"))
    first_at: Mapped[Moment | None]
    first_until: Mapped[Moment | None]
    first_version: Mapped[int] = mapped_column(default=1)
    second_says: Mapped[WishAnswer | None] = mapped_column(words(WishAnswer, "second_says"))
    second_at: Mapped[Moment | None]
    second_until: Mapped[Moment | None]
    second_version: Mapped[int] = mapped_column(default=1)
    # The desk's word: a visit takes several slots at a place of its own.
    slots: Mapped[int] = mapped_column(SmallInteger, default=1, server_default=sql("1"))
    table_id: Mapped[UUID | None]
    created_at: Mapped[Now]

    def says(self, side: UUID) -> WishAnswer | None:
        return self.first_says if side == self.first_id else self.second_says

    def answered_at(self, side: UUID) -> datetime | None:
        return self.first_at if side == self.first_id else self.second_at

    def until(self, side: UUID) -> datetime | None:
        return self.first_until if side == self.first_id else self.second_until

    def version_of(self, side: UUID) -> int:
        return self.first_version if side == self.first_id else self.second_version

    def other(self, side: UUID) -> UUID:
        return self.second_id if side == self.first_id else self.first_id
