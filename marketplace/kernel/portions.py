"""A backlog goes in portions: each a short transaction, so that no statement runs for long and nobody waits for its locks."""

from typing import Any, Final

from sqlalchemy import ColumnElement, TableClause, any_, delete, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import SQLCoreOperations

from marketplace.kernel.base import Base

PORTION: Final = 1000


async def delete_some(
    session: AsyncSession, rows: type[Base] | TableClause, *old: ColumnElement[bool], first: SQLCoreOperations[Any]
) -> int:
    """Delete rows that are `old`, those whose `first` is least before the others, at most a portion. Answers how many.

    `first` is what an index keeps in order, so that finding them reads little beside them. Rows that somebody holds are
    left for the next time.
    """
    place: ColumnElement[Any] = literal_column("ctid")
    chosen = (
        select(place).select_from(rows).where(*old).order_by(first).limit(PORTION).with_for_update(skip_locked=True)
    )
    where = place == any_(func.array(chosen.scalar_subquery()))
    gone = await session.execute(delete(rows).where(where).returning(place))
    return len(gone.all())
