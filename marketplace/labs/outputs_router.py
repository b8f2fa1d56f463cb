"""`/api/v1/instruments/{id}/outputs` and `/api/v1/outputs`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from marketplace.kernel.actor import Anyone, SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, problems
from marketplace.labs import outputs
from schemas.base import Page
from schemas.outputs import OutputFilter, OutputNew, OutputView

router = APIRouter(prefix="/api/v1", tags=["labs"], route_class=TransactionRoute)


@router.get("/instruments/{instrument_id}/outputs", responses=problems(NotFound))
async def list_outputs(
    instrument_id: UUID, wish: Annotated[OutputFilter, Query()], session: Reading, actor: Anyone, paging: Paged,
    response: Response,
) -> Page[OutputView]:  # fmt: skip
    """成果产出 · Papers, patents, standards and projects that its use led to, latest written down first."""
    rows, marker = await outputs.listed(session, actor, instrument_id, wish, paging)
    paging.link(response, marker)
    return Page[OutputView].model_construct(items=[outputs.view(row) for row in rows], next_cursor=marker)


@router.post(
    "/instruments/{instrument_id}/outputs",
    status_code=201,
    responses=problems(NotSignedIn, NotFound, outputs.UseNeeded, outputs.CountedAlready),
)
async def add(instrument_id: UUID, wish: OutputNew, session: Writing, actor: SignedIn) -> OutputView:
    """登记成果产出 · Write down what use led to (whom it served, and keepers)."""
    return outputs.view(await outputs.add(session, actor, instrument_id, wish))


@router.delete(
    "/outputs/{output_id}", status_code=204, responses=problems(NotSignedIn, NotFound, outputs.NotYourOutput)
)
async def remove(output_id: UUID, session: Writing, actor: SignedIn) -> None:
    """移除成果产出 · Take it out: it counts no more (whoever wrote it down, and keepers)."""
    await outputs.remove(session, actor, output_id)
