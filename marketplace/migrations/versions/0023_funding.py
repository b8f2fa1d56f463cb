"""Funding calls, and who keeps an eye on which.

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_KINDS = ("special_fund", "guidance_plan", "bounty", "loan", "venture", "insurance", "grant")
_STATES = ("draft", "published", "closed", "withdrawn")
_AMOUNTS = "amount_low >= 0 and amount_low <= amount_high and coalesce(amount_high, amount_low) <= total_amount"


def _many() -> postgresql.ARRAY[str]:
    return postgresql.ARRAY(sa.Text())


def _words(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "funding_call",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("kind", _words("fundingkind", *_KINDS), nullable=False),
        sa.Column("state", _words("fundingstate", *_STATES), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("title_en", sa.String(), nullable=True),
        sa.Column("summary", sa.String(), nullable=True),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("keywords", _many(), nullable=False),
        sa.Column("industries", _many(), nullable=False),
        sa.Column("disciplines", _many(), nullable=False),
        sa.Column("amount_low", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("amount_high", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("total_amount", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("how_to_apply", sa.String(), nullable=True),
        sa.Column("apply_url", sa.String(), nullable=True),
        sa.Column("documents", _many(), nullable=False),
        sa.Column("contact", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("eligibility", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("listed_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("facets", _many(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("opens_at < closes_at", name=op.f("funding_call_in_order_check")),
        sa.CheckConstraint(_AMOUNTS, name=op.f("funding_call_amounts_check")),
        sa.CheckConstraint(
            "state in ('draft', 'withdrawn') or published_at is not null",
            name=op.f("funding_call_published_when_check"),
        ),
        sa.CheckConstraint(
            "changed_at is null or published_at is not null", name=op.f("funding_call_changed_when_check")
        ),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("funding_call_created_by_fkey")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("funding_call_organisation_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("funding_call_pkey")),
    )
    op.create_index(
        "funding_call_listed_idx", "funding_call", ["listed_at", "id"], unique=False,
        postgresql_where=sa.text("state in ('published', 'closed')"),
    )  # fmt: skip
    op.create_index("funding_call_owner_idx", "funding_call", ["organisation_id", "listed_at", "id"], unique=False)
    op.create_index("funding_call_facets_idx", "funding_call", ["facets"], unique=False, postgresql_using="gin")
    op.create_index(
        "funding_call_due_idx", "funding_call", ["closes_at", "id"], unique=False,
        postgresql_where=sa.text("state = 'published'"),
    )  # fmt: skip
    op.create_table(
        "funding_bookmark",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("days_before", sa.SmallInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("reminded_for", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("days_before between 1 and 60", name=op.f("funding_bookmark_days_check")),
        sa.ForeignKeyConstraint(["call_id"], ["funding_call.id"], name=op.f("funding_bookmark_call_id_fkey")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("funding_bookmark_person_id_fkey")),
        sa.PrimaryKeyConstraint("call_id", "person_id", name=op.f("funding_bookmark_pkey")),
    )
    op.create_index("funding_bookmark_person_idx", "funding_bookmark", ["person_id"], unique=False)


def downgrade() -> None:
    op.drop_table("funding_bookmark")
    op.drop_table("funding_call")
