"""`/events/{id}/register` and `/registrations/{id}/edit`: the form that people come to an event with."""

from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import events, registering, registrations, shapes
from marketplace.identity import people
from marketplace.kernel import validation
from marketplace.kernel.actor import Actor
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import Refusal, StaleVersion
from marketplace.portal import forms, kinds
from marketplace.portal import registration_form as form
from marketplace.portal.events import places as capacities
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.agenda import AgendaView
from schemas.events import EventView, ParticipantKind, SpokenLanguage
from schemas.identity import OrganisationKind, Permission
from schemas.listings import ListingState
from schemas.registrations import RegistrationNew, RegistrationPatch, RegistrationView

router = APIRouter(route_class=PageRoute, include_in_schema=False)

RECORDS: Final = 50
# What most people of an organisation come as; the form offers it first.
_COMES_AS: Final[dict[str, str]] = {
    OrganisationKind.ENTERPRISE: ParticipantKind.ENTERPRISE,
    OrganisationKind.UNIVERSITY: ParticipantKind.ACADEMIC,
    OrganisationKind.INSTITUTE: ParticipantKind.ACADEMIC,
    OrganisationKind.FINANCE: ParticipantKind.FINANCE,
    OrganisationKind.BROKER: ParticipantKind.BROKER,
    OrganisationKind.SERVICE_PROVIDER: ParticipantKind.BROKER,
    OrganisationKind.GOVERNMENT_DESK: ParticipantKind.GOVERNMENT,
}


async def _page(
    visit: Visit,
    session: AsyncSession,
    one: EventView,
    typed: Typed,
    *,
    registration: RegistrationView | None = None,
    said: list[tuple[str, str]] | None = None,
    wrong: forms.Wrong | None = None,
    full: bool = False,
    status: int = 200,
) -> Response:
    """The form, as it was sent, with what has to change beside each field."""
    actor = visit.require()
    found = await events.read(session, actor, one.id)
    agenda = await shapes.agenda_view(session, found, comes=False)
    return visit.page(
        "register.html",
        status,
        one=one,
        registration=registration,
        typed=typed,
        said=said or [],
        wrong=wrong or {},
        full=full,
        places=await people.homes(session, actor, Permission.READ_OWN),
        capacities=capacities(one),
        records=await _records(visit, session, actor, one, registration),
        slots=_slots(agenda),
        blocks=form.blocks(typed, one),
        spoken=list(SpokenLanguage),
        labels=form.LABELS,
        text_of=form.text_of,
        here=f"/registrations/{registration.id}/edit" if registration else f"/events/{one.id}/register",
    )


def _slots(agenda: AgendaView) -> list[tuple[str, UUID]]:
    """The slots in which one could meet, by the clocks of the event."""
    zone = ZoneInfo(agenda.time_zone)
    return [
        (f"{slot.starts_at.astimezone(zone):%m-%d %H:%M}–{slot.ends_at.astimezone(zone):%H:%M}", slot.id)
        for part in agenda.sessions
        for slot in part.slots
    ]


async def _records(
    visit: Visit, session: AsyncSession, actor: Actor, one: EventView, registration: RegistrationView | None
) -> list[Any]:
    """What can be brought: the actor's published records of the kinds that are called for, and what is brought already."""
    found: list[Any] = []
    wish: dict[str, Any] = {"mine": True, "state": ListingState.PUBLISHED}
    if registration is not None:
        if registration.organisation is None:
            return found
        wish["organisation"] = registration.organisation.id
    for name in one.calls_for:
        kind = kinds.BY_NAME[name]
        narrowed = kind.filter.model_validate(wish)
        rows, _ = await kind.cards(session, actor, narrowed, Paging(visit.request, None, RECORDS))
        found += [(kind, row) for row in rows]
    there = {row.id for _, row in found}
    brought = registration.records if registration is not None else []
    return [(kinds.BY_NAME[record.kind], record) for record in brought if record.id not in there] + found


async def _event(session: AsyncSession, actor: Actor, event_id: UUID) -> EventView:
    return await shapes.view(session, actor, await events.read(session, actor, event_id))


@router.get("/events/{event_id:uuid}/register", response_class=Response)
async def blank(event_id: UUID, visit: Visited, session: Reading) -> Response:
    """The form, with oneself as the first of the people."""
    actor = visit.require()
    one = await _event(session, actor, event_id)
    me, memberships = await people.read_me(session, actor)
    home = next((place for _, place in memberships if place is not None), None)
    typed: Typed = {
        "people.0.name": [me.name],
        "people.0.email": [me.email],
        "shown": ["1"],
        "organisation_id": [str(home.id) if home is not None else ""],
        "kind": [_COMES_AS[kind] for kind in (home.kinds if home is not None else ()) if kind in _COMES_AS],
    }
    return await _page(visit, session, one, typed)


@router.post("/events/{event_id:uuid}/register", response_class=Response)
async def register(event_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()
    one = await _event(session, actor, event_id)
    kind = forms.first(typed, "kind")
    sent = form.read(typed, one, kind)
    body = sent.body | {
        "organisation_id": forms.first(typed, "organisation_id").strip() or None,
        "kind": kind,
        "wait": forms.first(typed, "wait") == "1",
    }
    try:
        wish = RegistrationNew.model_validate(body)
        async with session.begin_nested():
            made = await registering.register(session, actor, event_id, wish)
    except (ValidationError, Refusal) as refused:
        return await _refused(visit, session, one, typed, sent, refused)
    return visit.go(f"/registrations/{made.id}", "registered")


async def _refused(
    visit: Visit,
    session: AsyncSession,
    one: EventView,
    typed: Typed,
    sent: form.Read,
    refused: ValidationError | Refusal,
    registration: RegistrationView | None = None,
) -> Response:
    """The form once more, with every reason; what is no matter of the form is told on a page of its own."""
    refusal = validation.as_refusal(refused) if isinstance(refused, ValidationError) else refused
    if refusal.status not in {409, 412, 422}:
        raise refusal
    if refusal.errors:
        said, wrong = form.wrong_of(sent, refusal.errors)
    else:
        said, wrong = [("", told(refusal.detail or refusal.title()))], {}
    full = isinstance(refusal, registering.Full)
    return await _page(
        visit, session, one, typed, registration=registration, said=said, wrong=wrong, full=full, status=refusal.status
    )


async def _registration(
    session: AsyncSession, actor: Actor, registration_id: UUID
) -> tuple[RegistrationView, EventView]:
    row = await registrations.read(session, actor, registration_id)
    known = await registrations.knows_all(session, actor, registration_id)
    return shapes.registration(row, all_of_it=known), await _event(session, actor, row.event_id)


@router.get("/registrations/{registration_id:uuid}/edit", response_class=Response)
async def written(registration_id: UUID, visit: Visited, session: Reading) -> Response:
    view, one = await _registration(session, visit.require(), registration_id)
    return await _page(visit, session, one, form.shown(view), registration=view)


@router.post("/registrations/{registration_id:uuid}/edit", response_class=Response)
async def edit(registration_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()
    view, one = await _registration(session, actor, registration_id)
    sent = form.read(typed, one, view.kind)
    version = forms.first(typed, "version")
    try:
        patch = RegistrationPatch.model_validate(sent.body)
        async with session.begin_nested():
            if not version.isascii() or not version.isdigit():
                raise StaleVersion
            await registering.edit(session, actor, registration_id, int(version[:9]), patch)
    except (ValidationError, Refusal) as refused:
        return await _refused(visit, session, one, typed, sent, refused, view)
    return visit.go(f"/registrations/{registration_id}", "saved")
