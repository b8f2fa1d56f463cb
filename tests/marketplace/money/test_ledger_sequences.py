# ruff: noqa: ARG002 -- every step is called alike
"""No sequence of operations makes a ledger that does not add up, a balance below zero, or a voucher spent twice."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.given.labs import day, slot, wish
from tests.given.money import a_voucher, faults, free_hours

steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["book", "book", "use", "use", "cancel", "move", "correct", "adjust", "dispute", "waive", "redeem", "pay",
             "grant", "walk in"]
        ),
        st.integers(0, 3),
        st.integers(1, 8),
    ),
    min_size=6,
    max_size=12,
)  # fmt: skip


class Course:
    """What was made so far; each step takes one of it, and may well be refused."""

    def __init__(self, manager: Any, engineer: Any, programme: Any, instrument: Any) -> None:
        self.manager, self.engineer, self.programme, self.instrument = manager, engineer, programme, instrument
        self.bookings: list[str] = []
        self.usages: list[str] = []
        self.claims: list[str] = []
        self.hour = 0

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
        body = {"instrument_id": str(self.instrument.id), "run_minutes": size * 17} | slot(day(0), 2) | of
        answer = await self.manager.post("/api/v1/usages", body)
        if answer.status_code == 201:
            self.usages.append(answer.json()["id"])
        return answer

    async def use(self, which: int, size: int) -> Any:
        booking = self.pick(self.bookings, which)
        return await self._used(size, booking_id=booking) if booking else None

    async def walk_in(self, which: int, size: int) -> Any:
        return await self._used(size, organisation_id=str(self.engineer.organisation.id))

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
        charge = await self.charge(which)
        if charge is None:
            return None
        covers = (await self.engineer.get(f"/api/v1/charges/{charge}")).json()["covers"]
        if not covers:
            return None
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
def play(connection, manager, engineer, programme, instrument):
    async def played(course: list[tuple[str, int, int]]) -> None:
        savepoint = await connection.begin_nested()
        try:
            await free_hours(manager, instrument, day(0).year, percent=20)
            await a_voucher(programme, engineer, "90.00")
            await a_voucher(programme, engineer, "200.00", share_percent=80, settlement="firm_redeems")
            going = Course(manager, engineer, programme, instrument)
            for name, which, size in course:
                status = await going.step(name, which, size)
                assert status in {0, 200, 201, 409}, (name, status)
            assert await faults(connection) == []
        finally:
            await savepoint.rollback()

    return played


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
async def test_whatever_happens_the_ledger_adds_up(play, course):
    await play(course)


async def test_every_kind_of_step_is_really_taken(play):
    """What the random courses are made of, once in an order in which none is refused."""
    await play([("book", 0, 4), ("book", 0, 2), ("move", 1, 3), ("use", 0, 4), ("cancel", 2, 1), ("correct", 0, 2),
                ("adjust", 0, 3), ("dispute", 0, 6), ("redeem", 1, 1), ("pay", 0, 5), ("walk in", 0, 8), ("grant", 0, 8),
                ("waive", 0, 1)])  # fmt: skip
