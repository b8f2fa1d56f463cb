"""`/events/new`, and what an organizer writes of an event afterwards: its terms and its agenda."""

from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import agenda, events, shapes
from marketplace.identity import people
from marketplace.kernel import validation
from marketplace.kernel.actor import Actor
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.language import told
from marketplace.kernel.refusals import Refusal
from marketplace.portal import acting
from marketplace.portal import event_form as form
from marketplace.portal.forms import Wrong, first
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.agenda import AgendaBody, AgendaView, SessionKind
from schemas.events import (
    EventFormat,
    EventKind,
    EventNew,
    EventPatch,
    EventView,
    ParticipantKind,
    QuestionKind,
    SpokenLanguage,
)
from schemas.identity import Permission
from schemas.listings import ListingKind

router = APIRouter(prefix="/events", route_class=PageRoute, include_in_schema=False)


async def _page(
    visit: Visit,
    session: AsyncSession,
    typed: Typed,
    one: EventView | None = None,
    *,
    wrong: Wrong | None = None,
    said: list[str] | None = None,
    status: int = 200,
) -> Response:
    """The form of an event, as it was sent, with what has to change beside each field."""
    actor = visit.require()
    places = await people.homes(session, actor, Permission.MANAGE_EVENTS) if one is None else []
    if one is None and not places:
        raise events.NoEventsOfYours
    return visit.page(
        "event_write.html",
        status,
        one=one,
        typed=typed,
        places=places,
        wrong=wrong or {},
        said=said or [],
        labels=form.LABELS,
        kinds=list(EventKind),
        formats=list(EventFormat),
        spoken=list(SpokenLanguage),
        participants=list(ParticipantKind),
        listing_kinds=list(ListingKind),
        question_kinds=list(QuestionKind),
        questions=form.blocks(typed, "question", "text", form.QUESTIONS, 2),
        here=f"/events/{one.id}/desk/edit" if one else "/events/new",
    )


def _why(refused: ValidationError | Refusal, wrong: Wrong) -> tuple[Wrong, list[str], int]:
    """What is wrong by field, what is wrong with all of it, and the status; what is no matter of a form is raised."""
    refusal = validation.as_refusal(refused) if isinstance(refused, ValidationError) else refused
    if refusal.status not in acting.TOLD:
        raise refusal
    if refusal.errors:
        return form.told_wrong(refusal.errors, wrong), [], refusal.status
    return wrong, [told(refusal.detail or refusal.title())], refusal.status


@router.get("/new", response_class=Response)
async def blank(visit: Visited, session: Reading) -> Response:
    return await _page(visit, session, form.blank())


@router.post("/new", response_class=Response)
async def create(visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()
    body, wrong = form.read(typed)
    try:
        wish = EventNew.model_validate(body | {"organisation_id": first(typed, "organisation_id")})
        if wrong:
            return await _page(visit, session, typed, wrong=wrong, status=422)
        async with session.begin_nested():
            made = await events.create(session, actor, wish)
    except (ValidationError, Refusal) as refused:
        wrong, said, status = _why(refused, wrong)
        return await _page(visit, session, typed, wrong=wrong, said=said, status=status)
    return visit.go(f"/events/{made.id}/desk/agenda", "drafted")


async def _mine(session: AsyncSession, actor: Actor, event_id: UUID) -> EventView:
    return await shapes.view(session, actor, await events.desk(session, actor, event_id))


@router.get("/{event_id:uuid}/desk/edit", response_class=Response)
async def written(event_id: UUID, visit: Visited, session: Reading) -> Response:
    one = await _mine(session, visit.require(), event_id)
    return await _page(visit, session, form.shown(one), one)


@router.post("/{event_id:uuid}/desk/edit", response_class=Response)
async def edit(event_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()
    one = await _mine(session, actor, event_id)
    body, wrong = form.read(typed)
    try:
        patch = EventPatch.model_validate(body)
        if wrong:
            return await _page(visit, session, typed, one, wrong=wrong, status=422)
        async with session.begin_nested():
            await events.edit(session, actor, event_id, acting.version_of(typed), patch)
    except (ValidationError, Refusal) as refused:
        wrong, said, status = _why(refused, wrong)
        return await _page(visit, session, typed, one, wrong=wrong, said=said, status=status)
    return visit.go(f"/events/{event_id}/desk", "saved")


async def _agenda(
    visit: Visit,
    one: EventView,
    now: AgendaView,
    typed: Typed,
    *,
    wrong: Wrong | None = None,
    said: list[str] | None = None,
    status: int = 200,
) -> Response:
    return visit.page(
        "agenda_write.html",
        status,
        one=one,
        now=now,
        typed=typed,
        wrong=wrong or {},
        said=said or [],
        labels=form.LABELS,
        kinds=list(SessionKind),
        sessions=form.blocks(typed, "session", "title", form.SESSIONS, 3),
        venues=form.blocks(typed, "venue", "name", form.VENUES, 2),
        first_day=_first_day(one),
        here=f"/events/{one.id}/desk/agenda",
    )


def _first_day(one: EventView) -> str:
    """The day on which an event begins, by its own clocks."""
    return f"{one.starts_at.astimezone(form.zone_of(one.time_zone)):%Y-%m-%d}"


async def _read_agenda(session: AsyncSession, actor: Actor, event_id: UUID) -> tuple[EventView, AgendaView]:
    event = await events.desk(session, actor, event_id)
    return await shapes.view(session, actor, event), await shapes.agenda_view(session, event, comes=True)


@router.get("/{event_id:uuid}/desk/agenda", response_class=Response)
async def agenda_written(event_id: UUID, visit: Visited, session: Reading) -> Response:
    one, now = await _read_agenda(session, visit.require(), event_id)
    return await _agenda(visit, one, now, form.shown_agenda(now))


@router.post("/{event_id:uuid}/desk/agenda", response_class=Response)
async def write_agenda(event_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()
    one, now = await _read_agenda(session, actor, event_id)
    body, wrong = form.read_agenda(typed, now)
    if wrong:
        return await _agenda(visit, one, now, typed, wrong=wrong, status=422)
    try:
        wish = AgendaBody.model_validate(body)
        async with session.begin_nested():
            await agenda.write(session, actor, event_id, acting.version_of(typed), wish)
    except (ValidationError, Refusal) as refused:
        wrong, said, status = _why(refused, wrong)
        return await _agenda(visit, one, now, typed, wrong=wrong, said=said, status=status)
    return visit.go(f"/events/{event_id}/desk", "saved")
