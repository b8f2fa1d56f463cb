"""What a use would cost now, line by line, before anybody books it."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation
from marketplace.kernel.actor import Actor
from marketplace.kernel.clock import BEIJING
from marketplace.labs import bookings, instruments, rules
from marketplace.money import bearing, charging, pricing, tariffs
from marketplace.money.bearing import Case
from schemas.tariffs import SUMS, Cover, Quote, QuoteAsk, Unpriced


async def quote(session: AsyncSession, actor: Actor, instrument_id: UUID, wish: QuoteAsk) -> Quote:
    """The lines, and who would bear them: the asker's own free time and vouchers, as they are at this moment."""
    bookings.require_membership(actor, wish.organisation_id)
    instrument = await instruments.read(session, actor, instrument_id)
    organisation = await session.get_one(Organisation, wish.organisation_id)
    customer = rules.class_of(instrument, organisation.id, organisation.kinds, organisation.region)
    use = charging.use_of(wish.starts_at, wish.ends_at, samples=wish.samples, assisted=wish.assisted)
    tariff = await tariffs.valid(session, instrument_id, wish.starts_at.astimezone(BEIJING).date())
    if tariff is None:
        nothing: dict[str, Any] = dict.fromkeys(SUMS)
        return Quote(
            instrument_id=instrument_id, tariff_id=None, unpriced=Unpriced.NO_TARIFF, customer_class=customer,
            minutes=use.minutes, lines=[], covers=[], **nothing,
        )  # fmt: skip
    lines = charging.lines_of(tariff, customer, use)
    case = Case(instrument_id, organisation.id, customer, wish.starts_at)
    found = await bearing.split(session, case, tariff, pricing.total(lines), use.minutes, holding=False)
    sums: dict[str, Any] = {name: getattr(found, name) for name in SUMS}
    return Quote(
        instrument_id=instrument_id, tariff_id=tariff.id, unpriced=None, customer_class=customer, minutes=use.minutes,
        lines=lines, covers=[Cover(voucher_id=purse.voucher_id, amount=amount) for purse, amount in found.covers],
        **sums,
    )  # fmt: skip
