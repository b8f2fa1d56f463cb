"""`/events/{id}/desk/tables`: which instrument is visited at a place of a room, and in which slots a table is not there."""

from functools import partial
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import agenda
from marketplace.kernel import clock
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import NotFound
from marketplace.labs import instruments
from marketplace.portal import acting, forms
from marketplace.portal.event_meetings import at_desk, days_of, hour_of
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.narrowing import Asked
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.agenda import AgendaView, RoomView, TableView
from schemas.events import EventAct
from schemas.labs import InstrumentFilter

router = APIRouter(prefix="/events/{event_id:uuid}/desk/tables", route_class=PageRoute, include_in_schema=False)

FOUND: Final = 30
_FIELDS: Final = {"/venues": "桌子 · tables"}


def _room(now: AgendaView, chosen: str) -> RoomView | None:
    rooms = [room for venue in now.venues for room in venue.rooms if room.tables]
    return next((room for room in rooms if str(room.id) == chosen), rooms[0] if rooms else None)


async def _page(
    visit: Visit,
    session: AsyncSession,
    event_id: UUID,
    *,
    typed: Typed | None = None,
    wrong: list[str] | None = None,
    status: int = 200,
) -> Response:
    """The tables of one room, with the instruments that fit what was looked for to choose from."""
    request, actor = visit.request, visit.require()
    one, now = await at_desk(session, actor, event_id)
    asked = Asked(request)
    asked.plain("q")
    room = _room(now, forms.first(typed, "room") if typed else asked.said("room"))
    held = {table.instrument_id for table in room.tables if table.instrument_id} if room else set()
    known = await instruments.named(session, actor, held)
    narrowed = asked.read(InstrumentFilter)
    if narrowed is not None and narrowed.q:
        found, _ = await instruments.listed(session, actor, narrowed, Paging(request, None, FOUND), clock.now())
        known |= {row[0].id: row[0].name for row in found}
    closed = {
        table.id: {
            slot.id
            for part in now.sessions
            for slot in part.slots
            if any(each.starts_at < slot.ends_at and slot.starts_at < each.ends_at for each in table.closed)
        }
        for table in (room.tables if room else ())
    }
    return visit.page(
        "event_tables.html",
        422 if asked.wrong else status,
        one=one,
        now=now,
        rooms=[each for venue in now.venues for each in venue.rooms if each.tables],
        room=room,
        closed=closed,
        days=[
            (day, [(hour_of(slot, now.time_zone), slot.id) for slot in slots]) for day, slots in days_of(now).items()
        ],
        known=sorted(known.items(), key=lambda each: each[1]),
        q=asked.said("q"),
        writes=EventAct.EDIT_AGENDA in one.possible,
        wrong=[*(wrong or []), *asked.reasons],
        here=f"/events/{event_id}/desk/tables",
    )


@router.get("", response_class=Response)
async def listed(event_id: UUID, visit: Visited, session: Reading) -> Response:
    return await _page(visit, session, event_id)


def _told(table: TableView, now: AgendaView, typed: Typed) -> dict[str, Any]:
    """What the form says of a table: what is seen there, and when it is not there."""
    there = set(typed.get(f"{table.id}.there", []))
    closed = agenda.joined(
        (slot.starts_at, slot.ends_at) for part in now.sessions for slot in part.slots if str(slot.id) not in there
    )
    return {
        "instrument_id": forms.first(typed, f"{table.id}.instrument") or None,
        "closed": [{"starts_at": starts_at, "ends_at": ends_at} for starts_at, ends_at in closed],
    }


@router.post("", response_class=Response)
async def write(event_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """The same agenda, in which the tables of this room are as the form says; tables that it does not name stay."""
    actor = visit.require()

    async def work() -> str:
        _, now = await at_desk(session, actor, event_id)
        room = _room(now, forms.first(typed, "room"))
        if room is None:
            raise NotFound
        shown = set(typed.get("shown", []))
        told = {table.id: _told(table, now, typed) for table in room.tables if str(table.id) in shown}
        body = agenda.body_of(*await agenda.read(session, event_id), told=told)
        await agenda.write(session, actor, event_id, acting.version_of(typed), body)
        return f"/events/{event_id}/desk/tables?room={room.id}"

    return await acting.act(
        visit, session, work, "saved", partial(_page, visit, session, event_id, typed=typed), _FIELDS
    )
