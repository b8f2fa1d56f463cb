"""The first time at which each of some instruments could be booked, for all of them at once."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.clock import BEIJING
from marketplace.labs import holidays, hours
from marketplace.labs.hours import Span
from marketplace.labs.models import Instrument, OpeningException, OpeningHours, Outage
from marketplace.reservations.claims import period
from marketplace.reservations.models import Claim

LOOK_AHEAD: Final = timedelta(days=14)


def on_grid(moment: datetime, step: timedelta) -> datetime:
    """The first moment from here on that lies on a grid which begins anew each midnight in China."""
    midnight = hours.midnight(hours.local_day(moment))
    found = midnight - (midnight - moment) // step * step
    return min(found, midnight + timedelta(days=1)).astimezone(UTC)


def _lies_on(moment: datetime, step: timedelta) -> bool:
    return not (moment - hours.midnight(moment.astimezone(BEIJING).date())) % step


def first_of(
    opened: Iterable[Span],
    taken: Sequence[Span],
    broken: Sequence[Span],
    earliest: datetime,
    *,
    step: timedelta,
    length: timedelta,
    buffer: timedelta,
) -> Span | None:
    """The earliest stretch of that length on the grid that is open, in order, and free with what is kept after it."""
    for span in opened:
        begins = on_grid(max(span.starts_at, earliest), step)
        while (ends := begins + length) <= span.ends_at:
            busy = [one.ends_at for one in taken if one.starts_at < ends + buffer and one.ends_at > begins]
            busy += [one.ends_at for one in broken if one.starts_at < ends and one.ends_at > begins]
            if busy:
                begins = on_grid(max(busy), step)
            elif not _lies_on(ends, step):
                # A grid that does not fill the day starts over at midnight: what crosses it ends beside the grid.
                begins = on_grid(begins + timedelta(microseconds=1), step)
            else:
                return Span(begins, ends)
    return None


async def first_free(
    session: AsyncSession, instruments: Collection[Instrument], now: datetime, minutes: int | None = None
) -> dict[UUID, Span]:
    """For each that can be booked within the look-ahead, its first free time of that length, or else of its least one.

    Where so many minutes are too few or lie beside the instrument's grid, the next length that can be booked counts.

    Five statements, however many instruments.
    """
    ids = [one.id for one in instruments]
    if not ids:
        return {}
    until = now + LOOK_AHEAD
    weekly = await _grouped(session, select(OpeningHours).where(OpeningHours.instrument_id.in_(ids)))
    days = OpeningException.day.between(hours.local_day(now), hours.local_day(until))
    special = await _grouped(session, select(OpeningException).where(OpeningException.instrument_id.in_(ids), days))
    off = await holidays.between(session, now, until)
    held = select(
        Claim.resource_id, func.lower(Claim.during).label("starts_at"), func.upper(Claim.during).label("ends_at")
    ).where(Claim.resource_id.in_(ids), Claim.during.op("&&")(period(now, until)))
    taken = await _spans(session, held)
    broken = await _spans(
        session,
        select(
            Outage.instrument_id, Outage.starts_at, func.coalesce(Outage.ends_at, literal(until)).label("ends_at")
        ).where(
            Outage.instrument_id.in_(ids), Outage.starts_at < until, func.coalesce(Outage.ends_at, literal(until)) > now
        ),
    )
    found = {}
    for one in instruments:
        opened = hours.open_spans(weekly[one.id], special[one.id], now, until, off)
        first = _of(one, opened, taken[one.id], broken[one.id], now, minutes)
        if first is not None:
            found[one.id] = first
    return found


def _of(
    instrument: Instrument,
    opened: list[Span],
    taken: list[Span],
    broken: list[Span],
    now: datetime,
    minutes: int | None,
) -> Span | None:
    step = timedelta(minutes=instrument.slot_minutes)
    length = -(-timedelta(minutes=max(instrument.min_minutes, minutes or 0)) // step) * step
    if length > timedelta(minutes=instrument.max_minutes):
        return None
    earliest = now + timedelta(minutes=instrument.notice_minutes)
    buffer = timedelta(minutes=instrument.buffer_minutes)
    first = first_of(opened, taken, broken, earliest, step=step, length=length, buffer=buffer)
    latest = now + timedelta(days=instrument.horizon_days)
    return first if first is not None and first.starts_at <= latest else None


async def _grouped(session: AsyncSession, statement: Select[Any]) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in (await session.scalars(statement)).all():
        found[row.instrument_id].append(row)
    return found


async def _spans(session: AsyncSession, statement: Select[UUID, datetime, datetime]) -> dict[UUID, list[Span]]:
    found: dict[UUID, list[Span]] = defaultdict(list)
    for key, starts_at, ends_at in (await session.execute(statement)).all():
        found[key].append(Span(starts_at, ends_at))
    return found
