"""Long work: begun by a request, done by a job, followed as an operation."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock, jobs, operations
from marketplace.kernel.actor import Actor
from marketplace.kernel.operations import ENDED, Operation
from schemas.operations import OperationState


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


async def still_wanted(session: AsyncSession, operation_id: UUID) -> None:
    """In the transaction of the result: nobody has ended the work or asked to, and nobody does before this stands."""
    operation = await session.get(Operation, operation_id, with_for_update=True, populate_existing=True)
    if operation is None or operation.state in ENDED or operation.cancel_asked_at is not None:
        raise Stopped
