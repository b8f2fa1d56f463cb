"""Meetings seen, moved, swapped, called off, made on the spot, and what became of them.

Whoever changes one is alone with its event; what two events share, people and instruments, their claims keep apart.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import cards, events, groups, meeting_facts, schedules, seats, standing, wish_reasons
from marketplace.docking.meeting_models import Meeting
from marketplace.docking.meeting_policy import meeting_list_kept_by, meeting_visible_to
from marketplace.docking.models import Event
from marketplace.docking.policy import desk_sees, event_run_by
from marketplace.docking.registration_models import Attendee, Registration
from marketplace.docking.standing import Placement
from marketplace.kernel import clock, etag
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, Forbidden, NotFound
from marketplace.reservations import claims
from schemas.base import FieldError
from schemas.events import EventAct
from schemas.meetings import MeetingFilter, MeetingMove, MeetingState, MeetingView

PLANNED, HELD, NO_SHOW, CANCELLED = MeetingState
_FOLLOWS: Final = {
    HELD: {PLANNED, NO_SHOW},
    NO_SHOW: {PLANNED, HELD},
    CANCELLED: {PLANNED},
}
"""What a meeting may be before it becomes this; what was entered by mistake is entered anew."""


class NotYourMeeting(Forbidden):
    """只有主办方或参加洽谈的一方可以这样做。 · Only the desk, or a side of this meeting, may do that."""


class MeetingOver(Conflict):
    """此洽谈已开始、结束或取消，不能这样做。 · This meeting has begun, is over or was cancelled, and does not allow that."""


class NotBegun(Conflict):
    """洽谈尚未开始。 · The meeting has not begun yet."""


class NotAsLong(Conflict):
    """两场洽谈的时长不同，不能互换。 · The two do not take as many slots, so they cannot change places."""


def chosen() -> Select[Meeting]:
    return select(Meeting).join(Event, Event.id == Meeting.event_id).execution_options(populate_existing=True)


async def read(session: AsyncSession, actor: Actor, meeting_id: UUID) -> Meeting:
    """A meeting of one's own list, or of an event that one runs; to everybody else there is none."""
    found: Meeting | None = await session.scalar(chosen().where(Meeting.id == meeting_id, meeting_visible_to(actor)))
    if found is None:
        raise NotFound
    return found


async def listed(
    session: AsyncSession, actor: Actor, wish: MeetingFilter, paging: Paging
) -> tuple[list[MeetingView], str | None]:
    """One's own meetings and those of the events that one runs, the last of the day first."""
    statement = chosen().where(meeting_visible_to(actor), *groups.among(wish, Meeting.first_id, Meeting.second_id))
    if wish.industry is not None:
        # What the other side brings may not be public yet: it is for the desk.
        statement = statement.where(desk_sees(actor))
    equal: dict[Any, Any] = {Meeting.event_id: wish.event, Meeting.state: wish.state, Meeting.table_id: wish.table}
    statement = statement.where(*(column == value for column, value in equal.items() if value is not None))
    if wish.registration is not None:
        statement = statement.where(or_(Meeting.first_id == wish.registration, Meeting.second_id == wish.registration))
    by = tuple(zip((Meeting.starts_at, Meeting.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, statement, by, paging)
    return await views(session, [row[0] for row in rows]), marker


async def views(session: AsyncSession, found: Sequence[Meeting]) -> list[MeetingView]:
    sides = await cards.of(session, {side for one in found for side in one.sides()})
    names = await schedules.people(
        session, {who for one in found for who in (one.first_person_id, one.second_person_id)}
    )
    spots = await schedules.places(session, {one.table_id for one in found})
    why = await wish_reasons.by_id(session, schedules.recommended(found))
    plain = set(MeetingView.model_fields) & set(Meeting.__mapper__.columns.keys())
    return [
        MeetingView(
            **{name: getattr(one, name) for name in plain},
            because=schedules.because(one, why),
            first=sides[one.first_id],
            second=sides[one.second_id],
            first_person=names[one.first_person_id],
            second_person=names[one.second_person_id],
            place=schedules.place(one, spots),
        )
        for one in found
    ]


async def _held(
    session: AsyncSession, actor: Actor, meeting_id: UUID, act: EventAct, *, sides_too: bool = False
) -> tuple[Meeting, Event]:
    """One meeting, alone with its event, for the desk (and, where they may too, either side)."""
    seen = await read(session, actor, meeting_id)
    await events.alone(session, seen.event_id)
    event = (await session.scalars(events.chosen().where(Event.id == seen.event_id))).one()
    may = event_run_by(actor)
    if sides_too:
        ours = exists().where(Registration.id.in_((Meeting.first_id, Meeting.second_id)), meeting_list_kept_by(actor))
        may = or_(may, ours)
    found: Meeting | None = await session.scalar(
        chosen().where(Meeting.id == meeting_id, may).with_for_update(of=Meeting)
    )
    if found is None:
        raise NotYourMeeting if sides_too else events.NotItsOrganizer
    events.require(event, act)
    return found, event


async def _told(session: AsyncSession, one: Meeting, fact: meeting_facts.OfMeeting, by: UUID | None) -> None:
    await session.flush()
    await record(session, fact, subject=one.id, by=by)


# --- moving


async def move(session: AsyncSession, actor: Actor, meeting_id: UUID, version: int, wish: MeetingMove) -> Meeting:
    """Another slot, another table, or both, if everything it needs is free there."""
    one, event = await _held(session, actor, meeting_id, EventAct.SCHEDULE)
    etag.check(version, one.version)
    _require_to_come(one)
    at = await _moved(session, event, one, wish)
    if at == standing.placement(one):
        return one
    needs = await standing.calendars(session, event.id, [at])
    await claims.move(session, one.id, claims.period(at.starts_at, at.ends_at), needs[at])
    standing.put_at(one, at)
    await _told(session, one, meeting_facts.MeetingMoved(one.id, event.id), actor.person)
    return one


async def _moved(session: AsyncSession, event: Event, one: Meeting, wish: MeetingMove) -> Placement:
    before = standing.placement(one)
    slots = await seats.slots_of(session, event.id)
    length = len(standing.between(one, slots))
    first = wish.slot_id or before.slot_id
    span = seats.span(slots, first, length)
    table = await seats.table_of(session, event.id, wish.table_id or before.table_id)
    if span is None:
        raise seats.NotPossibleThere(
            errors=[
                seats.flaw(
                    "/slot_id",
                    "no_slot_fits",
                    "没有这个场次，或其后的场次不够。 · There is no such slot, or not enough of them follow it.",
                )
            ]
        )
    if table is None:
        raise seats.NotPossibleThere(
            errors=[seats.flaw("/table_id", "unknown", "此活动没有这张桌子。 · This event has no such table.")]
        )
    at = replace(
        before, table_id=table.id, slot_id=span[0].id, until_slot_id=span[-1].id,
        starts_at=span[0].starts_at, ends_at=span[-1].ends_at,
    )  # fmt: skip
    errors = [one async for one in seats.hindrances(session, at, span)]
    if errors:
        raise seats.NotPossibleThere(errors=errors)
    return at


async def swap(session: AsyncSession, actor: Actor, meeting_id: UUID, other_id: UUID) -> tuple[Meeting, Meeting]:
    """Two meetings of an event change slots and tables, both or neither."""
    one, event = await _held(session, actor, meeting_id, EventAct.SCHEDULE)
    other: Meeting | None = await session.scalar(
        chosen().where(Meeting.id == other_id, Meeting.event_id == event.id).with_for_update(of=Meeting)
    )
    if other is None or other.id == one.id:
        raise seats.NotPossibleThere(
            errors=[
                seats.flaw(
                    "/other_id", "unknown", "此活动没有另一场这样的洽谈。 · This event has no such other meeting."
                )
            ]
        )
    for each in (one, other):
        _require_to_come(each)
    slots = await seats.slots_of(session, event.id)
    spans = [standing.between(each, slots) for each in (other, one)]
    if len(spans[0]) != len(spans[1]):
        raise NotAsLong
    pair = [standing.placement(each) for each in (one, other)]
    target = [_in_place_of(pair[0], pair[1]), _in_place_of(pair[1], pair[0])]
    errors = [
        found for at, span in zip(target, spans, strict=True) async for found in seats.hindrances(session, at, span)
    ]
    if errors:
        raise seats.NotPossibleThere(errors=[_of_the_other(error) for error in errors])
    needs = await standing.calendars(session, event.id, target)
    await claims.take_turns(session, {calendar for each in needs.values() for calendar in each})
    await claims.release_each(session, (one.id, other.id))
    for each, at in zip((one, other), target, strict=True):
        standing.put_at(each, at)
    await session.flush()
    await standing.hold(session, event.id, (one, other))
    for each in (one, other):
        await _told(session, each, meeting_facts.MeetingMoved(each.id, event.id), actor.person)
    return one, other


def _in_place_of(one: Placement, other: Placement) -> Placement:
    where = ("table_id", "slot_id", "until_slot_id", "starts_at", "ends_at")
    return replace(one, **{name: getattr(other, name) for name in where})


def _of_the_other(error: FieldError) -> FieldError:
    """What hinders a swap is the other meeting, whatever it is about it."""
    return seats.flaw("/other_id", error.code, error.detail)


def _require_to_come(one: Meeting) -> None:
    if one.state is not PLANNED or one.starts_at <= clock.now():
        raise MeetingOver


# --- what becomes of it


async def call_off(session: AsyncSession, actor: Actor, meeting_id: UUID, version: int, note: str | None) -> Meeting:
    """The desk or a side calls it off; it is not planned once more unless the two ask anew."""
    one, event = await _held(session, actor, meeting_id, EventAct.SCHEDULE, sides_too=True)
    etag.check(version, one.version)
    _require_follows(one, CANCELLED)
    await claims.release(session, one.id)
    standing.strike(one, called_off=True, note=note)
    await _told(session, one, meeting_facts.MeetingCancelled(one.id, event.id), actor.person)
    return one


async def confirm(session: AsyncSession, actor: Actor, meeting_id: UUID) -> Meeting:
    """It takes place, or did (the desk)."""
    one, event = await _held(session, actor, meeting_id, EventAct.FOLLOW_UP)
    if one.state is HELD:
        return one
    _require_follows(one, HELD)
    _require_begun(one)
    missed = one.state is NO_SHOW
    one.state, one.absent = HELD, []
    standing.touch(one)
    await session.flush()
    if missed:
        await standing.hold(session, event.id, [one])
    await _told(session, one, meeting_facts.MeetingConfirmed(one.id, event.id), actor.person)
    return one


async def miss(session: AsyncSession, actor: Actor, meeting_id: UUID, absent: Sequence[UUID]) -> Meeting:
    """One side, or both, did not come; whoever did is free for somebody else (the desk)."""
    one, event = await _held(session, actor, meeting_id, EventAct.FOLLOW_UP)
    if not set(absent) <= set(one.sides()):
        raise seats.NotPossibleThere(
            errors=[
                seats.flaw("/absent", "not_a_side", "只能填写此洽谈的双方。 · Name one or both sides of this meeting.")
            ]
        )
    if one.state is NO_SHOW and set(one.absent) == set(map(str, absent)):
        return one
    if one.state is not NO_SHOW:
        _require_follows(one, NO_SHOW)
    _require_begun(one)
    await claims.release(session, one.id)
    one.state, one.absent = NO_SHOW, sorted(str(side) for side in set(absent))
    standing.touch(one)
    await _told(session, one, meeting_facts.MeetingMissed(one.id, event.id), actor.person)
    return one


def _require_follows(one: Meeting, to: MeetingState) -> None:
    if one.state not in _FOLLOWS[to]:
        raise MeetingOver


def _require_begun(one: Meeting) -> None:
    if one.starts_at > clock.now():
        raise NotBegun


# --- within what happens elsewhere in this room


async def _strike(session: AsyncSession, which: Any, by: UUID | None) -> None:
    now: datetime = clock.now()
    rows = await session.scalars(
        chosen()
        .where(Meeting.state == PLANNED, Meeting.starts_at > now, which)
        .order_by(Meeting.id)
        .with_for_update(of=Meeting)
    )
    for one in rows.all():
        await claims.release(session, one.id)
        standing.strike(one)
        await _told(session, one, meeting_facts.MeetingCancelled(one.id, one.event_id), by)


async def event_cancelled(session: AsyncSession, fact: Any, by: UUID | None) -> None:
    """Nothing takes place of an event that is called off."""
    await _strike(session, Meeting.event_id == fact.event_id, by)


async def registration_over(session: AsyncSession, fact: Any, by: UUID | None) -> None:
    """Nobody waits at a table for who does not come."""
    side = fact.registration_id
    await _strike(session, or_(Meeting.first_id == side, Meeting.second_id == side), by)


async def people_changed(session: AsyncSession, fact: Any, by: UUID | None) -> None:
    """Somebody of a meeting list no longer comes: their meetings are to be planned anew."""
    side = fact.registration_id
    gone = select(Attendee.id).where(Attendee.registration_id == side, Attendee.left_at.is_not(None))
    seated = or_(
        and_(Meeting.first_id == side, Meeting.first_person_id.in_(gone)),
        and_(Meeting.second_id == side, Meeting.second_person_id.in_(gone)),
    )
    await _strike(session, seated, by)
