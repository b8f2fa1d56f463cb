"""Experts, and which achievements of their organisation speak for them."""

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.identity.models import Organisation
from marketplace.kernel.base import Base, Key, Moment, Versioned
from marketplace.kernel.columns import many, words
from schemas.experts import ExpertState

SERVICES = "array['consulting', 'joint_research', 'transfer', 'residency', 'training', 'testing']"


class Expert(Versioned, Base):
    """Somebody whom an organisation offers to firms. Nobody is shown without their consent: the table itself refuses.

    Erasing takes the row away: nothing else of the database holds what it said.
    """

    __tablename__ = "expert"
    __table_args__ = (
        CheckConstraint(
            "state <> 'published' or (consented_at is not null and published_at is not null"
            " and confirmed_at is not null and confirmed_until is not null)",
            name="shown_with_consent",
        ),
        CheckConstraint(
            "(consented_at is null) = (consented_by is null) and (consented_at is null) = (consent_evidence is null)",
            name="consent_whole",
        ),
        CheckConstraint(f"services <@ {SERVICES}", name="services"),
        CheckConstraint("talks between 1 and 1000", name="talks"),
        CheckConstraint("homepage like 'https://%'", name="homepage"),
        CheckConstraint("(source is null) = (external_id is null)", name="origin"),
        Index(
            "expert_source_key",
            "organisation_id",
            "source",
            "external_id",
            unique=True,
            postgresql_where=sql("source is not null"),
        ),
        Index("expert_listed_idx", "created_at", "id", postgresql_where=sql("state = 'published'")),
        Index("expert_owner_idx", "organisation_id", "created_at", "id"),
        Index("expert_facets_idx", "facets", postgresql_using="gin"),
        Index("expert_grams_idx", sql("grams(words)"), postgresql_using="gin"),
        Index("expert_fresh_idx", "confirmed_until", postgresql_where=sql("state = 'published'")),
    )

    id: Mapped[Key]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    state: Mapped[ExpertState] = mapped_column(words(ExpertState), default=ExpertState.DRAFT)
    name: Mapped[str]
    academic_title: Mapped[str | None]
    position: Mapped[str | None]
    unit: Mapped[str | None]
    focus: Mapped[str]
    description: Mapped[str | None]
    keywords: Mapped[list[str]] = mapped_column(many())
    disciplines: Mapped[list[str]] = mapped_column(many())
    industries: Mapped[list[str]] = mapped_column(many())
    region: Mapped[str | None]
    services: Mapped[list[str]] = mapped_column(many())
    talks: Mapped[int | None]
    homepage: Mapped[str | None]
    contact: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    # What the person is called where the profile was imported from: the organisation's own to see.
    source: Mapped[str | None]
    external_id: Mapped[str | None]
    consented_at: Mapped[Moment | None]
    consented_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    consent_evidence: Mapped[str | None]
    published_at: Mapped[Moment | None]
    confirmed_at: Mapped[Moment | None]
    confirmed_until: Mapped[Moment | None]
    reminded_at: Mapped[Moment | None]
    # Kept by `experts.derive`: codes with what stands above them, and the folded text that `q` searches.
    facets: Mapped[list[str]] = mapped_column(many())
    words: Mapped[str]

    organisation: Mapped[Organisation] = relationship(lazy="raise")


class Representative(Base):
    """An achievement that speaks for an expert, at its place among them. Both belong to one organisation."""

    __tablename__ = "expert_achievement"
    __table_args__ = (CheckConstraint("place > 0", name="place"),)

    expert_id: Mapped[UUID] = mapped_column(ForeignKey("expert.id", ondelete="CASCADE"), primary_key=True)
    # News of an achievement concern the experts that it speaks for.
    achievement_id: Mapped[UUID] = mapped_column(ForeignKey("listing.id"), primary_key=True, index=True)
    place: Mapped[int] = mapped_column(SmallInteger)
