"""Files that wait to be imported, and a search index that many rows at once do not hold up.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "upload",
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("wish", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("size >= 0", name=op.f("upload_size_check")),
        sa.ForeignKeyConstraint(["operation_id"], ["operation.id"], name=op.f("upload_operation_id_fkey")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("upload_organisation_id_fkey")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("upload_person_id_fkey")),
        sa.PrimaryKeyConstraint("operation_id", name=op.f("upload_pkey")),
    )
    op.create_index(op.f("upload_organisation_id_idx"), "upload", ["organisation_id"], unique=False)
    op.create_table(
        "upload_part",
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["operation_id"],
            ["upload.operation_id"],
            name=op.f("upload_part_operation_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("operation_id", "number", name=op.f("upload_part_pkey")),
    )
    # Files are packed already, or small.
    op.execute("alter table upload_part alter column content set storage external")
    # New rows wait in a list until somebody works them into the index: with PostgreSQL's own 4 MB that is whoever saves a
    # record next, for seconds after an import. With 128 MB it is the import itself, or autovacuum.
    op.execute("alter index listing_words_idx set (gin_pending_list_limit = 131072)")


def downgrade() -> None:
    op.execute("alter index listing_words_idx reset (gin_pending_list_limit)")
    op.drop_table("upload_part")
    op.drop_index(op.f("upload_organisation_id_idx"), table_name="upload")
    op.drop_table("upload")
