"""`/instruments/{id}/tariffs`: what use costs, then, now and soon, and the hours that are given free."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.paging import Paging
from marketplace.labs import instruments, shapes
from marketplace.money import quotas, tariffs
from marketplace.portal import forms, trying
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.labs import CustomerClass
from schemas.tariffs import FreeQuotaNew, Prices, TariffNew, TariffView

router = APIRouter(prefix="/instruments/{instrument_id:uuid}/tariffs", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 20
_WINDOWS: Final = 20
PRICED: Final = tuple(Prices.model_fields)
_FIELDS: Final = {
    "effective_from": "生效日 · first day",
    "prices": "价格 · prices",
    "windows": "峰谷时段 · price windows",
    "weekdays": "星期 · weekdays",
    "opens": "从 · from",
    "closes": "到 · to",
    "percent": "百分比 · percent",
    "late_cancel_percent": "晚取消收取 · late cancellation",
    "year": "年份 · year",
    "yearly_hours": "年定额机时 · quota hours",
    "customers": "受益类别 · who benefits",
    "per_hour": "每小时 · per hour",
    "per_sample": "每个样品 · per sample",
    "per_run": "每次开机 · per run",
    "operator_per_hour": "机组操作 · operator",
    "internal": "本单位 · own people",
    "academic": "高校院所 · academic",
    "province_firm": "本省企业 · firms of the province",
    "other": "其他 · others",
}


def _shown(tariff: TariffView | None) -> Typed:
    """A tariff as its form shows it: the new one begins as the one that holds."""
    if tariff is None:
        return {"late_cancel_percent": ["0"], "accepts_vouchers": ["1"]}
    typed: Typed = {
        f"{customer}.{name}": [str(getattr(tariff.prices.of(customer), name))]
        for customer in CustomerClass
        for name in PRICED
    }
    for number, one in enumerate(tariff.windows):
        typed |= {
            f"window.{number}.weekdays": [str(day) for day in one.weekdays], f"window.{number}.opens": [one.opens],
            f"window.{number}.closes": [one.closes], f"window.{number}.percent": [str(one.percent)],
        }  # fmt: skip
    typed["late_cancel_percent"] = [str(tariff.late_cancel_percent)]
    return typed | ({"accepts_vouchers": ["1"]} if tariff.accepts_vouchers else {})


def _window(typed: Typed, number: int) -> dict[str, Any] | None:
    at = f"window.{number}"
    days = [int(one) for one in typed.get(f"{at}.weekdays", ()) if one in set("1234567")]
    told = {name: trying.said(typed, f"{at}.{name}") for name in ("opens", "closes")}
    percent = trying.number(typed, f"{at}.percent")
    if not any(told.values()) and percent is None:
        return None
    return told | {"weekdays": days, "percent": percent}


def _wish(typed: Typed) -> TariffNew:
    prices = {
        customer.value: {
            name: forms.amount(text) for name in PRICED if (text := trying.said(typed, f"{customer}.{name}"))
        }
        for customer in CustomerClass
    }
    windows = [one for number in range(_WINDOWS) if (one := _window(typed, number)) is not None]
    return TariffNew.model_validate(
        {
            "effective_from": trying.said(typed, "effective_from"),
            "prices": prices,
            "windows": windows,
            "late_cancel_percent": trying.number(typed, "late_cancel_percent") or 0,
            "accepts_vouchers": trying.said(typed, "accepts_vouchers") == "1",
        }
    )


async def _page(
    visit: Visit, session: AsyncSession, instrument_id: UUID, *, typed: Typed | None = None, quota: Typed | None = None,
    wrong: Sequence[str] = (), status: int = 200,
) -> Response:  # fmt: skip
    request, actor = visit.request, visit.actor
    one = await shapes.view(session, actor, await instruments.read(session, actor, instrument_id))
    today = clock.today()
    cursor = request.query_params.get("cursor") if request.method == "GET" else None
    rows, marker = await tariffs.listed(session, actor, instrument_id, Paging(request, cursor, PAGE))
    holds = await tariffs.valid(session, instrument_id, today)
    declared, _ = await quotas.listed(session, actor, instrument_id, Paging(request, None, PAGE))
    form = typed if typed is not None else _shown(tariffs.view(holds) if holds else None)
    return visit.page(
        "instrument_tariffs.html",
        status,
        one=one,
        rows=[tariffs.view(row) for row in rows],
        holds=holds.id if holds else None,
        marker=marker,
        later="cursor" in request.query_params,
        quotas=await quotas.views(session, declared),
        typed=form,
        quota=quota
        or {"year": [str(today.year)], "yearly_hours": ["1400"], "customers": [CustomerClass.PROVINCE_FIRM]},
        windows=range(sum(f"window.{number}.opens" in form for number in range(_WINDOWS - 1)) + 1),
        earliest=today + timedelta(days=1 if holds else 0),
        wrong=list(wrong),
        here=f"/instruments/{instrument_id}/tariffs",
    )


@router.get("", response_class=Response)
async def prices(instrument_id: UUID, visit: Visited, session: Reading) -> Response:
    return await _page(visit, session, instrument_id)


@router.post("", response_class=Response)
async def publish(instrument_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Say what use costs from a day on (keepers)."""
    actor = visit.require()

    async def work() -> None:
        await tariffs.publish(session, actor, instrument_id, _wish(typed))

    refused = await trying.to(session, work, _FIELDS)
    if refused is None:
        return visit.go(f"/instruments/{instrument_id}/tariffs", "priced")
    return await _page(visit, session, instrument_id, typed=typed, wrong=refused.wrong, status=refused.status)


@router.post("/free", response_class=Response)
async def give(instrument_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Give a share of a year's hours free (keepers)."""
    actor = visit.require()

    async def work() -> None:
        told = trying.given(typed, "year", "yearly_hours", "percent") | {"customers": typed.get("customers", [])}
        await quotas.declare(session, actor, instrument_id, FreeQuotaNew.model_validate(told))

    refused = await trying.to(session, work, _FIELDS)
    if refused is None:
        return visit.go(f"/instruments/{instrument_id}/tariffs", "saved")
    return await _page(visit, session, instrument_id, quota=typed, wrong=refused.wrong, status=refused.status)
