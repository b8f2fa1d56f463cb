"""`/charges/sharing`: the year of open sharing, and the uses and organisations behind an instrument's figures."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Response

from marketplace.kernel import clock
from marketplace.kernel.db import Reading
from marketplace.kernel.paging import Paging
from marketplace.money import sharing
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.narrowing import Asked
from marketplace.portal.routes import PageRoute
from schemas.reports import Grouping, RowsFilter, SharingFilter

router = APIRouter(prefix="/charges/sharing", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 50


def _asked(visit: Visit, *names: str) -> Asked:
    """The filter of an address; this year, where none is named."""
    asked = Asked(visit.request)
    asked.wish["year"] = str(clock.today().year)
    asked.plain(*names)
    return asked


def _paging(visit: Visit) -> Paging:
    return Paging(visit.request, visit.request.query_params.get("cursor"), PAGE)


@router.get("", response_class=Response)
async def sheet(visit: Visited, session: Reading) -> Response:
    """A row of each instrument, laboratory or organisation that one answers for."""
    actor = visit.require()
    asked = _asked(visit, "year", "by", "organisation")
    wish = asked.read(SharingFilter) or SharingFilter(year=clock.today().year)
    rows, marker = ([], None) if asked.wrong else await sharing.report(session, actor, wish, _paging(visit))
    return visit.page(
        "sharing.html",
        422 if asked.wrong else 200,
        rows=rows,
        marker=marker,
        later="cursor" in visit.request.query_params,
        wish=wish,
        wrong=asked.reasons,
        groupings=list(Grouping),
    )


@router.get("/{instrument_id:uuid}", response_class=Response)
async def behind(instrument_id: UUID, visit: Visited, session: Reading) -> Response:
    """The uses behind the hours of a year, and whom it served."""
    actor = visit.require()
    asked = _asked(visit, "year", "external")
    wish = asked.read(RowsFilter) or RowsFilter(year=clock.today().year)
    rows, marker = await sharing.used(session, actor, instrument_id, wish, _paging(visit))
    whole = Paging(visit.request, None, 100)
    served, more = await sharing.served(session, actor, instrument_id, wish.year, whole)
    return visit.page(
        "sharing_rows.html",
        422 if asked.wrong else 200,
        rows=rows,
        marker=marker,
        later="cursor" in visit.request.query_params,
        served=served,
        more=more is not None,
        wish=wish,
        wrong=asked.reasons,
        instrument_id=instrument_id,
    )
