"""`/events/{id}/desk/wishes`: the pairs of an event, having them proposed, the terms of asking, visits of several slots."""

from functools import partial
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import events, proposing, shapes, wish_desk
from marketplace.kernel import operations
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import NotFound
from marketplace.portal import acting, forms
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.narrowing import Asked
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.agenda import AgendaView
from schemas.events import EventAct
from schemas.operations import OperationState
from schemas.wishes import Visit as LabVisit
from schemas.wishes import WishDeskFilter, WishTerms

router = APIRouter(prefix="/events/{event_id:uuid}/desk/wishes", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 20
_FIELDS: Final = {
    "/outstanding_most": "未答复的约见上限 · requests without an answer",
    "/answer_hours": "有效小时数 · hours to answer",
    "/table_id": "地点 · place",
    "/slots": "场次数 · slots",
}


def tables(agenda: AgendaView) -> list[tuple[UUID, str]]:
    """Every table of an event with its room, as forms offer them."""
    return [
        (table.id, f"{room.name} {table.name}")
        for venue in agenda.venues
        for room in venue.rooms
        for table in room.tables
    ]


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
    event = await events.desk(session, actor, event_id)
    one = await shapes.view(session, actor, event)
    asked = Asked(request)
    if request.method in {"GET", "HEAD"}:
        asked.plain(*WishDeskFilter.model_fields)
    wish = asked.read(WishDeskFilter) or WishDeskFilter()
    rows, marker = await wish_desk.of_event(
        session, actor, event_id, wish, Paging(request, asked.typed.get("cursor"), PAGE)
    )
    rules, version = await wish_desk.terms(session, event_id)
    agenda = await shapes.agenda_view(session, event, comes=True)
    return visit.page(
        "event_wishes.html",
        422 if asked.wrong else status,
        one=one,
        rows=rows,
        marker=marker,
        later="cursor" in asked.typed,
        wish=wish,
        q=asked.typed.get("q", ""),
        rules=rules,
        version=version,
        tables=tables(agenda),
        work=await _work(visit, session),
        proposes=EventAct.WISH in one.possible,
        typed={name: values[0] for name, values in (typed or {}).items()},
        wrong=[*(wrong or []), *asked.reasons],
        here=f"/events/{event_id}/desk/wishes",
    )


async def _work(visit: Visit, session: AsyncSession) -> Any:
    """How far the proposals are that one has just asked for."""
    try:
        return await operations.read(session, visit.actor, UUID(visit.request.query_params.get("work", "")))
    except (ValueError, NotFound):
        return None


@router.get("", response_class=Response)
async def listed(event_id: UUID, visit: Visited, session: Reading) -> Response:
    return await _page(visit, session, event_id)


@router.get("/work", response_class=Response)
async def progress(event_id: UUID, visit: Visited, session: Reading) -> Response:
    """How far it is, for the page that is open; when it is done, that page goes on to what came of it."""
    visit.require()
    home, work = f"/events/{event_id}/desk/wishes", await _work(visit, session)
    answer = visit.page("parts/progress.html", work=work, at=f"{home}/work", here="/")
    if work is None or work.state is OperationState.DONE:
        answer.headers["HX-Redirect"] = home
    return answer


@router.post("/proposals", response_class=Response)
async def propose(event_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()

    async def work() -> str:
        started = await proposing.start(session, actor, event_id)
        return f"/events/{event_id}/desk/wishes?work={started.id}"

    again = partial(_page, visit, session, event_id, typed=typed)
    return await acting.act(visit, session, work, "proposing", again, {})


@router.post("/terms", response_class=Response)
async def set_terms(event_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()

    async def work() -> str:
        told = {name: acting.number_of(forms.first(typed, name)) for name in WishTerms.model_fields}
        wish = WishTerms.model_validate(told)
        await wish_desk.set_terms(session, actor, event_id, acting.version_of(typed), wish)
        return f"/events/{event_id}/desk/wishes"

    again = partial(_page, visit, session, event_id, typed=typed)
    return await acting.act(visit, session, work, "terms", again, _FIELDS)


@router.post("/{wish_id:uuid}/visit", response_class=Response)
async def visit_there(event_id: UUID, wish_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Let it be a visit of several slots at one place, or (no place) a meeting like others."""
    actor = visit.require()

    async def work() -> str:
        at: LabVisit | None = None
        if table := acting.one_of(typed, "table_id"):
            slots = acting.number_of(forms.first(typed, "slots"))
            at = LabVisit.model_validate({"table_id": table, "slots": slots})
        await wish_desk.visit(session, actor, event_id, wish_id, at)
        return f"/events/{event_id}/desk/wishes#w-{wish_id}"

    again = partial(_page, visit, session, event_id, typed=typed)
    return await acting.act(visit, session, work, "visit", again, _FIELDS)
