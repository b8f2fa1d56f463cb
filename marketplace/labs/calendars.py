"""Secret addresses under which a calendar program reads bookings: one's own, those one keeps, an instrument's."""

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity import tokens
from marketplace.identity.models import Membership, Person
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.language import Language, told
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import NotFound
from marketplace.labs import bookings, facts, instruments
from marketplace.labs.booking_models import Booking, CalendarLink
from marketplace.labs.ical import Event, written
from marketplace.labs.models import Instrument
from marketplace.labs.policy import booking_of, instrument_kept_by, instrument_visible_to
from schemas.bookings import BookingState, CalendarKind, CalendarNew
from schemas.identity import Role

# What lies further back is not asked for any more; a feed is bounded.
PAST: Final = timedelta(days=90)
MOST: Final = 1000
SECRET: Final = re.compile(r"djc_[A-Za-z0-9_-]{20,100}")
_STATUS: Final = {
    BookingState.REQUESTED: "TENTATIVE",
    BookingState.CONFIRMED: "CONFIRMED",
    BookingState.IN_USE: "CONFIRMED",
    BookingState.DONE: "CONFIRMED",
}
_NAMES: Final = {
    CalendarKind.PERSON: "对接：我的日程 · Duijie: my bookings and meetings",
    CalendarKind.KEEPER: "对接：我管理的仪器 · Duijie: instruments I keep",
    CalendarKind.INSTRUMENT: "对接：{name} · Duijie: {name}",
}
BUSY: Final = "已占用 · busy"
# What else somebody has to be at, known to higher rooms: of a person, that ends after a moment, so many at most.
Source = Callable[[AsyncSession, UUID, datetime, int], Awaitable[list[Event]]]


async def make(session: AsyncSession, actor: Actor, wish: CalendarNew) -> tuple[CalendarLink, str]:
    """A new address; whoever has it reads, so it is told once and kept as its hash."""
    if wish.instrument_id is not None:
        await instruments.read(session, actor, wish.instrument_id)
    secret, hashed = tokens.new_secret("djc_")
    link = CalendarLink(
        hash=hashed, person_id=actor.person, kind=wish.kind, instrument_id=wish.instrument_id, created_at=clock.now()
    )
    session.add(link)
    await session.flush()
    await record(session, facts.CalendarShared(link.id, wish.kind), subject=link.id, by=actor.person)
    return link, secret


async def listed(session: AsyncSession, actor: Actor, paging: Paging) -> tuple[list[CalendarLink], str | None]:
    """One's own addresses that still open something, newest first."""
    statement = select(CalendarLink).where(CalendarLink.person_id == actor.person_id, CalendarLink.revoked_at.is_(None))
    by = tuple(zip((CalendarLink.created_at, CalendarLink.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, statement, by, paging)
    return [row[0] for row in rows], marker


async def revoke(session: AsyncSession, actor: Actor, link_id: UUID) -> None:
    """Make an address of one's own worthless."""
    gone = await session.scalar(
        update(CalendarLink)
        .where(CalendarLink.id == link_id, CalendarLink.person_id == actor.person, CalendarLink.revoked_at.is_(None))
        .values(revoked_at=clock.now())
        .returning(CalendarLink.id)
    )
    if gone is None:
        raise NotFound
    await record(session, facts.CalendarRevoked(link_id), subject=link_id, by=actor.person)


async def _whose(session: AsyncSession, link: CalendarLink) -> tuple[Actor, Language]:
    """Whoever made the address, with the roles they have now: what they lost, their calendar lost with them."""
    person = await session.get_one(Person, link.person_id)
    if person.suspended_at is not None:
        raise NotFound
    rows = await session.execute(
        select(Membership.role, Membership.organisation_id).where(
            Membership.person_id == person.id, Membership.ended_at.is_(None)
        )
    )
    roles: list[tuple[Role, UUID | None]] = [(row.role, row.organisation_id) for row in rows.all()]
    return tokens.actor_with(roles, person_id=person.id, email=person.email), "en" if person.locale == "en" else "zh"


async def read(session: AsyncSession, secret: str, now: datetime, more: Sequence[Source] = ()) -> str:
    """The calendar behind an address; one's own holds `more` too. Who booked an instrument is told to its keepers alone."""
    if not SECRET.fullmatch(secret):
        raise NotFound
    link = await session.scalar(
        select(CalendarLink).where(CalendarLink.hash == tokens.digest(secret), CalendarLink.revoked_at.is_(None))
    )
    if link is None:
        raise NotFound
    actor, language = await _whose(session, link)
    statement = bookings.chosen().where(Booking.ends_at > now - PAST).order_by(Booking.starts_at, Booking.id)
    name = told(_NAMES[link.kind], language)
    if link.kind is CalendarKind.PERSON:
        statement = statement.where(booking_of(actor))
    elif link.kind is CalendarKind.KEEPER:
        statement = statement.where(instrument_kept_by(actor))
    else:
        assert link.instrument_id is not None
        instrument = await session.scalar(
            instruments.chosen().where(Instrument.id == link.instrument_id, instrument_visible_to(actor))
        )
        if instrument is None:
            raise NotFound
        name = name.format(name=instrument.name)
        # To others a request is nothing yet.
        statement = statement.where(
            Booking.instrument_id == link.instrument_id, Booking.state != BookingState.REQUESTED
        )
    rows = await session.scalars(statement.limit(MOST))
    entries = [event(row, link.kind, language) for row in rows.all()]
    if link.kind is CalendarKind.PERSON:
        for source in more:
            entries += await source(session, link.person_id, now - PAST, MOST)
    return written(name, entries)


def event(booking: Booking, kind: CalendarKind, language: Language) -> Event:
    """A booking as a calendar has it: the same in a feed and in an invitation."""
    instrument = booking.instrument
    summary = {
        CalendarKind.PERSON: f"{instrument.name}：{booking.purpose}",
        CalendarKind.KEEPER: f"{instrument.name}：{booking.person.name}（{booking.organisation.name}）",
        CalendarKind.INSTRUMENT: told(BUSY, language),
    }[kind]
    return Event(
        uid=f"{booking.id}@duijie",
        sequence=booking.version - 1,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        changed_at=booking.updated_at,
        summary=summary,
        location=" ".join(part for part in (instrument.lab, instrument.location) if part) or None,
        status=_STATUS.get(booking.state, "CANCELLED"),
    )
