"""`/verdicts`: what my side said of pairings, changed and taken back in place."""

import json
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Response
from pydantic import ValidationError

from marketplace.kernel import validation
from marketplace.kernel.db import Reading
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import NotSignedIn
from marketplace.portal import kinds
from marketplace.portal.frame import Visited
from marketplace.portal.routes import PageRoute
from marketplace.verdicts import verdicts
from schemas.identity import Permission
from schemas.verdicts import VerdictFilter

router = APIRouter(prefix="/verdicts", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 10
_WHOSE: Final = {"1": True, "0": False}
_BY_NAME: Final = {kind.name: kind for kind in kinds.KINDS.values()}


@router.get("", response_class=Response)
async def mine(visit: Visited, session: Reading) -> Response:
    """Those of my organisations, latest first; the platform's desk and auditors see all of them."""
    if not visit.signed_in:
        raise NotSignedIn
    actor, query = visit.actor, visit.request.query_params
    asked: dict[str, Any] = {name: query[name] for name in ("grade", "listing") if query.get(name)}
    if query.get("mine") in _WHOSE:
        asked["mine"] = _WHOSE[query["mine"]]
    wish, wrong = VerdictFilter(), []
    try:
        wish = VerdictFilter.model_validate(asked)
    except ValidationError as error:
        wrong = [told(one.detail) for one in validation.as_refusal(error, within=("query",)).errors]
    paging = Paging(visit.request, query.get("cursor"), PAGE)
    rows, marker = await verdicts.listed(session, actor, wish, paging)
    return visit.page(
        "verdicts.html",
        422 if wrong else 200,
        rows=rows,
        marker=marker,
        later=paging.cursor,
        wish=wish,
        wrong=wrong,
        export=f"/api/v1/verdicts.xlsx?{urlencode(json.loads(wish.model_dump_json(exclude_none=True)))}".lower(),
        by_name=_BY_NAME,
        writes=actor.organisations_where(Permission.WRITE_RECORDS),
        reads_all=Permission.READ_ALL in actor.platform,
    )
