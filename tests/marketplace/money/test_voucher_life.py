"""A voucher's money is available, held, spent and redeemed in turn, and comes back wherever it was not used."""

import pytest
from sqlalchemy import text

from tests.given.money import a_voucher, booked, charge_of, faults, used

KINDS = ("available", "held", "spent", "redeemed")


@pytest.fixture
def stands(programme, session):
    """What is where in a voucher; its ledger says the same, and nothing is wrong with the whole."""

    async def standing(voucher: dict, *wanted: str) -> None:
        now = (await programme.get(f"/api/v1/vouchers/{voucher['id']}")).json()
        assert tuple(now[kind] for kind in KINDS) == wanted
        moves = (await programme.get(f"/api/v1/vouchers/{voucher['id']}/moves", params={"limit": 100})).json()["items"]
        sums = dict.fromkeys(KINDS, 0.0)
        for one in moves:
            sums[one["account"].removeprefix("voucher_")] += float(one["amount"])
        assert tuple(f"{sums[kind]:.2f}" for kind in KINDS) == wanted
        assert await faults(session) == []

    return standing


async def owed(session, kind: str) -> str:
    found = await session.scalar(
        text("select coalesce(sum(balance), 0) from account where kind = :kind"), {"kind": kind}
    )
    return f"{found:.2f}"


@pytest.mark.parametrize("settlement", ["lab_redeems", "firm_redeems"])
async def test_held_then_spent_then_redeemed_in_both_settlements(
    settlement, session, manager, engineer, programme, instrument, stands
):
    voucher = await a_voucher(programme, engineer, "150.00", settlement=settlement)
    await stands(voucher, "150.00", "0.00", "0.00", "0.00")
    booking = await booked(engineer, instrument, hours=2)  # 200 yuan, half of it
    await stands(voucher, "50.00", "100.00", "0.00", "0.00")
    usage = await used(manager, instrument, 60, booking_id=booking["id"])
    await stands(voucher, "100.00", "0.00", "50.00", "0.00")
    charge = await charge_of(engineer, usage)
    by_lab = settlement == "lab_redeems"
    # 通用: the firm pays all of it now and is given back its half; 通兑: the lab is owed that half by the programme.
    assert (charge["payer_amount"], charge["payable"]) == ("50.00", "50.00" if by_lab else "100.00")
    assert await owed(session, "due") == ("50.00" if by_lab else "0.00")
    claimant = manager if by_lab else engineer
    claim = {"voucher_id": voucher["id"], "charge_id": charge["id"]}
    for pay in (False, True):
        # What was declined may be asked for once more.
        asked = await claimant.post("/api/v1/redemptions", claim)
        assert asked.status_code == 201, asked.text
        assert (await claimant.post("/api/v1/redemptions", claim)).status_code == 409
        await stands(voucher, "100.00", "0.00", "50.00", "0.00")
        decision = f"/api/v1/redemptions/{asked.json()['id']}/decision"
        assert (await programme.post(decision, {"pay": pay})).status_code == 200
        assert (await programme.post(decision, {"pay": True})).status_code == 409
    await stands(voucher, "100.00", "0.00", "0.00", "50.00")
    assert (await owed(session, "due"), await owed(session, "paid")) == ("0.00", "50.00" if by_lab else "0.00")
    # What was redeemed stays: a correction that would need less of it is refused, and changes nothing.
    url = f"/api/v1/usages/{usage['id']}/adjustments"
    less = await manager.post(url, {"run_minutes": 30, "reason": "更正"})
    refused = await manager.post(f"{url}/{less.json()['id']}/decision", {"accept": True})
    assert refused.json()["type"] == "/problems/redeemed-already"
    await stands(voucher, "100.00", "0.00", "0.00", "50.00")


async def test_held_then_released_by_every_way_out_of_a_booking(manager, engineer, programme, instrument, stands):
    voucher = await a_voucher(programme, engineer, "100.00")
    for way in ("cancellation", "by its keeper"):
        booking = await booked(engineer, instrument, hours=1)
        await stands(voucher, "50.00", "50.00", "0.00", "0.00")
        who = manager if way == "by its keeper" else engineer
        assert (await who.post(f"/api/v1/bookings/{booking['id']}/cancellation", {})).status_code == 200
        await stands(voucher, "100.00", "0.00", "0.00", "0.00")
        assert (await who.post(f"/api/v1/bookings/{booking['id']}/cancellation", {})).status_code == 200
        await stands(voucher, "100.00", "0.00", "0.00", "0.00")


async def test_a_waived_charge_gives_the_voucher_back_what_it_bore(manager, engineer, programme, instrument, stands):
    voucher = await a_voucher(programme, engineer, "100.00")
    charge = await charge_of(
        engineer, await used(manager, instrument, 60, organisation_id=str(engineer.organisation.id))
    )
    await stands(voucher, "50.00", "0.00", "50.00", "0.00")
    assert (await programme.post(f"/api/v1/charges/{charge['id']}/waiver", {"reason": "停电"})).status_code == 201
    await stands(voucher, "100.00", "0.00", "0.00", "0.00")
