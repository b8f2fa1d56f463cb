"""Undoing what an import did to instruments."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from marketplace.imports import instrument_writing, remembering
from marketplace.imports.models import ImportedRecord
from marketplace.imports.undone import restores, say, spoken_of, withdraws
from marketplace.labs import instruments, written
from marketplace.labs.models import Instrument, OpeningException, OpeningHours
from marketplace.reservations import claims
from marketplace.reservations.models import Resource
from schemas.imports import UndoOutcome, UndoReason
from schemas.labs import InstrumentPatch, InstrumentState

# Parts of the instrument itself: they go with it.
_ITS_OWN: Final = frozenset({"instrument", "opening_hours", "opening_exception", "resource"})


def in_use() -> ColumnElement[bool]:
    """Whether an instrument was booked, priced, shown with photos, or used in any other way."""
    return spoken_of(Instrument.id, frozenset({"instrument", "resource"}), _ITS_OWN)


async def shut(session: AsyncSession, chunk: Sequence[ImportedRecord], alone: int) -> int:
    """Where terms change nobody is judged by them meanwhile, as far as the server has locks for it: `alone` are held.

    Answers how many more are.
    """
    found = [row.record_id for row in chunk if row.published or instrument_writing.TERMS & row.after.keys()]
    found = found[: instrument_writing.MOST_TERMS - alone]
    await claims.take_turns(session, found)
    return len(found)


async def undo(session: AsyncSession, chunk: Sequence[ImportedRecord]) -> list[UUID]:
    """Undo some rows; answers the instruments that are not what they were a moment ago."""
    ids = [row.record_id for row in chunk]
    found = await session.scalars(
        select(Instrument)
        .where(Instrument.id.in_(ids))
        .options(selectinload(Instrument.hours), selectinload(Instrument.exceptions))
        .order_by(Instrument.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    there = {one.id: one for one in found}
    used = set(await session.scalars(select(Instrument.id).where(Instrument.id.in_(ids), in_use())))
    gone: list[UUID] = []
    touched: list[UUID] = []
    for row in chunk:
        instrument = there.get(row.record_id)
        if instrument is None:
            say(row, UndoOutcome.KEPT, UndoReason.GONE)
        elif row.created:
            if _withdraw(row, instrument, in_use=row.record_id in used):
                touched.append(instrument.id)
                if not row.published:
                    gone.append(instrument.id)
        elif await _restore(session, row, instrument, in_use=row.record_id in used):
            touched.append(instrument.id)
    await session.flush()
    await _remove(session, gone)
    return touched


def _withdraw(row: ImportedRecord, instrument: Instrument, *, in_use: bool) -> bool:
    """What the import made: a draft goes, what was in the catalogue leaves it, as harvesters have to be told."""
    if not withdraws(row, instrument.version, in_use=in_use):
        return False
    if row.published:
        instrument.state = InstrumentState.RETIRED
        # The same file, imported again, is new.
        instrument.source = instrument.external_id = None
        instruments.touch(instrument)
    return True


async def _restore(session: AsyncSession, row: ImportedRecord, instrument: Instrument, *, in_use: bool) -> bool:
    """What the import changed says again what it said, field by field, unless it was changed again since."""
    now = remembering.said(instrument, row.after)
    kept = sorted(name for name in row.after if now[name] != row.after[name])
    fields = sorted(row.after.keys() - kept)
    retire = row.published and instrument.state is InstrumentState.PUBLISHED and not in_use
    patch = InstrumentPatch.model_validate({name: row.before[name] for name in fields})
    values = instruments.columns(patch, only_given=True)
    after = {name: getattr(instrument, name) for name in Instrument.__mapper__.columns.keys()} | values  # noqa: SIM118
    published = instrument.state is InstrumentState.PUBLISHED and not retire
    lacking = [item for item in written.missing(after.get) if getattr(instrument, item.field)] if published else []
    if fields and (lacking or any(instrument_writing.broken(after))):
        say(row, UndoOutcome.KEPT, UndoReason.WOULD_NOT_STAND, sorted(row.after))
        return False
    for name in remembering.CALENDAR & set(fields):
        setattr(instrument, name, [])
        # What stood there goes first: the rows before may take the same hours.
        await session.flush()
        setattr(instrument, name, instruments.hours_of(patch) if name == "hours" else instruments.exceptions_of(patch))
    for name, value in values.items():
        setattr(instrument, name, value)
    if retire:
        instrument.state = InstrumentState.RETIRED
    if not restores(row, fields, kept, retire=retire, in_use=in_use):
        return False
    instruments.derive(instrument)
    instruments.touch(instrument)
    return True


async def _remove(session: AsyncSession, ids: Collection[UUID]) -> None:
    """Drafts that nobody saw leave nothing behind."""
    if not ids:
        return
    for table in (OpeningHours, OpeningException):
        await session.execute(delete(table).where(table.instrument_id.in_(ids)))
    await session.execute(delete(Instrument).where(Instrument.id.in_(ids)))
    await session.execute(delete(Resource).where(Resource.id.in_(ids)))
