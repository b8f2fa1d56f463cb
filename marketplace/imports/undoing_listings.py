"""Undoing what an import did to achievements or problems."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.imports import writing
from marketplace.imports.checking import BODIES
from marketplace.imports.models import ImportedRecord
from marketplace.imports.statements import SHUT, Statements
from marketplace.imports.undone import restored, restores, say, spoken_of, withdraws
from marketplace.kernel import clock
from marketplace.listings import bodies, completeness
from marketplace.listings.models import Listing
from marketplace.listings.records import SHOWN_STATES
from schemas.imports import UndoOutcome, UndoReason
from schemas.listings import ListingKind, ListingState

# What a record said before is a part of it; the proposals of a rematch were made by the platform, and need no record that is open.
_ITS_OWN: Final = frozenset({"listing", "listing_revision", "rematch_pair"})
_TALKED_OF: Final = frozenset({ListingState.IN_TALKS, ListingState.SOLVED})
_SEEN_BY_NOBODY: Final = frozenset({ListingState.DRAFT, ListingState.IN_REVIEW})
_SHOWN_BY_IMPORTS: Final = frozenset({ListingState.PUBLISHED, ListingState.IN_REVIEW})


def in_use() -> ColumnElement[bool]:
    """Whether somebody was let in to a listing, judged it, brought it to an event, or used it in any other way."""
    return spoken_of(Listing.id, frozenset({"listing"}), _ITS_OWN)


async def undo(
    session: AsyncSession, kind: ListingKind, chunk: Sequence[ImportedRecord], *, by: UUID | None
) -> list[UUID]:
    """Undo some rows; answers the listings that are not what they were a moment ago."""
    statements = Statements(kind)
    ids = [row.record_id for row in chunk]
    changed_ids = [row.record_id for row in chunk if not row.created]
    found = await session.execute(statements.stand, {"ids": ids, "changed_ids": changed_ids})
    there = {row.id: row for row in found.all()}
    used = set(await session.scalars(select(Listing.id).where(Listing.id.in_(ids), in_use())))
    used |= {one.id for one in there.values() if one.state in _TALKED_OF}
    work = _Work(kind, await restored(session, ids))
    for row in chunk:
        listing = there.get(row.record_id)
        if listing is None:
            say(row, UndoOutcome.KEPT, UndoReason.GONE)
        elif row.created:
            work.withdraw(row, listing, in_use=row.record_id in used)
        else:
            work.restore(row, listing, in_use=row.record_id in used)
    await session.flush()
    return await work.carry_out(session, statements, by)


class _Work:
    """What undoing some rows comes to."""

    def __init__(self, kind: ListingKind, restored: dict[UUID, int]) -> None:
        self._kind = kind
        self._restored = restored
        self._gone: list[UUID] = []
        self._shut: list[UUID] = []
        self._forgotten: list[UUID] = []
        self._become: dict[UUID, dict[str, Any]] = {}

    def withdraw(self, row: ImportedRecord, listing: Any, *, in_use: bool) -> None:
        """What the import made: what nobody could read goes, what everybody could is taken out of the lists."""
        if not withdraws(row, listing.version, in_use=in_use, restored=self._restored.get(listing.id, 0)):
            return
        if listing.state in _SEEN_BY_NOBODY:
            self._gone.append(listing.id)
        else:
            self._shut.append(listing.id)
            self._forgotten.append(listing.id)

    def restore(self, row: ImportedRecord, listing: Any, *, in_use: bool) -> None:
        """What the import changed says again what it said, field by field, unless it was changed again since."""
        now = listing.says
        kept: list[str] = []
        for name in bodies.named(row.after, BODIES[self._kind]):
            parts = bodies.columns_of(name)
            if any(now[part] != row.after[part] for part in parts):
                kept += parts
        fields = row.after.keys() - kept
        after = now | {name: row.before[name] for name in fields}
        retire = row.published and listing.state in _SHOWN_BY_IMPORTS and not in_use
        if fields and listing.state in SHOWN_STATES and not retire and self._lacks(now, after):
            say(row, UndoOutcome.KEPT, UndoReason.WOULD_NOT_STAND, sorted(row.after))
            return
        if not restores(row, fields, kept, retire=retire, in_use=in_use):
            return
        if fields:
            self._become[listing.id] = after
        if retire:
            self._shut.append(listing.id)

    def _lacks(self, now: dict[str, Any], after: dict[str, Any]) -> bool:
        """Whether what everybody reads would lose what publishing asked for."""
        before = completeness.required(self._kind, writing.as_row(now))
        return any(item not in before for item in completeness.required(self._kind, writing.as_row(after)))

    async def carry_out(self, session: AsyncSession, statements: Statements, by: UUID | None) -> list[UUID]:
        if self._become:
            await writing.change(session, statements, self._become, by=by)
        if self._shut:
            wish = {"ids": self._shut, "forgotten_ids": self._forgotten, "changed_ids": list(self._become)}
            await session.execute(SHUT, wish | {"now": clock.now()})
        if self._gone:
            await session.execute(delete(Listing).where(Listing.id.in_(self._gone)))
        return list(dict.fromkeys([*self._become, *self._shut, *self._gone]))
