"""From draft to followed up: which step may follow which, what each asks for, and those that the clock makes."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import announcements, events, facts
from marketplace.docking.events import NotInThisState
from marketplace.docking.models import Event, EventSlot, EventTable
from marketplace.kernel import clock, etag
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.refusals import Conflict
from marketplace.listings import records
from marketplace.listings.publication import NotVerified
from schemas.events import NEXT, EventFormat, EventState, EventStep
from schemas.identity import Verification
from schemas.listings import CompletenessItem


class RegistrationOver(Conflict):
    """报名截止时间已过，请先延长。 · Registration has closed by its own time; set a later one first."""


class NothingToSchedule(Conflict):
    """议程中还没有洽谈场次和洽谈桌。 · The agenda has no slots and tables for meetings yet."""


_ADVICE: Final = {
    "summary": "请写简介。 · Write a summary.",
    "place": "请填写举办地点。 · Say where it takes place.",
    "region": "请选择所在地区。 · Choose its region.",
    "online_url": "请填写线上会议地址。 · Give the address of the online meeting.",
}


def _lacking(event: Event) -> Iterable[CompletenessItem]:
    needed = ["summary"]
    if event.format is not EventFormat.ONLINE:
        needed += ["place", "region"]
    if event.format is not EventFormat.ONSITE:
        needed.append("online_url")
    for name in needed:
        if not getattr(event, name):
            yield CompletenessItem(field=name, required=True, advice=_ADVICE[name])


async def _require_ready(session: AsyncSession, event: Event, to: EventState, now: datetime) -> None:
    """What a step asks for beside the state that it is made from."""
    if to in {EventState.PUBLISHED, EventState.OPEN}:
        if event.organisation.verification is not Verification.VERIFIED:
            raise NotVerified
        records.require(_lacking(event))
    if to is EventState.OPEN and closing(event) <= now:
        raise RegistrationOver
    if to is EventState.SCHEDULED:
        there = select(exists().where(EventSlot.event_id == event.id), exists().where(EventTable.event_id == event.id))
        slots, tables = (await session.execute(there)).one()
        if not (slots and tables):
            raise NothingToSchedule


def closing(event: Event) -> datetime:
    """When registration ends by itself."""
    return event.registration_closes_at or event.starts_at


async def step(session: AsyncSession, actor: Actor, event_id: UUID, version: int, wish: EventStep) -> Event:
    """Bring an event that the actor runs into another state. Where it is already, nothing changes."""
    event = await events.run(session, actor, event_id)
    if event.state is wish.to:
        return event
    etag.check(version, event.version)
    if wish.to not in NEXT[event.state]:
        raise NotInThisState(event.state, {state for state in EventState if wish.to in NEXT[state]})
    await _require_ready(session, event, wish.to, clock.now())
    await enter(session, event, wish.to, by=actor.person, reason=wish.reason)
    return event


async def enter(
    session: AsyncSession, event: Event, to: EventState, *, by: UUID | None, reason: str | None = None
) -> None:
    """Enter a state that may follow the present one. The caller is alone with the event."""
    before = event.state
    assert to in NEXT[before], f"{to} does not follow {before}"
    event.state = to
    if to is EventState.CANCELLED:
        event.cancelled_because = reason
        if by is not None and event.published_at is not None:
            await announcements.put(session, event.id, announcements.of_cancellation(event), by=by)
    elif event.published_at is None:
        event.published_at = clock.now()
    events.touch(event)
    await session.flush()
    fact: facts.OfEvent = (
        facts.EventCancelled(event.id, before)
        if to is EventState.CANCELLED
        else facts.EventStepped(event.id, before, to)
    )
    await record(session, fact, subject=event.id, by=by)


def _by_itself(event: Event, now: datetime) -> EventState | None:
    """The step that is due, if one is. Several in a row are made one by one."""
    if event.state is EventState.PUBLISHED:
        opens = event.registration_opens_at
        return EventState.OPEN if opens is not None and opens <= now < closing(event) else None
    if event.state is EventState.OPEN:
        return EventState.CLOSED if closing(event) <= now else None
    if event.state in {EventState.CLOSED, EventState.SCHEDULED}:
        return EventState.RUNNING if event.starts_at <= now else None
    if event.state is EventState.RUNNING:
        return EventState.ENDED if event.ends_at <= now else None
    return None


async def keep_time(session: AsyncSession, now: datetime, *, at_most: int = 50) -> int:
    """Make the steps that are due. Answers how many; call until it answers 0."""
    closes = func.coalesce(Event.registration_closes_at, Event.starts_at)
    due = await session.scalars(
        select(Event.id)
        .where(
            or_(
                and_(Event.state == EventState.PUBLISHED, Event.registration_opens_at <= now, closes > now),
                and_(Event.state == EventState.OPEN, closes <= now),
                and_(Event.state.in_((EventState.CLOSED, EventState.SCHEDULED)), Event.starts_at <= now),
                and_(Event.state == EventState.RUNNING, Event.ends_at <= now),
            )
        )
        .order_by(Event.id)
        .limit(at_most)
    )
    made = 0
    for event_id in due.all():
        await events.alone(session, event_id)
        event = (await session.scalars(events.chosen().where(Event.id == event_id))).one()
        to = _by_itself(event, now)
        if to is EventState.OPEN and (
            event.organisation.verification is not Verification.VERIFIED or any(True for _ in _lacking(event))
        ):
            continue
        if to is not None:
            await enter(session, event, to, by=None)
            made += 1
    return made
