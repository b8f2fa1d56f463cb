"""Which instruments are free at a time, as one SQL condition."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Date,
    DateTime,
    Integer,
    SmallInteger,
    and_,
    case,
    column,
    exists,
    func,
    literal,
    or_,
    select,
    values,
)
from sqlalchemy.orm import aliased

from marketplace.kernel.refusals import Invalid
from marketplace.labs import hours
from marketplace.labs.models import Holiday, Instrument, OpeningException, OpeningHours, Outage
from marketplace.reservations.models import Claim
from schemas.base import FieldError

LONGEST_SEARCH: Final = timedelta(days=7)
LONGEST_BUFFER: Final = timedelta(days=1)
ORDER: Final = "结束须晚于开始 · it has to end after it begins"


def refused(pointer: str, code: str, detail: str) -> Invalid:
    return Invalid(errors=[FieldError(pointer=pointer, code=code, detail=detail)])


def wanted(since: datetime | None, until: datetime | None) -> tuple[datetime, datetime] | None:
    """The time that a list is searched by, if it is."""
    if since is None and until is None:
        return None
    if since is None or until is None:
        raise refused(
            "free_until" if since else "free_from",
            "period_half",
            "free_from 与 free_until 须同时填写 · free_from and free_until go together",
        )
    if until <= since:
        raise refused("free_until", "period_order", ORDER)
    if until - since > LONGEST_SEARCH:
        raise refused("free_until", "period_length", "最长 7 天 · seven days at most")
    return since, until


def between(since: datetime, until: datetime) -> ColumnElement[bool]:
    """Open all of that time, in order, and held by nobody: what one could book there and then."""
    begins, ends = (literal(moment, DateTime(timezone=True)) for moment in (since, until))
    # Told once for the whole search and not for each instrument: of claims there are many more than of instruments.
    holder = aliased(Instrument)
    needed = ends + func.make_interval(0, 0, 0, 0, 0, holder.buffer_minutes)
    taken = (
        select(Claim.resource_id)
        .join(holder, holder.id == Claim.resource_id)
        .where(
            # An index finds these; no buffer is longer.
            Claim.during.op("&&")(func.tstzrange(begins, literal(until + LONGEST_BUFFER, DateTime(timezone=True)))),
            func.lower(Claim.during) < needed,
        )
    )
    broken = exists(
        select(Outage.id).where(
            Outage.instrument_id == Instrument.id,
            Outage.starts_at < until,
            or_(Outage.ends_at.is_(None), Outage.ends_at > since),
        )
    )
    return and_(_open_between(since, until), Instrument.id.not_in(taken), ~broken)


def _open_between(since: datetime, until: datetime) -> ColumnElement[bool]:
    """Open from end to end: the hours of each day, cut to what is asked for, add up to all of it.

    The hours of one day never overlap (an exclusion constraint), so a sum is enough.
    """
    parts = list(hours.day_parts(since, until))
    named = values(
        column("day", Date), column("weekday", SmallInteger), column("since", Integer), column("until", Integer),
        name="named_days",
    ).data([tuple(part) for part in parts])  # fmt: skip
    # A holiday follows the weekday that it is worked like, or none.
    weekday = case((Holiday.day.is_(None), named.c.weekday), else_=Holiday.follows).label("weekday")
    days = (
        select(named.c.day, weekday, named.c.since, named.c.until)
        .select_from(named.outerjoin(Holiday, Holiday.day == named.c.day))
        .subquery("days")
    )

    def minutes(cls: type[OpeningHours | OpeningException], *same_day: ColumnElement[bool]) -> ColumnElement[Any]:
        shared = func.least(cls.closes, days.c.until) - func.greatest(cls.opens, days.c.since)
        found = select(func.coalesce(func.sum(shared), 0)).where(
            cls.instrument_id == Instrument.id, cls.opens < days.c.until, cls.closes > days.c.since, *same_day
        )
        return found.correlate(Instrument).scalar_subquery()

    unlike = exists(
        select(OpeningException.id).where(
            OpeningException.instrument_id == OpeningHours.instrument_id, OpeningException.day == days.c.day
        )
    )
    usual = minutes(OpeningHours, OpeningHours.weekday == days.c.weekday, ~unlike)
    special = minutes(OpeningException, OpeningException.day == days.c.day)
    return usual + special == sum(part.until - part.since for part in parts)
