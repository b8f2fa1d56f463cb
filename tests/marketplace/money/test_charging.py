"""Held at booking, settled by what was used, given back when nothing comes of it: free time, vouchers, the payer."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from marketplace.kernel import clock
from marketplace.labs import bookings
from tests.given.labs import an_instrument, day, slot
from tests.given.money import a_tariff, a_voucher, booked, charge_of, faults, free_hours, publish, used

YEAR = day(5).year


async def left(programme, voucher) -> tuple[str, str, str, str]:
    now = (await programme.get(f"/api/v1/vouchers/{voucher['id']}")).json()
    return now["available"], now["held"], now["spent"], now["redeemed"]


async def free(who, instrument) -> tuple[int, int, int]:
    told = (await who.get(f"/api/v1/instruments/{instrument.id}/free-quotas")).json()["items"][0]
    return told["available_minutes"], told["held_minutes"], told["used_minutes"]


async def test_free_time_first_then_the_voucher_then_the_payer(session, manager, engineer, programme, instrument):
    """Two hours at 100: one hour of ten is free, the voucher bears half of the rest, the firm pays what is left."""
    await free_hours(manager, instrument, YEAR)
    voucher = await a_voucher(programme, engineer)
    booking = await booked(engineer, instrument)
    assert await free(engineer, instrument) == (0, 60, 0)
    assert await left(programme, voucher) == ("50.00", "50.00", "0.00", "0.00")
    usage = await used(manager, instrument, 120, booking_id=booking["id"])
    charge = await charge_of(engineer, usage)
    sums = [charge[name] for name in ("gross", "free_minutes", "free_amount", "voucher_amount", "payer_amount")]
    assert sums == ["200.00", 60, "100.00", "50.00", "50.00"]
    assert await free(engineer, instrument) == (0, 0, 60)
    assert await left(programme, voucher) == ("50.00", "0.00", "50.00", "0.00")
    assert await faults(session) == []


async def test_what_was_held_and_not_used_goes_back(session, manager, engineer, programme, instrument):
    voucher = await a_voucher(programme, engineer)
    booking = await booked(engineer, instrument)
    assert await left(programme, voucher) == ("0.00", "100.00", "0.00", "0.00")
    usage = await used(manager, instrument, 30, booking_id=booking["id"])
    assert (await charge_of(engineer, usage))["voucher_amount"] == "25.00"
    assert await left(programme, voucher) == ("75.00", "0.00", "25.00", "0.00")
    assert await faults(session) == []


async def test_a_late_cancellation_costs_its_share_and_frees_the_voucher(
    session, manager, engineer, programme, instrument
):
    voucher = await a_voucher(programme, engineer)
    booking = await booked(engineer, instrument)
    assert (await engineer.post(f"/api/v1/bookings/{booking['id']}/cancellation", {})).json()["cancelled_late"]
    assert await left(programme, voucher) == ("100.00", "0.00", "0.00", "0.00")
    [charge] = (await engineer.get("/api/v1/charges")).json()["items"]
    assert (charge["kind"], charge["gross"], charge["payer_amount"]) == ("late_cancellation", "100.00", "100.00")
    assert await faults(session) == []


async def test_a_keeper_who_cancels_late_charges_nobody(manager, engineer, instrument):
    booking = await booked(engineer, instrument)
    assert (await manager.post(f"/api/v1/bookings/{booking['id']}/cancellation", {})).status_code == 200
    assert (await engineer.get("/api/v1/charges")).json()["items"] == []


async def test_a_moved_booking_holds_once(session, engineer, programme, instrument):
    voucher = await a_voucher(programme, engineer)
    booking = await booked(engineer, instrument)
    moved = await engineer.post(f"/api/v1/bookings/{booking['id']}/move", slot(day(6, 9), 1))
    assert moved.status_code == 201, moved.text
    assert await left(programme, voucher) == ("50.00", "50.00", "0.00", "0.00")
    assert await faults(session) == []


async def test_who_does_not_come_is_charged_like_who_cancels_late(session, manager, engineer, programme):
    made = await an_instrument(session, manager.organisation, no_show_minutes=30)
    await publish(manager, made, a_tariff(late_cancel_percent=30))
    voucher = await a_voucher(programme, engineer)
    booking = await booked(engineer, made, day(1, 9))
    later = day(1, 10) - clock.now()
    with clock.ahead(later):
        assert await bookings.release_no_shows(session, clock.now()) == 1
        await session.commit()
    assert (await engineer.get(f"/api/v1/bookings/{booking['id']}")).json()["state"] == "released"
    [charge] = (await engineer.get("/api/v1/charges")).json()["items"]
    assert (charge["kind"], charge["gross"]) == ("no_show", "60.00")
    assert await left(programme, voucher) == ("100.00", "0.00", "0.00", "0.00")


async def test_a_booking_keeps_the_price_it_was_confirmed_at(session, manager, engineer, instrument):
    booking = await booked(engineer, instrument)
    dear = {name: {"per_hour": "999.00"} for name in ("internal", "academic", "province_firm", "other")}
    await publish(manager, instrument, a_tariff(prices=dear, effective_from=day(1).date().isoformat()))
    told = (await engineer.get(f"/api/v1/instruments/{instrument.id}/tariffs")).json()["items"]
    assert len(told) == 2
    usage = await used(manager, instrument, 60, booking_id=booking["id"])
    assert (await charge_of(engineer, usage))["gross"] == "100.00"


async def test_a_tariff_is_never_backdated(session, manager, instrument):
    url = f"/api/v1/instruments/{instrument.id}/tariffs"
    for since in (day(0), day(-3)):
        refused = await manager.post(url, a_tariff(effective_from=since.date().isoformat()))
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "backdated")
    with pytest.raises(DBAPIError, match="not_backdated"):
        await session.execute(
            text(
                "insert into tariff (id, instrument_id, effective_from, prices, windows, late_cancel_percent,"
                " accepts_vouchers, created_by) select gen_random_uuid(), instrument_id, '2020-01-01', prices, windows,"
                " late_cancel_percent, accepts_vouchers, created_by from tariff"
            )
        )


async def test_an_accepted_correction_of_use_corrects_the_charge_and_says_so(
    session, manager, engineer, programme, instrument
):
    await free_hours(manager, instrument, day(0).year)
    voucher = await a_voucher(programme, engineer)
    usage = await used(manager, instrument, 120, organisation_id=str(engineer.organisation.id))
    charge = await charge_of(engineer, usage)
    url = f"/api/v1/usages/{usage['id']}/adjustments"
    asked = (await engineer.post(url, {"run_minutes": 30, "reason": "只运行了半小时"})).json()
    await manager.post(f"{url}/{asked['id']}/decision", {"accept": True})
    now = (await engineer.get(f"/api/v1/charges/{charge['id']}")).json()
    assert (now["gross"], now["free_minutes"], now["voucher_amount"], now["payer_amount"]) == (
        "50.00", 30, "0.00", "0.00",
    )  # fmt: skip
    assert await free(engineer, instrument) == (30, 0, 30)
    assert await left(programme, voucher) == ("100.00", "0.00", "0.00", "0.00")
    steps = (await engineer.get(f"/api/v1/charges/{charge['id']}/entries")).json()["items"]
    assert [(one["kind"], one["gross"]) for one in steps] == [("corrected", "-150.00"), ("charged", "200.00")]
    assert await faults(session) == []


async def test_use_without_a_tariff_costs_nothing(session, manager, engineer):
    made = await an_instrument(session, manager.organisation)
    await used(manager, made, 60, organisation_id=str(engineer.organisation.id))
    assert (await engineer.get("/api/v1/charges")).json()["items"] == []


async def test_a_voucher_is_taken_only_while_it_lasts_and_where_it_is_accepted(
    session, manager, engineer, programme, instrument
):
    await a_voucher(programme, engineer, valid_until=day(3).date().isoformat())
    late = await engineer.post(
        f"/api/v1/instruments/{instrument.id}/quotes",
        {"organisation_id": str(engineer.organisation.id)} | slot(day(5, 9)),
    )
    assert late.json()["voucher_amount"] == "0.00"
    other = await an_instrument(session, manager.organisation)
    await publish(manager, other, a_tariff(accepts_vouchers=False))
    asked = {"organisation_id": str(engineer.organisation.id)} | slot(day(2, 9))
    for one, amount in ((instrument, "50.00"), (other, "0.00")):
        told = (await engineer.post(f"/api/v1/instruments/{one.id}/quotes", asked)).json()
        assert told["voucher_amount"] == amount


TOUCHED = {
    "a line changed": "update posting_line set amount = amount + 1",
    "a line removed": "delete from posting_line",
    "a posting removed": "delete from posting",
    "a balance changed": "update account set balance = balance + 1",
    "an account removed": "delete from account",
    "all lines gone": "truncate posting_line cascade",
    "an entry changed": "update charge_entry set gross = 0",
    "a charge removed": "delete from charge",
    "a voucher changed": "update voucher set amount = amount * 2",
    "a tariff changed": "update tariff set late_cancel_percent = 0",
    "a hold changed": "update hold set amount = amount + 1",
    "a full account": "insert into account (id, kind, owner_id, unit, balance)"
    " values (gen_random_uuid(), 'due', gen_random_uuid(), 'yuan', 5)",
}


async def in_a_savepoint(session, statement: str) -> None:
    async with session.begin_nested():
        await session.execute(text(statement))


async def test_what_was_written_in_the_ledger_cannot_be_touched(session, manager, engineer, programme, instrument):
    await a_voucher(programme, engineer)
    booking = await booked(engineer, instrument)
    await used(manager, instrument, 120, booking_id=booking["id"])
    await session.execute(text("set constraints all immediate"))
    for statement in TOUCHED.values():
        with pytest.raises(DBAPIError, match=r"only grows|lines alone|at nought"):
            await in_a_savepoint(session, statement)


async def test_a_posting_that_does_not_balance_is_refused_by_the_database(session, engineer, programme):
    voucher = await a_voucher(programme, engineer)
    await session.execute(text("set constraints all immediate"))
    with pytest.raises(DBAPIError, match="does not balance"):
        await session.execute(
            text(
                "with opened as (insert into account (id, kind, owner_id, unit)"
                " values (gen_random_uuid(), 'due', gen_random_uuid(), 'yuan') returning id),"
                " posted as (insert into posting (id, kind, subject_id) values (gen_random_uuid(), 'issued', :id)"
                " returning id) insert into posting_line (id, posting_id, account_id, amount)"
                " select gen_random_uuid(), posted.id, opened.id, 7 from posted, opened"
            ),
            {"id": voucher["id"]},
        )
