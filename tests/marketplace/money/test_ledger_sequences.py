# ruff: noqa: ARG002 -- every step is called alike
"""No sequence of operations makes a ledger that does not add up, a balance below zero, or a voucher spent twice."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock
from marketplace.labs import bookings
from tests.given.devices import Signed, a_device
from tests.given.labs import day, slot, wish
from tests.given.money import a_voucher, faults, free_hours

steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["book", "book", "use", "use", "cancel", "move", "correct", "adjust", "dispute", "waive", "redeem", "pay",
             "grant", "walk in", "miss", "come and go", "come and go", "measure", "measure", "redeem", "pay", "hand back",
             "withdraw"]
        ),
        st.integers(0, 3),
        st.integers(1, 8),
    ),
    min_size=6,
    max_size=12,
)  # fmt: skip


class Course:
    """What was made so far; each step takes one of it, and may well be refused."""

    def __init__(
        self, manager: Any, engineer: Any, programme: Any, instrument: Any, connection: Any, meter: str, signed: Any
    ) -> None:
        self.manager, self.engineer, self.programme, self.instrument = manager, engineer, programme, instrument
        self.connection, self.meter, self.signed = connection, meter, signed
        self.bookings: list[str] = []
        self.usages: list[str] = []
        self.claims: list[str] = []
        self.hour = self.uses = self.runs = 0

    async def step(self, name: str, which: int, size: int) -> int:
        answer = await getattr(self, name.replace(" ", "_"))(which, size)
        return 0 if answer is None else int(answer.status_code)

    def pick(self, made: list[str], which: int) -> str | None:
        return made[which % len(made)] if made else None

    async def charge(self, which: int) -> str | None:
        listed = (await self.engineer.get("/api/v1/charges")).json()["items"]
        return self.pick([one["id"] for one in listed], which)

    async def book(self, which: int, size: int) -> Any:
        self.hour += 5
        asked = wish(self.instrument, self.engineer, day(2, self.hour), size / 2)
        answer = await self.engineer.post("/api/v1/bookings", asked)
        if answer.status_code == 201:
            self.bookings.append(answer.json()["id"])
        return answer

    async def _used(self, size: int, **of: Any) -> Any:
        self.uses += 1
        body = (
            {"instrument_id": str(self.instrument.id), "run_minutes": size * 17} | slot(day(0, 3 * self.uses), 3) | of
        )
        answer = await self.manager.post("/api/v1/usages", body)
        if answer.status_code == 201:
            self.usages.append(answer.json()["id"])
        return answer

    async def use(self, which: int, size: int) -> Any:
        booking = self.pick(self.bookings, which)
        return await self._used(size, booking_id=booking) if booking else None

    async def walk_in(self, which: int, size: int) -> Any:
        return await self._used(size, organisation_id=str(self.engineer.organisation.id))

    async def come_and_go(self, which: int, size: int) -> Any:
        """Checked in and out at the time that was booked, leaving before or after its end."""
        booking = self.pick(self.bookings, which)
        if booking is None:
            return None
        one = f"/api/v1/bookings/{booking}"
        told = (await self.engineer.get(one)).json()
        with clock.ahead(datetime.fromisoformat(told["starts_at"]) - clock.now() + timedelta(minutes=1)):
            came = await self.engineer.post(f"{one}/check-in")
            if came.status_code != 200:
                return came
            with clock.ahead(timedelta(minutes=size * 20)):
                answer = await self.engineer.post(f"{one}/check-out", {"preparation_minutes": size, "samples": size})
        if answer.status_code == 200:
            listed = (await self.engineer.get("/api/v1/usages")).json()["items"]
            self.usages += [used["id"] for used in listed if used["booking_id"] == booking]
        return answer

    async def measure(self, which: int, size: int) -> Any:
        """A meter tells of the time of a booking, before or after it was charged, redeemed or returned."""
        booking = self.pick(self.bookings, which)
        if booking is None:
            return None
        told = (await self.engineer.get(f"/api/v1/bookings/{booking}")).json()
        since = datetime.fromisoformat(told["starts_at"])
        until = since + timedelta(minutes=size * 13)
        self.runs += 1
        event = {"id": str(self.runs), "kind": "run", "at": since.isoformat(), "until": until.isoformat()}
        with clock.ahead(until - clock.now() + timedelta(minutes=1)):
            path = f"/api/v1/meters/{self.meter}/events"
            return await self.engineer.client.post(path, json={"events": [event]}, auth=self.signed())

    async def withdraw(self, which: int, size: int) -> Any:
        usage = self.pick(self.usages, which)
        return await self.manager.post(f"/api/v1/usages/{usage}/withdrawal", {"reason": "录错了"}) if usage else None

    async def hand_back(self, which: int, size: int) -> Any:
        claim = self.pick(self.claims, which)
        return await self.programme.post(f"/api/v1/redemptions/{claim}/return", {}) if claim else None

    async def miss(self, which: int, size: int) -> Any:
        """Everybody who has not come an hour after their time is released."""
        late = clock.now() + timedelta(days=2, hours=size * 5)
        async with AsyncSession(self.connection, join_transaction_mode="create_savepoint") as session:
            released = await bookings.release_no_shows(session, late)
            await session.commit()
        return SimpleNamespace(status_code=200 if released else 0)

    async def cancel(self, which: int, size: int) -> Any:
        booking = self.pick(self.bookings, which)
        return await self.engineer.post(f"/api/v1/bookings/{booking}/cancellation", {}) if booking else None

    async def move(self, which: int, size: int) -> Any:
        booking = self.pick(self.bookings, which)
        if booking is None:
            return None
        self.hour += 5
        answer = await self.engineer.post(f"/api/v1/bookings/{booking}/move", slot(day(2, self.hour), size / 2))
        if answer.status_code == 201:
            self.bookings.append(answer.json()["id"])
        return answer

    async def correct(self, which: int, size: int) -> Any:
        usage = self.pick(self.usages, which)
        if usage is None:
            return None
        url = f"/api/v1/usages/{usage}/adjustments"
        asked = await self.manager.post(url, {"run_minutes": size * 31, "reason": "更正"})
        if asked.status_code != 201:
            return asked
        return await self.manager.post(f"{url}/{asked.json()['id']}/decision", {"accept": True})

    async def adjust(self, which: int, size: int) -> Any:
        charge = await self.charge(which)
        body = {"comes_to": f"{size * 33}.33", "reason": "调整"}
        return await self.manager.post(f"/api/v1/charges/{charge}/adjustments", body) if charge else None

    async def dispute(self, which: int, size: int) -> Any:
        charge = await self.charge(which)
        if charge is None:
            return None
        url = f"/api/v1/charges/{charge}/disputes"
        opened = await self.engineer.post(url, {"reason": "有异议"})
        if opened.status_code != 201:
            return opened
        answer = {"accept": size > 4, "comes_to": f"{size}.05", "answer": "答复"}
        return await self.manager.post(f"{url}/{opened.json()['id']}/answer", answer)

    async def waive(self, which: int, size: int) -> Any:
        charge = await self.charge(which)
        return await self.programme.post(f"/api/v1/charges/{charge}/waiver", {"reason": "减免"}) if charge else None

    async def redeem(self, which: int, size: int) -> Any:
        """What a voucher bears of one of the charges that one bears something of."""
        listed = (await self.engineer.get("/api/v1/charges")).json()["items"]
        borne = [one["id"] for one in listed if one["voucher_amount"] != "0.00"]
        charge = self.pick(borne, which)
        if charge is None:
            return None
        covers = (await self.engineer.get(f"/api/v1/charges/{charge}")).json()["covers"]
        body = {"voucher_id": covers[0]["voucher_id"], "charge_id": charge}
        answer = await self.engineer.post("/api/v1/redemptions", body)
        if answer.status_code == 403:
            answer = await self.manager.post("/api/v1/redemptions", body)
        if answer.status_code == 201:
            self.claims.append(answer.json()["id"])
        return answer

    async def pay(self, which: int, size: int) -> Any:
        claim = self.pick(self.claims, which)
        url = f"/api/v1/redemptions/{claim}/decision"
        return await self.programme.post(url, {"pay": size > 3}) if claim else None

    async def grant(self, which: int, size: int) -> Any:
        body = {"year": day(0).year, "yearly_hours": 10, "percent": size * 5}
        return await self.manager.post(f"/api/v1/instruments/{self.instrument.id}/free-quotas", body)


@pytest.fixture
def play(app, connection, manager, engineer, programme, instrument):
    async def played(course: list[tuple[str, int, int]]) -> list[tuple[str, int]]:
        savepoint = await connection.begin_nested()
        try:
            told = await manager.patch(f"/api/v1/instruments/{instrument.id}", {"no_show_minutes": 60}, version=1)
            assert told.status_code == 200, told.text
            await free_hours(manager, instrument, day(0).year, percent=20)
            await a_voucher(programme, engineer, "90.00")
            await a_voucher(programme, engineer, "200.00", share_percent=80, settlement="firm_redeems")
            meter = (await a_device(manager, instrument))["id"]
            going = Course(
                manager, engineer, programme, instrument, connection, meter, lambda: Signed(app.state.signing_key)
            )
            seen = [(name, await going.step(name, which, size)) for name, which, size in course]
            assert {status for _, status in seen} <= {0, 200, 201, 409}, seen
            assert await faults(connection) == []
            return seen
        finally:
            await savepoint.rollback()

    return played


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
async def test_whatever_happens_the_ledger_adds_up(play, course):
    await play(course)


async def test_every_kind_of_step_is_really_taken(play):
    """What the random courses are made of, once in an order in which none is refused."""
    seen = await play([("book", 0, 4), ("book", 0, 2), ("move", 1, 3), ("use", 0, 4), ("cancel", 2, 1), ("correct", 0, 2),
                ("adjust", 0, 3), ("dispute", 0, 6), ("walk in", 0, 8), ("redeem", 0, 1), ("pay", 0, 5), ("grant", 0, 8),
                ("book", 0, 2), ("come and go", 3, 2), ("book", 0, 2), ("miss", 0, 8), ("waive", 0, 1),
                ("withdraw", 1, 1)])  # fmt: skip
    assert [name for name, status in seen if status not in {200, 201}] == []


async def test_evidence_after_a_redemption_and_its_return_are_really_taken(play):
    seen = await play([("book", 0, 8), ("come and go", 0, 8), ("redeem", 0, 1), ("pay", 0, 5), ("measure", 0, 2),
                ("measure", 0, 4), ("correct", 0, 1), ("hand back", 0, 1), ("correct", 0, 8)])  # fmt: skip
    assert [name for name, status in seen if status not in {200, 201}] == []
