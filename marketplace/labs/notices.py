"""What a booking's user is told by mail: that it holds or no longer does, and that the one before may overrun."""

from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from marketplace.identity.models import Person
from marketplace.kernel import mail
from marketplace.kernel.clock import BEIJING
from marketplace.kernel.facts import record
from marketplace.kernel.language import Language, told
from marketplace.labs import bookings, calendars, codes, facts, ical
from marketplace.labs.booking_models import Booking
from marketplace.settings import Settings
from schemas.bookings import BookingState, CalendarKind

# How long before its end a booking that is still in use may overrun, and how near the next one has to be.
SOON: Final = timedelta(minutes=10)
NEAR: Final = timedelta(hours=1)

_OVER: Final = {BookingState.CANCELLED, BookingState.MOVED, BookingState.RELEASED, BookingState.REFUSED}
_SUBJECTS: Final = {
    ical.Method.REQUEST: "预约已确认：{name} · Booking confirmed: {name}",
    ical.Method.CANCEL: "预约不再有效：{name} · Booking no longer holds: {name}",
}
_CODE: Final = "在仪器旁签到终端上用的预约码：{code} · Your code at the kiosk beside the instrument: {code}"
_TIMES: Final = "{since} 至 {until}（北京时间） · {since} to {until} (China time)"


def _language(person: Person) -> Language:
    return "en" if person.locale == "en" else "zh"


def _time(booking: Booking, language: Language) -> str:
    since, until = (f"{moment.astimezone(BEIJING):%Y-%m-%d %H:%M}" for moment in (booking.starts_at, booking.ends_at))
    return told(_TIMES, language).format(since=since, until=until)


async def invite(session: AsyncSession, booking_id: UUID, settings: Settings) -> bool:
    """Mail the user's calendar what became of a booking. Each version is told once; answers whether it was told now.

    Of several changes in a row the latest is told. What was never confirmed is never called off.
    """
    booking = await session.scalar(
        bookings.chosen().where(Booking.id == booking_id).with_for_update(of=Booking, key_share=True)
    )
    if booking is None or booking.person.suspended_at is not None:
        return False
    told_before = booking.mailed_version
    if booking.state is BookingState.CONFIRMED:
        method = ical.Method.REQUEST
    elif booking.state in _OVER and told_before is not None:
        method = ical.Method.CANCEL
    else:
        return False
    if told_before is not None and told_before >= booking.version:
        return False
    language = _language(booking.person)
    event = calendars.event(booking, CalendarKind.PERSON, language)
    lines = [_time(booking, language), booking.purpose, f"{settings.public_url}/bookings"]
    if method is ical.Method.REQUEST:
        lines.insert(2, told(_CODE, language).format(code=codes.code(settings.signing_key(), booking.id)))
    await mail.post(
        session,
        to=booking.person.email,
        subject=told(_SUBJECTS[method], language).format(name=booking.instrument.name),
        text="\n".join(lines),
        calendar=ical.invitation(method, event, parseaddr(settings.mail_from)[1], booking.person.email),
    )
    booking.mailed_version = booking.version
    await session.flush()
    return True


async def warn_next(session: AsyncSession, now: datetime, public_url: str, *, at_most: int = 100) -> int:
    """Tell those who come next that somebody is still there. Answers how many; call until it answers 0."""
    following, nearer = aliased(Booking), aliased(Booking)
    nearest = (
        select(nearer.id)
        .where(
            nearer.instrument_id == Booking.instrument_id,
            nearer.state == BookingState.CONFIRMED,
            nearer.starts_at >= Booking.ends_at,
        )
        .order_by(nearer.starts_at)
        .limit(1)
        .correlate(Booking)
        .scalar_subquery()
    )
    due = await session.execute(
        select(following.id, Booking.id.label("running_id"))
        .select_from(Booking)
        .join(following, following.id == nearest)
        .where(
            Booking.state == BookingState.IN_USE,
            Booking.ends_at <= now + SOON,
            following.starts_at <= now + NEAR,
            following.person_id != Booking.person_id,
            following.warned_of_id.is_(None),
        )
        .order_by(Booking.ends_at)
        .limit(at_most)
        .with_for_update(of=following, key_share=True, skip_locked=True)
    )
    rows = due.all()
    for row in rows:
        booking = await session.scalar(bookings.chosen().where(Booking.id == row.id))
        assert booking is not None
        booking.warned_of_id = row.running_id
        await session.flush()
        warned = facts.OverrunWarned(booking.id, booking.instrument_id, row.running_id)
        await record(session, warned, subject=booking.id)
        language = _language(booking.person)
        text = told(
            "您之前的一位用户尚未签退，您的预约可能要晚一点开始："
            " · Whoever is before you has not checked out yet; your booking may begin a little late:",
            language,
        )
        await mail.post(
            session,
            to=booking.person.email,
            subject=told("前一位用户可能超时 · The user before you may overrun", language),
            text=f"{text}\n{booking.instrument.name}\n{_time(booking, language)}\n{public_url}/bookings",
        )
    return len(rows)
