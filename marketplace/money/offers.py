"""What of a first free time and its price is an offer to its reader, and why not where it is none."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from marketplace.identity.models import Organisation
from marketplace.labs import rules
from marketplace.labs.hours import Span
from marketplace.labs.models import Instrument
from schemas.labs import CustomerClass
from schemas.tariffs import SlotPrice, Unpriced


@dataclass(frozen=True, slots=True)
class Offer:
    """A time and what it costs. What its reader may not book is no offer: neither is told, and `unpriced` says why."""

    free: Span | None = None
    price: SlotPrice | None = None
    unpriced: Unpriced | None = None


def offers(
    instruments: Collection[Instrument],
    payer: Organisation | None,
    free: Mapping[UUID, Span],
    prices: Mapping[UUID, SlotPrice],
) -> dict[UUID, Offer]:
    """For each instrument what is offered to whoever would pay; a visitor is one of the others."""
    return {one.id: _offer(one, payer, free.get(one.id), prices.get(one.id)) for one in instruments}


def _offer(one: Instrument, payer: Organisation | None, free: Span | None, price: SlotPrice | None) -> Offer:
    customer = CustomerClass.OTHER if payer is None else rules.class_of(one, payer.id, payer.kinds, payer.region)
    if customer not in one.customers:
        return Offer(unpriced=Unpriced.NOT_ADMITTED)
    if free is None:
        return Offer(unpriced=Unpriced.NOTHING_FREE)
    if price is None:
        return Offer(free, unpriced=Unpriced.NO_TARIFF)
    return Offer(free, price)
