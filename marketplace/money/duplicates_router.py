"""`/api/v1/reports/duplicates`: what need not be bought twice."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from marketplace.kernel import clock
from marketplace.kernel.actor import SignedIn
from marketplace.kernel.db import Reading, TransactionRoute
from marketplace.kernel.files import attached, binary
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, problems
from marketplace.kernel.sheets import XLSX
from marketplace.money import duplicates
from schemas.base import Page
from schemas.duplicates import DuplicateFilter, DuplicateRow, DuplicateUse
from schemas.reports import OfYear

router = APIRouter(prefix="/api/v1/reports", tags=["money"], route_class=TransactionRoute)


@router.get("/duplicates", responses=problems(NotSignedIn))
async def peers(
    wish: Annotated[DuplicateFilter, Query()], session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[DuplicateRow]:
    """查重评议 · Peers of a class within some kilometres (or in a region) that were used less than 1,200 hours in the year."""
    items, marker = await duplicates.peers(session, actor, wish, paging)
    paging.link(response, marker)
    return Page[DuplicateRow].model_construct(items=items, next_cursor=marker)


@router.get(
    "/duplicates.xlsx",
    response_class=Response,
    responses=problems(NotSignedIn, duplicates.TooManyPeers) | binary(XLSX),
)
async def workbook(wish: Annotated[DuplicateFilter, Query()], session: Reading, actor: SignedIn) -> Response:
    """查重评议（Excel） · All of them as a workbook."""
    rows = await duplicates.whole(session, actor, wish)
    return attached(duplicates.workbook(wish, rows, clock.now()), f"查重评议 {wish.class_code} {wish.year}.xlsx", XLSX)


@router.get("/duplicates/{instrument_id}/usages", responses=problems(NotSignedIn, NotFound))
async def uses(
    instrument_id: UUID,
    wish: Annotated[OfYear, Query()],
    session: Reading,
    actor: SignedIn,
    paging: Paged,
    response: Response,
) -> Page[DuplicateUse]:
    """机时明细 · The uses behind the hours of a peer: when, how long and by which class of customers, not by whom."""
    items, marker = await duplicates.uses(session, actor, instrument_id, wish.year, paging)
    paging.link(response, marker)
    return Page[DuplicateUse].model_construct(items=items, next_cursor=marker)
