"""`/events/{id}/desk/organizers`: with whom an event is held, found by name, named with their part, and let go."""

from functools import partial
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import events, shapes
from marketplace.identity import organisations
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import NotFound
from marketplace.portal import acting, forms
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.events import CoOrganizerBody, EventAct, OrganizerRole

router = APIRouter(prefix="/events/{event_id:uuid}/desk/organizers", route_class=PageRoute, include_in_schema=False)

FOUND: Final = 10


async def _page(
    visit: Visit,
    session: AsyncSession,
    event_id: UUID,
    *,
    typed: Typed | None = None,
    wrong: list[str] | None = None,
    status: int = 200,
) -> Response:
    request, actor = visit.request, visit.require()
    one = await shapes.view(session, actor, await events.desk(session, actor, event_id))
    q = request.query_params.get("q", "").strip()[:200]
    found: list[Any] = []
    if q:
        found, _ = await organisations.listed(
            session, actor, Paging(request, None, FOUND), kind=None, region=[], verification=None, q=q, mine=False
        )
    with_us = {each.organisation.id for each in one.organizers} | {one.organisation.id}
    return visit.page(
        "event_partners.html",
        status,
        one=one,
        q=q,
        found=[each for each in found if each.id not in with_us],
        roles=list(OrganizerRole),
        changes=EventAct.EDIT in one.possible,
        wrong=wrong or [],
        here=f"/events/{event_id}/desk/organizers",
    )


@router.get("", response_class=Response)
async def listed(event_id: UUID, visit: Visited, session: Reading) -> Response:
    return await _page(visit, session, event_id)


@router.post("", response_class=Response)
async def name(event_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Hold it together with another organisation, or change its part."""
    actor = visit.require()

    async def work() -> str:
        try:
            organisation_id = UUID(forms.first(typed, "organisation_id"))
        except ValueError:
            raise NotFound from None
        told = {"role": forms.first(typed, "role"), "runs_desk": forms.first(typed, "runs_desk") == "1"}
        await events.name_organizer(session, actor, event_id, organisation_id, CoOrganizerBody.model_validate(told))
        return f"/events/{event_id}/desk/organizers"

    again = partial(_page, visit, session, event_id, typed=typed)
    return await acting.act(visit, session, work, "partner", again, {"/role": "怎样合办 · their part"})


@router.post("/{organisation_id:uuid}/removal", response_class=Response)
async def let_go(event_id: UUID, organisation_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()

    async def work() -> str:
        await events.remove_organizer(session, actor, event_id, organisation_id)
        return f"/events/{event_id}/desk/organizers"

    again = partial(_page, visit, session, event_id, typed=typed)
    return await acting.act(visit, session, work, "partner", again, {})
