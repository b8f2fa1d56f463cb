"""What is taken along to an event: calendars, the table plan, the door list, schedules on paper."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import anyio.to_thread
from fastapi import APIRouter, Query, Response

from marketplace.docking import events, handouts, prints, roster
from marketplace.kernel import language, paper
from marketplace.kernel.actor import SignedIn
from marketplace.kernel.db import Reading, TransactionRoute
from marketplace.kernel.files import attached, binary
from marketplace.kernel.refusals import NotFound, NotSignedIn, problems
from marketplace.kernel.sheets import XLSX
from marketplace.labs import ical
from schemas.meetings import CalendarFilter, DoorList, TablePlan

router = APIRouter(prefix="/api/v1", tags=["docking"], route_class=TransactionRoute)

DESK = (NotSignedIn, NotFound, events.NotItsOrganizer)
WHOLE = (*DESK, roster.TooManyForOneFile)
PAPER = binary(paper.MEDIA_TYPE)
_CALENDAR: dict[int | str, dict[str, Any]] = {200: {"content": {"text/calendar": {"schema": {"type": "string"}}}}}


@router.get(
    "/registrations/{registration_id}/meetings.ics",
    response_class=Response,
    responses=problems(NotSignedIn, NotFound) | _CALENDAR,
)
async def calendar_of_list(
    registration_id: UUID, wish: Annotated[CalendarFilter, Query()], session: Reading, actor: SignedIn
) -> Response:
    """我的洽谈日历 · The meetings of a list as a calendar (RFC 5545), or of one of its people alone."""
    text = await handouts.calendar_of_list(session, actor, registration_id, wish.person)
    return Response(text, media_type=ical.MEDIA_TYPE)


@router.get("/events/{event_id}/meetings.ics", response_class=Response, responses=problems(*DESK) | _CALENDAR)
async def calendar_of_event(event_id: UUID, session: Reading, actor: SignedIn) -> Response:
    """活动洽谈日历 · All meetings of an event as a calendar (the desk)."""
    return Response(await handouts.calendar_of_event(session, actor, event_id), media_type=ical.MEDIA_TYPE)


@router.get("/events/{event_id}/table-plan", responses=problems(*DESK))
async def table_plan(event_id: UUID, session: Reading, actor: SignedIn) -> TablePlan:
    """桌位表 · Who sits where and when, table by table (the desk)."""
    return await handouts.table_plan(session, actor, event_id)


@router.get("/events/{event_id}/door-list", responses=problems(*WHOLE))
async def door_list(event_id: UUID, session: Reading, actor: SignedIn) -> DoorList:
    """签到表 · Everybody who is expected, by name, with where they are to be (the desk)."""
    return await handouts.door_list(session, actor, event_id)


@router.get("/events/{event_id}/table-plan.xlsx", response_class=Response, responses=problems(*WHOLE) | binary(XLSX))
async def workbook(event_id: UUID, session: Reading, actor: SignedIn) -> Response:
    """桌位表与签到表（Excel） · Table plan and door list, a sheet each (the desk)."""
    event = await events.desk(session, actor, event_id)
    plan = await handouts.table_plan(session, actor, event_id)
    doors = await handouts.door_list(session, actor, event_id)
    return attached(handouts.workbook(event, plan, doors), f"{event.title} 桌位表.xlsx", XLSX)


async def _printed(name: str, draw: Callable[..., bytes], *what: Any) -> Response:
    """Drawn in a thread, in the reader's language."""
    content = await anyio.to_thread.run_sync(partial(draw, *what, language.reading.get()))
    return attached(content, name, paper.MEDIA_TYPE)


@router.get("/events/{event_id}/table-plan.pdf", response_class=Response, responses=problems(*DESK) | PAPER)
async def printed_table_plan(event_id: UUID, session: Reading, actor: SignedIn) -> Response:
    """桌位表（PDF） · The table plan, to be laid on the tables (the desk)."""
    event = await events.desk(session, actor, event_id)
    plan = await handouts.table_plan(session, actor, event_id)
    return await _printed(f"{event.title} 桌位表.pdf", prints.table_plan, event, plan)


@router.get("/events/{event_id}/door-list.pdf", response_class=Response, responses=problems(*WHOLE) | PAPER)
async def printed_door_list(event_id: UUID, session: Reading, actor: SignedIn) -> Response:
    """入场名单（PDF） · Everybody who is expected, by name, with where they meet and room to sign (the desk)."""
    event = await events.desk(session, actor, event_id)
    doors = await handouts.door_list(session, actor, event_id)
    return await _printed(f"{event.title} 入场名单.pdf", prints.door_list, event, doors)


@router.get("/events/{event_id}/schedules.pdf", response_class=Response, responses=problems(*WHOLE) | PAPER)
async def printed_schedules(event_id: UUID, session: Reading, actor: SignedIn) -> Response:
    """所有人的洽谈日程（PDF） · The schedule of each of the people, a page each, to be handed out (the desk)."""
    event, own = await handouts.schedules_of_event(session, actor, event_id)
    return await _printed(f"{event.title} 洽谈日程.pdf", prints.schedules, event, own)


@router.get(
    "/registrations/{registration_id}/meetings.pdf",
    response_class=Response,
    responses=problems(NotSignedIn, NotFound) | PAPER,
)
async def printed_schedule(
    registration_id: UUID, wish: Annotated[CalendarFilter, Query()], session: Reading, actor: SignedIn
) -> Response:
    """我的洽谈日程（PDF） · The meetings of a list, or of one of its people alone, to be taken along."""
    event, own = await handouts.own_schedule(session, actor, registration_id, wish.person)
    return await _printed(f"{event.title} 洽谈日程.pdf", prints.schedules, event, own)
