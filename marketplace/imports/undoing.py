"""Undoing an import of instruments as a whole: what it made and nobody used since goes, what it changed says again what it said.

Row by row: what was changed or used since stays, and the report says why. Undone once, it stays undone.
"""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from marketplace.imports import instrument_writing, remembering
from marketplace.imports.models import ImportedInstrument, InstrumentImport
from marketplace.imports.writing import FACT_IDS
from marketplace.kernel import clock, facts
from marketplace.kernel.actor import Actor
from marketplace.kernel.base import Base
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import NotFound
from marketplace.labs import instruments, written
from marketplace.labs.facts import InstrumentsImported
from marketplace.labs.models import Instrument, OpeningException, OpeningHours
from marketplace.reservations import claims
from marketplace.reservations.models import Resource
from schemas.identity import Permission
from schemas.imports import ImportedFile, ImportedRow, UndoOutcome, UndoReason
from schemas.labs import InstrumentPatch, InstrumentState

AT_ONCE: Final = 500
# Parts of the instrument itself: they go with it.
_ITS_OWN: Final = frozenset({"instrument", "opening_hours", "opening_exception", "resource"})


def chosen(actor: Actor) -> Select[Any]:
    """Imports of the organisations whose labs the actor manages, each with the counts of its rows."""
    rows = ImportedInstrument
    counts = (
        select(
            func.count().filter(rows.created).label("created"),
            func.count().filter(~rows.created).label("updated"),
            *(func.count().filter(rows.outcome == outcome).label(outcome.value) for outcome in UndoOutcome),
        )
        .where(rows.import_id == InstrumentImport.id)
        .lateral("counts")
    )
    return (
        select(InstrumentImport, counts)
        .join(counts, InstrumentImport.id == InstrumentImport.id)
        .where(InstrumentImport.organisation_id.in_(actor.organisations_where(Permission.MANAGE_LABS)))
    )


def view(row: Any) -> ImportedFile:
    one: InstrumentImport = row[0]
    own = {name: getattr(one, name) for name in ("id", "organisation_id", "name", "at", "undone_at")}
    counted = ("created", "updated", *(outcome.value for outcome in UndoOutcome))
    return ImportedFile(**own, **{name: getattr(row, name) for name in counted})


def row_view(row: ImportedInstrument) -> ImportedRow:
    own = {name: getattr(row, name) for name in ImportedRow.model_fields if name not in {"fields", "kept_fields"}}
    return ImportedRow(**own, fields=sorted(row.before), kept_fields=row.kept_fields or [])


async def listed(session: AsyncSession, actor: Actor, paging: Paging) -> tuple[list[Any], str | None]:
    """What was imported, latest first."""
    by = tuple(zip((InstrumentImport.at, InstrumentImport.id), BY_TIME_AND_ID, strict=True))
    return await page(session, chosen(actor).add_columns(InstrumentImport.at, InstrumentImport.id), by, paging)


async def read(session: AsyncSession, actor: Actor, import_id: UUID) -> Any:
    found = (await session.execute(chosen(actor).where(InstrumentImport.id == import_id))).one_or_none()
    if found is None:
        raise NotFound
    return found


async def rows(
    session: AsyncSession, actor: Actor, import_id: UUID, paging: Paging
) -> tuple[list[ImportedInstrument], str | None]:
    """What became of each instrument, in the order of the file."""
    await read(session, actor, import_id)
    columns: tuple[Any, ...] = (ImportedInstrument, ImportedInstrument.number)
    statement = select(*columns).where(ImportedInstrument.import_id == import_id)
    found, marker = await page(session, statement, ((ImportedInstrument.number, int),), paging, rising=True)
    return [row[0] for row in found], marker


async def undo(session: AsyncSession, actor: Actor, import_id: UUID) -> Any:
    """Undo it for a manager of its labs; undone already, the same report is told again."""
    await read(session, actor, import_id)
    await undone(session, import_id, by=actor.person)
    return await read(session, actor, import_id)


async def undone(session: AsyncSession, import_id: UUID, *, by: UUID | None) -> None:
    """Undo an import, whoever was found to be allowed to, if it is not undone yet."""
    one = await session.get_one(InstrumentImport, import_id, with_for_update=True, populate_existing=True)
    if one.undone_at is not None:
        return
    organisation_id = one.organisation_id
    one.undone_at, one.undone_by = clock.now(), by
    await session.flush()
    touched: list[UUID] = []
    since = alone = 0
    while True:
        found = await session.scalars(
            select(ImportedInstrument)
            .where(ImportedInstrument.import_id == import_id, ImportedInstrument.number > since)
            .order_by(ImportedInstrument.number)
            .limit(AT_ONCE)
        )
        chunk = found.all()
        if not chunk:
            break
        since = chunk[-1].number
        # Terms change: nobody is judged by them meanwhile, as far as the server has locks for it.
        shut = [row.instrument_id for row in chunk if row.published or instrument_writing.TERMS & row.after.keys()]
        shut = shut[: instrument_writing.MOST_TERMS - alone]
        alone += len(shut)
        await claims.take_turns(session, shut)
        touched += await _undo(session, chunk)
        session.expunge_all()
    for start in range(0, len(touched), FACT_IDS):
        fact = InstrumentsImported(touched[start : start + FACT_IDS])
        await facts.record(session, fact, subject=organisation_id, by=by)


async def _undo(session: AsyncSession, chunk: Sequence[ImportedInstrument]) -> list[UUID]:
    """Undo some rows; answers the instruments that are not what they were a moment ago."""
    ids = [row.instrument_id for row in chunk]
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
        instrument = there.get(row.instrument_id)
        if instrument is None:
            _say(row, UndoOutcome.KEPT, UndoReason.GONE)
        elif row.created:
            if _withdraw(row, instrument, in_use=row.instrument_id in used):
                touched.append(instrument.id)
                if not row.published:
                    gone.append(instrument.id)
        elif await _restore(session, row, instrument, in_use=row.instrument_id in used):
            touched.append(instrument.id)
    await session.flush()
    await _remove(session, gone)
    return touched


@cache
def _references() -> tuple[ColumnElement[bool], ...]:
    """That some row of some room speaks of the instrument. Told by the tables' own foreign keys, so that none is forgotten."""
    tables = (table for name, table in sorted(Base.metadata.tables.items()) if name not in _ITS_OWN)
    return tuple(
        exists(select(1).select_from(table).where(key.parent == Instrument.id))
        for table in tables
        for key in sorted(table.foreign_keys, key=lambda one: one.parent.name)
        if key.column.table.name in {"instrument", "resource"}
    )


def in_use() -> ColumnElement[bool]:
    """Whether an instrument was booked, priced, shown with photos, or used in any other way."""
    return or_(*_references())


def _say(
    row: ImportedInstrument, outcome: UndoOutcome, because: UndoReason | None = None, kept: Sequence[str] = ()
) -> None:
    row.outcome, row.because, row.kept_fields = outcome, because, list(kept)


def _withdraw(row: ImportedInstrument, instrument: Instrument, *, in_use: bool) -> bool:
    """What the import made: a draft goes, what was in the catalogue leaves it, as harvesters have to be told."""
    if in_use or instrument.version != row.version:
        _say(row, UndoOutcome.KEPT, UndoReason.USED_SINCE if in_use else UndoReason.CHANGED_SINCE)
        return False
    _say(row, UndoOutcome.WITHDRAWN)
    if row.published:
        instrument.state = InstrumentState.RETIRED
        # The same file, imported again, is new.
        instrument.source = instrument.external_id = None
        instruments.touch(instrument)
    return True


async def _restore(session: AsyncSession, row: ImportedInstrument, instrument: Instrument, *, in_use: bool) -> bool:
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
        _say(row, UndoOutcome.KEPT, UndoReason.WOULD_NOT_STAND, sorted(row.after))
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
    if not (fields or retire):
        _say(
            row, UndoOutcome.KEPT, UndoReason.USED_SINCE if row.published and in_use else UndoReason.CHANGED_SINCE, kept
        )
        return False
    if kept:
        _say(row, UndoOutcome.PARTLY, UndoReason.CHANGED_SINCE, kept)
    elif row.published and not retire and in_use:
        _say(row, UndoOutcome.PARTLY, UndoReason.USED_SINCE)
    else:
        _say(row, UndoOutcome.RESTORED)
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
