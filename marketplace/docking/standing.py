"""What holds of an event's meetings, put in the place of what held before, with its people and tables claimed.

A meeting holds the calendars of both its people, its table, and the instrument that is visited there. The calendar of a
person is found by their address, so that it is the same one at every event and whether they have an account or not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from marketplace.docking.meeting_models import HOLDING, Meeting
from marketplace.docking.models import EventSlot, EventTable
from marketplace.docking.registration_models import Attendee
from marketplace.kernel import clock
from marketplace.reservations import claims
from marketplace.reservations.models import ResourceKind
from schemas.meetings import Ground, MeetingState, Source

_PEOPLE: Final = UUID("5b7e0c1a-3d52-5c0e-9f4e-6f1d2a9c8b70")
Sides = tuple[UUID, UUID]


@dataclass(frozen=True, slots=True)
class Placement:
    """Who meets whom, when and where."""

    first_id: UUID
    second_id: UUID
    first_person_id: UUID
    second_person_id: UUID
    wish_id: UUID | None
    table_id: UUID
    slot_id: UUID
    until_slot_id: UUID
    starts_at: datetime
    ends_at: datetime
    ground: Ground | None = None

    @property
    def sides(self) -> Sides:
        return self.first_id, self.second_id


PLACEMENT: Final[TypeAdapter[Placement]] = TypeAdapter(Placement)
_NAMES: Final = tuple(Placement.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Change:
    """What a new standing did to the one before."""

    before: list[dict[str, Any]]
    planned: int
    added: int
    moved: int
    dropped: int


def calendar_of(email: str) -> UUID:
    """The calendar of whoever has this address."""
    return uuid5(_PEOPLE, email)


def hour(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%m-%d %H:%M}"


def between(one: Meeting, slots: Iterable[EventSlot]) -> list[EventSlot]:
    """The slots that a meeting takes, of these."""
    return [slot for slot in slots if one.starts_at <= slot.starts_at and slot.ends_at <= one.ends_at]


async def movable(session: AsyncSession, event_id: UUID, now: datetime, *, hold: bool = False) -> Sequence[Meeting]:
    """What a schedule may move: planned by one, and not begun."""
    statement = (
        select(Meeting)
        .where(
            Meeting.event_id == event_id,
            Meeting.state == MeetingState.PLANNED,
            Meeting.source == Source.SCHEDULE,
            Meeting.starts_at > now,
        )
        .order_by(Meeting.id)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement.with_for_update() if hold else statement)).all()


async def called_off(session: AsyncSession, event_id: UUID) -> dict[Sides, datetime]:
    """The pairs whose meeting somebody called off, and when."""
    rows = await session.execute(
        select(Meeting.first_id, Meeting.second_id, Meeting.called_off_at)
        .where(Meeting.event_id == event_id, Meeting.called_off_at.is_not(None))
        .order_by(Meeting.called_off_at)
    )
    return {(first, second): at for first, second, at in rows.all() if at is not None}


def placement(one: Meeting) -> Placement:
    return Placement(**{name: getattr(one, name) for name in _NAMES})


def put_at(one: Meeting, at: Placement) -> None:
    """Write where a meeting is from now on."""
    for name in _NAMES:
        setattr(one, name, getattr(at, name))
    touch(one)


def touch(one: Meeting) -> None:
    one.version += 1
    one.updated_at = clock.now()


def strike(one: Meeting, *, called_off: bool = False, note: str | None = None) -> None:
    """It does not take place; its table and slots are free for another agenda."""
    one.state = MeetingState.CANCELLED
    one.table_id = one.slot_id = one.until_slot_id = None
    one.absent = []
    one.note = note if note is not None else one.note
    one.called_off_at = clock.now() if called_off else None
    touch(one)


async def calendars(session: AsyncSession, event_id: UUID, ones: Iterable[Placement]) -> dict[Placement, set[UUID]]:
    """For each of these, what it claims. People who can be claimed from now on are enrolled."""
    wanted = list(ones)
    people = {person for one in wanted for person in (one.first_person_id, one.second_person_id)}
    emails: Mapping[UUID, str] = {
        row.id: row.email
        for row in await session.execute(select(Attendee.id, Attendee.email).where(Attendee.id.in_(people)))
    }
    instruments = {
        row.id: row.instrument_id
        for row in await session.execute(
            select(EventTable.id, EventTable.instrument_id).where(
                EventTable.event_id == event_id, EventTable.instrument_id.is_not(None)
            )
        )
    }
    if emails:
        await claims.enrol(session, ResourceKind.PERSON, *{calendar_of(email) for email in emails.values()})
    return {
        one: {
            calendar_of(emails[one.first_person_id]),
            calendar_of(emails[one.second_person_id]),
            one.table_id,
            *([instruments[one.table_id]] if one.table_id in instruments else []),
        }
        for one in wanted
    }


async def put(session: AsyncSession, event_id: UUID, wanted: Sequence[Placement], now: datetime) -> Change:
    """Let these be the planned meetings of an event that are still to come, and no others. The caller is alone with it.

    Who stays where they are is not touched. Whoever met before under this schedule keeps the id of their meeting, so
    that a calendar knows it again. Claims.Taken, when somebody or something is held by another by now.
    """
    standing_now = {one.sides(): one for one in await movable(session, event_id, now, hold=True)}
    before = [PLACEMENT.dump_python(placement(one), mode="json") for one in standing_now.values()]
    target = {one.sides: one for one in wanted}
    dropped = [one for sides, one in standing_now.items() if sides not in target]
    moved = [one for sides, one in standing_now.items() if sides in target and _elsewhere(one, target[sides])]
    for sides, one in standing_now.items():
        # Where two ask for each other by now, that is nothing that a calendar must be told.
        one.ground = target[sides].ground if sides in target else one.ground
    added = [one for sides, one in target.items() if sides not in standing_now]
    await claims.release_each(session, [one.id for one in (*dropped, *moved)])
    for one in dropped:
        strike(one)
    for one in moved:
        put_at(one, target[one.sides()])
    made = await _arrange(session, event_id, added)
    await session.flush()
    await hold(session, event_id, [*moved, *made])
    return Change(before, len(target), len(added), len(moved), len(dropped))


def _elsewhere(one: Meeting, at: Placement) -> bool:
    return placement(one) != replace(at, wish_id=one.wish_id, ground=one.ground)


async def _arrange(session: AsyncSession, event_id: UUID, wanted: Iterable[Placement]) -> list[Meeting]:
    """Planned meetings for these: what was struck out is planned once more."""
    gone = await session.scalars(
        select(Meeting)
        .where(Meeting.event_id == event_id, Meeting.state == MeetingState.CANCELLED, Meeting.source == Source.SCHEDULE)
        .order_by(Meeting.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    known = {one.sides(): one for one in gone.all()}
    made = []
    for at in wanted:
        one = known.get(at.sides)
        if one is None:
            now = clock.now()
            one = Meeting(
                id=uuid7(), event_id=event_id, source=Source.SCHEDULE, state=MeetingState.PLANNED, version=1,
                absent=[], created_at=now, updated_at=now, **asdict(at),
            )  # fmt: skip
            session.add(one)
        else:
            put_at(one, at)
            one.state, one.called_off_at = MeetingState.PLANNED, None
        made.append(one)
    return made


async def hold(session: AsyncSession, event_id: UUID, meetings: Iterable[Meeting]) -> None:
    """Claim what these need, all of it."""
    by = {placement(one): one for one in meetings if one.state in HOLDING}
    needs = await calendars(session, event_id, by)
    wanted = [
        (by[at].id, claims.period(at.starts_at, at.ends_at), calendar)
        for at, each in needs.items()
        for calendar in each
    ]
    await claims.claim_each(session, wanted)
