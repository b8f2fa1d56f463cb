"""Verdicts on pairings, versions of the signals' weights, and misleading terms.

Revision ID: 0014
Revises: 0013
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_STANDS = sa.text("withdrawn_at is null")


def _now(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False)


def _moment(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def _word(name: str, kind: str, *values: str) -> sa.Column[Any]:
    of = sa.Enum(*values, name=kind, native_enum=False, create_constraint=True, length=40)
    return sa.Column(name, of, nullable=False)


def _version() -> sa.Column[Any]:
    return sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False)


def upgrade() -> None:
    op.create_table(
        "verdict",
        sa.Column("id", sa.Uuid(), nullable=False),
        _word("kind", "listingkind", "achievement", "problem"),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("grade", sa.SmallInteger(), nullable=False),
        sa.Column("misleading", ARRAY(sa.Text()), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("industries", ARRAY(sa.Text()), nullable=False),
        sa.Column("said", JSONB(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        _moment("withdrawn_at"),
        _version(),
        _now("created_at"),
        _now("updated_at"),
        sa.CheckConstraint("grade between 0 and 3", name=op.f("verdict_grade_check")),
        sa.CheckConstraint("cardinality(misleading) <= 8", name=op.f("verdict_misleading_check")),
        sa.CheckConstraint("listing_id <> other_id", name=op.f("verdict_two_check")),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("verdict_listing_id_fkey")),
        sa.ForeignKeyConstraint(["other_id"], ["listing.id"], name=op.f("verdict_other_id_fkey")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("verdict_organisation_id_fkey")),
        sa.ForeignKeyConstraint(["by"], ["person.id"], name=op.f("verdict_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("verdict_pkey")),
        sa.UniqueConstraint("listing_id", "other_id", name="verdict_once_key"),
    )
    op.create_index("verdict_listed_idx", "verdict", ["created_at", "id"], unique=False, postgresql_where=_STANDS)
    op.create_index(
        "verdict_organisation_idx",
        "verdict",
        ["organisation_id", "created_at", "id"],
        unique=False,
        postgresql_where=_STANDS,
    )
    op.create_index("verdict_misleading_idx", "verdict", ["misleading"], unique=False, postgresql_using="gin")
    op.create_table(
        "verdict_revision",
        sa.Column("verdict_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", JSONB(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        _now("at"),
        sa.ForeignKeyConstraint(["verdict_id"], ["verdict.id"], name=op.f("verdict_revision_verdict_id_fkey")),
        sa.PrimaryKeyConstraint("verdict_id", "version", name=op.f("verdict_revision_pkey")),
    )
    op.create_table(
        "matching_model",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        _word("state", "modelstate", "candidate", "active", "retired"),
        sa.Column("weights", JSONB(none_as_null=True), nullable=True),
        sa.Column("learnt_from", JSONB(none_as_null=True), nullable=True),
        sa.Column("measured", JSONB(none_as_null=True), nullable=True),
        sa.Column("better", sa.Boolean(), nullable=False),
        sa.Column("against", sa.Integer(), nullable=True),
        _now("created_at"),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        _moment("activated_at"),
        sa.Column("activated_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("(number = 0) = (weights is null)", name=op.f("matching_model_starting_check")),
        sa.CheckConstraint("(weights is null) = (measured is null)", name=op.f("matching_model_measured_check")),
        sa.CheckConstraint("state = 'candidate' or better", name=op.f("matching_model_better_check")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("matching_model_created_by_fkey")),
        sa.ForeignKeyConstraint(["activated_by"], ["person.id"], name=op.f("matching_model_activated_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("matching_model_pkey")),
    )
    op.create_index("matching_model_number_key", "matching_model", ["number"], unique=True)
    op.create_index(
        "matching_model_active_key",
        "matching_model",
        ["state"],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
    )
    # The weights that the program starts with are in the program.
    op.execute("insert into matching_model (id, number, state, better) values (gen_random_uuid(), 0, 'active', true)")
    op.create_table(
        "lowered_term",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("term", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("factor", sa.Float(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("named_by", sa.Integer(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("spared", ARRAY(sa.Text()), nullable=False),
        sa.Column("stands", sa.Boolean(), nullable=False),
        _moment("struck_out_at"),
        sa.Column("struck_out_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        _version(),
        _now("created_at"),
        _now("updated_at"),
        sa.CheckConstraint("factor between 0.25 and 1", name=op.f("lowered_term_factor_check")),
        sa.CheckConstraint("named_by <= asked", name=op.f("lowered_term_named_by_check")),
        sa.CheckConstraint(
            "(struck_out_at is null) = (struck_out_by is null) and (struck_out_at is null) = (reason is null)",
            name=op.f("lowered_term_struck_out_check"),
        ),
        sa.ForeignKeyConstraint(["struck_out_by"], ["person.id"], name=op.f("lowered_term_struck_out_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("lowered_term_pkey")),
    )
    op.create_index("lowered_term_once_key", "lowered_term", ["term", "kind"], unique=True)
    op.create_index("lowered_term_listed_idx", "lowered_term", ["created_at", "id"], unique=False)


def downgrade() -> None:
    op.drop_table("lowered_term")
    op.drop_table("matching_model")
    op.drop_table("verdict_revision")
    op.drop_table("verdict")
