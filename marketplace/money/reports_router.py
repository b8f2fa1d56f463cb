"""`/api/v1/reports`: the year of open sharing."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from marketplace.kernel.actor import SignedIn
from marketplace.kernel.db import Reading, TransactionRoute
from marketplace.kernel.files import attached, binary
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, problems
from marketplace.kernel.sheets import XLSX
from marketplace.labs import shapes
from marketplace.money import sharing, sheets
from schemas.base import Page
from schemas.bookings import UsageView
from schemas.reports import OfYear, RowsFilter, ServedView, SharingFilter, SharingRow

router = APIRouter(prefix="/api/v1/reports", tags=["money"], route_class=TransactionRoute)


@router.get("/open-sharing", responses=problems(NotSignedIn))
async def open_sharing(
    wish: Annotated[SharingFilter, Query()], session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[SharingRow]:
    """开放共享考核表 · Hours, share rate, whom it served and income of a year, with a list behind every figure."""
    items, marker = await sharing.report(session, actor, wish, paging)
    paging.link(response, marker)
    return Page[SharingRow].model_construct(items=items, next_cursor=marker)


@router.get(
    "/open-sharing.xlsx",
    response_class=Response,
    responses=problems(NotSignedIn, sharing.TooManyForAFile) | binary(XLSX),
)
async def workbook(wish: Annotated[SharingFilter, Query()], session: Reading, actor: SignedIn) -> Response:
    """开放共享年报（Excel） · The same in the shape of the yearly return."""
    rows = await sharing.whole(session, actor, wish)
    return attached(sheets.sharing(wish.year, rows), f"开放共享 {wish.year}.xlsx", XLSX)


@router.get("/open-sharing/{instrument_id}/usages", responses=problems(NotSignedIn, NotFound))
async def usages(
    instrument_id: UUID, wish: Annotated[RowsFilter, Query()], session: Reading, actor: SignedIn, paging: Paged,
    response: Response,
) -> Page[UsageView]:  # fmt: skip
    """机时明细 · The uses behind the hours of a year, latest first."""
    rows, marker = await sharing.used(session, actor, instrument_id, wish, paging)
    paging.link(response, marker)
    return Page[UsageView].model_construct(items=[shapes.usage(row) for row in rows], next_cursor=marker)


@router.get("/open-sharing/{instrument_id}/organisations", responses=problems(NotSignedIn, NotFound))
async def organisations(
    instrument_id: UUID, wish: Annotated[OfYear, Query()], session: Reading, actor: SignedIn, paging: Paged,
    response: Response,
) -> Page[ServedView]:  # fmt: skip
    """服务单位 · The external organisations that it served in a year."""
    items, marker = await sharing.served(session, actor, instrument_id, wish.year, paging)
    paging.link(response, marker)
    return Page[ServedView].model_construct(items=items, next_cursor=marker)
