"""What goes with an event: documents, the terms of its reminders, and which letters were posted already."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel.base import Base, Key, Moment, Now, Versioned
from marketplace.kernel.columns import words
from schemas.event_extras import Audience, ReminderKind


class EventDocument(Base):
    """A file of an event, kept in the database like those of records: one backup, one transaction, no orphans.

    Nothing of it is ever deleted, so one that came from another event with a clone is kept there: `content_of`.
    """

    __tablename__ = "event_document"
    __table_args__ = (
        CheckConstraint("size = octet_length(content)", name="size"),
        CheckConstraint("(content is null) = (content_of is not null)", name="content"),
        Index("event_document_listed_idx", "event_id", "created_at", "id"),
    )

    id: Mapped[Key]
    event_id: Mapped[UUID] = mapped_column(ForeignKey("event.id"))
    audience: Mapped[Audience] = mapped_column(words(Audience))
    name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    content_of: Mapped[UUID | None] = mapped_column(ForeignKey("event_document.id"))
    created_at: Mapped[Now]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    removed_at: Mapped[Moment | None]


class ReminderRules(Versioned, Base):
    """When those who come to an event are reminded; without a row the schema's defaults hold."""

    __tablename__ = "reminder_rules"
    __table_args__ = (CheckConstraint("before_hours > 0", name="before"),)

    event_id: Mapped[UUID] = mapped_column(ForeignKey("event.id"), primary_key=True)
    before_hours: Mapped[int | None]
    rate_after: Mapped[bool]
    half_year_after: Mapped[bool]


class Reminded(Base):
    """A reminder is in the post. The key lets each go out once, whichever worker comes first."""

    __tablename__ = "reminded"
    __table_args__ = (
        ForeignKeyConstraint(
            ["attendee_id", "event_id"], ["attendee.id", "attendee.event_id"], name="reminded_attendee_fkey"
        ),
    )

    attendee_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[ReminderKind] = mapped_column(words(ReminderKind), primary_key=True)
    # The day it speaks of, in the time of the event.
    day: Mapped[date] = mapped_column(primary_key=True)
    event_id: Mapped[UUID]
    at: Mapped[Now]


class WishNews(Base):
    """What one side of a pair has to be told by mail of the other's wish, and was told: a refusal is never news."""

    __tablename__ = "wish_news"
    __table_args__ = (
        CheckConstraint("told in ('asked', 'mutual')", name="told"),
        Index("wish_news_due_idx", "due_at", postgresql_where=sql("due_at is not null")),
    )

    registration_id: Mapped[UUID] = mapped_column(ForeignKey("registration.id"), primary_key=True)
    wish_id: Mapped[UUID] = mapped_column(ForeignKey("wish.id", ondelete="CASCADE"), primary_key=True)
    told: Mapped[str | None]
    due_at: Mapped[Moment | None]
