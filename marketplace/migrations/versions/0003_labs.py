"""Calendars that cannot be double-booked, shared instruments, their bookings, waiting list and usage.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "resource",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "instrument",
                "person",
                "place",
                name="resourcekind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("resource_pkey")),
    )
    op.create_table(
        "claim",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("during", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("held_by", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        postgresql.ExcludeConstraint(
            (sa.column("resource_id"), "="), (sa.column("during"), "&&"), using="gist", name="claim_no_overlap"
        ),
        sa.CheckConstraint("upper(during) - lower(during) <= interval '31 days'", name=op.f("claim_length_check")),
        sa.CheckConstraint(
            "lower(during) is not null and upper(during) is not null"
            " and isfinite(lower(during)) and isfinite(upper(during))",
            name=op.f("claim_bounded_check"),
        ),
        sa.CheckConstraint("lower_inc(during) and not upper_inc(during)", name=op.f("claim_half_open_check")),
        sa.CheckConstraint("not isempty(during)", name=op.f("claim_not_empty_check")),
        sa.ForeignKeyConstraint(["resource_id"], ["resource.id"], name=op.f("claim_resource_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("claim_pkey")),
    )
    op.create_index(op.f("claim_held_by_idx"), "claim", ["held_by"], unique=False)
    op.create_table(
        "instrument",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "instrument",
                "test_service",
                "open_lab",
                name="instrumentkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "published",
                "retired",
                name="instrumentstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=True),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("maker", sa.String(), nullable=True),
        sa.Column("class_code", sa.String(), nullable=True),
        sa.Column("value", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("publicly_funded", sa.Boolean(), nullable=False),
        sa.Column("closed_because", sa.String(), nullable=True),
        sa.Column(
            "audience",
            sa.Enum(
                "everybody", "province", "own", name="audience", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("customers", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("confirmed_at_once", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("lab", sa.String(), nullable=True),
        sa.Column("location", sa.String(), nullable=True),
        sa.Column("capabilities", sa.String(), nullable=True),
        sa.Column("accreditation", sa.String(), nullable=True),
        sa.Column("keywords", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("contact", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column(
            "operation",
            sa.Enum(
                "self_use", "assisted", "either", name="operation", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("needs_qualification", sa.Boolean(), nullable=False),
        sa.Column("slot_minutes", sa.Integer(), nullable=False),
        sa.Column("min_minutes", sa.Integer(), nullable=False),
        sa.Column("max_minutes", sa.Integer(), nullable=False),
        sa.Column("notice_minutes", sa.Integer(), nullable=False),
        sa.Column("horizon_days", sa.Integer(), nullable=False),
        sa.Column("buffer_minutes", sa.Integer(), nullable=False),
        sa.Column("late_cancel_minutes", sa.Integer(), nullable=False),
        sa.Column("no_show_minutes", sa.Integer(), nullable=True),
        sa.Column("person_week_minutes", sa.Integer(), nullable=True),
        sa.Column("organisation_week_minutes", sa.Integer(), nullable=True),
        sa.Column("person_upcoming", sa.Integer(), nullable=True),
        sa.Column("order_form", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("facets", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint(
            "customers <@ array['internal', 'academic', 'province_firm', 'other'] and confirmed_at_once <@ array['internal', 'academic', 'province_firm', 'other']",
            name=op.f("instrument_customer_classes_check"),
        ),
        sa.CheckConstraint(
            "not publicly_funded or closed_because is not null or (audience <> 'own' and 'province_firm' = any (customers))",
            name=op.f("instrument_public_is_open_check"),
        ),
        sa.CheckConstraint("min_minutes <= max_minutes and min_minutes > 0", name=op.f("instrument_lengths_check")),
        sa.CheckConstraint(
            "notice_minutes >= 0 and horizon_days > 0 and buffer_minutes >= 0 and late_cancel_minutes >= 0",
            name=op.f("instrument_terms_check"),
        ),
        sa.CheckConstraint("slot_minutes > 0", name=op.f("instrument_grain_check")),
        sa.CheckConstraint("value >= 0", name=op.f("instrument_value_check")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("instrument_created_by_fkey")),
        sa.ForeignKeyConstraint(["id"], ["resource.id"], name=op.f("instrument_id_fkey")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("instrument_organisation_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("instrument_pkey")),
    )
    op.create_index("instrument_facets_idx", "instrument", ["facets"], unique=False, postgresql_using="gin")
    op.create_index(
        "instrument_listed_idx",
        "instrument",
        ["created_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'published'"),
    )
    op.create_index("instrument_owner_idx", "instrument", ["organisation_id", "created_at", "id"], unique=False)
    op.create_index(
        "instrument_words_idx",
        "instrument",
        ["words"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"words": "gin_trgm_ops"},
    )
    op.create_table(
        "booking",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column(
            "customer_class",
            sa.Enum(
                "internal",
                "academic",
                "province_firm",
                "other",
                name="customerclass",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "requested",
                "confirmed",
                "in_use",
                "done",
                "refused",
                "cancelled",
                "moved",
                "released",
                name="bookingstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("assisted", sa.Boolean(), nullable=False),
        sa.Column("answers", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("waived", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("waived_by", sa.Uuid(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_late", sa.Boolean(), nullable=False),
        sa.Column("moved_from_id", sa.Uuid(), nullable=True),
        sa.Column("series_id", sa.Uuid(), nullable=True),
        sa.Column("checked_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_out_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint(
            "(state = 'done') = (checked_out_at is not null)", name=op.f("booking_done_when_checked_out_check")
        ),
        sa.CheckConstraint(
            "(state in ('in_use', 'done')) <= (checked_in_at is not null)",
            name=op.f("booking_used_when_checked_in_check"),
        ),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("booking_in_order_check")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("booking_decided_by_fkey")),
        sa.ForeignKeyConstraint(["instrument_id"], ["instrument.id"], name=op.f("booking_instrument_id_fkey")),
        sa.ForeignKeyConstraint(["made_by"], ["person.id"], name=op.f("booking_made_by_fkey")),
        sa.ForeignKeyConstraint(["moved_from_id"], ["booking.id"], name=op.f("booking_moved_from_id_fkey")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("booking_organisation_id_fkey")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("booking_person_id_fkey")),
        sa.ForeignKeyConstraint(["waived_by"], ["person.id"], name=op.f("booking_waived_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("booking_pkey")),
    )
    op.create_index(
        "booking_due_idx", "booking", ["starts_at"], unique=False, postgresql_where=sa.text("state = 'confirmed'")
    )
    op.create_index("booking_instrument_idx", "booking", ["instrument_id", "starts_at", "id"], unique=False)
    op.create_index(
        "booking_moved_from_key",
        "booking",
        ["moved_from_id"],
        unique=True,
        postgresql_where=sa.text("moved_from_id is not null and state in ('requested', 'confirmed', 'in_use', 'done')"),
    )
    op.create_index("booking_organisation_idx", "booking", ["organisation_id", "starts_at", "id"], unique=False)
    op.create_index(
        "booking_pending_idx",
        "booking",
        ["instrument_id", "starts_at"],
        unique=False,
        postgresql_where=sa.text("state = 'requested'"),
    )
    op.create_index("booking_person_idx", "booking", ["person_id", "starts_at", "id"], unique=False)
    op.create_index(
        "booking_series_idx", "booking", ["series_id"], unique=False, postgresql_where=sa.text("series_id is not null")
    )
    op.create_table(
        "calendar_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "person",
                "keeper",
                "instrument",
                name="calendarkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("instrument_id", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(kind = 'instrument') = (instrument_id is not null)", name=op.f("calendar_link_instrument_check")
        ),
        sa.ForeignKeyConstraint(["instrument_id"], ["instrument.id"], name=op.f("calendar_link_instrument_id_fkey")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("calendar_link_person_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("calendar_link_pkey")),
        sa.UniqueConstraint("hash", name=op.f("calendar_link_hash_key")),
    )
    op.create_index("calendar_link_person_idx", "calendar_link", ["person_id", "created_at", "id"], unique=False)
    op.create_table(
        "keeper",
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["instrument_id"], ["instrument.id"], name=op.f("keeper_instrument_id_fkey")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("keeper_person_id_fkey")),
        sa.PrimaryKeyConstraint("instrument_id", "person_id", name=op.f("keeper_pkey")),
    )
    op.create_index(op.f("keeper_person_id_idx"), "keeper", ["person_id"], unique=False)
    op.create_table(
        "opening_exception",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("opens", sa.SmallInteger(), nullable=True),
        sa.Column("closes", sa.SmallInteger(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("instrument_id"), "="),
            (sa.column("day"), "="),
            (sa.text("int4range(coalesce(opens, 0), coalesce(closes, 1440))"), "&&"),
            using="gist",
            name="opening_exception_no_overlap",
        ),
        sa.CheckConstraint("(opens is null) = (closes is null)", name=op.f("opening_exception_pair_check")),
        sa.CheckConstraint(
            "opens >= 0 and opens < closes and closes <= 1440", name=op.f("opening_exception_in_order_check")
        ),
        sa.ForeignKeyConstraint(
            ["instrument_id"], ["instrument.id"], name=op.f("opening_exception_instrument_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("opening_exception_pkey")),
    )
    op.create_index("opening_exception_day_idx", "opening_exception", ["day", "instrument_id"], unique=False)
    op.create_index(op.f("opening_exception_instrument_id_idx"), "opening_exception", ["instrument_id"], unique=False)
    op.create_table(
        "opening_hours",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("opens", sa.SmallInteger(), nullable=False),
        sa.Column("closes", sa.SmallInteger(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("instrument_id"), "="),
            (sa.column("weekday"), "="),
            (sa.text("int4range(opens, closes)"), "&&"),
            using="gist",
            name="opening_hours_no_overlap",
        ),
        sa.CheckConstraint(
            "opens >= 0 and opens < closes and closes <= 1440", name=op.f("opening_hours_in_order_check")
        ),
        sa.CheckConstraint("weekday between 1 and 7", name=op.f("opening_hours_weekday_check")),
        sa.ForeignKeyConstraint(["instrument_id"], ["instrument.id"], name=op.f("opening_hours_instrument_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("opening_hours_pkey")),
    )
    op.create_index(op.f("opening_hours_instrument_id_idx"), "opening_hours", ["instrument_id"], unique=False)
    op.create_index("opening_hours_weekday_idx", "opening_hours", ["weekday", "instrument_id"], unique=False)
    op.create_table(
        "outage",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("reported_by", sa.Uuid(), nullable=True),
        sa.Column(
            "reported_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("outage_in_order_check")),
        sa.ForeignKeyConstraint(["instrument_id"], ["instrument.id"], name=op.f("outage_instrument_id_fkey")),
        sa.ForeignKeyConstraint(["reported_by"], ["person.id"], name=op.f("outage_reported_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("outage_pkey")),
    )
    op.create_index("outage_instrument_idx", "outage", ["instrument_id", "starts_at", "id"], unique=False)
    op.create_table(
        "qualification",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("granted_by", sa.Uuid(), nullable=False),
        sa.Column(
            "granted_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("email = lower(email)", name=op.f("qualification_email_lower_check")),
        sa.ForeignKeyConstraint(["granted_by"], ["person.id"], name=op.f("qualification_granted_by_fkey")),
        sa.ForeignKeyConstraint(["instrument_id"], ["instrument.id"], name=op.f("qualification_instrument_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("qualification_pkey")),
    )
    op.create_index(
        "qualification_instrument_idx", "qualification", ["instrument_id", "granted_at", "id"], unique=False
    )
    op.create_index(
        "qualification_live_key",
        "qualification",
        ["instrument_id", "email"],
        unique=True,
        postgresql_where=sa.text("revoked_at is null"),
    )
    op.create_table(
        "usage",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column(
            "customer_class",
            sa.Enum(
                "internal",
                "academic",
                "province_firm",
                "other",
                name="customerclass",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
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
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("preparation_minutes", sa.Integer(), nullable=False),
        sa.Column("run_minutes", sa.Integer(), nullable=False),
        sa.Column("processing_minutes", sa.Integer(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=True),
        sa.Column("assisted", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint(
            "preparation_minutes >= 0 and run_minutes >= 0 and processing_minutes >= 0 and preparation_minutes + run_minutes + processing_minutes > 0",
            name=op.f("usage_minutes_check"),
        ),
        sa.CheckConstraint("samples >= 0", name=op.f("usage_samples_check")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("usage_in_order_check")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("usage_booking_id_fkey")),
        sa.ForeignKeyConstraint(["entered_by"], ["person.id"], name=op.f("usage_entered_by_fkey")),
        sa.ForeignKeyConstraint(["instrument_id"], ["instrument.id"], name=op.f("usage_instrument_id_fkey")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("usage_organisation_id_fkey")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("usage_person_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("usage_pkey")),
    )
    op.create_index(
        "usage_booking_key", "usage", ["booking_id"], unique=True, postgresql_where=sa.text("booking_id is not null")
    )
    op.create_index("usage_instrument_idx", "usage", ["instrument_id", "starts_at", "id"], unique=False)
    op.create_index("usage_organisation_idx", "usage", ["organisation_id", "starts_at", "id"], unique=False)
    op.create_index("usage_person_idx", "usage", ["person_id", "starts_at", "id"], unique=False)
    op.create_table(
        "waiting",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "offered",
                "taken",
                "declined",
                "expired",
                "left",
                name="waitingstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("assisted", sa.Boolean(), nullable=False),
        sa.Column("answers", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("offer_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("booking_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint(
            "(state = 'offered') <= (offer_expires_at is not null)", name=op.f("waiting_offer_expires_check")
        ),
        sa.CheckConstraint("(state = 'taken') = (booking_id is not null)", name=op.f("waiting_taken_booking_check")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("waiting_in_order_check")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("waiting_booking_id_fkey")),
        sa.ForeignKeyConstraint(["instrument_id"], ["instrument.id"], name=op.f("waiting_instrument_id_fkey")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("waiting_organisation_id_fkey")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("waiting_person_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("waiting_pkey")),
    )
    op.create_index(
        "waiting_line_idx",
        "waiting",
        ["instrument_id", "created_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "waiting_live_key",
        "waiting",
        ["instrument_id", "person_id", "starts_at", "ends_at"],
        unique=True,
        postgresql_where=sa.text("state in ('waiting', 'offered')"),
    )
    op.create_index(
        "waiting_offer_idx",
        "waiting",
        ["offer_expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'offered'"),
    )
    op.create_index("waiting_person_idx", "waiting", ["person_id", "created_at", "id"], unique=False)
    op.create_table(
        "usage_adjustment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("usage_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "asked",
                "accepted",
                "declined",
                name="adjustmentstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("wished", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(state = 'asked') = (decided_at is null)", name=op.f("usage_adjustment_decided_when_check")
        ),
        sa.ForeignKeyConstraint(["asked_by"], ["person.id"], name=op.f("usage_adjustment_asked_by_fkey")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("usage_adjustment_decided_by_fkey")),
        sa.ForeignKeyConstraint(["usage_id"], ["usage.id"], name=op.f("usage_adjustment_usage_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("usage_adjustment_pkey")),
    )
    op.create_index(
        "usage_adjustment_open_key",
        "usage_adjustment",
        ["usage_id"],
        unique=True,
        postgresql_where=sa.text("state = 'asked'"),
    )
    op.create_index("usage_adjustment_usage_idx", "usage_adjustment", ["usage_id", "asked_at", "id"], unique=False)


def downgrade() -> None:
    op.drop_table("usage_adjustment")
    op.drop_table("waiting")
    op.drop_table("usage")
    op.drop_table("qualification")
    op.drop_table("outage")
    op.drop_table("opening_hours")
    op.drop_table("opening_exception")
    op.drop_table("keeper")
    op.drop_table("calendar_link")
    op.drop_table("booking")
    op.drop_table("instrument")
    op.drop_table("claim")
    op.drop_table("resource")
