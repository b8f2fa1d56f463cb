"""Docking events with their agenda; registrations, whose places the database counts; check-ins; announcements.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# `taken` is the number of people whose registration is offered or confirmed, kept as registrations change. The change
# holds the row of the kind until its transaction ends, so the CHECK sees what everybody else took before.
FUNCTIONS = (
    """
create function docking_seats_counted() returns trigger language plpgsql as $$
declare
    before integer := 0;
    after integer := 0;
begin
    if tg_op <> 'INSERT' and old.state in ('offered', 'confirmed') then
        before := old.seats;
    end if;
    if tg_op <> 'DELETE' and new.state in ('offered', 'confirmed') then
        after := new.seats;
    end if;
    if tg_op = 'UPDATE' and (old.event_id, old.kind) = (new.event_id, new.kind) then
        if after <> before then
            update event_capacity set taken = taken + after - before where event_id = new.event_id and kind = new.kind;
        end if;
        return null;
    end if;
    if before > 0 then
        update event_capacity set taken = taken - before where event_id = old.event_id and kind = old.kind;
    end if;
    if after > 0 then
        update event_capacity set taken = taken + after where event_id = new.event_id and kind = new.kind;
    end if;
    return null;
end $$
""",
    """
create function docking_taken_guarded() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' and new.taken <> 0
        or tg_op = 'UPDATE' and pg_trigger_depth() = 1 and new.taken <> old.taken
    then
        raise exception 'places are counted by registrations alone' using errcode = 'restrict_violation';
    end if;
    return new;
end $$
""",
    """
create trigger registration_seats_counted after insert or update of state, seats, kind, event_id or delete
    on registration for each row execute function docking_seats_counted()
""",
    """
create trigger event_capacity_guarded before insert or update on event_capacity
    for each row execute function docking_taken_guarded()
""",
)


def upgrade() -> None:
    op.create_table(
        "event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("cloned_from_id", sa.Uuid(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "docking",
                "invite_in",
                "go_out",
                "roadshow",
                "producer_seller",
                "producer_buyer",
                "bank_enterprise",
                "fair",
                name="eventkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "format",
            sa.Enum(
                "onsite", "online", "hybrid", name="eventformat", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "published",
                "open",
                "closed",
                "scheduled",
                "running",
                "ended",
                "followed_up",
                "cancelled",
                name="eventstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("title_en", sa.String(), nullable=True),
        sa.Column("summary", sa.String(), nullable=True),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("place", sa.String(), nullable=True),
        sa.Column("online_url", sa.String(), nullable=True),
        sa.Column("industries", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("disciplines", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("regions", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("languages", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("registration_opens_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("registration_closes_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("needs_approval", sa.Boolean(), nullable=False),
        sa.Column("offer_hours", sa.Integer(), nullable=False),
        sa.Column("people_most", sa.Integer(), nullable=False),
        sa.Column("calls_for", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("records_most", sa.Integer(), nullable=False),
        sa.Column("meetings_promised", sa.Integer(), nullable=False),
        sa.Column("meetings_most", sa.Integer(), nullable=True),
        sa.Column("contact", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_because", sa.String(), nullable=True),
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
            "(state = 'cancelled') = (cancelled_because is not null)", name=op.f("event_cancelled_because_check")
        ),
        sa.CheckConstraint(
            "state in ('draft', 'cancelled') or published_at is not null", name=op.f("event_published_when_check")
        ),
        sa.CheckConstraint(
            "meetings_promised >= 0 and meetings_promised <= meetings_most", name=op.f("event_meetings_check")
        ),
        sa.CheckConstraint("offer_hours > 0 and people_most > 0 and records_most >= 0", name=op.f("event_terms_check")),
        sa.CheckConstraint(
            "registration_closes_at <= ends_at and registration_opens_at < ends_at",
            name=op.f("event_window_in_time_check"),
        ),
        sa.CheckConstraint("registration_opens_at < registration_closes_at", name=op.f("event_window_check")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("event_in_order_check")),
        sa.ForeignKeyConstraint(["cloned_from_id"], ["event.id"], name=op.f("event_cloned_from_id_fkey")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("event_created_by_fkey")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("event_organisation_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("event_pkey")),
    )
    op.create_index(
        "event_due_idx",
        "event",
        ["state"],
        unique=False,
        postgresql_where=sa.text("state in ('published', 'open', 'closed', 'scheduled', 'running')"),
    )
    op.create_index("event_facets_idx", "event", ["facets"], unique=False, postgresql_using="gin")
    op.create_index(
        "event_listed_idx",
        "event",
        ["starts_at", "id"],
        unique=False,
        postgresql_where=sa.text("published_at is not null"),
    )
    op.create_index("event_owner_idx", "event", ["organisation_id", "starts_at", "id"], unique=False)
    op.create_index(
        "event_words_idx",
        "event",
        ["words"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"words": "gin_trgm_ops"},
    )
    op.create_table(
        "announcement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("states", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("kinds", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("reached", sa.Uuid(), nullable=True),
        sa.Column("letters", sa.Integer(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("announcement_created_by_fkey")),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("announcement_event_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("announcement_pkey")),
    )
    op.create_index("announcement_event_idx", "announcement", ["event_id", "created_at", "id"], unique=False)
    op.create_table(
        "event_capacity",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "enterprise",
                "academic",
                "expert",
                "finance",
                "broker",
                "government",
                "visitor",
                name="participantkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("seats", sa.Integer(), nullable=True),
        sa.Column("taken", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("seats >= 0", name=op.f("event_capacity_seats_check")),
        sa.CheckConstraint("taken <= seats", name=op.f("event_capacity_not_over_check")),
        sa.CheckConstraint("taken >= 0", name=op.f("event_capacity_not_below_check")),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("event_capacity_event_id_fkey")),
        sa.PrimaryKeyConstraint("event_id", "kind", name=op.f("event_capacity_pkey")),
    )
    op.create_table(
        "event_organizer",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "host",
                "undertaker",
                "assistant",
                "supporter",
                name="organizerrole",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("runs_desk", sa.Boolean(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("event_organizer_event_id_fkey")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("event_organizer_organisation_id_fkey")
        ),
        sa.PrimaryKeyConstraint("event_id", "organisation_id", name=op.f("event_organizer_pkey")),
    )
    op.create_index("event_organizer_organisation_idx", "event_organizer", ["organisation_id"], unique=False)
    op.create_table(
        "event_question",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("text_en", sa.String(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "line",
                "text",
                "number",
                "yes_no",
                "choice",
                "choices",
                "day",
                name="questionkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("options", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("asked_of", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint(
            "(kind in ('choice', 'choices')) = (cardinality(options) >= 2)", name=op.f("event_question_options_check")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("event_question_event_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("event_question_pkey")),
    )
    op.create_index("event_question_event_idx", "event_question", ["event_id", "position"], unique=False)
    op.create_table(
        "event_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "meetings",
                "plenary",
                "roadshow",
                "visit",
                "break",
                name="sessionkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("title_en", sa.String(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("slot_minutes", sa.Integer(), nullable=True),
        sa.Column("gap_minutes", sa.Integer(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("event_id"), "="),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            using="gist",
            name="event_session_no_overlap",
        ),
        sa.CheckConstraint("(kind = 'meetings') = (slot_minutes is not null)", name=op.f("event_session_slots_check")),
        sa.CheckConstraint("slot_minutes > 0 and gap_minutes >= 0", name=op.f("event_session_minutes_check")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("event_session_in_order_check")),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("event_session_event_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("event_session_pkey")),
        sa.UniqueConstraint("id", "event_id", name="event_session_of_event_key"),
    )
    op.create_table(
        "event_venue",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("event_venue_event_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("event_venue_pkey")),
        sa.UniqueConstraint("event_id", "name", name="event_venue_name_key"),
        sa.UniqueConstraint("id", "event_id", name="event_venue_of_event_key"),
    )
    op.create_table(
        "event_room",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["venue_id", "event_id"], ["event_venue.id", "event_venue.event_id"], name="event_room_venue_fkey"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("event_room_pkey")),
        sa.UniqueConstraint("id", "event_id", name="event_room_of_event_key"),
        sa.UniqueConstraint("venue_id", "name", name="event_room_name_key"),
    )
    op.create_index("event_room_event_idx", "event_room", ["event_id"], unique=False)
    op.create_table(
        "event_slot",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("event_id"), "="),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            using="gist",
            name="event_slot_no_overlap",
        ),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("event_slot_in_order_check")),
        sa.ForeignKeyConstraint(
            ["session_id", "event_id"],
            ["event_session.id", "event_session.event_id"],
            name="event_slot_session_fkey",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("event_slot_pkey")),
        sa.UniqueConstraint("id", "event_id", name="event_slot_of_event_key"),
    )
    op.create_index("event_slot_event_idx", "event_slot", ["event_id", "starts_at"], unique=False)
    op.create_index("event_slot_session_idx", "event_slot", ["session_id"], unique=False)
    op.create_table(
        "event_table",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("room_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("instrument_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["id"], ["resource.id"], name=op.f("event_table_id_fkey")),
        sa.ForeignKeyConstraint(["instrument_id"], ["instrument.id"], name=op.f("event_table_instrument_id_fkey")),
        sa.ForeignKeyConstraint(
            ["room_id", "event_id"], ["event_room.id", "event_room.event_id"], name="event_table_room_fkey"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("event_table_pkey")),
        sa.UniqueConstraint("id", "event_id", name="event_table_of_event_key"),
        sa.UniqueConstraint("room_id", "name", name="event_table_name_key"),
    )
    op.create_index("event_table_event_idx", "event_table", ["event_id"], unique=False)
    op.create_table(
        "event_table_closure",
        sa.Column("table_id", sa.Uuid(), nullable=False),
        sa.Column("slot_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["slot_id", "event_id"],
            ["event_slot.id", "event_slot.event_id"],
            name="event_table_closure_slot_fkey",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["table_id", "event_id"],
            ["event_table.id", "event_table.event_id"],
            name="event_table_closure_table_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("table_id", "slot_id", name=op.f("event_table_closure_pkey")),
    )
    op.create_index("event_table_closure_slot_idx", "event_table_closure", ["slot_id"], unique=False)
    op.create_table(
        "registration",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "enterprise",
                "academic",
                "expert",
                "finance",
                "broker",
                "government",
                "visitor",
                name="participantkind",
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
                "waiting",
                "offered",
                "confirmed",
                "refused",
                "declined",
                "expired",
                "cancelled",
                name="registrationstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("seats", sa.SmallInteger(), nullable=False),
        sa.Column("introduction", sa.String(), nullable=True),
        sa.Column("wanted", sa.String(), nullable=True),
        sa.Column("accessibility", sa.String(), nullable=True),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("meetings_most", sa.Integer(), nullable=True),
        sa.Column("meetings_promised", sa.Integer(), nullable=True),
        sa.Column("table_id", sa.Uuid(), nullable=True),
        sa.Column("answers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("offer_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mailed_version", sa.Integer(), nullable=True),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint(
            "(state = 'offered') <= (offered_at is not null and offer_expires_at is not null)",
            name=op.f("registration_offer_expires_check"),
        ),
        sa.CheckConstraint(
            "(state in ('requested', 'waiting', 'offered', 'confirmed')) = (ended_at is null)",
            name=op.f("registration_ended_when_check"),
        ),
        sa.CheckConstraint(
            "(state = 'waiting') <= (waiting_since is not null)", name=op.f("registration_waiting_since_check")
        ),
        sa.CheckConstraint("meetings_most >= 0 and meetings_promised >= 0", name=op.f("registration_meetings_check")),
        sa.CheckConstraint("seats > 0", name=op.f("registration_seats_check")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("registration_decided_by_fkey")),
        sa.ForeignKeyConstraint(
            ["event_id", "kind"], ["event_capacity.event_id", "event_capacity.kind"], name="registration_capacity_fkey"
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("registration_event_id_fkey")),
        sa.ForeignKeyConstraint(["made_by"], ["person.id"], name=op.f("registration_made_by_fkey")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("registration_organisation_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["table_id", "event_id"], ["event_table.id", "event_table.event_id"], name="registration_table_fkey"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("registration_pkey")),
        sa.UniqueConstraint("id", "event_id", name="registration_of_event_key"),
    )
    op.create_index("registration_event_idx", "registration", ["event_id", "created_at", "id"], unique=False)
    op.create_index(
        "registration_line_idx",
        "registration",
        ["event_id", "kind", "waiting_since"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index("registration_maker_idx", "registration", ["made_by", "created_at", "id"], unique=False)
    op.create_index(
        "registration_offer_idx",
        "registration",
        ["offer_expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'offered'"),
    )
    op.create_index(
        "registration_organisation_idx", "registration", ["organisation_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "registration_table_key",
        "registration",
        ["table_id"],
        unique=True,
        postgresql_where=sa.text("table_id is not null"),
    )
    op.create_table(
        "attendee",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("job", sa.String(), nullable=True),
        sa.Column("languages", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("meetings_most", sa.Integer(), nullable=True),
        sa.Column("badge", sa.SmallInteger(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("email = lower(email)", name=op.f("attendee_email_lower_check")),
        sa.CheckConstraint("meetings_most >= 0", name=op.f("attendee_meetings_check")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("attendee_person_id_fkey")),
        sa.ForeignKeyConstraint(
            ["registration_id", "event_id"],
            ["registration.id", "registration.event_id"],
            name="attendee_registration_fkey",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("attendee_pkey")),
        sa.UniqueConstraint("id", "event_id", name="attendee_of_event_key"),
    )
    op.create_index(
        "attendee_once_key", "attendee", ["event_id", "email"], unique=True, postgresql_where=sa.text("left_at is null")
    )
    op.create_index(
        "attendee_person_idx",
        "attendee",
        ["person_id"],
        unique=False,
        postgresql_where=sa.text("person_id is not null"),
    )
    op.create_index("attendee_registration_idx", "attendee", ["registration_id", "position"], unique=False)
    op.create_table(
        "brought_listing",
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("brought_listing_listing_id_fkey")),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("brought_listing_registration_id_fkey")
        ),
        sa.PrimaryKeyConstraint("registration_id", "listing_id", name=op.f("brought_listing_pkey")),
    )
    op.create_index("brought_listing_listing_idx", "brought_listing", ["listing_id"], unique=False)
    op.create_table(
        "absence",
        sa.Column("attendee_id", sa.Uuid(), nullable=False),
        sa.Column("slot_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attendee_id", "event_id"], ["attendee.id", "attendee.event_id"], name="absence_attendee_fkey"
        ),
        sa.ForeignKeyConstraint(
            ["slot_id", "event_id"],
            ["event_slot.id", "event_slot.event_id"],
            name="absence_slot_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("attendee_id", "slot_id", name=op.f("absence_pkey")),
    )
    op.create_index("absence_slot_idx", "absence", ["slot_id"], unique=False)
    op.create_table(
        "check_in",
        sa.Column("attendee_id", sa.Uuid(), nullable=False),
        sa.Column("door", sa.String(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["attendee_id", "event_id"], ["attendee.id", "attendee.event_id"], name="check_in_attendee_fkey"
        ),
        sa.ForeignKeyConstraint(["by"], ["person.id"], name=op.f("check_in_by_fkey")),
        sa.PrimaryKeyConstraint("attendee_id", "door", name=op.f("check_in_pkey")),
    )
    op.create_index("check_in_event_idx", "check_in", ["event_id", "at"], unique=False)
    for one in FUNCTIONS:
        op.execute(one)


def downgrade() -> None:
    op.drop_table("check_in")
    op.drop_table("absence")
    op.drop_table("brought_listing")
    op.drop_table("attendee")
    op.drop_table("registration")
    op.drop_table("event_table_closure")
    op.drop_table("event_table")
    op.drop_table("event_slot")
    op.drop_table("event_room")
    op.drop_table("event_venue")
    op.drop_table("event_session")
    op.drop_table("event_question")
    op.drop_table("event_organizer")
    op.drop_table("event_capacity")
    op.drop_table("announcement")
    op.drop_table("event")
    op.execute("drop function docking_seats_counted()")
    op.execute("drop function docking_taken_guarded()")
