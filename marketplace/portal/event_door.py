"""`/events/{id}/desk/door`: checking in at a door, with a scanner that types the code, or by name."""

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import badges, doors, events, registrations, shapes
from marketplace.kernel import validation
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import Refusal
from marketplace.portal import forms, say
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent
from schemas.events import EventAct
from schemas.registrations import CheckInNew, CheckInView, RegistrationFilter, RegistrationState

router = APIRouter(prefix="/events/{event_id:uuid}/desk/door", route_class=PageRoute, include_in_schema=False)

LATEST: Final = 10
FOUND: Final = 20
_ENTRANCE: Final = "入口 · Entrance"


async def _page(
    visit: Visit,
    session: AsyncSession,
    event_id: UUID,
    *,
    door: str,
    q: str = "",
    came: CheckInView | None = None,
    wrong: list[str] | None = None,
    status: int = 200,
) -> Response:
    """The door: who was just let in or why not, the field for the next code, and whoever comes without a badge."""
    request, actor = visit.request, visit.require()
    one = await shapes.view(session, actor, await events.desk(session, actor, event_id))
    first = Paging(request, None, LATEST)
    latest, _ = await doors.listed(session, actor, event_id, first)
    found: list[Any] = []
    if q.strip():
        try:
            wish = RegistrationFilter.model_validate({"q": q, "state": RegistrationState.CONFIRMED})
        except ValidationError as error:
            wrong, status = [told(each.detail) for each in validation.as_refusal(error).errors], 422
        else:
            rows, _ = await registrations.listed(session, actor, event_id, wish, Paging(request, None, FOUND))
            key = request.app.state.signing_key
            found = [(row, person, badges.code(key, person)) for row in rows for person in row.people]
    return visit.page(
        "event_door.html",
        status,
        one=one,
        door=door,
        q=q,
        came=came,
        found=found,
        latest=latest,
        presence=await doors.presence(session, actor, event_id),
        checks=EventAct.CHECK_IN in one.possible,
        wrong=wrong or [],
        here=f"/events/{event_id}/desk/door",
    )


@router.get("", response_class=Response)
async def door(event_id: UUID, visit: Visited, session: Reading) -> Response:
    asked = visit.request.query_params
    return await _page(
        visit, session, event_id, door=asked.get("door", "")[:100] or say.t(_ENTRANCE), q=asked.get("q", "")[:200]
    )


@router.post("", response_class=Response)
async def check_in(event_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Let somebody in. The answer is the same page, so that the next code can be read at once."""
    actor = visit.require()
    name = forms.first(typed, "door").strip() or say.t(_ENTRANCE)
    try:
        async with session.begin_nested():
            wish = CheckInNew.model_validate({"code": forms.first(typed, "code"), "door": name})
            came = await doors.check_in(session, actor, event_id, wish, visit.request.app.state.signing_key)
    except ValidationError as error:
        wrong = [told(one.detail) for one in validation.as_refusal(error).errors]
        return await _page(visit, session, event_id, door=name[:100], wrong=wrong, status=422)
    except Refusal as refusal:
        if refusal.status not in {409, 422}:
            raise
        wrong = [told(one.detail) for one in refusal.errors] or [told(refusal.detail or refusal.title())]
        return await _page(visit, session, event_id, door=name, wrong=wrong, status=refusal.status)
    return await _page(visit, session, event_id, door=name, came=came)
