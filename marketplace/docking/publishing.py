"""A draft becomes what holds, in one step, and what held before can be brought back."""

from typing import Final
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import events, meeting_facts, schedules, standing, steps
from marketplace.docking.composing import compose
from marketplace.docking.meeting_models import Planned, Publication
from marketplace.docking.meeting_policy import takes_part
from marketplace.docking.models import EventSlot, EventTable
from marketplace.docking.registration_models import Attendee, Registration
from marketplace.docking.standing import PLACEMENT, Placement
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import Paging, page
from marketplace.kernel.refusals import Conflict, NotFound
from schemas.events import EventAct, EventState
from schemas.meetings import Publishing

_PLACED: Final = tuple(Placement.__dataclass_fields__)


class DraftOutdated(Conflict):
    """计算草案之后情况有变（报名、约见、议程或洽谈），请重新排程。 · Things changed since this draft was computed (people, wishes, agenda or meetings); have it computed anew."""


class NotTheLatest(Conflict):
    """只能撤销最近一次公布。 · Only the latest publication that holds can be undone."""


async def publish(session: AsyncSession, actor: Actor, schedule_id: UUID, kind: Publishing) -> Publication:
    """Let the meetings of a draft hold. It is refused where the draft was computed from what is no longer so.

    Said again while nothing else has happened it is the publication that is there.
    """
    schedule = await schedules.read(session, actor, schedule_id)
    event = await events.run(session, actor, schedule.event_id)
    events.require(event, EventAct.SCHEDULE)
    schedule = await schedules.computed(session, actor, schedule_id)
    now = clock.now()
    composed = await compose(session, event, schedule.planning, schedule.late, now, fill=schedule.fill)
    if composed.basis != schedule.basis:
        raise DraftOutdated
    latest = await session.scalar(_latest(event.id))
    if latest is not None and (latest.schedule_id, latest.kind) == (schedule_id, kind):
        return latest
    rows = await session.scalars(select(Planned).where(Planned.schedule_id == schedule_id))
    wanted = [Placement(**{name: getattr(one, name) for name in _PLACED}) for one in rows.all()]
    change = await standing.put(session, event.id, wanted, now)
    number = await session.scalar(select(func.max(Publication.number)).where(Publication.event_id == event.id))
    publication = Publication(
        event_id=event.id, number=(number or 0) + 1, schedule_id=schedule_id, kind=kind, before=change.before,
        planned=change.planned, added=change.added, moved=change.moved, dropped=change.dropped,
        published_by=actor.person, published_at=clock.now(),
    )  # fmt: skip
    session.add(publication)
    await session.flush()
    await record(session, meeting_facts.SchedulePublished(event.id, publication.id), subject=event.id, by=actor.person)
    if kind is Publishing.FINAL and event.state is EventState.CLOSED:
        await steps.enter(session, event, EventState.SCHEDULED, by=actor.person)
    return publication


def _latest(event_id: UUID) -> Select[Publication]:
    """The one that holds."""
    return (
        select(Publication)
        .where(Publication.event_id == event_id, Publication.undone_at.is_(None))
        .order_by(Publication.number.desc())
        .limit(1)
    )


async def undo(session: AsyncSession, actor: Actor, event_id: UUID, publication_id: UUID) -> Publication:
    """Bring back what held before the latest publication, as far as it is still to come and its people still come."""
    event = await events.run(session, actor, event_id)
    events.require(event, EventAct.SCHEDULE)
    publication = await session.get(Publication, publication_id, with_for_update=True, populate_existing=True)
    if publication is None or publication.event_id != event_id:
        raise NotFound
    if await session.scalar(_latest(event_id)) is not publication:
        raise NotTheLatest
    now = clock.now()
    before = [PLACEMENT.validate_python(one) for one in publication.before]
    await standing.put(session, event_id, await _still_possible(session, event_id, before), now)
    publication.undone_by, publication.undone_at = actor.person, now
    publication.reached = publication.told_at = None
    await session.flush()
    fact = meeting_facts.PublicationWithdrawn(event_id, publication_id)
    await record(session, fact, subject=event_id, by=actor.person)
    return publication


async def _still_possible(session: AsyncSession, event_id: UUID, before: list[Placement]) -> list[Placement]:
    now = clock.now()
    sides = set(await session.scalars(select(Registration.id).where(Registration.event_id == event_id, takes_part())))
    people = set(
        await session.scalars(select(Attendee.id).where(Attendee.event_id == event_id, Attendee.left_at.is_(None)))
    )
    slots = set(await session.scalars(select(EventSlot.id).where(EventSlot.event_id == event_id)))
    tables = set(await session.scalars(select(EventTable.id).where(EventTable.event_id == event_id)))
    called_off = await standing.called_off(session, event_id)
    return [
        one
        for one in before
        if one.starts_at > now
        and one.sides not in called_off
        and sides.issuperset(one.sides)
        and people.issuperset((one.first_person_id, one.second_person_id))
        and slots.issuperset((one.slot_id, one.until_slot_id))
        and one.table_id in tables
    ]


async def listed(
    session: AsyncSession, actor: Actor, event_id: UUID, paging: Paging
) -> tuple[list[Publication], str | None]:
    """What was published of an event and what became of it, latest first."""
    await events.desk(session, actor, event_id)
    statement = select(Publication).where(Publication.event_id == event_id)
    rows, marker = await page(session, statement, ((Publication.number, int),), paging)
    return [row[0] for row in rows], marker
