"""Tariffs, the ledger, and what is held and charged. What was written here is never changed: triggers see to it."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.identity.models import Organisation
from marketplace.kernel.base import Base, Key, Moment, Now
from marketplace.kernel.columns import many, words
from marketplace.labs.models import Instrument
from schemas.charges import (
    AccountKind,
    ChargeKind,
    ClaimCorrectionKind,
    DisputeState,
    EntryKind,
    PostingKind,
    RedemptionState,
    Settlement,
    Unit,
)
from schemas.labs import CustomerClass

YUAN = Numeric(18, 2)
_SOURCES = "kind in ('fund', 'quota_source', 'income')"


class Tariff(Base):
    """What an instrument costs from a day on. A change is a new row; the latest of a day holds."""

    __tablename__ = "tariff"
    __table_args__ = (
        CheckConstraint("late_cancel_percent between 0 and 100", name="late_cancel"),
        # The past is charged by what was published then.
        CheckConstraint("effective_from >= (created_at at time zone 'Asia/Shanghai')::date", name="not_backdated"),
        Index("tariff_instrument_idx", "instrument_id", "effective_from", "id"),
    )

    id: Mapped[Key]
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instrument.id"))
    effective_from: Mapped[date]
    prices: Mapped[dict[str, Any]] = mapped_column(JSONB)
    windows: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    late_cancel_percent: Mapped[int]
    accepts_vouchers: Mapped[bool]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Now]


class Account(Base):
    """One thing that is counted. Its balance is the sum of its lines: a trigger keeps it, and nobody else can."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint(f"{_SOURCES} or balance >= 0", name="not_negative"),
        CheckConstraint(f"not ({_SOURCES}) or balance <= 0", name="source"),
        CheckConstraint("(unit = 'minute') = (kind like 'quota%')", name="unit_of_kind"),
        Index("account_of_key", "kind", "owner_id", "other_id", unique=True, postgresql_nulls_not_distinct=True),
    )

    id: Mapped[Key]
    kind: Mapped[AccountKind] = mapped_column(words(AccountKind))
    owner_id: Mapped[UUID]
    other_id: Mapped[UUID | None]
    unit: Mapped[Unit] = mapped_column(words(Unit))
    balance: Mapped[Decimal] = mapped_column(YUAN, default=Decimal(0), server_default=sql("0"))


class Posting(Base):
    """Amounts that go from some accounts to others at once. A deferred trigger refuses one that does not balance."""

    __tablename__ = "posting"
    __table_args__ = (Index("posting_subject_idx", "subject_id"),)

    id: Mapped[Key]
    kind: Mapped[PostingKind] = mapped_column(words(PostingKind))
    subject_id: Mapped[UUID]
    at: Mapped[Now]


class PostingLine(Base):
    __tablename__ = "posting_line"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="something"),
        Index("posting_line_account_idx", "account_id", "id"),
        Index("posting_line_of_key", "posting_id", "account_id", unique=True),
    )

    id: Mapped[Key]
    posting_id: Mapped[UUID] = mapped_column(ForeignKey("posting.id"))
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    amount: Mapped[Decimal] = mapped_column(YUAN)


class Agreement(Base):
    """The price that a booking was confirmed at: its tariff stays, whatever is published later."""

    __tablename__ = "booking_price"

    booking_id: Mapped[UUID] = mapped_column(ForeignKey("booking.id"), primary_key=True)
    tariff_id: Mapped[UUID] = mapped_column(ForeignKey("tariff.id"))
    gross: Mapped[Decimal] = mapped_column(YUAN)
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    at: Mapped[Now]


class Hold(Base):
    """Part of an account that is kept for a booking, until it is used or given back."""

    __tablename__ = "hold"
    __table_args__ = (
        CheckConstraint("amount > 0", name="something"),
        Index("hold_of_key", "booking_id", "account_id", unique=True),
    )

    id: Mapped[Key]
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("booking.id"))
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    amount: Mapped[Decimal] = mapped_column(YUAN)
    posting_id: Mapped[UUID] = mapped_column(ForeignKey("posting.id"))

    account: Mapped[Account] = relationship(lazy="raise")


class HoldEnd(Base):
    """That a hold is over. Its key is the hold's: one ends once."""

    __tablename__ = "hold_end"

    hold_id: Mapped[UUID] = mapped_column(ForeignKey("hold.id"), primary_key=True)
    posting_id: Mapped[UUID] = mapped_column(ForeignKey("posting.id"))


class Charge(Base):
    """What one use, late cancellation or no-show is charged as. How much is the sum of its entries."""

    __tablename__ = "charge"
    __table_args__ = (
        CheckConstraint("(kind = 'usage') = (usage_id is not null)", name="usage"),
        CheckConstraint("kind = 'usage' or booking_id is not null", name="booking"),
        Index("charge_booking_key", "booking_id", unique=True, postgresql_where=sql("booking_id is not null")),
        Index("charge_usage_key", "usage_id", unique=True, postgresql_where=sql("usage_id is not null")),
        Index("charge_instrument_idx", "instrument_id", "used_at", "id"),
        Index("charge_organisation_idx", "organisation_id", "used_at", "id"),
    )

    id: Mapped[Key]
    kind: Mapped[ChargeKind] = mapped_column(words(ChargeKind))
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instrument.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    lab_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    booking_id: Mapped[UUID | None] = mapped_column(ForeignKey("booking.id"))
    usage_id: Mapped[UUID | None] = mapped_column(ForeignKey("usage.id"))
    tariff_id: Mapped[UUID] = mapped_column(ForeignKey("tariff.id"))
    customer_class: Mapped[CustomerClass] = mapped_column(words(CustomerClass))
    used_at: Mapped[Moment]
    created_at: Mapped[Now]

    instrument: Mapped[Instrument] = relationship(lazy="raise")
    organisation: Mapped[Organisation] = relationship(foreign_keys=[organisation_id], lazy="raise")


class ChargeEntry(Base):
    """One step of a charge: the first sum, and each change with its reason. Its parts add up."""

    __tablename__ = "charge_entry"
    __table_args__ = (
        CheckConstraint("gross = free_amount + voucher_amount + payer_amount", name="adds_up"),
        CheckConstraint("(kind = 'charged') = (reason is null)", name="reason"),
        Index("charge_entry_charge_idx", "charge_id", "at", "id"),
        Index("charge_entry_at_idx", "at", "id"),
        Index("charge_entry_first_key", "charge_id", unique=True, postgresql_where=sql("kind = 'charged'")),
    )

    id: Mapped[Key]
    charge_id: Mapped[UUID] = mapped_column(ForeignKey("charge.id"))
    kind: Mapped[EntryKind] = mapped_column(words(EntryKind))
    reason: Mapped[str | None]
    gross: Mapped[Decimal] = mapped_column(YUAN)
    minutes: Mapped[int]
    free_minutes: Mapped[int]
    free_amount: Mapped[Decimal] = mapped_column(YUAN)
    voucher_amount: Mapped[Decimal] = mapped_column(YUAN)
    payer_amount: Mapped[Decimal] = mapped_column(YUAN)
    payable: Mapped[Decimal] = mapped_column(YUAN)
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    posting_id: Mapped[UUID | None] = mapped_column(ForeignKey("posting.id"))
    by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[Now]


class Voucher(Base):
    """创新券. What is left of it is in its accounts."""

    __tablename__ = "voucher"
    __table_args__ = (
        CheckConstraint("amount > 0 and share_percent between 1 and 100", name="worth"),
        Index("voucher_number_key", "number", unique=True),
        Index("voucher_organisation_idx", "organisation_id", "valid_until", "id"),
        Index("voucher_created_idx", "created_at", "id"),
    )

    id: Mapped[Key]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    number: Mapped[str]
    amount: Mapped[Decimal] = mapped_column(YUAN)
    share_percent: Mapped[int]
    settlement: Mapped[Settlement] = mapped_column(words(Settlement))
    valid_until: Mapped[date]
    programme: Mapped[str | None]
    issued_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Now]

    organisation: Mapped[Organisation] = relationship(lazy="raise")


class ChargeCover(Base):
    """How much more, or less, of a charge a voucher bears since an entry."""

    __tablename__ = "charge_cover"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="something"),
        Index("charge_cover_charge_idx", "charge_id", "voucher_id"),
    )

    entry_id: Mapped[UUID] = mapped_column(ForeignKey("charge_entry.id"), primary_key=True)
    voucher_id: Mapped[UUID] = mapped_column(ForeignKey("voucher.id"), primary_key=True)
    charge_id: Mapped[UUID] = mapped_column(ForeignKey("charge.id"))
    amount: Mapped[Decimal] = mapped_column(YUAN)


class FreeQuota(Base):
    """A declaration of how much of a year's hours is given free, and to whom; the latest of a year holds."""

    __tablename__ = "free_quota"
    __table_args__ = (
        CheckConstraint("yearly_hours > 0 and percent between 1 and 100", name="share"),
        Index("free_quota_instrument_idx", "instrument_id", "declared_at", "id"),
    )

    id: Mapped[Key]
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instrument.id"))
    year: Mapped[int]
    yearly_hours: Mapped[int]
    percent: Mapped[int]
    customers: Mapped[list[str]] = mapped_column(many())
    declared_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    declared_at: Mapped[Now]

    @property
    def granted_minutes(self) -> int:
        return self.yearly_hours * 60 * self.percent // 100


class Redemption(Base):
    """That whoever is owed a voucher's part of a charge asks for it, and what the programme answered."""

    __tablename__ = "redemption"
    __table_args__ = (
        CheckConstraint("amount > 0", name="something"),
        CheckConstraint("(state = 'asked') = (decided_at is null)", name="decided_when"),
        CheckConstraint("(state = 'paid') = (posting_id is not null)", name="paid_by"),
        CheckConstraint("(state = 'paid') = (paid_amount is not null)", name="paid"),
        CheckConstraint("paid_amount > 0 and paid_amount <= amount", name="paid_at_most"),
        # What a voucher bears of a charge is asked for once; it may be asked again after a refusal.
        Index(
            "redemption_once_key", "voucher_id", "charge_id", unique=True, postgresql_where=sql("state <> 'declined'")
        ),
        Index("redemption_asked_idx", "asked_at", "id"),
        Index("redemption_charge_idx", "charge_id"),
    )

    id: Mapped[Key]
    voucher_id: Mapped[UUID] = mapped_column(ForeignKey("voucher.id"))
    charge_id: Mapped[UUID] = mapped_column(ForeignKey("charge.id"))
    claimant_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    amount: Mapped[Decimal] = mapped_column(YUAN)
    state: Mapped[RedemptionState] = mapped_column(words(RedemptionState), default=RedemptionState.ASKED)
    asked_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[Now]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[Moment | None]
    note: Mapped[str | None]
    paid_amount: Mapped[Decimal | None] = mapped_column(YUAN)
    posting_id: Mapped[UUID | None] = mapped_column(ForeignKey("posting.id"))
    # How many of its corrections the claimant was told of.
    corrections_told: Mapped[int] = mapped_column(default=0, server_default=sql("0"))


class ClaimCorrection(Base):
    """That a charge was corrected after its voucher was paid back, and what is owed since; or that it was returned."""

    __tablename__ = "claim_correction"
    __table_args__ = (
        CheckConstraint("amount <> 0 and (amount > 0 or kind = 'owed')", name="something"),
        CheckConstraint("(kind = 'owed') = (entry_id is not null)", name="came_of"),
        Index("claim_correction_redemption_idx", "redemption_id", "at", "id"),
    )

    id: Mapped[Key]
    redemption_id: Mapped[UUID] = mapped_column(ForeignKey("redemption.id"))
    kind: Mapped[ClaimCorrectionKind] = mapped_column(words(ClaimCorrectionKind))
    amount: Mapped[Decimal] = mapped_column(YUAN)
    entry_id: Mapped[UUID | None] = mapped_column(ForeignKey("charge_entry.id"))
    posting_id: Mapped[UUID] = mapped_column(ForeignKey("posting.id"))
    by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    note: Mapped[str | None]
    at: Mapped[Now]


class Dispute(Base):
    """What a payer says against a charge, and how it was answered; all of them are kept."""

    __tablename__ = "dispute"
    __table_args__ = (
        CheckConstraint("(state = 'open') = (answered_at is null)", name="answered_when"),
        Index("dispute_open_key", "charge_id", unique=True, postgresql_where=sql("state = 'open'")),
        Index("dispute_charge_idx", "charge_id", "opened_at", "id"),
    )

    id: Mapped[Key]
    charge_id: Mapped[UUID] = mapped_column(ForeignKey("charge.id"))
    state: Mapped[DisputeState] = mapped_column(words(DisputeState), default=DisputeState.OPEN)
    reason: Mapped[str]
    opened_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    opened_at: Mapped[Now]
    answer: Mapped[str | None]
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    answered_at: Mapped[Moment | None]
