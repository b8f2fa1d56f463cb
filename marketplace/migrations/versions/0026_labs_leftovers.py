"""How many corrections of a claim its claimant was told of.

Revision ID: 0026
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("redemption", sa.Column("corrections_told", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("redemption", "corrections_told")
