"""Where a meeting can be: its slots and its table, and what speaks against them."""

from collections.abc import AsyncIterator, Iterable, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking.models import EventSlot, EventTable, TableClosure
from marketplace.docking.registration_models import Absence, Registration
from marketplace.docking.standing import Placement
from marketplace.kernel import clock
from marketplace.kernel.refusals import Invalid
from schemas.base import FieldError


class NotPossibleThere(Invalid):
    """不能安排在那里，请按提示修改。 · It cannot be there; change what is named."""


def flaw(pointer: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, detail=detail)


async def slots_of(session: AsyncSession, event_id: UUID) -> Sequence[EventSlot]:
    found = await session.scalars(select(EventSlot).where(EventSlot.event_id == event_id).order_by(EventSlot.starts_at))
    return found.all()


async def table_of(session: AsyncSession, event_id: UUID, table_id: UUID) -> EventTable | None:
    found: EventTable | None = await session.scalar(
        select(EventTable).where(EventTable.id == table_id, EventTable.event_id == event_id)
    )
    return found


def span(slots: Sequence[EventSlot], first: UUID, length: int) -> Sequence[EventSlot] | None:
    """So many slots of one session from the first on."""
    place = next((place for place, slot in enumerate(slots) if slot.id == first), None)
    if place is None:
        return None
    some = slots[place : place + length]
    return some if len(some) == length and len({slot.session_id for slot in some}) == 1 else None


async def hindrances(session: AsyncSession, at: Placement, during: Iterable[EventSlot]) -> AsyncIterator[FieldError]:
    """What the agenda and the people themselves say against it; what is held already, the claims will say."""
    ids = [slot.id for slot in during]
    if at.starts_at <= clock.now():
        yield flaw("/slot_id", "begun", "这个场次已经开始。 · That slot has begun.")
    shut = select(TableClosure.slot_id).where(TableClosure.table_id == at.table_id, TableClosure.slot_id.in_(ids))
    if await session.scalar(shut.limit(1)) is not None:
        yield flaw("/table_id", "closed", "这张桌子那时不可用。 · That table is closed then.")
    host = select(Registration.id).where(Registration.table_id == at.table_id, Registration.id.not_in(at.sides))
    if await session.scalar(host.limit(1)) is not None:
        yield flaw("/table_id", "a_hosts", "这是他人的固定桌。 · Somebody else stays at that table.")
    people = (at.first_person_id, at.second_person_id)
    away = select(Absence.attendee_id).where(Absence.attendee_id.in_(people), Absence.slot_id.in_(ids))
    if await session.scalar(away.limit(1)) is not None:
        yield flaw("/slot_id", "absent", "有一方那时不在。 · One of the two is not there then.")
