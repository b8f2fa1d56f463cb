"""`/api/v1/rematches`, and what the newest proposes for a record."""

from typing import Annotated
from uuid import UUID

import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response

from marketplace.kernel import operations
from marketplace.kernel.actor import Anyone, SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, problems
from marketplace.kernel.sheets import XLSX
from marketplace.listings.models import Achievement, Listing, Problem
from marketplace.pairings import rematch_sheets, rematches
from schemas.base import Page
from schemas.rematches import ProposalFilter, ProposalView, RematchNew, RematchView, SharedFilter, SharedPage

router = APIRouter(prefix="/api/v1", tags=["matching"], route_class=TransactionRoute)

_ONE = "/rematches/{rematch_id}"
_LOOKING = (NotSignedIn, rematches.NotTheirRematch)
_KEPT = (*_LOOKING, NotFound, rematches.NoLongerKept)


@router.post("/rematches", status_code=202, responses=problems(*_LOOKING, rematches.RematchUnderWay))
async def start(wish: RematchNew, session: Writing, actor: SignedIn, response: Response) -> RematchView:
    """全量匹配 · Match all problems with all achievements in the background, and share the proposals out within what teams can take.

    进度与取消见 `operation_id`。 · Follow or cancel it as the operation `operation_id`.
    """
    run = await rematches.request(session, actor, wish)
    response.headers["Location"] = f"/api/v1/rematches/{run.id}"
    return (await rematches.views(session, [run]))[0]


@router.get("/rematches", responses=problems(*_LOOKING))
async def list_rematches(session: Reading, actor: SignedIn, paging: Paged, response: Response) -> Page[RematchView]:
    """全量匹配的各次运行 · Runs of the rematch, latest first."""
    items, marker = await rematches.listed(session, actor, paging)
    paging.link(response, marker)
    return Page[RematchView].model_construct(items=items, next_cursor=marker)


@router.get(_ONE, responses=problems(*_LOOKING, NotFound))
async def read_rematch(rematch_id: UUID, session: Reading, actor: SignedIn) -> RematchView:
    """一次运行 · How far it is; then what came of it."""
    return (await rematches.views(session, [await rematches.read(session, actor, rematch_id)]))[0]


@router.post(f"{_ONE}/cancellation", responses=problems(*_LOOKING, NotFound, operations.AlreadyEnded))
async def cancel_rematch(rematch_id: UUID, session: Writing, actor: SignedIn) -> RematchView:
    """取消 · Ask it to stop, whoever started it; one that has ended stays as it is."""
    return (await rematches.views(session, [await rematches.cancel(session, actor, rematch_id)]))[0]


@router.get(f"{_ONE}/proposals", responses=problems(*_KEPT))
async def list_proposals(
    rematch_id: UUID,
    wish: Annotated[ProposalFilter, Query()],
    session: Reading,
    actor: SignedIn,
    paging: Paged,
    response: Response,
) -> Page[ProposalView]:
    """一次运行的推荐 · What it proposes and passes over, problem by problem, each with its reason; records withdrawn since are left out."""
    items, marker = await rematches.proposals(session, actor, rematch_id, wish, paging)
    paging.link(response, marker)
    return Page[ProposalView].model_construct(items=items, next_cursor=marker)


@router.get(f"{_ONE}/proposals.xlsx", response_class=Response, responses=problems(*_KEPT, rematches.TooManyProposals))
async def proposals_workbook(
    rematch_id: UUID, wish: Annotated[ProposalFilter, Query()], session: Reading, actor: SignedIn
) -> Response:
    """导出为 Excel · The same as a workbook, 50,000 rows at most."""
    found = await rematches.exported(session, actor, rematch_id, wish)
    title = f"{told('全量匹配的推荐 · Proposals of the full rematch')} {rematch_id}"
    made = await anyio.to_thread.run_sync(rematch_sheets.workbook, found, title)
    return _file(made, XLSX, "proposals.xlsx")


@router.get(f"{_ONE}/proposals.csv", response_class=Response, responses=problems(*_KEPT, rematches.TooManyProposals))
async def proposals_table(
    rematch_id: UUID, wish: Annotated[ProposalFilter, Query()], session: Reading, actor: SignedIn
) -> Response:
    """导出为 CSV · The same as CSV, 50,000 rows at most."""
    found = await rematches.exported(session, actor, rematch_id, wish)
    made = await anyio.to_thread.run_sync(rematch_sheets.table, found)
    return _file(made, "text/csv; charset=utf-8", "proposals.csv")


def _file(made: bytes, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(made, media_type=media_type, headers=headers)


def _shared_routes(cls: type[Listing], path: str, of: str) -> None:
    async def shared(
        listing_id: UUID,
        wish: Annotated[SharedFilter, Query()],
        session: Reading,
        actor: Anyone,
        paging: Paged,
        request: Request,
        response: Response,
    ) -> SharedPage:
        found = await rematches.shared(session, request.app.state.engine, actor, cls, listing_id, wish, paging)
        paging.link(response, found.next_cursor)
        return found

    router.add_api_route(
        f"/{path}/{{listing_id}}/proposals",
        shared,
        name=f"proposals_of_{of}",
        description=f"按接洽能力分配的推荐 · What the newest rematch proposes for this {of} within what teams can take, granted"
        " first, each with its reason, and why the two fit. The plain ranking is at `pairings`.",
        responses=problems(NotFound),
    )


_shared_routes(Problem, "problems", "problem")
_shared_routes(Achievement, "achievements", "achievement")
