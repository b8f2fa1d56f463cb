"""`/api/v1/operations`: how far long work is."""

from uuid import UUID

from fastapi import APIRouter

from marketplace.kernel import operations
from marketplace.kernel.actor import SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.refusals import NotFound, NotSignedIn, problems
from schemas.operations import OperationView

router = APIRouter(prefix="/api/v1/operations", tags=["operations"], route_class=TransactionRoute)


@router.get("/{operation_id}", responses=problems(NotSignedIn, NotFound))
async def read(operation_id: UUID, session: Reading, actor: SignedIn) -> OperationView:
    """进度与结果 · Progress and result of long work of yours."""
    return OperationView.model_validate(await operations.read(session, actor, operation_id))


@router.post("/{operation_id}/cancellation", responses=problems(NotSignedIn, NotFound, operations.AlreadyEnded))
async def cancel(operation_id: UUID, session: Writing, actor: SignedIn) -> OperationView:
    """取消 · Ask it to stop. What it already did stays reported in its result."""
    return OperationView.model_validate(await operations.cancel(session, actor, operation_id))
