"""What undoing each kind of record shares: what is said of a row, and whether other rows speak of a record."""

from collections.abc import Collection, Sequence
from functools import cache
from uuid import UUID

from sqlalchemy import ColumnElement, exists, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from marketplace.imports.models import ImportedRecord
from marketplace.kernel.base import Base
from schemas.imports import UndoOutcome, UndoReason


@cache
def spoken_of(
    key: InstrumentedAttribute[object], tables: frozenset[str], its_own: frozenset[str]
) -> ColumnElement[bool]:
    """That some row of some room, but for a record's own parts, speaks of it.

    Told by the tables' own foreign keys to `tables`, so that none is forgotten.
    """
    return or_(
        false(),
        *(
            exists(select(1).select_from(table).where(other.parent == key))
            for name, table in sorted(Base.metadata.tables.items())
            if name not in its_own
            for other in sorted(table.foreign_keys, key=lambda one: one.parent.name)
            if other.column.table.name in tables
        ),
    )


def say(row: ImportedRecord, outcome: UndoOutcome, because: UndoReason | None = None, kept: Sequence[str] = ()) -> None:
    row.outcome, row.because, row.kept_fields = outcome, because, list(kept)


async def restored(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, int]:
    """By record, how many imports that changed it were undone."""
    found = await session.execute(
        select(ImportedRecord.record_id, func.count())
        .where(ImportedRecord.record_id.in_(ids), ImportedRecord.outcome == UndoOutcome.RESTORED)
        .group_by(ImportedRecord.record_id)
    )
    return {row[0]: row[1] for row in found.all()}


def withdraws(row: ImportedRecord, version: int, *, in_use: bool, restored: int = 0) -> bool:
    """Whether what an import made is to go, which its row says; `restored` later imports of it were undone."""
    # A later import that was undone counts two versions, its own and that of its undoing, and has changed nothing.
    if in_use or version != row.version + 2 * restored:
        say(row, UndoOutcome.KEPT, UndoReason.USED_SINCE if in_use else UndoReason.CHANGED_SINCE)
        return False
    say(row, UndoOutcome.WITHDRAWN)
    return True


def restores(
    row: ImportedRecord, fields: Collection[str], kept: Sequence[str], *, retire: bool = False, in_use: bool = False
) -> bool:
    """Whether anything comes back of what an import changed, which its row says: `fields` do, `kept` were changed again
    since; `retire`: what the import published goes out of sight."""
    used = row.published and in_use
    if not (fields or retire):
        say(row, UndoOutcome.KEPT, UndoReason.USED_SINCE if used else UndoReason.CHANGED_SINCE, kept)
        return False
    if kept:
        say(row, UndoOutcome.PARTLY, UndoReason.CHANGED_SINCE, kept)
    elif used and not retire:
        say(row, UndoOutcome.PARTLY, UndoReason.USED_SINCE)
    else:
        say(row, UndoOutcome.RESTORED)
    return True
