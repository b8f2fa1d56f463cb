"""`/api/v1/instruments/{id}/devices`, what its meters said, and the code that opens its kiosk."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from marketplace.kernel.actor import SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, problems
from marketplace.labs import bookings, devices, kiosks, metering
from marketplace.labs.device_models import Device
from marketplace.labs.instruments import NotItsKeeper
from schemas.base import Page
from schemas.devices import BookingCode, DeviceKind, DeviceMade, DeviceNew, DeviceView, MeterEventView

router = APIRouter(prefix="/api/v1", tags=["labs"], route_class=TransactionRoute)

KEPT = (NotSignedIn, NotFound, NotItsKeeper)


@router.get("/instruments/{instrument_id}/devices", responses=problems(*KEPT))
async def list_devices(
    instrument_id: UUID, session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[DeviceView]:
    """签到与计量终端 · Kiosks and meters of an instrument, newest first, not their keys (keepers)."""
    rows, marker = await devices.listed(session, actor, instrument_id, paging)
    paging.link(response, marker)
    items = [DeviceView.model_validate(row) for row in rows]
    return Page[DeviceView].model_construct(items=items, next_cursor=marker)


@router.post("/instruments/{instrument_id}/devices", status_code=201, responses=problems(*KEPT, devices.TooManyDevices))
async def make_device(
    instrument_id: UUID, wish: DeviceNew, session: Writing, actor: SignedIn, request: Request
) -> DeviceMade:
    """新增终端 · A kiosk or a meter with a key of its own, which is shown once (keepers)."""
    state = request.app.state
    device, key = await devices.make(session, actor, instrument_id, wish, state.signing_key)
    return DeviceMade(
        id=device.id, kind=device.kind, name=device.name, key=key, address=address_of(state.settings.public_url, device)
    )


def address_of(public_url: str, device: Device) -> str:
    """Where a device goes."""
    path = "/kiosk" if device.kind is DeviceKind.KIOSK else f"/api/v1/meters/{device.id}/events"
    return public_url + path


@router.delete("/instruments/{instrument_id}/devices/{device_id}", status_code=204, responses=problems(*KEPT))
async def revoke_device(instrument_id: UUID, device_id: UUID, session: Writing, actor: SignedIn) -> None:
    """撤销终端 · Its key opens nothing any more (keepers)."""
    await devices.revoke(session, actor, instrument_id, device_id)


@router.get("/instruments/{instrument_id}/meter-events", responses=problems(*KEPT))
async def list_meter_events(
    instrument_id: UUID, session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[MeterEventView]:
    """计量事件 · What its meters said and what came of it, latest first (keepers)."""
    rows, marker = await metering.listed(session, actor, instrument_id, paging)
    paging.link(response, marker)
    items = [MeterEventView.model_validate(row) for row in rows]
    return Page[MeterEventView].model_construct(items=items, next_cursor=marker)


@router.get("/bookings/{booking_id}/code", responses=problems(NotSignedIn, NotFound, bookings.NotYourBooking))
async def code(booking_id: UUID, session: Reading, actor: SignedIn, request: Request) -> BookingCode:
    """预约码 · What is shown or typed at the kiosk beside the instrument."""
    text = await kiosks.code_of(session, actor, booking_id, request.app.state.signing_key)
    return BookingCode(booking_id=booking_id, code=text)
