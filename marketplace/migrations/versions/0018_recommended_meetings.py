"""What the matcher proposes and really fits, drafts that may fill promises with it, meetings that say why they are.

Documents that came from another event are kept there.

Revision ID: 0018
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def _ground() -> sa.Column[str]:
    of = sa.Enum(
        "agreed", "asked", "recommended", name="ground", native_enum=False, create_constraint=True, length=40
    )  # fmt: skip
    return sa.Column("ground", of, nullable=True)


def upgrade() -> None:
    op.add_column("wish", sa.Column("fits", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    # Whether a proposal that is there fits, only the matcher can say: it depends on the score of the text alone, which is
    # not kept. Until pairs are proposed again none of them fills a promise.
    op.add_column("schedule", sa.Column("fill", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.add_column("planned_meeting", _ground())
    op.add_column("meeting", _ground())
    # What both ask for is agreed, what one does is asked; what nobody does was proposed.
    for table in ("planned_meeting", "meeting"):
        op.execute(
            f"""
            update {table} one set ground = case
                when first_says in ('must', 'meet') and second_says in ('must', 'meet') then 'agreed'
                when first_says in ('must', 'meet') or second_says in ('must', 'meet') then 'asked'
                else 'recommended' end
            from wish where wish.id = one.wish_id
            """  # noqa: S608 -- the names of two tables
        )

    op.alter_column("event_document", "content", nullable=True)
    op.add_column("event_document", sa.Column("content_of", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("event_document_content_of_fkey"), "event_document", "event_document", ["content_of"], ["id"]
    )
    op.create_check_constraint(
        op.f("event_document_content_check"), "event_document", "(content is null) = (content_of is not null)"
    )


def downgrade() -> None:
    # What came with a clone is kept where it came from; without that there is nothing to keep.
    op.execute("delete from event_document where content_of is not null")
    op.drop_constraint(op.f("event_document_content_check"), "event_document", type_="check")
    op.drop_column("event_document", "content_of")
    op.alter_column("event_document", "content", nullable=False)
    op.drop_column("meeting", "ground")
    op.drop_column("planned_meeting", "ground")
    op.drop_column("schedule", "fill")
    op.drop_column("wish", "fits")
