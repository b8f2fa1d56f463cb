"""`/instruments/duplicate-check`: before buying one, which peers nearby have hours to spare, and the uses behind them."""

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import ValidationError

from marketplace.kernel import clock, validation
from marketplace.kernel.db import Reading
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import NotFound
from marketplace.labs import instruments
from marketplace.money import duplicates
from marketplace.portal import coding
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.routes import PageRoute
from schemas.duplicates import FULL_HOURS, DuplicateFilter, DuplicateRow
from schemas.places import Datum
from schemas.reports import OfYear

router = APIRouter(prefix="/instruments/duplicate-check", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 50
_CODED: Final = {"class_code": "instrument_classes", "region": "regions"}


def _asked(visit: Visit) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The question of an address, blanks left out and codes read from what was typed; last year, where none is named."""
    typed = visit.request.query_params
    wish: dict[str, Any] = {"year": str(clock.today().year - 1)}
    wrong: dict[str, list[str]] = {}
    for name in ("year", "longitude", "latitude", "within_km"):
        if value := typed.get(name, "").strip():
            wish[name] = value
    # The choice of a datum is always sent; it means something beside a point only.
    if {"longitude", "latitude"} & wish.keys():
        wish["datum"] = typed.get("datum", "")
    for name, table in _CODED.items():
        if value := typed.get(name, "").strip():
            found = coding.read(value, table)
            if found.code:
                wish[name] = found.code
            else:
                wrong[name] = [found.said]
    return wish, wrong


@router.get("", response_class=Response)
async def check(visit: Visited, session: Reading) -> Response:
    actor = visit.require()
    asked = "class_code" in visit.request.query_params
    wish, wrong = _asked(visit)
    question: DuplicateFilter | None = None
    if asked and not wrong:
        try:
            question = DuplicateFilter.model_validate(wish)
        except ValidationError as error:
            for one in validation.as_refusal(error, within=("query",)).errors:
                wrong.setdefault(one.pointer, []).append(told(one.detail))
    rows: list[DuplicateRow] = []
    marker, sums = None, None
    if question is not None:
        paging = Paging(visit.request, visit.request.query_params.get("cursor"), PAGE)
        rows, marker = await duplicates.peers(session, actor, question, paging)
        sums = await duplicates.sums(session, actor, question)
    return visit.page(
        "duplicate_check.html",
        422 if wrong else 200,
        asked=asked,
        wish=wish,
        wrong=wrong,
        typed=visit.request.query_params,
        question=question,
        rows=rows,
        sums=sums,
        marker=marker,
        later="cursor" in visit.request.query_params,
        datums=list(Datum),
        full=FULL_HOURS,
    )


@router.get("/{instrument_id:uuid}", response_class=Response)
async def behind(instrument_id: UUID, visit: Visited, session: Reading) -> Response:
    """The uses behind the hours of one peer."""
    actor = visit.require()
    typed = visit.request.query_params
    try:
        year = OfYear.model_validate({"year": typed.get("year", "") or str(clock.today().year - 1)}).year
    except ValidationError:
        raise NotFound from None
    paging = Paging(visit.request, typed.get("cursor"), PAGE)
    rows, marker = await duplicates.uses(session, actor, instrument_id, year, paging)
    instrument = await instruments.read(session, actor, instrument_id)
    return visit.page(
        "duplicate_uses.html", one=instrument, year=year, rows=rows, marker=marker, later="cursor" in typed
    )
