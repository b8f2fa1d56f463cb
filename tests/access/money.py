"""What was charged in the labs of the world: a tariff, a voucher, a disputed charge, and one that is to be redeemed."""

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select
from uuid_utils.compat import uuid4

from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.labs.booking_models import Usage
from marketplace.labs.facts import UsageEntered
from marketplace.labs.models import Instrument
from marketplace.money import charging, ledger, vouchers
from marketplace.money.ledger import PROGRAMME, Of
from marketplace.money.models import Charge, Dispute, Redemption, Tariff, Voucher
from schemas.bookings import UsageSource
from schemas.charges import AccountKind, EntryKind, PostingKind, RedemptionDecision, RedemptionState, Settlement
from schemas.identity import Permission
from schemas.labs import CustomerClass
from tests.given.money import PRICES
from tests.given.people import Given

if TYPE_CHECKING:
    from tests.access.world import World

NAMES = ("voucher_id", "charge_id", "dispute_id", "redemption_id")
MONTH = "2026-03"


async def build(given: Given, world: "World") -> None:
    """The same for the callers' own instrument, another's that is open, and another's draft."""
    for target, names in world.targets.items():
        instrument = await given.session.get(Instrument, UUID(names["instrument_id"]))
        if instrument is None:
            names.update({name: str(uuid4()) for name in NAMES})
            continue
        disputed, claimed, paid = await _charged(given, instrument, UUID(names["person_id"]), names)
        if target == "own":
            owed = {"redemption_id": str(await _owed(given, paid, UUID(names["voucher_id"]), UUID(names["person_id"])))}
            world.instead["POST /api/v1/redemptions/{redemption_id}/return", "own"] = owed
            at = "/api/v1/charges/{charge_id}/disputes"
            world.instead[f"POST {at}", "own"] = {"charge_id": str(claimed.id)}
            assert disputed.id != claimed.id
    world.targets["own"]["month"] = MONTH


async def _put(given: Given, row: Any) -> Any:
    given.session.add(row)
    await given.session.flush()
    return row


async def _charged(given: Given, instrument: Instrument, member: UUID, names: dict[str, Any]) -> tuple[Charge, ...]:
    """Three uses by the owner's own organisation, as if it were a customer, half of each borne by its voucher, which is spent."""
    session, now = given.session, clock.now()
    before = now - timedelta(days=30)
    owner = instrument.organisation_id
    tariff = Tariff(
        instrument_id=instrument.id, effective_from=before.date() + timedelta(days=1), prices=PRICES, windows=[],
        late_cancel_percent=50, accepts_vouchers=True, created_by=member, created_at=before,
    )  # fmt: skip
    voucher = Voucher(
        organisation_id=owner, number=f"券 {instrument.id}", amount=Decimal(270), share_percent=50,
        settlement=Settlement.LAB_REDEEMS, valid_until=now.date() + timedelta(days=90), issued_by=member,
    )  # fmt: skip
    await _put(given, tariff)
    await _put(given, voucher)
    worth = {
        Of(AccountKind.FUND, PROGRAMME): Decimal(-270),
        Of(AccountKind.VOUCHER_AVAILABLE, voucher.id): Decimal(270),
    }
    await ledger.post(session, PostingKind.ISSUED, voucher.id, worth)
    made: list[Charge] = []
    for number in (1, 2, 3):
        starts_at = now - timedelta(hours=number)
        usage = Usage(
            instrument_id=instrument.id, organisation_id=owner, customer_class=CustomerClass.OTHER,
            source=UsageSource.KEEPER, starts_at=starts_at, ends_at=now, preparation_minutes=0, run_minutes=60,
            processing_minutes=0, assisted=False, version=1,
        )  # fmt: skip
        await _put(given, usage)
        await charging.charge(session, UsageEntered(usage.id, instrument.id), None)
        found = await session.scalar(select(Charge).where(Charge.usage_id == usage.id))
        assert found is not None
        made.append(found)
    dispute = await _put(given, Dispute(charge_id=made[0].id, reason="时间不对", opened_by=member))
    redemption = Redemption(
        voucher_id=voucher.id, charge_id=made[1].id, claimant_id=owner, amount=Decimal(90), asked_by=member,
        state=RedemptionState.ASKED,
    )  # fmt: skip
    await _put(given, redemption)
    rows = (voucher, made[0], dispute, redemption)
    names.update({name: str(row.id) for name, row in zip(NAMES, rows, strict=True)})
    return tuple(made)


async def _owed(given: Given, charge: Charge, voucher_id: UUID, member: UUID) -> UUID:
    """A claim that was paid before its charge came to nothing."""
    session = given.session
    claim = Redemption(
        voucher_id=voucher_id, charge_id=charge.id, claimant_id=charge.lab_id, amount=Decimal(90), asked_by=member,
        state=RedemptionState.ASKED,
    )  # fmt: skip
    await _put(given, claim)
    programme = Actor(person_id=member, platform=frozenset({Permission.READ_ALL, Permission.MANAGE_VOUCHERS}))
    await vouchers.decide(session, programme, claim.id, RedemptionDecision(pay=True))
    await charging.revise(session, charge, [], 60, EntryKind.ADJUSTED, reason="停电", by=member)
    return claim.id
