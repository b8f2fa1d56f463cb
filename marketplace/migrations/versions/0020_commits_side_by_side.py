"""What enqueues a job commits beside others who do: its process wakes the workers afterwards (`kernel/bell.py`).

Revision ID: 0020
Revises: 0018
"""

from alembic import op

revision = "0020"
down_revision = "0018"
branch_labels = None
depends_on = None


def _told_of(changes: str) -> None:
    op.execute("drop trigger tg_pgqueuer_changed on pgqueuer")
    op.execute(f"create trigger tg_pgqueuer_changed after {changes} on pgqueuer execute function fn_pgqueuer_changed()")


def upgrade() -> None:
    _told_of("update or delete or truncate")


def downgrade() -> None:
    _told_of("insert or update or delete or truncate")
