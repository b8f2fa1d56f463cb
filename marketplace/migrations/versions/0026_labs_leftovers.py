"""How many corrections of a claim its claimant was told of; imports of every kind are remembered.

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
    op.add_column(
        "instrument_import",
        sa.Column(
            "kind",
            sa.Enum(
                "achievement", "problem", "instrument", name="importkind", native_enum=False, create_constraint=True,
                length=40,
            ),
            server_default="instrument",
            nullable=False,
        ),
    )  # fmt: skip


def downgrade() -> None:
    # The schema before remembers instruments alone.
    op.execute(
        "delete from imported_instrument where import_id in (select id from instrument_import where kind <> 'instrument')"
    )
    op.execute("delete from instrument_import where kind <> 'instrument'")
    op.drop_column("instrument_import", "kind")
    op.drop_column("redemption", "corrections_told")
