"""`/api/v1/instruments`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from marketplace.kernel import clock, etag
from marketplace.kernel.actor import Anyone, SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.etag import IfMatch
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, StaleVersion, VersionMissing, problems
from marketplace.labs import availability, care, instruments, shapes
from marketplace.listings.publication import NotVerified
from marketplace.listings.records import Incomplete
from schemas.base import Page
from schemas.labs import (
    Availability,
    InstrumentCard,
    InstrumentFilter,
    InstrumentNew,
    InstrumentPatch,
    InstrumentView,
    KeeperNew,
    KeeperView,
    OutageNew,
    OutageView,
    QualificationNew,
    QualificationView,
    Window,
)

router = APIRouter(prefix="/api/v1/instruments", tags=["labs"], route_class=TransactionRoute)

OWN = (NotSignedIn, NotFound, instruments.NotItsKeeper)


@router.get("")
async def list_instruments(
    wish: Annotated[InstrumentFilter, Query()], session: Reading, actor: Anyone, paging: Paged, response: Response
) -> Page[InstrumentCard]:
    """仪器、检测服务与开放实验室 · What can be used, newest first; with `free_from` and `free_until` what is free then."""
    rows, marker = await instruments.listed(session, actor, wish, paging, clock.now())
    paging.link(response, marker)
    items = await shapes.cards(session, rows)
    return Page[InstrumentCard].model_construct(items=items, next_cursor=marker)


@router.post("", status_code=201, responses=problems(NotSignedIn, instruments.NoLabOfYours, instruments.MustBeOpen))
async def create(wish: InstrumentNew, session: Writing, actor: SignedIn, response: Response) -> InstrumentView:
    """新建草稿 · Write a draft."""
    instrument = await instruments.create(session, actor, wish)
    response.headers["Location"] = f"/api/v1/instruments/{instrument.id}"
    etag.stamp(response, instrument.version)
    return await shapes.view(session, actor, instrument)


@router.get("/{instrument_id}", responses=problems(NotFound))
async def read(instrument_id: UUID, session: Reading, actor: Anyone, response: Response) -> InstrumentView:
    """一台仪器及其使用规则 · One instrument and the terms on which it is used."""
    instrument = await instruments.read(session, actor, instrument_id)
    etag.stamp(response, instrument.version)
    return await shapes.view(session, actor, instrument)


@router.patch(
    "/{instrument_id}", responses=problems(*OWN, instruments.MustBeOpen, Incomplete, StaleVersion, VersionMissing)
)
async def edit(
    instrument_id: UUID, patch: InstrumentPatch, session: Writing, actor: SignedIn, version: IfMatch, response: Response
) -> InstrumentView:
    """修改 · Change some fields; bookings that stand are not touched."""
    instrument = await instruments.edit(session, actor, instrument_id, version, patch)
    etag.stamp(response, instrument.version)
    return await shapes.view(session, actor, instrument)


@router.post("/{instrument_id}/publication", responses=problems(*OWN, NotVerified, Incomplete))
async def publish(instrument_id: UUID, session: Writing, actor: SignedIn, response: Response) -> InstrumentView:
    """开放共享 · Open it to its audience."""
    instrument = await instruments.publish(session, actor, instrument_id)
    etag.stamp(response, instrument.version)
    return await shapes.view(session, actor, instrument)


@router.post("/{instrument_id}/retirement", responses=problems(*OWN, instruments.StillBooked))
async def retire(instrument_id: UUID, session: Writing, actor: SignedIn, response: Response) -> InstrumentView:
    """停止共享 · Take it out of the catalogue."""
    instrument = await instruments.retire(session, actor, instrument_id)
    etag.stamp(response, instrument.version)
    return await shapes.view(session, actor, instrument)


@router.get("/{instrument_id}/availability", responses=problems(NotFound))
async def calendar(
    instrument_id: UUID, window: Annotated[Window, Query()], session: Reading, actor: Anyone
) -> Availability:
    """可预约时段 · When it is open, taken, and free."""
    return await availability.availability(session, actor, instrument_id, window.since, window.until)


@router.get("/{instrument_id}/keepers", responses=problems(*OWN))
async def keepers(
    instrument_id: UUID, session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[KeeperView]:
    """管理员 · Who looks after it (for whoever does)."""
    rows, marker = await care.keepers(session, actor, instrument_id, paging)
    paging.link(response, marker)
    return Page[KeeperView].model_construct(items=[shapes.keeper(row) for row in rows], next_cursor=marker)


@router.post("/{instrument_id}/keepers", status_code=201, responses=problems(*OWN, care.NotAMember))
async def name_keeper(instrument_id: UUID, wish: KeeperNew, session: Writing, actor: SignedIn) -> KeeperView:
    """指定管理员 · Let a member of the owning organisation look after it."""
    return shapes.keeper(await care.name_keeper(session, actor, instrument_id, wish))


@router.delete("/{instrument_id}/keepers/{person_id}", status_code=204, responses=problems(*OWN))
async def remove_keeper(instrument_id: UUID, person_id: UUID, session: Writing, actor: SignedIn) -> None:
    """取消管理员 · Take that back."""
    await care.remove_keeper(session, actor, instrument_id, person_id)


@router.get("/{instrument_id}/outages", responses=problems(NotFound))
async def outages(
    instrument_id: UUID, session: Reading, actor: Anyone, paging: Paged, response: Response
) -> Page[OutageView]:
    """停用记录 · When it was and will be out of order, latest first."""
    rows, marker = await care.outages(session, actor, instrument_id, paging)
    paging.link(response, marker)
    items = [OutageView.model_validate(row) for row in rows]
    return Page[OutageView].model_construct(items=items, next_cursor=marker)


@router.post("/{instrument_id}/outages", status_code=201, responses=problems(*OWN))
async def report_outage(instrument_id: UUID, wish: OutageNew, session: Writing, actor: SignedIn) -> OutageView:
    """报停 · Say that it is, or will be, out of order."""
    return OutageView.model_validate(await care.report_outage(session, actor, instrument_id, wish))


@router.post("/{instrument_id}/outages/{outage_id}/end", responses=problems(*OWN, care.AlreadyOver))
async def end_outage(instrument_id: UUID, outage_id: UUID, session: Writing, actor: SignedIn) -> OutageView:
    """恢复使用 · Say that it works again; what has not begun is called off."""
    return OutageView.model_validate(await care.end_outage(session, actor, instrument_id, outage_id))


@router.get("/{instrument_id}/qualifications", responses=problems(*OWN))
async def qualifications(
    instrument_id: UUID, session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[QualificationView]:
    """上机资格 · Who may use it alone, latest first (keepers)."""
    rows, marker = await care.qualifications(session, actor, instrument_id, paging)
    paging.link(response, marker)
    items = [QualificationView.model_validate(row) for row in rows]
    return Page[QualificationView].model_construct(items=items, next_cursor=marker)


@router.post("/{instrument_id}/qualifications", status_code=201, responses=problems(*OWN, care.AlreadyQualified))
async def qualify(instrument_id: UUID, wish: QualificationNew, session: Writing, actor: SignedIn) -> QualificationView:
    """授予上机资格 · Let somebody use it alone."""
    return QualificationView.model_validate(await care.qualify(session, actor, instrument_id, wish))


@router.delete("/{instrument_id}/qualifications/{qualification_id}", status_code=204, responses=problems(*OWN))
async def disqualify(instrument_id: UUID, qualification_id: UUID, session: Writing, actor: SignedIn) -> None:
    """撤销上机资格 · From now on not alone."""
    await care.disqualify(session, actor, instrument_id, qualification_id)
