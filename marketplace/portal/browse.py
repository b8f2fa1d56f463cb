"""`/problems` and `/achievements`: what there is, narrowed by filters."""

from typing import Any, Final

from fastapi import APIRouter, Request, Response

from marketplace.kernel.db import Reading
from marketplace.kernel.paging import Paging
from marketplace.portal import coding, kinds
from marketplace.portal.frame import Visited
from marketplace.portal.kinds import Kind
from marketplace.portal.narrowing import Asked
from marketplace.portal.routes import PageRoute
from schemas.listings import CooperationMode, Stage

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PAGE: Final = 20
CODED: Final = {"region": "regions", "industry": "industries", "discipline": "disciplines"}
_PLAIN: Final = {"q", "trl_min", "trl_max", "bounty", "organisation"}
_MANY: Final = {"mode", "stage"}


def asked(request: Request, kind: Kind) -> Asked:
    """The filter of an address: what a form sends, blanks left out, codes read from what was typed."""
    made = Asked(request)
    known = kind.filter.model_fields
    for name in sorted(known.keys() & (CODED.keys() | _PLAIN | _MANY)):
        values = [value.strip() for value in request.query_params.getlist(name) if value.strip()]
        if not values:
            continue
        if name in CODED:
            found = [coding.read(value, CODED[name]) for value in values]
            made.wish[name] = [one.code for one in found if one.code]
            unknown = [one for one in found if not one.code]
            if unknown:
                made.wrong[name] = [one.said for one in unknown]
        elif name in _MANY:
            made.wish[name] = values
        elif name == "bounty":
            made.wish[name] = values[0] in {"1", "true", "on"}
        else:
            made.wish[name] = values[0]
    return made


async def _listed(kind: Kind, visit: Visited, session: Reading) -> Response:
    request = visit.request
    made = asked(request, kind)
    rows: list[Any] = []
    marker = None
    if (narrowed := made.read(kind.filter)) is not None:
        paging = Paging(request, request.query_params.get("cursor"), PAGE)
        rows, marker = await kind.cards(session, visit.actor, narrowed, paging)
    return visit.page(
        "browse.html",
        422 if made.wrong else 200,
        kind=kind,
        rows=rows,
        marker=marker,
        wish=made.wish,
        wrong=made.wrong,
        typed=request.query_params,
        narrowed=bool(made.wish or made.wrong),
        modes=[mode.value for mode in CooperationMode],
        stages=[stage.value for stage in Stage],
        later="cursor" in request.query_params,
    )


@router.get("/problems", response_class=Response)
async def problems(visit: Visited, session: Reading) -> Response:
    return await _listed(kinds.PROBLEM, visit, session)


@router.get("/achievements", response_class=Response)
async def achievements(visit: Visited, session: Reading) -> Response:
    return await _listed(kinds.ACHIEVEMENT, visit, session)
