"""The catalogue: instruments found, listed, written, published, retired."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager, selectinload
from uuid_utils.compat import uuid7

from marketplace.identity.models import Organisation
from marketplace.kernel import clock, etag, searching
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, Forbidden, Invalid, NotFound, refusing
from marketplace.labs import facts, free, places, written
from marketplace.labs.booking_models import HOLDING_STATES, Booking
from marketplace.labs.models import Instrument, OpeningException, OpeningHours, Outage
from marketplace.labs.policy import (
    instrument_kept_by,
    instrument_open_to,
    instrument_owned_by,
    instrument_visible_to,
)
from marketplace.listings import derived, records
from marketplace.listings.publication import NotVerified
from marketplace.reservations import claims
from marketplace.reservations.models import ResourceKind
from schemas import codes
from schemas.base import FieldError
from schemas.identity import Permission, Verification
from schemas.labs import (
    InstrumentBody,
    InstrumentFilter,
    InstrumentNew,
    InstrumentPatch,
    InstrumentState,
    clock_minutes,
)
from schemas.places import Position


class NotItsKeeper(Forbidden):
    """只有它的管理员可以这样做。 · Only its keepers may do that."""


class NoLabOfYours(Forbidden):
    """您不是该单位的实验室管理员。 · You are not a lab manager of that organisation."""


class StillBooked(Conflict):
    """还有未完成的预约，请先取消或改期。 · There are bookings ahead; cancel or move them first."""


class MustBeOpen(Invalid):
    """财政资金购置的仪器须向本省企业开放；否则请说明保密理由。 · What public money bought is open to the firms of the province; to close it, state the confidentiality reason."""

    def __init__(self) -> None:
        super().__init__(errors=[FieldError(pointer="/closed_because", code="must_be_open", detail=self.title())])


class LengthsOutOfOrder(Invalid):
    """最短时长不能超过最长时长。 · The least length is above the greatest."""

    def __init__(self) -> None:
        super().__init__(errors=[FieldError(pointer="/min_minutes", code="lengths", detail=self.title())])


def out_of_order_at(moment: datetime) -> ColumnElement[bool]:
    return exists(
        select(Outage.id).where(
            Outage.instrument_id == Instrument.id,
            Outage.starts_at <= moment,
            or_(Outage.ends_at.is_(None), Outage.ends_at > moment),
        )
    )


def chosen() -> Select[Instrument]:
    """Instruments beside their organisation, which every rule looks at."""
    return (
        select(Instrument)
        .join(Organisation, Organisation.id == Instrument.organisation_id)
        .options(contains_eager(Instrument.organisation))
    )


async def read(session: AsyncSession, actor: Actor, instrument_id: UUID) -> Instrument:
    """One instrument that the actor may see; to everybody else it does not exist."""
    found = await session.scalar(chosen().where(Instrument.id == instrument_id, instrument_visible_to(actor)))
    if found is None:
        raise NotFound
    return found


async def keeps(session: AsyncSession, actor: Actor, instrument_id: UUID) -> bool:
    return bool(
        await session.scalar(select(Instrument.id).where(Instrument.id == instrument_id, instrument_kept_by(actor)))
    )


async def kept(session: AsyncSession, actor: Actor, instrument_id: UUID) -> Instrument:
    """One instrument that the actor looks after, alone with its calendar."""
    await read(session, actor, instrument_id)
    await claims.take_turns(session, [instrument_id])
    found = await session.scalar(
        chosen()
        .where(Instrument.id == instrument_id, instrument_kept_by(actor))
        .options(selectinload(Instrument.hours), selectinload(Instrument.exceptions))
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotItsKeeper
    return found


async def listed(
    session: AsyncSession, actor: Actor, wish: InstrumentFilter, paging: Paging, now: datetime
) -> tuple[list[Any], str | None]:
    """A page of instruments, newest first, each with whether it is out of order now."""
    statement: Select[Any] = narrowed(actor, wish).add_columns(out_of_order_at(now).label("out_of_order"))
    by = tuple(zip((Instrument.created_at, Instrument.id), BY_TIME_AND_ID, strict=True))
    return await page(session, statement, by, paging)


async def named(session: AsyncSession, actor: Actor, ids: Collection[UUID]) -> dict[UUID, str]:
    """What those of these instruments are called that the actor may see."""
    rows = await session.execute(
        select(Instrument.id, Instrument.name)
        .join(Organisation, Organisation.id == Instrument.organisation_id)
        .where(Instrument.id.in_(ids), instrument_open_to(actor) | instrument_owned_by(actor))
    )
    return {row.id: row.name for row in rows}


def narrowed(actor: Actor, wish: InstrumentFilter) -> Select[Instrument]:
    """The instruments that a filter leaves of those that the actor may see."""
    statement = chosen()
    if wish.mine:
        statement = statement.where(instrument_owned_by(actor))
    elif wish.state in {None, InstrumentState.PUBLISHED}:
        statement = statement.where(instrument_open_to(actor))
    else:
        statement = statement.where(instrument_visible_to(actor))
    equal: dict[Any, Any] = {
        Instrument.state: wish.state,
        Instrument.kind: wish.kind,
        Instrument.organisation_id: wish.organisation,
        Instrument.publicly_funded: wish.publicly_funded,
    }
    statement = statement.where(*(column == value for column, value in equal.items() if value is not None))
    for letter, code in (("c", wish.class_code), ("r", wish.region)):
        if code is not None:
            statement = statement.where(Instrument.facets.contains([f"{letter}:{code}"]))
    statement = statement.where(*searching.holds_all(Instrument.words, derived.asked(wish.q)))
    period = free.wanted(wish.free_from, wish.free_until)
    if period is not None:
        statement = statement.where(free.between(*period))
    return statement


def columns(body: InstrumentBody, *, only_given: bool = False) -> dict[str, Any]:
    """The body as columns; hours and exceptions are rows of their own."""
    given = body.model_fields_set if only_given else type(body).model_fields.keys()
    return body.model_dump(include=set(given) - {"organisation_id", "hours", "exceptions"})


def hours_of(body: InstrumentBody) -> list[OpeningHours]:
    return [
        OpeningHours(weekday=one.weekday, opens=clock_minutes(one.opens), closes=clock_minutes(one.closes))
        for one in body.hours
    ]


def exceptions_of(body: InstrumentBody) -> list[OpeningException]:
    return [
        OpeningException(
            day=one.day,
            opens=clock_minutes(one.opens) if one.opens else None,
            closes=clock_minutes(one.closes) if one.closes else None,
            reason=one.reason,
        )
        for one in body.exceptions
    ]


def derive(instrument: Instrument) -> None:
    """Bring the codes and the searched text up to what the record says now."""
    found = set()
    for letter, table, code in (
        ("c", "instrument_classes", instrument.class_code),
        ("r", "regions", instrument.region),
    ):
        if code is not None:
            found |= {f"{letter}:{step.code}" for step in codes.TABLES[table].ancestors(code)} | {f"{letter}:{code}"}
    instrument.facets = sorted(found)
    said = (
        instrument.name, instrument.name_en, instrument.model, instrument.maker, instrument.lab,
        instrument.capabilities, instrument.accreditation, *instrument.keywords,
    )  # fmt: skip
    instrument.words = derived.folded("\n".join(part for part in said if part))
    point = places.wgs84(Position.model_validate(instrument.position)) if instrument.position else None
    instrument.wgs_latitude, instrument.wgs_longitude = point or (None, None)


def written_down(organisation_id: UUID, body: InstrumentBody, *, by: UUID | None, state: InstrumentState) -> Instrument:
    """A new row with its calendar, which nobody has seen yet."""
    now = clock.now()
    instrument = Instrument(
        id=uuid7(), organisation_id=organisation_id, created_by=by, state=state, created_at=now, updated_at=now,
        version=1, **columns(body), hours=hours_of(body), exceptions=exceptions_of(body),
    )  # fmt: skip
    derive(instrument)
    return instrument


async def put(
    session: AsyncSession, organisation_id: UUID, body: InstrumentBody, *, by: UUID | None, state: InstrumentState
) -> Instrument:
    """A row whose right to be there was looked at, with its calendar."""
    instrument = written_down(organisation_id, body, by=by, state=state)
    await claims.enrol(session, ResourceKind.INSTRUMENT, instrument.id)
    with refusing(instrument_public_is_open_check=MustBeOpen, instrument_lengths_check=LengthsOutOfOrder):
        async with session.begin_nested():
            session.add(instrument)
    return instrument


async def create(session: AsyncSession, actor: Actor, wish: InstrumentNew) -> Instrument:
    """A draft in the name of an organisation whose labs the actor manages."""
    if wish.organisation_id not in actor.organisations_where(Permission.MANAGE_LABS):
        raise NoLabOfYours
    made = await put(session, wish.organisation_id, wish, by=actor.person, state=InstrumentState.DRAFT)
    await record(session, facts.InstrumentDrafted(made.id), subject=made.id, by=actor.person)
    return await read(session, actor, made.id)


async def edit(
    session: AsyncSession, actor: Actor, instrument_id: UUID, version: int, patch: InstrumentPatch
) -> Instrument:
    """Change what it says or on which terms it is used. Bookings that stand are not touched."""
    instrument = await kept(session, actor, instrument_id)
    etag.check(version, instrument.version)
    values: Mapping[str, Any] = columns(patch, only_given=True)
    changed = sorted(name for name, value in values.items() if getattr(instrument, name) != value)
    rows: dict[str, Any] = {"hours": hours_of(patch), "exceptions": exceptions_of(patch)}
    changed += [
        name
        for name in rows
        if name in patch.model_fields_set and _said(rows[name]) != _said(getattr(instrument, name))
    ]
    if not changed:
        return instrument
    with refusing(instrument_public_is_open_check=MustBeOpen, instrument_lengths_check=LengthsOutOfOrder):
        async with session.begin_nested():
            for name in rows.keys() & changed:
                # What stood there goes first: the new rows may take the same hours.
                setattr(instrument, name, [])
                await session.flush()
            for name in changed:
                setattr(instrument, name, rows.get(name, values.get(name)))
            if instrument.state is InstrumentState.PUBLISHED:
                _require_complete(instrument)
            derive(instrument)
            touch(instrument)
    await record(session, facts.InstrumentEdited(instrument.id, changed), subject=instrument.id, by=actor.person)
    return instrument


def _said(rows: Sequence[OpeningHours] | Sequence[OpeningException]) -> set[tuple[Any, ...]]:
    """What rows of hours say, whoever wrote them when."""
    return {
        (one.weekday, one.opens, one.closes)
        if isinstance(one, OpeningHours)
        else (one.day, one.opens, one.closes, one.reason)
        for one in rows
    }


def touch(instrument: Instrument) -> None:
    instrument.version += 1
    instrument.updated_at = clock.now()


def _require_complete(instrument: Instrument) -> None:
    records.require(written.missing(partial(getattr, instrument)))


async def publish(session: AsyncSession, actor: Actor, instrument_id: UUID) -> Instrument:
    """Open it to its audience; a retired one comes back."""
    instrument = await kept(session, actor, instrument_id)
    if instrument.state is InstrumentState.PUBLISHED:
        return instrument
    if instrument.organisation.verification is not Verification.VERIFIED:
        raise NotVerified
    _require_complete(instrument)
    instrument.state = InstrumentState.PUBLISHED
    touch(instrument)
    await session.flush()
    await record(session, facts.InstrumentPublished(instrument.id), subject=instrument.id, by=actor.person)
    return instrument


async def retire(session: AsyncSession, actor: Actor, instrument_id: UUID) -> Instrument:
    """Take it out of the catalogue, once nobody counts on it any more."""
    instrument = await kept(session, actor, instrument_id)
    if instrument.state is InstrumentState.RETIRED:
        return instrument
    ahead = select(Booking.id).where(
        Booking.instrument_id == instrument_id,
        Booking.state.in_(HOLDING_STATES),
        Booking.ends_at > clock.now(),
        Booking.checked_out_at.is_(None),
    )
    if await session.scalar(ahead.limit(1)):
        raise StillBooked
    instrument.state = InstrumentState.RETIRED
    touch(instrument)
    await session.flush()
    await record(session, facts.InstrumentRetired(instrument.id), subject=instrument.id, by=actor.person)
    return instrument
