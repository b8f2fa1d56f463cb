"""Spellings that mean the same and terms that count whole, as the platform's administrators keep them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Float, ForeignKey, Index, Uuid, func
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel.base import Base, Key, Moment, Now
from marketplace.kernel.columns import many, words
from schemas.lexicon import ProposalState, TermOrigin


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


class Term(Base):
    """A term of the draft, as it was written. `key`: the same, folded, as it is compared."""

    __tablename__ = "term"
    __table_args__ = (
        CheckConstraint("char_length(key) between 2 and 60", name="length"),
        Index("term_key_key", "key", unique=True),
        Index("term_listed_idx", "created_at", "id"),
    )

    id: Mapped[Key]
    text: Mapped[str]
    key: Mapped[str]
    note: Mapped[str | None]
    origin: Mapped[TermOrigin] = mapped_column(words(TermOrigin))
    created_at: Mapped[Now]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


class LexiconVersion(Base):
    """A numbered list of terms. It never changes, but for whether it is in use. Number 0 has none and never goes.

    `added` and `removed` tell how it differs from `against`, the version that was in use when it was made.
    """

    __tablename__ = "lexicon_version"
    __table_args__ = (
        CheckConstraint("number >= 0 and (number > 0 or terms = 0)", name="number"),
        CheckConstraint("(number = 0) = (against is null)", name="against"),
        Index("lexicon_version_active_key", "active", unique=True, postgresql_where=sql("active")),
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    active: Mapped[bool]
    note: Mapped[str | None]
    terms: Mapped[int]
    added: Mapped[int]
    removed: Mapped[int]
    against: Mapped[int | None]
    created_at: Mapped[Now]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    activated_at: Mapped[Moment | None]
    activated_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


class LexiconEntry(Base):
    """A term of a version."""

    __tablename__ = "lexicon_entry"

    number: Mapped[int] = mapped_column(ForeignKey("lexicon_version.number"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]


class TermProposal(Base):
    """What discovery found in the open records; each once, whatever became of it. `examples`: listings that have it."""

    __tablename__ = "term_proposal"
    __table_args__ = (
        CheckConstraint("(state = 'proposed') = (decided_at is null)", name="decided"),
        Index("term_proposal_key_key", "key", unique=True),
        Index("term_proposal_listed_idx", "worth", "id"),
        Index("term_proposal_state_idx", "state", "worth", "id"),
    )

    id: Mapped[Key]
    key: Mapped[str]
    state: Mapped[ProposalState] = mapped_column(words(ProposalState))
    frequency: Mapped[int]
    records: Mapped[int]
    cohesion: Mapped[float] = mapped_column(Float)
    left_entropy: Mapped[float] = mapped_column(Float)
    right_entropy: Mapped[float] = mapped_column(Float)
    worth: Mapped[float] = mapped_column(Float)
    examples: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    found_at: Mapped[Moment]
    decided_at: Mapped[Moment | None]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
