"""Funding calls, as a table."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.identity.models import Organisation
from marketplace.kernel.base import Base, Key, Moment, Now, Versioned
from marketplace.kernel.columns import many, words
from marketplace.listings.models import Money
from schemas.funding import FundingKind, FundingState


class FundingCall(Versioned, Base):
    """A call: what is given for what, to whom, until when. Once published, its changes are told (`FundingCallEdited`)."""

    __tablename__ = "funding_call"
    __table_args__ = (
        CheckConstraint("opens_at < closes_at", name="in_order"),
        CheckConstraint(
            "amount_low >= 0 and amount_low <= amount_high and coalesce(amount_high, amount_low) <= total_amount",
            name="amounts",
        ),
        CheckConstraint("state in ('draft', 'withdrawn') or published_at is not null", name="published_when"),
        CheckConstraint("changed_at is null or published_at is not null", name="changed_when"),
        Index("funding_call_listed_idx", "listed_at", "id", postgresql_where=sql("state in ('published', 'closed')")),
        Index("funding_call_owner_idx", "organisation_id", "listed_at", "id"),
        Index("funding_call_grams_idx", sql("grams(words)"), postgresql_using="gin"),
        Index("funding_call_facets_idx", "facets", postgresql_using="gin"),
        # What the clock closes, and what is ranked.
        Index("funding_call_due_idx", "closes_at", "id", postgresql_where=sql("state = 'published'")),
        Index("funding_call_tell_idx", "tell_at", "id", postgresql_where=sql("tell_at is not null")),
    )

    id: Mapped[Key]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[FundingKind] = mapped_column(words(FundingKind))
    state: Mapped[FundingState] = mapped_column(words(FundingState), default=FundingState.DRAFT)
    title: Mapped[str]
    title_en: Mapped[str | None]
    summary: Mapped[str | None]
    description: Mapped[str | None]
    keywords: Mapped[list[str]] = mapped_column(many())
    industries: Mapped[list[str]] = mapped_column(many())
    disciplines: Mapped[list[str]] = mapped_column(many())
    amount_low: Mapped[Decimal | None] = mapped_column(Money)
    amount_high: Mapped[Decimal | None] = mapped_column(Money)
    total_amount: Mapped[Decimal | None] = mapped_column(Money)
    opens_at: Mapped[Moment | None]
    closes_at: Mapped[Moment | None]
    how_to_apply: Mapped[str | None]
    apply_url: Mapped[str | None]
    documents: Mapped[list[str]] = mapped_column(many())
    contact: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    # `schemas.funding.Eligibility`, without what is not asked for.
    eligibility: Mapped[dict[str, Any]] = mapped_column(JSONB)
    # When it entered the list: written, then published. Lists are sorted by it, so an edit moves nothing.
    listed_at: Mapped[Now]
    published_at: Mapped[Moment | None]
    changed_at: Mapped[Moment | None]
    # When those who keep an eye on it are told what is new; where nothing is, when it opens.
    tell_at: Mapped[Moment | None]
    # Kept by `funding.calls`: whom it is open to as codes, and the folded text that `q` searches.
    facets: Mapped[list[str]] = mapped_column(many())
    words: Mapped[str]

    organisation: Mapped[Organisation] = relationship(lazy="raise")


class FundingBookmark(Base):
    """Somebody keeps an eye on a call, and is written to some days before its deadline, once for each deadline, and, unless
    they do not wish it, when what it says has changed."""

    __tablename__ = "funding_bookmark"
    __table_args__ = (
        CheckConstraint("days_before between 1 and 60", name="days"),
        Index("funding_bookmark_person_idx", "person_id"),
    )

    call_id: Mapped[UUID] = mapped_column(ForeignKey("funding_call.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    days_before: Mapped[int] = mapped_column(SmallInteger)
    since: Mapped[Now]
    # The deadline that the last letter spoke of; a later one is spoken of again.
    reminded_for: Mapped[Moment | None]
    changes: Mapped[bool] = mapped_column(default=True, server_default=sql("true"))
    # What they know of the call (`funding.watched`): what it said when they began, or when they were last told.
    known: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
