"""Letters of which there is one, however often they are written; what is swept away is found by an index.

Words of any length are found by one index, and what was done by whom.

Revision ID: 0025
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

# A number for each of a text's letters and pairs of neighbours, as often as it stands there: an index keeps each once.
# Numbers and no texts, which an index compares by the rules of a language: filling it takes half the time. Two pairs may
# share a number (letters beyond U+FFFF), so whoever looks one up compares the texts as well.
_GRAMS = """
create function grams(words text) returns integer[] language plpgsql immutable strict parallel safe cost 100 as $$
declare
  letters integer[] := array(select ascii(letter) from unnest(string_to_array(words, null)) letter);
begin
  return letters || array(
    select (one << 16) # following from unnest(letters, letters[2:]) pair(one, following) where following is not null
  );
end
$$
"""
_BY_THREES = ("listing", "instrument", "event")


def upgrade() -> None:
    op.add_column("letter", sa.Column("once", sa.String(), nullable=True))
    op.create_index(op.f("letter_to_idx"), "letter", ["to"], unique=False)
    op.create_unique_constraint(op.f("letter_once_key"), "letter", ["once"])
    op.create_index(
        "person_unconfirmed_idx", "person", ["created_at"], unique=False,
        postgresql_where=sa.text("confirmed_at is null"),
    )  # fmt: skip
    op.create_index("token_expires_idx", "token", ["expires_at"], unique=False)
    op.create_index(
        "token_revoked_idx", "token", ["revoked_at"], unique=False,
        postgresql_where=sa.text("revoked_at is not null"),
    )  # fmt: skip
    op.create_index(op.f("letter_token_expires_at_idx"), "letter_token", ["expires_at"], unique=False)
    op.create_index("sign_in_try_at_idx", "sign_in_try", ["at"], unique=False)
    op.create_index(
        "fact_by_idx", "fact", ["by", "at"], unique=False, postgresql_where=sa.text("by is not null")
    )  # fmt: skip
    op.create_index("fact_name_idx", "fact", ["name", "at"], unique=False)
    op.execute(_GRAMS)
    for table in ("instrument", "event", "expert", "funding_call"):
        op.create_index(f"{table}_grams_idx", table, [sa.text("grams(words)")], unique=False, postgresql_using="gin")
    # New rows wait in a list (see migration 0002): one that is short enough for whoever saves next to work it in.
    op.create_index(
        "listing_grams_idx", "listing", [sa.text("grams(words)")], unique=False,
        postgresql_using="gin", postgresql_with={"gin_pending_list_limit": 8192},
    )  # fmt: skip
    op.create_index(
        "organisation_grams_idx", "organisation", [sa.text("grams(lower(name))")], unique=False, postgresql_using="gin"
    )
    # Longer words are looked up by their pairs, too.
    for table in _BY_THREES:
        op.drop_index(f"{table}_words_idx", table_name=table)


def downgrade() -> None:
    for table in _BY_THREES:
        op.create_index(
            f"{table}_words_idx", table, ["words"], unique=False, postgresql_using="gin",
            postgresql_ops={"words": "gin_trgm_ops"},
        )  # fmt: skip
    op.execute("alter index listing_words_idx set (gin_pending_list_limit = 131072)")
    for table in ("organisation", "listing", "event", "instrument", "expert", "funding_call"):
        op.drop_index(f"{table}_grams_idx", table_name=table)
    op.execute("drop function grams(text)")
    op.drop_index("fact_name_idx", table_name="fact")
    op.drop_index("fact_by_idx", table_name="fact")
    op.drop_index("sign_in_try_at_idx", table_name="sign_in_try")
    op.drop_index(op.f("letter_token_expires_at_idx"), table_name="letter_token")
    op.drop_index("token_revoked_idx", table_name="token")
    op.drop_index("token_expires_idx", table_name="token")
    op.drop_index("person_unconfirmed_idx", table_name="person")
    op.drop_index(op.f("letter_to_idx"), table_name="letter")
    op.drop_constraint(op.f("letter_once_key"), "letter", type_="unique")
    op.drop_column("letter", "once")
