"""Indexes for searching all instruments by a time.

Revision ID: 0016
Revises: 0013
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "claim_during_idx", "claim", ["during"], postgresql_using="gist", postgresql_include=["resource_id"]
    )
    op.create_index("instrument_buffer_idx", "instrument", ["buffer_minutes"])
    op.drop_index("opening_hours_weekday_idx", table_name="opening_hours")
    op.create_index(
        "opening_hours_weekday_idx",
        "opening_hours",
        ["weekday", "instrument_id"],
        postgresql_include=["opens", "closes"],
    )


def downgrade() -> None:
    op.drop_index("opening_hours_weekday_idx", table_name="opening_hours")
    op.create_index("opening_hours_weekday_idx", "opening_hours", ["weekday", "instrument_id"])
    op.drop_index("instrument_buffer_idx", table_name="instrument")
    op.drop_index("claim_during_idx", table_name="claim", postgresql_using="gist")
