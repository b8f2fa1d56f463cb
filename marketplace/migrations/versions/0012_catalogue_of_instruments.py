"""Instruments know where they came from and where they stand; their photos and documents.

Revision ID: 0012
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("position", JSONB(none_as_null=True), nullable=True),
        sa.Column("wgs_latitude", sa.Double(), nullable=True),
        sa.Column("wgs_longitude", sa.Double(), nullable=True),
    ):
        op.add_column("instrument", column)
    op.create_check_constraint(
        op.f("instrument_origin_check"), "instrument", "(source is null) = (external_id is null)"
    )
    op.create_check_constraint(
        op.f("instrument_position_check"),
        "instrument",
        "(position is null) = (wgs_latitude is null) and (position is null) = (wgs_longitude is null)"
        " and wgs_latitude between -90 and 90 and wgs_longitude between -180 and 180",
    )
    op.create_index(
        "instrument_source_key",
        "instrument",
        ["organisation_id", "source", "external_id"],
        unique=True,
        postgresql_where=sa.text("source is not null"),
    )
    op.create_index(
        "instrument_near_idx",
        "instrument",
        ["wgs_latitude", "wgs_longitude"],
        unique=False,
        postgresql_where=sa.text("state = 'published' and wgs_latitude is not null"),
    )
    op.create_index(
        "instrument_harvest_idx",
        "instrument",
        ["updated_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'published'"),
    )
    op.create_table(
        "instrument_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum("photo", "document", name="filepurpose", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("place", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("alt", sa.String(), nullable=True),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("preview", sa.LargeBinary(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("place > 0", name=op.f("instrument_file_place_check")),
        sa.CheckConstraint(
            "(purpose = 'photo') = (width is not null) and (purpose = 'photo') = (height is not null)"
            " and (purpose = 'photo') = (preview is not null) and (purpose <> 'photo' or alt is not null)",
            name=op.f("instrument_file_photo_check"),
        ),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("instrument_file_created_by_fkey")),
        sa.ForeignKeyConstraint(["instrument_id"], ["instrument.id"], name=op.f("instrument_file_instrument_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("instrument_file_pkey")),
    )
    op.create_index(
        "instrument_file_shown_idx",
        "instrument_file",
        ["instrument_id", "purpose", "place"],
        unique=False,
        postgresql_where=sa.text("removed_at is null"),
    )
    op.create_index(
        "instrument_file_live_key",
        "instrument_file",
        ["instrument_id", "purpose", "sha256"],
        unique=True,
        postgresql_where=sa.text("removed_at is null"),
    )


def downgrade() -> None:
    op.drop_table("instrument_file")
    op.drop_index("instrument_harvest_idx", table_name="instrument")
    op.drop_index("instrument_near_idx", table_name="instrument")
    op.drop_index("instrument_source_key", table_name="instrument")
    op.drop_constraint(op.f("instrument_position_check"), "instrument", type_="check")
    op.drop_constraint(op.f("instrument_origin_check"), "instrument", type_="check")
    for name in ("wgs_longitude", "wgs_latitude", "position", "external_id", "source"):
        op.drop_column("instrument", name)
