"""What undoing each kind of record shares: what is said of a row, and whether other rows speak of a record."""

from collections.abc import Sequence
from functools import cache

from sqlalchemy import ColumnElement, exists, or_, select
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
        *(
            exists(select(1).select_from(table).where(other.parent == key))
            for name, table in sorted(Base.metadata.tables.items())
            if name not in its_own
            for other in sorted(table.foreign_keys, key=lambda one: one.parent.name)
            if other.column.table.name in tables
        )
    )


def say(row: ImportedRecord, outcome: UndoOutcome, because: UndoReason | None = None, kept: Sequence[str] = ()) -> None:
    row.outcome, row.because, row.kept_fields = outcome, because, list(kept)
