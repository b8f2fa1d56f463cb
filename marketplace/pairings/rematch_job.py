"""The job that does a run of the rematch: in a process of its own, followed, and ended when it is wanted no more.

One that is killed is followed by another, which goes on behind the blocks that have landed, as long as each gets further
than the one before.
"""

from collections.abc import AsyncIterator
from typing import Any, Final, NamedTuple
from uuid import UUID

from marketplace.kernel import operations, work
from marketplace.kernel.jobs import Place
from schemas.operations import OperationState

JOB: Final = "pairings.rematch"
PROCESS: Final = "marketplace.pairings.rematcher"
IDLE: Final = 2
"""So many processes in a row may end without an answer and without having got further."""
_NO_ANSWER: Final = (
    "匹配程序没有给出结果；已算好的部分保留着，请重新开始。"
    " · The rematching process gave no answer; what it computed is kept, start it again."
)


async def run(place: Place, args: dict[str, Any]) -> None:
    """Do one run. Done twice it has one effect: its end stands in the transaction of its pairs."""
    operation_id, rematch_id = UUID(args["operation_id"]), UUID(args["rematch_id"])
    async with place.database.writing.begin() as session:
        if not await work.begin(session, operation_id):
            return
    task = {
        "url": place.database.url,
        "home": str(place.settings.home.resolve()),
        "rematch_id": str(rematch_id),
        "scheduler": place.settings.rematch_scheduler,
    }
    best = idle = 0
    while True:
        async with work.process(PROCESS, task) as said:
            ended = await _heard(place, operation_id, said)
        idle = 0 if ended.done > best else idle + 1
        best = max(best, ended.done)
        if ended.state is not None or idle == IDLE:
            break
    if ended.state is not OperationState.DONE:
        state, error = (ended.state, ended.error) if ended.state else (OperationState.FAILED, _NO_ANSWER)
        async with place.database.writing.begin() as session:
            await operations.end(session, operation_id, state, error=error)


class _Ended(NamedTuple):
    """What became of a process: no state when it gave no answer. ``done``: how far it was."""

    done: int
    state: OperationState | None = None
    error: str | None = None


async def _heard(place: Place, operation_id: UUID, told: AsyncIterator[dict[str, Any]]) -> _Ended:
    """What becomes of it, while the operation tells how far it is and is asked to stop."""
    done, of = 0, 1
    async for said in told:
        match said.get("ended"):
            case "done":
                return _Ended(done, OperationState.DONE)
            case "stopped":
                return _Ended(done, OperationState.CANCELLED)
            case "refused":
                return _Ended(done, OperationState.FAILED, said["why"])
        done, of = said.get("done", done), said.get("of", of)
        async with place.database.writing.begin() as session:
            if not await operations.progress(session, operation_id, done, of):
                return _Ended(done, OperationState.CANCELLED)
    return _Ended(done)
