"""Letters of which there is one, however often they are written.

Revision ID: 0025
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("letter", sa.Column("once", sa.String(), nullable=True))
    op.create_unique_constraint(op.f("letter_once_key"), "letter", ["once"])


def downgrade() -> None:
    op.drop_constraint(op.f("letter_once_key"), "letter", type_="unique")
    op.drop_column("letter", "once")
