"""How many corrections of a claim its claimant was told of; imports of every kind; what bookings said before an edit.

Revision ID: 0026
Revises: 0025
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
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
    op.create_table(
        "booking_revision",
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("answers", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("booking_revision_booking_id_fkey")),
        sa.ForeignKeyConstraint(["by"], ["person.id"], name=op.f("booking_revision_by_fkey")),
        sa.PrimaryKeyConstraint("booking_id", "version", name=op.f("booking_revision_pkey")),
    )


def downgrade() -> None:
    op.drop_table("booking_revision")
    # The schema before remembers instruments alone.
    op.execute(
        "delete from imported_instrument where import_id in (select id from instrument_import where kind <> 'instrument')"
    )
    op.execute("delete from instrument_import where kind <> 'instrument'")
    op.drop_column("instrument_import", "kind")
    op.drop_column("redemption", "corrections_told")
