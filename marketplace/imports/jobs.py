"""Imports that were asked for through the API, done later."""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.imports import imports, uploads
from marketplace.imports.imports import Import
from marketplace.imports.models import Upload
from marketplace.kernel import clock, operations
from marketplace.kernel.jobs import Place
from marketplace.kernel.operations import ENDED, Operation
from marketplace.kernel.refusals import Refusal, Unavailable
from marketplace.settings import Review
from schemas.imports import ImportKind, ImportResult
from schemas.operations import OperationState


class _Stopped(Exception):  # noqa: N818 -- somebody asked for it
    """The operation was cancelled, or somebody else has ended it."""


async def run(place: Place, args: dict[str, Any]) -> None:
    """Do one import. Done twice it has one effect: its end stands in the transaction of its records."""
    operation_id = UUID(args["operation_id"])
    async with place.database.writing.begin() as session:
        upload = await uploads.begin(session, operation_id)
    if upload is None:
        return
    try:
        with tempfile.TemporaryDirectory(prefix="duijie-upload-") as folder:
            path = Path(folder) / "file"
            async with place.database.reading() as session:
                await uploads.carry_out(session, operation_id, path)
            result = await _run(place, operation_id, _asked(place, upload), path)
    except _Stopped:
        await _end(place, operation_id, OperationState.CANCELLED)
    except Unavailable:
        raise
    except Refusal as refusal:
        await _end(place, operation_id, OperationState.FAILED, error=refusal.detail or refusal.title())
    else:
        await _end(place, operation_id, *_outcome(result), result=result)


def _asked(place: Place, upload: Upload) -> Import:
    wish = upload.wish
    return Import(
        kind=ImportKind(wish["kind"]),
        organisation_id=upload.organisation_id,
        name=upload.name,
        id=upload.operation_id,
        by=upload.person_id,
        source=wish["source"],
        dry_run=wish["dry_run"],
        partial=wish["partial"],
        publish=wish["publish"],
        reviewed_first=place.settings.review is Review.PLATFORM,
        fresh_for=timedelta(days=place.settings.freshness_days),
    )


async def _run(place: Place, operation_id: UUID, asked: Import, path: Path) -> ImportResult:
    async def progress(checked: int, written: int, of: int) -> None:
        async with place.database.writing.begin() as session:
            if not await operations.progress(session, operation_id, (checked + written) // 2, of):
                raise _Stopped

    async def finish(session: AsyncSession, result: ImportResult) -> None:
        held = await session.scalar(select(Operation).where(Operation.id == operation_id).with_for_update())
        if held is None or held.state in ENDED or held.cancel_asked_at is not None:
            raise _Stopped
        await _record(session, operation_id, *_outcome(result), result=result)

    return await imports.run(place.database, asked, path, on_progress=progress, finish=finish)


def _outcome(result: ImportResult) -> tuple[OperationState, str | None]:
    """A dry run that finds errors has done what it was for; an import that could not write has failed."""
    wrong = len(result.errors) + result.errors_left_off
    if not wrong or result.dry_run or result.created + result.updated + result.unchanged:
        return OperationState.DONE, None
    return (
        OperationState.FAILED,
        f"有 {wrong} 处需要修改，没有导入任何内容。 · {wrong} places need changing; nothing was imported.",
    )


async def _end(
    place: Place,
    operation_id: UUID,
    state: OperationState,
    error: str | None = None,
    *,
    result: ImportResult | None = None,
) -> None:
    async with place.database.writing.begin() as session:
        await _record(session, operation_id, state, error, result=result)


async def _record(
    session: AsyncSession,
    operation_id: UUID,
    state: OperationState,
    error: str | None = None,
    *,
    result: ImportResult | None = None,
) -> None:
    """How it ended; an operation that has ended stays as it is. The file is needed only where a dry run may be confirmed."""
    if result is not None and state is OperationState.DONE:
        await operations.progress(session, operation_id, result.rows, result.rows)
    kept = result.model_dump(mode="json") if result is not None else None
    await operations.end(session, operation_id, state, result=kept, error=error)
    if result is None or not result.dry_run or not result.rows:
        await uploads.discard(session, operation_id)


async def sweep(place: Place, args: dict[str, Any]) -> None:
    """Give up the imports that nobody works on any more."""
    async with place.database.writing.begin() as session:
        await uploads.give_up(session, clock.now())
