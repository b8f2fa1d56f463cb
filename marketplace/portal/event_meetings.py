"""`/events/{id}/desk/meetings`: the table plan of a room, one meeting and what can be done with it, meetings on the spot."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import events, handouts, meetings, registrations, shapes, walk_ins
from marketplace.docking.registration_models import Registration
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.paging import MOST, Paging
from marketplace.kernel.refusals import NotFound
from marketplace.portal import acting, forms
from marketplace.portal.event_wishes import tables
from marketplace.portal.frame import Visit, Visited, local
from marketplace.portal.narrowing import Asked
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.agenda import AgendaView, RoomView, SlotView, TableView
from schemas.events import EventAct, EventView
from schemas.meetings import (
    MeetingCancellation,
    MeetingFilter,
    MeetingMove,
    MeetingState,
    MeetingSwap,
    MeetingView,
    NoShow,
    WalkIn,
)
from schemas.registrations import RegistrationFilter, RegistrationState

router = APIRouter(prefix="/events/{event_id:uuid}/desk/meetings", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 50
_FIELDS: Final = {
    "/slot_id": "场次 · slot",
    "/table_id": "桌子 · table",
    "/other_id": "另一场洽谈 · the other meeting",
    "/first_id": "一方 · one side",
    "/second_id": "另一方 · the other side",
    "/absent": "谁没有来 · who did not come",
    "/note": "原因 · reason",
}


@dataclass(frozen=True)
class Cell:
    """A table in a slot: who sits there and for how many slots, or that it is closed, or that it is free."""

    slot: SlotView
    table: TableView
    meeting: MeetingView | None = None
    rows: int = 1
    closed: bool = False
    begun: bool = False


Row = tuple[str, SlotView, list[Cell]]


def days_of(agenda: AgendaView) -> dict[str, list[SlotView]]:
    """The slots in which people meet, by the day that it is at the event."""
    zone = ZoneInfo(agenda.time_zone)
    made: dict[str, list[SlotView]] = {}
    for part in agenda.sessions:
        for slot in part.slots:
            made.setdefault(f"{slot.starts_at.astimezone(zone):%Y-%m-%d}", []).append(slot)
    return made


def grid(room: RoomView, slots: Sequence[SlotView], at: Mapping[UUID, Sequence[MeetingView]], zone: str) -> list[Row]:
    """The plan of a room for a day: a row a slot, a cell a table. What a longer meeting takes below has no cell."""
    made: list[Row] = []
    until: dict[UUID, datetime] = {}
    begins = {(table.id, one.place.starts_at): one for table in room.tables for one in at.get(table.id, ())}
    for slot in slots:
        cells = []
        for table in room.tables:
            if table.id in until and slot.starts_at < until[table.id]:
                continue
            one = begins.get((table.id, slot.starts_at))
            if one is not None:
                until[table.id] = one.place.ends_at
                taken = sum(one.place.starts_at <= each.starts_at < one.place.ends_at for each in slots)
                cells.append(Cell(slot, table, one, rows=taken, begun=slot.starts_at <= clock.now()))
            else:
                shut = any(each.starts_at < slot.ends_at and slot.starts_at < each.ends_at for each in table.closed)
                cells.append(Cell(slot, table, closed=shut, begun=slot.starts_at <= clock.now()))
        made.append((hour_of(slot, zone), slot, cells))
    return made


def hour_of(slot: SlotView, zone: str) -> str:
    begins, ends = (at.astimezone(ZoneInfo(zone)) for at in (slot.starts_at, slot.ends_at))
    return f"{begins:%H:%M}–{ends:%H:%M}"


def choices(agenda: AgendaView) -> list[tuple[UUID, str]]:
    """Every slot with its day, as forms offer them."""
    return [
        (slot.id, f"{day} {hour_of(slot, agenda.time_zone)}")
        for day, slots in days_of(agenda).items()
        for slot in slots
    ]


async def at_desk(session: AsyncSession, actor: Actor, event_id: UUID) -> tuple[EventView, AgendaView]:
    """An event and its agenda, with who comes, for those at its desk."""
    event = await events.desk(session, actor, event_id)
    return await shapes.view(session, actor, event), await shapes.agenda_view(session, event, comes=True)


async def _page(
    visit: Visit,
    session: AsyncSession,
    event_id: UUID,
    *,
    typed: Typed | None = None,
    wrong: list[str] | None = None,
    status: int = 200,
) -> Response:
    """The plan of one room on one day; or, of one state, the meetings as a list."""
    request, actor = visit.request, visit.require()
    one, agenda = await at_desk(session, actor, event_id)
    asked = Asked(request)
    asked.chosen("state", MeetingState)
    state = asked.wish.get("state")
    cursor = asked.typed.get("cursor") if request.method in {"GET", "HEAD"} else None
    rooms = [room for venue in agenda.venues for room in venue.rooms if room.tables]
    days = days_of(agenda)
    room = next((each for each in rooms if str(each.id) == asked.said("room")), rooms[0] if rooms else None)
    day = asked.said("day") if asked.said("day") in days else _nearest(days, one)
    rows: list[MeetingView] = []
    plan: list[Row] = []
    needs: dict[UUID, list[str]] = {}
    marker = None
    if state:
        wish = MeetingFilter(event=event_id, state=MeetingState(state))
        rows, marker = await meetings.listed(session, actor, wish, Paging(request, cursor, PAGE))
    elif room is not None and day is not None:
        whole = await handouts.table_plan(session, actor, event_id)
        at = {each.table_id: each.meetings for each in whole.tables}
        plan = grid(room, days[day], at, agenda.time_zone)
        needs = handouts.needs_of(whole)
    people, more = await _people(visit, session, event_id, asked, typed)
    return visit.page(
        "event_meetings.html",
        422 if asked.wrong else status,
        one=one,
        state=state,
        states=list(MeetingState),
        rows=rows,
        marker=marker,
        later=cursor is not None,
        rooms=rooms,
        room=room,
        days=list(days),
        day=day,
        plan=plan,
        needs=needs,
        slots=choices(agenda),
        tables=tables(agenda),
        people=people,
        more=more,
        paged=bool(asked.said("people")),
        who=asked.said("who"),
        arranges=EventAct.SCHEDULE in one.possible,
        typed={name: values[0] for name, values in (typed or {}).items()} or dict(asked.typed),
        wrong=[*(wrong or []), *asked.reasons],
        here=f"/events/{event_id}/desk/meetings",
    )


def _nearest(days: Mapping[str, Any], one: EventView) -> str | None:
    """Today, while it goes on; its first day with meetings otherwise."""
    today = f"{clock.now().astimezone(ZoneInfo(one.time_zone)):%Y-%m-%d}"
    return today if today in days else next(iter(days), None)


async def _people(
    visit: Visit, session: AsyncSession, event_id: UUID, asked: Asked, typed: Typed | None
) -> tuple[list[tuple[UUID, str]], str | None]:
    """Those who come, by name, for the form of a meeting on the spot: a hundred at a time of those who fit what was typed.

    Whoever is chosen already stays among them while the other side is looked for.
    """
    asked.wish = {"state": RegistrationState.CONFIRMED, "q": asked.said("who") or None}
    wish = asked.read(RegistrationFilter)
    if wish is None:
        return [], None
    paging = Paging(visit.request, asked.said("people") or None, MOST)
    found, marker = await registrations.listed(session, visit.actor, event_id, wish, paging)
    named = {row.id: _called(row) for row in found}
    for side in ("first_id", "second_id"):
        chosen = forms.first(typed, side) if typed else asked.said(side)
        try:
            key = UUID(chosen)
            row = await registrations.read(session, visit.actor, key) if key not in named else None
        except (ValueError, NotFound):
            continue
        if row is not None and row.event_id == event_id and row.state is RegistrationState.CONFIRMED:
            named[row.id] = _called(row)
    return sorted(named.items(), key=lambda each: each[1]), marker


def _called(row: Registration) -> str:
    organisation = row.organisation.name + " " if row.organisation is not None else ""
    return organisation + "、".join(person.name for person in row.people)


@router.get("", response_class=Response)
async def listed(event_id: UUID, visit: Visited, session: Reading) -> Response:
    return await _page(visit, session, event_id)


@router.post("", response_class=Response)
async def arrange(event_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """A meeting on the spot."""
    actor = visit.require()

    async def work() -> str:
        told = {name: acting.one_of(typed, name) for name in ("first_id", "second_id", "slot_id", "table_id")}
        made = await walk_ins.arrange(session, actor, event_id, WalkIn.model_validate(told))
        return f"/events/{event_id}/desk/meetings/{made.id}"

    again = partial(_page, visit, session, event_id, typed=typed)
    return await acting.act(visit, session, work, "meeting-made", again, _FIELDS)


async def _of_event(session: AsyncSession, actor: Actor, event_id: UUID, meeting_id: UUID) -> MeetingView:
    found = await meetings.read(session, actor, meeting_id)
    if found.event_id != event_id:
        raise NotFound
    return (await meetings.views(session, [found]))[0]


async def _meeting(
    visit: Visit,
    session: AsyncSession,
    event_id: UUID,
    meeting_id: UUID,
    *,
    wrong: list[str] | None = None,
    status: int = 200,
) -> Response:
    """One meeting, with what can be done with it now."""
    actor = visit.require()
    one, agenda = await at_desk(session, actor, event_id)
    found = await _of_event(session, actor, event_id, meeting_id)
    # With more meetings than a list of choices holds, those of one table at a time.
    named = next((key for key, _ in tables(agenda) if str(key) == visit.request.query_params.get("with")), None)
    planned = MeetingFilter(event=event_id, state=MeetingState.PLANNED, table=named)
    others, more = await meetings.listed(session, actor, planned, Paging(visit.request, None, MOST))
    begun = found.place.starts_at <= clock.now()
    return visit.page(
        "event_meeting.html",
        status,
        one=one,
        found=found,
        begun=begun,
        moves=EventAct.SCHEDULE in one.possible and found.state is MeetingState.PLANNED and not begun,
        notes=EventAct.FOLLOW_UP in one.possible and found.state is not MeetingState.CANCELLED and begun,
        slots=choices(agenda),
        slot=next((key for key, at in _begins(agenda).items() if at == found.place.starts_at), None),
        tables=tables(agenda),
        named=named,
        by_table=named is not None or more is not None,
        others=[each for each in others if each.id != found.id and each.place.starts_at > clock.now()],
        wrong=wrong or [],
        here=f"/events/{event_id}/desk/meetings/{meeting_id}",
    )


def _begins(agenda: AgendaView) -> dict[UUID, datetime]:
    return {slot.id: slot.starts_at for part in agenda.sessions for slot in part.slots}


@router.get("/{meeting_id:uuid}", response_class=Response)
async def meeting(event_id: UUID, meeting_id: UUID, visit: Visited, session: Reading) -> Response:
    return await _meeting(visit, session, event_id, meeting_id)


Step = Callable[[AsyncSession, Actor, UUID, Typed], Awaitable[Any]]


async def _move(session: AsyncSession, actor: Actor, key: UUID, typed: Typed) -> Any:
    wish = MeetingMove.model_validate({name: acting.one_of(typed, name) for name in ("slot_id", "table_id")})
    return await meetings.move(session, actor, key, acting.version_of(typed), wish)


async def _swap(session: AsyncSession, actor: Actor, key: UUID, typed: Typed) -> Any:
    wish = MeetingSwap.model_validate({"other_id": forms.first(typed, "other_id")})
    return await meetings.swap(session, actor, key, wish.other_id)


async def _call_off(session: AsyncSession, actor: Actor, key: UUID, typed: Typed) -> Any:
    wish = MeetingCancellation.model_validate({"note": acting.one_of(typed, "note")})
    return await meetings.call_off(session, actor, key, acting.version_of(typed), wish.note)


async def _confirm(session: AsyncSession, actor: Actor, key: UUID, typed: Typed) -> Any:
    return await meetings.confirm(session, actor, key)


async def _miss(session: AsyncSession, actor: Actor, key: UUID, typed: Typed) -> Any:
    wish = NoShow.model_validate({"absent": typed.get("absent", [])})
    return await meetings.miss(session, actor, key, wish.absent)


STEPS: Final[Mapping[str, tuple[Step, str]]] = {
    "move": (_move, "meeting-moved"),
    "swap": (_swap, "meeting-moved"),
    "cancellation": (_call_off, "meeting-off"),
    "confirmation": (_confirm, "meeting-held"),
    "no-show": (_miss, "meeting-missed"),
}


@router.post("/{meeting_id:uuid}/{step}", response_class=Response)
async def act(event_id: UUID, meeting_id: UUID, step: str, visit: Visited, session: Writing, typed: Sent) -> Response:
    """One step of one meeting, by the desk."""
    actor = visit.require()
    if step not in STEPS:
        raise NotFound
    work, said = STEPS[step]

    async def done() -> str:
        await _of_event(session, actor, event_id, meeting_id)
        await events.desk(session, actor, event_id)
        await work(session, actor, meeting_id, typed)
        # Who dragged it on the plan goes on there.
        here = f"/events/{event_id}/desk/meetings"
        back = forms.first(typed, "back")
        return local(back, here) if back else f"{here}/{meeting_id}"

    return await acting.act(
        visit, session, done, said, partial(_meeting, visit, session, event_id, meeting_id), _FIELDS
    )
