"""The same event once more: what repeats is copied, what belongs to one time (registrations, states) is not."""

from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import insert, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import agenda, documents, events, facts
from marketplace.docking.events import NoEventsOfYours
from marketplace.docking.extra_models import ReminderRules
from marketplace.docking.models import CoOrganizer, Event
from marketplace.docking.wish_models import WishRules
from marketplace.kernel import clock, validation
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from schemas.events import Capacity, EventClone, EventNew, Question
from schemas.identity import Permission


async def clone(session: AsyncSession, actor: Actor, event_id: UUID, wish: EventClone) -> Event:
    """A draft like an event that the actor runs, beginning at another moment; every other time moves along."""
    before = await events.desk(session, actor, event_id)
    if before.organisation_id not in actor.organisations_where(Permission.MANAGE_EVENTS):
        raise NoEventsOfYours
    by = wish.starts_at - before.starts_at
    told = {name: getattr(before, name) for name in EventNew.model_fields if hasattr(before, name)}
    for name in ("starts_at", "ends_at", "registration_opens_at", "registration_closes_at"):
        told[name] = None if told[name] is None else told[name] + by
    places = await events.capacities(session, event_id)
    asked = await events.questions(session, event_id)
    told |= {
        "title": wish.title,
        "capacities": [Capacity(kind=one.kind, seats=one.seats) for one in places],
        "questions": [{name: getattr(one, name) for name in Question.model_fields} for one in asked],
    }
    try:
        body = EventNew.model_validate(told)
        written = agenda.body_of(*await agenda.read(session, event_id), by=by)
    except ValidationError as wrong:
        # Far enough away, a time leaves the years that can be written.
        raise validation.as_refusal(wrong) from None
    made = await events.put(session, before.organisation_id, body, by=actor.person, cloned_from_id=event_id)
    await agenda.put(session, made.id, written)
    together = [
        {"event_id": made.id, "organisation_id": one.organisation_id, "role": one.role, "runs_desk": one.runs_desk,
         "since": clock.now()}
        for one in await events.organizers(session, event_id)
    ]  # fmt: skip
    if together:
        await session.execute(insert(CoOrganizer), together)
    await documents.carry_over(session, event_id, made.id, actor.person)
    for table in (ReminderRules, WishRules):
        await _same_terms(session, table, event_id, made.id)
    await record(session, facts.EventDrafted(made.id, event_id), subject=made.id, by=actor.person)
    return await events.read(session, actor, made.id)


async def _same_terms(session: AsyncSession, table: type[ReminderRules | WishRules], event_id: UUID, to: UUID) -> None:
    """What the desk said of reminders, or of requests, holds of the new event too."""
    own = {"event_id": literal(to), "version": literal(1)} | dict.fromkeys(
        ("created_at", "updated_at"), literal(clock.now())
    )
    columns = table.__table__.columns
    told: list[Any] = [own.get(one.name, one) for one in columns]
    await session.execute(
        insert(table).from_select([one.name for one in columns], select(*told).where(table.event_id == event_id))
    )
