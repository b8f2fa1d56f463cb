"""The first time at which each of some instruments could be booked, for all of them at once."""

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Date, DateTime, Uuid, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY, TSTZRANGE
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.clock import BEIJING
from marketplace.kernel.prepared import Prepared
from marketplace.labs import hours
from marketplace.labs.availability import days_of, opened
from marketplace.labs.hours import Span
from marketplace.labs.models import Instrument, Outage
from marketplace.reservations.claims import period
from marketplace.reservations.models import Claim

LOOK_AHEAD: Final = timedelta(days=14)
SOON: Final = timedelta(days=2)
NEVER: Final = (datetime.max.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


def on_grid(moment: datetime, step: timedelta) -> datetime:
    """The first moment from here on that lies on a grid which begins anew each midnight in China."""
    midnight = hours.midnight(hours.local_day(moment))
    found = midnight - (midnight - moment) // step * step
    return min(found, midnight + timedelta(days=1)).astimezone(UTC)


def _lies_on(moment: datetime, step: timedelta) -> bool:
    return not (moment - hours.midnight(moment.astimezone(BEIJING).date())) % step


def first_of(
    opened: Iterable[Span],
    taken: Iterable[Span],
    broken: Iterable[Span],
    earliest: datetime,
    *,
    step: timedelta,
    length: timedelta,
    buffer: timedelta,
) -> Span | None:
    """The earliest stretch of that length on the grid that is open, in order, and free with what is kept after it.

    One walk along what is open beside one along what is not free, so that a calendar which is full for weeks costs what
    it has entries and not their square.
    """
    kept_out = [(one.starts_at - length - buffer, one.ends_at) for one in taken]
    kept_out += [(one.starts_at - length, one.ends_at) for one in broken]
    hindered = _one_after_the_other(kept_out)
    after, back = next(hindered, NEVER)
    for span in opened:
        begins = on_grid(max(span.starts_at, earliest), step)
        while (ends := begins + length) <= span.ends_at:
            while back <= begins:
                after, back = next(hindered, NEVER)
            if after < begins:
                begins = on_grid(back, step)
            elif not _lies_on(ends, step):
                # A grid that does not fill the day starts over at midnight: what crosses it ends beside the grid.
                begins = on_grid(begins + timedelta(microseconds=1), step)
            else:
                return Span(begins, ends)
    return None


def _one_after_the_other(kept_out: list[tuple[datetime, datetime]]) -> Iterator[tuple[datetime, datetime]]:
    """Times in which nothing may begin, both ends not among them, in order and apart."""
    last: tuple[datetime, datetime] | None = None
    for one in sorted(kept_out):
        if last is not None and one[0] < last[1]:
            last = last[0], max(last[1], one[1])
            continue
        if last is not None:
            yield last
        last = one
    if last is not None:
        yield last


def _asked() -> Any:
    """Of each instrument its hours, and what is held and broken within a period, as much of it in one piece as is."""
    until, during = bindparam("until", type_=DateTime(True)), bindparam("during", type_=TSTZRANGE)
    held = (Claim.resource_id == Instrument.id, Claim.during.op("&&")(during))
    ends = func.coalesce(Outage.ends_at, until)
    broken = (
        Outage.instrument_id == Instrument.id,
        Outage.starts_at < until,
        ends > bindparam("now", type_=DateTime(True)),
    )
    return select(
        Instrument.id,
        *days_of(Instrument.id, bindparam("first_day", type_=Date), bindparam("last_day", type_=Date)),
        select(func.range_agg(Claim.during)).where(*held).scalar_subquery().label("held"),
        select(func.range_agg(func.tstzrange(Outage.starts_at, ends))).where(*broken).scalar_subquery().label("broken"),
    ).where(Instrument.id == any_(bindparam("ids", type_=ARRAY(Uuid))))


_ASKED: Final = Prepared(_asked())


async def first_free(
    session: AsyncSession, instruments: Collection[Instrument], now: datetime, minutes: int | None = None
) -> dict[UUID, Span]:
    """For each that can be booked within the look-ahead, its first free time of that length, or else of its least one.

    Where so many minutes are too few or lie beside the instrument's grid, the next length that can be booked counts.

    One statement, however many instruments.
    """
    if not instruments:
        return {}
    until = now + LOOK_AHEAD
    rows = await _ASKED.fetch(
        session, ids=[one.id for one in instruments], now=now, until=until, during=period(now, until),
        first_day=hours.local_day(now), last_day=hours.local_day(until),
    )  # fmt: skip
    calendars = {row["id"]: row for row in rows}
    found = {}
    for one in instruments:
        calendar = calendars.get(one.id)
        first = calendar and _of(one, calendar, now, until, minutes)
        if first:
            found[one.id] = first
    return found


def _of(instrument: Instrument, calendar: Any, now: datetime, until: datetime, minutes: int | None) -> Span | None:
    step = timedelta(minutes=instrument.slot_minutes)
    length = -(-timedelta(minutes=max(instrument.min_minutes, minutes or 0)) // step) * step
    if length > timedelta(minutes=instrument.max_minutes):
        return None
    earliest = now + timedelta(minutes=instrument.notice_minutes)
    latest = now + timedelta(days=instrument.horizon_days)
    taken, broken = _spans(calendar["held"]), _spans(calendar["broken"])
    # Most are free soon: the hours of two weeks are told only where those of the next days do not do.
    for end in (min(earliest + length + SOON, until), until):
        first = first_of(
            opened(calendar, now, end), taken, broken, earliest,
            step=step, length=length, buffer=timedelta(minutes=instrument.buffer_minutes),
        )  # fmt: skip
        if first is not None:
            return first if first.starts_at <= latest else None
    return None


def _spans(ranges: Iterable[Any] | None) -> list[Span]:
    return [Span(one.lower, one.upper) for one in ranges or ()]
