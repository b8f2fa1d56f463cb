"""`/events/{id}/desk/timetable`: drafts asked for, followed, looked at and compared, and what was published of them."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import events, publishing, schedules, shapes
from marketplace.kernel import operations
from marketplace.kernel.actor import Actor
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.operations import ENDED
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import NotFound
from marketplace.portal import acting, forms
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.events import EventAct, EventState
from schemas.meetings import LateJoiners, Planning, PublicationNew, Publishing, ScheduleNew, ScheduleView

router = APIRouter(prefix="/events/{event_id:uuid}/desk/timetable", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 20
ROWS: Final = 50
DRAFTS: Final = 100
_FIELDS: Final = {
    "/name": "名称 · name",
    "/seconds": "计算秒数 · seconds",
    "/planning": "已公布的洽谈 · published meetings",
    "/late": "后来报名的 · late joiners",
}


async def _page(
    visit: Visit,
    session: AsyncSession,
    event_id: UUID,
    *,
    typed: Typed | None = None,
    wrong: list[str] | None = None,
    status: int = 200,
) -> Response:
    """The drafts and what became of them, with the form that asks for another."""
    request, actor = visit.request, visit.require()
    one = await shapes.view(session, actor, await events.desk(session, actor, event_id))
    cursor = request.query_params.get("cursor") if request.method in {"GET", "HEAD"} else None
    rows, marker = await schedules.listed(session, actor, event_id, Paging(request, cursor, PAGE))
    published, _ = await publishing.listed(session, actor, event_id, Paging(request, None, PAGE))
    holding = next((each for each in published if each.undone_at is None), None)
    return visit.page(
        "event_timetable.html",
        status,
        one=one,
        rows=rows,
        marker=marker,
        later=cursor is not None,
        computed=[each for each in rows if each.planned_at is not None],
        numbers={each.id: each.number for each in rows},
        published=published,
        holding=holding,
        schedules=EventAct.SCHEDULE in one.possible,
        plannings=list(Planning),
        lates=list(LateJoiners),
        typed={name: values[0] for name, values in (typed or {}).items()},
        defaults=ScheduleNew(),
        wrong=wrong or [],
        here=f"/events/{event_id}/desk/timetable",
    )


@router.get("", response_class=Response)
async def listed(event_id: UUID, visit: Visited, session: Reading) -> Response:
    return await _page(visit, session, event_id)


@router.post("", response_class=Response)
async def request(event_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Have a draft computed."""
    actor = visit.require()

    async def work() -> str:
        told = {
            "name": acting.one_of(typed, "name"),
            "planning": forms.first(typed, "planning"),
            "late": forms.first(typed, "late"),
            "fill": bool(forms.first(typed, "fill")),
            "seconds": acting.number_of(forms.first(typed, "seconds")),
        }
        made = await schedules.request(session, actor, event_id, ScheduleNew.model_validate(told))
        return f"/events/{event_id}/desk/timetable/{made.id}"

    again = partial(_page, visit, session, event_id, typed=typed)
    return await acting.act(visit, session, work, "planning", again, _FIELDS)


async def _draft_of(
    session: AsyncSession, actor: Actor, event_id: UUID, schedule_id: UUID
) -> tuple[ScheduleView, bool]:
    """A draft of this event, and whether the actor is who may stop its computation."""
    found = await schedules.read(session, actor, schedule_id)
    if found.event_id != event_id:
        raise NotFound
    return (await schedules.views(session, [found]))[0], found.operation.person_id == actor.person_id


async def _draft(
    visit: Visit,
    session: AsyncSession,
    event_id: UUID,
    schedule_id: UUID,
    *,
    wrong: list[str] | None = None,
    status: int = 200,
) -> Response:
    """One draft: how far it is, then what is proven of it, its meetings, and the wishes it has no room for."""
    request, actor = visit.request, visit.require()
    draft, stops = await _draft_of(session, actor, event_id, schedule_id)
    one = await shapes.view(session, actor, await events.desk(session, actor, event_id))
    unplaced = request.query_params.get("show") == "unplaced"
    rows: list[Any] = []
    marker = None
    cursor = request.query_params.get("cursor") if request.method in {"GET", "HEAD"} else None
    if draft.planned_at is not None:
        listed = schedules.unplaced if unplaced else schedules.meetings
        rows, marker = await listed(session, actor, schedule_id, Paging(request, cursor, ROWS))
    others, _ = await schedules.listed(session, actor, event_id, Paging(request, None, DRAFTS))
    return visit.page(
        "event_draft.html",
        status,
        one=one,
        draft=draft,
        stops=stops,
        under_way=draft.state not in ENDED,
        unplaced=unplaced,
        rows=rows,
        marker=marker,
        later=cursor is not None,
        others=[each for each in others if each.planned_at is not None and each.id != draft.id],
        # What is published for good already is not offered once more.
        publishes=EventAct.SCHEDULE in one.possible
        and draft.planned_at is not None
        and not (draft.published and one.state is not EventState.CLOSED),
        kinds=list(Publishing),
        wrong=wrong or [],
        here=f"/events/{event_id}/desk/timetable/{schedule_id}",
    )


@router.get("/{schedule_id:uuid}", response_class=Response)
async def draft(event_id: UUID, schedule_id: UUID, visit: Visited, session: Reading) -> Response:
    return await _draft(visit, session, event_id, schedule_id)


@router.get("/{schedule_id:uuid}/progress", response_class=Response)
async def progress(event_id: UUID, schedule_id: UUID, visit: Visited, session: Reading) -> Response:
    """How far it is, for the page that is open; when it has ended, that page goes on to what came of it."""
    found, stops = await _draft_of(session, visit.require(), event_id, schedule_id)
    here = f"/events/{event_id}/desk/timetable/{schedule_id}"
    answer = visit.page("parts/computing.html", draft=found, stops=stops, here=here)
    if found.state in ENDED:
        answer.headers["HX-Redirect"] = here
    return answer


@router.get("/comparison", response_class=Response)
async def compare(event_id: UUID, visit: Visited, session: Reading) -> Response:
    """From one draft to another: who gains, who loses, what moves."""
    actor, asked = visit.require(), visit.request.query_params
    one = await shapes.view(session, actor, await events.desk(session, actor, event_id))
    try:
        first, second = (UUID(asked.get(name, "")) for name in ("one", "other"))
    except ValueError:
        raise NotFound from None
    for schedule_id in (first, second):
        await _draft_of(session, actor, event_id, schedule_id)
    return visit.page(
        "event_comparison.html",
        one=one,
        found=await schedules.compare(session, actor, first, second),
        first=first,
        second=second,
        here=visit.where(lang=None),
    )


async def _on_draft(
    visit: Visit,
    session: AsyncSession,
    event_id: UUID,
    schedule_id: UUID,
    work: Callable[[], Awaitable[str]],
    said: str,
) -> Response:
    return await acting.act(visit, session, work, said, partial(_draft, visit, session, event_id, schedule_id), {})


@router.post("/{schedule_id:uuid}/stop", response_class=Response)
async def stop(event_id: UUID, schedule_id: UUID, visit: Visited, session: Writing) -> Response:
    """Ask the computation to stop."""
    actor = visit.require()

    async def work() -> str:
        found, _ = await _draft_of(session, actor, event_id, schedule_id)
        await operations.cancel(session, actor, found.operation_id)
        return f"/events/{event_id}/desk/timetable/{schedule_id}"

    return await _on_draft(visit, session, event_id, schedule_id, work, "planning-off")


@router.post("/{schedule_id:uuid}/publication", response_class=Response)
async def publish(event_id: UUID, schedule_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Let the meetings of a draft hold."""
    actor = visit.require()

    async def work() -> str:
        await _draft_of(session, actor, event_id, schedule_id)
        wish = PublicationNew.model_validate({"kind": forms.first(typed, "kind")})
        await publishing.publish(session, actor, schedule_id, wish.kind)
        return f"/events/{event_id}/desk/meetings"

    return await _on_draft(visit, session, event_id, schedule_id, work, "schedule-out")


@router.post("/publications/{publication_id:uuid}/undoing", response_class=Response)
async def undo(event_id: UUID, publication_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Bring back what held before the latest publication."""
    actor = visit.require()

    async def work() -> str:
        await publishing.undo(session, actor, event_id, publication_id)
        return f"/events/{event_id}/desk/timetable"

    again = partial(_page, visit, session, event_id, typed=typed)
    return await acting.act(visit, session, work, "schedule-back", again, {})
