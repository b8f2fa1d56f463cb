"""A voucher's money is available, held, spent and redeemed in turn, and comes back wherever it was not used."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from marketplace.kernel import clock
from tests.given.devices import Signed, a_device
from tests.given.labs import an_instrument, day
from tests.given.money import a_tariff, a_voucher, booked, charge_of, faults, publish, used

KINDS = ("available", "held", "spent", "redeemed", "owed")


@pytest.fixture
def stands(programme, session):
    """What is where in a voucher; its ledger says the same, and nothing is wrong with the whole."""

    async def standing(voucher: dict, *wanted: str) -> None:
        wanted += ("0.00",) * (len(KINDS) - len(wanted))
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
    # Corrected afterwards, what the voucher bears no more is owed back, and is not there to be spent before it came.
    one = f"/api/v1/redemptions/{asked.json()['id']}"
    await corrected(manager, usage, 30)
    await stands(voucher, "100.00", "0.00", "0.00", "25.00", "25.00")
    assert await owed(session, "paid") == ("25.00" if by_lab else "0.00")
    await corrected(manager, usage, 45)
    await stands(voucher, "100.00", "0.00", "0.00", "37.50", "12.50")
    await corrected(manager, usage, 30)
    # Both sides see it, beside what was paid: nothing of that was changed.
    for who in (manager, engineer):
        seen, _ = (await who.get(f"/api/v1/charges/{charge['id']}")).json()["claims"]
        assert [seen[name] for name in ("amount", "paid_amount", "borne", "owed")] == [
            "50.00",
            "50.00",
            "25.00",
            "25.00",
        ]
    assert (await claimant.post(f"{one}/return", {})).status_code == 403
    back = await programme.post(f"{one}/return", {"note": "已到账"})
    assert (back.status_code, back.json()["kind"], back.json()["amount"], back.json()["note"]) == (
        201, "returned", "25.00", "已到账",
    )  # fmt: skip
    await stands(voucher, "125.00", "0.00", "0.00", "25.00", "0.00")
    assert (await programme.post(f"{one}/return", {})).json()["type"] == "/problems/nothing-owed"
    for who in (manager, engineer, programme):
        steps = (await who.get(f"{one}/corrections")).json()["items"]
        assert [(step["kind"], step["amount"]) for step in steps] == [
            ("returned", "25.00"), ("owed", "12.50"), ("owed", "-12.50"), ("owed", "25.00"),
        ]  # fmt: skip
    # What came back is the payer's again; more than was asked for once the voucher does not bear.
    await corrected(manager, usage, 60)
    now = await charge_of(engineer, usage)
    assert (now["gross"], now["voucher_amount"], now["payer_amount"]) == ("100.00", "25.00", "75.00")
    await stands(voucher, "125.00", "0.00", "0.00", "25.00", "0.00")


async def corrected(manager, usage: dict, minutes: int) -> None:
    url = f"/api/v1/usages/{usage['id']}/adjustments"
    asked = await manager.post(url, {"run_minutes": minutes, "reason": "更正"})
    decided = await manager.post(f"{url}/{asked.json()['id']}/decision", {"accept": True})
    assert decided.status_code == 200, decided.text


async def test_a_claim_is_paid_what_the_voucher_bears_when_it_is_decided(
    manager, engineer, programme, instrument, stands
):
    voucher = await a_voucher(programme, engineer, "150.00")
    usage = await used(manager, instrument, 60, organisation_id=str(engineer.organisation.id))
    charge = await charge_of(engineer, usage)
    claim = {"voucher_id": voucher["id"], "charge_id": charge["id"]}
    asked = (await manager.post("/api/v1/redemptions", claim)).json()
    decision = f"/api/v1/redemptions/{asked['id']}/decision"
    waived = await manager.post(
        f"/api/v1/charges/{charge['id']}/adjustments", {"comes_to": "0.00", "reason": "设备故障"}
    )
    assert waived.status_code == 201
    assert (await programme.post(decision, {"pay": True})).json()["type"] == "/problems/nothing-to-redeem"
    await manager.post(f"/api/v1/charges/{charge['id']}/adjustments", {"comes_to": "40.00", "reason": "部分完成"})
    paid = (await programme.post(decision, {"pay": True})).json()
    assert [paid[name] for name in ("amount", "paid_amount", "borne", "owed")] == ["50.00", "20.00", "20.00", "0.00"]
    await stands(voucher, "130.00", "0.00", "0.00", "20.00")


async def test_a_meter_that_speaks_after_the_voucher_was_redeemed_corrects_the_use(
    app, client, session, manager, engineer, programme, stands
):
    instrument = await an_instrument(session, manager.organisation, slot_minutes=5, min_minutes=5)
    await publish(manager, instrument, a_tariff())
    voucher = await a_voucher(programme, engineer, "150.00")
    meter = await a_device(manager, instrument)
    booking = await booked(engineer, instrument, day(2, 9), 2)
    one = f"/api/v1/bookings/{booking['id']}"
    with clock.ahead(day(2, 9) - clock.now()):
        assert (await engineer.post(f"{one}/check-in")).status_code == 200
    with clock.ahead(day(2, 11) - timedelta(seconds=30) - clock.now()):
        assert (await engineer.post(f"{one}/check-out", {})).status_code == 200
    [usage] = (await engineer.get("/api/v1/usages")).json()["items"]
    charge = await charge_of(engineer, usage)
    claim = {"voucher_id": voucher["id"], "charge_id": charge["id"]}
    asked = (await manager.post("/api/v1/redemptions", claim)).json()
    await programme.post(f"/api/v1/redemptions/{asked['id']}/decision", {"pay": True})
    await stands(voucher, "50.00", "0.00", "0.00", "100.00")
    ran = {"id": "1", "kind": "run", "at": day(2, 9).isoformat(), "until": day(2, 10).isoformat()}
    with clock.ahead(day(2, 12) - clock.now()):
        path = f"/api/v1/meters/{meter['id']}/events"
        said = await client.post(path, json={"events": [ran]}, auth=Signed(app.state.signing_key))
    assert said.json()["results"][0]["outcome"] == "added"
    now = await charge_of(engineer, usage)
    assert (now["gross"], now["voucher_amount"], now["payer_amount"]) == ("100.00", "50.00", "50.00")
    await stands(voucher, "50.00", "0.00", "0.00", "50.00", "50.00")
    steps = (await engineer.get(f"/api/v1/charges/{charge['id']}/entries")).json()["items"]
    assert [(step["kind"], step["gross"]) for step in steps] == [("corrected", "-100.00"), ("charged", "200.00")]


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
