"""Holding time on instruments, people and places, so that nobody ever holds the same twice.

One resource at a time is claimed by an insert that steps back when the exclusion constraint says no: nobody waits in a
line and nobody deadlocks. Whoever changes a calendar in more than one place (several resources at once, a move, a
series) first takes turns at the resources, in one order for all.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, DateTime, Uuid, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, TSTZRANGE, Range, insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from marketplace.kernel import locks
from marketplace.kernel.prepared import Prepared
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


def turn(resource: UUID) -> int:
    """The number of the lock on which those take turns who change its calendar."""
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
    await in_turn(session, wanted)


async def in_turn(session: AsyncSession, resources: Collection[UUID]) -> None:
    """The same, for those of which it is known that they can be claimed."""
    await locks.hold(session, *sorted(map(turn, resources)))


def keeping_off(number: str = "calendar") -> ColumnElement[None]:
    """`keep_off` as part of another statement: a column that is given `turn(resource)` under that name.

    What the same statement reads it saw before it had the lock.
    """
    return func.pg_advisory_xact_lock_shared(bindparam(number, type_=BigInteger))


_KEPT_OFF = Prepared(select(keeping_off()).where(Resource.id == bindparam("resource")))


async def keep_off(session: AsyncSession, resource: UUID) -> None:
    """Let nobody be alone with this calendar until the transaction ends; others who claim on it are not held up."""
    if await _KEPT_OFF.first(session, calendar=turn(resource), resource=resource) is None:
        raise NotFound


_WANTED = (
    func.unnest(bindparam("ids", type_=ARRAY(Uuid)), bindparam("resources", type_=ARRAY(Uuid)))
    .table_valued("id", "resource_id")
    .render_derived(name="wanted")
)
# For one resource it may be part of another statement, which then does its work only where this made a row.
CLAIMED: Final = (
    insert(Claim)
    .from_select(
        ["id", "resource_id", "during", "held_by"],
        select(
            _WANTED.c.id, _WANTED.c.resource_id, bindparam("during", type_=TSTZRANGE),
            bindparam("held_by", type_=Uuid),
        ),
        include_defaults=False,
    )
    .on_conflict_do_nothing(constraint="claim_no_overlap")
    .returning(Claim.id)
)  # fmt: skip
_CLAIMED = Prepared(CLAIMED)


def claiming(held_by: UUID, during: Period, resources: Sequence[UUID]) -> dict[str, Any]:
    """What `CLAIMED` takes."""
    assert during.lower is not None
    assert during.upper is not None
    if during.upper - during.lower > LONGEST:
        raise TooLongToHold
    return {"ids": [uuid7() for _ in resources], "resources": resources, "during": during, "held_by": held_by}


async def claim(session: AsyncSession, held_by: UUID, during: Period, resources: Collection[UUID]) -> None:
    """Hold all of these, or none of them and refuse."""
    wanted = sorted(set(resources))
    if len(wanted) > 1:
        await take_turns(session, wanted)
    with refusing(claim_resource_id_fkey=NotFound):
        made = await _CLAIMED.fetch(session, **claiming(held_by, during, wanted))
    if len(made) < len(wanted):
        if made:
            await session.execute(delete(Claim).where(Claim.id.in_([row["id"] for row in made])))
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
        await exchange(session, [held_by], [(to or held_by, during, one) for one in set(resources)])


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


_GIVEN_BACK = delete(Claim).where(Claim.held_by == func.any(bindparam("given_back", type_=ARRAY(Uuid))))
_GONE = _GIVEN_BACK.returning(Claim.id).cte("gone")
_EACH = (
    func.unnest(
        bindparam("ids", type_=ARRAY(Uuid)), bindparam("resources", type_=ARRAY(Uuid)),
        bindparam("since", type_=ARRAY(DateTime(timezone=True))), bindparam("until", type_=ARRAY(DateTime(timezone=True))),
        bindparam("holders", type_=ARRAY(Uuid)),
    )
    .table_valued("id", "resource_id", "since", "until", "held_by")
    .render_derived(name="wanted")
)  # fmt: skip
# Counting what is gone makes it go first.
_EXCHANGED = Prepared(
    insert(Claim)
    .from_select(
        ["id", "resource_id", "during", "held_by"],
        select(
            _EACH.c.id, _EACH.c.resource_id,
            func.tstzrange(_EACH.c.since, _EACH.c.until, type_=TSTZRANGE), _EACH.c.held_by,
        )
        .where(select(func.count()).select_from(_GONE).scalar_subquery() >= 0)
        .order_by(_EACH.c.resource_id, _EACH.c.since),
        include_defaults=False,
    )
    .on_conflict_do_nothing(constraint="claim_no_overlap")
    .returning(Claim.id)
)  # fmt: skip


async def exchange(
    session: AsyncSession, given_back: Collection[UUID], wanted: Collection[tuple[UUID, Period, UUID]]
) -> None:
    """Give back everything that these hold, and hold all of this instead (who holds, when, what), or refuse.

    The caller has taken turns at all of it; who is refused starts the transaction over.
    """
    with refusing(claim_resource_id_fkey=NotFound):
        made = await _EXCHANGED.fetch(
            session,
            given_back=list(given_back),
            ids=[uuid7() for _ in wanted],
            resources=[what for _, _, what in wanted],
            since=[during.lower for _, during, _ in wanted],
            until=[during.upper for _, during, _ in wanted],
            holders=[by for by, _, _ in wanted],
        )
    if len(made) < len(wanted):
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
