"""The catalogue as a workbook and as core metadata, and an instrument's log as CSV."""

from functools import partial
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response, UploadFile

from marketplace.kernel.actor import Anyone, SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, UploadRoute, Writing
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, TooLarge, problems
from marketplace.kernel.routing import beside, gather
from marketplace.kernel.sheets import XLSX
from marketplace.labs import catalogue_sheet, core_metadata, usage_log
from marketplace.labs.instruments import NotItsKeeper
from marketplace.settings import Settings
from schemas.base import Page
from schemas.bookings import UsageLogView
from schemas.core_metadata import CoreMetadata, HarvestFilter
from schemas.labs import InstrumentFilter

# What a form adds to the file in it.
FORM_BYTES = 64 * 1024


class LogRoute(UploadRoute):
    @staticmethod
    def most_bytes(settings: Settings) -> int:
        return min(settings.upload_limit, usage_log.MOST_BYTES) + FORM_BYTES


router = APIRouter(prefix="/api/v1", tags=["labs"], route_class=TransactionRoute)
files = beside(router, LogRoute)


@router.get(
    "/instrument-catalogue.xlsx",
    response_class=Response,
    responses={200: {"content": {XLSX: {}}}, **problems(catalogue_sheet.TooManyToExport)},
)
async def export(
    wish: Annotated[InstrumentFilter, Query()], session: Reading, actor: Anyone, request: Request
) -> Response:
    """仪器目录（Excel，含 GB/T 30523 核心元数据） · The catalogue as a workbook, with the core metadata of GB/T 30523."""
    rows = await catalogue_sheet.chosen(session, actor, wish)
    public_url = request.app.state.settings.public_url
    content = await anyio.to_thread.run_sync(partial(catalogue_sheet.workbook, rows, public_url))
    name = quote(f"{catalogue_sheet.SHEET}.xlsx")
    return Response(content, media_type=XLSX, headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}"})


@router.get(
    "/instrument-core-metadata",
    response_model=Page[CoreMetadata],
    responses={200: {"content": {core_metadata.XML: {}}}},
)
async def harvest(
    wish: Annotated[HarvestFilter, Query()],
    session: Reading,
    actor: Anyone,
    paging: Paged,
    request: Request,
    response: Response,
) -> Any:
    """GB/T 30523 核心元数据（采集，JSON 或 XML） · The core metadata of all instruments, the last changed first."""
    rows, marker = await core_metadata.harvested(session, actor, wish, paging)
    paging.link(response, marker)
    public_url = request.app.state.settings.public_url
    items = [core_metadata.of(row, public_url) for row in rows]
    if core_metadata.in_xml(request, wish):
        return core_metadata.page_as_xml(items, marker, response)
    return Page[CoreMetadata].model_construct(items=items, next_cursor=marker)


@files.post(
    "/instruments/{instrument_id}/usage-log",
    responses=problems(NotSignedIn, NotFound, NotItsKeeper, usage_log.LogRefused, TooLarge),
)
async def enter_log(instrument_id: UUID, file: UploadFile, session: Writing, actor: SignedIn) -> UsageLogView:
    """导入仪器日志（CSV，UTF-8 或 GB18030） · Turn an instrument's log into usage records: all of it, or none (keepers).

    A row that was entered before is known by its times and entered once.
    """
    return await usage_log.enter(session, actor, instrument_id, await file.read())


gather(router, files)
