"""Experts know where they came from, and are a kind of import.

Revision ID: 0028
Revises: 0027
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_KINDS = "instrument_import_importkind_check"


def _allow(*kinds: str) -> None:
    op.drop_constraint(op.f(_KINDS), "instrument_import", type_="check")
    named = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(op.f(_KINDS), "instrument_import", f"kind in ({named})")


def upgrade() -> None:
    for name in ("source", "external_id"):
        op.add_column("expert", sa.Column(name, sa.String(), nullable=True))
    op.create_check_constraint(op.f("expert_origin_check"), "expert", "(source is null) = (external_id is null)")
    op.create_index(
        "expert_source_key",
        "expert",
        ["organisation_id", "source", "external_id"],
        unique=True,
        postgresql_where=sa.text("source is not null"),
    )
    _allow("achievement", "problem", "instrument", "expert")


def downgrade() -> None:
    # The schema before remembers nothing of experts.
    op.execute(
        "delete from imported_instrument where import_id in (select id from instrument_import where kind = 'expert')"
    )
    op.execute("delete from instrument_import where kind = 'expert'")
    _allow("achievement", "problem", "instrument")
    op.drop_index("expert_source_key", table_name="expert")
    op.drop_constraint(op.f("expert_origin_check"), "expert", type_="check")
    for name in ("external_id", "source"):
        op.drop_column("expert", name)
