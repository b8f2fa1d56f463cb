"""Drafts of a schedule: asked for, followed, looked at, compared."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager
from uuid_utils.compat import uuid7

from marketplace.docking import cards, events, meeting_facts, planning, wish_reasons
from marketplace.docking.meeting_models import Planned, Publication, Schedule, Unplaced
from marketplace.docking.meeting_policy import of_event_run_by
from marketplace.docking.models import EventRoom, EventTable, EventVenue
from marketplace.docking.registration_models import Attendee
from marketplace.kernel import work
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.operations import ENDED, Operation
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.prepared import Prepared
from marketplace.kernel.refusals import Conflict, NotFound
from schemas.events import EventAct
from schemas.meetings import (
    ComparisonView,
    Ground,
    LevelView,
    PlacedView,
    PlaceView,
    ScheduleNew,
    ScheduleNumbers,
    ScheduleView,
    ShiftView,
    UnplacedView,
)
from schemas.wishes import WishReason

MOST_SHIFTS: Final = 200
"""Of those who gain or lose by another draft, the ones with the largest difference are named."""


class StillPlanning(Conflict):
    """此活动已有草案正在计算；请等待其完成或取消。 · Another draft of this event is being computed; wait for it, or cancel it."""


class NotPlanned(Conflict):
    """此草案没有计算完成。 · This draft was not computed to its end."""


async def request(session: AsyncSession, actor: Actor, event_id: UUID, wish: ScheduleNew) -> Schedule:
    """Have a draft computed; one at a time of each event."""
    event = await events.run(session, actor, event_id)
    events.require(event, EventAct.SCHEDULE)
    under_way = (
        select(Schedule.id)
        .join(Operation, Operation.id == Schedule.operation_id)
        .where(Schedule.event_id == event_id, Operation.state.not_in(ENDED))
    )
    if await session.scalar(under_way.limit(1)) is not None:
        raise StillPlanning
    number = await session.scalar(select(func.max(Schedule.number)).where(Schedule.event_id == event_id))
    schedule_id = uuid7()
    operation = await work.start(session, actor, "schedule", planning.JOB, schedule_id=schedule_id)
    schedule = Schedule(
        id=schedule_id, event_id=event_id, number=(number or 0) + 1, operation_id=operation.id, made_by=actor.person,
        levels=[], created_at=operation.created_at, updated_at=operation.created_at, version=1, **wish.model_dump(),
    )  # fmt: skip
    session.add(schedule)
    await session.flush()
    asked = meeting_facts.ScheduleRequested(event_id, schedule_id)
    await record(session, asked, subject=event_id, by=actor.person)
    return await read(session, actor, schedule_id)


def _chosen() -> Any:
    return (
        select(Schedule)
        .join(Operation, Operation.id == Schedule.operation_id)
        .options(contains_eager(Schedule.operation))
        .execution_options(populate_existing=True)
    )


async def read(session: AsyncSession, actor: Actor, schedule_id: UUID) -> Schedule:
    """A draft of an event that the actor runs; to everybody else there is none."""
    found: Schedule | None = await session.scalar(
        _chosen().where(Schedule.id == schedule_id, of_event_run_by(actor, Schedule.event_id))
    )
    if found is None:
        raise NotFound
    return found


async def computed(session: AsyncSession, actor: Actor, schedule_id: UUID) -> Schedule:
    """A draft that is there to be looked at."""
    schedule = await read(session, actor, schedule_id)
    if schedule.planned_at is None:
        raise NotPlanned
    return schedule


async def listed(
    session: AsyncSession, actor: Actor, event_id: UUID, paging: Paging
) -> tuple[list[ScheduleView], str | None]:
    """The drafts of an event, latest first."""
    await events.desk(session, actor, event_id)
    by = tuple(zip((Schedule.created_at, Schedule.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, _chosen().where(Schedule.event_id == event_id), by, paging)
    return await views(session, [row[0] for row in rows]), marker


async def views(session: AsyncSession, found: Sequence[Schedule]) -> list[ScheduleView]:
    published = await _published(session, {one.event_id for one in found})
    plain = set(ScheduleView.model_fields) & set(Schedule.__mapper__.columns.keys()) - {"levels", "numbers"}
    return [
        ScheduleView(
            **{name: getattr(one, name) for name in plain},
            state=one.operation.state,
            progress=one.operation.done / one.operation.total if one.operation.total else 0.0,
            error=one.operation.error,
            levels=[LevelView.model_validate(level) for level in one.levels],
            numbers=ScheduleNumbers.model_validate(one.numbers) if one.numbers is not None else None,
            optimal=all(level["status"] == "optimal" for level in one.levels) if one.planned_at is not None else None,
            published=published.get(one.event_id) == one.id,
        )
        for one in found
    ]


async def _published(session: AsyncSession, of_events: Iterable[UUID]) -> Mapping[UUID, UUID]:
    """By event, the draft that was published last and holds."""
    rows = await session.execute(
        select(Publication.event_id, Publication.schedule_id)
        .where(Publication.event_id.in_(set(of_events)), Publication.undone_at.is_(None))
        .order_by(Publication.number)
    )
    return {row.event_id: row.schedule_id for row in rows.all()}


async def meetings(
    session: AsyncSession, actor: Actor, schedule_id: UUID, paging: Paging
) -> tuple[list[PlacedView], str | None]:
    """The meetings of a draft, in the order of the day."""
    await computed(session, actor, schedule_id)
    by = tuple(zip((Planned.starts_at, Planned.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(
        session, select(Planned).where(Planned.schedule_id == schedule_id), by, paging, rising=True
    )
    found = [row[0] for row in rows]
    sides = await cards.of(session, {side for one in found for side in (one.first_id, one.second_id)})
    names = await people(session, {who for one in found for who in (one.first_person_id, one.second_person_id)})
    spots = await places(session, {one.table_id for one in found})
    why = await wish_reasons.by_id(session, recommended(found))
    return [
        PlacedView(
            first=sides[one.first_id],
            second=sides[one.second_id],
            first_person=names[one.first_person_id],
            second_person=names[one.second_person_id],
            value=one.value,
            ground=one.ground,
            because=because(one, why),
            place=place(one, spots),
        )
        for one in found
    ], marker


def recommended(found: Iterable[Any]) -> set[UUID]:
    """The wishes of those that nobody asked for."""
    return {one.wish_id for one in found if one.ground is Ground.RECOMMENDED and one.wish_id is not None}


def because(one: Any, why: Mapping[UUID, list[WishReason]]) -> list[WishReason]:
    """Why the matcher proposes a meeting that nobody asked for; of others, what they wrote is reason enough."""
    return why.get(one.wish_id, []) if one.ground is Ground.RECOMMENDED else []


_PEOPLE: Final = Prepared(
    select(Attendee.id, Attendee.name).where(Attendee.id == func.any(bindparam("ids", type_=ARRAY(Uuid))))
)
_PLACES: Final = Prepared(
    select(EventTable.id, EventTable.name.label("table"), EventRoom.name.label("room"), EventVenue.name.label("venue"))
    .join(EventRoom, EventRoom.id == EventTable.room_id)
    .join(EventVenue, EventVenue.id == EventRoom.venue_id)
    .where(EventTable.id == func.any(bindparam("ids", type_=ARRAY(Uuid))))
)
Places = Mapping[UUID, Mapping[str, str]]


async def people(session: AsyncSession, ids: Iterable[UUID]) -> Mapping[UUID, str]:
    rows = await _PEOPLE.fetch(session, ids=list(set(ids)))
    return {row["id"]: row["name"] for row in rows}


async def places(session: AsyncSession, tables: Iterable[UUID | None]) -> Places:
    """By table, what it, its room and its venue are called."""
    rows = await _PLACES.fetch(session, ids=[one for one in set(tables) if one is not None])
    return {row["id"]: {name: row[name] for name in ("table", "room", "venue")} for row in rows}


def place(one: Any, spots: Places) -> PlaceView:
    """When and where, in the words of the agenda; a table that is there no more has none."""
    spot = spots.get(one.table_id, {})
    return PlaceView(
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        table_id=one.table_id,
        table=spot.get("table"),
        room=spot.get("room"),
        venue=spot.get("venue"),
    )


async def unplaced(
    session: AsyncSession, actor: Actor, schedule_id: UUID, paging: Paging
) -> tuple[list[UnplacedView], str | None]:
    """The wishes that a draft has no room for, each with the reason."""
    await computed(session, actor, schedule_id)
    rows, marker = await page(
        session, select(Unplaced).where(Unplaced.schedule_id == schedule_id), ((Unplaced.id, UUID),), paging
    )
    found = [row[0] for row in rows]
    instead = {UUID(side) for one in found for pair in one.instead for side in pair}
    sides = await cards.of(session, instead | {side for one in found for side in (one.first_id, one.second_id)})
    return [
        UnplacedView(
            first=sides[one.first_id],
            second=sides[one.second_id],
            why=one.why,
            instead=[(sides[UUID(first)].name, sides[UUID(second)].name) for first, second in one.instead],
        )
        for one in found
    ], marker


async def compare(session: AsyncSession, actor: Actor, schedule_id: UUID, other_id: UUID) -> ComparisonView:
    """From one draft to another of the same event: who gains, who loses, how many meetings moved, came or went."""
    one, other = await computed(session, actor, schedule_id), await computed(session, actor, other_id)
    if one.event_id != other.event_id:
        raise NotFound
    before, after = [await _by_pair(session, each.id) for each in (one, other)]
    had, has = _tally(before.values()), _tally(after.values())
    none = (0, 0)
    shifts = {who: (had.get(who, none), has.get(who, none)) for who in {*had, *has}}
    # What the meetings are worth counts before how many they are: those that only keep a promise are worth nothing.
    gains = _largest({who: each for who, each in shifts.items() if each[1][::-1] > each[0][::-1]})
    loses = _largest({who: each for who, each in shifts.items() if each[1][::-1] < each[0][::-1]})
    names = await cards.of(session, {*gains, *loses})
    levels = [{level["objective"]: LevelView.model_validate(level) for level in each.levels} for each in (one, other)]
    return ComparisonView(
        one=one.number,
        other=other.number,
        gain=[_shift(names, who, shifts[who]) for who in gains],
        lose=[_shift(names, who, shifts[who]) for who in loses],
        moved=sum(_differ(before[pair], after[pair]) for pair in before.keys() & after.keys()),
        added=len(after.keys() - before.keys()),
        dropped=len(before.keys() - after.keys()),
        one_sided=_counted(before, after, Ground.ASKED),
        recommended=_counted(before, after, Ground.RECOMMENDED),
        levels=[(levels[0].get(goal), levels[1].get(goal)) for goal in dict.fromkeys([*levels[0], *levels[1]])],
    )


Tally = tuple[int, int]
Pairs = Mapping[tuple[UUID, UUID], Planned]
Shift = tuple[Tally, Tally]


async def _by_pair(session: AsyncSession, schedule_id: UUID) -> dict[tuple[UUID, UUID], Planned]:
    rows = await session.scalars(select(Planned).where(Planned.schedule_id == schedule_id))
    return {(one.first_id, one.second_id): one for one in rows.all()}


def _counted(before: Pairs, after: Pairs, ground: Ground) -> tuple[int, int]:
    had, has = (sum(one.ground is ground for one in each.values()) for each in (before, after))
    return had, has


def _tally(ones: Iterable[Planned]) -> dict[UUID, Tally]:
    """Of each participant, how many meetings and what they are worth."""
    found: dict[UUID, Tally] = {}
    for one in ones:
        for who in (one.first_id, one.second_id):
            count, value = found.get(who, (0, 0))
            found[who] = count + 1, value + one.value
    return found


def _largest(shifts: Mapping[UUID, Shift]) -> list[UUID]:
    def size(who: UUID) -> tuple[int, int]:
        (had, worth), (has, worth_now) = shifts[who]
        return -abs(worth_now - worth), -abs(has - had)

    return sorted(shifts, key=lambda who: (*size(who), who))[:MOST_SHIFTS]


def _shift(names: cards.Cards, who: UUID, each: Shift) -> ShiftView:
    (had, worth), (has, worth_now) = each
    return ShiftView(participant=names[who], meetings=(had, has), value=(worth, worth_now))


def _differ(one: Planned, other: Planned) -> bool:
    told = ("slot_id", "until_slot_id", "table_id", "first_person_id", "second_person_id")
    return any(getattr(one, name) != getattr(other, name) for name in told)
