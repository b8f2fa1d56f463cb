"""Meetings seen, moved, swapped, called off, made on the spot, and what became of them.

Whoever changes one is alone with it, while its event stays as it is: who plans anew waits. That two of them do not sit
with the same people or at the same table at once, within an event or across two, is what their claims are for.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, Uuid, and_, bindparam, exists, or_, select
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
from marketplace.kernel.prepared import PreparedFor
from marketplace.kernel.refusals import Conflict, Forbidden, NotFound
from marketplace.reservations import claims
from marketplace.reservations.models import ResourceKind
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
    """One's own meetings and those of the events that one runs: of one event in the order of the day, of all latest first."""
    statement = chosen().where(meeting_visible_to(actor), *groups.among(wish, Meeting.first_id, Meeting.second_id))
    if wish.industry is not None:
        # What the other side brings may not be public yet: it is for the desk.
        statement = statement.where(desk_sees(actor))
    equal: dict[Any, Any] = {Meeting.event_id: wish.event, Meeting.state: wish.state, Meeting.table_id: wish.table}
    statement = statement.where(*(column == value for column, value in equal.items() if value is not None))
    if wish.registration is not None:
        statement = statement.where(or_(Meeting.first_id == wish.registration, Meeting.second_id == wish.registration))
    by = tuple(zip((Meeting.starts_at, Meeting.id), BY_TIME_AND_ID, strict=True))
    of_one = wish.event is not None or wish.registration is not None
    rows, marker = await page(session, statement, by, paging, rising=of_one)
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


_EVENT_OF = PreparedFor(
    lambda actor: (
        select(Meeting.event_id)
        .join(Event, Event.id == Meeting.event_id)
        .where(Meeting.id == bindparam("meeting", type_=Uuid), meeting_visible_to(actor))
    )
)


async def _held(
    session: AsyncSession,
    actor: Actor,
    meeting_id: UUID,
    act: EventAct,
    *,
    sides_too: bool = False,
    beside: UUID | None = None,
) -> tuple[Meeting, ...]:
    """One meeting that nobody else changes meanwhile, for the desk (and, where they may too, either side).

    The event stays as it is; who changes others of its meetings is not held up. `beside`: another of them, held too.
    """
    seen = await _EVENT_OF.first(session, actor, meeting=meeting_id)
    if seen is None:
        raise NotFound
    await events.beside(session, seen["event_id"])
    may = event_run_by(actor)
    if sides_too:
        ours = exists().where(Registration.id.in_((Meeting.first_id, Meeting.second_id)), meeting_list_kept_by(actor))
        may = or_(may, ours)
    wanted = [meeting_id] if beside is None else [meeting_id, beside]
    rows = await session.execute(
        select(Meeting, Event.state)
        .join(Event, Event.id == Meeting.event_id)
        .where(Meeting.id.in_(wanted), Meeting.event_id == seen["event_id"], may)
        .order_by(Meeting.id)
        .with_for_update(of=Meeting)
        .execution_options(populate_existing=True)
    )
    found = {one.id: (one, state) for one, state in rows.all()}
    if meeting_id not in found:
        raise NotYourMeeting if sides_too else events.NotItsOrganizer
    events.require_state(found[meeting_id][1], act)
    return tuple(found[one][0] for one in wanted if one in found)


async def _told(session: AsyncSession, one: Meeting, fact: meeting_facts.OfMeeting, by: UUID | None) -> None:
    await session.flush()
    await record(session, fact, subject=one.id, by=by)


# --- moving


async def move(session: AsyncSession, actor: Actor, meeting_id: UUID, version: int, wish: MeetingMove) -> Meeting:
    """Another slot, another table, or both, if everything it needs is free there."""
    (one,) = await _held(session, actor, meeting_id, EventAct.SCHEDULE)
    etag.check(version, one.version)
    _require_to_come(one)
    before = standing.placement(one)
    (seat,) = await seats.looked(
        session, one.event_id, [(one, wish.table_id or one.table_id, wish.slot_id or one.slot_id)]
    )
    if errors := list(seats.hindrances(seat)):
        raise seats.NotPossibleThere(errors=errors)
    at = _placed(before, seat)
    if at != before:
        await _reseat(session, [(one, at, seat)], actor.person)
    return one


def _placed(before: Placement, seat: seats.Seat) -> Placement:
    assert seat.table_id is not None
    assert seat.starts_at is not None
    assert seat.ends_at is not None
    return replace(
        before, table_id=seat.table_id, slot_id=seat.slots[0], until_slot_id=seat.slots[-1],
        starts_at=seat.starts_at, ends_at=seat.ends_at,
    )  # fmt: skip


async def _reseat(session: AsyncSession, moves: Sequence[tuple[Meeting, Placement, seats.Seat]], by: UUID) -> None:
    """Let these be there from now on, all of them; claims.Taken, where somebody or something is held by another."""
    needs = [(one, at, seat.needs()) for one, at, seat in moves]
    held = {calendar for _, _, seat in moves for calendar in seat.held}
    unknown = {calendar for _, _, each in needs for calendar in each} - held
    people = {standing.calendar_of(email) for _, _, seat in moves for email in seat.emails}
    if unknown & people:
        # Somebody's address is another since.
        await claims.enrol(session, ResourceKind.PERSON, *(unknown & people))
    await claims.in_turn(session, held | unknown)
    wanted = [
        (one.id, claims.period(at.starts_at, at.ends_at), calendar) for one, at, each in needs for calendar in each
    ]
    await claims.exchange(session, [one.id for one, _, _ in moves], wanted)
    for one, at, _ in moves:
        standing.put_at(one, at)
    for one, _, _ in moves:
        await _told(session, one, meeting_facts.MeetingMoved(one.id, one.event_id), by)


async def swap(session: AsyncSession, actor: Actor, meeting_id: UUID, other_id: UUID) -> tuple[Meeting, Meeting]:
    """Two meetings of an event change slots and tables, both or neither."""
    found = await _held(session, actor, meeting_id, EventAct.SCHEDULE, beside=other_id)
    if len(found) < 2 or other_id == meeting_id:
        raise seats.NotPossibleThere(
            errors=[
                seats.flaw(
                    "/other_id", "unknown", "此活动没有另一场这样的洽谈。 · This event has no such other meeting."
                )
            ]
        )
    one, other = found
    for each in (one, other):
        _require_to_come(each)
    there = await seats.looked(
        session, one.event_id, [(one, other.table_id, other.slot_id), (other, one.table_id, one.slot_id)]
    )
    if there[0].length != there[1].length:
        raise NotAsLong
    if errors := [found for seat in there for found in seats.hindrances(seat)]:
        raise seats.NotPossibleThere(errors=[_of_the_other(error) for error in errors])
    moves = [
        (each, _placed(standing.placement(each), seat), seat) for each, seat in zip((one, other), there, strict=True)
    ]
    await _reseat(session, moves, actor.person)
    return one, other


def _of_the_other(error: FieldError) -> FieldError:
    """What hinders a swap is the other meeting, whatever it is about it."""
    return seats.flaw("/other_id", error.code, error.detail)


def _require_to_come(one: Meeting) -> None:
    if one.state is not PLANNED or one.starts_at <= clock.now():
        raise MeetingOver


# --- what becomes of it


async def call_off(session: AsyncSession, actor: Actor, meeting_id: UUID, version: int, note: str | None) -> Meeting:
    """The desk or a side calls it off; it is not planned once more unless the two ask anew."""
    (one,) = await _held(session, actor, meeting_id, EventAct.SCHEDULE, sides_too=True)
    etag.check(version, one.version)
    _require_follows(one, CANCELLED)
    await claims.release(session, one.id)
    standing.strike(one, called_off=True, note=note)
    await _told(session, one, meeting_facts.MeetingCancelled(one.id, one.event_id), actor.person)
    return one


async def confirm(session: AsyncSession, actor: Actor, meeting_id: UUID) -> Meeting:
    """It takes place, or did (the desk)."""
    (one,) = await _held(session, actor, meeting_id, EventAct.FOLLOW_UP)
    if one.state is HELD:
        return one
    _require_follows(one, HELD)
    _require_begun(one)
    missed = one.state is NO_SHOW
    one.state, one.absent = HELD, []
    standing.touch(one)
    await session.flush()
    if missed:
        await standing.hold(session, one.event_id, [one])
    await _told(session, one, meeting_facts.MeetingConfirmed(one.id, one.event_id), actor.person)
    return one


async def miss(session: AsyncSession, actor: Actor, meeting_id: UUID, absent: Sequence[UUID]) -> Meeting:
    """One side, or both, did not come; whoever did is free for somebody else (the desk)."""
    (one,) = await _held(session, actor, meeting_id, EventAct.FOLLOW_UP)
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
    await _told(session, one, meeting_facts.MeetingMissed(one.id, one.event_id), actor.person)
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
