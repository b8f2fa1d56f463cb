"""Holding time on instruments, people and places, so that nobody ever holds the same twice.

One resource at a time is claimed by an insert that steps back when the exclusion constraint says no: nobody waits in a
line and nobody deadlocks. Whoever changes a calendar in more than one place (several resources at once, a move, a
series) first takes turns at the resources, in one order for all.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import Range, insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from marketplace.kernel import locks
from marketplace.kernel.refusals import Conflict, NotFound, refusing
from marketplace.reservations.models import LONGEST, Claim, Resource, ResourceKind

Period = Range[datetime]


class Taken(Conflict):
    """这段时间已被占用。 · That time is taken already."""


class TooLongToHold(Conflict):
    """一次最多占用 31 天。 · No more than 31 days can be held at once."""


def period(starts_at: datetime, ends_at: datetime) -> Period:
    """From the one moment up to, and without, the other."""
    assert starts_at.tzinfo is not None
    assert ends_at.tzinfo is not None
    assert starts_at < ends_at, "a period ends after it begins"
    return Range(starts_at, ends_at, bounds="[)")


async def enrol(session: AsyncSession, kind: ResourceKind, *ids: UUID) -> None:
    """Let these be claimed. What can be claimed already stays as it is."""
    await session.execute(insert(Resource).values([{"id": one, "kind": kind} for one in ids]).on_conflict_do_nothing())


def _turn(resource: UUID) -> int:
    return locks.number("reservations.calendar", resource)


async def take_turns(session: AsyncSession, resources: Collection[UUID]) -> None:
    """Be alone with these calendars until the transaction ends; everybody asks for them in the same order.

    The turns are advisory locks and not locks of the rows: those let everybody in who shares what is shared already,
    so that a stream of requests keeps whoever wants to be alone waiting for ever. Here first come is first served.
    """
    wanted = set(resources)
    found = await session.scalars(select(Resource.id).where(Resource.id.in_(wanted)))
    if len(found.all()) < len(wanted):
        raise NotFound
    for number in sorted(map(_turn, wanted)):
        await session.execute(select(func.pg_advisory_xact_lock(number)))


async def keep_off(session: AsyncSession, resource: UUID) -> None:
    """Let nobody be alone with this calendar until the transaction ends; others who claim on it are not held up."""
    shared = select(Resource.id, func.pg_advisory_xact_lock_shared(_turn(resource))).where(Resource.id == resource)
    if (await session.execute(shared)).one_or_none() is None:
        raise NotFound


async def claim(session: AsyncSession, held_by: UUID, during: Period, resources: Collection[UUID]) -> None:
    """Hold all of these, or none of them and refuse."""
    wanted = sorted(set(resources))
    if len(wanted) > 1:
        await take_turns(session, wanted)
    assert during.lower is not None
    assert during.upper is not None
    if during.upper - during.lower > LONGEST:
        raise TooLongToHold
    rows = [{"id": uuid7(), "resource_id": one, "during": during, "held_by": held_by} for one in wanted]
    with refusing(claim_resource_id_fkey=NotFound):
        made = await session.scalars(
            insert(Claim).values(rows).on_conflict_do_nothing(constraint="claim_no_overlap").returning(Claim.id)
        )
    kept = made.all()
    if len(kept) < len(rows):
        if kept:
            await session.execute(delete(Claim).where(Claim.id.in_(kept)))
        raise Taken


async def release(session: AsyncSession, held_by: UUID) -> bool:
    """Give back everything that is held by this. Answers whether there was anything."""
    gone = await session.scalars(delete(Claim).where(Claim.held_by == held_by).returning(Claim.id))
    return bool(gone.all())


async def move(
    session: AsyncSession, held_by: UUID, during: Period, resources: Collection[UUID], *, to: UUID | None = None
) -> None:
    """Give back what is held and hold this instead (for `to`, if another holds it from now on), or change nothing."""
    before = await session.scalars(select(Claim.resource_id).where(Claim.held_by == held_by))
    await take_turns(session, {*before.all(), *resources})
    async with session.begin_nested():
        await release(session, held_by)
        await claim(session, to or held_by, during, resources)


async def hand_over(session: AsyncSession, held_by: UUID, to: UUID) -> bool:
    """What was held by one is held by another, without a moment in between. Answers whether there was anything."""
    moved = await session.scalars(update(Claim).where(Claim.held_by == held_by).values(held_by=to).returning(Claim.id))
    return bool(moved.all())


async def held(session: AsyncSession, resource_id: UUID, during: Period) -> Sequence[Claim]:
    """What is held on one resource within a period, in order."""
    found = await session.scalars(
        select(Claim).where(Claim.resource_id == resource_id, Claim.during.op("&&")(during)).order_by(Claim.during)
    )
    return found.all()


async def claim_each(session: AsyncSession, wanted: Collection[tuple[UUID, Period, UUID]]) -> None:
    """Hold all of these (who holds, when, what), however many, or refuse; who is refused starts the transaction over.

    They are taken in one order, so that two who do this at once do not wait for each other in a circle.
    """
    rows = [
        {"id": uuid7(), "held_by": by, "during": during, "resource_id": what}
        for by, during, what in sorted(wanted, key=lambda one: (one[2], one[1].lower))
    ]
    for start in range(0, len(rows), 1000):
        some = rows[start : start + 1000]
        with refusing(claim_resource_id_fkey=NotFound):
            made = await session.scalars(
                insert(Claim).values(some).on_conflict_do_nothing(constraint="claim_no_overlap").returning(Claim.id)
            )
        if len(made.all()) < len(some):
            raise Taken


async def release_each(session: AsyncSession, held_by: Collection[UUID]) -> None:
    """Give back everything that any of these hold."""
    await session.execute(delete(Claim).where(Claim.held_by.in_(held_by)))


async def held_among(
    session: AsyncSession, resources: Collection[UUID], during: Period, *, but: Collection[UUID] = ()
) -> Sequence[Claim]:
    """What is held on any of these within a period, leaving out what these few hold."""
    found = await session.scalars(
        select(Claim)
        .where(Claim.resource_id.in_(resources), Claim.during.op("&&")(during), Claim.held_by.not_in(but))
        .order_by(Claim.resource_id, Claim.during)
        .execution_options(populate_existing=True)
    )
    return found.all()
