"""How rows of this room look on the wire."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.language import told
from marketplace.labs import counting, instrument_files, instruments, ratings
from marketplace.labs.booked import Booked
from marketplace.labs.booking_models import Adjustment, Booking, Evidence, Usage, Waiting
from marketplace.labs.bookings import COLLIDED
from marketplace.labs.file_models import InstrumentFile
from marketplace.labs.models import Instrument, Keeper, OpeningException, OpeningHours
from marketplace.labs.policy import instrument_kept_by
from marketplace.labs.rating_models import Rating
from schemas.bookings import (
    AdjustmentView,
    BookingView,
    EvidenceView,
    InstrumentBrief,
    UsageCut,
    UsageEntered,
    UsageView,
    WaitingView,
)
from schemas.identity import OrganisationCard
from schemas.instrument_files import FilePurpose, InstrumentFileView, InstrumentPhoto
from schemas.labs import InstrumentCard, InstrumentView, KeeperView, OpenHours, clock_written
from schemas.labs import OpeningException as ExceptionWritten
from schemas.ratings import RatingView


def _values(instrument: Instrument, names: Mapping[str, Any]) -> dict[str, Any]:
    return {name: getattr(instrument, name) for name in names if name in Instrument.__mapper__.columns}


def card(instrument: Instrument, *, out_of_order: bool, photo: InstrumentFile | None) -> InstrumentCard:
    """An instrument in a list."""
    return InstrumentCard(
        **_values(instrument, InstrumentCard.model_fields),
        organisation=OrganisationCard.model_validate(instrument.organisation),
        photo=_photo(photo),
        out_of_order=out_of_order,
    )


async def cards(session: AsyncSession, rows: Sequence[Any]) -> list[InstrumentCard]:
    """A page of `instruments.listed`, each with its first photo."""
    photos = await instrument_files.first_photos(session, [row[0].id for row in rows])
    return [card(row[0], out_of_order=row.out_of_order, photo=photos.get(row[0].id)) for row in rows]


def _photo(file: InstrumentFile | None) -> InstrumentPhoto | None:
    return None if file is None else InstrumentPhoto(id=file.id, alt=file.alt or "")


async def view(session: AsyncSession, actor: Actor, instrument: Instrument) -> InstrumentView:
    """All that a user has to know of it; whom to ask is for people who are signed in."""
    state = (
        await session.execute(
            select(
                instruments.out_of_order_at(clock.now()),
                instrument_kept_by(actor),
            ).where(Instrument.id == instrument.id)
        )
    ).one()
    weekly = await session.scalars(
        select(OpeningHours)
        .where(OpeningHours.instrument_id == instrument.id)
        .order_by(OpeningHours.weekday, OpeningHours.opens)
    )
    special = await session.scalars(
        select(OpeningException)
        .where(OpeningException.instrument_id == instrument.id)
        .order_by(OpeningException.day, OpeningException.opens)
    )
    files = await instrument_files.all_of(session, instrument.id)
    photos = files[FilePurpose.PHOTO]
    values = _values(instrument, InstrumentView.model_fields)
    if actor.person_id is None:
        values["contact"] = None
    return InstrumentView(
        **values,
        organisation=OrganisationCard.model_validate(instrument.organisation),
        photo=_photo(next(iter(photos), None)),
        photos=[InstrumentFileView.model_validate(one) for one in photos],
        documents=[InstrumentFileView.model_validate(one) for one in files[FilePurpose.DOCUMENT]],
        out_of_order=state[0],
        ratings=await ratings.summary(session, instrument.id),
        kept_by_you=state[1],
        hours=[
            OpenHours(weekday=one.weekday, opens=clock_written(one.opens), closes=clock_written(one.closes))
            for one in weekly.all()
        ],
        exceptions=[
            ExceptionWritten(
                day=one.day,
                opens=None if one.opens is None else clock_written(one.opens),
                closes=None if one.closes is None else clock_written(one.closes),
                reason=one.reason,
            )
            for one in special.all()
        ],
    )


def keeper(row: Keeper) -> KeeperView:
    return KeeperView(person_id=row.person_id, name=row.person.name, email=row.person.email, since=row.since)


_NAMED = ("instrument", "organisation", "person_name", "effective_minutes", "correction", "counts")


def _plain(row: Any, message: type[BaseModel]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in message.model_fields if name not in _NAMED}


def _brief(instrument: Instrument) -> InstrumentBrief:
    return InstrumentBrief(id=instrument.id, name=instrument.name)


def booking(row: Booking) -> BookingView:
    # What the program wrote is told in the reader's language; what a keeper wrote, as they wrote it.
    told_note = told(row.note) if row.note == COLLIDED else row.note
    return BookingView(
        **(_plain(row, BookingView) | {"note": told_note}),
        instrument=_brief(row.instrument),
        organisation=OrganisationCard.model_validate(row.organisation),
        person_name=row.person.name,
    )


def booked(made: Booked) -> BookingView:
    """A booking as it was just put down."""
    return BookingView(
        **{name: made.row[name] for name in BookingView.model_fields if name not in _NAMED},
        instrument=InstrumentBrief(id=made.circumstances.instrument.id, name=made.circumstances.instrument.name),
        organisation=made.circumstances.organisation,
        person_name=made.circumstances.person_name,
    )


def waiting(row: Waiting) -> WaitingView:
    return WaitingView(
        **_plain(row, WaitingView),
        instrument=_brief(row.instrument),
        organisation=OrganisationCard.model_validate(row.organisation),
        person_name=row.person.name,
    )


def usage(row: Usage) -> UsageView:
    return UsageView(
        **_plain(row, UsageView),
        instrument=_brief(row.instrument),
        organisation=OrganisationCard.model_validate(row.organisation),
        effective_minutes=row.effective_minutes,
    )


def cut(row: Adjustment, usage: Usage) -> UsageCut:
    """What an adjustment did to a record because of another one."""
    return UsageCut(
        usage_id=usage.id,
        organisation=OrganisationCard.model_validate(usage.organisation),
        source=usage.source,
        starts_at=usage.starts_at,
        ends_at=usage.ends_at,
        before_minutes=sum(row.before[name] for name in counting.MINUTES),
        after_minutes=sum(row.wished[name] for name in counting.MINUTES),
        samples_before=row.before["samples"],
        samples_after=row.wished["samples"],
        at=row.asked_at,
    )


def entered(row: Usage, cuts: Sequence[tuple[Adjustment, Usage]]) -> UsageEntered:
    return UsageEntered(**usage(row).model_dump(), cuts=[cut(*one) for one in cuts])


def evidence(row: Evidence, usage: Usage, corrected_by: UUID | None) -> EvidenceView:
    """What was told; the last correction counts before everything, and else the source that the record goes by."""
    corrects = row.adjustment_id is not None
    standing = row.id == corrected_by if corrected_by is not None else row.source is usage.source
    return EvidenceView(
        **_plain(row, EvidenceView)
        | {
            "correction": corrects,
            "counts": usage.superseded_by_id is None and row.withdrawn_at is None and standing,
        },
    )


def adjustment(row: Adjustment) -> AdjustmentView:
    """What the program gave as its reason is told in the reader's language."""
    view = AdjustmentView.model_validate(row)
    return view.model_copy(update={"reason": told(row.reason)}) if row.reason in counting.SAID_BY_US else view


def rating(row: Rating, booking: Booking, *, known: bool) -> RatingView:
    """Who used the instrument is nobody's business but the lab's and their own."""
    return RatingView(
        id=row.id,
        instrument_id=row.instrument_id,
        booking_id=row.booking_id if known else None,
        organisation_id=booking.organisation_id if known else None,
        customer_class=booking.customer_class,
        stars=row.stars,
        text=row.text,
        created_at=row.created_at,
        answer=row.answer,
        answered_at=row.answered_at,
    )
