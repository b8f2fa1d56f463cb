"""Through HTTP, on connections that really commit: a voucher is spent once, a hold ends once, nothing falls below zero."""

import asyncio
from collections import Counter

import pytest
from sqlalchemy import text

from marketplace.money import ledger
from schemas.identity import OrganisationKind, Role
from tests.conftest import a_real_place
from tests.given.labs import an_instrument, day, slot, wish
from tests.given.money import a_tariff, a_voucher, faults, free_hours, publish

CLIENTS = 10


class Place:
    """A firm's people, each on an instrument of their own, and one voucher that is not enough for all of them."""

    def __init__(self, real) -> None:
        self.real = real

    async def build(self, clients: int, amount: str) -> "Place":
        given = self.real.given
        lab, firm = await given.organisation(), await given.organisation(kinds=(OrganisationKind.ENTERPRISE,))
        self.manager = await given.person(Role.LAB_MANAGER, lab)
        self.programme = await given.admin()
        self.users = [await given.person(Role.EDITOR, firm) for _ in range(clients)]
        self.instruments = [await an_instrument(given.session, lab) for _ in range(clients)]
        for one in self.instruments:
            await publish(self.manager, one, a_tariff())
        self.voucher = await a_voucher(self.programme, self.users[0], amount, share_percent=100)
        return self

    async def book(self) -> list[dict]:
        answers = await asyncio.gather(
            *(
                who.post("/api/v1/bookings", wish(one, who, day(3, 9), 1))
                for who, one in zip(self.users, self.instruments, strict=True)
            )
        )
        self.statuses = Counter(answer.status_code for answer in answers)
        return [answer.json() for answer in answers if answer.status_code == 201]

    async def voucher_now(self) -> dict:
        return (await self.programme.get(f"/api/v1/vouchers/{self.voucher['id']}")).json()

    async def faults(self) -> list[str]:
        async with self.real.database.writing() as session:
            return await faults(session)


async def test_in_a_storm_a_voucher_is_held_and_spent_once(real):
    """350 yuan, ten bookings of a hundred: three and a half are borne, whoever comes first."""
    place = await Place(real).build(CLIENTS, "350.00")
    made = await place.book()
    assert place.statuses == {201: CLIENTS}
    now = await place.voucher_now()
    assert (now["available"], now["held"]) == ("0.00", "350.00")
    assert await place.faults() == []

    # The same use is written down twice at once, cancelled and written down at once, while others book again.
    calls = []
    for number, booking in enumerate(made):
        used = {"instrument_id": booking["instrument"]["id"], "booking_id": booking["id"], "run_minutes": 45}
        calls += [place.manager.post("/api/v1/usages", used | slot(day(0), 1)) for _ in range(2)]
        if number % 2:
            calls.append(place.users[number].post(f"/api/v1/bookings/{booking['id']}/cancellation", {}))
        who, one = place.users[number], place.instruments[number]
        calls.append(who.post("/api/v1/bookings", wish(one, who, day(4, 9), 1)))
    seen = Counter(answer.status_code for answer in await asyncio.gather(*calls))
    assert set(seen) <= {200, 201, 409}, seen
    now = await place.voucher_now()
    assert sum(map(float, (now["available"], now["held"], now["spent"]))) == 350
    assert await place.faults() == []


async def test_free_time_is_given_once_and_a_redemption_is_paid_once(real):
    place = await Place(real).build(4, "1000.00")
    one = place.instruments[0]
    await free_hours(place.manager, one, day(0).year, percent=15)  # 90 minutes
    whole = {"instrument_id": str(one.id), "organisation_id": str(place.users[0].organisation.id), "run_minutes": 60}
    answers = await asyncio.gather(
        *(place.manager.post("/api/v1/usages", whole | slot(day(0, hour), 1)) for hour in range(4))
    )
    assert {answer.status_code for answer in answers} == {201}
    [quota] = (await place.users[0].get(f"/api/v1/instruments/{one.id}/free-quotas")).json()["items"]
    assert (quota["available_minutes"], quota["used_minutes"]) == (0, 90)
    charges = (await place.manager.get("/api/v1/charges", params={"instrument": str(one.id)})).json()["items"]
    borne = [one for one in charges if one["voucher_amount"] != "0.00"]
    claim = {"voucher_id": place.voucher["id"], "charge_id": borne[0]["id"]}
    asked = await asyncio.gather(*(place.manager.post("/api/v1/redemptions", claim) for _ in range(4)))
    assert sorted(answer.status_code for answer in asked) == [201, 409, 409, 409]
    [made] = [answer.json() for answer in asked if answer.status_code == 201]
    url = f"/api/v1/redemptions/{made['id']}/decision"
    paid = await asyncio.gather(*(place.programme.post(url, {"pay": True}) for _ in range(4)))
    assert sorted(answer.status_code for answer in paid) == [200, 409, 409, 409]
    assert (await place.voucher_now())["redeemed"] == made["amount"]
    assert await place.faults() == []


@pytest.fixture
async def naive(clones, settings, monkeypatch):
    """Balances are looked at before anybody wrote, by all at once, and no lock is taken."""
    url = await clones.make()
    looked = asyncio.Barrier(4)
    look = ledger.balances

    async def unlocked(session, wanted):
        found = await look(session, wanted)
        await looked.wait()
        return found

    async with a_real_place(url, settings) as place:
        built = await Place(place).build(4, "150.00")
        monkeypatch.setattr(ledger, "locked", unlocked)
        yield built
    await clones.drop(url)


async def test_the_database_refuses_what_a_naive_program_would_spend_twice(naive):
    await naive.book()
    assert naive.statuses == {201: 1, 409: 3}
    assert await naive.faults() == []


async def test_the_storm_catches_a_ledger_without_locks_and_without_its_constraint(naive):
    async with naive.real.database.writing.begin() as session:
        await session.execute(text("alter table account drop constraint account_not_negative_check"))
    await naive.book()
    assert naive.statuses == {201: 4}
    assert await naive.faults() == ["a balance below zero"]
