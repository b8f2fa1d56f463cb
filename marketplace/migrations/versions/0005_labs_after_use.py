"""Ratings after use, who was told of what, invitations beside letters, logs entered once, holidays.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rating",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("stars", sa.SmallInteger(), nullable=False),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("stars between 1 and 5", name=op.f("rating_stars_check")),
        sa.CheckConstraint(
            "(answer is null) = (answered_at is null) and (answer is null) = (answered_by is null)",
            name=op.f("rating_answered_check"),
        ),
        sa.ForeignKeyConstraint(["answered_by"], ["person.id"], name=op.f("rating_answered_by_fkey")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("rating_booking_id_fkey")),
        sa.ForeignKeyConstraint(["by"], ["person.id"], name=op.f("rating_by_fkey")),
        sa.ForeignKeyConstraint(["instrument_id"], ["instrument.id"], name=op.f("rating_instrument_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("rating_pkey")),
    )
    op.create_index("rating_booking_key", "rating", ["booking_id"], unique=True)
    op.create_index("rating_instrument_idx", "rating", ["instrument_id", "created_at", "id"], unique=False)
    op.add_column("letter", sa.Column("calendar", sa.String(), nullable=True))
    op.add_column("booking", sa.Column("mailed_version", sa.Integer(), nullable=True))
    op.add_column("booking", sa.Column("warned_of_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("booking_warned_of_id_fkey"), "booking", "booking", ["warned_of_id"], ["id"])
    op.create_index(
        "booking_running_idx", "booking", ["ends_at"], unique=False, postgresql_where=sa.text("state = 'in_use'")
    )
    op.create_index(
        "usage_log_key",
        "usage",
        ["instrument_id", "starts_at", "ends_at"],
        unique=True,
        postgresql_where=sa.text("source = 'log'"),
    )
    op.create_table(
        "holiday",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("follows", sa.SmallInteger(), nullable=True),
        sa.CheckConstraint("follows between 1 and 7", name=op.f("holiday_follows_check")),
        sa.PrimaryKeyConstraint("day", name=op.f("holiday_pkey")),
    )


def downgrade() -> None:
    op.drop_table("holiday")
    op.drop_index("usage_log_key", table_name="usage", postgresql_where=sa.text("source = 'log'"))
    op.drop_index("booking_running_idx", table_name="booking", postgresql_where=sa.text("state = 'in_use'"))
    op.drop_constraint(op.f("booking_warned_of_id_fkey"), "booking", type_="foreignkey")
    op.drop_column("booking", "warned_of_id")
    op.drop_column("booking", "mailed_version")
    op.drop_column("letter", "calendar")
    op.drop_table("rating")
