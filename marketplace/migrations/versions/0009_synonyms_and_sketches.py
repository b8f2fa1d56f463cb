"""Spellings that mean the same, with a small set to start from; sketches of records, to find those nearly alike.

Revision ID: 0009
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op
from uuid_utils.compat import uuid7

from matching.known_synonyms import STARTING
from matching.likeness import sketch
from matching.synonyms import spelt

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    words = sa.ARRAY(sa.Text())
    synonym = op.create_table(
        "synonym",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("spellings", words, nullable=False),
        sa.Column("key", words, nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("cardinality(spellings) between 2 and 8", name=op.f("synonym_spellings_check")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("synonym_created_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("synonym_pkey")),
    )
    op.create_index("synonym_key_key", "synonym", ["key"], unique=True)
    op.create_index("synonym_listed_idx", "synonym", ["created_at", "id"], unique=False)
    assert synonym is not None
    # An administrator removes and adds from here on; a later release that knows more leaves their list alone.
    op.bulk_insert(
        synonym,
        [{"id": uuid7(), "spellings": list(one), "key": sorted(map(spelt, one))} for one in STARTING],
    )
    op.add_column(
        "listing", sa.Column("sketch", sa.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False)
    )
    _sketch_all(op.get_bind())
    op.create_index("listing_sketch_idx", "listing", ["sketch"], unique=False, postgresql_using="gin")


BATCH = 2000


def _sketch_all(connection: sa.Connection) -> None:
    """What is there already gets its sketch: about half a minute for 100,000 records."""
    last = None
    listing = sa.table("listing", sa.column("id", sa.Uuid()), sa.column("words"), sa.column("sketch"))
    chosen = sa.select(listing.c.id, listing.c.words).order_by(listing.c.id).limit(BATCH)
    write = (
        sa.update(listing)
        .where(listing.c.id == sa.bindparam("of"))
        .values(sketch=sa.bindparam("numbers", type_=sa.ARRAY(sa.BigInteger())))
    )
    while rows := connection.execute(chosen if last is None else chosen.where(listing.c.id > last)).all():
        last = rows[-1].id
        connection.execute(write, [{"of": row.id, "numbers": sketch(row.words)} for row in rows])


def downgrade() -> None:
    op.drop_index("listing_sketch_idx", table_name="listing", postgresql_using="gin")
    op.drop_column("listing", "sketch")
    op.drop_table("synonym")
