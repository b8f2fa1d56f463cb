"""Organisations and people, as tables."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.kernel.base import Base, Key, Moment, Now, Versioned
from marketplace.kernel.columns import many, words
from schemas.identity import Role, Scope, TokenKind, Verification

SESSION_LASTS: Final = timedelta(days=14)
INVITATION_LASTS: Final = timedelta(days=14)
LETTER_LASTS: Final = timedelta(hours=24)


class Organisation(Versioned, Base):
    """A legal body. Its 统一社会信用代码 is its own: two rows never carry the same."""

    __tablename__ = "organisation"
    __table_args__ = (
        CheckConstraint("char_length(uscc) = 18", name="uscc_length"),
        CheckConstraint("cardinality(kinds) > 0", name="has_a_kind"),
        CheckConstraint("(verification = 'verified') <= (verified_at is not null)", name="verified_when"),
        Index("organisation_listed_idx", "created_at", "id"),
        Index("organisation_grams_idx", text("grams(lower(name))"), postgresql_using="gin"),
    )

    id: Mapped[Key]
    uscc: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    name_en: Mapped[str | None]
    kinds: Mapped[list[str]] = mapped_column(many())
    region: Mapped[str]
    introduction: Mapped[str | None]
    verification: Mapped[Verification] = mapped_column(words(Verification), default=Verification.UNVERIFIED)
    evidence: Mapped[str | None]
    decision_reason: Mapped[str | None]
    decided_by: Mapped[UUID | None]
    verified_at: Mapped[Moment | None]


class Person(Versioned, Base):
    __tablename__ = "person"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint("confirmed_at is null or password_hash is not null", name="confirmed_with_password"),
        Index("person_unconfirmed_idx", "created_at", postgresql_where=text("confirmed_at is null")),
    )

    id: Mapped[Key]
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    phone: Mapped[str | None]
    locale: Mapped[str] = mapped_column(default="zh")
    password_hash: Mapped[str | None]
    confirmed_at: Mapped[Moment | None]
    suspended_at: Mapped[Moment | None]
    suspended_because: Mapped[str | None]


class Membership(Base):
    """A role that a person has in an organisation, or (without one) on the platform, until it ends.

    Every change of the role is counted, so that two administrators do not undo each other unseen.
    """

    __tablename__ = "membership"
    __table_args__ = (
        CheckConstraint("(role in ('platform_admin', 'auditor')) = (organisation_id is null)", name="role_fits_place"),
        Index(
            "membership_live_key",
            "person_id",
            "organisation_id",
            unique=True,
            postgresql_where=text("ended_at is null"),
            postgresql_nulls_not_distinct=True,
        ),
        Index(
            "membership_organisation_idx", "organisation_id", "since", "id", postgresql_where=text("ended_at is null")
        ),
    )

    id: Mapped[Key]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    role: Mapped[Role] = mapped_column(words(Role))
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    since: Mapped[Now]
    given_by: Mapped[UUID | None]
    ended_at: Mapped[Moment | None]

    person: Mapped[Person] = relationship(lazy="raise")
    organisation: Mapped[Organisation | None] = relationship(lazy="raise")


class Token(Base):
    """What a client shows to say who it is: only the hash is kept."""

    __tablename__ = "token"
    __table_args__ = (
        Index("token_person_idx", "person_id", postgresql_where=text("revoked_at is null")),
        Index("token_expires_idx", "expires_at"),
        Index("token_revoked_idx", "revoked_at", postgresql_where=text("revoked_at is not null")),
    )

    id: Mapped[Key]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[TokenKind] = mapped_column(words(TokenKind))
    scope: Mapped[Scope] = mapped_column(words(Scope))
    name: Mapped[str]
    hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[Now]
    expires_at: Mapped[Moment]
    last_used_at: Mapped[Moment | None]
    revoked_at: Mapped[Moment | None]


class LetterToken(Base):
    """A link that was mailed, good once: to confirm an address, to set a password anew, to join an organisation."""

    __tablename__ = "letter_token"

    id: Mapped[Key]
    hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    purpose: Mapped[str]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    expires_at: Mapped[Moment] = mapped_column(index=True)
    used_at: Mapped[Moment | None]


class Invitation(Base):
    __tablename__ = "invitation"
    __table_args__ = (
        Index(
            "invitation_open_key",
            "organisation_id",
            "email",
            unique=True,
            postgresql_where=text("accepted_at is null and revoked_at is null"),
        ),
    )

    id: Mapped[Key]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    email: Mapped[str]
    role: Mapped[Role] = mapped_column(words(Role))
    hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    invited_by: Mapped[UUID]
    created_at: Mapped[Now]
    expires_at: Mapped[Moment]
    accepted_at: Mapped[Moment | None]
    revoked_at: Mapped[Moment | None]


class SignInTry(Base):
    """A password that was tried and not yet found right, kept to be counted across all processes."""

    __tablename__ = "sign_in_try"
    __table_args__ = (Index("sign_in_try_key_at_idx", "key", "at"), Index("sign_in_try_at_idx", "at"))

    id: Mapped[Key]
    key: Mapped[str]
    at: Mapped[Now]
