"""The job that does a run of the rematch: in a process of its own, followed, and ended when it is wanted no more."""

from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import UUID

from marketplace.kernel import operations, work
from marketplace.kernel.jobs import Place
from schemas.operations import OperationState

JOB: Final = "pairings.rematch"
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
    task = {"url": place.database.url, "home": str(place.settings.home.resolve()), "rematch_id": str(rematch_id)}
    async with work.process("marketplace.pairings.rematcher", task) as said:
        state, error = await _heard(place, operation_id, said)
    if state is not OperationState.DONE:
        async with place.database.writing.begin() as session:
            await operations.end(session, operation_id, state, error=error)


async def _heard(
    place: Place, operation_id: UUID, told: AsyncIterator[dict[str, Any]]
) -> tuple[OperationState, str | None]:
    """What becomes of it, while the operation tells how far it is and is asked to stop."""
    done, of = 0, 1
    async for said in told:
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
    return OperationState.FAILED, _NO_ANSWER
