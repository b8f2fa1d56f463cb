"""`/platform/facts`: what was done, by whom, when and on which record, for the platform's administrators and auditors."""

from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Response
from pydantic import ValidationError

from marketplace.audit import trail
from marketplace.kernel import validation
from marketplace.kernel.clock import BEIJING
from marketplace.kernel.db import Reading
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import NotSignedIn
from marketplace.portal import fact_words
from marketplace.portal.frame import Visited
from marketplace.portal.routes import PageRoute
from schemas.audit import FactFilter

router = APIRouter(prefix="/platform/facts", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 50
_PEOPLE: Final = {
    "by": "找不到这个邮箱或编号的人。 · There is nobody with this address or id.",
    "organisation": "找不到这个信用代码或编号的单位。 · There is no organisation with this code or id.",
}


@router.get("", response_class=Response)
async def facts(visit: Visited, session: Reading) -> Response:
    """A person is named by the address they sign in with, an organisation by its code; either by its id."""
    if not visit.signed_in:
        raise NotSignedIn
    query = visit.request.query_params
    asked: dict[str, Any] = {name: query[name] for name in ("record",) if query.get(name)}
    if query.get("name"):
        asked["name"] = [query["name"]]
    for name in ("since", "until"):
        if query.get(name):
            # As a day and an hour are typed: here, they are China's.
            asked[name] = f"{query[name]}:00+08:00"
    wrong = []
    for name, unknown in _PEOPLE.items():
        if said := query.get(name, "").strip():
            asked[name] = await trail.meant(session, visit.actor, said)
            if asked[name] is None:
                wrong.append(told(unknown))
    wish = FactFilter()
    try:
        wish = FactFilter.model_validate(asked)
    except ValidationError as error:
        wrong += [told(one.detail) for one in validation.as_refusal(error, within=("query",)).errors]
    paging = Paging(visit.request, query.get("cursor"), PAGE)
    rows, marker = ([], None) if wrong else await trail.listed(session, visit.actor, wish, paging)
    narrowed = wish.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    return visit.page(
        "facts.html",
        422 if wrong else 200,
        rows=rows,
        marker=marker,
        later=paging.cursor is not None,
        wish=wish,
        typed={name: query.get(name, "") for name in ("by", "organisation", "record", "since", "until")},
        wrong=wrong,
        names=fact_words.names(),
        called=fact_words.called,
        exports={form: f"/api/v1/facts.{form}?{urlencode(narrowed, doseq=True)}" for form in ("xlsx", "csv")},
        narrowed=bool(narrowed),
        zone=BEIJING,
    )
