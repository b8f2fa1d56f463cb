"""How rows of this room look on the wire."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import agenda, answers, events
from marketplace.docking.models import Event, EventSession, EventVenue
from marketplace.docking.policy import confirmed_at, event_run_by
from marketplace.docking.registration_models import Attendee, Registration
from marketplace.kernel.actor import Actor
from schemas.agenda import AgendaView, RoomView, SessionView, SlotView, TableView, VenueView
from schemas.events import POSSIBLE, CapacityView, CoOrganizerView, EventCard, EventView, QuestionView
from schemas.identity import OrganisationCard, Permission
from schemas.registrations import AttendeeView, BroughtRecord, EventBrief, RegistrationView

_CLOSED_TO_OTHERS = "accessibility"


def registration(row: Registration, *, all_of_it: bool) -> RegistrationView:
    """A registration. What somebody needs is told to themselves and to the desk."""
    plain = {
        name: getattr(row, name) for name in RegistrationView.model_fields if name in Registration.__mapper__.columns
    }
    if not all_of_it:
        plain[_CLOSED_TO_OTHERS] = None
    return RegistrationView(
        **(plain | {"answers": answers.told(row.answers)}),
        event=EventBrief.model_validate({name: getattr(row.event, name) for name in EventBrief.model_fields}),
        organisation=OrganisationCard.model_validate(row.organisation) if row.organisation is not None else None,
        people=[attendee(one) for one in row.people],
        records=[
            BroughtRecord(id=one.listing_id, kind=one.listing.kind, title=one.listing.title) for one in row.records
        ],
    )


def attendee(row: Attendee) -> AttendeeView:
    names = set(AttendeeView.model_fields) - {"absent", "checked_in_at"}
    return AttendeeView(
        **{name: getattr(row, name) for name in names},
        absent=sorted(one.slot_id for one in row.absences),
        checked_in_at=row.check_ins[0].at if row.check_ins else None,
    )


def _values(event: Event, names: Mapping[str, Any]) -> dict[str, Any]:
    return {name: getattr(event, name) for name in names if name in Event.__mapper__.columns}


def card(event: Event) -> EventCard:
    """An event in a list."""
    return EventCard(
        **_values(event, EventCard.model_fields), organisation=OrganisationCard.model_validate(event.organisation)
    )


async def view(session: AsyncSession, actor: Actor, event: Event) -> EventView:
    """All of it; whom to ask is for people who are signed in, where to meet online for those who come."""
    runs, comes = (
        await session.execute(select(event_run_by(actor), confirmed_at(actor)).where(Event.id == event.id))
    ).one()
    values = _values(event, EventView.model_fields)
    if actor.person_id is None:
        values["contact"] = None
    if not (runs or comes or Permission.READ_ALL in actor.platform):
        values["online_url"] = None
    return EventView(
        **values,
        organisation=OrganisationCard.model_validate(event.organisation),
        capacities=[CapacityView.model_validate(one) for one in await events.capacities(session, event.id)],
        questions=[
            QuestionView.model_validate({name: getattr(one, name) for name in QuestionView.model_fields})
            for one in await events.questions(session, event.id)
        ],
        organizers=[CoOrganizerView.model_validate(one) for one in await events.organizers(session, event.id)],
        possible=sorted(act for act, states in POSSIBLE.items() if event.state in states),
        run_by_you=runs,
    )


async def agenda_view(session: AsyncSession, event: Event, *, comes: bool) -> AgendaView:
    """The agenda of an event; the addresses of tables online are for those who come."""
    venues, sessions = await agenda.read(session, event.id)
    return AgendaView(
        event_id=event.id,
        version=event.version,
        time_zone=event.time_zone,
        venues=_venues(venues, sessions, comes=comes),
        sessions=[
            SessionView(
                **{name: getattr(one, name) for name in SessionView.model_fields if name != "slots"},
                slots=[SlotView.model_validate(slot) for slot in one.slots],
            )
            for one in sessions
        ],
    )


def _venues(venues: Sequence[EventVenue], sessions: Sequence[EventSession], *, comes: bool) -> list[VenueView]:
    written = agenda.body_of(venues, sessions)
    return [
        VenueView(
            id=venue.id,
            name=venue.name,
            address=venue.address,
            rooms=[
                RoomView(
                    id=room.id,
                    name=room.name,
                    tables=[
                        TableView(**(dict(told) | ({} if comes else {"url": None})), id=table.id)
                        for table, told in zip(room.tables, told_room.tables, strict=True)
                    ],
                )
                for room, told_room in zip(venue.rooms, told_venue.rooms, strict=True)
            ],
        )
        for venue, told_venue in zip(venues, written.venues, strict=True)
    ]
