"""Time on an instrument: asked for, refused, given back, used. How it is approved and moved is in `moves`.

Whoever asks for one time keeps the instrument's calendar from changing under them and claims; all else takes turns at
the calendar. So rules, quotas and requests are judged on what stands, and the exclusion constraint is the last line.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager

from marketplace.identity.models import Membership, Organisation, Person
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import at_once, record
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.prepared import PreparedFor
from marketplace.kernel.refusals import Conflict, Forbidden, Invalid, NotFound
from marketplace.labs import facts, instruments, rules
from marketplace.labs.booked import Booked, new, put_down
from marketplace.labs.booking_models import Booking, Usage
from marketplace.labs.models import Instrument
from marketplace.labs.policy import booking_of, booking_visible_to, instrument_kept_by, instrument_visible_to
from marketplace.labs.rules import Ask, NotBookable
from marketplace.labs.terms import COLUMNS, Terms
from marketplace.reservations import claims
from schemas.base import FieldError
from schemas.bookings import (
    BookingFilter,
    BookingNew,
    BookingState,
    BookingWish,
    Cancellation,
    RefusalNote,
    Rule,
)
from schemas.identity import Permission
from schemas.labs import CustomerClass

# How long before its time one may check in.
EARLY: Final = timedelta(minutes=30)
COLLIDED: Final = "这段时间已批准给另一申请。 · That time was given to another request."


class NotOfYours(Forbidden):
    """您不属于该单位，不能以它的名义预约。 · You do not belong to that organisation and cannot book in its name."""


class NotOneOfTheirs(Invalid):
    """该邮箱不属于这个单位的成员。 · Nobody with that address belongs to that organisation."""

    def __init__(self) -> None:
        super().__init__(errors=[FieldError(pointer="/for_email", code="not_a_member", detail=self.title())])


class NotYourBooking(Forbidden):
    """只有预约人和仪器管理员可以这样做。 · Only whoever booked and the keepers may do that."""


class BookingOver(Conflict):
    """预约当前的状态不允许这一步。 · The booking's state does not allow this step."""


class NotItsTime(Conflict):
    """只能在开始前 30 分钟到结束之间签到。 · One checks in from 30 minutes before it begins until it ends."""


def chosen() -> Select[Booking]:
    """Bookings beside everything that is shown with them."""
    return (
        select(Booking)
        .join(Instrument, Instrument.id == Booking.instrument_id)
        .join(Organisation, Organisation.id == Booking.organisation_id)
        .join(Person, Person.id == Booking.person_id)
        .options(
            contains_eager(Booking.instrument), contains_eager(Booking.organisation), contains_eager(Booking.person)
        )
        .execution_options(populate_existing=True)
    )


async def read(session: AsyncSession, actor: Actor, booking_id: UUID) -> Booking:
    """One booking that the actor may see; to everybody else it does not exist."""
    found = await session.scalar(chosen().where(Booking.id == booking_id, booking_visible_to(actor)))
    if found is None:
        raise NotFound
    return found


async def listed(
    session: AsyncSession, actor: Actor, wish: BookingFilter, paging: Paging
) -> tuple[list[Booking], str | None]:
    """One's own bookings, those on the instruments one keeps, or those on one instrument that one may see; latest first."""
    statement = chosen()
    if wish.kept:
        statement = statement.where(instrument_kept_by(actor))
    elif wish.instrument is None:
        statement = statement.where(booking_of(actor))
    else:
        statement = statement.where(booking_visible_to(actor))
    if wish.instrument is not None:
        statement = statement.where(Booking.instrument_id == wish.instrument)
    if wish.state is not None:
        statement = statement.where(Booking.state == wish.state)
    by = tuple(zip((Booking.starts_at, Booking.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, statement, by, paging)
    return [row[0] for row in rows], marker


async def replaced(session: AsyncSession, found: Collection[Booking]) -> dict[UUID, Booking]:
    """By request, the booking that it is to take the place of."""
    requests = [one for one in found if one.state is BookingState.REQUESTED and one.moved_from_id is not None]
    olds = await session.scalars(select(Booking).where(Booking.id.in_({one.moved_from_id for one in requests})))
    by_id = {one.id: one for one in olds.all()}
    return {one.id: by_id[one.moved_from_id] for one in requests if one.moved_from_id in by_id}


def _terms_for(actor: Actor, *more: ColumnElement[Any]) -> Select[Any]:
    return (
        select(*COLUMNS, instrument_kept_by(actor).label("keeper"), *more)
        .join(Organisation, Organisation.id == Instrument.organisation_id)
        .where(Instrument.id == bindparam("instrument"), instrument_visible_to(actor))
    )


_ALONE = PreparedFor(_terms_for)
_AMONG_OTHERS = PreparedFor(lambda actor: _terms_for(actor, claims.keeping_off(), *rules.counting()))


def _entered(found: Any) -> tuple[Terms, bool]:
    if found is None:
        raise NotFound
    return Terms.from_row(found), found["keeper"]


async def alone(session: AsyncSession, actor: Actor, instrument_id: UUID) -> tuple[Terms, bool]:
    """The terms of an instrument whose calendar nobody else changes, and whether the actor keeps it.

    They are read after the lock: what was changed while one waited is seen.
    """
    await claims.take_turns(session, [instrument_id])
    return _entered(await _ALONE.first(session, actor, instrument=instrument_id))


async def among_others(
    session: AsyncSession, actor: Actor, instrument_id: UUID, organisation_id: UUID
) -> tuple[Terms, bool]:
    """The same for one time asked for by oneself: others who ask are not held up, unless the same quota counts them.

    The terms are read in the statement that locks, for speed; `rules.look` sees whether they still hold.
    """
    return _entered(
        await _AMONG_OTHERS.first(
            session, actor, instrument=instrument_id, calendar=claims.turn(instrument_id),
            person_quota=rules.quota(instrument_id, actor.person),
            organisation_quota=rules.quota(instrument_id, organisation_id),
        )
    )  # fmt: skip


def require_membership(actor: Actor, organisation_id: UUID) -> None:
    if organisation_id not in actor.organisations_where(Permission.READ_OWN):
        raise NotOfYours


def asked(wish: BookingWish, organisation_id: UUID, person_id: UUID, *, but: Collection[UUID] = ()) -> Ask:
    return Ask(
        organisation_id=organisation_id, person_id=person_id, starts_at=wish.starts_at, ends_at=wish.ends_at,
        assisted=wish.assisted, answers=wish.answers, asked_at=clock.now(), but=but,
    )  # fmt: skip


async def whom(session: AsyncSession, actor: Actor, wish: BookingNew, *, keeper: bool) -> UUID:
    """Who is to use it: oneself, or whoever a keeper books for."""
    if wish.for_email is None:
        return actor.person
    if not keeper:
        raise instruments.NotItsKeeper
    found = await session.scalar(
        select(Person.id)
        .join(Membership, Membership.person_id == Person.id)
        .where(
            Person.email == wish.for_email, Person.suspended_at.is_(None),
            Membership.organisation_id == wish.organisation_id, Membership.ended_at.is_(None),
        )
        .limit(1)
    )  # fmt: skip
    if found is None:
        raise NotOneOfTheirs
    return found


async def request(session: AsyncSession, actor: Actor, wish: BookingNew) -> Booked:
    """Hold a time, or wait for a keeper's word; or be told every reason why not."""
    if wish.for_email is None:
        require_membership(actor, wish.organisation_id)
        instrument, keeper = await among_others(session, actor, wish.instrument_id, wish.organisation_id)
    else:
        instrument, keeper = await alone(session, actor, wish.instrument_id)
    person_id = await whom(session, actor, wish, keeper=keeper)
    return await book(
        session, actor, instrument, asked(wish, wish.organisation_id, person_id), wish.purpose,
        waive=wish.waive, keeper=keeper,
    )  # fmt: skip


async def book(
    session: AsyncSession,
    actor: Actor,
    instrument: Terms,
    ask: Ask,
    purpose: str,
    *,
    waive: Collection[Rule],
    keeper: bool,
    series_id: UUID | None = None,
    holding: UUID | None = None,
) -> Booked:
    """A new booking on a calendar that stands still. `holding` names who holds that time for it already.

    What is held goes over to the booking, even to a request: it keeps its time until a keeper decides.
    """
    circumstances, waived = await rules.admitted(session, instrument, ask, waive=waive, keeper=keeper)
    row = new(actor, circumstances, purpose, waived=waived, keeper=keeper, series_id=series_id)
    booking = Booked(row, circumstances)
    confirmed = booking.state is BookingState.CONFIRMED
    instrument = circumstances.instrument
    happened = facts.BookingConfirmed if confirmed else facts.BookingRequested
    fact = happened(booking.id, instrument.id)
    # Somebody may have been quicker since the rules were looked at.
    if not await put_down(session, booking, fact, by=actor.person, holding=confirmed and holding is None):
        raise NotBookable([Rule.SLOT_TAKEN])
    if holding is not None:
        await claims.hand_over(session, holding, booking.id)
    await at_once(session, fact, actor.person)
    if confirmed:
        await refuse_colliding(session, instrument, booking, by=actor.person)
    return booking


async def hold(session: AsyncSession, instrument: Terms, booking: Booking | Booked) -> None:
    """Claim a booking's time. Somebody may have been quicker since the rules were looked at."""
    try:
        await claims.claim(
            session, booking.id, rules.claimed(instrument, booking.starts_at, booking.ends_at), [instrument.id]
        )
    except claims.Taken:
        raise NotBookable([Rule.SLOT_TAKEN]) from None


async def refuse_colliding(
    session: AsyncSession, instrument: Terms, booking: Booking | Booked, *, by: UUID | None
) -> None:
    """Requests that wished for a time that is now another's are told so, instead of waiting for a word in vain."""
    if set(CustomerClass) <= set(instrument.confirmed_at_once):
        return
    buffer = timedelta(minutes=instrument.buffer_minutes)
    rivals = await session.scalars(
        select(Booking)
        .where(
            Booking.instrument_id == instrument.id,
            Booking.state == BookingState.REQUESTED,
            Booking.id != booking.id,
            Booking.starts_at < booking.ends_at + buffer,
            Booking.ends_at + buffer > booking.starts_at,
        )
        .order_by(Booking.id)
        .with_for_update()
    )
    for rival in rivals.all():
        await settle(session, rival, BookingState.REFUSED, facts.BookingRefused, note=COLLIDED, by=by)


async def settle(
    session: AsyncSession,
    booking: Booking,
    state: BookingState,
    fact: type[facts.OfBooking],
    *,
    by: UUID | None,
    note: str | None = None,
    **more: Any,
) -> None:
    """Bring a locked booking to a state, and write down that it came there. What is refused holds nothing any more."""
    if state is BookingState.REFUSED:
        await claims.release(session, booking.id)
    booking.state = state
    booking.version += 1
    booking.updated_at = clock.now()
    if note is not None:
        booking.note = note
    if fact in {facts.BookingConfirmed, facts.BookingRefused}:
        booking.decided_by, booking.decided_at = by, booking.updated_at
    await session.flush()
    await record(session, fact(booking.id, booking.instrument_id, **more), subject=booking.id, by=by)


async def taken_up(session: AsyncSession, actor: Actor, booking_id: UUID) -> tuple[Booking, Terms, bool]:
    """One booking to change, alone with its instrument's calendar, and whether the actor keeps that."""
    seen = await read(session, actor, booking_id)
    await claims.take_turns(session, [seen.instrument_id])
    locked = await session.scalar(chosen().where(Booking.id == booking_id).with_for_update(of=Booking, key_share=True))
    assert locked is not None
    keeper = await instruments.keeps(session, actor, locked.instrument_id)
    return locked, Terms.of(locked.instrument), keeper


def require_own(actor: Actor, booking: Booking, *, keeper: bool) -> None:
    if not keeper and actor.person_id not in {booking.person_id, booking.made_by}:
        raise NotYourBooking


async def refuse(session: AsyncSession, actor: Actor, booking_id: UUID, wish: RefusalNote) -> Booking:
    """Say no, and why."""
    booking, _, keeper = await taken_up(session, actor, booking_id)
    if not keeper:
        raise instruments.NotItsKeeper
    if booking.state is not BookingState.REQUESTED:
        raise BookingOver
    await settle(session, booking, BookingState.REFUSED, facts.BookingRefused, note=wish.note, by=actor.person)
    return booking


async def cancel(session: AsyncSession, actor: Actor, booking_id: UUID, wish: Cancellation) -> Booking:
    """Give the time back. Late is later than the instrument's terms allow; saying it again changes nothing."""
    booking, instrument, keeper = await taken_up(session, actor, booking_id)
    require_own(actor, booking, keeper=keeper)
    if booking.state is BookingState.CANCELLED:
        return booking
    if booking.state not in {BookingState.REQUESTED, BookingState.CONFIRMED}:
        raise BookingOver
    latest = booking.starts_at - timedelta(minutes=instrument.late_cancel_minutes)
    late = booking.state is BookingState.CONFIRMED and clock.now() > latest
    await claims.release(session, booking.id)
    booking.cancelled_late = late
    await settle(
        session, booking, BookingState.CANCELLED, facts.BookingCancelled, note=wish.note, by=actor.person, late=late
    )
    # A request to say something else of it is about nothing any more.
    reworded = await session.scalar(
        select(Booking).where(
            Booking.moved_from_id == booking.id, Booking.state == BookingState.REQUESTED,
            Booking.starts_at == booking.starts_at, Booking.ends_at == booking.ends_at,
        )
    )  # fmt: skip
    if reworded is not None:
        called_off = (BookingState.CANCELLED, facts.BookingCancelled)
        await settle(session, reworded, *called_off, note=wish.note, by=actor.person, late=False)
    return booking


async def check_in(session: AsyncSession, actor: Actor, booking_id: UUID) -> Booking:
    """Say that one is there: the time is not given away any more."""
    booking, _, keeper = await taken_up(session, actor, booking_id)
    require_own(actor, booking, keeper=keeper)
    if booking.state is BookingState.IN_USE:
        return booking
    if booking.state is not BookingState.CONFIRMED:
        raise BookingOver
    now = clock.now()
    if not booking.starts_at - EARLY <= now < booking.ends_at:
        raise NotItsTime
    booking.checked_in_at = now
    await settle(session, booking, BookingState.IN_USE, facts.UserCheckedIn, by=actor.person)
    return booking


async def release_no_shows(session: AsyncSession, now: datetime, *, at_most: int = 100) -> int:
    """Give back the time of those who did not come. Answers how many; call until it answers 0."""
    overdue = (
        Booking.state == BookingState.CONFIRMED,
        Instrument.no_show_minutes.is_not(None),
        Booking.starts_at + func.make_interval(0, 0, 0, 0, 0, Instrument.no_show_minutes) < now,
        # Whoever forgot to check in, but used it as a keeper or a meter says, did come.
        ~exists(select(Usage.id).where(Usage.booking_id == Booking.id)),
    )
    due = await session.execute(
        select(Booking.id, Booking.instrument_id)
        .join(Instrument, Instrument.id == Booking.instrument_id)
        .where(*overdue)
        .order_by(Booking.starts_at)
        .limit(at_most)
    )
    rows = due.all()
    await claims.take_turns(session, {row.instrument_id for row in rows})
    released = 0
    for row in rows:
        booking = await session.get(Booking, row.id, with_for_update=True, populate_existing=True)
        if booking is not None and booking.state is BookingState.CONFIRMED:
            await claims.release(session, booking.id)
            await settle(session, booking, BookingState.RELEASED, facts.BookingReleased, by=None)
            released += 1
    return released
