"""A price that is told before, and that can be questioned after: each step kept, each sum from its lines."""

from decimal import Decimal

import pytest

from schemas.tariffs import SUMS
from tests.given.labs import an_instrument, day, slot, weekday
from tests.given.money import (
    PRICES,
    WINDOW,
    a_tariff,
    a_voucher,
    booked,
    charge_of,
    faults,
    free_hours,
    publish,
    used,
)


@pytest.fixture
async def charge(manager, engineer, instrument) -> dict:
    """An hour and a half of a firm: 150 yuan."""
    usage = await used(manager, instrument, 90, organisation_id=str(engineer.organisation.id))
    return await charge_of(engineer, usage)


async def test_a_quote_says_what_the_booking_is_charged(session, manager, engineer, programme):
    made = await an_instrument(session, manager.organisation)
    await publish(manager, made, a_tariff(windows=[WINDOW]))
    await free_hours(manager, made, weekday(3).year, percent=5)
    await a_voucher(programme, engineer, "1000.00", settlement="firm_redeems")
    at = weekday(3, 17)
    asked = {"organisation_id": str(engineer.organisation.id), "assisted": True} | slot(at, 2)
    quote = (await engineer.post(f"/api/v1/instruments/{made.id}/quotes", asked)).json()
    # 100 + 150 in the evening + 100 for the operator; 30 of 120 minutes free; half of the rest by the voucher.
    sums = [
        quote[name] for name in ("gross", "free_minutes", "free_amount", "voucher_amount", "payer_amount", "payable")
    ]
    assert sums == ["350.00", 30, "87.50", "131.25", "131.25", "262.50"]
    assert sum(Decimal(line["amount"]) for line in quote["lines"]) == Decimal(quote["gross"])
    booking = await booked(engineer, made, at, 2, assisted=True)
    usage = await used(manager, made, 120, booking_id=booking["id"], assisted=True, **slot(at, 2))
    charge = await charge_of(engineer, usage)
    assert [charge[name] for name in ("gross", "free_minutes", "voucher_amount", "payable")] == [
        "350.00", 30, "131.25", "262.50",
    ]  # fmt: skip


async def test_without_a_tariff_no_sum_is_told_and_what_is_free_costs_nought(session, manager, engineer):
    silent = await an_instrument(session, manager.organisation)
    free = await an_instrument(session, manager.organisation)
    await publish(manager, free, a_tariff(prices={name: {} for name in PRICES}))
    asked = {"organisation_id": str(engineer.organisation.id)} | slot(day(2, 9))
    told = [(await engineer.post(f"/api/v1/instruments/{one.id}/quotes", asked)).json() for one in (silent, free)]
    assert [[one[name] for name in SUMS] for one in told] == [[None] * 6, ["0.00", 0, "0.00", "0.00", "0.00", "0.00"]]
    assert [one["unpriced"] for one in told] == ["no_tariff", None]
    assert [one["lines"] for one in told] == [[], []]
    assert told[0]["tariff_id"] is None
    assert told[0]["minutes"] == 60


async def test_a_dispute_is_opened_by_the_payer_answered_by_the_lab_and_kept(session, manager, engineer, charge):
    url = f"/api/v1/charges/{charge['id']}/disputes"
    assert (await manager.post(url, {"reason": "x"})).json()["type"] == "/problems/not-the-payer"
    opened = (await engineer.post(url, {"reason": "只用了一小时"})).json()
    assert (await engineer.post(url, {"reason": "再说一次"})).json()["type"] == "/problems/disputed-already"
    [waiting] = (await manager.get("/api/v1/charges", params={"kept": True, "disputed": True})).json()["items"]
    assert waiting["id"] == charge["id"]
    answer = f"{url}/{opened['id']}/answer"
    assert (await engineer.post(answer, {"accept": True, "comes_to": "0.00", "answer": "x"})).status_code == 403
    unsaid = await manager.post(answer, {"accept": True, "answer": "属实"})
    assert unsaid.json()["errors"][0]["pointer"] == "/comes_to"
    done = await manager.post(answer, {"accept": True, "comes_to": "100.00", "answer": "属实"})
    assert (done.status_code, done.json()["state"]) == (200, "accepted")
    assert (await manager.post(answer, {"accept": False, "answer": "x"})).status_code == 409
    now = (await engineer.get(f"/api/v1/charges/{charge['id']}")).json()
    assert (now["gross"], now["payer_amount"], now["disputed"]) == ("100.00", "100.00", False)
    steps = (await engineer.get(f"/api/v1/charges/{charge['id']}/entries")).json()["items"]
    assert [(one["kind"], one["gross"], one["reason"]) for one in steps] == [
        ("adjusted", "-50.00", "属实"),
        ("charged", "150.00", None),
    ]
    assert await faults(session) == []


async def test_the_platform_waives_and_everything_borne_is_given_back(
    session, manager, engineer, programme, instrument
):
    voucher = await a_voucher(programme, engineer)
    usage = await used(manager, instrument, 60, organisation_id=str(engineer.organisation.id))
    charge = await charge_of(engineer, usage)
    await engineer.post(f"/api/v1/charges/{charge['id']}/disputes", {"reason": "设备坏了"})
    url = f"/api/v1/charges/{charge['id']}/waiver"
    assert (await manager.post(url, {"reason": "x"})).status_code == 403
    assert (await programme.post(url, {"reason": "设备故障"})).status_code == 201
    assert (await programme.post(url, {"reason": "设备故障"})).json()["type"] == "/problems/nothing-left"
    [dispute] = (await engineer.get(f"/api/v1/charges/{charge['id']}/disputes")).json()["items"]
    assert (dispute["state"], dispute["answer"]) == ("waived", "设备故障")
    assert (await engineer.get(f"/api/v1/vouchers/{voucher['id']}")).json()["available"] == "100.00"
    assert await faults(session) == []


@pytest.mark.parametrize("settlement", ["firm_redeems", "lab_redeems"])
async def test_a_voucher_is_redeemed_by_whoever_advanced_it_and_then_stands(
    settlement, session, manager, engineer, programme, instrument
):
    voucher = await a_voucher(programme, engineer, settlement=settlement)
    usage = await used(manager, instrument, 60, organisation_id=str(engineer.organisation.id))
    charge = await charge_of(engineer, usage)
    firm = settlement == "firm_redeems"
    assert (charge["payer_amount"], charge["payable"]) == ("50.00", "100.00" if firm else "50.00")
    owed, other = (engineer, manager) if firm else (manager, engineer)
    claim = {"voucher_id": voucher["id"], "charge_id": charge["id"]}
    assert (await other.post("/api/v1/redemptions", claim)).json()["type"] == "/problems/not-yours-to-redeem"
    asked = (await owed.post("/api/v1/redemptions", claim)).json()
    assert (asked["amount"], asked["claimant_id"]) == ("50.00", str(owed.organisation.id))
    paid = await programme.post(f"/api/v1/redemptions/{asked['id']}/decision", {"pay": True})
    assert paid.json()["state"] == "paid"
    now = (await engineer.get(f"/api/v1/vouchers/{voucher['id']}")).json()
    assert (now["available"], now["spent"], now["redeemed"]) == ("50.00", "0.00", "50.00")
    moves = (await engineer.get(f"/api/v1/vouchers/{voucher['id']}/moves")).json()["items"]
    assert sum(Decimal(one["amount"]) for one in moves) == Decimal(voucher["amount"])
    assert await faults(session) == []


async def test_free_time_that_was_used_cannot_be_taken_back(session, manager, engineer, instrument):
    await free_hours(manager, instrument, day(0).year, percent=10)
    await used(manager, instrument, 60, organisation_id=str(engineer.organisation.id))
    url = f"/api/v1/instruments/{instrument.id}/free-quotas"
    less = await manager.post(url, {"year": day(0).year, "yearly_hours": 10, "percent": 5})
    assert less.json()["type"] == "/problems/given-already"
    more = await manager.post(url, {"year": day(0).year, "yearly_hours": 10, "percent": 20})
    assert (more.json()["available_minutes"], more.json()["used_minutes"]) == (60, 60)
    assert await faults(session) == []


BAD = {
    "worth nothing": {"amount": "0.00"},
    "over already": {"valid_until": "2020-01-01"},
    "more than all": {"share_percent": 101},
    "of nobody": {"organisation_id": "00000000-0000-4000-8000-000000000000"},
}


@pytest.mark.parametrize("what", list(BAD))
async def test_a_voucher_that_cannot_be_is_refused(what, engineer, programme):
    good = await a_voucher(programme, engineer)
    told = {
        "organisation_id": str(engineer.organisation.id), "number": "JL-X", "amount": "1.00", "share_percent": 1,
        "settlement": "lab_redeems", "valid_until": "2100-01-01",
    }  # fmt: skip
    assert (await programme.post("/api/v1/vouchers", told | BAD[what])).status_code in {404, 422}
    twice = await programme.post("/api/v1/vouchers", told | {"number": good["number"]})
    assert twice.json()["type"] == "/problems/number-taken"
