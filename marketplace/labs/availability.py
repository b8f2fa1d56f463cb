"""The calendar of one instrument: open, taken, and what is left."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Date,
    DateTime,
    Select,
    bindparam,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import TSTZRANGE, aggregate_order_by, array_agg
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation
from marketplace.kernel.actor import Actor
from marketplace.kernel.prepared import PreparedFor
from marketplace.kernel.refusals import NotFound
from marketplace.labs import hours
from marketplace.labs.free import ORDER, refused
from marketplace.labs.hours import Span
from marketplace.labs.models import Holiday, Instrument, OpeningException, OpeningHours, Outage
from marketplace.labs.policy import instrument_visible_to
from marketplace.reservations.claims import period
from marketplace.reservations.models import Claim
from schemas.labs import Availability, BusyKind, BusyStretch, Stretch

LONGEST_WINDOW: Final = timedelta(days=62)
_NONE: Final[ColumnElement[Any]] = literal_column("'{}'")


def rows_of(*parts: Any, order: Any, where: Sequence[ColumnElement[bool]]) -> Any:
    """Rows as one JSON array of arrays, so that several kinds of them come in one statement."""
    listed = func.json_agg(aggregate_order_by(func.json_build_array(*parts), order))
    return select(func.coalesce(listed, func.json_build_array())).where(*where).scalar_subquery()


def days_of(instrument: Any, first: Any, last: Any) -> tuple[Any, Any, Any]:
    """The weekly hours of an instrument, what is unlike them between two days, and the holidays in there."""
    special = [OpeningException.instrument_id == instrument, OpeningException.day.between(first, last)]
    return (
        rows_of(
            OpeningHours.weekday, OpeningHours.opens, OpeningHours.closes, order=OpeningHours.weekday,
            where=[OpeningHours.instrument_id == instrument],
        ).label("weekly"),
        rows_of(
            OpeningException.day, OpeningException.opens, OpeningException.closes, order=OpeningException.day,
            where=special,
        ).label("special"),
        rows_of(Holiday.day, Holiday.follows, order=Holiday.day, where=[Holiday.day.between(first, last)]).label(
            "holidays"
        ),
    )  # fmt: skip


@dataclass(slots=True)
class _Weekly:
    weekday: int
    opens: int
    closes: int


@dataclass(slots=True)
class _Special:
    day: date
    opens: int | None
    closes: int | None


def opened(row: Any, since: datetime, until: datetime) -> Iterator[Span]:
    """When it is open between two moments, in order, of a row that holds `days_of` their days."""
    weekly = [_Weekly(*one) for one in row["weekly"]]
    special = [_Special(date.fromisoformat(day), opens, closes) for day, opens, closes in row["special"]]
    holidays = {date.fromisoformat(day): follows for day, follows in row["holidays"]}
    return hours.open_spans(weekly, special, since, until, holidays)


def _asked(actor: Actor) -> Select[Any]:
    since, until = (bindparam(name, type_=DateTime(True)) for name in ("since", "until"))
    first, last = (bindparam(name, type_=Date) for name in ("first_day", "last_day"))
    ends = func.coalesce(Outage.ends_at, until)
    broken = (
        Outage.instrument_id == Instrument.id,
        Outage.starts_at < until,
        or_(Outage.ends_at.is_(None), Outage.ends_at > since),
    )
    held = (Claim.resource_id == Instrument.id, Claim.during.op("&&")(bindparam("during", type_=TSTZRANGE)))

    def each(moment: Any, order: Any, where: Sequence[ColumnElement[bool]]) -> Any:
        inner: Any = array_agg(aggregate_order_by(moment, order))  # type: ignore[no-untyped-call]
        return select(func.coalesce(inner, _NONE)).where(*where).scalar_subquery()

    return (
        select(
            *days_of(Instrument.id, first, last),
            each(func.lower(Claim.during), Claim.during, held).label("held_from"),
            each(func.upper(Claim.during), Claim.during, held).label("held_until"),
            each(Outage.starts_at, Outage.id, broken).label("broken_from"),
            each(ends, Outage.id, broken).label("broken_until"),
        )
        .select_from(Instrument)
        .join(Organisation, Organisation.id == Instrument.organisation_id)
        .where(Instrument.id == bindparam("instrument"), instrument_visible_to(actor))
    )


_ASKED = PreparedFor(_asked)


async def availability(
    session: AsyncSession, actor: Actor, instrument_id: UUID, since: datetime, until: datetime
) -> Availability:
    """The calendar of one instrument, in one statement: who holds a time is nobody's business but the lab's."""
    if until <= since:
        raise refused("until", "period_order", ORDER)
    if until - since > LONGEST_WINDOW:
        raise refused("until", "period_length", "最长 62 天 · 62 days at most")
    found = await _ASKED.first(
        session, actor, instrument=instrument_id, since=since, until=until, during=period(since, until),
        first_day=hours.local_day(since), last_day=hours.local_day(until),
    )  # fmt: skip
    if found is None:
        raise NotFound

    def within(starts: Iterable[datetime], ends: Iterable[datetime]) -> list[Span]:
        return [Span(max(one, since), min(other, until)) for one, other in zip(starts, ends, strict=True)]

    booked = hours.merged(within(found["held_from"], found["held_until"]))
    broken = within(found["broken_from"], found["broken_until"])
    busy = [BusyStretch(kind=BusyKind.BOOKED, starts_at=one.starts_at, ends_at=one.ends_at) for one in booked]
    busy += [BusyStretch(kind=BusyKind.OUTAGE, starts_at=one.starts_at, ends_at=one.ends_at) for one in broken]
    busy.sort(key=lambda one: (one.starts_at, one.kind))
    is_open = list(opened(found, since, until))
    left = hours.without(is_open, booked + broken)
    return Availability(
        instrument_id=instrument_id,
        since=since,
        until=until,
        open=[Stretch(starts_at=one.starts_at, ends_at=one.ends_at) for one in is_open],
        busy=busy,
        free=[Stretch(starts_at=one.starts_at, ends_at=one.ends_at) for one in left],
    )
