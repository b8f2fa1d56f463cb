"""Wishes, drafts of a schedule, publications, meetings and what came of them.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "schedule",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column(
            "planning",
            sa.Enum(
                "anew", "fixed", "fewest_moves", name="planning", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column(
            "late",
            sa.Enum(
                "leave_out",
                "fill",
                "like_others",
                name="latejoiners",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("seconds", sa.SmallInteger(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("basis", sa.String(), nullable=True),
        sa.Column("levels", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("numbers", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("ended", sa.String(), nullable=True),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint(
            "(planned_at is null) = (numbers is null) and (planned_at is null) = (basis is null)",
            name=op.f("schedule_planned_check"),
        ),
        sa.CheckConstraint("seconds > 0", name=op.f("schedule_seconds_check")),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("schedule_event_id_fkey")),
        sa.ForeignKeyConstraint(["made_by"], ["person.id"], name=op.f("schedule_made_by_fkey")),
        sa.ForeignKeyConstraint(["operation_id"], ["operation.id"], name=op.f("schedule_operation_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("schedule_pkey")),
        sa.UniqueConstraint("event_id", "number", name="schedule_number_key"),
        sa.UniqueConstraint("id", "event_id", name="schedule_of_event_key"),
        sa.UniqueConstraint("operation_id", name="schedule_operation_key"),
    )
    op.create_table(
        "wish_rules",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("outstanding_most", sa.Integer(), nullable=False),
        sa.Column("answer_hours", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("outstanding_most > 0 and answer_hours > 0", name=op.f("wish_rules_terms_check")),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("wish_rules_event_id_fkey")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("wish_rules_pkey")),
    )
    op.create_table(
        "planned_meeting",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("wish_id", sa.Uuid(), nullable=True),
        sa.Column("first_id", sa.Uuid(), nullable=False),
        sa.Column("second_id", sa.Uuid(), nullable=False),
        sa.Column("first_person_id", sa.Uuid(), nullable=False),
        sa.Column("second_person_id", sa.Uuid(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("table_id", sa.Uuid(), nullable=False),
        sa.Column("slot_id", sa.Uuid(), nullable=False),
        sa.Column("until_slot_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedule.id"], name=op.f("planned_meeting_schedule_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("planned_meeting_pkey")),
        sa.UniqueConstraint("schedule_id", "first_id", "second_id", name="planned_meeting_pair_key"),
    )
    op.create_index("planned_meeting_listed_idx", "planned_meeting", ["schedule_id", "starts_at", "id"], unique=False)
    op.create_table(
        "publication",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("preliminary", "final", name="publishing", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("planned", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("moved", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.Integer(), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_by", sa.Uuid(), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reached", sa.Uuid(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(undone_at is null) = (undone_by is null)", name=op.f("publication_undone_check")),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("publication_event_id_fkey")),
        sa.ForeignKeyConstraint(["published_by"], ["person.id"], name=op.f("publication_published_by_fkey")),
        sa.ForeignKeyConstraint(
            ["schedule_id", "event_id"], ["schedule.id", "schedule.event_id"], name="publication_schedule_fkey"
        ),
        sa.ForeignKeyConstraint(["undone_by"], ["person.id"], name=op.f("publication_undone_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("publication_pkey")),
        sa.UniqueConstraint("event_id", "number", name="publication_number_key"),
    )
    op.create_index("publication_schedule_idx", "publication", ["schedule_id"], unique=False)
    op.create_table(
        "unplaced_wish",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("wish_id", sa.Uuid(), nullable=False),
        sa.Column("first_id", sa.Uuid(), nullable=False),
        sa.Column("second_id", sa.Uuid(), nullable=False),
        sa.Column(
            "why",
            sa.Enum(
                "no_common_language",
                "hosts_apart",
                "no_common_slot",
                "no_table_open",
                "fixed_meetings",
                "floor",
                "maximum_reached",
                "no_table_left",
                "people_busy",
                "search_ended",
                "not_agreed",
                name="whynot",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("instead", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedule.id"], name=op.f("unplaced_wish_schedule_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("unplaced_wish_pkey")),
    )
    op.create_index("unplaced_wish_listed_idx", "unplaced_wish", ["schedule_id", "id"], unique=False)
    op.create_table(
        "wish",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("first_id", sa.Uuid(), nullable=False),
        sa.Column("second_id", sa.Uuid(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("because", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "first_says",
            sa.Enum(
                "must", "meet", "no_thanks", name="first_says", native_enum=False, create_constraint=True, length=40
            ),
            nullable=True,
        ),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_version", sa.Integer(), nullable=False),
        sa.Column(
            "second_says",
            sa.Enum(
                "must", "meet", "no_thanks", name="second_says", native_enum=False, create_constraint=True, length=40
            ),
            nullable=True,
        ),
        sa.Column("second_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("second_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("second_version", sa.Integer(), nullable=False),
        sa.Column("slots", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("table_id", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint(
            "(coalesce(first_says, '') in ('must', 'meet')) = (first_until is not null)",
            name=op.f("wish_first_until_check"),
        ),
        sa.CheckConstraint(
            "(coalesce(second_says, '') in ('must', 'meet')) = (second_until is not null)",
            name=op.f("wish_second_until_check"),
        ),
        sa.CheckConstraint("first_id < second_id", name=op.f("wish_in_order_check")),
        sa.CheckConstraint("score >= 0", name=op.f("wish_score_check")),
        sa.CheckConstraint("slots > 0 and (slots = 1 or table_id is not null)", name=op.f("wish_visit_check")),
        sa.ForeignKeyConstraint(
            ["first_id", "event_id"], ["registration.id", "registration.event_id"], name="wish_first_fkey"
        ),
        sa.ForeignKeyConstraint(
            ["second_id", "event_id"], ["registration.id", "registration.event_id"], name="wish_second_fkey"
        ),
        sa.ForeignKeyConstraint(
            ["table_id", "event_id"], ["event_table.id", "event_table.event_id"], name="wish_table_fkey"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("wish_pkey")),
        sa.UniqueConstraint("first_id", "second_id", name="wish_pair_key"),
    )
    op.create_index("wish_event_idx", "wish", ["event_id", "score", "id"], unique=False)
    op.create_index("wish_second_idx", "wish", ["second_id"], unique=False)
    op.create_index(
        "wish_table_idx", "wish", ["table_id"], unique=False, postgresql_where=sa.text("table_id is not null")
    )
    op.create_table(
        "meeting",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("first_id", sa.Uuid(), nullable=False),
        sa.Column("second_id", sa.Uuid(), nullable=False),
        sa.Column("first_person_id", sa.Uuid(), nullable=False),
        sa.Column("second_person_id", sa.Uuid(), nullable=False),
        sa.Column("wish_id", sa.Uuid(), nullable=True),
        sa.Column(
            "source",
            sa.Enum("schedule", "walk_in", name="source", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "planned",
                "held",
                "no_show",
                "cancelled",
                name="meetingstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("table_id", sa.Uuid(), nullable=True),
        sa.Column("slot_id", sa.Uuid(), nullable=True),
        sa.Column("until_slot_id", sa.Uuid(), nullable=True),
        sa.Column("absent", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("called_off_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mailed_version", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("(state = 'no_show') = (cardinality(absent) > 0)", name=op.f("meeting_absent_check")),
        sa.CheckConstraint("called_off_at is null or state = 'cancelled'", name=op.f("meeting_called_off_check")),
        sa.CheckConstraint(
            "state not in ('planned', 'held') or (table_id is not null and slot_id is not null and until_slot_id is not null)",
            name=op.f("meeting_seated_check"),
        ),
        sa.CheckConstraint("first_id < second_id", name=op.f("meeting_in_order_check")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("meeting_times_check")),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("meeting_event_id_fkey")),
        sa.ForeignKeyConstraint(
            ["first_id", "event_id"], ["registration.id", "registration.event_id"], name="meeting_first_fkey"
        ),
        sa.ForeignKeyConstraint(
            ["first_person_id", "event_id"], ["attendee.id", "attendee.event_id"], name="meeting_first_person_fkey"
        ),
        sa.ForeignKeyConstraint(
            ["second_id", "event_id"], ["registration.id", "registration.event_id"], name="meeting_second_fkey"
        ),
        sa.ForeignKeyConstraint(
            ["second_person_id", "event_id"], ["attendee.id", "attendee.event_id"], name="meeting_second_person_fkey"
        ),
        sa.ForeignKeyConstraint(
            ["slot_id", "event_id"], ["event_slot.id", "event_slot.event_id"], name="meeting_slot_fkey"
        ),
        sa.ForeignKeyConstraint(
            ["table_id", "event_id"], ["event_table.id", "event_table.event_id"], name="meeting_table_fkey"
        ),
        sa.ForeignKeyConstraint(
            ["until_slot_id", "event_id"], ["event_slot.id", "event_slot.event_id"], name="meeting_until_slot_fkey"
        ),
        sa.ForeignKeyConstraint(["wish_id"], ["wish.id"], name=op.f("meeting_wish_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("meeting_pkey")),
        sa.UniqueConstraint("id", "event_id", name="meeting_of_event_key"),
    )
    op.create_index("meeting_first_idx", "meeting", ["first_id", "starts_at", "id"], unique=False)
    op.create_index("meeting_first_person_idx", "meeting", ["first_person_id"], unique=False)
    op.create_index("meeting_listed_idx", "meeting", ["event_id", "starts_at", "id"], unique=False)
    op.create_index(
        "meeting_pair_key",
        "meeting",
        ["first_id", "second_id"],
        unique=True,
        postgresql_where=sa.text("state in ('planned', 'held')"),
    )
    op.create_index("meeting_second_idx", "meeting", ["second_id", "starts_at", "id"], unique=False)
    op.create_index("meeting_second_person_idx", "meeting", ["second_person_id"], unique=False)
    op.create_index("meeting_slot_idx", "meeting", ["slot_id"], unique=False)
    op.create_index("meeting_table_idx", "meeting", ["table_id"], unique=False)
    op.create_index("meeting_until_slot_idx", "meeting", ["until_slot_id"], unique=False)

    op.create_table(
        "interest",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("meeting_id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("to_organisation_id", sa.Uuid(), nullable=True),
        sa.Column("wish_id", sa.Uuid(), nullable=True),
        sa.Column("problem_id", sa.Uuid(), nullable=True),
        sa.Column("achievement_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["achievement_id"], ["listing.id"], name=op.f("interest_achievement_id_fkey")),
        sa.ForeignKeyConstraint(["made_by"], ["person.id"], name=op.f("interest_made_by_fkey")),
        sa.ForeignKeyConstraint(
            ["meeting_id", "event_id"], ["meeting.id", "meeting.event_id"], name="interest_meeting_fkey"
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("interest_organisation_id_fkey")),
        sa.ForeignKeyConstraint(["problem_id"], ["listing.id"], name=op.f("interest_problem_id_fkey")),
        sa.ForeignKeyConstraint(["registration_id"], ["registration.id"], name=op.f("interest_registration_id_fkey")),
        sa.ForeignKeyConstraint(
            ["to_organisation_id"], ["organisation.id"], name=op.f("interest_to_organisation_id_fkey")
        ),
        sa.ForeignKeyConstraint(["wish_id"], ["wish.id"], name=op.f("interest_wish_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("interest_pkey")),
        sa.UniqueConstraint("meeting_id", "registration_id", name="interest_once_key"),
    )
    op.create_index("interest_event_idx", "interest", ["event_id", "created_at", "id"], unique=False)
    op.create_table(
        "outcome",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("meeting_id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column(
            "stage",
            sa.Enum("right_after", "later", name="outcomestage", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("stars", sa.SmallInteger(), nullable=True),
        sa.Column(
            "result",
            sa.Enum(
                "no_further_contact",
                "knowledge_gained",
                "valuable_contact",
                "negotiation_started",
                "agreement_reached",
                name="result",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("signed_yuan", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("signed_yuan is null or result = 'agreement_reached'", name=op.f("outcome_signed_check")),
        sa.CheckConstraint("stars between 1 and 5", name=op.f("outcome_stars_check")),
        sa.ForeignKeyConstraint(["by"], ["person.id"], name=op.f("outcome_by_fkey")),
        sa.ForeignKeyConstraint(
            ["meeting_id", "event_id"], ["meeting.id", "meeting.event_id"], name="outcome_meeting_fkey"
        ),
        sa.ForeignKeyConstraint(["registration_id"], ["registration.id"], name=op.f("outcome_registration_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("outcome_pkey")),
        sa.UniqueConstraint("meeting_id", "registration_id", "stage", name="outcome_once_key"),
    )
    op.create_index("outcome_event_idx", "outcome", ["event_id", "created_at", "id"], unique=False)
    op.create_index("outcome_registration_idx", "outcome", ["registration_id"], unique=False)


def downgrade() -> None:
    op.drop_table("outcome")
    op.drop_table("interest")
    op.drop_table("meeting")
    op.drop_table("wish")
    op.drop_table("unplaced_wish")
    op.drop_table("publication")
    op.drop_table("planned_meeting")
    op.drop_table("wish_rules")
    op.drop_table("schedule")
