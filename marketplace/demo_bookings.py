"""What the sample firms booked, wait for and question, and what became of their vouchers."""

from datetime import datetime, time, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation, Person
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.clock import BEIJING
from marketplace.labs import bookings, usages, waiting
from marketplace.labs.models import Instrument
from marketplace.money import charges, vouchers
from marketplace.money.models import Charge, ChargeCover, Voucher
from schemas.bookings import AdjustmentDecision, AdjustmentNew, BookingNew, WaitingNew
from schemas.charges import DisputeNew, RedemptionDecision, RedemptionNew, Settlement
from schemas.identity import Permission

PUBLISHED_AGO: Final = timedelta(days=42)
"""So long ago the sample laboratory published its prices: before the use that they charge."""
_PARTS, _RAIL, _LAB = "912201009474573616", "91220100974537594L", "12220100923279863R"


async def load(session: AsyncSession, organisations: dict[str, Organisation], shared: dict[str, Instrument]) -> None:
    """Let everybody do once what the pages show: book, wait, ask, redeem, correct, dispute."""
    engineer = await _actor(session, "enterprise@duijie.example", organisations[_PARTS], Permission.READ_OWN)
    rail = await _actor(session, "rail@duijie.example", organisations[_RAIL], Permission.READ_OWN)
    keeper = await _actor(
        session, "lab@duijie.example", organisations[_LAB], Permission.READ_OWN, Permission.MANAGE_LABS
    )
    platform = await _actor(session, "admin@duijie.example")
    programme = Actor(person_id=platform.person, platform=frozenset({Permission.READ_ALL, Permission.MANAGE_VOUCHERS}))
    await _booked(session, engineer, rail, shared)
    await _redeemed(session, engineer, rail, keeper, programme)


async def _actor(session: AsyncSession, email: str, at: Organisation | None = None, *may: Permission) -> Actor:
    person = await session.scalar(select(Person.id).where(Person.email == email))
    where = {one: frozenset({at.id}) for one in may} if at is not None else {}
    return Actor(person_id=person, where=where)


def _next_week(weekday: int, at: str, hours: int) -> dict[str, datetime]:
    today = clock.today()
    day = today + timedelta(days=8 - today.isoweekday() + weekday - 1)
    since = datetime.combine(day, time.fromisoformat(at), BEIJING)
    return {"starts_at": since, "ends_at": since + timedelta(hours=hours)}


async def _booked(session: AsyncSession, engineer: Actor, rail: Actor, shared: dict[str, Instrument]) -> None:
    """A booking that another firm waits for, and a request that its keeper has to decide."""
    fatigue, microscope = shared["S-I002"], shared["S-I001"]
    [firm], [other] = (one.organisations_where(Permission.READ_OWN) for one in (engineer, rail))
    taken = {"instrument_id": fatigue.id, **_next_week(2, "09:00", 4), "assisted": True}
    told = {"purpose": "转向节台架疲劳", "answers": ["转向节 6 件", "轴向，±80 kN"]}
    await bookings.request(session, engineer, BookingNew.model_validate({"organisation_id": firm, **taken, **told}))
    told = {"purpose": "转向架焊缝疲劳", "answers": ["焊接试样 4 件", "三点弯曲，60 kN"]}
    await waiting.join(session, rail, WaitingNew.model_validate({"organisation_id": other, **taken, **told}))
    wish = {"instrument_id": microscope.id, "organisation_id": firm, **_next_week(3, "09:00", 2), "assisted": True}
    await bookings.request(session, engineer, BookingNew.model_validate(wish | {"purpose": "断口形貌"}))


async def _redeemed(session: AsyncSession, engineer: Actor, rail: Actor, keeper: Actor, programme: Actor) -> None:
    """One claim paid and corrected since, others that wait, and a charge that its payer questions."""
    rows = await session.execute(
        select(Charge, Voucher)
        .join(ChargeCover, ChargeCover.charge_id == Charge.id)
        .join(Voucher, Voucher.id == ChargeCover.voucher_id)
        .order_by(Charge.used_at, Charge.id)
    )
    borne = rows.all()
    by_lab = [(charge, voucher) for charge, voucher in borne if voucher.settlement is Settlement.LAB_REDEEMS]
    by_firm = [(charge, voucher) for charge, voucher in borne if voucher.settlement is Settlement.FIRM_REDEEMS]
    for charge, voucher in by_firm[:1]:
        await vouchers.redeem(session, rail, RedemptionNew(voucher_id=voucher.id, charge_id=charge.id))
    for number, (charge, voucher) in enumerate(by_lab[:2]):
        claim = await vouchers.redeem(session, keeper, RedemptionNew(voucher_id=voucher.id, charge_id=charge.id))
        if number == 0 and charge.usage_id is not None:
            paid = RedemptionDecision(pay=True, note="已核对使用记录。")
            await vouchers.decide(session, programme, claim.id, paid)
            used = await usages.read(session, keeper, charge.usage_id)
            less = AdjustmentNew(
                preparation_minutes=used.preparation_minutes, run_minutes=max(1, used.run_minutes // 2),
                processing_minutes=used.processing_minutes, samples=used.samples, reason="夹具故障，后半段没有加载。",
            )  # fmt: skip
            asked = await usages.ask(session, engineer, used.id, less)
            await usages.decide(session, keeper, used.id, asked.id, AdjustmentDecision(accept=True, note="属实。"))
    for charge, _ in by_lab[-1:]:
        await charges.dispute(session, engineer, charge.id, DisputeNew(reason="当天设备预热故障约一小时，请核减。"))
