"""Long work: begun by a request, done by a job, followed as an operation."""

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock, jobs, operations
from marketplace.kernel.actor import Actor
from marketplace.kernel.operations import ENDED, Operation
from schemas.operations import OperationState

BEAT: Final = 1.0
"""Seconds. So often at least somebody who follows a process is told whether it said something."""

_GIVEN_UP: Final = (
    "这项工作多次尝试都没有完成。请稍后重新开始；若仍失败，请联系平台管理员。"
    " · This work was tried several times and not done. Start it again later; if that fails too, tell the platform's administrators."
)

log = structlog.get_logger("work")


class Stopped(Exception):  # noqa: N818 -- somebody asked for it
    """The operation was cancelled, or somebody else has ended it."""


async def start(session: AsyncSession, actor: Actor, kind: str, job: str, **args: UUID) -> Operation:
    """Write down work to be done once this transaction stands."""
    now = clock.now()
    operation = Operation(
        kind=kind, person_id=actor.person, state=OperationState.WAITING, done=0, created_at=now, updated_at=now
    )
    session.add(operation)
    await session.flush()
    told = {name: str(value) for name, value in args.items()}
    await jobs.after_commit(session, job, told | {"operation_id": str(operation.id)})
    return operation


async def begin(session: AsyncSession, operation_id: UUID) -> bool:
    """Whether the work is still to be done. A job that is delivered twice finds it running, and does it again."""
    operation = await session.get(Operation, operation_id, with_for_update=True, populate_existing=True)
    if operation is None or operation.state in ENDED:
        return False
    if operation.cancel_asked_at is not None:
        await operations.end(session, operation_id, OperationState.CANCELLED)
        return False
    operation.state = OperationState.RUNNING
    operation.version += 1
    await session.flush()
    return True


async def given_up(place: jobs.Place, args: Mapping[str, Any]) -> None:
    """A job was parked. If it did somebody's work, that has failed: whoever follows it waits no longer."""
    if "operation_id" in args:
        async with place.database.writing.begin() as session:
            await operations.end(session, UUID(args["operation_id"]), OperationState.FAILED, error=_GIVEN_UP)


async def still_wanted(session: AsyncSession, operation_id: UUID) -> None:
    """In the transaction of the result: nobody has ended the work or asked to, and nobody does before this stands."""
    operation = await session.get(Operation, operation_id, with_for_update=True, populate_existing=True)
    if operation is None or operation.state in ENDED or operation.cancel_asked_at is not None:
        raise Stopped


@contextlib.asynccontextmanager
async def process(
    module: str, task: Mapping[str, Any], *, longest: int = 2**16
) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """`python -m module`, told its task on standard input: what it says, line by line, an empty dict for each `BEAT` of silence.

    It lives no longer than this lasts. `longest`: bytes of a line; what it says ends when it does.
    """
    running = await asyncio.create_subprocess_exec(sys.executable, "-m", module, stdin=PIPE, stdout=PIPE, limit=longest)
    try:
        assert running.stdin is not None
        running.stdin.write(json.dumps(task).encode() + b"\n")
        with contextlib.suppress(ConnectionError):
            await running.stdin.drain()
        yield _said(running, module)
    finally:
        with contextlib.suppress(ProcessLookupError):
            running.kill()
        await running.wait()


async def _said(running: Process, module: str) -> AsyncIterator[dict[str, Any]]:
    assert running.stdout is not None
    while True:
        line: bytes | None = None
        with contextlib.suppress(TimeoutError):
            line = await asyncio.wait_for(running.stdout.readline(), BEAT)
        if line == b"":
            log.warning("process_ended", module=module, code=running.returncode)
            return
        yield json.loads(line) if line else {}
