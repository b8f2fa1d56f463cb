"""What those who keep an eye on a funding call know of it, and when they are told what has changed.

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("funding_call", sa.Column("tell_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "funding_bookmark", sa.Column("changes", sa.Boolean(), server_default=sa.text("true"), nullable=False)
    )
    op.add_column(
        "funding_bookmark",
        sa.Column("known", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    )
    # The first look notes what those who keep an eye on a call see of it today; nobody is written to for that.
    op.execute("update funding_call set tell_at = now() where published_at is not null")
    op.create_index(
        "funding_call_tell_idx", "funding_call", ["tell_at", "id"], unique=False,
        postgresql_where=sa.text("tell_at is not null"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_column("funding_bookmark", "known")
    op.drop_column("funding_bookmark", "changes")
    op.drop_index("funding_call_tell_idx", table_name="funding_call")
    op.drop_column("funding_call", "tell_at")
