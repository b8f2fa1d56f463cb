"""Tariffs, vouchers, free hours and use to begin with, writing out only what matters; and proofs of a ledger."""

import itertools
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from tests.given.labs import day, slot, wish

_numbers = itertools.count(1)

PRICES = {
    "internal": {"per_hour": "20.00"},
    "academic": {"per_hour": "60.00", "per_sample": "10.00"},
    "province_firm": {"per_hour": "100.00", "operator_per_hour": "50.00"},
    "other": {"per_hour": "150.00", "per_run": "30.00"},
}
# With nothing left out.
EVERY_PRICE = {
    name: {"per_hour": "0.00", "per_sample": "0.00", "per_run": "0.00", "operator_per_hour": "0.00"} | prices
    for name, prices in PRICES.items()
}
WINDOW = {"weekdays": [1, 2, 3, 4, 5], "opens": "18:00", "closes": "22:00", "percent": 150}


def a_tariff(**fields: Any) -> dict[str, Any]:
    """Today's, the first of an instrument."""
    return {
        "effective_from": day(0).date().isoformat(),
        "prices": PRICES,
        "windows": [],
        "late_cancel_percent": 50,
        "accepts_vouchers": True,
    } | fields


async def publish(manager: Any, instrument: Any, tariff: dict[str, Any]) -> dict[str, Any]:
    made = await manager.post(f"/api/v1/instruments/{instrument.id}/tariffs", tariff)
    assert made.status_code == 201, made.text
    return made.json()


async def a_voucher(programme: Any, to: Any, amount: str = "100.00", **fields: Any) -> dict[str, Any]:
    told = {
        "organisation_id": str(to.organisation.id),
        "number": f"JL-{next(_numbers):06d}",
        "amount": amount,
        "share_percent": 50,
        "settlement": "lab_redeems",
        "valid_until": "2100-12-31",
    }
    made = await programme.post("/api/v1/vouchers", told | fields)
    assert made.status_code == 201, made.text
    return made.json()


async def free_hours(manager: Any, instrument: Any, year: int, percent: int = 10, hours: int = 10) -> dict[str, Any]:
    body = {"year": year, "yearly_hours": hours, "percent": percent}
    made = await manager.post(f"/api/v1/instruments/{instrument.id}/free-quotas", body)
    assert made.status_code == 201, made.text
    return made.json()


async def booked(by: Any, instrument: Any, at: Any = None, hours: float = 2, **more: Any) -> dict[str, Any]:
    made = await by.post("/api/v1/bookings", wish(instrument, by, at or day(5, 9), hours, **more))
    assert made.status_code == 201, made.text
    return made.json()


# By instrument the minutes of its uses so far: no hour of it is written down twice.
_WRITTEN: dict[Any, int] = {}


async def used(manager: Any, instrument: Any, minutes: int = 120, **more: Any) -> dict[str, Any]:
    """Use that a keeper writes down, of a booking or of an organisation, one after the other."""
    begin = day(0) + timedelta(minutes=_WRITTEN.setdefault(instrument.id, 0))
    body = {"instrument_id": str(instrument.id), "run_minutes": minutes} | slot(begin, max(minutes, 1) / 60)
    _WRITTEN[instrument.id] += 0 if "starts_at" in more else minutes
    made = await manager.post("/api/v1/usages", body | more)
    assert made.status_code == 201, made.text
    return made.json()


async def charge_of(who: Any, usage: dict[str, Any]) -> dict[str, Any]:
    listed = (await who.get("/api/v1/charges", params={"instrument": usage["instrument"]["id"]})).json()["items"]
    [found] = [one for one in listed if one["usage_id"] == usage["id"]]
    return found


_OWED = "case one.kind when 'owed' then one.amount else -one.amount end"

# What must never be found, whoever did whatever in whichever order.
FAULTS = {
    "a posting that does not balance": "select posting_id from posting_line join account on account.id = account_id"
    " group by posting_id, unit having sum(amount) <> 0",
    "a balance that is not the sum of its lines": "select account.id from account left join posting_line on"
    " account_id = account.id group by account.id having balance <> coalesce(sum(amount), 0)",
    "a balance below zero": "select id from account where balance < 0"
    " and kind not in ('fund', 'quota_source', 'income')",
    "a voucher worth more or less than was issued": "select voucher.id from voucher join account on owner_id = voucher.id"
    " group by voucher.id having sum(balance) <> voucher.amount",
    "a hold that is not what its account holds": "select owner_id from account where kind in ('voucher_held',"
    " 'quota_held') and balance <> (select coalesce(sum(hold.amount), 0) from hold join account one on"
    " one.id = hold.account_id where one.owner_id = account.owner_id"
    " and not exists (select from hold_end where hold_id = hold.id))",
    "a charge whose vouchers do not add up": "select charge_id from charge_entry group by charge_id having"
    " sum(voucher_amount) <> (select coalesce(sum(amount), 0) from charge_cover"
    " where charge_cover.charge_id = charge_entry.charge_id)",
    "a charge below zero": "select charge_id from charge_entry group by charge_id having sum(gross) < 0"
    " or sum(free_amount) < 0 or sum(voucher_amount) < 0 or sum(payer_amount) < 0",
    "payers who owe what nobody charged": "select 1 where (select coalesce(sum(balance), 0) from account"
    " where kind = 'payer') <> (select coalesce(sum(payable), 0) from charge_entry)",
    "a hold that outlives its booking": "select hold.id from hold join booking on booking.id = hold.booking_id"
    " where not exists (select from hold_end where hold_id = hold.id)"
    " and (booking.state in ('cancelled', 'moved', 'released', 'refused')"
    " or exists (select from charge where charge.booking_id = booking.id))",
    "a voucher redeemed for more or less than was paid": "select voucher.id from voucher where"
    " (select coalesce(sum(balance), 0) from account where owner_id = voucher.id"
    " and kind in ('voucher_redeemed', 'voucher_owed'))"
    " <> (select coalesce(sum(paid_amount), 0) from redemption where voucher_id = voucher.id)"
    " - (select coalesce(sum(claim_correction.amount), 0) from claim_correction join redemption on redemption.id ="
    " redemption_id where voucher_id = voucher.id and kind = 'returned')",
    "a voucher owed what nobody corrected": "select voucher.id from voucher where"
    " (select coalesce(sum(balance), 0) from account where owner_id = voucher.id and kind = 'voucher_owed')"
    f" <> (select coalesce(sum({_OWED}), 0) from claim_correction one join redemption on redemption.id ="
    " one.redemption_id where voucher_id = voucher.id)",
    "a claim owing more or less than was paid and is not borne": "select redemption.id from redemption"
    f" where (select coalesce(sum({_OWED}), 0) from claim_correction one where one.redemption_id = redemption.id)"
    " <> greatest(0, coalesce(paid_amount, 0) - (select coalesce(sum(one.amount), 0) from claim_correction one"
    " where one.redemption_id = redemption.id and one.kind = 'returned') - (select coalesce(sum(amount), 0)"
    " from charge_cover where charge_cover.charge_id = redemption.charge_id"
    " and charge_cover.voucher_id = redemption.voucher_id))",
    "a voucher that bears more than was claimed": "select redemption.id from redemption where state <> 'declined'"
    " and amount < (select coalesce(sum(amount), 0) from charge_cover where charge_cover.charge_id ="
    " redemption.charge_id and charge_cover.voucher_id = redemption.voucher_id)",
    "a lab that is owed what nobody borrowed": "select 1 where (select coalesce(sum(balance), 0) from account"
    " where kind in ('due', 'paid')) <> (select coalesce(sum(charge_cover.amount), 0) from charge_cover join"
    " voucher on voucher.id = voucher_id where settlement = 'lab_redeems')",
    "a lab paid what nobody decided": "select 1 where (select coalesce(sum(balance), 0) from account"
    " where kind = 'paid') <> (select coalesce(sum(paid_amount), 0) from redemption join voucher"
    " on voucher.id = voucher_id where settlement = 'lab_redeems') - (select coalesce(sum(one.amount), 0)"
    " from claim_correction one join redemption on redemption.id = one.redemption_id join voucher"
    " on voucher.id = voucher_id where settlement = 'lab_redeems' and one.kind = 'owed')",
    "a voucher that is spent and borne by nothing": "select voucher.id from voucher where (select coalesce(sum(balance),"
    " 0) from account where owner_id = voucher.id and kind in ('voucher_spent', 'voucher_redeemed'))"
    " <> (select coalesce(sum(amount), 0) from charge_cover where voucher_id = voucher.id)",
}


async def faults(session: Any) -> list[str]:
    """The names of what is wrong with the ledger; the deferred check is called early."""
    await session.execute(text("set constraints all immediate"))
    await session.execute(text("set constraints all deferred"))
    return [name for name, query in FAULTS.items() if (await session.execute(text(query))).first() is not None]
