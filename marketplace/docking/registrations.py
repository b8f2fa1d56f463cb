"""Registrations read and listed; approved, refused, cancelled, and what is offered to those who wait."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from marketplace.docking import events, facts, groups
from marketplace.docking.models import Event
from marketplace.docking.policy import (
    event_run_by,
    registration_kept_by,
    registration_of,
    registration_visible_to,
)
from marketplace.docking.registration_models import (
    LIVE_STATES,
    Attendee,
    BroughtListing,
    Registration,
)
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, Forbidden, NotFound
from marketplace.listings import derived
from schemas.events import EventAct
from schemas.registrations import RegistrationFilter, RegistrationState


class NotYourRegistration(Forbidden):
    """只有报名人、其单位的编辑或主办方可以这样做。 · Only whoever registered, their organisation's editors or the desk may do that."""


class RegistrationEnded(Conflict):
    """此报名已结束，或不在可以这样做的状态。 · This registration is over, or not in a state that allows this."""


def chosen() -> Select[Registration]:
    """Registrations beside their event and organisation."""
    return (
        select(Registration)
        .join(Event, Event.id == Registration.event_id)
        .options(contains_eager(Registration.event), joinedload(Registration.organisation))
        .execution_options(populate_existing=True)
    )


def whole(statement: Select[Any]) -> Select[Any]:
    """With everything that a view of them tells: four statements more, however many they are."""
    people = selectinload(Registration.people)
    return statement.options(
        people.selectinload(Attendee.absences),
        people.selectinload(Attendee.check_ins),
        selectinload(Registration.records).joinedload(BroughtListing.listing),
    )


async def read(session: AsyncSession, actor: Actor, registration_id: UUID) -> Registration:
    """One registration that the actor may see; to everybody else it does not exist."""
    statement = chosen().where(Registration.id == registration_id, registration_visible_to(actor))
    found: Registration | None = await session.scalar(whole(statement))
    if found is None:
        raise NotFound
    return found


async def mine(session: AsyncSession, actor: Actor, paging: Paging) -> tuple[list[Registration], str | None]:
    """One's own, one's organisations', and those in which one comes along, latest first."""
    return await _page(session, chosen().where(registration_of(actor)), paging)


async def listed(
    session: AsyncSession, actor: Actor, event_id: UUID, wish: RegistrationFilter, paging: Paging
) -> tuple[list[Registration], str | None]:
    """Those of an event, latest first, for its desk."""
    await events.desk(session, actor, event_id)
    return await _page(session, narrowed(event_id, wish), paging)


def narrowed(event_id: UUID, wish: RegistrationFilter) -> Select[Registration]:
    statement = chosen().where(Registration.event_id == event_id, *groups.among(wish, Registration.id))
    if wish.kind is not None:
        statement = statement.where(Registration.kind == wish.kind)
    if wish.state is not None:
        statement = statement.where(Registration.state == wish.state)
    for word in derived.asked(wish.q):
        statement = statement.where(Registration.words.contains(word, autoescape=True))
    return statement


async def _page(
    session: AsyncSession, statement: Select[Registration], paging: Paging
) -> tuple[list[Registration], str | None]:
    by = tuple(zip((Registration.created_at, Registration.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, whole(statement), by, paging)
    return [row[0] for row in rows], marker


async def knows_all(session: AsyncSession, actor: Actor, registration_id: UUID) -> bool:
    """Whether the actor is told what only the people themselves and the desk are told."""
    statement = select(Registration.id).join(Event, Event.id == Registration.event_id)
    known = statement.where(Registration.id == registration_id, or_(registration_of(actor), event_run_by(actor)))
    return await session.scalar(known) is not None


async def changing(
    session: AsyncSession, actor: Actor, registration_id: UUID, act: EventAct, *, by_desk: bool = False
) -> tuple[Registration, Event]:
    """One live registration, alone with it, for whoever keeps it (and the desk, or the desk alone)."""
    seen = await read(session, actor, registration_id)
    await events.beside(session, seen.event_id)
    may = event_run_by(actor) if by_desk else or_(registration_kept_by(actor), event_run_by(actor))
    found = await session.scalar(
        whole(chosen().where(Registration.id == registration_id, may)).with_for_update(of=Registration, key_share=True)
    )
    if found is None:
        raise events.NotItsOrganizer if by_desk else NotYourRegistration
    events.require(found.event, act)
    if found.state not in LIVE_STATES:
        raise RegistrationEnded
    return found, found.event


def touch(registration: Registration) -> None:
    registration.version += 1
    registration.updated_at = clock.now()


async def end(session: AsyncSession, registration: Registration, state: RegistrationState) -> None:
    """It came to nothing: its people no longer come, its places are free."""
    registration.state, registration.ended_at = state, clock.now()
    touch(registration)
    await session.flush()
    await session.execute(
        update(Attendee)
        .where(Attendee.registration_id == registration.id, Attendee.left_at.is_(None))
        .values(left_at=registration.ended_at)
        .execution_options(synchronize_session=False)
    )


def require_state(registration: Registration, states: Iterable[RegistrationState]) -> None:
    if registration.state not in states:
        raise RegistrationEnded


async def refuse(session: AsyncSession, actor: Actor, registration_id: UUID, note: str) -> Registration:
    """Say no, and why (the desk)."""
    registration, _ = await changing(session, actor, registration_id, EventAct.DECIDE, by_desk=True)
    require_state(registration, set(LIVE_STATES) - {RegistrationState.CONFIRMED})
    registration.note, registration.decided_by, registration.decided_at = note, actor.person, clock.now()
    await end(session, registration, RegistrationState.REFUSED)
    refused = facts.RegistrationRefused(registration.id, registration.event_id)
    await record(session, refused, subject=registration.id, by=actor.person)
    return await read(session, actor, registration_id)


async def cancel(session: AsyncSession, actor: Actor, registration_id: UUID, note: str | None) -> Registration:
    """Give the places back; what is only offered is declined."""
    registration, _ = await changing(session, actor, registration_id, EventAct.CHANGE_REGISTRATION)
    offered = registration.state is RegistrationState.OFFERED
    registration.note = note
    await end(session, registration, RegistrationState.DECLINED if offered else RegistrationState.CANCELLED)
    kind = facts.PlaceDeclined if offered else facts.RegistrationCancelled
    await record(session, kind(registration.id, registration.event_id), subject=registration.id, by=actor.person)
    return await read(session, actor, registration_id)
