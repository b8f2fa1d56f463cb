"""What each source said of a use is kept, and a record whose time another has points at it.

Revision ID: 0017
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_SUM = "preparation_minutes + run_minutes + processing_minutes > 0"
_NONE_NEGATIVE = "preparation_minutes >= 0 and run_minutes >= 0 and processing_minutes >= 0"


def upgrade() -> None:
    op.add_column("usage", sa.Column("superseded_by_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("usage_superseded_by_id_fkey"), "usage", "usage", ["superseded_by_id"], ["id"])
    op.drop_constraint(op.f("usage_minutes_check"), "usage", type_="check")
    op.create_check_constraint(
        op.f("usage_minutes_check"), "usage", f"{_NONE_NEGATIVE} and ({_SUM}) = (superseded_by_id is null)"
    )
    op.create_table(
        "usage_evidence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("usage_id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column(
            "source",
            sa.Enum(
                "keeper",
                "kiosk",
                "log",
                "meter",
                name="usagesource",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("adjustment_id", sa.Uuid(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("preparation_minutes", sa.Integer(), nullable=False),
        sa.Column("run_minutes", sa.Integer(), nullable=False),
        sa.Column("processing_minutes", sa.Integer(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=True),
        sa.Column("told_by", sa.Uuid(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("usage_evidence_in_order_check")),
        sa.CheckConstraint(_NONE_NEGATIVE, name=op.f("usage_evidence_minutes_check")),
        sa.CheckConstraint("samples >= 0", name=op.f("usage_evidence_samples_check")),
        sa.CheckConstraint("adjustment_id is null or source = 'keeper'", name=op.f("usage_evidence_correction_check")),
        sa.ForeignKeyConstraint(["usage_id"], ["usage.id"], name=op.f("usage_evidence_usage_id_fkey")),
        sa.ForeignKeyConstraint(["instrument_id"], ["instrument.id"], name=op.f("usage_evidence_instrument_id_fkey")),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("usage_evidence_device_id_fkey")),
        sa.ForeignKeyConstraint(
            ["adjustment_id"], ["usage_adjustment.id"], name=op.f("usage_evidence_adjustment_id_fkey")
        ),
        sa.ForeignKeyConstraint(["told_by"], ["person.id"], name=op.f("usage_evidence_told_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("usage_evidence_pkey")),
    )
    op.create_index("usage_evidence_usage_idx", "usage_evidence", ["usage_id", "told_at", "id"], unique=False)
    # What stands is what was told; a correction that a keeper accepted is told besides.
    op.execute(
        "insert into usage_evidence (id, usage_id, instrument_id, source, starts_at, ends_at, preparation_minutes,"
        " run_minutes, processing_minutes, samples, told_by, told_at)"
        " select gen_random_uuid(), id, instrument_id, source, starts_at, ends_at, preparation_minutes, run_minutes,"
        " processing_minutes, samples, entered_by, created_at from usage"
    )
    op.execute(
        "insert into usage_evidence (id, usage_id, instrument_id, source, adjustment_id, starts_at, ends_at,"
        " preparation_minutes, run_minutes, processing_minutes, samples, told_by, told_at)"
        " select distinct on (u.id) gen_random_uuid(), u.id, u.instrument_id, 'keeper', a.id, u.starts_at, u.ends_at,"
        " u.preparation_minutes, u.run_minutes, u.processing_minutes, u.samples, a.decided_by, a.decided_at"
        " from usage u join usage_adjustment a on a.usage_id = u.id"
        " where a.state = 'accepted' and a.decided_by is not null order by u.id, a.decided_at desc"
    )
    op.create_index(
        "usage_evidence_log_key", "usage_evidence", ["instrument_id", "starts_at", "ends_at"], unique=True,
        postgresql_where=sa.text("source = 'log'"),
    )  # fmt: skip
    op.drop_index("usage_log_key", table_name="usage")


def downgrade() -> None:
    op.create_index(
        "usage_log_key", "usage", ["instrument_id", "starts_at", "ends_at"], unique=True,
        postgresql_where=sa.text("source = 'log'"),
    )  # fmt: skip
    op.drop_table("usage_evidence")
    op.drop_constraint(op.f("usage_minutes_check"), "usage", type_="check")
    # The schema before knows no record without minutes; none is thrown away.
    op.execute("update usage set run_minutes = 1 where superseded_by_id is not null")
    op.create_check_constraint(op.f("usage_minutes_check"), "usage", f"{_NONE_NEGATIVE} and {_SUM}")
    op.drop_column("usage", "superseded_by_id")
