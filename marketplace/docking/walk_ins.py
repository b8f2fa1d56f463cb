"""Meetings that are made on the spot: two who stand at the desk, a slot, and a table that is free."""

from collections.abc import AsyncIterator, Sequence
from itertools import product
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload
from uuid_utils.compat import uuid7

from marketplace.docking import events, meeting_facts, seats, standing
from marketplace.docking.meeting_models import HOLDING, Meeting
from marketplace.docking.meeting_policy import takes_part
from marketplace.docking.models import EventRoom, EventSlot, EventTable, TableClosure
from marketplace.docking.registration_models import Attendee, Registration
from marketplace.docking.standing import Placement
from marketplace.docking.wish_models import Wish
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.refusals import Conflict
from marketplace.reservations import claims
from schemas.base import FieldError
from schemas.events import EventAct
from schemas.meetings import MeetingState, Source, WalkIn


class MeetAlready(Conflict):
    """双方已有一场洽谈。 · The two have a meeting already."""


class NobodyFree(Conflict):
    """那时有一方没有空，或没有空桌。 · One of the two has no time then, or no table is free."""


async def arrange(session: AsyncSession, actor: Actor, event_id: UUID, wish: WalkIn) -> Meeting:
    """A meeting of two that come, in a slot that is not over, at the table that is named or any that is free."""
    event = await events.run(session, actor, event_id)
    events.require(event, EventAct.SCHEDULE)
    sides = await _sides(session, event_id, wish)
    slot = await session.scalar(select(EventSlot).where(EventSlot.id == wish.slot_id, EventSlot.event_id == event_id))
    errors = [one async for one in _flaws(session, event_id, wish, sides, slot)]
    if errors:
        raise seats.NotPossibleThere(errors=errors)
    assert slot is not None
    first_id, second_id = sorted((wish.first_id, wish.second_id))
    holding = select(Meeting.id).where(
        Meeting.first_id == first_id, Meeting.second_id == second_id, Meeting.state.in_(HOLDING)
    )
    if await session.scalar(holding) is not None:
        raise MeetAlready
    at = await _place(session, sides[first_id], sides[second_id], slot, wish.table_id)
    now = clock.now()
    one = Meeting(
        id=uuid7(), event_id=event_id, source=Source.WALK_IN, state=MeetingState.PLANNED, version=1, absent=[],
        created_at=now, updated_at=now, **{name: getattr(at, name) for name in Placement.__dataclass_fields__},
    )  # fmt: skip
    session.add(one)
    await session.flush()
    await standing.hold(session, event_id, [one])
    await record(session, meeting_facts.MeetingArranged(one.id, event_id), subject=one.id, by=actor.person)
    return one


async def _sides(session: AsyncSession, event_id: UUID, wish: WalkIn) -> dict[UUID, Registration]:
    found = await session.scalars(
        select(Registration)
        .where(Registration.id.in_((wish.first_id, wish.second_id)), Registration.event_id == event_id, takes_part())
        .options(selectinload(Registration.people).selectinload(Attendee.absences))
        .execution_options(populate_existing=True)
    )
    return {one.id: one for one in found.all()}


async def _flaws(
    session: AsyncSession, event_id: UUID, wish: WalkIn, sides: dict[UUID, Registration], slot: EventSlot | None
) -> AsyncIterator[FieldError]:
    for name, side in (("first_id", wish.first_id), ("second_id", wish.second_id)):
        if side not in sides:
            yield seats.flaw(f"/{name}", "not_a_participant", "对方不参加此活动。 · They do not come to this event.")
    if wish.first_id == wish.second_id:
        yield seats.flaw("/second_id", "oneself", "不能约见自己。 · Nobody meets themselves.")
    if slot is None:
        yield seats.flaw("/slot_id", "unknown", "此活动没有这个场次。 · This event has no such slot.")
    elif slot.ends_at <= clock.now():
        yield seats.flaw("/slot_id", "over", "这个场次已经结束。 · That slot is over.")
    if wish.table_id is not None and await seats.table_of(session, event_id, wish.table_id) is None:
        yield seats.flaw("/table_id", "unknown", "此活动没有这张桌子。 · This event has no such table.")


async def _place(
    session: AsyncSession, one: Registration, other: Registration, slot: EventSlot, table_id: UUID | None
) -> Placement:
    """Somebody of either side who is free, has a language in common with the other, and a table that is free."""
    tables = await _tables(session, slot, {one.id, other.id}, table_id)
    people = [pair for pair in product(_present(one, slot), _present(other, slot)) if _understand(pair[0], pair[1])]
    calendars = {standing.calendar_of(each.email) for pair in people for each in pair} | set(tables)
    if not calendars:
        raise NobodyFree
    held = await claims.held_among(session, calendars, claims.period(slot.starts_at, slot.ends_at))
    busy = {claim.resource_id for claim in held}
    table = next((each for each in tables if each not in busy), None)
    pair = next((pair for pair in people if not busy & {standing.calendar_of(each.email) for each in pair}), None)
    if table is None or pair is None:
        raise NobodyFree
    wish_id = await session.scalar(select(Wish.id).where(Wish.first_id == one.id, Wish.second_id == other.id))
    return Placement(
        first_id=one.id, second_id=other.id, first_person_id=pair[0].id, second_person_id=pair[1].id,
        wish_id=wish_id, table_id=table, slot_id=slot.id, until_slot_id=slot.id, starts_at=slot.starts_at,
        ends_at=slot.ends_at,
    )  # fmt: skip


async def _tables(session: AsyncSession, slot: EventSlot, sides: set[UUID], table_id: UUID | None) -> Sequence[UUID]:
    """Tables that are open then, and nobody else's; without a name, none at which an instrument is visited."""
    closed = select(TableClosure.table_id).where(TableClosure.slot_id == slot.id)
    hosts = select(Registration.table_id).where(
        Registration.event_id == slot.event_id, Registration.table_id.is_not(None), Registration.id.not_in(sides)
    )
    statement: Any = (
        select(EventTable.id)
        .join(EventRoom, EventRoom.id == EventTable.room_id)
        .where(EventTable.event_id == slot.event_id, EventTable.id.not_in(closed), EventTable.id.not_in(hosts))
        .order_by(EventRoom.venue_id, EventRoom.position, EventTable.position, EventTable.id)
    )
    named = EventTable.id == table_id if table_id is not None else EventTable.instrument_id.is_(None)
    found: Sequence[UUID] = (await session.scalars(statement.where(named))).all()
    return found


def _present(side: Registration, slot: EventSlot) -> list[Attendee]:
    return [one for one in side.people if slot.id not in {each.slot_id for each in one.absences}]


def _understand(one: Attendee, other: Attendee) -> bool:
    return not one.languages or not other.languages or bool(set(one.languages) & set(other.languages))
