"""`/problems` and `/achievements`: what there is, narrowed by filters."""

from typing import Any, Final

from fastapi import APIRouter, Request, Response

from marketplace.kernel.db import Reading
from marketplace.kernel.paging import Paging
from marketplace.portal import kinds
from marketplace.portal.frame import Visited
from marketplace.portal.kinds import Kind
from marketplace.portal.narrowing import CODED, MANY, Asked
from marketplace.portal.routes import PageRoute
from schemas.listings import CooperationMode, Stage

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PAGE: Final = 20
_ALSO: Final = frozenset({"q", "trl_min", "trl_max", "organisation"})


def asked(request: Request, kind: Kind) -> Asked:
    """The filter of an address: what a form sends, blanks left out, codes read from what was typed."""
    known = kind.filter.model_fields.keys()
    made = Asked(request).narrowed(sorted(known & (CODED.keys() | MANY | _ALSO)))
    if "bounty" in known and made.said("bounty"):
        made.wish["bounty"] = made.said("bounty") in {"1", "true", "on"}
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
