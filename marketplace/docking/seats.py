"""Where a meeting can be: its slots and its table, and what speaks against them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import standing
from marketplace.docking.meeting_models import Meeting
from marketplace.docking.models import EventTable
from marketplace.kernel import clock
from marketplace.kernel.prepared import fetched
from marketplace.kernel.refusals import Invalid
from schemas.base import FieldError


class NotPossibleThere(Invalid):
    """不能安排在那里，请按提示修改。 · It cannot be there; change what is named."""


def flaw(pointer: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, detail=detail)


async def table_of(session: AsyncSession, event_id: UUID, table_id: UUID) -> EventTable | None:
    found: EventTable | None = await session.scalar(
        select(EventTable).where(EventTable.id == table_id, EventTable.event_id == event_id)
    )
    return found


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a meeting could be, and what speaks against it; `slots` are as many as it takes, or fewer where none follow.

    `held`: what it holds now. Its people's addresses tell which calendars it needs.
    """

    length: int
    slots: Sequence[UUID]
    starts_at: datetime | None
    ends_at: datetime | None
    table_id: UUID | None
    instrument_id: UUID | None
    shut: bool
    hosted: bool
    away: bool
    emails: tuple[str, str]
    held: frozenset[UUID]

    def needs(self) -> set[UUID]:
        """The calendars that it would claim."""
        found = {self.table_id, self.instrument_id, *map(standing.calendar_of, self.emails)}
        return {one for one in found if one is not None}


_LOOKED: Final = """
    select wide.length, coalesce(span.slots, '{}') as slots, span.starts_at, span.ends_at, t.id as table_id,
        t.instrument_id,
        exists (select from event_table_closure c where c.table_id = w.table_id and c.slot_id = any(span.slots)) as shut,
        exists (select from registration r where r.table_id = w.table_id and r.id <> w.first_id and r.id <> w.second_id)
            as hosted,
        exists (select from absence a where a.attendee_id in (w.first_person_id, w.second_person_id)
            and a.slot_id = any(span.slots)) as away,
        one.email as first_email, other.email as second_email,
        array(select c.resource_id from claim c where c.held_by = w.id) as held
    from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[], $9::timestamptz[],
        $10::timestamptz[]) with ordinality
        as w (id, first_id, second_id, first_person_id, second_person_id, table_id, slot_id, since, until, number)
    join attendee one on one.id = w.first_person_id
    join attendee other on other.id = w.second_person_id
    cross join lateral (
        select count(*)::int as length from event_slot s
        where s.event_id = $1 and s.starts_at >= w.since and s.ends_at <= w.until
    ) wide
    left join lateral (
        select array_agg(x.id order by x.starts_at) as slots, min(x.starts_at) as starts_at, max(x.ends_at) as ends_at
        from (
            select s.id, s.starts_at, s.ends_at
            from event_slot f join event_slot s on s.session_id = f.session_id and s.starts_at >= f.starts_at
            where f.id = w.slot_id and f.event_id = $1 order by s.starts_at limit wide.length
        ) x
    ) span on true
    left join event_table t on t.id = w.table_id and t.event_id = $1
    order by w.number
"""


async def looked(
    session: AsyncSession, event_id: UUID, wanted: Sequence[tuple[Meeting, UUID | None, UUID | None]]
) -> list[Seat]:
    """For each of these meetings, what is known of another table and first slot for it: one statement."""
    columns = [
        [one.id, one.first_id, one.second_id, one.first_person_id, one.second_person_id, table, slot,
         one.starts_at, one.ends_at]
        for one, table, slot in wanted
    ]  # fmt: skip
    rows = await fetched(session, _LOOKED, event_id, *map(list, zip(*columns, strict=True)))
    return [
        Seat(
            **{name: row[name] for name in ("length", "slots", "starts_at", "ends_at", "table_id", "instrument_id",
                                            "shut", "hosted", "away")},
            emails=(row["first_email"], row["second_email"]),
            held=frozenset(row["held"]),
        )
        for row in rows
    ]  # fmt: skip


def hindrances(at: Seat) -> Iterator[FieldError]:
    """What the agenda and the people themselves say against it; what is held already, the claims will say."""
    if at.starts_at is None or len(at.slots) < at.length:
        told = "没有这个场次，或其后的场次不够。 · There is no such slot, or not enough of them follow it."
        yield flaw("/slot_id", "no_slot_fits", told)
    elif at.starts_at <= clock.now():
        yield flaw("/slot_id", "begun", "这个场次已经开始。 · That slot has begun.")
    if at.table_id is None:
        yield flaw("/table_id", "unknown", "此活动没有这张桌子。 · This event has no such table.")
    if at.shut:
        yield flaw("/table_id", "closed", "这张桌子那时不可用。 · That table is closed then.")
    if at.hosted:
        yield flaw("/table_id", "a_hosts", "这是他人的固定桌。 · Somebody else stays at that table.")
    if at.away:
        yield flaw("/slot_id", "absent", "有一方那时不在。 · One of the two is not there then.")
