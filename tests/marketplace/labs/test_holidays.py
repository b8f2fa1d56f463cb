"""Holidays of the whole platform: closed everywhere, unless worked in another day's place or the lab says otherwise."""

from datetime import timedelta

import pytest

from marketplace.kernel import clock
from marketplace.labs.first_free import first_free
from tests.given.labs import an_instrument, day, weekday, wish

OFFICE = [{"weekday": number, "opens": "09:00", "closes": "17:00"} for number in range(1, 6)]


@pytest.fixture
async def admin(given):
    return await given.admin()


async def off(admin, moment, **more) -> None:
    url = f"/api/v1/holidays/{moment.date()}"
    answer = await admin.put(url, {"name": "国庆节"} | more)
    assert answer.status_code == 200, answer.text


async def free(who, instrument, moment) -> bool:
    """Whether an hour from then on is free: by the search, by the calendar, and by the rules, which have to agree."""
    until = moment + timedelta(hours=1)
    searched = await who.get(
        "/api/v1/instruments", params={"free_from": moment.isoformat(), "free_until": until.isoformat()}
    )
    url = f"/api/v1/instruments/{instrument.id}/availability"
    shown = await who.get(url, params={"since": moment.isoformat(), "until": until.isoformat()})
    booked = await who.post("/api/v1/bookings", wish(instrument, who, moment))
    found = {
        str(instrument.id) in {one["id"] for one in searched.json()["items"]},
        bool(shown.json()["free"]),
        booked.status_code == 201,
    }
    assert len(found) == 1, (searched.text, shown.text, booked.text)
    return found.pop()


async def test_a_holiday_closes_and_a_worked_weekend_opens_and_the_labs_own_word_comes_first(
    manager, engineer, admin, session
):
    tuesday, wednesday, saturday = weekday(2, 10), weekday(3, 10), weekday(6, 10)
    plain = await an_instrument(session, manager.organisation, hours=OFFICE)
    duty = [{"day": str(tuesday.date()), "opens": "09:00", "closes": "12:00", "reason": "节日值班"}]
    on_duty = await an_instrument(session, manager.organisation, hours=OFFICE, exceptions=duty)
    await off(admin, tuesday)
    await off(admin, saturday, name="国庆节调休", follows=2)
    assert not await free(engineer, plain, tuesday)
    assert await free(engineer, on_duty, tuesday)
    assert await free(engineer, plain, wednesday)
    assert await free(engineer, plain, saturday)
    assert not await free(engineer, plain, saturday + timedelta(days=1))
    assert (await admin.delete(f"/api/v1/holidays/{tuesday.date()}")).status_code == 204
    assert await free(engineer, plain, tuesday)


async def test_the_first_free_time_is_behind_the_holidays(manager, admin, session):
    made = await an_instrument(session, manager.organisation)
    for ahead in range(3):
        await off(admin, day(ahead))
    found = (await first_free(session, [made], clock.now()))[made.id]
    assert found.starts_at == day(3)


async def test_a_day_is_written_anew_and_listed_latest_first(admin, client, engineer):
    await off(admin, day(5))
    await off(admin, day(6), follows=1)
    await off(admin, day(5), name="中秋节")
    rows = (await client.get("/api/v1/holidays")).json()["items"]
    assert [(row["day"], row["name"], row["follows"]) for row in rows] == [
        (str(day(6).date()), "国庆节", 1), (str(day(5).date()), "中秋节", None),
    ]  # fmt: skip
    url = "/api/v1/holidays/2027-10-01"
    assert (await engineer.put(url, {"name": "x"})).json()["type"] == "/problems/not-their-calendar"
    assert (await admin.put("/api/v1/holidays/2027-13-01", {"name": "x"})).status_code == 422
    assert (await admin.put(url, {"name": "x", "follows": 8})).status_code == 422
    assert (await admin.delete(url)).status_code == 404
