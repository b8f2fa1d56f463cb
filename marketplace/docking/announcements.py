"""Letters to the participants of an event, posted a few at a time, each of them once."""

from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import events, facts
from marketplace.docking.models import Event
from marketplace.docking.registration_models import LIVE_STATES, Announcement, Attendee, Registration
from marketplace.kernel import clock, mail
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from schemas.events import EventAct
from schemas.registrations import AnnouncementNew

AT_ONCE: Final = 100


async def announce(session: AsyncSession, actor: Actor, event_id: UUID, wish: AnnouncementNew) -> Announcement:
    """Write to those whose registration is in these states (the desk). A job posts the letters."""
    event = await events.desk(session, actor, event_id)
    events.require(event, EventAct.ANNOUNCE)
    return await put(session, event_id, wish, by=actor.person)


async def put(session: AsyncSession, event_id: UUID, wish: AnnouncementNew, *, by: UUID) -> Announcement:
    made = Announcement(event_id=event_id, created_by=by, created_at=clock.now(), letters=0, **wish.model_dump())
    session.add(made)
    await session.flush()
    await record(session, facts.AnnouncementWritten(event_id, made.id), subject=event_id, by=by)
    return made


async def listed(
    session: AsyncSession, actor: Actor, event_id: UUID, paging: Paging
) -> tuple[list[Announcement], str | None]:
    """What was written to participants, latest first (the desk)."""
    await events.desk(session, actor, event_id)
    by = tuple(zip((Announcement.created_at, Announcement.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, select(Announcement).where(Announcement.event_id == event_id), by, paging)
    return [row[0] for row in rows], marker


async def deliver(session: AsyncSession, announcement_id: UUID, public_url: str, *, at_most: int = AT_ONCE) -> int:
    """Post the next letters. Answers how many; call until it answers 0.

    How far it came is written in the same transaction as the letters, so a job that is done again repeats none.
    """
    one = await session.get(Announcement, announcement_id, with_for_update=True, populate_existing=True)
    if one is None or one.done_at is not None:
        return 0
    event = await session.get_one(Event, one.event_id)
    statement = (
        select(Attendee.id, Attendee.email)
        .join(Registration, Registration.id == Attendee.registration_id)
        .where(
            Attendee.event_id == one.event_id,
            Registration.state.in_(one.states),
            # Of those that came to nothing, whoever was there in the end.
            Attendee.left_at.is_(None) | (Attendee.left_at == Registration.ended_at),
        )
    )
    if one.kinds:
        statement = statement.where(Registration.kind.in_(one.kinds))
    if one.reached is not None:
        statement = statement.where(Attendee.id > one.reached)
    rows = (await session.execute(statement.order_by(Attendee.id).limit(at_most))).all()
    for row in rows:
        await mail.post(
            session,
            to=row.email,
            subject=f"{event.title}：{one.subject}",
            text=f"{one.text}\n\n{event.title}\n{public_url}/events/{event.id}",
        )
    if rows:
        one.reached = rows[-1].id
        one.letters += len(rows)
    if len(rows) < at_most:
        one.done_at = clock.now()
    await session.flush()
    return len(rows)


def of_cancellation(event: Event) -> AnnouncementNew:
    """What all who had hoped to come are told when an event is cancelled."""
    return AnnouncementNew(
        subject="活动取消 · The event is cancelled",
        text=f"很抱歉，活动已取消。原因：\nWe are sorry: the event is cancelled. The reason:\n\n{event.cancelled_because}",
        states=list(LIVE_STATES),
    )
