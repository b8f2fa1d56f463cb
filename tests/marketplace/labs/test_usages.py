"""What was used is written down once; a correction keeps what was said before."""

import pytest

from marketplace.labs import bookings
from tests.given.labs import an_instrument, day, slot, wish

URL = "/api/v1/usages"
NUMBERS = {"preparation_minutes": 10, "run_minutes": 60, "processing_minutes": 5, "samples": 3}


@pytest.fixture
async def instrument(manager, session):
    return await an_instrument(session, manager.organisation)


async def entered(manager, instrument, **more) -> dict:
    body = NUMBERS | slot(day(-1, 9), 1.25) | {"instrument_id": str(instrument.id)} | more
    made = await manager.post(URL, body)
    assert made.status_code == 201, made.text
    return made.json()


async def test_effective_time_is_preparation_run_and_processing(manager, engineer, instrument):
    used = await entered(manager, instrument, organisation_id=str(engineer.organisation.id))
    assert (used["effective_minutes"], used["customer_class"], used["source"]) == (75, "province_firm", "keeper")
    assert [one["id"] for one in (await engineer.get(URL)).json()["items"]] == [used["id"]]


async def test_the_use_of_a_booking_is_written_down_once(manager, engineer, instrument):
    booking = (await engineer.post("/api/v1/bookings", wish(instrument, engineer, day(7, 9)))).json()
    used = await entered(manager, instrument, booking_id=booking["id"])
    assert (used["person_id"], used["organisation"]["id"]) == (str(engineer.id), str(engineer.organisation.id))
    again = await manager.post(
        URL, NUMBERS | slot(day(-1, 9), 2) | {"instrument_id": str(instrument.id), "booking_id": booking["id"]}
    )
    assert again.json()["type"] == "/problems/entered-already"


async def test_whoever_used_it_without_checking_in_is_no_no_show(manager, engineer, session):
    made = await an_instrument(session, manager.organisation, no_show_minutes=30)
    booked = [(await engineer.post("/api/v1/bookings", wish(made, engineer, day(1, hour)))).json() for hour in (9, 11)]
    await entered(manager, made, booking_id=booked[0]["id"])
    assert await bookings.release_no_shows(session, day(1, 13)) == 1
    await session.commit()
    states = [(await engineer.get(f"/api/v1/bookings/{one['id']}")).json()["state"] for one in booked]
    assert states == ["confirmed", "released"]


async def test_an_accepted_adjustment_changes_the_record_and_keeps_the_old_numbers(manager, engineer, instrument):
    used = await entered(manager, instrument, organisation_id=str(engineer.organisation.id))
    url = f"{URL}/{used['id']}/adjustments"
    asked = await engineer.post(url, NUMBERS | {"run_minutes": 30, "reason": "只运行了半小时"})
    assert asked.status_code == 201
    assert (await engineer.post(url, NUMBERS | {"reason": "再来一次"})).json()["type"] == "/problems/asked-already"
    decision = f"{url}/{asked.json()['id']}/decision"
    assert (await engineer.post(decision, {"accept": True})).status_code == 403
    done = (await manager.post(decision, {"accept": True, "note": "核实"})).json()
    assert (done["state"], done["before"]["run_minutes"], done["wished"]["run_minutes"]) == ("accepted", 60, 30)
    assert (await manager.post(decision, {"accept": False})).status_code == 409
    now = (await engineer.get(f"{URL}/{used['id']}")).json()
    assert (now["effective_minutes"], now["version"]) == (45, 2)
    assert len((await engineer.get(url)).json()["items"]) == 1


async def test_a_declined_adjustment_changes_nothing(manager, engineer, instrument):
    used = await entered(manager, instrument, organisation_id=str(engineer.organisation.id))
    url = f"{URL}/{used['id']}/adjustments"
    asked = (await engineer.post(url, NUMBERS | {"run_minutes": 1, "reason": "x"})).json()
    assert (await manager.post(f"{url}/{asked['id']}/decision", {"accept": False})).json()["state"] == "declined"
    assert (await engineer.get(f"{URL}/{used['id']}")).json()["effective_minutes"] == 75


BAD = {
    "nothing used": {"preparation_minutes": 0, "run_minutes": 0, "processing_minutes": 0},
    "less than nothing": {"run_minutes": -1},
    "a booking and an organisation": {"booking_id": "00000000-0000-4000-8000-000000000000"},
    "neither": {"organisation_id": None},
    "nobody": {"organisation_id": "00000000-0000-4000-8000-000000000000"},
    "backwards": {"ends_at": "2020-01-01T00:00:00Z"},
}


@pytest.mark.parametrize("what", list(BAD))
async def test_use_that_cannot_be_is_refused(what, manager, engineer, instrument):
    body = NUMBERS | slot(day(-1, 9), 2) | {"instrument_id": str(instrument.id)}
    refused = await manager.post(URL, body | {"organisation_id": str(engineer.organisation.id)} | BAD[what])
    assert refused.status_code == 422
    assert refused.json()["errors"]
