"""Ratings: one a booking, after use, by those whom it served; the lab answers."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Numeric, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager

from marketplace.identity.models import Organisation, Person
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, Forbidden, NotFound, refusing
from marketplace.labs import bookings, facts, instruments
from marketplace.labs.booking_models import Booking
from marketplace.labs.models import Instrument
from marketplace.labs.policy import instrument_kept_by, instrument_visible_to
from marketplace.labs.rating_models import Rating
from schemas.bookings import BookingState
from schemas.identity import Permission
from schemas.labs import RatingSummary
from schemas.ratings import RatingAnswer, RatingNew


class RatedAlready(Conflict):
    """此预约已有评价。 · This booking was rated already."""


class NotUsedYet(Conflict):
    """使用完成后才能评价。 · One rates what one has used: this booking is not done."""


class NotYourUse(Forbidden):
    """只有使用人或其单位可以评价。 · Only whoever used it, or their organisation, may rate it."""


def shown() -> ColumnElement[bool]:
    """What a suspended person wrote is not shown and counts for nothing. The statement joins `Person`."""
    return Person.suspended_at.is_(None)


def _served(actor: Actor) -> ColumnElement[bool]:
    return or_(
        Booking.person_id == actor.person_id,
        Booking.organisation_id.in_(actor.organisations_where(Permission.READ_OWN)),
    )


def _chosen(actor: Actor) -> Any:
    """Ratings that are shown, each with whether the actor may know who used the instrument."""
    return (
        select(Rating, or_(_served(actor), instrument_kept_by(actor)).label("known"))
        .join(Booking, Booking.id == Rating.booking_id)
        .join(Instrument, Instrument.id == Rating.instrument_id)
        .join(Organisation, Organisation.id == Instrument.organisation_id)
        .join(Person, Person.id == Rating.by)
        .options(contains_eager(Rating.booking))
        .where(shown(), instrument_visible_to(actor))
        .execution_options(populate_existing=True)
    )


async def listed(
    session: AsyncSession, actor: Actor, instrument_id: UUID, paging: Paging
) -> tuple[list[Any], str | None]:
    """What users say of an instrument, latest first."""
    await instruments.read(session, actor, instrument_id)
    by = tuple(zip((Rating.created_at, Rating.id), BY_TIME_AND_ID, strict=True))
    return await page(session, _chosen(actor).where(Rating.instrument_id == instrument_id), by, paging)


async def read(session: AsyncSession, actor: Actor, rating_id: UUID) -> Any:
    found = (await session.execute(_chosen(actor).where(Rating.id == rating_id))).one_or_none()
    if found is None:
        raise NotFound
    return found


async def summary(session: AsyncSession, instrument_id: UUID) -> RatingSummary:
    """How many ratings there are, and their mean."""
    count, mean = (
        await session.execute(
            select(func.count(), func.round(cast(func.avg(Rating.stars), Numeric), 2))
            .select_from(Rating)
            .join(Person, Person.id == Rating.by)
            .where(Rating.instrument_id == instrument_id, shown())
        )
    ).one()
    return RatingSummary(count=count, mean=None if mean is None else float(mean))


async def rate(session: AsyncSession, actor: Actor, booking_id: UUID, wish: RatingNew) -> tuple[Rating, Booking]:
    """Say how it was: once, when the booking is done."""
    booking = await bookings.read(session, actor, booking_id)
    if booking.person_id != actor.person_id and booking.organisation_id not in actor.organisations_where(
        Permission.READ_OWN
    ):
        raise NotYourUse
    if booking.state is not BookingState.DONE:
        raise NotUsedYet
    rating = Rating(
        booking_id=booking.id, instrument_id=booking.instrument_id, by=actor.person, stars=wish.stars, text=wish.text,
        created_at=clock.now(),
    )  # fmt: skip
    with refusing(rating_booking_key=RatedAlready):
        async with session.begin_nested():
            session.add(rating)
    rated = facts.InstrumentRated(rating.id, booking.id, booking.instrument_id)
    await record(session, rated, subject=rating.id, by=actor.person)
    return rating, booking


async def answer(session: AsyncSession, actor: Actor, rating_id: UUID, wish: RatingAnswer) -> Rating:
    """The lab's word to a rating; a later one takes its place."""
    rating: Rating = (await read(session, actor, rating_id))[0]
    if not await instruments.keeps(session, actor, rating.instrument_id):
        raise instruments.NotItsKeeper
    rating.answer, rating.answered_by, rating.answered_at = wish.answer, actor.person, clock.now()
    await session.flush()
    answered = facts.RatingAnswered(rating.id, rating.instrument_id)
    await record(session, answered, subject=rating.id, by=actor.person)
    return rating
