"""`/instruments/{id}/hours` and `/devices`: what a keeper sets up. And `/instruments/holidays`, the country's days off."""

from collections.abc import Sequence
from datetime import date
from itertools import zip_longest
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock, qr
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import VersionMissing
from marketplace.labs import devices, holidays, instruments, metering, shapes
from marketplace.labs.devices_router import address_of
from marketplace.portal import trying
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.devices import DeviceKind, DeviceNew
from schemas.holidays import HolidayWritten
from schemas.identity import Permission
from schemas.labs import InstrumentPatch, InstrumentView
from schemas.text import Day

router = APIRouter(prefix="/instruments", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 50
EVENTS: Final = 20
_HOURS: Final = ("weekday", "opens", "closes")
_EXCEPTIONS: Final = ("day", "opens", "closes", "reason")
_FIELDS: Final = {
    "hours": "每周开放时间 · opening hours",
    "exceptions": "例外日 · exceptions",
    "weekday": "星期 · weekday",
    "day": "日期 · day",
    "opens": "开 · opens",
    "closes": "关 · closes",
    "reason": "说明 · reason",
    "name": "名称 · name",
    "follows": "按星期几上班 · worked like",
}


async def kept(visit: Visit, session: AsyncSession, instrument_id: UUID) -> InstrumentView:
    """An instrument for its keepers' pages; others are told that they are not."""
    actor = visit.require()
    view = await shapes.view(session, actor, await instruments.read(session, actor, instrument_id))
    if not view.kept_by_you:
        raise instruments.NotItsKeeper
    return view


def _rows(typed: Typed, prefix: str, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows that were written in; a row that says no more than its weekday is none."""
    values = zip_longest(*(typed.get(f"{prefix}.{name}", ()) for name in columns), fillvalue="")
    rows = [dict(zip(columns, map(str.strip, one), strict=True)) for one in values]
    return [row for row in rows if any(text for name, text in row.items() if name != "weekday")]


def _patch(typed: Typed) -> InstrumentPatch:
    weekly: list[dict[str, Any]] = [
        {**row, "weekday": int(row["weekday"]) if row["weekday"] in set("1234567") else row["weekday"]}
        for row in _rows(typed, "hours", _HOURS)
    ]
    special: list[dict[str, Any]] = [
        {**row, "opens": row["opens"] or None, "closes": row["closes"] or None}
        for row in _rows(typed, "exceptions", _EXCEPTIONS)
    ]
    return InstrumentPatch.model_validate({"hours": weekly, "exceptions": special})


async def _hours_page(
    visit: Visit, session: AsyncSession, instrument_id: UUID, *, typed: Typed | None = None, wrong: Sequence[str] = (),
    status: int = 200,
) -> Response:  # fmt: skip
    one = await kept(visit, session, instrument_id)
    weekly: list[dict[str, Any]] = [row.model_dump() for row in one.hours]
    special: list[dict[str, Any]] = [row.model_dump(mode="json") for row in one.exceptions]
    version = str(one.version)
    if typed is not None:
        weekly, special = _rows(typed, "hours", _HOURS), _rows(typed, "exceptions", _EXCEPTIONS)
        # Whoever was told of another's change looks at it, and may then save their own over it.
        version = version if status == 412 else trying.said(typed, "version")
    days, _ = await holidays.listed(session, Paging(visit.request, None, PAGE))
    return visit.page(
        "instrument_hours.html", status, one=one, weekly=weekly, special=special, version=version,
        days=[day for day in reversed(days) if day.day >= clock.today()], wrong=list(wrong),
        here=f"/instruments/{instrument_id}/hours",
    )  # fmt: skip


@router.get("/{instrument_id:uuid}/hours", response_class=Response)
async def hours(instrument_id: UUID, visit: Visited, session: Reading) -> Response:
    """Opening hours and the days that are not like the others."""
    return await _hours_page(visit, session, instrument_id)


@router.post("/{instrument_id:uuid}/hours", response_class=Response)
async def set_hours(instrument_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()

    async def work() -> None:
        version = trying.number(typed, "version")
        if not isinstance(version, int):
            raise VersionMissing
        await instruments.edit(session, actor, instrument_id, version, _patch(typed))

    refused = await trying.to(session, work, _FIELDS)
    if refused is None:
        return visit.go(f"/instruments/{instrument_id}/hours", "saved")
    return await _hours_page(visit, session, instrument_id, typed=typed, wrong=refused.wrong, status=refused.status)


async def _devices_page(
    visit: Visit, session: AsyncSession, instrument_id: UUID, *, made: tuple[Any, str] | None = None,
    typed: Typed | None = None, wrong: Sequence[str] = (), status: int = 200,
) -> Response:  # fmt: skip
    one = await kept(visit, session, instrument_id)
    request = visit.request
    paging = Paging(request, request.query_params.get("cursor") if request.method == "GET" else None, EVENTS)
    rows, _ = await devices.listed(session, visit.actor, instrument_id, Paging(request, None, PAGE))
    events, marker = await metering.listed(session, visit.actor, instrument_id, paging)
    url = request.app.state.settings.public_url
    return visit.page(
        "instrument_devices.html", status, one=one, rows=rows, events=events, marker=marker,
        later="cursor" in request.query_params, names={row.id: row.name for row in rows}, kinds=list(DeviceKind),
        made=made[0] if made else None, key=made[1] if made else "",
        address=address_of(url, made[0]) if made else "",
        code=qr.code(f"{url}/kiosk#{made[1]}") if made and made[0].kind is DeviceKind.KIOSK else None,
        typed=typed or {}, wrong=list(wrong), here=f"/instruments/{instrument_id}/devices",
    )  # fmt: skip


@router.get("/{instrument_id:uuid}/devices", response_class=Response)
async def list_devices(instrument_id: UUID, visit: Visited, session: Reading) -> Response:
    """Kiosks and meters, and what meters said."""
    return await _devices_page(visit, session, instrument_id)


@router.post("/{instrument_id:uuid}/devices", response_class=Response)
async def make_device(instrument_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """A new device. Its key is on this one answer and nowhere else."""
    actor, key = visit.require(), visit.request.app.state.signing_key
    made: list[tuple[Any, str]] = []

    async def work() -> None:
        wish = DeviceNew.model_validate({"kind": trying.said(typed, "kind"), "name": trying.said(typed, "name")})
        made.append(await devices.make(session, actor, instrument_id, wish, key))

    refused = await trying.to(session, work, _FIELDS)
    if refused is None:
        return await _devices_page(visit, session, instrument_id, made=made[0])
    return await _devices_page(visit, session, instrument_id, typed=typed, wrong=refused.wrong, status=refused.status)


@router.post("/{instrument_id:uuid}/devices/{device_id:uuid}/revocation", response_class=Response)
async def revoke_device(instrument_id: UUID, device_id: UUID, visit: Visited, session: Writing) -> Response:
    await devices.revoke(session, visit.require(), instrument_id, device_id)
    return visit.go(f"/instruments/{instrument_id}/devices", "revoked")


async def _holidays_page(
    visit: Visit, session: AsyncSession, *, typed: Typed | None = None, wrong: Sequence[str] = (), status: int = 200
) -> Response:
    request = visit.request
    cursor = request.query_params.get("cursor") if request.method == "GET" else None
    rows, marker = await holidays.listed(session, Paging(request, cursor, PAGE))
    return visit.page(
        "holidays.html", status, rows=rows, marker=marker, later="cursor" in request.query_params, typed=typed or {},
        wrong=list(wrong), keeps=Permission.KEEP_HOLIDAYS in visit.actor.platform, here="/instruments/holidays",
    )  # fmt: skip


@router.get("/holidays", response_class=Response)
async def list_holidays(visit: Visited, session: Reading) -> Response:
    """Days on which all instruments that have no exception of their own are closed, or open like another weekday."""
    return await _holidays_page(visit, session)


@router.post("/holidays", response_class=Response)
async def write_holiday(visit: Visited, session: Writing, typed: Sent) -> Response:
    """Write a day down, or take one out (the platform's administrators)."""
    actor = visit.require()

    async def work() -> None:
        day: date = TypeAdapter(Day).validate_python(trying.said(typed, "day"))
        if trying.said(typed, "do") == "remove":
            await holidays.remove(session, actor, day)
            return
        wish = {"name": trying.said(typed, "name"), "follows": trying.number(typed, "follows")}
        await holidays.put(session, actor, day, HolidayWritten.model_validate(wish))

    refused = await trying.to(session, work, _FIELDS)
    if refused is None:
        return visit.go("/instruments/holidays", "saved")
    return await _holidays_page(visit, session, typed=typed, wrong=refused.wrong, status=refused.status)
