"""`/events`: what is held when and where, and the public page of one event."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response

from marketplace.docking import documents, events, roster, shapes
from marketplace.kernel import clock, qr
from marketplace.kernel.db import Reading
from marketplace.kernel.paging import Paging
from marketplace.portal import say
from marketplace.portal.frame import Visited
from marketplace.portal.labs import local_moment
from marketplace.portal.narrowing import Asked
from marketplace.portal.routes import PageRoute
from schemas.agenda import AgendaView
from schemas.events import (
    CapacityView,
    EventAct,
    EventFilter,
    EventFormat,
    EventKind,
    EventState,
    EventView,
    ParticipantKind,
)
from schemas.identity import Permission

router = APIRouter(prefix="/events", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 20
TABS: Final = (EventState.OPEN, EventState.PUBLISHED, EventState.RUNNING, EventState.ENDED)
_CHOSEN: Final[Mapping[str, type[StrEnum]]] = {"kind": EventKind, "format": EventFormat, "state": EventState}
_DAYS: Final = {"from": ("starts_from", "00:00"), "until": ("starts_until", "24:00")}


def _asked(request: Request) -> Asked:
    """The filter of an address: the region read from what was typed, days as moments in China."""
    asked = Asked(request)
    for name, known in _CHOSEN.items():
        asked.chosen(name, known)
    asked.plain("q", "organisation")
    asked.coded("region", "regions")
    for name, (field, time) in _DAYS.items():
        if value := asked.said(name):
            asked.wish[field] = local_moment(value, time)
            if asked.wish[field] is None:
                asked.wrong[name] = [say.t("请填写日期，例如 2027-03-02。 · Write a day, such as 2027-03-02.")]
    asked.ticked("mine")
    return asked


@router.get("", response_class=Response)
async def listed(visit: Visited, session: Reading) -> Response:
    request = visit.request
    asked = _asked(request)
    rows: list[Any] = []
    marker = None
    if (narrowed := asked.read(EventFilter)) is not None:
        paging = Paging(request, asked.typed.get("cursor"), PAGE)
        rows, marker = await events.listed(session, visit.actor, narrowed, paging)
    return visit.page(
        "events.html",
        422 if asked.wrong else 200,
        rows=[shapes.card(row) for row in rows],
        marker=marker,
        wish=asked.wish,
        wrong=asked.wrong,
        typed=asked.typed,
        narrowed=bool(asked.wish.keys() - {"state", "mine"} or asked.wrong),
        kinds=list(EventKind),
        formats=list(EventFormat),
        tabs=TABS,
        holds=visit.signed_in and bool(visit.actor.organisations_where(Permission.READ_OWN)),
        later="cursor" in asked.typed,
    )


def days(agenda: AgendaView) -> list[tuple[str, list[Any]]]:
    """The sessions of an agenda by day, each with its clock times in the zone of the event."""
    zone = ZoneInfo(agenda.time_zone)
    made: dict[str, list[Any]] = {}
    for one in agenda.sessions:
        begins, ends = one.starts_at.astimezone(zone), one.ends_at.astimezone(zone)
        made.setdefault(f"{begins:%Y-%m-%d}", []).append((f"{begins:%H:%M}–{ends:%H:%M}", one))
    return list(made.items())


def address_of(request: Request, event_id: UUID) -> str:
    """The address of an event's page, as it is written down for others."""
    return f"{str(request.app.state.settings.public_url).rstrip('/')}/events/{event_id}"


def places(one: EventView) -> list[CapacityView]:
    """The kinds that are invited, those that an event is for before its guests."""
    order = list(ParticipantKind)
    return sorted(one.capacities, key=lambda place: order.index(place.kind))


def registering(one: EventView) -> str:
    """In one sentence, whether one can register, or when."""
    if EventAct.REGISTER in one.possible:
        closes = one.registration_closes_at or one.starts_at
        return say.t("报名截止 · Register until") + " " + say.moment(closes)
    if one.state in {EventState.DRAFT, EventState.PUBLISHED}:
        if one.registration_opens_at and one.registration_opens_at > clock.now():
            return say.t("报名开始于 · Registration opens at") + " " + say.moment(one.registration_opens_at)
        return say.t("报名尚未开始。 · Registration has not opened yet.")
    return say.t("报名已截止。 · Registration has closed.")


@router.get("/{event_id:uuid}", response_class=Response)
async def event(event_id: UUID, visit: Visited, session: Reading) -> Response:
    found = await events.read(session, visit.actor, event_id)
    view = await shapes.view(session, visit.actor, found)
    agenda = await shapes.agenda_view(session, found, comes=await shapes.comes(session, visit.actor, found))
    address = address_of(visit.request, event_id)
    return visit.page(
        "event.html",
        one=view,
        places=places(view),
        agenda=agenda,
        days=days(agenda),
        documents=(await documents.listed(session, visit.actor, event_id, Paging(visit.request, None, documents.MOST)))[
            0
        ],
        mine=await roster.mine_at(session, visit.actor, event_id) if visit.signed_in else [],
        registering=registering(view),
        open=EventAct.REGISTER in view.possible,
        address=address,
        qr=qr.code(address),
        here=f"/events/{event_id}",
    )
