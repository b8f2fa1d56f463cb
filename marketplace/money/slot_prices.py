"""What the first free time of each of some instruments would cost one payer, for all of them at once."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Date, Uuid, bindparam, column, func, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation
from marketplace.kernel.actor import Actor
from marketplace.kernel.clock import BEIJING
from marketplace.kernel.prepared import Prepared
from marketplace.labs import bookings, rules
from marketplace.labs.hours import Span
from marketplace.labs.models import Instrument
from marketplace.money import bearing, charging, pricing
from marketplace.money.bearing import Asking, Case
from marketplace.money.models import Tariff
from marketplace.money.pricing import Split, Use
from schemas.identity import Permission
from schemas.labs import CustomerClass, Operation
from schemas.tariffs import SUMS, PriceLine, SlotPrice


async def payer(session: AsyncSession, actor: Actor, organisation_id: UUID | None) -> Organisation | None:
    """Who would pay: the organisation that is named, or else the actor's own (of several, the first by its name)."""
    if organisation_id is not None:
        bookings.require_membership(actor, organisation_id)
        return await session.get_one(Organisation, organisation_id)
    own = actor.organisations_where(Permission.READ_OWN)
    if not own:
        return None
    statement = select(Organisation).where(Organisation.id.in_(own)).order_by(Organisation.name, Organisation.id)
    found: Organisation | None = await session.scalar(statement.limit(1))
    return found


async def prices(
    session: AsyncSession, payer: Organisation | None, instruments: Collection[Instrument], free: Mapping[UUID, Span]
) -> dict[UUID, SlotPrice]:
    """The price of each free time, after free hours and vouchers; without a payer the public one, before them.

    What has no tariff has no price, and is left out.
    Each is told as if it alone were booked: together they would share the same vouchers. Four statements at most,
    however many instruments.
    """
    there = [one for one in instruments if one.id in free]
    if not there:
        return {}
    days = {one.id: free[one.id].starts_at.astimezone(BEIJING).date() for one in there}
    tariffs = await _valid(session, days)
    uses = {one.id: _use(one, free[one.id]) for one in there}
    classes = {one.id: _class(one, payer) for one in there}
    lines: dict[UUID, list[PriceLine]] = {}
    asked: dict[UUID, Asking] = {}
    for key, tariff in tariffs.items():
        lines[key] = charging.lines_of(tariff, classes[key], uses[key])
        if payer is not None:
            case = Case(key, payer.id, classes[key], free[key].starts_at)
            asked[key] = Asking(case, tariff, pricing.total(lines[key]), uses[key].minutes)
    borne: dict[UUID, Split] = {}
    if payer is not None:
        found = await bearing.splits(session, payer.id, list(asked.values()))
        borne = dict(zip(asked, found, strict=True))
    return {
        one.id: _price(one, classes[one.id], uses[one.id], tariffs[one.id], lines[one.id], borne.get(one.id))
        for one in there
        if one.id in tariffs
    }


def _latest() -> Any:
    asked = (
        func.unnest(bindparam("ids", type_=ARRAY(Uuid)), bindparam("days", type_=ARRAY(Date)))
        .table_valued(column("instrument_id", Uuid), column("day", Date))
        .render_derived(name="asked")
    )
    latest = (
        select(*(getattr(Tariff, name) for name in charging.OF_A_TARIFF))
        .where(Tariff.instrument_id == asked.c.instrument_id, Tariff.effective_from <= asked.c.day)
        .order_by(Tariff.effective_from.desc(), Tariff.id.desc())
        .limit(1)
        .lateral("latest")
    )
    return select(latest).select_from(asked).join(latest, true())


_LATEST: Final = Prepared(_latest())


async def _valid(session: AsyncSession, days: Mapping[UUID, date]) -> dict[UUID, Tariff]:
    """For each instrument the tariff that holds on its day: a copy to compute with, the session knows nothing of it."""
    rows = await _LATEST.fetch(session, ids=list(days), days=list(days.values()))
    return {row["instrument_id"]: Tariff(**row) for row in rows}


def _use(one: Instrument, span: Span) -> Use:
    # Where nobody may work alone there is no price without the operator.
    return charging.use_of(span.starts_at, span.ends_at, assisted=one.operation is Operation.ASSISTED)


def _class(one: Instrument, payer: Organisation | None) -> CustomerClass:
    return CustomerClass.OTHER if payer is None else rules.class_of(one, payer.id, payer.kinds, payer.region)


def _price(
    one: Instrument,
    customer: CustomerClass,
    use: Use,
    tariff: Tariff,
    lines: list[PriceLine],
    borne: Split | None,
) -> SlotPrice:
    split = borne or Split(pricing.total(lines), 0, pricing.NOTHING, ())
    sums: dict[str, Any] = {name: getattr(split, name) for name in SUMS}
    return SlotPrice(
        **sums,
        customer_class=customer,
        admitted=customer in one.customers,
        assisted=use.assisted,
        tariff_id=tariff.id,
        minutes=use.minutes,
        lines=lines,
    )
