"""Undoing an import as a whole: what it made and nobody used since goes, what it changed says again what it said.

Row by row: what was changed or used since stays, and the report says why. Undone once, it stays undone.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.experts.facts import ExpertsImported
from marketplace.experts.models import Expert
from marketplace.imports import undoing_experts, undoing_instruments, undoing_listings, writing
from marketplace.imports.checking import BODIES
from marketplace.imports.imports import AnotherImport
from marketplace.imports.models import FileImport, ImportedRecord
from marketplace.imports.writing import FACT_IDS
from marketplace.kernel import clock, facts
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import Fact
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import NotFound
from marketplace.labs.facts import InstrumentsImported
from marketplace.listings import bodies
from marketplace.listings.facts import ListingsImported
from schemas.identity import Permission
from schemas.imports import ImportedFile, ImportedRow, ImportKind, UndoOutcome
from schemas.listings import ListingKind

AT_ONCE: Final = 500
_LISTINGS: Final = frozenset({ImportKind.ACHIEVEMENT, ImportKind.PROBLEM})


def counted() -> Select[Any]:
    """Imports, each with the counts of its rows."""
    rows = ImportedRecord
    counts = (
        select(
            func.count().filter(rows.created).label("created"),
            func.count().filter(~rows.created).label("updated"),
            *(func.count().filter(rows.outcome == outcome).label(outcome.value) for outcome in UndoOutcome),
        )
        .where(rows.import_id == FileImport.id)
        .lateral("counts")
    )
    return select(FileImport, counts).join(counts, FileImport.id == FileImport.id)


def chosen(actor: Actor) -> Select[Any]:
    """Imports of the organisations whose labs the actor manages, or for which they write records."""
    labs = FileImport.organisation_id.in_(actor.organisations_where(Permission.MANAGE_LABS))
    desks = FileImport.organisation_id.in_(actor.organisations_where(Permission.WRITE_RECORDS))
    of_instruments = FileImport.kind == ImportKind.INSTRUMENT
    return counted().where(or_(of_instruments & labs, ~of_instruments & desks))


def view(row: Any) -> ImportedFile:
    one: FileImport = row[0]
    own = {name: getattr(one, name) for name in ("id", "kind", "organisation_id", "name", "at", "undone_at")}
    numbers = ("created", "updated", *(outcome.value for outcome in UndoOutcome))
    return ImportedFile(**own, **{name: getattr(row, name) for name in numbers})


async def names(session: AsyncSession, kind: ImportKind, rows: Collection[ImportedRecord]) -> dict[UUID, str]:
    """What records are called: experts as their profile says now, for their names are kept nowhere else."""
    if kind is not ImportKind.EXPERT:
        return {row.record_id: row.name for row in rows}
    called = select(Expert.id, Expert.name).where(Expert.id.in_([row.record_id for row in rows]))
    return {row.id: row.name for row in await session.execute(called)}


def _row_view(kind: ImportKind, row: ImportedRecord, called: dict[UUID, str]) -> ImportedRow:
    changed, kept = row.before.keys(), row.kept_fields or []
    if kind in _LISTINGS:
        fields, kept = (bodies.named(names, BODIES[ListingKind(kind)]) for names in (changed, kept))
    else:
        fields, kept = sorted(changed), sorted(kept)
    own = {name: getattr(row, name) for name in ImportedRow.model_fields if hasattr(row, name)}
    instrument_id = row.record_id if kind is ImportKind.INSTRUMENT else None
    own |= {"name": called.get(row.record_id, ""), "instrument_id": instrument_id}
    return ImportedRow(**(own | {"fields": fields, "kept_fields": kept}))


async def listed(
    session: AsyncSession, actor: Actor, kind: ImportKind | None, paging: Paging
) -> tuple[list[Any], str | None]:
    """What was imported, of one kind or of all, latest first."""
    by = tuple(zip((FileImport.at, FileImport.id), BY_TIME_AND_ID, strict=True))
    statement = chosen(actor).add_columns(FileImport.at, FileImport.id)
    if kind is not None:
        statement = statement.where(FileImport.kind == kind)
    return await page(session, statement, by, paging)


async def read(session: AsyncSession, actor: Actor, import_id: UUID) -> Any:
    found = (await session.execute(chosen(actor).where(FileImport.id == import_id))).one_or_none()
    if found is None:
        raise NotFound
    return found


async def rows(
    session: AsyncSession, actor: Actor, import_id: UUID, paging: Paging
) -> tuple[list[ImportedRow], str | None]:
    """What became of each record, in the order of the file."""
    kind = (await read(session, actor, import_id))[0].kind
    columns: tuple[Any, ...] = (ImportedRecord, ImportedRecord.number)
    statement = select(*columns).where(ImportedRecord.import_id == import_id)
    found, marker = await page(session, statement, ((ImportedRecord.number, int),), paging, rising=True)
    called = await names(session, kind, [row[0] for row in found])
    return [_row_view(kind, row[0], called) for row in found], marker


async def undo(session: AsyncSession, actor: Actor, import_id: UUID) -> Any:
    """Undo it for whoever may import such records; undone already, the same report is told again."""
    await read(session, actor, import_id)
    await undone(session, import_id, by=actor.person)
    return await read(session, actor, import_id)


async def undone(session: AsyncSession, import_id: UUID, *, by: UUID | None) -> None:
    """Undo an import, whoever was found to be allowed to, if it is not undone yet."""
    one = await session.get_one(FileImport, import_id, with_for_update=True, populate_existing=True)
    if one.undone_at is not None:
        return
    kind, organisation_id = one.kind, one.organisation_id
    if not await writing.alone(session, kind, organisation_id):
        raise AnotherImport
    one.undone_at, one.undone_by = clock.now(), by
    await session.flush()
    touched: list[UUID] = []
    since = alone = 0
    while chunk := await _next(session, import_id, since):
        since = chunk[-1].number
        if kind is ImportKind.INSTRUMENT:
            alone += await undoing_instruments.shut(session, chunk, alone)
            touched += await undoing_instruments.undo(session, chunk)
        elif kind is ImportKind.EXPERT:
            touched += await undoing_experts.undo(session, chunk)
        else:
            touched += await undoing_listings.undo(session, ListingKind(kind), chunk, by=by)
        session.expunge_all()
    for start in range(0, len(touched), FACT_IDS):
        changed = _fact(kind, touched[start : start + FACT_IDS])
        await facts.record(session, changed, subject=organisation_id, by=by)


def _fact(kind: ImportKind, ids: list[UUID]) -> Fact:
    if kind is ImportKind.INSTRUMENT:
        return InstrumentsImported(ids)
    return ExpertsImported(ids) if kind is ImportKind.EXPERT else ListingsImported(kind.value, ids)


async def _next(session: AsyncSession, import_id: UUID, since: int) -> Sequence[ImportedRecord]:
    found = await session.scalars(
        select(ImportedRecord)
        .where(ImportedRecord.import_id == import_id, ImportedRecord.number > since)
        .order_by(ImportedRecord.number)
        .limit(AT_ONCE)
    )
    return found.all()
