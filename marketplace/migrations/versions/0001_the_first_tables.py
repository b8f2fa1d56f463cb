"""the first tables"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.util import await_only

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


QUEUE = Path(__file__).parents[1] / "pgqueuer_1_6.sql"


def _install_queue() -> None:
    """Many statements at once, which only the driver itself takes."""
    raw = op.get_bind().connection.driver_connection
    assert raw is not None
    await_only(raw.execute(QUEUE.read_text()))


def upgrade() -> None:
    op.execute("create extension if not exists pg_trgm")
    op.execute("create extension if not exists btree_gist")
    _install_queue()
    op.create_table(
        "fact",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "xid", sa.BigInteger(), server_default=sa.text("(pg_current_xact_id()::text::bigint)"), nullable=False
        ),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=True),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("fact_pkey")),
    )
    op.create_index(op.f("fact_at_idx"), "fact", ["at"], unique=False)
    op.create_index(op.f("fact_subject_idx"), "fact", ["subject"], unique=False)
    op.create_index(op.f("fact_xid_idx"), "fact", ["xid"], unique=False)
    op.create_table(
        "idempotency_key",
        sa.Column("caller", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("idempotency_key_pkey")),
    )
    op.create_index(op.f("idempotency_key_at_idx"), "idempotency_key", ["at"], unique=False)
    op.create_table(
        "letter",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("to", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("letter_pkey")),
    )
    op.create_table(
        "operation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "running",
                "done",
                "failed",
                "cancelled",
                name="operationstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("cancel_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("done >= 0 and (total is null or done <= total)", name=op.f("operation_progress_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("operation_pkey")),
    )
    op.create_index(op.f("operation_person_id_idx"), "operation", ["person_id"], unique=False)
    op.create_table(
        "organisation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("uscc", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=True),
        sa.Column("kinds", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("introduction", sa.String(), nullable=True),
        sa.Column(
            "verification",
            sa.Enum(
                "unverified",
                "submitted",
                "verified",
                "suspended",
                name="verification",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("evidence", sa.String(), nullable=True),
        sa.Column("decision_reason", sa.String(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint(
            "(verification = 'verified') <= (verified_at is not null)", name=op.f("organisation_verified_when_check")
        ),
        sa.CheckConstraint("cardinality(kinds) > 0", name=op.f("organisation_has_a_kind_check")),
        sa.CheckConstraint("char_length(uscc) = 18", name=op.f("organisation_uscc_length_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("organisation_pkey")),
        sa.UniqueConstraint("uscc", name=op.f("organisation_uscc_key")),
    )
    op.create_index("organisation_listed_idx", "organisation", ["created_at", "id"], unique=False)
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("suspended_because", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint(
            "confirmed_at is null or password_hash is not null", name=op.f("person_confirmed_with_password_check")
        ),
        sa.CheckConstraint("email = lower(email)", name=op.f("person_email_lower_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("person_pkey")),
        sa.UniqueConstraint("email", name=op.f("person_email_key")),
    )
    op.create_table(
        "sign_in_try",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("sign_in_try_pkey")),
    )
    op.create_index("sign_in_try_key_at_idx", "sign_in_try", ["key", "at"], unique=False)
    op.create_table(
        "invitation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "viewer",
                "editor",
                "organisation_admin",
                "lab_manager",
                "organizer",
                "broker",
                "platform_admin",
                "auditor",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("invitation_organisation_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("invitation_pkey")),
        sa.UniqueConstraint("hash", name=op.f("invitation_hash_key")),
    )
    op.create_index(
        "invitation_open_key",
        "invitation",
        ["organisation_id", "email"],
        unique=True,
        postgresql_where=sa.text("accepted_at is null and revoked_at is null"),
    )
    op.create_table(
        "letter_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("letter_token_person_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("letter_token_pkey")),
        sa.UniqueConstraint("hash", name=op.f("letter_token_hash_key")),
    )
    op.create_index(op.f("letter_token_person_id_idx"), "letter_token", ["person_id"], unique=False)
    op.create_table(
        "listing",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("achievement", "problem", name="listingkind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "in_review",
                "published",
                "withdrawn",
                "in_talks",
                "solved",
                "closed",
                "expired",
                name="listingstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("state_note", sa.String(), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("keywords", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("industries", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("disciplines", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("cooperation_modes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("contact", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("listed_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confidential_part", sa.Boolean(), nullable=False),
        sa.Column("facets", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("summary", sa.String(), nullable=True),
        sa.Column("trl", sa.Integer(), nullable=True),
        sa.Column("stage", sa.String(), nullable=True),
        sa.Column("intellectual_property", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("awards", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("price_kind", sa.String(), nullable=True),
        sa.Column("price_low", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("price_high", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("publicly_funded", sa.Boolean(), nullable=True),
        sa.Column("registration_number", sa.String(), nullable=True),
        sa.Column("team", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("background", sa.String(), nullable=True),
        sa.Column("indicators", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("tried", sa.String(), nullable=True),
        sa.Column("budget_low", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("budget_high", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("deadline", sa.Date(), nullable=True),
        sa.Column("ip_wish", sa.String(), nullable=True),
        sa.Column("solver_conditions", sa.String(), nullable=True),
        sa.Column("bounty", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.CheckConstraint(
            "(kind = 'achievement' and state in ('draft', 'in_review', 'published', 'withdrawn', 'expired')) or (kind = 'problem' and state in ('draft', 'in_review', 'published', 'in_talks', 'solved', 'closed', 'expired'))",
            name=op.f("listing_state_of_kind_check"),
        ),
        sa.CheckConstraint(
            "state not in ('published', 'in_talks') or (published_at is not null and confirmed_until is not null)",
            name=op.f("listing_published_when_check"),
        ),
        sa.CheckConstraint("(source is null) = (external_id is null)", name=op.f("listing_source_pair_check")),
        sa.CheckConstraint("bounty >= 0", name=op.f("listing_bounty_check")),
        sa.CheckConstraint(
            "budget_low <= budget_high and coalesce(budget_low, budget_high) >= 0", name=op.f("listing_budget_check")
        ),
        sa.CheckConstraint("price_low <= price_high and price_low >= 0", name=op.f("listing_price_check")),
        sa.CheckConstraint("trl between 1 and 9", name=op.f("listing_trl_check")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("listing_created_by_fkey")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("listing_organisation_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("listing_pkey")),
    )
    op.create_index("listing_facets_idx", "listing", ["facets"], unique=False, postgresql_using="gin")
    op.create_index(
        "listing_fresh_idx",
        "listing",
        ["confirmed_until"],
        unique=False,
        postgresql_where=sa.text("state in ('published', 'in_talks')"),
    )
    op.create_index(
        "listing_open_idx",
        "listing",
        ["kind", "listed_at", "id"],
        unique=False,
        postgresql_where=sa.text("state in ('published', 'in_talks')"),
    )
    op.create_index("listing_owner_idx", "listing", ["organisation_id", "kind", "listed_at", "id"], unique=False)
    op.create_index(
        "listing_source_key",
        "listing",
        ["kind", "organisation_id", "source", "external_id"],
        unique=True,
        postgresql_where=sa.text("source is not null"),
    )
    op.create_index(
        "listing_words_idx",
        "listing",
        ["words"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"words": "gin_trgm_ops"},
    )
    op.create_table(
        "membership",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column(
            "role",
            sa.Enum(
                "viewer",
                "editor",
                "organisation_admin",
                "lab_manager",
                "organizer",
                "broker",
                "platform_admin",
                "auditor",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("given_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(role in ('platform_admin', 'auditor')) = (organisation_id is null)",
            name=op.f("membership_role_fits_place_check"),
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("membership_organisation_id_fkey")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("membership_person_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("membership_pkey")),
    )
    op.create_index(
        "membership_live_key",
        "membership",
        ["person_id", "organisation_id"],
        unique=True,
        postgresql_where=sa.text("ended_at is null"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_index(
        "membership_organisation_idx",
        "membership",
        ["organisation_id", "since", "id"],
        unique=False,
        postgresql_where=sa.text("ended_at is null"),
    )
    op.create_table(
        "token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("session", "personal", name="tokenkind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "scope",
            sa.Enum("read", "write", name="scope", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("token_person_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("token_pkey")),
        sa.UniqueConstraint("hash", name=op.f("token_hash_key")),
    )
    op.create_index(
        "token_person_idx", "token", ["person_id"], unique=False, postgresql_where=sa.text("revoked_at is null")
    )
    op.create_table(
        "admission",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "requested",
                "admitted",
                "refused",
                "revoked",
                name="admissionstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("nda_accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("admission_listing_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("admission_pkey")),
    )
    op.create_index("admission_email_idx", "admission", ["email"], unique=False)
    op.create_index("admission_listing_idx", "admission", ["listing_id", "created_at", "id"], unique=False)
    op.create_index(
        "admission_live_key",
        "admission",
        ["listing_id", "email"],
        unique=True,
        postgresql_where=sa.text("state in ('requested', 'admitted')"),
    )
    op.create_table(
        "attachment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column(
            "part",
            sa.Enum("public", "confidential", name="part", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("attachment_listing_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("attachment_pkey")),
    )
    op.create_index("attachment_listing_idx", "attachment", ["listing_id", "part", "created_at", "id"], unique=False)
    op.create_table(
        "confidential",
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("nda", sa.String(), nullable=True),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("confidential_listing_id_fkey")),
        sa.PrimaryKeyConstraint("listing_id", "version", name=op.f("confidential_pkey")),
    )
    op.create_table(
        "nda_acceptance",
        sa.Column("admission_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("nda_acceptance_admission_id_fkey")),
        sa.ForeignKeyConstraint(
            ["listing_id", "version"],
            ["confidential.listing_id", "confidential.version"],
            name=op.f("nda_acceptance_listing_id_version_fkey"),
        ),
        sa.PrimaryKeyConstraint("admission_id", "version", name=op.f("nda_acceptance_pkey")),
    )
    op.create_table(
        "listing_revision",
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("listing_revision_listing_id_fkey")),
        sa.PrimaryKeyConstraint("listing_id", "version", name=op.f("listing_revision_pkey")),
    )


def downgrade() -> None:
    """Back to an empty database: everything that was written goes with it."""
    op.drop_table("listing_revision")
    op.drop_table("nda_acceptance")
    op.drop_table("confidential")
    op.drop_index("attachment_listing_idx", table_name="attachment")
    op.drop_table("attachment")
    op.drop_index(
        "admission_live_key", table_name="admission", postgresql_where=sa.text("state in ('requested', 'admitted')")
    )
    op.drop_index("admission_listing_idx", table_name="admission")
    op.drop_index("admission_email_idx", table_name="admission")
    op.drop_table("admission")
    op.drop_index("token_person_idx", table_name="token", postgresql_where=sa.text("revoked_at is null"))
    op.drop_table("token")
    op.drop_index("membership_organisation_idx", table_name="membership", postgresql_where=sa.text("ended_at is null"))
    op.drop_index(
        "membership_live_key",
        table_name="membership",
        postgresql_where=sa.text("ended_at is null"),
        postgresql_nulls_not_distinct=True,
    )
    op.drop_table("membership")
    op.drop_index(
        "listing_words_idx", table_name="listing", postgresql_using="gin", postgresql_ops={"words": "gin_trgm_ops"}
    )
    op.drop_index("listing_source_key", table_name="listing", postgresql_where=sa.text("source is not null"))
    op.drop_index("listing_owner_idx", table_name="listing")
    op.drop_index(
        "listing_open_idx", table_name="listing", postgresql_where=sa.text("state in ('published', 'in_talks')")
    )
    op.drop_index(
        "listing_fresh_idx", table_name="listing", postgresql_where=sa.text("state in ('published', 'in_talks')")
    )
    op.drop_index("listing_facets_idx", table_name="listing", postgresql_using="gin")
    op.drop_table("listing")
    op.drop_index(op.f("letter_token_person_id_idx"), table_name="letter_token")
    op.drop_table("letter_token")
    op.drop_index(
        "invitation_open_key",
        table_name="invitation",
        postgresql_where=sa.text("accepted_at is null and revoked_at is null"),
    )
    op.drop_table("invitation")
    op.drop_index("sign_in_try_key_at_idx", table_name="sign_in_try")
    op.drop_table("sign_in_try")
    op.drop_table("person")
    op.drop_index("organisation_listed_idx", table_name="organisation")
    op.drop_table("organisation")
    op.drop_index(op.f("operation_person_id_idx"), table_name="operation")
    op.drop_table("operation")
    op.drop_table("letter")
    op.drop_index(op.f("idempotency_key_at_idx"), table_name="idempotency_key")
    op.drop_table("idempotency_key")
    op.drop_index(op.f("fact_xid_idx"), table_name="fact")
    op.drop_index(op.f("fact_subject_idx"), table_name="fact")
    op.drop_index(op.f("fact_at_idx"), table_name="fact")
    op.drop_table("fact")
    op.execute("drop table pgqueuer, pgqueuer_log, pgqueuer_schedules, pgqueuer_statistics cascade")
    op.execute("drop function fn_pgqueuer_changed()")
    op.execute("drop type pgqueuer_status")
