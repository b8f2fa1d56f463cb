"""Where and when: venues, rooms and tables; sessions and the slots they are cut into.

What keeps its name (venues, rooms, tables) or its times (sessions, slots) keeps its id, so that availability, hosts and
meetings that hang on it stay.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload
from uuid_utils.compat import uuid7

from marketplace.docking import events, facts
from marketplace.docking.models import (
    Event,
    EventRoom,
    EventSession,
    EventSlot,
    EventTable,
    EventVenue,
    TableClosure,
)
from marketplace.identity.models import Organisation
from marketplace.kernel import etag
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.refusals import Conflict, Invalid, broken_constraint
from marketplace.labs.models import Instrument
from marketplace.labs.policy import instrument_open_to, instrument_owned_by
from marketplace.reservations import claims
from marketplace.reservations.models import ResourceKind
from schemas.agenda import AgendaBody, Between, SessionBody, TableBody
from schemas.base import FieldError
from schemas.events import EventAct

MOST_TABLES: Final = 1000
MOST_SLOTS: Final = 400
MOST_CLOSED: Final = 1000
Stretch = tuple[datetime, datetime]


class BadAgenda(Invalid):
    """这份议程无法执行，请按提示修改。 · This agenda cannot be held; change what is named."""


class AgendaInUse(Conflict):
    """要删除的场次或桌子上还有洽谈或驻场主人，请先移走。 · Meetings or hosts stand on slots or tables that would go; move them first."""


def slots_of(one: SessionBody) -> Iterator[Stretch]:
    """The slots of a session: as many as fit, of one length, with the gap between two."""
    if one.slot_minutes is None:
        return
    starts_at, length = one.starts_at, timedelta(minutes=one.slot_minutes)
    while starts_at + length <= one.ends_at:
        yield starts_at, starts_at + length
        starts_at += length + timedelta(minutes=one.gap_minutes)


def _overlaps(one: Stretch, other: Between) -> bool:
    return one[0] < other.ends_at and other.starts_at < one[1]


def flaws(event: Event, body: AgendaBody, instruments: Collection[UUID]) -> Iterator[FieldError]:
    """Everything that makes this agenda impossible for this event, with what to change."""
    slots = [slot for one in body.sessions for slot in slots_of(one)]
    tables = [
        (f"/venues/{v}/rooms/{r}/tables/{t}", table)
        for v, venue in enumerate(body.venues)
        for r, room in enumerate(venue.rooms)
        for t, table in enumerate(room.tables)
    ]
    yield from _outside(event, body)
    if slots and not tables:
        yield FieldError(
            pointer="/venues",
            code="tables_missing",
            detail="有洽谈场次，但没有洽谈桌：请添加房间和桌子。 · There are slots for meetings and no table: add rooms with tables.",
        )
    if tables and not slots:
        yield FieldError(
            pointer="/sessions",
            code="slots_missing",
            detail="有洽谈桌，但没有洽谈场次：请添加洽谈时段。 · There are tables and no slot: add a session for meetings.",
        )
    if len(tables) > MOST_TABLES:
        yield FieldError(pointer="/venues", code="too_many_tables", detail="最多 1000 张桌子。 · At most 1,000 tables.")
    if len(slots) > MOST_SLOTS:
        yield FieldError(pointer="/sessions", code="too_many_slots", detail="最多 400 个场次。 · At most 400 slots.")
    if sum(len(table.closed) for _, table in tables) > MOST_CLOSED:
        yield FieldError(
            pointer="/venues", code="too_much_closed", detail="最多写 1000 段不可用时间。 · At most 1,000 closed times."
        )
        return
    if slots and tables and not any(_opens(table, slots) for _, table in tables):
        yield FieldError(
            pointer="/venues",
            code="nothing_open",
            detail="所有洽谈桌在每个场次都不可用：请缩短不可用时段。"
            " · Every table is closed in every slot: shorten the times when they are closed.",
        )
    for pointer, table in tables:
        if table.instrument_id is not None and table.instrument_id not in instruments:
            yield FieldError(
                pointer=f"{pointer}/instrument_id",
                code="unknown",
                detail="没有您可以看到的这台仪器。 · There is no such instrument that you can see.",
            )
        for number, closed in enumerate(table.closed):
            if not any(_overlaps(slot, closed) for slot in slots):
                yield FieldError(
                    pointer=f"{pointer}/closed/{number}",
                    code="no_slot_then",
                    detail="这段时间没有洽谈场次。 · There is no slot in that time.",
                )


def _opens(table: TableBody, slots: Sequence[Stretch]) -> bool:
    return any(not any(_overlaps(slot, closed) for closed in table.closed) for slot in slots)


def _outside(event: Event, body: AgendaBody) -> Iterator[FieldError]:
    zone = ZoneInfo(event.time_zone)
    first, last = (f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" for moment in (event.starts_at, event.ends_at))
    for number, one in enumerate(body.sessions):
        for name, moment in (("starts_at", one.starts_at), ("ends_at", one.ends_at)):
            if not event.starts_at <= moment <= event.ends_at:
                here = f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
                yield FieldError(
                    pointer=f"/sessions/{number}/{name}",
                    code="outside_event",
                    detail=(
                        f"按 {event.time_zone} 是 {here}，不在活动时间（{first} 至 {last}）内：请检查时区偏移或活动时间。"
                        f" · In {event.time_zone} that is {here}, outside the event ({first} to {last}):"
                        " check the offset, or the times of the event."
                    ),
                )


async def read(session: AsyncSession, event_id: UUID) -> tuple[Sequence[EventVenue], Sequence[EventSession]]:
    """The agenda of an event that the caller may see."""
    venues = await session.scalars(
        select(EventVenue)
        .where(EventVenue.event_id == event_id)
        .order_by(EventVenue.position)
        .options(selectinload(EventVenue.rooms).selectinload(EventRoom.tables).selectinload(EventTable.closures))
        .execution_options(populate_existing=True)
    )
    sessions = await session.scalars(
        select(EventSession)
        .where(EventSession.event_id == event_id)
        .order_by(EventSession.starts_at)
        .options(selectinload(EventSession.slots))
        .execution_options(populate_existing=True)
    )
    return venues.all(), sessions.all()


async def write(session: AsyncSession, actor: Actor, event_id: UUID, version: int, body: AgendaBody) -> Event:
    """Put this agenda in the place of the one before, all of it or (with every reason) nothing."""
    event = await events.run(session, actor, event_id)
    etag.check(version, event.version)
    events.require(event, EventAct.EDIT_AGENDA)
    found = list(flaws(event, body, await _instruments(session, actor, body)))
    if found:
        raise BadAgenda(errors=found[:50])
    tables, slots = await put(session, event_id, body)
    events.touch(event)
    await session.flush()
    await record(session, facts.AgendaWritten(event_id, tables, slots), subject=event_id, by=actor.person)
    return event


async def put(session: AsyncSession, event_id: UUID, body: AgendaBody) -> tuple[int, int]:
    """Write an agenda without flaws. Answers how many tables and slots it has."""
    try:
        async with session.begin_nested():
            slots = await _put_sessions(session, event_id, body)
            tables = await _put_venues(session, event_id, body)
            await _put_closures(session, event_id, body, tables, slots)
    except IntegrityError as error:
        # What hangs on a slot or table is known to rooms above; all of them refer to it by a foreign key.
        if (broken_constraint(error) or "").endswith("_fkey"):
            raise AgendaInUse from error
        raise
    return len(tables), len(slots)


async def _instruments(session: AsyncSession, actor: Actor, body: AgendaBody) -> set[UUID]:
    wanted = {table.instrument_id for venue in body.venues for room in venue.rooms for table in room.tables} - {None}
    if not wanted:
        return set()
    found = await session.scalars(
        select(Instrument.id)
        .join(Organisation, Organisation.id == Instrument.organisation_id)
        .where(Instrument.id.in_(wanted), instrument_open_to(actor) | instrument_owned_by(actor))
    )
    return set(found.all())


async def _there(session: AsyncSession, statement: Any) -> dict[Any, UUID]:
    return {tuple(row[:-1]): row[-1] for row in (await session.execute(statement)).all()}


async def _upsert(
    session: AsyncSession, table: Any, rows: Sequence[Mapping[str, Any]], changing: Sequence[str]
) -> None:
    if not rows:
        return
    made = insert(table).values(list(rows))
    await session.execute(
        made.on_conflict_do_update(index_elements=[table.id], set_={name: made.excluded[name] for name in changing})
    )


async def _put_sessions(session: AsyncSession, event_id: UUID, body: AgendaBody) -> dict[Stretch, UUID]:
    sessions = await _there(
        session,
        select(EventSession.starts_at, EventSession.ends_at, EventSession.id).where(EventSession.event_id == event_id),
    )
    slots = await _there(
        session, select(EventSlot.starts_at, EventSlot.ends_at, EventSlot.id).where(EventSlot.event_id == event_id)
    )
    kept: dict[Stretch, UUID] = {}
    session_rows, slot_rows = [], []
    for one in body.sessions:
        session_id = sessions.get((one.starts_at, one.ends_at)) or uuid7()
        session_rows.append({"id": session_id, "event_id": event_id} | one.model_dump())
        for stretch in slots_of(one):
            kept[stretch] = slots.get(stretch) or uuid7()
            slot_rows.append(
                {"id": kept[stretch], "event_id": event_id, "session_id": session_id,
                 "starts_at": stretch[0], "ends_at": stretch[1]}
            )  # fmt: skip
    gone = set(slots.values()) - set(kept.values())
    await session.execute(delete(EventSlot).where(EventSlot.id.in_(gone)))
    there = {row["id"] for row in session_rows}
    # The slots of a session that goes look for their new one when the transaction ends.
    await session.execute(delete(EventSession).where(EventSession.event_id == event_id, EventSession.id.not_in(there)))
    await _upsert(session, EventSession, session_rows, ["kind", "title", "title_en", "slot_minutes", "gap_minutes"])
    await _upsert(session, EventSlot, slot_rows, ["session_id"])
    return kept


async def _put_venues(session: AsyncSession, event_id: UUID, body: AgendaBody) -> dict[tuple[str, str, str], UUID]:
    venues = await _there(session, select(EventVenue.name, EventVenue.id).where(EventVenue.event_id == event_id))
    rooms = await _there(
        session, select(EventRoom.venue_id, EventRoom.name, EventRoom.id).where(EventRoom.event_id == event_id)
    )
    tables = await _there(
        session, select(EventTable.room_id, EventTable.name, EventTable.id).where(EventTable.event_id == event_id)
    )
    venue_rows, room_rows, table_rows = [], [], []
    kept: dict[tuple[str, str, str], UUID] = {}
    for v, venue in enumerate(body.venues):
        venue_id = venues.get((venue.name,)) or uuid7()
        venue_rows.append(
            {"id": venue_id, "event_id": event_id, "position": v, "name": venue.name, "address": venue.address}
        )
        for r, room in enumerate(venue.rooms):
            room_id = rooms.get((venue_id, room.name)) or uuid7()
            room_rows.append(
                {"id": room_id, "event_id": event_id, "venue_id": venue_id, "position": r, "name": room.name}
            )
            for t, table in enumerate(room.tables):
                table_id = kept[venue.name, room.name, table.name] = tables.get((room_id, table.name)) or uuid7()
                table_rows.append(
                    {"id": table_id, "event_id": event_id, "room_id": room_id, "position": t, "name": table.name,
                     "url": table.url, "instrument_id": table.instrument_id}
                )  # fmt: skip
    kinds: tuple[tuple[Any, list[dict[str, Any]]], ...] = (
        (EventTable, table_rows), (EventRoom, room_rows), (EventVenue, venue_rows),
    )  # fmt: skip
    for kind, rows in kinds:
        ids = {row["id"] for row in rows}
        await session.execute(delete(kind).where(kind.event_id == event_id, kind.id.not_in(ids)))
    await _upsert(session, EventVenue, venue_rows, ["position", "address"])
    await _upsert(session, EventRoom, room_rows, ["position"])
    if table_rows:
        await claims.enrol(session, ResourceKind.PLACE, *kept.values())
    await _upsert(session, EventTable, table_rows, ["position", "url", "instrument_id"])
    return kept


async def _put_closures(
    session: AsyncSession,
    event_id: UUID,
    body: AgendaBody,
    tables: Mapping[tuple[str, str, str], UUID],
    slots: Mapping[Stretch, UUID],
) -> None:
    await session.execute(delete(TableClosure).where(TableClosure.event_id == event_id))
    rows = [
        {"event_id": event_id, "table_id": tables[venue.name, room.name, table.name], "slot_id": slot_id}
        for venue in body.venues
        for room in venue.rooms
        for table in room.tables
        for stretch, slot_id in slots.items()
        if any(_overlaps(stretch, closed) for closed in table.closed)
    ]
    if rows:
        await session.execute(insert(TableClosure), rows)


def body_of(
    venues: Sequence[EventVenue],
    sessions: Sequence[EventSession],
    *,
    by: timedelta = timedelta(0),
    told: Mapping[UUID, dict[str, Any]] = MappingProxyType({}),
) -> AgendaBody:
    """What was written to come to this agenda, every time in it moved along; `told` has what is else of some tables."""
    times = {slot.id: (slot.starts_at + by, slot.ends_at + by) for one in sessions for slot in one.slots}
    return AgendaBody.model_validate(
        {
            "venues": [
                {
                    "name": venue.name,
                    "address": venue.address,
                    "rooms": [
                        {
                            "name": room.name,
                            "tables": [_table_body(table, times) | told.get(table.id, {}) for table in room.tables],
                        }
                        for room in venue.rooms
                    ],
                }
                for venue in venues
            ],
            "sessions": [
                {name: getattr(one, name) for name in SessionBody.model_fields}
                | {"starts_at": one.starts_at + by, "ends_at": one.ends_at + by}
                for one in sessions
            ],
        }
    )


def _table_body(table: EventTable, times: Mapping[UUID, Stretch]) -> dict[str, Any]:
    closed = joined(times[closure.slot_id] for closure in table.closures)
    return {
        "name": table.name,
        "url": table.url,
        "instrument_id": table.instrument_id,
        "closed": [{"starts_at": starts_at, "ends_at": ends_at} for starts_at, ends_at in closed],
    }


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """The same time in as few stretches as can be."""
    made: list[Stretch] = []
    for starts_at, ends_at in sorted(stretches):
        if made and starts_at <= made[-1][1]:
            made[-1] = (made[-1][0], max(ends_at, made[-1][1]))
        else:
            made.append((starts_at, ends_at))
    return made
