"""Kiosks and meters beside instruments, what meters said, and what use led to.

Revision ID: 0013
Revises: 0009
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_STANDS = sa.text("removed_at is null")


def _now(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False)


def _word(name: str, kind: str, *values: str) -> sa.Column[Any]:
    of = sa.Enum(*values, name=kind, native_enum=False, create_constraint=True, length=40)
    return sa.Column(name, of, nullable=False)


def upgrade() -> None:
    op.create_table(
        "device",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        _word("kind", "devicekind", "kiosk", "meter"),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=True),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        _now("created_at"),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(kind = 'kiosk') = (hash is not null)", name=op.f("device_hash_check")),
        sa.ForeignKeyConstraint(["instrument_id"], ["instrument.id"], name=op.f("device_instrument_id_fkey")),
        sa.ForeignKeyConstraint(["made_by"], ["person.id"], name=op.f("device_made_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("device_pkey")),
        sa.UniqueConstraint("hash", name=op.f("device_hash_key")),
    )
    op.create_index("device_instrument_idx", "device", ["instrument_id", "created_at", "id"], unique=False)
    op.create_table(
        "meter_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        _word("kind", "meterkind", "start", "stop", "run"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("samples", sa.Integer(), nullable=True),
        _word("outcome", "meteroutcome", "open", "unfinished", "entered", "added", "known", "closed", "unmatched"),
        sa.Column("usage_id", sa.Uuid(), nullable=True),
        _now("received_at"),
        sa.CheckConstraint("(kind = 'run') = (until is not null)", name=op.f("meter_event_run_until_check")),
        sa.CheckConstraint("until > at", name=op.f("meter_event_in_order_check")),
        sa.CheckConstraint(
            "(outcome in ('entered', 'added', 'known')) = (usage_id is not null)", name=op.f("meter_event_usage_check")
        ),
        sa.CheckConstraint(
            "outcome not in ('open', 'unfinished', 'closed') or kind = 'start'",
            name=op.f("meter_event_of_a_start_check"),
        ),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("meter_event_device_id_fkey")),
        sa.ForeignKeyConstraint(["instrument_id"], ["instrument.id"], name=op.f("meter_event_instrument_id_fkey")),
        sa.ForeignKeyConstraint(["usage_id"], ["usage.id"], name=op.f("meter_event_usage_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("meter_event_pkey")),
    )
    op.create_index("meter_event_of_key", "meter_event", ["device_id", "event_id"], unique=True)
    op.create_index(
        "meter_event_open_key",
        "meter_event",
        ["device_id"],
        unique=True,
        postgresql_where=sa.text("outcome = 'open'"),
    )
    op.create_index("meter_event_instrument_idx", "meter_event", ["instrument_id", "received_at", "id"], unique=False)
    op.create_table(
        "output",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("usage_id", sa.Uuid(), nullable=True),
        _word("kind", "outputkind", "paper", "patent", "standard", "project"),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("by_keeper", sa.Boolean(), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=False),
        _now("created_at"),
        sa.Column("removed_by", sa.Uuid(), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(removed_at is null) = (removed_by is null)", name=op.f("output_removed_check")),
        sa.ForeignKeyConstraint(["added_by"], ["person.id"], name=op.f("output_added_by_fkey")),
        sa.ForeignKeyConstraint(["instrument_id"], ["instrument.id"], name=op.f("output_instrument_id_fkey")),
        sa.ForeignKeyConstraint(["removed_by"], ["person.id"], name=op.f("output_removed_by_fkey")),
        sa.ForeignKeyConstraint(["usage_id"], ["usage.id"], name=op.f("output_usage_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("output_pkey")),
    )
    op.create_index(
        "output_once_key", "output", ["instrument_id", "kind", "number"], unique=True, postgresql_where=_STANDS
    )
    op.create_index(
        "output_instrument_idx", "output", ["instrument_id", "created_at", "id"], unique=False, postgresql_where=_STANDS
    )
    op.create_index("output_year_idx", "output", ["instrument_id", "year"], unique=False, postgresql_where=_STANDS)


def downgrade() -> None:
    op.drop_table("output")
    op.drop_table("meter_event")
    op.drop_table("device")
