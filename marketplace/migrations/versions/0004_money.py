"""Tariffs, a ledger that only grows, charges, vouchers, free hours, disputes.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# What is written here once stays as it was written.
ONLY_GROW = (
    "tariff",
    "posting",
    "posting_line",
    "booking_price",
    "hold",
    "hold_end",
    "charge",
    "charge_entry",
    "charge_cover",
    "voucher",
    "free_quota",
)

TRIGGERS = """
create function money_only_grows() returns trigger language plpgsql as $$
begin
    raise exception '% only grows', tg_table_name using errcode = 'restrict_violation';
end $$;

-- A balance is the sum of its lines, kept as they come. Nobody else may touch it.
create function money_line_counts() returns trigger language plpgsql as $$
begin
    update account set balance = balance + new.amount where id = new.account_id;
    return null;
end $$;

create function money_account_guarded() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        if new.balance <> 0 then
            raise exception 'an account begins at nought' using errcode = 'restrict_violation';
        end if;
        return new;
    end if;
    if tg_op = 'UPDATE' and pg_trigger_depth() > 1
        and (new.id, new.kind, new.owner_id, new.other_id, new.unit)
            is not distinct from (old.id, old.kind, old.owner_id, old.other_id, old.unit)
    then
        return new;
    end if;
    raise exception 'a balance changes by lines alone' using errcode = 'restrict_violation';
end $$;

-- Looked at when the transaction ends: what goes out of some accounts goes into others, in each unit.
create function money_posting_balances() returns trigger language plpgsql as $$
begin
    if exists (
        select from posting_line join account on account.id = posting_line.account_id
        where posting_id = new.posting_id
        group by account.unit having sum(amount) <> 0
    ) then
        raise exception 'posting % does not balance', new.posting_id
            using errcode = 'check_violation', constraint = 'posting_balances';
    end if;
    return null;
end $$;

create trigger posting_line_counts after insert on posting_line
    for each row execute function money_line_counts();
create trigger account_guarded before insert or update or delete on account
    for each row execute function money_account_guarded();
create trigger account_stays before truncate on account
    for each statement execute function money_only_grows();
create constraint trigger posting_balances after insert on posting_line deferrable initially deferred
    for each row execute function money_posting_balances();
"""


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "fund",
                "voucher_available",
                "voucher_held",
                "voucher_spent",
                "voucher_redeemed",
                "quota_source",
                "quota_available",
                "quota_held",
                "quota_used",
                "payer",
                "income",
                "due",
                "paid",
                name="accountkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=True),
        sa.Column(
            "unit",
            sa.Enum("yuan", "minute", name="unit", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("balance", sa.Numeric(precision=18, scale=2), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("(unit = 'minute') = (kind like 'quota%')", name=op.f("account_unit_of_kind_check")),
        sa.CheckConstraint(
            "kind in ('fund', 'quota_source', 'income') or balance >= 0", name=op.f("account_not_negative_check")
        ),
        sa.CheckConstraint(
            "not (kind in ('fund', 'quota_source', 'income')) or balance <= 0", name=op.f("account_source_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("account_pkey")),
    )
    op.create_index(
        "account_of_key", "account", ["kind", "owner_id", "other_id"], unique=True, postgresql_nulls_not_distinct=True
    )
    op.create_table(
        "posting",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "issued",
                "granted",
                "held",
                "released",
                "charged",
                "revised",
                "redeemed",
                name="postingkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("posting_pkey")),
    )
    op.create_index("posting_subject_idx", "posting", ["subject_id"], unique=False)
    op.create_table(
        "posting_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=18, scale=2), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("posting_line_something_check")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("posting_line_account_id_fkey")),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"], name=op.f("posting_line_posting_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("posting_line_pkey")),
    )
    op.create_index("posting_line_account_idx", "posting_line", ["account_id", "id"], unique=False)
    op.create_index("posting_line_of_key", "posting_line", ["posting_id", "account_id"], unique=True)
    op.create_table(
        "voucher",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=18, scale=2), nullable=False),
        sa.Column("share_percent", sa.Integer(), nullable=False),
        sa.Column(
            "settlement",
            sa.Enum(
                "firm_redeems", "lab_redeems", name="settlement", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("programme", sa.String(), nullable=True),
        sa.Column("issued_by", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("amount > 0 and share_percent between 1 and 100", name=op.f("voucher_worth_check")),
        sa.ForeignKeyConstraint(["issued_by"], ["person.id"], name=op.f("voucher_issued_by_fkey")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("voucher_organisation_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("voucher_pkey")),
    )
    op.create_index("voucher_created_idx", "voucher", ["created_at", "id"], unique=False)
    op.create_index("voucher_number_key", "voucher", ["number"], unique=True)
    op.create_index("voucher_organisation_idx", "voucher", ["organisation_id", "valid_until", "id"], unique=False)
    op.create_table(
        "free_quota",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("yearly_hours", sa.Integer(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("customers", postgresql.ARRAY(Text()), nullable=False),
        sa.Column("declared_by", sa.Uuid(), nullable=False),
        sa.Column(
            "declared_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("yearly_hours > 0 and percent between 1 and 100", name=op.f("free_quota_share_check")),
        sa.ForeignKeyConstraint(["declared_by"], ["person.id"], name=op.f("free_quota_declared_by_fkey")),
        sa.ForeignKeyConstraint(["instrument_id"], ["instrument.id"], name=op.f("free_quota_instrument_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("free_quota_pkey")),
    )
    op.create_index("free_quota_instrument_idx", "free_quota", ["instrument_id", "declared_at", "id"], unique=False)
    op.create_table(
        "tariff",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("prices", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("windows", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("late_cancel_percent", sa.Integer(), nullable=False),
        sa.Column("accepts_vouchers", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint(
            "effective_from >= (created_at at time zone 'Asia/Shanghai')::date", name=op.f("tariff_not_backdated_check")
        ),
        sa.CheckConstraint("late_cancel_percent between 0 and 100", name=op.f("tariff_late_cancel_check")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("tariff_created_by_fkey")),
        sa.ForeignKeyConstraint(["instrument_id"], ["instrument.id"], name=op.f("tariff_instrument_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("tariff_pkey")),
    )
    op.create_index("tariff_instrument_idx", "tariff", ["instrument_id", "effective_from", "id"], unique=False)
    op.create_table(
        "booking_price",
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("tariff_id", sa.Uuid(), nullable=False),
        sa.Column("gross", sa.Numeric(precision=18, scale=2), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("booking_price_booking_id_fkey")),
        sa.ForeignKeyConstraint(["tariff_id"], ["tariff.id"], name=op.f("booking_price_tariff_id_fkey")),
        sa.PrimaryKeyConstraint("booking_id", name=op.f("booking_price_pkey")),
    )
    op.create_table(
        "hold",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=18, scale=2), nullable=False),
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("hold_something_check")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("hold_account_id_fkey")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("hold_booking_id_fkey")),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"], name=op.f("hold_posting_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("hold_pkey")),
    )
    op.create_index("hold_of_key", "hold", ["booking_id", "account_id"], unique=True)
    op.create_table(
        "charge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "usage",
                "late_cancellation",
                "no_show",
                name="chargekind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("lab_id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=True),
        sa.Column("usage_id", sa.Uuid(), nullable=True),
        sa.Column("tariff_id", sa.Uuid(), nullable=False),
        sa.Column(
            "customer_class",
            sa.Enum(
                "internal",
                "academic",
                "province_firm",
                "other",
                name="customerclass",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("(kind = 'usage') = (usage_id is not null)", name=op.f("charge_usage_check")),
        sa.CheckConstraint("kind = 'usage' or booking_id is not null", name=op.f("charge_booking_check")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("charge_booking_id_fkey")),
        sa.ForeignKeyConstraint(["instrument_id"], ["instrument.id"], name=op.f("charge_instrument_id_fkey")),
        sa.ForeignKeyConstraint(["lab_id"], ["organisation.id"], name=op.f("charge_lab_id_fkey")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("charge_organisation_id_fkey")),
        sa.ForeignKeyConstraint(["tariff_id"], ["tariff.id"], name=op.f("charge_tariff_id_fkey")),
        sa.ForeignKeyConstraint(["usage_id"], ["usage.id"], name=op.f("charge_usage_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("charge_pkey")),
    )
    op.create_index(
        "charge_booking_key", "charge", ["booking_id"], unique=True, postgresql_where=sa.text("booking_id is not null")
    )
    op.create_index("charge_instrument_idx", "charge", ["instrument_id", "used_at", "id"], unique=False)
    op.create_index("charge_organisation_idx", "charge", ["organisation_id", "used_at", "id"], unique=False)
    op.create_index(
        "charge_usage_key", "charge", ["usage_id"], unique=True, postgresql_where=sa.text("usage_id is not null")
    )
    op.create_table(
        "hold_end",
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["hold_id"], ["hold.id"], name=op.f("hold_end_hold_id_fkey")),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"], name=op.f("hold_end_posting_id_fkey")),
        sa.PrimaryKeyConstraint("hold_id", name=op.f("hold_end_pkey")),
    )
    op.create_table(
        "charge_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "charged",
                "corrected",
                "adjusted",
                "waived",
                name="entrykind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("gross", sa.Numeric(precision=18, scale=2), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("free_minutes", sa.Integer(), nullable=False),
        sa.Column("free_amount", sa.Numeric(precision=18, scale=2), nullable=False),
        sa.Column("voucher_amount", sa.Numeric(precision=18, scale=2), nullable=False),
        sa.Column("payer_amount", sa.Numeric(precision=18, scale=2), nullable=False),
        sa.Column("payable", sa.Numeric(precision=18, scale=2), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("posting_id", sa.Uuid(), nullable=True),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("(kind = 'charged') = (reason is null)", name=op.f("charge_entry_reason_check")),
        sa.CheckConstraint(
            "gross = free_amount + voucher_amount + payer_amount", name=op.f("charge_entry_adds_up_check")
        ),
        sa.ForeignKeyConstraint(["by"], ["person.id"], name=op.f("charge_entry_by_fkey")),
        sa.ForeignKeyConstraint(["charge_id"], ["charge.id"], name=op.f("charge_entry_charge_id_fkey")),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"], name=op.f("charge_entry_posting_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("charge_entry_pkey")),
    )
    op.create_index("charge_entry_at_idx", "charge_entry", ["at", "id"], unique=False)
    op.create_index("charge_entry_charge_idx", "charge_entry", ["charge_id", "at", "id"], unique=False)
    op.create_index(
        "charge_entry_first_key",
        "charge_entry",
        ["charge_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'charged'"),
    )
    op.create_table(
        "dispute",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "accepted",
                "declined",
                "waived",
                name="disputestate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'open') = (answered_at is null)", name=op.f("dispute_answered_when_check")),
        sa.ForeignKeyConstraint(["answered_by"], ["person.id"], name=op.f("dispute_answered_by_fkey")),
        sa.ForeignKeyConstraint(["charge_id"], ["charge.id"], name=op.f("dispute_charge_id_fkey")),
        sa.ForeignKeyConstraint(["opened_by"], ["person.id"], name=op.f("dispute_opened_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("dispute_pkey")),
    )
    op.create_index("dispute_charge_idx", "dispute", ["charge_id", "opened_at", "id"], unique=False)
    op.create_index(
        "dispute_open_key", "dispute", ["charge_id"], unique=True, postgresql_where=sa.text("state = 'open'")
    )
    op.create_table(
        "redemption",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("voucher_id", sa.Uuid(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=False),
        sa.Column("claimant_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=18, scale=2), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "asked",
                "paid",
                "declined",
                name="redemptionstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("posting_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("(state = 'asked') = (decided_at is null)", name=op.f("redemption_decided_when_check")),
        sa.CheckConstraint("(state = 'paid') = (posting_id is not null)", name=op.f("redemption_paid_by_check")),
        sa.CheckConstraint("amount > 0", name=op.f("redemption_something_check")),
        sa.ForeignKeyConstraint(["asked_by"], ["person.id"], name=op.f("redemption_asked_by_fkey")),
        sa.ForeignKeyConstraint(["charge_id"], ["charge.id"], name=op.f("redemption_charge_id_fkey")),
        sa.ForeignKeyConstraint(["claimant_id"], ["organisation.id"], name=op.f("redemption_claimant_id_fkey")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("redemption_decided_by_fkey")),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"], name=op.f("redemption_posting_id_fkey")),
        sa.ForeignKeyConstraint(["voucher_id"], ["voucher.id"], name=op.f("redemption_voucher_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("redemption_pkey")),
    )
    op.create_index("redemption_asked_idx", "redemption", ["asked_at", "id"], unique=False)
    op.create_index("redemption_charge_idx", "redemption", ["charge_id"], unique=False)
    op.create_index(
        "redemption_once_key",
        "redemption",
        ["voucher_id", "charge_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'declined'"),
    )
    op.create_table(
        "charge_cover",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("voucher_id", sa.Uuid(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=18, scale=2), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("charge_cover_something_check")),
        sa.ForeignKeyConstraint(["charge_id"], ["charge.id"], name=op.f("charge_cover_charge_id_fkey")),
        sa.ForeignKeyConstraint(["entry_id"], ["charge_entry.id"], name=op.f("charge_cover_entry_id_fkey")),
        sa.ForeignKeyConstraint(["voucher_id"], ["voucher.id"], name=op.f("charge_cover_voucher_id_fkey")),
        sa.PrimaryKeyConstraint("entry_id", "voucher_id", name=op.f("charge_cover_pkey")),
    )
    op.create_index("charge_cover_charge_idx", "charge_cover", ["charge_id", "voucher_id"], unique=False)
    for statement in TRIGGERS.split("\n\n"):
        for one in _statements(statement):
            op.execute(one)
    for table in ONLY_GROW:
        op.execute(
            f"create trigger {table}_only_grows before update or delete on {table}"
            " for each row execute function money_only_grows()"
        )
        op.execute(
            f"create trigger {table}_stays before truncate on {table}"
            " for each statement execute function money_only_grows()"
        )


def _statements(text: str) -> list[str]:
    """A function is one statement; triggers end in their own semicolons."""
    if "$$" in text:
        return [text]
    return [one for one in text.split(";") if one.strip()]


def downgrade() -> None:
    op.drop_table("charge_cover")
    op.drop_table("redemption")
    op.drop_table("dispute")
    op.drop_table("charge_entry")
    op.drop_table("hold_end")
    op.drop_table("charge")
    op.drop_table("hold")
    op.drop_table("booking_price")
    op.drop_table("tariff")
    op.drop_table("free_quota")
    op.drop_table("voucher")
    op.drop_table("posting_line")
    op.drop_table("posting")
    op.drop_table("account")
    for name in ("only_grows", "line_counts", "account_guarded", "posting_balances"):
        op.execute(f"drop function money_{name}()")
