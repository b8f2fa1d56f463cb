"""When an instrument is open. Days and hours are China's, which has had one zone without summer time since 1991."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, Protocol

from marketplace.kernel.clock import BEIJING


class Weekly(Protocol):
    weekday: int
    opens: int
    closes: int


class Exceptional(Protocol):
    day: date
    opens: int | None
    closes: int | None


class Span(NamedTuple):
    starts_at: datetime
    ends_at: datetime


class DayPart(NamedTuple):
    """The minutes of one day that a period touches."""

    day: date
    weekday: int
    since: int
    until: int


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=BEIJING)


def local_day(moment: datetime) -> date:
    return moment.astimezone(BEIJING).date()


def week_of(moment: datetime) -> Span:
    """The week, Monday to Sunday, in which a moment lies."""
    day = local_day(moment)
    monday = midnight(day - timedelta(days=day.weekday()))
    return Span(monday, monday + timedelta(days=7))


def day_parts(since: datetime, until: datetime) -> Iterator[DayPart]:
    """A period, a day at a time; begun minutes count as whole ones."""
    day = local_day(since)
    while (begins := midnight(day)) < until:
        first = max(0, int((since - begins).total_seconds() // 60))
        last = min(24 * 60, -int((begins - until).total_seconds() // 60))
        yield DayPart(day, day.isoweekday(), first, last)
        day += timedelta(days=1)


def open_spans(
    weekly: Iterable[Weekly],
    exceptional: Iterable[Exceptional],
    since: datetime,
    until: datetime,
    holidays: Mapping[date, int | None],
) -> Iterator[Span]:
    """Every stretch within a period in which it is open, in order and a day at a time; what meets at midnight is one.

    A day with an exception follows the exception alone; a holiday the weekday that it is worked like, if any.
    """
    by_weekday: dict[int, list[tuple[int, int]]] = {}
    for one in weekly:
        by_weekday.setdefault(one.weekday, []).append((one.opens, one.closes))
    by_day: dict[date, list[tuple[int, int]]] = {}
    for other in exceptional:
        stretches = by_day.setdefault(other.day, [])
        if other.opens is not None and other.closes is not None:
            stretches.append((other.opens, other.closes))
    last: Span | None = None
    for part in day_parts(since, until):
        begins = midnight(part.day)
        follows = holidays.get(part.day, part.weekday)
        usual = [] if follows is None else by_weekday.get(follows, [])
        for opens, closes in sorted(by_day.get(part.day, usual)):
            first = max(since, begins + timedelta(minutes=opens)).astimezone(UTC)
            end = min(until, begins + timedelta(minutes=closes)).astimezone(UTC)
            if first >= end:
                continue
            if last is not None and first <= last.ends_at:
                last = Span(last.starts_at, max(last.ends_at, end))
                continue
            if last is not None:
                yield last
            last = Span(first, end)
    if last is not None:
        yield last


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time in as few stretches as it has."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.starts_at <= found[-1].ends_at:
            found[-1] = Span(found[-1].starts_at, max(found[-1].ends_at, span.ends_at))
        else:
            found.append(span)
    return found


def without(spans: Sequence[Span], taken: Iterable[Span]) -> list[Span]:
    """What is left of these when that is taken away, in one walk along both."""
    gone = merged(taken)
    left: list[Span] = []
    for span in spans:
        begins = span.starts_at
        for one in gone[bisect_right(gone, begins, key=lambda one: one.ends_at) :]:
            if one.starts_at >= span.ends_at:
                break
            if begins < one.starts_at:
                left.append(Span(begins, one.starts_at))
            begins = one.ends_at
        if begins < span.ends_at:
            left.append(Span(begins, span.ends_at))
    return left


def covers(spans: Iterable[Span], since: datetime, until: datetime) -> bool:
    return any(span.starts_at <= since and until <= span.ends_at for span in spans)
