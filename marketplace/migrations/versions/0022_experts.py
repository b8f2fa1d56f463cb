"""Experts, shown with their consent, and the achievements that speak for them.

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_SERVICES = "array['consulting', 'joint_research', 'transfer', 'residency', 'training', 'testing']"
_TEXTS = postgresql.ARRAY(sa.Text())


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False)


def upgrade() -> None:
    op.create_table(
        "expert",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "draft", "published", "withdrawn", "expired",
                name="expertstate", native_enum=False, create_constraint=True, length=40,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("academic_title", sa.String(), nullable=True),
        sa.Column("position", sa.String(), nullable=True),
        sa.Column("unit", sa.String(), nullable=True),
        sa.Column("focus", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("keywords", _TEXTS, nullable=False),
        sa.Column("disciplines", _TEXTS, nullable=False),
        sa.Column("industries", _TEXTS, nullable=False),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("services", _TEXTS, nullable=False),
        sa.Column("talks", sa.Integer(), nullable=True),
        sa.Column("homepage", sa.String(), nullable=True),
        sa.Column("contact", postgresql.JSONB(none_as_null=True), nullable=True),
        _moment("consented_at"),
        sa.Column("consented_by", sa.Uuid(), nullable=True),
        sa.Column("consent_evidence", sa.String(), nullable=True),
        _moment("published_at"),
        _moment("confirmed_at"),
        _moment("confirmed_until"),
        _moment("reminded_at"),
        sa.Column("facets", _TEXTS, nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        _now("created_at"),
        _now("updated_at"),
        sa.CheckConstraint(
            "state <> 'published' or (consented_at is not null and published_at is not null"
            " and confirmed_at is not null and confirmed_until is not null)",
            name=op.f("expert_shown_with_consent_check"),
        ),
        sa.CheckConstraint(
            "(consented_at is null) = (consented_by is null) and (consented_at is null) = (consent_evidence is null)",
            name=op.f("expert_consent_whole_check"),
        ),
        sa.CheckConstraint(f"services <@ {_SERVICES}", name=op.f("expert_services_check")),
        sa.CheckConstraint("talks between 1 and 1000", name=op.f("expert_talks_check")),
        sa.CheckConstraint("homepage like 'https://%'", name=op.f("expert_homepage_check")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("expert_organisation_id_fkey")
        ),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("expert_created_by_fkey")),
        sa.ForeignKeyConstraint(["consented_by"], ["person.id"], name=op.f("expert_consented_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("expert_pkey")),
    )  # fmt: skip
    shown = sa.text("state = 'published'")
    op.create_index("expert_listed_idx", "expert", ["created_at", "id"], postgresql_where=shown)
    op.create_index("expert_owner_idx", "expert", ["organisation_id", "created_at", "id"])
    op.create_index("expert_facets_idx", "expert", ["facets"], postgresql_using="gin")
    op.create_index("expert_fresh_idx", "expert", ["confirmed_until"], postgresql_where=shown)
    op.create_table(
        "expert_achievement",
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column("achievement_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("place > 0", name=op.f("expert_achievement_place_check")),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["expert.id"], name=op.f("expert_achievement_expert_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["achievement_id"], ["listing.id"], name=op.f("expert_achievement_achievement_id_fkey")
        ),
        sa.PrimaryKeyConstraint("expert_id", "achievement_id", name=op.f("expert_achievement_pkey")),
    )
    op.create_index(op.f("expert_achievement_achievement_id_idx"), "expert_achievement", ["achievement_id"])


def downgrade() -> None:
    op.drop_table("expert_achievement")
    op.drop_table("expert")
