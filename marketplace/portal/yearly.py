"""`/charges/sharing`: the year of open sharing, and the uses and organisations behind an instrument's figures."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import ValidationError

from marketplace.kernel import clock, validation
from marketplace.kernel.db import Reading
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.money import sharing
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.routes import PageRoute
from schemas.reports import Grouping, RowsFilter, SharingFilter

router = APIRouter(prefix="/charges/sharing", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 50


def _asked(visit: Visit, names: tuple[str, ...]) -> dict[str, str]:
    """The filter of an address; this year, where none is named."""
    typed = visit.request.query_params
    return {"year": str(clock.today().year)} | {name: typed[name] for name in names if typed.get(name)}


def _paging(visit: Visit) -> Paging:
    return Paging(visit.request, visit.request.query_params.get("cursor"), PAGE)


@router.get("", response_class=Response)
async def sheet(visit: Visited, session: Reading) -> Response:
    """A row of each instrument, laboratory or organisation that one answers for."""
    actor = visit.require()
    wrong: list[str] = []
    wish = SharingFilter(year=clock.today().year)
    try:
        wish = SharingFilter.model_validate(_asked(visit, ("year", "by", "organisation")))
    except ValidationError as error:
        wrong = [told(one.detail) for one in validation.as_refusal(error, within=("query",)).errors]
    rows, marker = ([], None) if wrong else await sharing.report(session, actor, wish, _paging(visit))
    return visit.page(
        "sharing.html",
        422 if wrong else 200,
        rows=rows,
        marker=marker,
        later="cursor" in visit.request.query_params,
        wish=wish,
        wrong=wrong,
        groupings=list(Grouping),
    )


@router.get("/{instrument_id:uuid}", response_class=Response)
async def behind(instrument_id: UUID, visit: Visited, session: Reading) -> Response:
    """The uses behind the hours of a year, and whom it served."""
    actor = visit.require()
    wrong: list[str] = []
    wish = RowsFilter(year=clock.today().year)
    try:
        wish = RowsFilter.model_validate(_asked(visit, ("year", "external")))
    except ValidationError as error:
        wrong = [told(one.detail) for one in validation.as_refusal(error, within=("query",)).errors]
    rows, marker = await sharing.used(session, actor, instrument_id, wish, _paging(visit))
    whole = Paging(visit.request, None, 100)
    served, more = await sharing.served(session, actor, instrument_id, wish.year, whole)
    return visit.page(
        "sharing_rows.html",
        422 if wrong else 200,
        rows=rows,
        marker=marker,
        later="cursor" in visit.request.query_params,
        served=served,
        more=more is not None,
        wish=wish,
        wrong=wrong,
        instrument_id=instrument_id,
    )
