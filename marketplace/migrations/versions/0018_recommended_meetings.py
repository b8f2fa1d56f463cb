"""What the matcher proposes and really fits, drafts that may fill promises with it, and meetings that say why they are.

Revision ID: 0018
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0013"
branch_labels = None
depends_on = None


def _ground() -> sa.Column[str]:
    of = sa.Enum(
        "agreed", "asked", "recommended", name="ground", native_enum=False, create_constraint=True, length=40
    )  # fmt: skip
    return sa.Column("ground", of, nullable=True)


def upgrade() -> None:
    op.add_column("wish", sa.Column("fits", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    # Of proposals that are there, what the threshold of today would say: 0.005 times ln(1 + n) of n achievements.
    op.execute(
        """
        update wish set fits = true where proposed_at is not null and score >= 0.005 * ln(1 + (
            select count(*) from listing where kind = 'achievement' and state = 'published'
        ))
        """
    )
    op.add_column("schedule", sa.Column("fill", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.add_column("planned_meeting", _ground())
    op.add_column("meeting", _ground())
    # What both ask for is agreed, what one does is asked; what nobody does was proposed.
    for table in ("planned_meeting", "meeting"):
        op.execute(
            f"""
            update {table} one set ground = case
                when first_says in ('must', 'meet') and second_says in ('must', 'meet') then 'agreed'
                when first_says in ('must', 'meet') or second_says in ('must', 'meet') then 'asked'
                else 'recommended' end
            from wish where wish.id = one.wish_id
            """  # noqa: S608 -- the names of two tables
        )


def downgrade() -> None:
    op.drop_column("meeting", "ground")
    op.drop_column("planned_meeting", "ground")
    op.drop_column("schedule", "fill")
    op.drop_column("wish", "fits")
