"""Everybody who registered for an event, for its desk: counted by kind and state, and whole for a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import doors, events, registrations
from marketplace.docking.models import Event
from marketplace.docking.policy import event_run_by, registration_kept_by, registration_of
from marketplace.docking.registration_models import Registration
from marketplace.kernel.actor import Actor
from marketplace.kernel.refusals import Conflict
from schemas.events import ParticipantKind
from schemas.registrations import RegistrationFilter, RegistrationState, RosterFilter

MOST_PEOPLE: Final = 2000
"""What a file holds at most: twice the people of the largest event that is planned for."""

MOST_OWN: Final = 20


class TooManyForOneFile(Conflict):
    """人数过多，无法生成一个文件；请按类别分别下载。 · Too many people for one file; ask for one kind at a time."""


@dataclass(frozen=True)
class Count:
    """How many registrations are in a state, and how many people come with them."""

    registrations: int = 0
    people: int = 0


async def counts(
    session: AsyncSession, actor: Actor, event_id: UUID
) -> Mapping[tuple[ParticipantKind, RegistrationState], Count]:
    """The registrations of an event, counted (the desk). What is not there counts nought."""
    await events.desk(session, actor, event_id)
    rows = await session.execute(
        select(Registration.kind, Registration.state, func.count(), func.sum(Registration.seats))
        .where(Registration.event_id == event_id)
        .group_by(Registration.kind, Registration.state)
    )
    return {(kind, state): Count(many, people) for kind, state, many, people in rows.all()}


async def mine_at(session: AsyncSession, actor: Actor, event_id: UUID) -> Sequence[Registration]:
    """The actor's own registrations for one event, their organisations' too, latest first."""
    own = registrations.chosen().where(Registration.event_id == event_id, registration_of(actor))
    rows = await session.scalars(own.order_by(Registration.created_at.desc(), Registration.id.desc()).limit(MOST_OWN))
    return rows.all()


async def may_change(session: AsyncSession, actor: Actor, registration_id: UUID) -> bool:
    """Whether the actor keeps a registration, or runs the desk that does: for showing or leaving out a way there."""
    kept = select(Registration.id).join(Event, Event.id == Registration.event_id)
    kept = kept.where(Registration.id == registration_id, or_(registration_kept_by(actor), event_run_by(actor)))
    return await session.scalar(kept) is not None


async def whole(
    session: AsyncSession, actor: Actor, event_id: UUID, wish: RosterFilter
) -> tuple[Event, Sequence[Registration]]:
    """An event and all of its registrations that a filter leaves, by kind and organisation (the desk)."""
    event = await events.desk(session, actor, event_id)
    narrowed = registrations.narrowed(event_id, RegistrationFilter(kind=wish.kind, state=wish.state))
    people = narrowed.with_only_columns(func.coalesce(func.sum(Registration.seats), 0), maintain_column_froms=True)
    if (await session.scalar(people) or 0) > MOST_PEOPLE:
        raise TooManyForOneFile
    rows = await session.scalars(registrations.whole(narrowed).order_by(Registration.created_at, Registration.id))
    by_name = sorted(rows.all(), key=lambda one: one.organisation.name if one.organisation is not None else "")
    order = list(ParticipantKind)
    return event, sorted(by_name, key=lambda one: order.index(one.kind))


async def worn(session: AsyncSession, actor: Actor, registration_id: UUID) -> Registration:
    """A confirmed registration whose badges the actor may wear or hand out: its own people, and the desk."""
    row = await registrations.read(session, actor, registration_id)
    if not await registrations.knows_all(session, actor, registration_id):
        raise registrations.NotYourRegistration
    if row.state is not RegistrationState.CONFIRMED:
        raise doors.NotConfirmed
    return row
