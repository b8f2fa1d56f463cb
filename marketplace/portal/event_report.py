"""`/events/{id}/desk/report`: what became of an event, to be read and printed, and the rows behind each figure."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import doors, events, meetings, outcomes, reports, shapes
from marketplace.kernel.actor import Actor
from marketplace.kernel.db import Reading
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import NotFound
from marketplace.portal.frame import Visited
from marketplace.portal.narrowing import Asked
from marketplace.portal.routes import PageRoute
from schemas.event_extras import CheckInFilter
from schemas.meetings import MeetingFilter
from schemas.outcomes import InterestFilter, OutcomeFilter

router = APIRouter(prefix="/events/{event_id:uuid}/desk/report", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 50
# Rows that have a page of the desk's own; all others are listed below the report.
OF_DESK: Final = {"registrations": "", "wishes": "/wishes"}


def page_of(event_id: UUID, rows: str) -> str:
    """The page that shows the rows of an address of the API, narrowed in the same way."""
    path, _, query = rows.partition("?")
    what = path.rpartition("/")[2]
    kept = urlencode([(name, value) for name, value in parse_qsl(query) if name != "event"])
    at = f"/events/{event_id}/desk" + OF_DESK.get(what, f"/report/{what}")
    return f"{at}?{kept}" if kept else at


@router.get("", response_class=Response)
async def report(event_id: UUID, visit: Visited, session: Reading) -> Response:
    actor = visit.require()
    made = await reports.report(session, actor, event_id)
    one = await shapes.view(session, actor, await events.desk(session, actor, event_id))

    def behind(rows: str) -> str:
        return page_of(event_id, rows)

    return visit.page("event_report.html", one=one, made=made, behind=behind, here=f"/events/{event_id}/desk/report")


Rows = Callable[[AsyncSession, Actor, UUID, Any, Paging], Awaitable[tuple[list[Any], str | None]]]


async def _came(
    session: AsyncSession, actor: Actor, event_id: UUID, wish: Any, paging: Paging
) -> tuple[list[Any], str | None]:
    return await doors.listed(session, actor, event_id, paging, wish)


async def _met(
    session: AsyncSession, actor: Actor, event_id: UUID, wish: Any, paging: Paging
) -> tuple[list[Any], str | None]:
    return await meetings.listed(session, actor, wish.model_copy(update={"event": event_id}), paging)


async def _said(
    session: AsyncSession, actor: Actor, event_id: UUID, wish: Any, paging: Paging
) -> tuple[list[Any], str | None]:
    return await outcomes.listed(session, actor, wish.model_copy(update={"event": event_id}), paging)


async def _interested(
    session: AsyncSession, actor: Actor, event_id: UUID, wish: Any, paging: Paging
) -> tuple[list[Any], str | None]:
    found, marker = await outcomes.interests(session, actor, wish.model_copy(update={"event": event_id}), paging)
    sides = await outcomes.parties(session, found)
    return [(one, *sides[one.id]) for one in found], marker


ROWS: Final[Mapping[str, tuple[Rows, type[BaseModel]]]] = {
    "check-ins": (_came, CheckInFilter),
    "meetings": (_met, MeetingFilter),
    "outcomes": (_said, OutcomeFilter),
    "interests": (_interested, InterestFilter),
}


@router.get("/{what}", response_class=Response)
async def rows(event_id: UUID, what: str, visit: Visited, session: Reading) -> Response:
    """What a figure counts, row by row."""
    request, actor = visit.request, visit.require()
    one = await shapes.view(session, actor, await events.desk(session, actor, event_id))
    if what not in ROWS:
        raise NotFound
    listed, shape = ROWS[what]
    asked = Asked(request)
    asked.plain(*(shape.model_fields.keys() - {"event"}))
    wish = asked.read(shape)
    found: list[Any] = []
    marker = None
    if wish is not None:
        paging = Paging(request, asked.typed.get("cursor"), PAGE)
        found, marker = await listed(session, actor, event_id, wish, paging)
    return visit.page(
        "event_report_rows.html",
        422 if asked.wrong else 200,
        one=one,
        what=what,
        rows=found,
        marker=marker,
        later="cursor" in asked.typed,
        wish=wish,
        wrong=asked.reasons,
        here=visit.where(lang=None, cursor=None),
    )
