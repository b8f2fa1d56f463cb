"""How many talks a team can take; runs of the full rematch and what they propose.

Revision ID: 0015
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("listing", sa.Column("talks", sa.Integer(), nullable=True))
    op.create_check_constraint(op.f("listing_talks_check"), "listing", "talks between 1 and 1000")
    op.create_table(
        "rematch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("proposals", sa.Integer(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=True),
        sa.Column("floor", sa.Integer(), nullable=False),
        sa.Column("by_organisation", sa.Boolean(), nullable=False),
        sa.Column("unfit", sa.Boolean(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pruned_at", sa.DateTime(timezone=True), nullable=True),
        *(
            sa.Column(name, sa.Integer(), nullable=True)
            for name in ("problems", "achievements", "granted", "passed", "without", "short")
        ),
        sa.Column("plain", sa.Double(), nullable=True),
        sa.Column("total", sa.Double(), nullable=True),
        sa.CheckConstraint(
            "proposals between 1 and 100 and places between 1 and 10000 and floor between 0 and proposals"
            " and depth between proposals and 1000",
            name=op.f("rematch_terms_check"),
        ),
        sa.CheckConstraint("pruned_at is null or finished_at is not null", name=op.f("rematch_pruned_check")),
        sa.ForeignKeyConstraint(["made_by"], ["person.id"], name=op.f("rematch_made_by_fkey")),
        sa.ForeignKeyConstraint(["operation_id"], ["operation.id"], name=op.f("rematch_operation_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("rematch_pkey")),
        sa.UniqueConstraint("operation_id", name=op.f("rematch_operation_id_key")),
    )
    op.create_index("rematch_listed_idx", "rematch", ["created_at", "id"], unique=False)
    op.create_index(
        "rematch_kept_idx",
        "rematch",
        ["finished_at"],
        unique=False,
        postgresql_where=sa.text("finished_at is not null and pruned_at is null"),
    )
    op.create_table(
        "rematch_pair",
        sa.Column("rematch_id", sa.Uuid(), nullable=False),
        sa.Column("problem_id", sa.Uuid(), nullable=False),
        sa.Column("achievement_id", sa.Uuid(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("rank_back", sa.Integer(), nullable=True),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column(
            "why",
            sa.Enum(
                "granted", "floor", "team_full", "organisation_full",
                name="why", native_enum=False, create_constraint=True, length=40,
            ),
            nullable=False,
        ),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("places", sa.Integer(), nullable=True),
        sa.Column("lowest", sa.Double(), nullable=True),
        sa.Column("highest", sa.Double(), nullable=True),
        sa.CheckConstraint("granted = (why in ('granted', 'floor'))", name=op.f("rematch_pair_granted_check")),
        sa.CheckConstraint("place between 1 and places", name=op.f("rematch_pair_place_check")),
        sa.ForeignKeyConstraint(["rematch_id"], ["rematch.id"], name=op.f("rematch_pair_rematch_id_fkey")),
        sa.ForeignKeyConstraint(["problem_id"], ["listing.id"], name=op.f("rematch_pair_problem_id_fkey")),
        sa.ForeignKeyConstraint(["achievement_id"], ["listing.id"], name=op.f("rematch_pair_achievement_id_fkey")),
        sa.PrimaryKeyConstraint("rematch_id", "problem_id", "achievement_id", name=op.f("rematch_pair_pkey")),
    )  # fmt: skip
    for side, other in (("problem", "achievement"), ("achievement", "problem")):
        op.create_index(
            f"rematch_pair_{side}_idx",
            "rematch_pair",
            ["rematch_id", f"{side}_id", "granted", "score", f"{other}_id"],
            unique=False,
        )


def downgrade() -> None:
    op.drop_table("rematch_pair")
    op.drop_table("rematch")
    op.drop_constraint(op.f("listing_talks_check"), "listing")
    op.drop_column("listing", "talks")
