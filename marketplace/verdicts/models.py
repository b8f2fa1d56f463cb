"""What one side says of a pairing, with what the matcher had said."""

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel.base import Base, Key, Moment, Now, Versioned
from marketplace.kernel.columns import many, words
from schemas.listings import ListingKind


class Verdict(Versioned, Base):
    """One a side: the record that asked names the organisation whose word it is. The other side is not told."""

    __tablename__ = "verdict"
    __table_args__ = (
        CheckConstraint("grade between 0 and 3", name="grade"),
        CheckConstraint("cardinality(misleading) <= 8", name="misleading"),
        CheckConstraint("listing_id <> other_id", name="two"),
        UniqueConstraint("listing_id", "other_id", name="verdict_once_key"),
        Index("verdict_listed_idx", "created_at", "id", postgresql_where=sql("withdrawn_at is null")),
        Index(
            "verdict_organisation_idx",
            "organisation_id",
            "created_at",
            "id",
            postgresql_where=sql("withdrawn_at is null"),
        ),
        Index("verdict_misleading_idx", "misleading", postgresql_using="gin"),
    )

    id: Mapped[Key]
    # Of the record that asked.
    kind: Mapped[ListingKind] = mapped_column(words(ListingKind))
    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listing.id"))
    other_id: Mapped[UUID] = mapped_column(ForeignKey("listing.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    grade: Mapped[int] = mapped_column(SmallInteger)
    misleading: Mapped[list[str]] = mapped_column(many())
    note: Mapped[str | None]
    # Divisions of industry of the problem, at that moment.
    industries: Mapped[list[str]] = mapped_column(many())
    said: Mapped[dict[str, Any]] = mapped_column(JSONB)
    by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    withdrawn_at: Mapped[Moment | None]


class VerdictRevision(Base):
    """A verdict as it was before it was replaced or withdrawn."""

    __tablename__ = "verdict_revision"

    verdict_id: Mapped[UUID] = mapped_column(ForeignKey("verdict.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    by: Mapped[UUID]
    at: Mapped[Now]
