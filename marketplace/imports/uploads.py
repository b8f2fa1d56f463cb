"""Files handed in for an import: taken in, kept until they are done with, carried out, given up."""

import hashlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation
from marketplace.imports.expert_writing import NeverPublished
from marketplace.imports.files import BEGINNING, file_type
from marketplace.imports.findings import FileRefused as FileNotRead
from marketplace.imports.models import Upload, UploadPart
from marketplace.kernel import jobs, operations
from marketplace.kernel.actor import Actor
from marketplace.kernel.operations import ENDED, Operation
from marketplace.kernel.refusals import Conflict
from marketplace.labs.instruments import NoLabOfYours
from marketplace.listings.attachments import FileRefused, checked_name
from marketplace.listings.publication import NotVerified
from marketplace.listings.records import NotYourOrganisation
from schemas.identity import Permission, Verification
from schemas.imports import ImportKind
from schemas.operations import OperationState

JOB: Final = "imports.run"
MOST_WAITING: Final = 5
KEPT_FOR: Final = timedelta(days=1)
STUCK_AFTER: Final = timedelta(hours=1)


class TooManyImports(Conflict):
    """本单位已有 5 项导入在等待，请等其中一项完成。 · Five imports of this organisation are waiting; let one of them end first."""


class NothingToConfirm(Conflict):
    """没有可以确认的文件：试运行的文件保留一天，只能确认一次，再试运行另一个文件后也不再保留。请重新上传。 · There is no file to confirm: that of a dry run is kept for a day, confirmed once, and gives way to the next one. Hand it in again."""


async def _allowed(
    session: AsyncSession, actor: Actor, kind: ImportKind, organisation_id: UUID, *, publish: bool
) -> None:
    if kind is ImportKind.INSTRUMENT:
        if organisation_id not in actor.organisations_where(Permission.MANAGE_LABS):
            raise NoLabOfYours
    elif organisation_id not in actor.organisations_where(Permission.WRITE_RECORDS):
        raise NotYourOrganisation
    if publish and kind is ImportKind.EXPERT:
        raise NeverPublished
    verification = await session.scalar(
        select(Organisation.verification).where(Organisation.id == organisation_id).with_for_update(read=True)
    )
    if publish and verification is not Verification.VERIFIED:
        raise NotVerified
    waiting = select(func.count()).select_from(Upload).join(Operation, Operation.id == Upload.operation_id)
    live = waiting.where(Upload.organisation_id == organisation_id, Operation.state.not_in(ENDED))
    if (await session.scalar(live) or 0) >= MOST_WAITING:
        raise TooManyImports


async def take(
    session: AsyncSession,
    actor: Actor,
    *,
    kind: ImportKind,
    organisation_id: UUID,
    name: str | None,
    parts: AsyncIterator[bytes],
    source: str | None,
    dry_run: bool,
    partial: bool,
    publish: bool,
) -> Operation:
    """Keep the file and start its import. What can be seen from outside to be wrong is refused at once."""
    await _allowed(session, actor, kind, organisation_id, publish=publish)
    plain = checked_name(name)
    # What the person tried before and did not confirm gives way.
    await session.execute(delete(Upload).where(Upload.person_id == actor.person, _ended(Operation.state.in_(ENDED))))
    operation = await _started(session, actor)
    wish: dict[str, Any] = {
        "kind": kind.value,
        "source": source,
        "dry_run": dry_run,
        "partial": partial,
        "publish": publish,
    }
    upload = Upload(
        operation_id=operation.id,
        organisation_id=organisation_id,
        person_id=actor.person,
        name=plain,
        size=0,
        sha256="",
        wish=wish,
    )
    session.add(upload)
    await session.flush()
    await _keep(session, upload, parts)
    await session.refresh(operation)
    await jobs.after_commit(session, JOB, {"operation_id": str(operation.id)})
    return operation


async def _started(session: AsyncSession, actor: Actor) -> Operation:
    operation = Operation(kind="import", person_id=actor.person)
    session.add(operation)
    await session.flush()
    return operation


def _ended(which: ColumnElement[bool]) -> ColumnElement[bool]:
    return Upload.operation_id.in_(select(Operation.id).where(which))


async def tried(session: AsyncSession, actor: Actor, operation_id: UUID) -> Upload | None:
    """The file of a dry run of the actor's that has ended, as long as it is kept."""
    found: Upload | None = await session.scalar(
        select(Upload).where(
            Upload.operation_id == operation_id,
            Upload.person_id == actor.person,
            _ended(Operation.state == OperationState.DONE),
        )
    )
    return found


async def confirm(
    session: AsyncSession, actor: Actor, operation_id: UUID, *, partial: bool, publish: bool
) -> Operation:
    """Import the file of a dry run: the very bytes that were looked at, as another operation."""
    await operations.read(session, actor, operation_id)
    # One confirmation after the other: the second finds nothing.
    await session.get(Operation, operation_id, with_for_update=True)
    before = await tried(session, actor, operation_id)
    if before is None:
        raise NothingToConfirm
    await _allowed(session, actor, ImportKind(before.wish["kind"]), before.organisation_id, publish=publish)
    operation = await _started(session, actor)
    upload = Upload(
        operation_id=operation.id, organisation_id=before.organisation_id, person_id=actor.person, name=before.name,
        size=before.size, sha256=before.sha256,
        wish=before.wish | {"dry_run": False, "partial": partial, "publish": publish},
    )  # fmt: skip
    session.add(upload)
    await session.flush()
    await session.execute(
        update(UploadPart).where(UploadPart.operation_id == operation_id).values(operation_id=operation.id)
    )
    await discard(session, operation_id)
    await session.refresh(operation)
    await jobs.after_commit(session, JOB, {"operation_id": str(operation.id)})
    return operation


async def _keep(session: AsyncSession, upload: Upload, parts: AsyncIterator[bytes]) -> None:
    digest = hashlib.sha256()
    number = 0
    async for content in parts:
        if number == 0:
            _look(upload.name, content[:BEGINNING])
        digest.update(content)
        part = UploadPart(operation_id=upload.operation_id, number=number, content=content)
        session.add(part)
        await session.flush()
        session.expunge(part)
        upload.size += len(content)
        number += 1
    if number == 0:
        _look(upload.name, b"")
    upload.sha256 = digest.hexdigest()
    await session.flush()


def _look(name: str, beginning: bytes) -> None:
    try:
        file_type(name, beginning)
    except FileNotRead as wrong:
        raise FileRefused(wrong.code, wrong.detail) from None


async def begin(session: AsyncSession, operation_id: UUID) -> Upload | None:
    """The file of an operation that is still to be done; None when there is nothing left to do."""
    operation = await session.get(Operation, operation_id, with_for_update=True, populate_existing=True)
    if operation is not None and operation.state not in ENDED and operation.cancel_asked_at is None:
        upload = await session.get(Upload, operation_id)
        if upload is not None:
            operation.state = OperationState.RUNNING
            operation.version += 1
            return upload
    if operation is not None:
        await operations.end(session, operation_id, OperationState.CANCELLED)
    if operation is None or operation.state is not OperationState.DONE:
        await discard(session, operation_id)
    return None


async def carry_out(session: AsyncSession, operation_id: UUID, to: Path) -> None:
    """Put the file where it can be read, a piece at a time."""
    numbers = await session.scalars(
        select(UploadPart.number).where(UploadPart.operation_id == operation_id).order_by(UploadPart.number)
    )
    with to.open("wb") as file:
        for number in numbers.all():
            content = await session.scalar(
                select(UploadPart.content).where(UploadPart.operation_id == operation_id, UploadPart.number == number)
            )
            file.write(content or b"")


async def discard(session: AsyncSession, operation_id: UUID) -> None:
    await session.execute(delete(Upload).where(Upload.operation_id == operation_id))


async def give_up(session: AsyncSession, now: datetime) -> int:
    """End the imports that no worker has moved for an hour: all tries of their job have failed. Answers how many.

    The files of dry runs that nobody confirmed within a day go, too.
    """
    await session.execute(delete(Upload).where(_ended(Operation.ended_at < now - KEPT_FOR)))
    stuck = await session.scalars(
        select(Operation.id).where(
            Operation.kind == "import",
            Operation.state == OperationState.RUNNING,
            Operation.updated_at < now - STUCK_AFTER,
        )
    )
    found = stuck.all()
    for operation_id in found:
        error = "导入中断，没有写入任何内容，请重试。 · The import broke off and wrote nothing; try again."
        await operations.end(session, operation_id, OperationState.FAILED, error=error)
        await discard(session, operation_id)
    return len(found)
