"""`/api/v1/events`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from marketplace.docking import agenda, cloning, events, reminders, shapes, steps
from marketplace.kernel import etag
from marketplace.kernel.actor import Anyone, SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.etag import IfMatch
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import Invalid, NotFound, NotSignedIn, StaleVersion, VersionMissing, problems
from marketplace.listings.publication import NotVerified
from marketplace.listings.records import Incomplete
from schemas.agenda import AgendaBody, AgendaView
from schemas.base import Page
from schemas.event_extras import ReminderTerms
from schemas.events import (
    CoOrganizerBody,
    EventCard,
    EventClone,
    EventFilter,
    EventNew,
    EventPatch,
    EventStep,
    EventView,
)

router = APIRouter(prefix="/api/v1/events", tags=["docking"], route_class=TransactionRoute)

RUN = (NotSignedIn, NotFound, events.NotItsOrganizer, events.NotInThisState)
CHANGED = (*RUN, StaleVersion, VersionMissing)


@router.get("")
async def list_events(
    wish: Annotated[EventFilter, Query()], session: Reading, actor: Anyone, paging: Paged, response: Response
) -> Page[EventCard]:
    """对接活动 · Events, those that begin last first."""
    rows, marker = await events.listed(session, actor, wish, paging)
    paging.link(response, marker)
    return Page[EventCard].model_construct(items=[shapes.card(row) for row in rows], next_cursor=marker)


@router.post("", status_code=201, responses=problems(NotSignedIn, events.NoEventsOfYours))
async def create(wish: EventNew, session: Writing, actor: SignedIn, response: Response) -> EventView:
    """新建草稿 · Write a draft."""
    event = await events.create(session, actor, wish)
    response.headers["Location"] = f"/api/v1/events/{event.id}"
    etag.stamp(response, event.version)
    return await shapes.view(session, actor, event)


@router.get("/{event_id}", responses=problems(NotFound))
async def read(event_id: UUID, session: Reading, actor: Anyone, response: Response) -> EventView:
    """一个活动 · One event, and the rules by which people register."""
    event = await events.read(session, actor, event_id)
    etag.stamp(response, event.version)
    return await shapes.view(session, actor, event)


@router.patch(
    "/{event_id}", responses=problems(*CHANGED, events.PlacesTaken, events.KindRegistered, events.AgendaOutside)
)
async def edit(
    event_id: UUID, patch: EventPatch, session: Writing, actor: SignedIn, version: IfMatch, response: Response
) -> EventView:
    """修改 · Change some fields; what was registered stays."""
    event = await events.edit(session, actor, event_id, version, patch)
    etag.stamp(response, event.version)
    return await shapes.view(session, actor, event)


@router.post(
    "/{event_id}/state",
    responses=problems(*CHANGED, NotVerified, Incomplete, steps.RegistrationOver, steps.NothingToSchedule),
)
async def step(
    event_id: UUID, wish: EventStep, session: Writing, actor: SignedIn, version: IfMatch, response: Response
) -> EventView:
    """进入下一状态 · Publish, open, close, schedule, begin, end, follow up, or cancel it."""
    event = await steps.step(session, actor, event_id, version, wish)
    etag.stamp(response, event.version)
    return await shapes.view(session, actor, event)


@router.post(
    "/{event_id}/clones",
    status_code=201,
    responses=problems(NotSignedIn, NotFound, events.NotItsOrganizer, events.NoEventsOfYours, Invalid),
)
async def clone(event_id: UUID, wish: EventClone, session: Writing, actor: SignedIn, response: Response) -> EventView:
    """复制为新活动 · A draft like this one, that begins at another moment."""
    event = await cloning.clone(session, actor, event_id, wish)
    response.headers["Location"] = f"/api/v1/events/{event.id}"
    etag.stamp(response, event.version)
    return await shapes.view(session, actor, event)


@router.get("/{event_id}/agenda", responses=problems(NotFound))
async def read_agenda(event_id: UUID, session: Reading, actor: Anyone, response: Response) -> AgendaView:
    """议程、场地与洽谈桌 · When and where: sessions with slots, venues with rooms and tables."""
    event = await events.read(session, actor, event_id)
    etag.stamp(response, event.version)
    return await shapes.agenda_view(session, event, comes=await shapes.comes(session, actor, event))


@router.put("/{event_id}/agenda", responses=problems(*CHANGED, agenda.BadAgenda, agenda.AgendaInUse))
async def write_agenda(
    event_id: UUID, body: AgendaBody, session: Writing, actor: SignedIn, version: IfMatch, response: Response
) -> AgendaView:
    """写议程 · Put this agenda in the place of the one before; a refusal names everything that cannot be."""
    event = await agenda.write(session, actor, event_id, version, body)
    etag.stamp(response, event.version)
    return await shapes.agenda_view(session, event, comes=True)


@router.put("/{event_id}/organizers/{partner_id}", responses=problems(*RUN, events.NamesItself))
async def name_organizer(
    event_id: UUID, partner_id: UUID, wish: CoOrganizerBody, session: Writing, actor: SignedIn
) -> EventView:
    """联合举办 · Hold it together with another organisation."""
    event = await events.name_organizer(session, actor, event_id, partner_id, wish)
    return await shapes.view(session, actor, event)


@router.delete("/{event_id}/organizers/{partner_id}", status_code=204, responses=problems(*RUN))
async def remove_organizer(event_id: UUID, partner_id: UUID, session: Writing, actor: SignedIn) -> None:
    """取消联合举办 · No longer together."""
    await events.remove_organizer(session, actor, event_id, partner_id)


@router.get("/{event_id}/reminder-terms", responses=problems(NotFound))
async def read_reminder_terms(event_id: UUID, session: Reading, actor: Anyone, response: Response) -> ReminderTerms:
    """提醒规则 · Which letters remind those who come."""
    await events.read(session, actor, event_id)
    terms, version = await reminders.terms(session, event_id)
    etag.stamp(response, version)
    return terms


@router.put(
    "/{event_id}/reminder-terms",
    responses=problems(NotSignedIn, NotFound, events.NotItsOrganizer, StaleVersion, VersionMissing),
)
async def write_reminder_terms(
    event_id: UUID, wish: ReminderTerms, session: Writing, actor: SignedIn, version: IfMatch, response: Response
) -> ReminderTerms:
    """修改提醒规则 · Write them anew (the desk); what was posted is not posted again."""
    terms, now = await reminders.set_terms(session, actor, event_id, version, wish)
    etag.stamp(response, now)
    return terms
