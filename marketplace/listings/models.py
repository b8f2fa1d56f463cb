"""What universities and enterprises publish, as tables.

Achievements and problems are two kinds of one thing, a listing: owner, states, freshness, confidential part, readers and
history are the same promise for both. They share one table (single-table inheritance), so a foreign key to a listing
is one foreign key, and each kind's own columns are real, typed columns.
"""

from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, Numeric
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.identity.models import Organisation
from marketplace.kernel.base import Base, Key, Moment, Now, Versioned
from marketplace.kernel.columns import many, words
from schemas.listings import AdmissionState, ListingKind, ListingState, Part

# Shown to everybody, ranked and searched. A problem in talks stays readable but is no longer proposed.
OPEN_STATES: Final = (ListingState.PUBLISHED, ListingState.IN_TALKS)

_BY_KIND = {
    ListingKind.ACHIEVEMENT: ("draft", "in_review", "published", "withdrawn", "expired"),
    ListingKind.PROBLEM: ("draft", "in_review", "published", "in_talks", "solved", "closed", "expired"),
}


def _states_of(kind: ListingKind) -> str:
    return ", ".join(f"'{state}'" for state in _BY_KIND[kind])


Money = Numeric(14, 2)


class Listing(Versioned, Base):
    __tablename__ = "listing"
    __table_args__ = (
        CheckConstraint(
            " or ".join(f"(kind = '{kind}' and state in ({_states_of(kind)}))" for kind in ListingKind),
            name="state_of_kind",
        ),
        CheckConstraint("(source is null) = (external_id is null)", name="source_pair"),
        CheckConstraint(
            "state not in ('published', 'in_talks') or (published_at is not null and confirmed_until is not null)",
            name="published_when",
        ),
        CheckConstraint("trl between 1 and 9", name="trl"),
        CheckConstraint("talks between 1 and 1000", name="talks"),
        CheckConstraint("price_low <= price_high and price_low >= 0", name="price"),
        CheckConstraint("budget_low <= budget_high and coalesce(budget_low, budget_high) >= 0", name="budget"),
        CheckConstraint("bounty >= 0", name="bounty"),
        Index(
            "listing_source_key",
            "kind",
            "organisation_id",
            "source",
            "external_id",
            unique=True,
            postgresql_where=sql("source is not null"),
        ),
        # The public lists, newest first, read straight from the index.
        Index(
            "listing_open_idx", "kind", "listed_at", "id", postgresql_where=sql("state in ('published', 'in_talks')")
        ),
        Index("listing_owner_idx", "organisation_id", "kind", "listed_at", "id"),
        Index("listing_facets_idx", "facets", postgresql_using="gin"),
        Index("listing_sketch_idx", "sketch", postgresql_using="gin"),
        Index(
            "listing_grams_idx",
            sql("grams(words)"),
            postgresql_using="gin",
            # Kilobytes of new rows that may wait to be worked in; see migration 0025.
            postgresql_with={"gin_pending_list_limit": 8192},
        ),
        Index("listing_fresh_idx", "confirmed_until", postgresql_where=sql("state in ('published', 'in_talks')")),
    )
    __mapper_args__ = {"polymorphic_on": "kind"}  # noqa: RUF012 -- SQLAlchemy's way to say it

    id: Mapped[Key]
    kind: Mapped[ListingKind] = mapped_column(words(ListingKind))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    state: Mapped[ListingState] = mapped_column(words(ListingState), default=ListingState.DRAFT)
    state_note: Mapped[str | None]
    title: Mapped[str]
    description: Mapped[str | None]
    keywords: Mapped[list[str]] = mapped_column(many(), default=list)
    industries: Mapped[list[str]] = mapped_column(many(), default=list)
    disciplines: Mapped[list[str]] = mapped_column(many(), default=list)
    region: Mapped[str | None]
    cooperation_modes: Mapped[list[str]] = mapped_column(many(), default=list)
    contact: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    source: Mapped[str | None]
    external_id: Mapped[str | None]
    # When it entered the list: written, then published. Lists are sorted by it, so an edit moves nothing.
    listed_at: Mapped[Now]
    published_at: Mapped[Moment | None]
    confirmed_at: Mapped[Moment | None]
    confirmed_until: Mapped[Moment | None]
    reminded_at: Mapped[Moment | None]
    confidential_part: Mapped[bool] = mapped_column(default=False)
    # Kept by `listings.derived`: codes with what stands above them (`i:38`), the folded text that `q` searches, and
    # what texts like it share with it (`matching.likeness`).
    facets: Mapped[list[str]] = mapped_column(many(), default=list)
    words: Mapped[str] = mapped_column(default="")
    sketch: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list, server_default="{}")

    organisation: Mapped[Organisation] = relationship(lazy="raise")


class Achievement(Listing):
    __mapper_args__ = {"polymorphic_identity": ListingKind.ACHIEVEMENT}  # noqa: RUF012

    summary: Mapped[str | None] = mapped_column(nullable=True)
    trl: Mapped[int | None] = mapped_column(nullable=True)
    stage: Mapped[str | None] = mapped_column(nullable=True)
    intellectual_property: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True), nullable=True)
    awards: Mapped[list[str] | None] = mapped_column(many(), nullable=True)
    price_kind: Mapped[str | None] = mapped_column(nullable=True)
    price_low: Mapped[Decimal | None] = mapped_column(Money, nullable=True)
    price_high: Mapped[Decimal | None] = mapped_column(Money, nullable=True)
    publicly_funded: Mapped[bool | None] = mapped_column(nullable=True)
    registration_number: Mapped[str | None] = mapped_column(nullable=True)
    team: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True), nullable=True)
    talks: Mapped[int | None] = mapped_column(nullable=True)


class Problem(Listing):
    __mapper_args__ = {"polymorphic_identity": ListingKind.PROBLEM}  # noqa: RUF012

    background: Mapped[str | None] = mapped_column(nullable=True)
    indicators: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True), nullable=True)
    tried: Mapped[str | None] = mapped_column(nullable=True)
    budget_low: Mapped[Decimal | None] = mapped_column(Money, nullable=True)
    budget_high: Mapped[Decimal | None] = mapped_column(Money, nullable=True)
    deadline: Mapped[date | None] = mapped_column(nullable=True)
    ip_wish: Mapped[str | None] = mapped_column(nullable=True)
    solver_conditions: Mapped[str | None] = mapped_column(nullable=True)
    bounty: Mapped[Decimal | None] = mapped_column(Money, nullable=True)


class Revision(Base):
    """The public part as it was before an edit. Nothing a user wrote is ever lost."""

    __tablename__ = "listing_revision"

    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listing.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    by: Mapped[UUID | None]
    at: Mapped[Now]


class Attachment(Base):
    """A file of a record, kept in the database: one backup, one transaction, no orphans."""

    __tablename__ = "attachment"
    __table_args__ = (Index("attachment_listing_idx", "listing_id", "part", "created_at", "id"),)

    id: Mapped[Key]
    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listing.id"))
    part: Mapped[Part] = mapped_column(words(Part))
    name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    created_at: Mapped[Now]
    created_by: Mapped[UUID | None]
    removed_at: Mapped[Moment | None]


class Confidential(Base):
    """The part shown only to those whom the owner admits; every version stays, the highest counts.

    It stands apart from `listing` so that no list, search, index or export can reach it by selecting a row too many.
    """

    __tablename__ = "confidential"

    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listing.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    nda: Mapped[str | None]
    by: Mapped[UUID | None]
    at: Mapped[Now]


class Admission(Base):
    """One person's way to the confidential part: asked, admitted or refused, revoked. One live row per address."""

    __tablename__ = "admission"
    __table_args__ = (
        Index(
            "admission_live_key",
            "listing_id",
            "email",
            unique=True,
            postgresql_where=sql("state in ('requested', 'admitted')"),
        ),
        Index("admission_listing_idx", "listing_id", "created_at", "id"),
        Index("admission_email_idx", "email"),
    )

    id: Mapped[Key]
    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listing.id"))
    email: Mapped[str]
    state: Mapped[AdmissionState] = mapped_column(words(AdmissionState))
    message: Mapped[str | None]
    note: Mapped[str | None]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[Moment | None]
    nda_accepted_at: Mapped[Moment | None]
    created_at: Mapped[Now]


class NdaAcceptance(Base):
    """The click-through, kept word for word: it points at the version whose terms were accepted, which never changes."""

    __tablename__ = "nda_acceptance"
    __table_args__ = (
        ForeignKeyConstraint(["listing_id", "version"], ["confidential.listing_id", "confidential.version"]),
    )

    admission_id: Mapped[UUID] = mapped_column(ForeignKey("admission.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[UUID]
    by: Mapped[UUID]
    at: Mapped[Now]
