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
from marketplace.money import sharing, sheets, utilisation
from schemas.base import Page
from schemas.bookings import UsageView
from schemas.reports import (
    CellFilter,
    MapFilter,
    OfYear,
    RowsFilter,
    ServedView,
    SharingFilter,
    SharingRow,
    UtilisationMap,
)

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


@router.get("/utilisation/{instrument_id}", responses=problems(NotSignedIn, NotFound))
async def utilisation_map(
    instrument_id: UUID, wish: Annotated[MapFilter, Query()], session: Reading, actor: SignedIn
) -> UtilisationMap:
    """使用热图 · Effective time by weekday and hour, or by day and hour, with a list behind every cell."""
    return await utilisation.of(session, actor, instrument_id, wish)


@router.get("/utilisation/{instrument_id}/usages", responses=problems(NotSignedIn, NotFound))
async def cell(
    instrument_id: UUID, wish: Annotated[CellFilter, Query()], session: Reading, actor: SignedIn, paging: Paged,
    response: Response,
) -> Page[UsageView]:  # fmt: skip
    """热图明细 · The uses that reach into one cell of the map, latest first."""
    rows, marker = await utilisation.used(session, actor, instrument_id, wish, paging)
    paging.link(response, marker)
    return Page[UsageView].model_construct(items=[shapes.usage(row) for row in rows], next_cursor=marker)
