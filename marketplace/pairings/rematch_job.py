"""The job that does a run of the rematch: in a process of its own, followed, and ended when it is wanted no more."""

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE, Process
from typing import Any, Final
from uuid import UUID

import structlog

from marketplace.kernel import operations, work
from marketplace.kernel.jobs import Place
from schemas.operations import OperationState

JOB: Final = "pairings.rematch"
BEAT: Final = 1.0
_NO_ANSWER: Final = (
    "匹配程序没有给出结果；已算好的部分保留着，请重新开始。"
    " · The rematching process gave no answer; what it computed is kept, start it again."
)

log = structlog.get_logger("rematch")


async def run(place: Place, args: dict[str, Any]) -> None:
    """Do one run. Done twice it has one effect: its end stands in the transaction of its pairs."""
    operation_id, rematch_id = UUID(args["operation_id"]), UUID(args["rematch_id"])
    async with place.database.writing.begin() as session:
        if not await work.begin(session, operation_id):
            return
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "marketplace.pairings.rematcher", stdin=PIPE, stdout=PIPE
    )
    try:
        assert process.stdin is not None
        task = {"url": place.database.url, "home": str(place.settings.home.resolve()), "rematch_id": str(rematch_id)}
        process.stdin.write(json.dumps(task).encode() + b"\n")
        with contextlib.suppress(ConnectionError):
            await process.stdin.drain()
        state, error = await _heard(place, operation_id, process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if state is not OperationState.DONE:
        async with place.database.writing.begin() as session:
            await operations.end(session, operation_id, state, error=error)


async def _heard(place: Place, operation_id: UUID, process: Process) -> tuple[OperationState, str | None]:
    """What becomes of it, while the operation tells how far it is and is asked to stop."""
    done, of = 0, 1
    assert process.stdout is not None
    while True:
        line: bytes | None = None
        with contextlib.suppress(TimeoutError):
            line = await asyncio.wait_for(process.stdout.readline(), BEAT)
        if line == b"":
            log.warning("rematcher_ended", code=process.returncode)
            return OperationState.FAILED, _NO_ANSWER
        said: dict[str, Any] = json.loads(line) if line else {}
        match said.get("ended"):
            case "done":
                return OperationState.DONE, None
            case "stopped":
                return OperationState.CANCELLED, None
            case "refused":
                return OperationState.FAILED, said["why"]
        done, of = said.get("done", done), said.get("of", of)
        async with place.database.writing.begin() as session:
            if not await operations.progress(session, operation_id, done, of):
                return OperationState.CANCELLED, None
