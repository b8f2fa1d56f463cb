"""The calendar of one instrument: open, taken, and what is left."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.actor import Actor
from marketplace.labs import holidays, hours, instruments
from marketplace.labs.free import ORDER, refused
from marketplace.labs.hours import Span
from marketplace.labs.models import OpeningException, OpeningHours, Outage
from marketplace.reservations.claims import held, period
from marketplace.reservations.models import Claim
from schemas.labs import Availability, BusyKind, BusyStretch, Stretch

LONGEST_WINDOW: Final = timedelta(days=62)


async def availability(
    session: AsyncSession, actor: Actor, instrument_id: UUID, since: datetime, until: datetime
) -> Availability:
    """The calendar of one instrument: who holds a time is nobody's business but the lab's."""
    if until <= since:
        raise refused("until", "period_order", ORDER)
    if until - since > LONGEST_WINDOW:
        raise refused("until", "period_length", "最长 62 天 · 62 days at most")
    await instruments.read(session, actor, instrument_id)
    weekly = await session.scalars(select(OpeningHours).where(OpeningHours.instrument_id == instrument_id))
    special = await session.scalars(
        select(OpeningException).where(
            OpeningException.instrument_id == instrument_id,
            OpeningException.day.between(hours.local_day(since), hours.local_day(until)),
        )
    )
    off = await holidays.between(session, since, until)
    opened = hours.open_spans(weekly.all(), special.all(), since, until, off)
    busy = [
        BusyStretch(kind=BusyKind.BOOKED, starts_at=max(span.starts_at, since), ends_at=min(span.ends_at, until))
        for span in hours.merged(
            [Span(*_bounds(claim)) for claim in await held(session, instrument_id, period(since, until))]
        )
    ]
    outages = await session.scalars(
        select(Outage).where(
            Outage.instrument_id == instrument_id,
            Outage.starts_at < until,
            func.coalesce(Outage.ends_at, literal(until)) > since,
        )
    )
    busy += [
        BusyStretch(kind=BusyKind.OUTAGE, starts_at=max(one.starts_at, since), ends_at=min(one.ends_at or until, until))
        for one in outages.all()
    ]
    busy.sort(key=lambda one: (one.starts_at, one.kind))
    left = hours.without(opened, [Span(one.starts_at, one.ends_at) for one in busy])
    return Availability(
        instrument_id=instrument_id,
        since=since,
        until=until,
        open=[Stretch(starts_at=one.starts_at, ends_at=one.ends_at) for one in opened],
        busy=busy,
        free=[Stretch(starts_at=one.starts_at, ends_at=one.ends_at) for one in left],
    )


def _bounds(claim: Claim) -> tuple[datetime, datetime]:
    assert claim.during.lower is not None
    assert claim.during.upper is not None
    return claim.during.lower, claim.during.upper
