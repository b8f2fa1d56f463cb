"""What is taken along to an event: calendars of a meeting list and of the whole event, the table plan, the door list."""

import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import xlsxwriter
from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from marketplace.docking import events, meetings, names, prints, roster, schedules, wish_lists
from marketplace.docking.meeting_models import HOLDING, Meeting
from marketplace.docking.meeting_policy import takes_part
from marketplace.docking.models import Event, EventRoom, EventTable, EventVenue
from marketplace.docking.registration_models import Attendee, Registration
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.language import told
from marketplace.kernel.sheets import write_table
from marketplace.labs import ical
from schemas.meetings import DoorList, DoorRow, MeetingState, MeetingView, PlaceView, SeatNeeds, TableDay, TablePlan

MOST: Final = 5000
"""Meetings of one calendar file."""
_OF_PLAN: Final = (
    "场地 · venue", "房间 · room", "桌 · table", "时间 · time", "一方 · one side", "出席人 · who sits",
    "另一方 · the other", "出席人 · who sits", "状态 · state", "无障碍需求 · needs",
)  # fmt: skip
_OF_DOORS: Final = (
    "姓名 · name", "单位 · organisation", "职务 · position", "签到 · checked in", "无障碍需求 · needs",
    "洽谈 · meetings", "时间与地点 · when and where",
)  # fmt: skip


async def calendar_of_list(session: AsyncSession, actor: Actor, registration_id: UUID, person_id: UUID | None) -> str:
    """The meetings of a list as a calendar, or of one of its people alone. What was cancelled stays, struck out."""
    mine = await wish_lists.meeting_list(session, actor, registration_id)
    event = await session.get_one(Event, mine.event_id)
    statement = _meetings(or_(Meeting.first_id == registration_id, Meeting.second_id == registration_id))
    if person_id is not None:
        statement = statement.where(or_(Meeting.first_person_id == person_id, Meeting.second_person_id == person_id))
    views = await _views(session, statement)
    return ical.written(event.title, [entry(event, one, registration_id) for one in views])


async def calendar_of_event(session: AsyncSession, actor: Actor, event_id: UUID) -> str:
    """All meetings of an event, for those who run it."""
    event = await events.desk(session, actor, event_id)
    views = await _views(session, _meetings(Meeting.event_id == event_id))
    return ical.written(event.title, [entry(event, one, None) for one in views])


def _meetings(which: Any) -> Select[Meeting]:
    statement = select(Meeting).where(which).order_by(Meeting.starts_at, Meeting.id).limit(MOST)
    return statement.execution_options(populate_existing=True)


async def _views(session: AsyncSession, statement: Select[Meeting]) -> list[MeetingView]:
    return await meetings.views(session, (await session.scalars(statement)).all())


def entry(event: Event, one: MeetingView, side: UUID | None) -> ical.Event:
    """A meeting as a calendar has it: under one id whatever becomes of it, with a number that each change raises."""
    if side is None:
        who = f"{one.first.name} – {one.second.name}"
    else:
        who = (one.second if one.first.registration_id == side else one.first).name
    return ical.Event(
        uid=f"{one.id}@duijie",
        sequence=one.version - 1,
        starts_at=one.place.starts_at,
        ends_at=one.place.ends_at,
        changed_at=one.updated_at,
        summary=f"{event.title}：{who}",
        location=names.spot(one.place) or None,
        status="CANCELLED" if one.state is MeetingState.CANCELLED else "CONFIRMED",
    )


async def table_plan(session: AsyncSession, actor: Actor, event_id: UUID) -> TablePlan:
    """Who sits where and when, table by table as they stand in the hall, for those who run the event."""
    event = await events.desk(session, actor, event_id)
    tables = await session.scalars(
        select(EventTable)
        .join(EventTable.room)
        .join(EventRoom.venue)
        .where(EventTable.event_id == event_id)
        .order_by(EventVenue.position, EventRoom.position, EventTable.position, EventTable.id)
        .options(contains_eager(EventTable.room).contains_eager(EventRoom.venue))
    )
    at: dict[UUID | None, list[MeetingView]] = defaultdict(list)
    found = await _views(session, _meetings(Meeting.event_id == event_id).where(Meeting.state.in_(HOLDING)))
    for one in found:
        at[one.place.table_id].append(one)
    return TablePlan(
        event_id=event_id,
        title=event.title,
        made_at=clock.now(),
        tables=[
            TableDay(
                table_id=one.id, venue=one.room.venue.name, room=one.room.name, table=one.name, meetings=at[one.id]
            )
            for one in tables.all()
        ],
        needs=await _needs(session, found),
    )


async def _needs(session: AsyncSession, found: Sequence[MeetingView]) -> list[SeatNeeds]:
    """Of those who sit at a table, who needs something there."""
    named = {side.registration_id: side.name for one in found for side in (one.first, one.second)}
    rows = await session.execute(
        select(Registration.id, Registration.accessibility)
        .where(Registration.id.in_(named), Registration.accessibility.is_not(None))
        .order_by(Registration.id)
    )
    return [SeatNeeds(registration_id=row.id, name=named[row.id], accessibility=row.accessibility) for row in rows]


async def door_list(session: AsyncSession, actor: Actor, event_id: UUID) -> DoorList:
    """Everybody who is expected, by name, with where they are to be first and last, for those who run the event."""
    event = await events.desk(session, actor, event_id)
    people = await _expected(session, event_id)
    rows = await session.scalars(_meetings(Meeting.event_id == event_id).where(Meeting.state.in_(HOLDING)))
    found = rows.all()
    spots = await schedules.places(session, {one.table_id for one in found})
    seated: dict[UUID, list[PlaceView]] = defaultdict(list)
    for one in found:
        for who in (one.first_person_id, one.second_person_id):
            seated[who].append(schedules.place(one, spots))
    return DoorList(
        event_id=event_id,
        title=event.title,
        made_at=clock.now(),
        people=[_at_door(one, seated) for one in people],
    )


async def _expected(session: AsyncSession, event_id: UUID) -> Sequence[Attendee]:
    """Everybody who is confirmed, by name; as many as a file holds."""
    comes = (
        select(Attendee)
        .join(Registration, Registration.id == Attendee.registration_id)
        .where(Attendee.event_id == event_id, Attendee.left_at.is_(None), takes_part())
    )
    if (await session.scalar(select(func.count()).select_from(comes.subquery())) or 0) > roster.MOST_PEOPLE:
        raise roster.TooManyForOneFile
    people = await session.scalars(
        comes.order_by(Attendee.name, Attendee.id).options(
            joinedload(Attendee.registration).joinedload(Registration.organisation), selectinload(Attendee.check_ins)
        )
    )
    return people.all()


def _at_door(one: Attendee, seated: Mapping[UUID, Sequence[PlaceView]]) -> DoorRow:
    registration = one.registration
    return DoorRow(
        name=one.name,
        organisation=registration.organisation.name if registration.organisation is not None else None,
        job=one.job,
        kind=registration.kind,
        accessibility=registration.accessibility,
        checked_in_at=one.check_ins[0].at if one.check_ins else None,
        meetings=list(seated[one.id]) if one.id in seated else [],
    )


async def own_schedule(
    session: AsyncSession, actor: Actor, registration_id: UUID, person_id: UUID | None
) -> tuple[Event, list[prints.Own]]:
    """The meetings of a list, for its own people and those of its organisation: of all of them, or of one."""
    mine = await wish_lists.meeting_list(session, actor, registration_id)
    event = await session.get_one(Event, mine.event_id)
    statement = _meetings(or_(Meeting.first_id == registration_id, Meeting.second_id == registration_id)).where(
        Meeting.state.in_(HOLDING)
    )
    people = select(Attendee).where(Attendee.registration_id == registration_id, Attendee.left_at.is_(None))
    if person_id is not None:
        statement = statement.where(or_(Meeting.first_person_id == person_id, Meeting.second_person_id == person_id))
        people = people.where(Attendee.id == person_id)
    who = (await session.scalars(people.order_by(Attendee.position))).all()
    organisation = mine.organisation.name if mine.organisation is not None else None
    named = "、".join(one.name for one in who)
    return event, [prints.Own(registration_id, named, organisation, await _views(session, statement))]


async def schedules_of_event(session: AsyncSession, actor: Actor, event_id: UUID) -> tuple[Event, list[prints.Own]]:
    """The schedule of each of the people who come, by name, for those who run the event."""
    event = await events.desk(session, actor, event_id)
    people = await _expected(session, event_id)
    by_person: dict[UUID, list[MeetingView]] = defaultdict(list)
    for one in await _views(session, _meetings(Meeting.event_id == event_id).where(Meeting.state.in_(HOLDING))):
        for who in (one.first_person_id, one.second_person_id):
            by_person[who].append(one)
    return event, [
        prints.Own(
            one.registration_id,
            one.name,
            one.registration.organisation.name if one.registration.organisation is not None else None,
            by_person.get(one.id, []),
        )
        for one in people
    ]


# --- the same as a workbook


def needs_of(plan: TablePlan) -> dict[UUID, list[str]]:
    """By meeting, what those who sit there need, and who they are."""
    said = {one.registration_id: f"{one.name}：{one.accessibility}" for one in plan.needs}
    return {
        one.id: found
        for day in plan.tables
        for one in day.meetings
        if (found := [said[side.registration_id] for side in (one.first, one.second) if side.registration_id in said])
    }


def workbook(event: Event, plan: TablePlan, doors: DoorList) -> bytes:
    """Both lists as an Excel file, in the time of the event."""
    zone, needs = ZoneInfo(event.time_zone), needs_of(plan)

    def hours(place: PlaceView) -> str:
        return f"{place.starts_at.astimezone(zone):%m-%d %H:%M}–{place.ends_at.astimezone(zone):%H:%M}"

    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"in_memory": True}) as book:
        write_table(
            book, told("桌位表 · Table plan"), plan.title,
            [told(one) for one in _OF_PLAN],
            (
                (day.venue, day.room, day.table, hours(one.place), one.first.name, one.first_person, one.second.name,
                 one.second_person, told(names.MEETING_STATES[one.state]), "\n".join(needs.get(one.id, ())))
                for day in plan.tables
                for one in day.meetings
            ),
        )  # fmt: skip
        write_table(
            book, told("签到表 · Door list"), doors.title,
            [told(one) for one in _OF_DOORS],
            (
                (one.name, one.organisation, one.job,
                 f"{one.checked_in_at.astimezone(zone):%m-%d %H:%M}" if one.checked_in_at else "", one.accessibility,
                 len(one.meetings), "\n".join(f"{hours(each)} {names.spot(each)}" for each in one.meetings))
                for one in doors.people
            ),
        )  # fmt: skip
    return held.getvalue()
