"""What is owed back of vouchers after a correction; entries of use that are taken back, and what they had cut.

What an import did to each instrument is remembered, so that it can be undone.

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_SUM = "preparation_minutes + run_minutes + processing_minutes > 0"
_NONE_NEGATIVE = "preparation_minutes >= 0 and run_minutes >= 0 and processing_minutes >= 0"
_ACCOUNTS = (
    "fund", "voucher_available", "voucher_held", "voucher_spent", "voucher_redeemed", "quota_source",
    "quota_available", "quota_held", "quota_used", "payer", "income", "due", "paid",
)  # fmt: skip
_POSTINGS = ("issued", "granted", "held", "released", "charged", "revised", "redeemed")


def _words(table: str, check: str, *words: str) -> None:
    """The words that a column of kinds may have."""
    op.drop_constraint(op.f(f"{table}_{check}_check"), table, type_="check")
    listed = ", ".join(f"'{word}'" for word in words)
    others = sa.text(f"select exists (select from {table} where kind not in ({listed}))")  # noqa: S608 -- our own words
    op.create_check_constraint(
        op.f(f"{table}_{check}_check"), table, f"kind in ({listed})",
        postgresql_not_valid=bool(op.get_bind().scalar(others)),
    )  # fmt: skip


def upgrade() -> None:
    _words("account", "accountkind", *_ACCOUNTS[:5], "voucher_owed", *_ACCOUNTS[5:])
    _words("posting", "postingkind", *_POSTINGS, "returned")
    op.add_column("redemption", sa.Column("paid_amount", sa.Numeric(precision=18, scale=2), nullable=True))
    op.execute("update redemption set paid_amount = amount where state = 'paid'")
    op.create_check_constraint(
        op.f("redemption_paid_check"), "redemption", "(state = 'paid') = (paid_amount is not null)"
    )
    op.create_check_constraint(
        op.f("redemption_paid_at_most_check"), "redemption", "paid_amount > 0 and paid_amount <= amount"
    )
    op.create_table(
        "claim_correction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("redemption_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "owed", "returned", name="claimcorrectionkind", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("amount", sa.Numeric(precision=18, scale=2), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint(
            "amount <> 0 and (amount > 0 or kind = 'owed')", name=op.f("claim_correction_something_check")
        ),
        sa.CheckConstraint("(kind = 'owed') = (entry_id is not null)", name=op.f("claim_correction_came_of_check")),
        sa.ForeignKeyConstraint(["by"], ["person.id"], name=op.f("claim_correction_by_fkey")),
        sa.ForeignKeyConstraint(["entry_id"], ["charge_entry.id"], name=op.f("claim_correction_entry_id_fkey")),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"], name=op.f("claim_correction_posting_id_fkey")),
        sa.ForeignKeyConstraint(["redemption_id"], ["redemption.id"], name=op.f("claim_correction_redemption_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("claim_correction_pkey")),
    )
    op.create_index("claim_correction_redemption_idx", "claim_correction", ["redemption_id", "at", "id"], unique=False)
    op.execute(
        "create trigger claim_correction_only_grows before update or delete on claim_correction"
        " for each row execute function money_only_grows()"
    )
    op.execute(
        "create trigger claim_correction_stays before truncate on claim_correction"
        " for each statement execute function money_only_grows()"
    )

    op.create_table(
        "instrument_import",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("undone_by", sa.Uuid(), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("undone_by is null or undone_at is not null", name=op.f("instrument_import_undone_check")),
        sa.ForeignKeyConstraint(["by"], ["person.id"], name=op.f("instrument_import_by_fkey")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("instrument_import_organisation_id_fkey")
        ),
        sa.ForeignKeyConstraint(["undone_by"], ["person.id"], name=op.f("instrument_import_undone_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("instrument_import_pkey")),
    )
    op.create_index(
        "instrument_import_organisation_idx", "instrument_import", ["organisation_id", "at", "id"], unique=False
    )
    op.create_table(
        "imported_instrument",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sheet", sa.String(), nullable=True),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created", sa.Boolean(), nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "withdrawn", "restored", "partly", "kept", name="undooutcome", native_enum=False,
                create_constraint=True, length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "because",
            sa.Enum(
                "changed_since", "used_since", "gone", "would_not_stand", name="undoreason", native_enum=False,
                create_constraint=True, length=40,
            ),
            nullable=True,
        ),
        sa.Column("kept_fields", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.CheckConstraint(
            "outcome is null or (outcome in ('kept', 'partly')) = (because is not null)",
            name=op.f("imported_instrument_because_check"),
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["instrument_import.id"], name=op.f("imported_instrument_import_id_fkey")
        ),
        sa.PrimaryKeyConstraint("import_id", "number", name=op.f("imported_instrument_pkey")),
    )  # fmt: skip
    op.create_index("imported_instrument_instrument_idx", "imported_instrument", ["instrument_id"], unique=False)

    # Harvesters are told of what was taken out, too.
    op.drop_index("instrument_harvest_idx", table_name="instrument")
    op.create_index(
        "instrument_harvest_idx", "instrument", ["updated_at", "id"], unique=False,
        postgresql_where=sa.text("state <> 'draft'"),
    )  # fmt: skip

    op.add_column("usage", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_constraint(op.f("usage_minutes_check"), "usage", type_="check")
    op.create_check_constraint(
        op.f("usage_minutes_check"), "usage",
        f"{_NONE_NEGATIVE} and ({_SUM}) = (superseded_by_id is null and withdrawn_at is null)",
    )  # fmt: skip
    op.add_column("usage_evidence", sa.Column("withdrawn_by", sa.Uuid(), nullable=True))
    op.add_column("usage_evidence", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key(
        op.f("usage_evidence_withdrawn_by_fkey"), "usage_evidence", "person", ["withdrawn_by"], ["id"]
    )
    op.create_check_constraint(
        op.f("usage_evidence_withdrawn_check"), "usage_evidence", "withdrawn_at is null or source = 'keeper'"
    )
    op.add_column("usage_adjustment", sa.Column("cause_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("usage_adjustment_cause_id_fkey"), "usage_adjustment", "usage", ["cause_id"], ["id"])
    op.create_index(
        "usage_adjustment_cause_idx", "usage_adjustment", ["cause_id", "asked_at", "id"], unique=False,
        postgresql_where=sa.text("cause_id is not null"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("instrument_harvest_idx", table_name="instrument")
    op.create_index(
        "instrument_harvest_idx", "instrument", ["updated_at", "id"], unique=False,
        postgresql_where=sa.text("state = 'published'"),
    )  # fmt: skip
    op.drop_table("imported_instrument")
    op.drop_table("instrument_import")
    op.drop_index("usage_adjustment_cause_idx", table_name="usage_adjustment")
    op.drop_column("usage_adjustment", "cause_id")
    op.drop_constraint(op.f("usage_evidence_withdrawn_check"), "usage_evidence", type_="check")
    op.drop_column("usage_evidence", "withdrawn_at")
    op.drop_column("usage_evidence", "withdrawn_by")
    op.drop_constraint(op.f("usage_minutes_check"), "usage", type_="check")
    # The schema before knows no record that was taken back; none is thrown away.
    op.execute("update usage set run_minutes = 1 where withdrawn_at is not null and superseded_by_id is null")
    op.create_check_constraint(
        op.f("usage_minutes_check"), "usage", f"{_NONE_NEGATIVE} and ({_SUM}) = (superseded_by_id is null)"
    )
    op.drop_column("usage", "withdrawn_at")
    op.drop_table("claim_correction")
    op.drop_constraint(op.f("redemption_paid_at_most_check"), "redemption", type_="check")
    op.drop_constraint(op.f("redemption_paid_check"), "redemption", type_="check")
    op.drop_column("redemption", "paid_amount")
    # The ledger only grows: what it has of these words stays, and no more is written.
    _words("posting", "postingkind", *_POSTINGS)
    _words("account", "accountkind", *_ACCOUNTS)
