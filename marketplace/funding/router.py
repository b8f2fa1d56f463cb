"""`/api/v1/funding-calls`."""

from functools import partial
from typing import Annotated
from uuid import UUID

import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response

from marketplace.funding import bookmarks, calls, shapes, sheets
from marketplace.kernel import etag
from marketplace.kernel.actor import Anyone, SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.etag import IfMatch
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, StaleVersion, VersionMissing, problems
from marketplace.kernel.sheets import XLSX
from marketplace.labs import ical
from marketplace.listings.publication import NotVerified
from marketplace.listings.records import Incomplete, NotYourOrganisation, NotYourRecord
from schemas.base import Page
from schemas.funding import (
    FundingBookmark,
    FundingBookmarkView,
    FundingCard,
    FundingChange,
    FundingFilter,
    FundingNew,
    FundingPatch,
    FundingView,
)

router = APIRouter(prefix="/api/v1", tags=["funding"], route_class=TransactionRoute)

_AT = "/funding-calls"
_ONE = "/funding-calls/{call_id}"
OWN = (NotSignedIn, NotFound, NotYourRecord)
READY = (NotVerified, calls.NotItsKindOfFunding, Incomplete, calls.DeadlineOver)


@router.get(_AT)
async def list_calls(
    wish: Annotated[FundingFilter, Query()], session: Reading, actor: Anyone, paging: Paged, response: Response
) -> Page[FundingCard]:
    """资金、申报指南与榜单 · Funding calls, those published last first."""
    rows, marker = await calls.listed(session, actor, wish, paging)
    paging.link(response, marker)
    return Page[FundingCard].model_construct(items=[shapes.card(row) for row in rows], next_cursor=marker)


@router.post(_AT, status_code=201, responses=problems(NotSignedIn, NotYourOrganisation))
async def create(wish: FundingNew, session: Writing, actor: SignedIn, response: Response) -> FundingView:
    """新建草稿 · Write a draft."""
    call = await calls.create(session, actor, wish)
    response.headers["Location"] = f"/api/v1/funding-calls/{call.id}"
    etag.stamp(response, call.version)
    return shapes.view(actor, call)


def _file(content: bytes, media_type: str, ending: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="funding-calls.{ending}"'}
    return Response(content, media_type=media_type, headers=headers)


@router.get(
    f"{_AT}.xlsx",
    response_class=Response,
    responses={200: {"content": {XLSX: {}}}, **problems(sheets.TooManyCalls)},
)
async def workbook(
    wish: Annotated[FundingFilter, Query()], session: Reading, actor: Anyone, request: Request
) -> Response:
    """资金列表（Excel） · What the list shows under this filter, as a workbook."""
    rows = await sheets.chosen(session, actor, wish)
    made = await anyio.to_thread.run_sync(partial(sheets.workbook, rows, request.app.state.settings.public_url))
    return _file(made, XLSX, "xlsx")


@router.get(
    f"{_AT}.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}}, **problems(sheets.TooManyCalls)},
)
async def table(wish: Annotated[FundingFilter, Query()], session: Reading, actor: Anyone, request: Request) -> Response:
    """资金列表（CSV） · The same as CSV."""
    rows = await sheets.chosen(session, actor, wish)
    made = await anyio.to_thread.run_sync(partial(sheets.table, rows, request.app.state.settings.public_url))
    return _file(made, "text/csv; charset=utf-8", "csv")


@router.get(_ONE, responses=problems(NotFound))
async def read(call_id: UUID, session: Reading, actor: Anyone, response: Response) -> FundingView:
    """一项资金 · One call, and who may apply."""
    call = await calls.read(session, actor, call_id)
    etag.stamp(response, call.version)
    return shapes.view(actor, call)


@router.patch(_ONE, responses=problems(*OWN, *READY, StaleVersion, VersionMissing))
async def edit(
    call_id: UUID, patch: FundingPatch, session: Writing, actor: SignedIn, version: IfMatch, response: Response
) -> FundingView:
    """修改 · Change some fields. Of what was published, the change is told to everybody."""
    call = await calls.edit(session, actor, call_id, version, patch)
    etag.stamp(response, call.version)
    return shapes.view(actor, call)


@router.post(f"{_ONE}/publication", responses=problems(*OWN, *READY))
async def publish(call_id: UUID, session: Writing, actor: SignedIn, response: Response) -> FundingView:
    """发布 · Show it to everybody; what was closed or withdrawn comes back."""
    call = await calls.publish(session, actor, call_id)
    etag.stamp(response, call.version)
    return shapes.view(actor, call)


@router.post(f"{_ONE}/closing", responses=problems(*OWN, calls.NotPublished))
async def close(call_id: UUID, session: Writing, actor: SignedIn, response: Response) -> FundingView:
    """提前截止 · No more applications; it stays to be read."""
    call = await calls.close(session, actor, call_id)
    etag.stamp(response, call.version)
    return shapes.view(actor, call)


@router.post(f"{_ONE}/withdrawal", responses=problems(*OWN))
async def withdraw(call_id: UUID, session: Writing, actor: SignedIn, response: Response) -> FundingView:
    """撤回 · Take it back: no longer shown or ranked."""
    call = await calls.withdraw(session, actor, call_id)
    etag.stamp(response, call.version)
    return shapes.view(actor, call)


@router.get(f"{_ONE}/changes", responses=problems(NotFound))
async def changes(
    call_id: UUID, session: Reading, actor: Anyone, paging: Paged, response: Response
) -> Page[FundingChange]:
    """发布后的修改 · What was changed after it was published, latest first."""
    rows, marker = await calls.changes(session, actor, call_id, paging)
    paging.link(response, marker)
    return Page[FundingChange].model_construct(items=[shapes.change(row) for row in rows], next_cursor=marker)


@router.get(
    f"{_ONE}/deadline.ics",
    response_class=Response,
    responses={200: {"content": {"text/calendar": {}}}, **problems(NotFound, sheets.NoDeadline)},
)
async def deadline(call_id: UUID, session: Reading, actor: Anyone, request: Request) -> Response:
    """截止时间（日历文件） · The deadline, for a calendar."""
    call = await calls.read(session, actor, call_id)
    return Response(sheets.calendar(call, request.app.state.settings.public_url), media_type=ical.MEDIA_TYPE)


@router.put(f"{_ONE}/bookmark", responses=problems(NotSignedIn, NotFound))
async def keep(call_id: UUID, wish: FundingBookmark, session: Writing, actor: SignedIn) -> FundingBookmarkView:
    """收藏 · Keep an eye on it: a letter comes before its deadline, and when it changes."""
    kept = await bookmarks.keep(session, actor, call_id, wish)
    return FundingBookmarkView(days_before=kept.days_before, changes=kept.changes, since=kept.since)


@router.delete(f"{_ONE}/bookmark", status_code=204, responses=problems(NotSignedIn, NotFound))
async def drop(call_id: UUID, session: Writing, actor: SignedIn) -> None:
    """取消收藏 · No longer."""
    await bookmarks.drop(session, actor, call_id)
