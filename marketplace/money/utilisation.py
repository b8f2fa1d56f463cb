"""使用热图: in which hours an instrument is used, counted in one statement, each cell with the uses behind it."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Integer, Select, cast, exists, extract, func, literal, select
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import INTERVAL
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.actor import Actor
from marketplace.kernel.clock import BEIJING
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.labs import counting, usages
from marketplace.labs.booking_models import Usage
from marketplace.money import sharing
from schemas.reports import CellFilter, MapBy, MapCell, MapFilter, UtilisationMap

_HOUR: Final = literal(timedelta(hours=1), INTERVAL)
_LAST: Final = literal(timedelta(microseconds=1), INTERVAL)
_CENT: Final = Decimal("0.01")
_FOUR: Final = Decimal("0.0001")
_EFFECTIVE: Final = Usage.preparation_minutes + Usage.run_minutes + Usage.processing_minutes


def _period(wish: MapFilter) -> tuple[datetime, datetime]:
    since, until = (datetime(one.year, one.month, one.day, tzinfo=BEIJING) for one in (wish.since, wish.until))
    return since.astimezone(UTC), (until + timedelta(days=1)).astimezone(UTC)


def _seconds(length: ColumnElement[Any]) -> ColumnElement[Any]:
    return extract("epoch", length)


def _hours(since: datetime, until: datetime) -> Any:
    """The hours that a use reaches into, each by its beginning; China's hours begin with UTC's."""
    first = func.date_trunc("hour", func.greatest(Usage.starts_at, since))
    last = func.least(Usage.ends_at, until) - _LAST
    return func.generate_series(first, last, _HOUR).table_valued("at", name="slot").render_derived()


def _local(at: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.timezone("Asia/Shanghai", at)


def _within(instrument_id: UUID, since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    return Usage.instrument_id == instrument_id, Usage.starts_at < until, Usage.ends_at > since, counting.counts()


def counted(instrument_id: UUID, wish: MapFilter) -> Select[Any]:
    """Minutes and uses of every cell, and of the whole beside them (its keys are null)."""
    since, until = _period(wish)
    slot = _hours(since, until)
    at = slot.c.at
    shared = func.least(Usage.ends_at, at + _HOUR, until) - func.greatest(Usage.starts_at, at, since)
    day = cast(_local(at), Date) if wish.by is MapBy.DAY else cast(extract("isodow", _local(at)), Integer)
    hour = cast(extract("hour", _local(at)), Integer)
    pieces = (
        select(
            day.label("day"),
            hour.label("hour"),
            Usage.id.label("usage"),
            (_EFFECTIVE * _seconds(shared) / _seconds(Usage.ends_at - Usage.starts_at)).label("minutes"),
        )
        .select_from(Usage)
        .join(slot, sql("true"))
        .where(*_within(instrument_id, since, until))
        .subquery("piece")
    )
    return select(
        pieces.c.day,
        pieces.c.hour,
        func.sum(pieces.c.minutes).label("minutes"),
        func.count(pieces.c.usage.distinct()).label("usages"),
    ).group_by(func.grouping_sets(sql("(piece.day, piece.hour)"), sql("()")))


def _days(wish: MapFilter) -> Iterator[date]:
    day = wish.since
    while day <= wish.until:
        yield day
        day += timedelta(days=1)


async def of(session: AsyncSession, actor: Actor, instrument_id: UUID, wish: MapFilter) -> UtilisationMap:
    """When an instrument was used, for whoever answers for it."""
    await sharing.reported(session, actor, instrument_id)
    rows = (await session.execute(counted(instrument_id, wish))).all()
    whole = next(row for row in rows if row.hour is None)
    such = Counter(day.isoweekday() for day in _days(wish))
    cells = sorted((row for row in rows if row.hour is not None), key=lambda row: (row.day, row.hour))
    return UtilisationMap(
        instrument_id=instrument_id, since=wish.since, until=wish.until, by=wish.by,
        minutes=_rounded(whole.minutes or 0), usages=whole.usages,
        cells=[_cell(instrument_id, row, wish, such) for row in cells],
    )  # fmt: skip


def _rounded(minutes: Any) -> Decimal:
    return Decimal(minutes).quantize(_CENT, ROUND_HALF_UP)


def _cell(instrument_id: UUID, row: Any, wish: MapFilter, such: Counter[int]) -> MapCell:
    daily = wish.by is MapBy.DAY
    weekday: int = row.day.isoweekday() if daily else row.day
    hours = 1 if daily else such[weekday]
    at = f"/api/v1/reports/utilisation/{instrument_id}/usages?since={wish.since}&until={wish.until}&by={wish.by}"
    which = f"day={row.day}" if daily else f"weekday={weekday}"
    return MapCell(
        weekday=weekday, day=row.day if daily else None, hour=row.hour, minutes=_rounded(row.minutes),
        share=(Decimal(row.minutes) / (60 * hours)).quantize(_FOUR, ROUND_HALF_UP), usages=row.usages,
        rows=f"{at}&{which}&hour={row.hour}",
    )  # fmt: skip


async def used(
    session: AsyncSession, actor: Actor, instrument_id: UUID, wish: CellFilter, paging: Paging
) -> tuple[list[Usage], str | None]:
    """The uses behind a cell, latest first."""
    await sharing.reported(session, actor, instrument_id)
    since, until = _period(wish)
    slot = _hours(since, until)
    at = _local(slot.c.at)
    cell = cast(at, Date) == wish.day if wish.day else extract("isodow", at) == wish.weekday
    reaches = exists(select(slot.c.at).where(cell, extract("hour", at) == wish.hour).correlate(Usage))
    statement = usages.chosen().where(*_within(instrument_id, since, until), reaches)
    by = tuple(zip((Usage.starts_at, Usage.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, statement, by, paging)
    return [row[0] for row in rows], marker
