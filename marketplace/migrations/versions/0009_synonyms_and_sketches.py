"""Spellings that mean the same, with a small set to start from.

Revision ID: 0009
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op
from uuid_utils.compat import uuid7

from matching.known_synonyms import STARTING
from matching.synonyms import spelt

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    words = sa.ARRAY(sa.Text())
    synonym = op.create_table(
        "synonym",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("spellings", words, nullable=False),
        sa.Column("key", words, nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("cardinality(spellings) between 2 and 8", name=op.f("synonym_spellings_check")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("synonym_created_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("synonym_pkey")),
    )
    op.create_index("synonym_key_key", "synonym", ["key"], unique=True)
    op.create_index("synonym_listed_idx", "synonym", ["created_at", "id"], unique=False)
    assert synonym is not None
    # An administrator removes and adds from here on; a later release that knows more leaves their list alone.
    op.bulk_insert(
        synonym,
        [{"id": uuid7(), "spellings": list(one), "key": sorted(map(spelt, one))} for one in STARTING],
    )


def downgrade() -> None:
    op.drop_table("synonym")
