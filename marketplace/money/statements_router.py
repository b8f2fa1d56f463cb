"""`/api/v1/statements`: as JSON, Excel and PDF."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from marketplace.kernel.actor import SignedIn
from marketplace.kernel.db import Reading, TransactionRoute
from marketplace.kernel.files import attached, binary
from marketplace.kernel.paging import Paged
from marketplace.kernel.paper import MEDIA_TYPE
from marketplace.kernel.refusals import NotFound, NotSignedIn, problems
from marketplace.kernel.sheets import XLSX
from marketplace.money import paper, sheets, statements
from schemas.base import Page
from schemas.reports import Month, StatementCard, StatementEntry, StatementView

router = APIRouter(prefix="/api/v1/statements", tags=["money"], route_class=TransactionRoute)
OfMonth = Annotated[Month, Path()]
FILES = problems(NotSignedIn, NotFound, statements.TooLongForAFile)


@router.get("", responses=problems(NotSignedIn))
async def list_statements(session: Reading, actor: SignedIn, paging: Paged, response: Response) -> Page[StatementCard]:
    """对账单 · Each payer and month with something in it, latest first, as far as you may see."""
    items, marker = await statements.listed(session, actor, paging)
    paging.link(response, marker)
    return Page[StatementCard].model_construct(items=items, next_cursor=marker)


# Before the JSON one, whose address would take in their endings.
@router.get("/{organisation_id}/{month}.xlsx", response_class=Response, responses=FILES | binary(XLSX))
async def excel(organisation_id: UUID, month: OfMonth, session: Reading, actor: SignedIn) -> Response:
    """对账单（Excel） · A statement with every row, as a workbook."""
    told, entries = await statements.whole(session, actor, organisation_id, month)
    name = f"{told.organisation} {month}.xlsx"
    return attached(sheets.statement(told, entries), name, XLSX)


@router.get("/{organisation_id}/{month}.pdf", response_class=Response, responses=FILES | binary(MEDIA_TYPE))
async def pdf(organisation_id: UUID, month: OfMonth, session: Reading, actor: SignedIn) -> Response:
    """对账单（PDF） · A statement with every row, on paper."""
    told, entries = await statements.whole(session, actor, organisation_id, month)
    return attached(paper.statement(told, entries), f"{told.organisation} {month}.pdf", MEDIA_TYPE)


@router.get("/{organisation_id}/{month}", responses=problems(NotSignedIn, NotFound))
async def read(organisation_id: UUID, month: OfMonth, session: Reading, actor: SignedIn) -> StatementView:
    """一份对账单 · The sums of a month, in all and of each lab."""
    return await statements.read(session, actor, organisation_id, month)


@router.get("/{organisation_id}/{month}/entries", responses=problems(NotSignedIn, NotFound))
async def entries(
    organisation_id: UUID, month: OfMonth, session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[StatementEntry]:
    """对账单明细 · The rows behind the sums, latest first."""
    items, marker = await statements.entries(session, actor, organisation_id, month, paging)
    paging.link(response, marker)
    return Page[StatementEntry].model_construct(items=items, next_cursor=marker)
