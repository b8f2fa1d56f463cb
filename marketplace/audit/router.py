"""`/api/v1/facts`: what was done, for the platform's administrators and auditors."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from marketplace.audit import sheet, trail
from marketplace.kernel import clock
from marketplace.kernel.actor import SignedIn
from marketplace.kernel.db import Reading, TransactionRoute
from marketplace.kernel.files import attached, binary
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotSignedIn, problems
from marketplace.kernel.sheets import XLSX
from schemas.audit import FactFilter, FactView
from schemas.base import Page

router = APIRouter(prefix="/api/v1", tags=["audit"], route_class=TransactionRoute)

CSV = "text/csv; charset=utf-8"
WHOLE = problems(NotSignedIn, trail.NotForYou, trail.TooManyToExport)


@router.get("/facts", responses=problems(NotSignedIn, trail.NotForYou))
async def list_facts(
    wish: Annotated[FactFilter, Query()], session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[FactView]:
    """操作记录 · What was done: who, what, when and on which record, latest first."""
    items, marker = await trail.listed(session, actor, wish, paging)
    paging.link(response, marker)
    return Page[FactView](items=items, next_cursor=marker)


@router.get("/facts.xlsx", response_class=Response, responses=WHOLE | binary(XLSX))
async def workbook(wish: Annotated[FactFilter, Query()], session: Reading, actor: SignedIn) -> Response:
    """操作记录（Excel） · The same as an Excel file, the oldest first."""
    rows = await trail.exported(session, actor, wish)
    return attached(sheet.workbook(rows, clock.now()), "操作记录.xlsx", XLSX)


@router.get("/facts.csv", response_class=Response, responses=WHOLE | binary("text/csv"))
async def commas(wish: Annotated[FactFilter, Query()], session: Reading, actor: SignedIn) -> Response:
    """操作记录（CSV） · The same as CSV."""
    return attached(sheet.commas(await trail.exported(session, actor, wish)), "操作记录.csv", CSV)
