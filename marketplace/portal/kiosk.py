"""`/kiosk`: the page of the tablet beside an instrument. It knows its instrument by a key, and its visitors by their codes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock
from marketplace.kernel.db import Reading, Writing
from marketplace.labs import bookings, devices, kiosks
from marketplace.labs.booking_models import Booking
from marketplace.labs.device_models import Device
from marketplace.portal import trying
from marketplace.portal.frame import A_YEAR, Visit, Visited
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent
from schemas.bookings import BookingState, CheckOut

router = APIRouter(prefix="/kiosk", route_class=PageRoute, include_in_schema=False)

COOKIE: Final = "duijie_kiosk"
_FIELDS: Final = {
    "preparation_minutes": "准备（分钟） · preparation (minutes)",
    "processing_minutes": "后处理（分钟） · post-processing (minutes)",
    "samples": "样品数 · samples",
    "code": "预约码 · booking code",
}


@dataclass(frozen=True, slots=True)
class Place:
    """What the page says of the instrument; read before anything is done, for verbs read the rows anew."""

    name: str
    name_en: str | None
    lab: str


def _place(device: Device) -> Place:
    one = device.instrument
    return Place(one.name, one.name_en, one.lab or one.organisation.name)


async def _page(
    visit: Visit,
    session: AsyncSession,
    device: Device,
    place: Place,
    *,
    came: Booking | None = None,
    leaving: datetime | None = None,
    code: str = "",
    typed: dict[str, list[str]] | None = None,
    wrong: list[str] | None = None,
    status: int = 200,
) -> Response:
    now = clock.now()
    template = "parts/kiosk_now.html" if visit.partly else "kiosk.html"
    return visit.page(
        template,
        status,
        here="/kiosk",
        instrument=place,
        standing=await kiosks.look(session, device, now),
        now=now,
        came=came,
        leaving=leaving,
        code=code,
        typed=typed or {},
        wrong=wrong or [],
    )


async def _device(visit: Visit, session: AsyncSession) -> Device | None:
    return await devices.kiosk_of(session, visit.request.cookies.get(COOKIE))


def _key_asked(visit: Visit, *, refused: bool = False) -> Response:
    template = "parts/kiosk_gone.html" if visit.partly else "kiosk_key.html"
    return visit.page(template, 403 if refused else 200, here="/kiosk", refused=refused)


@router.get("", response_class=Response)
async def kiosk(visit: Visited, session: Reading) -> Response:
    """What goes on at the instrument; without a key, the field for one."""
    device = await _device(visit, session)
    return _key_asked(visit) if device is None else await _page(visit, session, device, _place(device))


@router.post("/key", response_class=Response)
async def take_key(visit: Visited, session: Reading, typed: Sent) -> Response:
    """Make this browser the kiosk of the instrument whose key it was given."""
    key = trying.said(typed, "token")
    if await devices.kiosk_of(session, key) is None:
        return _key_asked(visit, refused=True)
    response = visit.go("/kiosk")
    secure = urlsplit(visit.request.app.state.settings.public_url).scheme == "https"
    response.set_cookie(COOKIE, key, max_age=A_YEAR, path="/kiosk", secure=secure, httponly=True, samesite="lax")
    return response


@router.post("", response_class=Response)
async def come_or_go(visit: Visited, session: Writing, typed: Sent) -> Response:
    """Read a code: whoever booked comes, or is asked what they used and goes."""
    device = await _device(visit, session)
    if device is None:
        return _key_asked(visit, refused=True)
    place, state = _place(device), visit.request.app.state
    state.codes_limit.spend(str(device.id))
    code, out = trying.said(typed, "code")[:40], trying.said(typed, "do") == "out"
    came: list[Booking] = []
    # Since when somebody is there who may be about to leave.
    there: list[datetime] = []

    async def work() -> None:
        booking = await kiosks.present(session, device, code, state.signing_key, clock.now())
        if booking.state is BookingState.DONE:
            raise bookings.BookingOver
        if booking.state is not BookingState.IN_USE:
            came.append(await kiosks.check_in(session, device, booking))
            return
        assert booking.checked_in_at is not None
        there.append(booking.checked_in_at)
        if out:
            wish = CheckOut.model_validate(trying.given(typed, *(name for name in _FIELDS if name != "code")))
            came.append(await kiosks.check_out(session, device, booking, wish))

    refused = await trying.to(session, work, _FIELDS)
    if refused is None:
        leaving = None if came else there[0]
        return await _page(visit, session, device, place, came=came[0] if came else None, leaving=leaving, code=code)
    # What was undone has to be read again.
    again = await _device(visit, session)
    if again is None:
        return _key_asked(visit, refused=True)
    return await _page(
        visit, session, again, place, leaving=there[0] if there else None, code=code, typed=typed, wrong=refused.wrong,
        status=refused.status,
    )  # fmt: skip
