"""Bringing in a file: checked whole, then written whole, or not at all."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Final
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from marketplace.identity.models import Organisation
from marketplace.imports import expert_writing, instrument_writing, reading, remembering, writing
from marketplace.imports.expert_writing import NeverPublished
from marketplace.imports.reading import Report
from marketplace.imports.writing import Wish, Written
from marketplace.kernel.db import Database
from marketplace.kernel.refusals import Conflict, NotFound
from marketplace.listings.publication import NotVerified
from schemas.identity import Verification
from schemas.imports import MOST_FINDINGS, ImportKind, ImportResult
from schemas.listings import ListingState

log = structlog.get_logger("imports")

DEFAULT_SOURCE: Final = "import"
TURN_SECONDS: Final = 600
_LOOK_SECONDS: Final = 0.5


class AnotherImport(Conflict):
    """本单位的另一项导入还在进行，请稍后再试。 · Another import of this organisation is still running; try again later."""


@dataclass(frozen=True, slots=True)
class Import:
    """What is asked for.

    It can be undone by its `id`: see `undoing`. `source` tells this file's external ids from those of others; without it a row may name its own, or it is "import".
    `partial` takes the rows without errors when others have some. `publish` publishes new records and drafts, or
    with `reviewed_first` hands them to the platform's review. `dry_run` changes nothing and says what would happen.
    """

    kind: ImportKind
    organisation_id: UUID
    name: str
    id: UUID = field(default_factory=uuid7)
    by: UUID | None = None
    source: str | None = None
    dry_run: bool = False
    partial: bool = False
    publish: bool = False
    reviewed_first: bool = False
    fresh_for: timedelta = timedelta(days=180)

    def as_wish(self) -> Wish:
        state = None
        if self.publish:
            state = ListingState.IN_REVIEW if self.reviewed_first else ListingState.PUBLISHED
        return Wish(self.kind, self.organisation_id, self.by, state, self.fresh_for, self.id, self.name)


# How far it is: rows checked, rows written, and about how many rows there are.
Progress = Callable[[int, int, int], Awaitable[None]]
# Called in the transaction of the records themselves, so that what it writes stands or falls with them.
Finish = Callable[[AsyncSession, ImportResult], Awaitable[None]]


async def run(
    database: Database,
    asked: Import,
    path: Path,
    *,
    on_progress: Progress | None = None,
    finish: Finish | None = None,
) -> ImportResult:
    """Import the file. Without `partial`, one error anywhere leaves everything as it was, and the result lists them.

    Importing the same file again changes nothing. `on_progress` may raise to stop; nothing is written then.
    """
    with tempfile.TemporaryDirectory(prefix="duijie-import-") as folder:
        spool = Path(folder) / "spool"

        async def checked(rows: int, expected: int) -> None:
            if on_progress is not None:
                await on_progress(rows, 0, expected)

        await _require(database, asked)
        report = await reading.check(
            path,
            spool,
            name=asked.name,
            kind=asked.kind,
            source=asked.source,
            publish=asked.publish,
            on_progress=checked,
        )
        # A dry run tells of the good rows what would become of them, whatever the others are.
        nothing = report.refused or not report.records or (report.failed > 0 and not (asked.partial or asked.dry_run))
        if nothing:
            return _result(asked, report, Written())
        if asked.dry_run:
            return _result(asked, report, await _compared(database, asked, report, spool))
        return await _written(database, asked, report, spool, on_progress, finish)


async def _require(database: Database, asked: Import) -> None:
    async with database.reading() as session:
        await _fit(session, asked)


async def _fit(session: AsyncSession, asked: Import, *, lock: bool = False) -> None:
    """The organisation is there, and verified if it is to publish."""
    statement = select(Organisation.verification).where(Organisation.id == asked.organisation_id)
    verification = await session.scalar(statement.with_for_update(read=True) if lock else statement)
    if verification is None:
        raise NotFound("没有这个单位。 · There is no such organisation.")
    if asked.publish and asked.kind is ImportKind.EXPERT:
        raise NeverPublished
    if asked.publish and verification is not Verification.VERIFIED:
        raise NotVerified


async def _compared(database: Database, asked: Import, report: Report, spool: Path) -> Written:
    async with database.reading() as session:
        found: Written = await _WRITERS[asked.kind].compare(
            session, asked.as_wish(), _chunks(spool, report), report.sizes
        )
        return found


# Listings go to the database hundreds a statement, which afterwards has to be told.
_WRITERS: Final[dict[ImportKind, ModuleType]] = {
    ImportKind.ACHIEVEMENT: writing,
    ImportKind.PROBLEM: writing,
    ImportKind.INSTRUMENT: instrument_writing,
    ImportKind.EXPERT: expert_writing,
}


async def _chunks(spool: Path, report: Report) -> AsyncIterator[str]:
    """The lines of the spool, read beside the event loop."""
    with spool.open(encoding="utf-8") as file:
        for _ in report.sizes:
            yield await asyncio.to_thread(file.readline)


async def _written(
    database: Database,
    asked: Import,
    report: Report,
    spool: Path,
    on_progress: Progress | None,
    finish: Finish | None,
) -> ImportResult:
    wish = asked.as_wish()

    async def wrote(rows: int) -> None:
        if on_progress is not None:
            await on_progress(report.rows, rows, report.records)

    waited = 0.0
    while True:
        async with database.writing.begin() as session:
            if await writing.alone(session, wish.kind, wish.organisation_id):
                await _fit(session, asked, lock=True)
                await remembering.begin(session, wish)
                written = await _WRITERS[asked.kind].write(session, wish, _chunks(spool, report), report.sizes, wrote)
                result = _result(asked, report, written)
                if result.failed and not asked.partial:
                    await session.rollback()
                    failed = Written(failed=written.failed, errors=written.errors, notices=written.notices)
                    return _result(asked, report, failed)
                if finish is not None:
                    await finish(session, result)
                break
        if waited >= TURN_SECONDS:
            raise AnotherImport
        waited += _LOOK_SECONDS
        await asyncio.sleep(_LOOK_SECONDS)
    if _WRITERS[asked.kind] is writing:
        await _settle(database)
    return result


async def _settle(database: Database) -> None:
    """Afterwards, and not part of the promise: without it the index is brought up to date by the server in its own time."""
    try:
        async with database.writing.begin() as session:
            await writing.settle(session, afterwards=True)
    except (SQLAlchemyError, asyncpg.PostgresError, OSError, TimeoutError) as error:
        log.warning("import_not_settled", because=repr(error))


def _result(asked: Import, report: Report, written: Written) -> ImportResult:
    errors = [*report.errors, *written.errors]
    done = written.created + written.updated + written.unchanged > 0
    return ImportResult(
        kind=asked.kind,
        source=asked.source or DEFAULT_SOURCE,
        dry_run=asked.dry_run,
        partial=asked.partial,
        rows=report.rows,
        created=written.created,
        updated=written.updated,
        unchanged=written.unchanged + (report.repeated if done else 0),
        failed=report.failed + written.failed,
        errors=errors[:MOST_FINDINGS],
        errors_left_off=report.left_off + max(0, len(errors) - MOST_FINDINGS),
        notices=[*report.notices, *written.notices],
    )
