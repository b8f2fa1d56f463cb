"""Who gets a place: the desk's approval, and the line of those who wait, each offered a place until the offer runs out.

Whoever waited longest comes first. A group that is larger than what is free is passed over and goes on waiting; as long
as somebody waits, nobody who comes later is given a place past the line.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import events, facts
from marketplace.docking.models import Event, EventCapacity
from marketplace.docking.registering import enter, hold
from marketplace.docking.registration_models import Registration
from marketplace.docking.registrations import changing, chosen, end, read, require_state, touch
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.refusals import Conflict
from schemas.events import POSSIBLE, EventAct, EventState
from schemas.registrations import RegistrationDecision, RegistrationState


class NoPlaceOffered(Conflict):
    """现在没有给您留的名额，或已超过答复时间。 · No place is offered to you now, or the time to answer is over."""


async def approve(
    session: AsyncSession, actor: Actor, registration_id: UUID, wish: RegistrationDecision
) -> Registration:
    """Let them come, or (when it is full, and asked for) wait. Approving again changes nothing."""
    registration, _ = await changing(session, actor, registration_id, EventAct.DECIDE, by_desk=True)
    if registration.state is RegistrationState.CONFIRMED:
        return registration
    require_state(registration, {RegistrationState.REQUESTED})
    now = clock.now()
    registration.note, registration.decided_by, registration.decided_at = wish.note, actor.person, now
    touch(registration)
    state = await enter(session, registration, RegistrationState.CONFIRMED, wait=wish.wait, now=now)
    kind = facts.RegistrationQueued if state is RegistrationState.WAITING else facts.RegistrationConfirmed
    await record(session, kind(registration.id, registration.event_id), subject=registration.id, by=actor.person)
    return await read(session, actor, registration_id)


async def accept(session: AsyncSession, actor: Actor, registration_id: UUID) -> Registration:
    """Take the places that are held."""
    registration, _ = await changing(session, actor, registration_id, EventAct.DECIDE)
    if registration.state is RegistrationState.CONFIRMED and registration.offered_at is not None:
        return registration
    expires = registration.offer_expires_at
    if registration.state is not RegistrationState.OFFERED or expires is None or expires <= clock.now():
        raise NoPlaceOffered
    touch(registration)
    await hold(session, registration, RegistrationState.CONFIRMED)
    confirmed = facts.RegistrationConfirmed(registration.id, registration.event_id)
    await record(session, confirmed, subject=registration.id, by=actor.person)
    return await read(session, actor, registration_id)


async def ahead(session: AsyncSession, registration: Registration) -> int | None:
    """How many registrations of the same kind have waited longer than this one; None, where it does not wait."""
    if registration.state is not RegistrationState.WAITING:
        return None
    mine = tuple_(registration.waiting_since, registration.id)
    return await session.scalar(
        select(func.count()).where(
            Registration.event_id == registration.event_id,
            Registration.kind == registration.kind,
            Registration.state == RegistrationState.WAITING,
            tuple_(Registration.waiting_since, Registration.id) < mine,
        )
    )


async def promote(session: AsyncSession, event_id: UUID, now: datetime, *, at_most: int = 200) -> int:
    """Offer what is free to those who wait. Answers how many were offered places; call until it answers 0."""
    await events.alone(session, event_id)
    event = await session.get(Event, event_id, populate_existing=True)
    if event is None or event.state not in POSSIBLE[EventAct.DECIDE] or event.starts_at <= now:
        return 0
    offered = 0
    for place in await events.capacities(session, event_id):
        offered += await _offer(session, event, place, now, at_most)
    return offered


async def _offer(session: AsyncSession, event: Event, place: EventCapacity, now: datetime, at_most: int) -> int:
    line = select(Registration).where(
        Registration.event_id == event.id,
        Registration.kind == place.kind,
        Registration.state == RegistrationState.WAITING,
    )
    free = None if place.seats is None else place.seats - place.taken
    if free is not None:
        line = line.where(Registration.seats <= free)
    waits = await session.scalars(
        line.order_by(Registration.waiting_since, Registration.id).limit(at_most).with_for_update(key_share=True)
    )
    offered = 0
    for registration in waits.all():
        if free is not None:
            if registration.seats > free:
                continue
            free -= registration.seats
        registration.offered_at = now
        registration.offer_expires_at = min(now + timedelta(hours=event.offer_hours), event.starts_at)
        touch(registration)
        await hold(session, registration, RegistrationState.OFFERED)
        await record(session, facts.PlaceOffered(registration.id, event.id), subject=registration.id)
        offered += 1
    return offered


async def expire_offers(session: AsyncSession, now: datetime, *, at_most: int = 100) -> int:
    """Take back what was not taken in time. Answers how many; call until it answers 0."""
    due = await session.scalars(
        chosen()
        .where(
            Registration.state == RegistrationState.OFFERED,
            Registration.offer_expires_at <= now,
            Event.state != EventState.CANCELLED,
        )
        # In the order in which everybody reaches for places.
        .order_by(Registration.event_id, Registration.kind, Registration.id)
        .limit(at_most)
        .with_for_update(of=Registration, key_share=True, skip_locked=True)
    )
    rows = due.all()
    for registration in rows:
        await end(session, registration, RegistrationState.EXPIRED)
        lapsed = facts.PlaceLapsed(registration.id, registration.event_id)
        await record(session, lapsed, subject=registration.id)
    return len(rows)
