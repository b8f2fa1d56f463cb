"""The waiting list: a time that comes free is held for whoever waited longest, until the offer runs out."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager

from marketplace.identity.models import Organisation, Person
from marketplace.kernel import clock, mail
from marketplace.kernel.actor import Actor
from marketplace.kernel.clock import BEIJING
from marketplace.kernel.facts import record
from marketplace.kernel.language import Language, told
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, Forbidden, NotFound, refusing
from marketplace.labs import bookings, facts, rules
from marketplace.labs.booking_models import Booking, Waiting
from marketplace.labs.models import Instrument
from marketplace.labs.policy import waiting_visible_to
from marketplace.labs.rules import Ask, NotBookable
from marketplace.labs.terms import Terms
from marketplace.reservations import claims
from schemas.bookings import Rule, WaitingFilter, WaitingNew, WaitingState

LIVE: Final = (WaitingState.WAITING, WaitingState.OFFERED)
_OFFERED: Final = (
    "您候补的 {since} 至 {ends} 空出来了，已为您保留。请在 {until} 前登录接受，否则将给下一位（北京时间）："
    " · {since} to {ends}, which you waited for, is free and held for you. Sign in and take it before {until}, or it goes"
    " to the next (China time):"
)
OFFER_LASTS: Final = timedelta(hours=4)


class NotTaken(Conflict):
    """这段时间没有被占用，请直接预约。 · That time is not taken: book it."""


class WaitingAlready(Conflict):
    """您已在为这段时间候补。 · You are waiting for that time already."""


class NoOffer(Conflict):
    """现在没有给您的空位，或已超过答复时间。 · Nothing is offered to you now, or the time to answer is over."""


class NotYourPlace(Forbidden):
    """只有候补人本人可以这样做。 · Only whoever waits may do that."""


def chosen() -> Select[Waiting]:
    return (
        select(Waiting)
        .join(Instrument, Instrument.id == Waiting.instrument_id)
        .join(Organisation, Organisation.id == Waiting.organisation_id)
        .join(Person, Person.id == Waiting.person_id)
        .options(
            contains_eager(Waiting.instrument), contains_eager(Waiting.organisation), contains_eager(Waiting.person)
        )
        .execution_options(populate_existing=True)
    )


async def read(session: AsyncSession, actor: Actor, waiting_id: UUID) -> Waiting:
    found = await session.scalar(chosen().where(Waiting.id == waiting_id, waiting_visible_to(actor)))
    if found is None:
        raise NotFound
    return found


async def listed(
    session: AsyncSession, actor: Actor, wish: WaitingFilter, paging: Paging
) -> tuple[list[Waiting], str | None]:
    """One's own places in line, or an instrument's line for its keepers; latest first, those who still wait in their order."""
    if wish.instrument is None:
        statement = chosen().where(Waiting.person_id == actor.person_id)
    else:
        statement = chosen().where(Waiting.instrument_id == wish.instrument, waiting_visible_to(actor))
    if wish.live:
        statement = statement.where(Waiting.state.in_(LIVE), Waiting.starts_at > clock.now())
    by = tuple(zip((Waiting.created_at, Waiting.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, statement, by, paging, rising=wish.live)
    return [row[0] for row in rows], marker


def _wish(waiting: Waiting) -> Ask:
    return Ask(
        organisation_id=waiting.organisation_id, person_id=waiting.person_id, starts_at=waiting.starts_at,
        ends_at=waiting.ends_at, assisted=waiting.assisted, answers=waiting.answers, asked_at=waiting.created_at,
        but={waiting.id},
    )  # fmt: skip


async def join(session: AsyncSession, actor: Actor, wish: WaitingNew) -> Waiting:
    """Get in line for a time that is taken, and that one could otherwise book."""
    bookings.require_membership(actor, wish.organisation_id)
    instrument, _ = await bookings.among_others(session, actor, wish.instrument_id, wish.organisation_id)
    ask = bookings.asked(wish, wish.organisation_id, actor.person)
    found = rules.broken(await rules.look(session, instrument, ask))
    if found and found != [Rule.SLOT_TAKEN]:
        raise NotBookable([rule for rule in found if rule is not Rule.SLOT_TAKEN])
    if not found:
        raise NotTaken
    now = clock.now()
    waiting = Waiting(
        instrument_id=instrument.id, organisation_id=wish.organisation_id, person_id=actor.person,
        starts_at=wish.starts_at, ends_at=wish.ends_at, purpose=wish.purpose, assisted=wish.assisted,
        answers=wish.answers, state=WaitingState.WAITING, created_at=now, updated_at=now, version=1,
    )  # fmt: skip
    with refusing(waiting_live_key=WaitingAlready):
        async with session.begin_nested():
            session.add(waiting)
    begun = facts.WaitingBegun(waiting.id, instrument.id)
    await record(session, begun, subject=waiting.id, by=actor.person)
    return await read(session, actor, waiting.id)


async def _own(session: AsyncSession, actor: Actor, waiting_id: UUID) -> Waiting:
    """One's own place in line, alone with the calendar it waits for."""
    seen = await read(session, actor, waiting_id)
    if seen.person_id != actor.person_id:
        raise NotYourPlace
    await claims.take_turns(session, [seen.instrument_id])
    return await read(session, actor, waiting_id)


def _settle(waiting: Waiting, state: WaitingState) -> None:
    waiting.state = state
    waiting.version += 1
    waiting.updated_at = clock.now()


async def accept(session: AsyncSession, actor: Actor, waiting_id: UUID) -> Booking:
    """Take what is held: a booking, judged by the same rules as every other.

    Where a keeper has to be asked it becomes a request, which goes on holding its time until the keeper decides.
    """
    waiting = await _own(session, actor, waiting_id)
    expires = waiting.offer_expires_at
    if waiting.state is not WaitingState.OFFERED or expires is None or expires <= clock.now():
        raise NoOffer
    instrument, keeper = await bookings.alone(session, actor, waiting.instrument_id)
    booking = await bookings.book(
        session, actor, instrument, _wish(waiting), waiting.purpose, waive=(), keeper=keeper, holding=waiting.id
    )
    waiting.booking_id = booking.id
    _settle(waiting, WaitingState.TAKEN)
    await session.flush()
    return await bookings.read(session, actor, booking.id)


async def leave(session: AsyncSession, actor: Actor, waiting_id: UUID) -> None:
    """Get out of the line; an offer goes to the next one."""
    waiting = await _own(session, actor, waiting_id)
    if waiting.state is WaitingState.OFFERED:
        await claims.release(session, waiting.id)
        _settle(waiting, WaitingState.DECLINED)
        fact: facts.OfWaiting = facts.OfferDeclined(waiting.id, waiting.instrument_id)
    elif waiting.state is WaitingState.WAITING:
        _settle(waiting, WaitingState.LEFT)
        fact = facts.WaitingLeft(waiting.id, waiting.instrument_id)
    else:
        return
    await session.flush()
    await record(session, fact, subject=waiting.id, by=actor.person)


async def promote(session: AsyncSession, instrument_id: UUID, public_url: str) -> int:
    """Hold what came free for those who wait, in their order. Whoever breaks a rule by now goes on waiting."""
    await claims.take_turns(session, [instrument_id])
    line = await session.scalars(
        chosen()
        .where(
            Waiting.instrument_id == instrument_id,
            Waiting.state == WaitingState.WAITING,
            Waiting.starts_at > clock.now(),
        )
        .order_by(Waiting.created_at, Waiting.id)
    )
    offered = 0
    for waiting in line.all():
        instrument = Terms.of(waiting.instrument)
        if rules.broken(await rules.look(session, instrument, _wish(waiting))):
            continue
        during = rules.claimed(instrument, waiting.starts_at, waiting.ends_at)
        await claims.claim(session, waiting.id, during, [instrument_id])
        waiting.offered_at = clock.now()
        waiting.offer_expires_at = min(waiting.offered_at + OFFER_LASTS, waiting.starts_at)
        _settle(waiting, WaitingState.OFFERED)
        await session.flush()
        await record(session, facts.SlotOffered(waiting.id, instrument_id), subject=waiting.id)
        await _tell(session, waiting, public_url)
        offered += 1
    return offered


async def _tell(session: AsyncSession, waiting: Waiting, public_url: str) -> None:
    person = await session.get_one(Person, waiting.person_id)
    language: Language = "en" if person.locale == "en" else "zh"
    assert waiting.offer_expires_at is not None
    since, ends, until = (
        f"{moment.astimezone(BEIJING):%Y-%m-%d %H:%M}"
        for moment in (waiting.starts_at, waiting.ends_at, waiting.offer_expires_at)
    )
    text = told(_OFFERED, language).format(since=since, ends=ends, until=until)
    await mail.post(
        session,
        to=person.email,
        subject=told("候补的时间已空出 · The time you waited for is free", language),
        text=f"{waiting.instrument.name}\n{text}\n{public_url}/bookings",
    )


async def expire_offers(session: AsyncSession, now: datetime, *, at_most: int = 100) -> int:
    """Take back what was not taken up in time. Answers how many; call until it answers 0."""
    due = await session.execute(
        select(Waiting.id, Waiting.instrument_id)
        .where(Waiting.state == WaitingState.OFFERED, Waiting.offer_expires_at <= now)
        .order_by(Waiting.offer_expires_at)
        .limit(at_most)
    )
    rows = due.all()
    await claims.take_turns(session, {row.instrument_id for row in rows})
    expired = 0
    for row in rows:
        waiting = await session.get_one(Waiting, row.id, populate_existing=True)
        if waiting.state is WaitingState.OFFERED:
            await claims.release(session, waiting.id)
            _settle(waiting, WaitingState.EXPIRED)
            await session.flush()
            await record(session, facts.OfferExpired(waiting.id, waiting.instrument_id), subject=waiting.id)
            expired += 1
    return expired
