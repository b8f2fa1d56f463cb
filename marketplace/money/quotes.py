"""What a use would cost now, line by line, before anybody books it."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation
from marketplace.kernel.actor import Actor
from marketplace.kernel.clock import BEIJING
from marketplace.labs import bookings, instruments, rules
from marketplace.money import bearing, charging, pricing, tariffs
from marketplace.money.bearing import Case
from schemas.tariffs import Cover, Quote, QuoteAsk


async def quote(session: AsyncSession, actor: Actor, instrument_id: UUID, wish: QuoteAsk) -> Quote:
    """The lines, and who would bear them: the asker's own free time and vouchers, as they are at this moment."""
    bookings.require_membership(actor, wish.organisation_id)
    instrument = await instruments.read(session, actor, instrument_id)
    organisation = await session.get_one(Organisation, wish.organisation_id)
    customer = rules.class_of(instrument, organisation.id, organisation.kinds, organisation.region)
    use = charging.use_of(wish.starts_at, wish.ends_at, samples=wish.samples, assisted=wish.assisted)
    tariff = await tariffs.valid(session, instrument_id, wish.starts_at.astimezone(BEIJING).date())
    lines = charging.lines_of(tariff, customer, use) if tariff is not None else []
    gross = pricing.total(lines)
    found = pricing.Split(gross, 0, pricing.NOTHING, ())
    if tariff is not None:
        case = Case(instrument_id, organisation.id, customer, wish.starts_at)
        found = await bearing.split(session, case, tariff, gross, use.minutes, holding=False)
    return Quote(
        instrument_id=instrument_id, tariff_id=tariff.id if tariff else None, customer_class=customer,
        minutes=use.minutes, lines=lines, gross=gross, free_minutes=found.free_minutes, free_amount=found.free_amount,
        voucher_amount=found.voucher_amount, payer_amount=found.payer_amount, payable=found.payable,
        covers=[Cover(voucher_id=purse.voucher_id, amount=amount) for purse, amount in found.covers],
    )  # fmt: skip
