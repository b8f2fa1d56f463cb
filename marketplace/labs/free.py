"""Which instruments are free at a time, as one SQL condition."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Date,
    DateTime,
    Integer,
    Select,
    SmallInteger,
    and_,
    any_,
    case,
    column,
    exists,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from marketplace.kernel.refusals import Invalid
from marketplace.labs import hours
from marketplace.labs.models import Holiday, Instrument, OpeningException, OpeningHours, Outage
from marketplace.reservations.models import Claim
from schemas.base import FieldError

LONGEST_SEARCH: Final = timedelta(days=7)
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
    """Open all of that time, in order, and held by nobody: what one could book there and then.

    What is held, and which hours cover the time, is told once for the whole search and not for each instrument: so the
    search costs the same whether the first instruments of the catalogue are free or none of them is.
    """
    broken = exists(
        select(Outage.id).where(
            Outage.instrument_id == Instrument.id,
            Outage.starts_at < until,
            or_(Outage.ends_at.is_(None), Outage.ends_at > since),
        )
    )
    held = [Instrument.id.not_in(some) for some in (_held_then(since, until), _held_soon_after(until))]
    return and_(_open_between(since, until), *held, ~broken)


def _held_then(since: datetime, until: datetime) -> Select[UUID]:
    return select(Claim.resource_id).where(Claim.during.op("&&")(_range(_moment(since), _moment(until))))


def _after(until: datetime, minutes: Any) -> Any:
    return _moment(until) + func.make_interval(0, 0, 0, 0, 0, minutes)


# Named once: SQLAlchemy takes longer over another name for a wide table than PostgreSQL over the search.
_HOLDER: Final[Any] = Instrument.__table__.alias("holder")
_ANY: Final[Any] = Instrument.__table__.alias("any_of_them")
# An index tells.
_LONGEST_BUFFER: Final = select(func.coalesce(func.max(_ANY.c.buffer_minutes), 0)).scalar_subquery()


def _held_soon_after(until: datetime) -> Select[UUID]:
    """What is held so soon after that an instrument's buffer would reach into it. Without buffers no claim is read."""
    return (
        select(Claim.resource_id)
        .join(_HOLDER, _HOLDER.c.id == Claim.resource_id)
        .where(
            Claim.during.op("&&")(_range(_moment(until), _after(until, _LONGEST_BUFFER))),
            func.lower(Claim.during) < _after(until, _HOLDER.c.buffer_minutes),
        )
    )


def _moment(moment: datetime) -> ColumnElement[datetime]:
    return literal(moment, DateTime(timezone=True))


def _range(begins: Any, ends: Any) -> Any:
    return func.tstzrange(begins, ends)


def _open_between(since: datetime, until: datetime) -> ColumnElement[bool]:
    """Open from end to end: the hours of each day, cut to what is asked for, add up to all of it.

    The hours of one day never overlap (an exclusion constraint), so a sum is enough. Those few that have a day unlike
    the others in that time are looked at one by one.
    """
    parts = list(hours.day_parts(since, until))
    # Arrays and not VALUES, which SQLAlchemy would write out anew for every search.
    columns: dict[str, Any] = {"day": Date, "weekday": SmallInteger, "since": Integer, "until": Integer}
    given: Any = (literal([getattr(part, name) for part in parts], ARRAY(kind)) for name, kind in columns.items())
    named = (
        func.unnest(*given)
        .table_valued(*(column(name, kind) for name, kind in columns.items()))
        .render_derived(name="named_days")
    )
    # A holiday follows the weekday that it is worked like, or none.
    weekday = case((Holiday.day.is_(None), named.c.weekday), else_=Holiday.follows).label("weekday")
    days = (
        select(named.c.day, weekday, named.c.since, named.c.until)
        .select_from(named.outerjoin(Holiday, Holiday.day == named.c.day))
        .subquery("days")
    )
    needed = sum(part.until - part.since for part in parts)

    def shared(cls: type[OpeningHours | OpeningException]) -> ColumnElement[int]:
        return func.least(cls.closes, days.c.until) - func.greatest(cls.opens, days.c.since)

    def meeting(cls: type[OpeningHours | OpeningException]) -> tuple[ColumnElement[bool], ...]:
        return cls.opens < days.c.until, cls.closes > days.c.since

    like_every_week = (
        select(OpeningHours.instrument_id)
        .join(days, OpeningHours.weekday == days.c.weekday)
        .where(*meeting(OpeningHours))
        .group_by(OpeningHours.instrument_id)
        .having(func.sum(shared(OpeningHours)) == needed)
    )
    have_exceptions = select(OpeningException.instrument_id).where(
        OpeningException.day == any_(literal([part.day for part in parts], ARRAY(Date)))
    )

    def minutes(cls: type[OpeningHours | OpeningException], *same_day: ColumnElement[bool]) -> ColumnElement[Any]:
        found = select(func.coalesce(func.sum(shared(cls)), 0)).where(
            cls.instrument_id == Instrument.id, *meeting(cls), *same_day
        )
        return found.correlate(Instrument).scalar_subquery()

    unlike = exists(
        select(OpeningException.id).where(
            OpeningException.instrument_id == OpeningHours.instrument_id, OpeningException.day == days.c.day
        )
    )
    usual = minutes(OpeningHours, OpeningHours.weekday == days.c.weekday, ~unlike)
    special = minutes(OpeningException, OpeningException.day == days.c.day)
    return case(
        (Instrument.id.in_(have_exceptions), usual + special == needed), else_=Instrument.id.in_(like_every_week)
    )
