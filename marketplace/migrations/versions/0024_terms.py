"""Terms that count whole: the draft, its numbered versions, and what discovery proposes.

Revision ID: 0024
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0022"
branch_labels = None
depends_on = None

_NOW = sa.text("clock_timestamp()")


def _words(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "term",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("origin", _words("termorigin", "user", "discovered"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("char_length(key) between 2 and 60", name=op.f("term_length_check")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("term_created_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("term_pkey")),
    )
    op.create_index("term_key_key", "term", ["key"], unique=True)
    op.create_index("term_listed_idx", "term", ["created_at", "id"], unique=False)

    version = op.create_table(
        "lexicon_version",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("terms", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("against", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("activated_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("number >= 0 and (number > 0 or terms = 0)", name=op.f("lexicon_version_number_check")),
        sa.CheckConstraint("(number = 0) = (against is null)", name=op.f("lexicon_version_against_check")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("lexicon_version_created_by_fkey")),
        sa.ForeignKeyConstraint(["activated_by"], ["person.id"], name=op.f("lexicon_version_activated_by_fkey")),
        sa.PrimaryKeyConstraint("number", name=op.f("lexicon_version_pkey")),
    )
    op.create_index(
        "lexicon_version_active_key", "lexicon_version", ["active"], unique=True, postgresql_where=sa.text("active")
    )
    assert version is not None
    op.bulk_insert(version, [{"number": 0, "active": True, "terms": 0, "added": 0, "removed": 0}])
    op.create_table(
        "lexicon_entry",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["number"], ["lexicon_version.number"], name=op.f("lexicon_entry_number_fkey")),
        sa.PrimaryKeyConstraint("number", "key", name=op.f("lexicon_entry_pkey")),
    )

    op.create_table(
        "term_proposal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("state", _words("proposalstate", "proposed", "accepted", "rejected"), nullable=False),
        sa.Column("frequency", sa.Integer(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("cohesion", sa.Float(), nullable=False),
        sa.Column("left_entropy", sa.Float(), nullable=False),
        sa.Column("right_entropy", sa.Float(), nullable=False),
        sa.Column("worth", sa.Float(), nullable=False),
        sa.Column("examples", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("(state = 'proposed') = (decided_at is null)", name=op.f("term_proposal_decided_check")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("term_proposal_decided_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("term_proposal_pkey")),
    )
    op.create_index("term_proposal_key_key", "term_proposal", ["key"], unique=True)
    op.create_index("term_proposal_listed_idx", "term_proposal", ["worth", "id"], unique=False)
    op.create_index("term_proposal_state_idx", "term_proposal", ["state", "worth", "id"], unique=False)


def downgrade() -> None:
    op.drop_table("term_proposal")
    op.drop_table("lexicon_entry")
    op.drop_table("lexicon_version")
    op.drop_table("term")
