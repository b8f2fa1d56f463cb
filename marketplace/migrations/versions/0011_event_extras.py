"""Documents of events, reminders, and news of wishes.

Revision ID: 0011
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False)


def _words(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "event_document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("audience", _words("audience", "everybody", "participants", "desk"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        _now("created_at"),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("size = octet_length(content)", name=op.f("event_document_size_check")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("event_document_created_by_fkey")),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("event_document_event_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("event_document_pkey")),
    )
    op.create_index("event_document_listed_idx", "event_document", ["event_id", "created_at", "id"], unique=False)
    op.create_table(
        "reminder_rules",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("before_hours", sa.Integer(), nullable=True),
        sa.Column("rate_after", sa.Boolean(), nullable=False),
        sa.Column("half_year_after", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        _now("created_at"),
        _now("updated_at"),
        sa.CheckConstraint("before_hours > 0", name=op.f("reminder_rules_before_check")),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("reminder_rules_event_id_fkey")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("reminder_rules_pkey")),
    )
    op.create_table(
        "reminded",
        sa.Column("attendee_id", sa.Uuid(), nullable=False),
        sa.Column("kind", _words("reminderkind", "before", "right_after", "half_year"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        _now("at"),
        sa.ForeignKeyConstraint(
            ["attendee_id", "event_id"], ["attendee.id", "attendee.event_id"], name="reminded_attendee_fkey"
        ),
        sa.PrimaryKeyConstraint("attendee_id", "kind", "day", name=op.f("reminded_pkey")),
    )
    op.create_table(
        "wish_news",
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("wish_id", sa.Uuid(), nullable=False),
        sa.Column("told", sa.String(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("told in ('asked', 'mutual')", name=op.f("wish_news_told_check")),
        sa.ForeignKeyConstraint(["registration_id"], ["registration.id"], name=op.f("wish_news_registration_id_fkey")),
        sa.ForeignKeyConstraint(["wish_id"], ["wish.id"], name=op.f("wish_news_wish_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("registration_id", "wish_id", name=op.f("wish_news_pkey")),
    )
    op.create_index(
        "wish_news_due_idx", "wish_news", ["due_at"], unique=False, postgresql_where=sa.text("due_at is not null")
    )
    op.create_index(
        "event_over_idx",
        "event",
        ["ends_at"],
        unique=False,
        postgresql_where=sa.text("published_at is not null"),
    )
    op.create_index("unplaced_wish_wish_idx", "unplaced_wish", ["wish_id", "schedule_id"], unique=False)


def downgrade() -> None:
    op.drop_index("unplaced_wish_wish_idx", table_name="unplaced_wish")
    op.drop_index(
        "event_over_idx",
        table_name="event",
        postgresql_where=sa.text("published_at is not null"),
    )
    op.drop_table("wish_news")
    op.drop_table("reminded")
    op.drop_table("reminder_rules")
    op.drop_table("event_document")
