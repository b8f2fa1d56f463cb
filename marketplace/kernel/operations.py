"""Work that takes longer than a request: started with 202, followed at `/api/v1/operations/{id}`."""

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.base import Base, Key, Moment, Versioned
from marketplace.kernel.columns import words
from marketplace.kernel.refusals import Conflict, NotFound
from schemas.operations import OperationState

ENDED = (OperationState.DONE, OperationState.FAILED, OperationState.CANCELLED)


class AlreadyEnded(Conflict):
    """这项工作已经结束。 · This work has already ended."""


class Operation(Versioned, Base):
    __tablename__ = "operation"
    __table_args__ = (CheckConstraint("done >= 0 and (total is null or done <= total)", name="progress"),)

    id: Mapped[Key]
    kind: Mapped[str]
    person_id: Mapped[UUID | None] = mapped_column(index=True)
    state: Mapped[OperationState] = mapped_column(words(OperationState), default=OperationState.WAITING)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    error: Mapped[str | None]
    cancel_asked_at: Mapped[Moment | None]
    ended_at: Mapped[Moment | None]


async def read(session: AsyncSession, actor: Actor, operation_id: UUID) -> Operation:
    """An operation of the actor's own."""
    operation = await session.get(Operation, operation_id)
    if operation is None or operation.person_id is None or operation.person_id != actor.person_id:
        raise NotFound
    return operation


async def cancel(session: AsyncSession, actor: Actor, operation_id: UUID) -> Operation:
    """Ask the work to stop at its next step; what waits still is ended at once."""
    await read(session, actor, operation_id)
    return await stop(session, operation_id)


async def stop(session: AsyncSession, operation_id: UUID) -> Operation:
    """The same, for whoever was found to be allowed to."""
    operation = await session.get_one(Operation, operation_id, with_for_update=True, populate_existing=True)
    if operation.state in ENDED:
        raise AlreadyEnded
    now = clock.now()
    operation.cancel_asked_at = now
    if operation.state is OperationState.WAITING:
        operation.state, operation.ended_at = OperationState.CANCELLED, now
    operation.version += 1
    operation.updated_at = now
    await session.flush()
    return operation


async def progress(session: AsyncSession, operation_id: UUID, done: int, total: int) -> bool:
    """Write down how far the work is. Answers whether it should go on."""
    row = await session.execute(
        update(Operation)
        .where(Operation.id == operation_id, Operation.state == OperationState.RUNNING)
        .values(done=min(done, total), total=total, updated_at=clock.now(), version=Operation.version + 1)
        .returning(Operation.cancel_asked_at)
    )
    found = row.one_or_none()
    return found is not None and found[0] is None


async def end(
    session: AsyncSession,
    operation_id: UUID,
    state: OperationState,
    *,
    result: dict[str, Any] | None = None,
    error: str | None = None,
) -> None:
    now = clock.now()
    await session.execute(
        update(Operation)
        .where(Operation.id == operation_id, Operation.state.not_in(ENDED))
        .values(state=state, result=result, error=error, ended_at=now, updated_at=now, version=Operation.version + 1)
    )
