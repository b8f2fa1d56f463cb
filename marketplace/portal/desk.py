"""`/desk`: what is mine, and what waits for me."""

from datetime import timedelta
from typing import Final

from fastapi import APIRouter, Response

from marketplace.experts import experts
from marketplace.identity import people
from marketplace.kernel import clock
from marketplace.kernel.db import Reading
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import NotSignedIn
from marketplace.listings import desk as waiting
from marketplace.portal import kinds
from marketplace.portal.frame import Visited
from marketplace.portal.routes import PageRoute
from schemas.identity import Permission
from schemas.listings import ListingState

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PAGE: Final = 20
SOON: Final = timedelta(days=14)


@router.get("/desk", response_class=Response)
async def desk(visit: Visited, session: Reading) -> Response:
    if not visit.signed_in:
        raise NotSignedIn
    actor, asked = visit.actor, visit.request.query_params
    person, memberships = await people.read_me(session, actor)
    counts = await waiting.counts(session, actor)
    written = [kind for kind in kinds.KINDS.values() if any(of is kind.name for of, _ in counts)]
    kind = kinds.KINDS.get(asked.get("kind", ""), written[0] if written else kinds.PROBLEM)
    state = asked.get("state", "")
    wish = {"mine": True} | ({"state": state} if state in set(ListingState) else {})
    rows, marker = await kind.cards(
        session, actor, kind.filter.model_validate(wish), Paging(visit.request, asked.get("cursor"), PAGE)
    )
    return visit.page(
        "desk.html",
        person=person,
        memberships=memberships,
        counts=counts,
        kinds=kinds.KINDS,
        kind=kind,
        state=state,
        states=[one for one in ListingState if counts.get((kind.name, one))],
        total=sum(count for (of, _), count in counts.items() if of is kind.name),
        rows=rows,
        marker=marker,
        later="cursor" in asked,
        due=await waiting.to_confirm(session, actor, before=clock.now() + SOON),
        experts_due=await experts.to_confirm(session, actor, before=clock.now() + SOON),
        requests=await waiting.requests(session, actor),
        asked=await waiting.asked(session, actor),
        by_name=kinds.BY_NAME,
        manages=bool(actor.organisations_where(Permission.MANAGE_LABS)),
        writer=bool(actor.organisations_where(Permission.WRITE_RECORDS)),
    )
