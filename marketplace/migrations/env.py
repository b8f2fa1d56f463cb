"""Alembic's entry: migrations run on the connection that `marketplace.schema` hands over."""

from alembic import context

from marketplace.kernel.base import Base
from marketplace.tables import METADATA_IS_COMPLETE

assert METADATA_IS_COMPLETE

connection = context.config.attributes["connection"]


def _ours(name: str | None, kind: str, parents: object) -> bool:
    """The job queue's tables are made and upgraded by its own library."""
    return not (kind == "table" and name is not None and name.startswith("pgqueuer"))


context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    include_name=_ours,
    compare_type=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
