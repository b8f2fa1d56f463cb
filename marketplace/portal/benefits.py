"""`/instruments/{id}/utilisation` and `/outputs`: when an instrument is used, and what its use led to."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock, validation
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.labs import instruments, outputs, shapes
from marketplace.money import utilisation
from marketplace.portal import say, trying, words
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from marketplace.portal.use import FIELDS, output_of
from schemas.outputs import OutputFilter, OutputKind
from schemas.reports import CellFilter, MapBy, MapFilter, UtilisationMap

router = APIRouter(prefix="/instruments/{instrument_id:uuid}", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 50
_PERIOD: Final = ("since", "until", "by")


def _asked(visit: Visit, names: Sequence[str]) -> dict[str, str]:
    """The filter of an address; the last four weeks, where none is named."""
    today = clock.today()
    usual = {"since": (today - timedelta(days=27)).isoformat(), "until": today.isoformat()}
    typed = visit.request.query_params
    return usual | {name: typed[name] for name in names if typed.get(name)}


def shade(share: Any) -> str:
    """How dark a cell is: a quarter of its hours a step."""
    return f"h{min(4, int(share * 4) + 1)}" if share > 0 else ""


def _lines(found: UtilisationMap) -> list[dict[str, Any]]:
    """The map as a table: a line for each weekday or day, with a cell or None for each hour."""
    cells = {(cell.day or cell.weekday, cell.hour): cell for cell in found.cells}
    keys: list[Any] = list(range(1, 8))
    if found.by is MapBy.DAY:
        keys = [found.since + timedelta(days=ahead) for ahead in range((found.until - found.since).days + 1)]
    return [
        {
            "key": key,
            "name": f"{key} {told(words.WEEKDAYS[key.isoweekday()])}" if isinstance(key, date) else told(words.WEEKDAYS[key]),
            "cells": [cells.get((key, hour)) for hour in range(24)],
            "minutes": sum((cell.minutes for hour in range(24) if (cell := cells.get((key, hour)))), start=0),
        }
        for key in keys
    ]  # fmt: skip


@router.get("/utilisation", response_class=Response)
async def heat(instrument_id: UUID, visit: Visited, session: Reading) -> Response:
    """The hours in which it is used, each with the uses behind it."""
    actor = visit.require()
    one = await shapes.view(session, actor, await instruments.read(session, actor, instrument_id))
    wrong: list[str] = []
    found = None
    try:
        wish = MapFilter.model_validate(_asked(visit, _PERIOD))
    except ValidationError as error:
        wrong = [told(each.detail) for each in validation.as_refusal(error, within=("query",)).errors]
    else:
        found = await utilisation.of(session, actor, instrument_id, wish)
    return visit.page(
        "utilisation.html", 422 if wrong else 200, one=one, found=found, lines=_lines(found) if found else [],
        asked=_asked(visit, _PERIOD), kinds=list(MapBy), wrong=wrong, shade=shade,
    )  # fmt: skip


@router.get("/utilisation/rows", response_class=Response)
async def behind(instrument_id: UUID, visit: Visited, session: Reading) -> Response:
    """The uses that reach into one cell."""
    actor = visit.require()
    one = await shapes.view(session, actor, await instruments.read(session, actor, instrument_id))
    wrong: list[str] = []
    rows: list[Any] = []
    marker = None
    what = ""
    try:
        wish = CellFilter.model_validate(_asked(visit, (*_PERIOD, "weekday", "day", "hour")))
    except ValidationError as error:
        wrong = [told(each.detail) for each in validation.as_refusal(error, within=("query",)).errors]
    else:
        paging = Paging(visit.request, visit.request.query_params.get("cursor"), PAGE)
        rows, marker = await utilisation.used(session, actor, instrument_id, wish, paging)
        day = wish.day.isoformat() if wish.day else told(words.WEEKDAYS[wish.weekday or 1])
        what = say.t("{day} {a}:00–{b}:00 · {day} {a}:00–{b}:00", day=day, a=wish.hour, b=wish.hour + 1)
    return visit.page(
        "utilisation_rows.html", 422 if wrong else 200, one=one, rows=[shapes.usage(row) for row in rows], what=what,
        marker=marker, later="cursor" in visit.request.query_params, asked=_asked(visit, _PERIOD), wrong=wrong,
    )  # fmt: skip


async def _outputs_page(
    visit: Visit, session: AsyncSession, instrument_id: UUID, *, typed: Typed | None = None, wrong: Sequence[str] = (),
    status: int = 200,
) -> Response:  # fmt: skip
    request, actor = visit.request, visit.actor
    one = await shapes.view(session, actor, await instruments.read(session, actor, instrument_id))
    wrong = list(wrong)
    rows: list[Any] = []
    marker = None
    try:
        asked = request.query_params
        wish = OutputFilter.model_validate({name: asked[name] for name in ("year", "kind") if asked.get(name)})
    except ValidationError as error:
        wrong, status = [told(each.detail) for each in validation.as_refusal(error, within=("query",)).errors], 422
    else:
        cursor = asked.get("cursor") if request.method == "GET" else None
        rows, marker = await outputs.listed(session, actor, instrument_id, wish, Paging(request, cursor, PAGE))
    return visit.page(
        "instrument_outputs.html", status, one=one,
        rows=[(outputs.view(row), row.keeper or row[0].added_by == actor.person_id) for row in rows], marker=marker,
        later="cursor" in request.query_params, output_kinds=list(OutputKind), typed=typed or {}, wrong=wrong,
        here=f"/instruments/{instrument_id}/outputs",
    )  # fmt: skip


@router.get("/outputs", response_class=Response)
async def led_to(instrument_id: UUID, visit: Visited, session: Reading) -> Response:
    return await _outputs_page(visit, session, instrument_id)


@router.post("/outputs", response_class=Response)
async def add(instrument_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Write down what use led to (keepers; users do it on the page of their use)."""
    actor = visit.require()

    async def work() -> None:
        await outputs.add(session, actor, instrument_id, output_of(typed, None))

    refused = await trying.to(session, work, FIELDS)
    if refused is None:
        return visit.go(f"/instruments/{instrument_id}/outputs", "output-added")
    return await _outputs_page(visit, session, instrument_id, typed=typed, wrong=refused.wrong, status=refused.status)


@router.post("/outputs/{output_id:uuid}/removal", response_class=Response)
async def remove(instrument_id: UUID, output_id: UUID, visit: Visited, session: Writing) -> Response:
    await outputs.remove(session, visit.require(), output_id)
    return visit.go(f"/instruments/{instrument_id}/outputs", "removed")
