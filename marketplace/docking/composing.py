"""What a timetable of an event is made of, read from the database: people who come, wishes that hold, what stands already.

Who meets whom is decided by what both sides want. Where the event promises meetings, pairs that nobody refused may serve
that promise and nothing beyond it: first those that one side asks for, then, where the desk allows it, those that the
matcher proposes and that really fit. Whom neither a side nor the matcher has a reason for never meets.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from marketplace.docking import cards, standing, wish_lists, wish_reasons
from marketplace.docking.meeting_models import HOLDING, Meeting, Publication
from marketplace.docking.meeting_policy import takes_part
from marketplace.docking.models import Event, EventRoom, EventSlot, EventTable
from marketplace.docking.registration_models import Attendee, Registration
from marketplace.docking.wish_models import Wish as Pair
from marketplace.docking.wish_models import positive
from marketplace.reservations import claims
from matching.timetable import (
    Agenda,
    Answer,
    Keeping,
    Participant,
    Person,
    Published,
    Slot,
    Table,
    Wish,
)
from matching.timetable import Meeting as Seated
from schemas.meetings import Ground, LateJoiners, Planning
from schemas.wishes import WishAnswer

Side = tuple[UUID, UUID]
_SAYS: Final = {WishAnswer.MUST: Answer.MUST, WishAnswer.MEET: Answer.MEET}


@dataclass(frozen=True, slots=True)
class Composed:
    """An agenda whose ids are those of the rows, what of the wishes it leaves out, and what it all comes to."""

    agenda: Agenda
    agreed: Mapping[Side, Pair]
    others: Mapping[Side, Pair]
    """Pairs that may serve the promise, and nothing else."""
    not_agreed: Sequence[Pair]
    slots: Mapping[UUID, EventSlot]
    names: Mapping[str, str]
    """By id, what people call it."""
    grounds: Mapping[Side, Ground | None]
    """Why each pair of the agenda would meet."""
    stands: Sequence[str]
    """What is planned now, whether it may move or not."""

    @property
    def worth(self) -> dict[Side, int]:
        """What each pair is worth, in thousandths."""
        return {(UUID(one.first), UUID(one.second)): self.agenda.worth.of(one) for one in self.agenda.wishes}

    @property
    def basis(self) -> str:
        """The same for the same agenda beside the same meetings, whichever process asks."""
        plain = json.dumps([asdict(self.agenda), self.stands], default=sorted, sort_keys=True)
        return hashlib.sha256(plain.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Settled:
    """Meetings that no schedule changes: begun, over, or made on the spot."""

    pairs: frozenset[Side]
    by_side: Mapping[UUID, int]
    by_person: Mapping[UUID, int]


async def compose(
    session: AsyncSession, event: Event, planning: Planning, late: LateJoiners, now: datetime, *, fill: bool = True
) -> Composed:
    """The agenda of what is still to come of an event, as of now. ``fill``: whether proposals may keep promises."""
    slots = await _slots(session, event.id, now)
    tables = await _tables(session, event.id)
    people = await _participants(session, event.id)
    standing_now = await standing.movable(session, event.id, now)
    settled = await _settled(session, event.id, standing_now)
    latecomers = await _late(session, event.id, people)
    if late is LateJoiners.LEAVE_OUT:
        stay = {side for one in standing_now for side in one.sides()}
        people = [one for one in people if one.id not in latecomers or one.id in stay]
    known = {one.id for one in people}
    agreed, others, not_agreed = await _wishes(session, event.id, known, settled, now)
    keep = [] if planning is Planning.ANEW else [one for one in standing_now if known.issuperset(one.sides())]
    busy = await _busy(session, event, slots, tables, people, standing_now)
    visited = {pair.table_id for pair in agreed.values()} | {one.table_id for one in people}
    visited |= {one.table_id for one in keep}
    participants = tuple(_participant(one, event, settled, busy) for one in people)
    asked = {sides for sides, pair in others.items() if any(wish_lists.live(pair, side, now) for side in sides)}
    serving = {sides: pair for sides, pair in others.items() if sides in asked}
    if fill:
        why = await wish_reasons.of(session, [pair for sides, pair in others.items() if sides not in asked])
        # A record that is no longer public is no reason any more.
        serving = {sides: pair for sides, pair in others.items() if sides in asked or why[pair.id]}
    serving = serving if any(one.floor for one in participants) else {}
    stood = {one.sides(): one.ground for one in keep}
    visits = {one.id for one in tables if one.instrument_id is not None}
    seated = [_seated(one, slots) for one in keep]
    agenda = Agenda(
        slots=tuple(Slot(str(one.id), str(one.session_id)) for one in slots),
        tables=tuple(
            Table(str(one.id), str(one.room_id), _closed(one, busy, slots))
            for one in tables
            if one.instrument_id is None or one.id in visited
        ),
        participants=participants,
        wishes=(
            *_as_wishes(agreed),
            *_to_fill(serving, asked, stood),
            *_for_what_stands(keep, slots, visits, {*agreed, *serving}),
        ),
        floor=event.meetings_promised,
        published=_published(seated, planning, late, latecomers & known),
    )
    return Composed(
        agenda=agenda,
        agreed=agreed,
        others=serving,
        not_agreed=not_agreed,
        slots={one.id: one for one in slots},
        names=_names(people, tables, slots, event),
        grounds=stood
        | {sides: Ground.ASKED if sides in asked else Ground.RECOMMENDED for sides in serving}
        | dict.fromkeys(agreed, Ground.AGREED),
        stands=sorted(str(standing.placement(one)) for one in standing_now),
    )


async def _slots(session: AsyncSession, event_id: UUID, now: datetime) -> Sequence[EventSlot]:
    """What has begun is not planned any more."""
    found = await session.scalars(
        select(EventSlot).where(EventSlot.event_id == event_id, EventSlot.starts_at > now).order_by(EventSlot.starts_at)
    )
    return found.all()


async def _tables(session: AsyncSession, event_id: UUID) -> Sequence[EventTable]:
    found = await session.scalars(
        select(EventTable)
        .join(EventRoom, EventRoom.id == EventTable.room_id)
        .where(EventTable.event_id == event_id)
        .order_by(EventRoom.venue_id, EventRoom.position, EventTable.position, EventTable.id)
        .options(selectinload(EventTable.closures), joinedload(EventTable.room))
        .execution_options(populate_existing=True)
    )
    return found.all()


async def _participants(session: AsyncSession, event_id: UUID) -> list[Registration]:
    found = await session.scalars(
        select(Registration)
        .where(Registration.event_id == event_id, takes_part())
        .order_by(Registration.id)
        .options(
            joinedload(Registration.organisation),
            selectinload(Registration.people).selectinload(Attendee.absences),
        )
        .execution_options(populate_existing=True)
    )
    return [one for one in found.all() if one.people]


async def _settled(session: AsyncSession, event_id: UUID, movable: Sequence[Meeting]) -> _Settled:
    rows = await session.scalars(
        select(Meeting).where(
            Meeting.event_id == event_id,
            Meeting.state.in_(HOLDING),
            Meeting.id.not_in([one.id for one in movable]),
        )
    )
    by_side: dict[UUID, int] = defaultdict(int)
    by_person: dict[UUID, int] = defaultdict(int)
    pairs = set()
    for one in rows.all():
        pairs.add(one.sides())
        for side in one.sides():
            by_side[side] += 1
            by_person[one.person_of(side)] += 1
    return _Settled(frozenset(pairs), by_side, by_person)


async def _late(session: AsyncSession, event_id: UUID, people: Iterable[Registration]) -> set[UUID]:
    """Who was confirmed after the last publication that still holds."""
    last = await session.scalar(
        select(func.max(Publication.published_at)).where(
            Publication.event_id == event_id, Publication.undone_at.is_(None)
        )
    )
    if last is None:
        return set()
    return {one.id for one in people if max(filter(None, (one.created_at, one.decided_at, one.offered_at))) > last}


async def _wishes(
    session: AsyncSession, event_id: UUID, known: set[UUID], settled: _Settled, now: datetime
) -> tuple[dict[Side, Pair], dict[Side, Pair], list[Pair]]:
    """What both want, what may serve the promise, and what only one of two asked for."""
    rows = await session.scalars(
        select(Pair).where(Pair.event_id == event_id).order_by(Pair.id).execution_options(populate_existing=True)
    )
    called_off = await standing.called_off(session, event_id)
    agreed: dict[Side, Pair] = {}
    others: dict[Side, Pair] = {}
    not_agreed = []
    for pair in rows.all():
        sides = (pair.first_id, pair.second_id)
        if sides in settled.pairs or not known.issuperset(sides):
            continue
        spoke = max((at for at in (pair.first_at, pair.second_at) if at is not None), default=None)
        if sides in called_off and (spoke is None or spoke <= called_off[sides]):
            continue
        says = (pair.first_says, pair.second_says)
        if all(map(positive, says)):
            agreed[sides] = pair
            continue
        if any(map(positive, says)):
            not_agreed.append(pair)
        asked = any(wish_lists.live(pair, side, now) for side in sides)
        fits = pair.proposed_at is not None and pair.fits
        if WishAnswer.NO_THANKS not in says and (asked or fits) and pair.slots == 1:
            others[sides] = pair
    return agreed, others, not_agreed


Busy = Mapping[UUID, set[str]]


async def _busy(
    session: AsyncSession,
    event: Event,
    slots: Sequence[EventSlot],
    tables: Sequence[EventTable],
    people: Sequence[Registration],
    movable: Sequence[Meeting],
) -> Busy:
    """By calendar, the slots in which something else holds it: another event, a booking, a meeting that stays."""
    if not slots:
        return {}
    calendars = {standing.calendar_of(one.email) for each in people for one in each.people}
    calendars |= {one.id for one in tables} | {one.instrument_id for one in tables if one.instrument_id is not None}
    held = await claims.held_among(
        session, calendars, claims.period(slots[0].starts_at, max(one.ends_at for one in slots)),
        but={one.id for one in movable},
    )  # fmt: skip
    busy: dict[UUID, set[str]] = defaultdict(set)
    for claim in held:
        begins, ends = claim.during.lower, claim.during.upper
        assert begins is not None
        assert ends is not None
        busy[claim.resource_id] |= {str(one.id) for one in slots if one.starts_at < ends and begins < one.ends_at}
    return busy


def _closed(table: EventTable, busy: Busy, slots: Sequence[EventSlot]) -> frozenset[str]:
    known = {one.id for one in slots}
    shut = {str(one.slot_id) for one in table.closures if one.slot_id in known} | busy.get(table.id, set())
    return frozenset(shut | (busy.get(table.instrument_id, set()) if table.instrument_id is not None else set()))


def _participant(one: Registration, event: Event, settled: _Settled, busy: Busy) -> Participant:
    """What somebody is promised and wants at most, less what they had already."""
    had = settled.by_side.get(one.id, 0)
    promised = event.meetings_promised if one.meetings_promised is None else one.meetings_promised
    most = min((each for each in (event.meetings_most, one.meetings_most) if each is not None), default=None)
    return Participant(
        id=str(one.id),
        people=tuple(_person(each, settled, busy) for each in one.people),
        floor=max(0, promised - had),
        most=None if most is None else max(0, most - had),
        table=str(one.table_id) if one.table_id is not None else None,
    )


def _person(one: Attendee, settled: _Settled, busy: Busy) -> Person:
    absent = {str(each.slot_id) for each in one.absences} | busy.get(standing.calendar_of(one.email), set())
    most = None if one.meetings_most is None else max(0, one.meetings_most - settled.by_person.get(one.id, 0))
    return Person(str(one.id), frozenset(absent), most, frozenset(one.languages))


def _as_wishes(agreed: Mapping[Side, Pair]) -> Iterable[Wish]:
    for (first, second), pair in agreed.items():
        assert pair.first_says is not None
        assert pair.second_says is not None
        table = str(pair.table_id) if pair.table_id is not None else None
        yield Wish(
            str(first), str(second), _SAYS[pair.first_says], _SAYS[pair.second_says], min(1.0, pair.score),
            pair.slots, table,
        )  # fmt: skip


def _to_fill(serving: Mapping[Side, Pair], asked: Collection[Side], stood: Collection[Side]) -> Iterable[Wish]:
    """Pairs that may keep a promise. What people know of already costs nothing to keep."""
    for sides, pair in serving.items():
        first, second = map(str, sides)
        if sides in stood:
            yield Wish(first, second)
        else:
            says = Answer.MEET if sides in asked else Answer.SILENT
            yield Wish(first, second, says, score=min(1.0, pair.score), fills=True)


def _for_what_stands(
    keep: Iterable[Meeting], slots: Sequence[EventSlot], visits: Collection[UUID], known: Collection[Side]
) -> Iterable[Wish]:
    """A meeting that was published and that nobody wishes for now may stay where it is."""
    for one in keep:
        if one.sides() not in known:
            length = len(standing.between(one, slots))
            # A place that is named serves nobody else: only that of a visit is.
            place = str(one.table_id) if length > 1 or one.table_id in visits else None
            yield Wish(str(one.first_id), str(one.second_id), length=length, table=place)


def _seated(one: Meeting, slots: Sequence[EventSlot]) -> Seated:
    return Seated(
        pair=(str(one.first_id), str(one.second_id)),
        people=(str(one.first_person_id), str(one.second_person_id)),
        slots=tuple(str(slot.id) for slot in standing.between(one, slots)),
        table=str(one.table_id),
    )


def _published(
    seated: Sequence[Seated], planning: Planning, late: LateJoiners, latecomers: set[UUID]
) -> Published | None:
    fills = frozenset(map(str, latecomers)) if late is LateJoiners.FILL else frozenset()
    if not seated and not fills:
        return None
    keeping = Keeping.FEWEST_MOVES if planning is Planning.FEWEST_MOVES else Keeping.FIXED
    return Published(tuple(seated), keeping, fills)


def _names(
    people: Iterable[Registration], tables: Iterable[EventTable], slots: Iterable[EventSlot], event: Event
) -> dict[str, str]:
    """What people call what the agenda knows by its id."""
    named = {str(one.id): cards.card(one).name for one in people}
    named |= {str(each.id): each.name for one in people for each in one.people}
    named |= {str(one.id): f"{one.room.name} {one.name}" for one in tables}
    return named | {str(one.id): standing.hour(one.starts_at, event.time_zone) for one in slots}
