"""A keeper's word takes time of records that rank lower: told before and after, in both histories, and undone as a whole."""

from datetime import timedelta

import pytest

from marketplace.kernel import clock
from tests.given.devices import Signed, a_device
from tests.given.labs import an_instrument, day, slot, wish
from tests.given.money import a_tariff, charge_of, faults, publish

URL = "/api/v1/usages"


@pytest.fixture
async def instrument(manager, session):
    made = await an_instrument(session, manager.organisation, slot_minutes=5, min_minutes=5)
    await publish(manager, made, a_tariff())
    return made


@pytest.fixture
async def measured(app, client, manager, engineer, instrument):
    """What a firm's booking ran by the meter: 120 minutes from nine on."""
    meter = await a_device(manager, instrument)
    booked = await engineer.post("/api/v1/bookings", wish(instrument, engineer, day(1, 9), 2))
    assert booked.status_code == 201, booked.text
    ran = {"id": "1", "kind": "run", "at": day(1, 9).isoformat(), "until": day(1, 11).isoformat(), "samples": 3}
    with clock.ahead(day(1, 11) - clock.now()):
        path = f"/api/v1/meters/{meter['id']}/events"
        said = await client.post(path, json={"events": [ran]}, auth=Signed(app.state.signing_key))
    assert said.status_code == 200, said.text
    [usage] = (await engineer.get(URL)).json()["items"]
    return usage


def entry(instrument, manager, since=day(1, 10), minutes=90, **more) -> dict:
    body = {"instrument_id": str(instrument.id), "organisation_id": str(manager.organisation.id)}
    return body | {"run_minutes": minutes} | slot(since, minutes / 60) | more


async def told(who, usage: dict) -> dict:
    return (await who.get(f"{URL}/{usage['id']}")).json()


async def test_what_an_entry_cuts_is_told_before_and_after_and_given_back_when_it_is_withdrawn(
    session, manager, engineer, instrument, measured
):
    body = entry(instrument, manager)
    before = (await manager.post("/api/v1/usage-previews", body)).json()
    [cut] = before["cuts"]
    assert [cut[name] for name in ("usage_id", "before_minutes", "after_minutes", "source")] == [
        measured["id"], 120, 60, "meter",
    ]  # fmt: skip
    # Nothing was written by asking.
    assert await told(engineer, measured) == measured
    assert len((await manager.get(URL)).json()["items"]) == 1
    made = (await manager.post(URL, body)).json()
    assert [one | {"at": ""} for one in made["cuts"]] == [cut | {"at": ""}]
    assert (await told(engineer, measured))["effective_minutes"] == 60
    assert (await charge_of(engineer, measured))["gross"] == "100.00"
    # In both histories.
    [adjustment] = (await engineer.get(f"{URL}/{measured['id']}/adjustments")).json()["items"]
    assert (adjustment["cause_id"], adjustment["before"]["run_minutes"]) == (made["id"], 120)
    assert (await manager.get(f"{URL}/{made['id']}/cuts")).json()["cuts"] == made["cuts"]
    # Undone, everything is as the meter said, and the entry stays as history that counts nowhere.
    undone = await manager.post(f"{URL}/{made['id']}/withdrawal", {"reason": "日期填错"})
    assert undone.status_code == 201, undone.text
    assert (undone.json()["effective_minutes"], undone.json()["withdrawn_at"] is None) == (0, False)
    assert [(one["before_minutes"], one["after_minutes"]) for one in undone.json()["cuts"]] == [(60, 120), (120, 60)]
    now = await told(engineer, measured)
    assert [now[name] for name in ("effective_minutes", "samples", "source")] == [120, 3, "meter"]
    assert (await charge_of(engineer, measured))["gross"] == "200.00"
    assert (await charge_of(manager, made))["gross"] == "0.00"
    [said] = (await manager.get(f"{URL}/{made['id']}/evidence")).json()["items"]
    assert (said["counts"], said["run_minutes"], said["withdrawn_at"] is None) == (False, 90, False)
    again = await manager.post(f"{URL}/{made['id']}/withdrawal", {"reason": "日期填错"})
    assert again.json()["type"] == "/problems/nothing-to-withdraw"
    assert await faults(session) == []


async def test_only_keepers_see_whom_else_an_entry_cut_and_undo_it(manager, engineer, instrument, measured):
    made = (await manager.post(URL, entry(instrument, manager))).json()
    theirs = entry(instrument, manager, day(1, 14), organisation_id=str(engineer.organisation.id))
    served = (await manager.post(URL, theirs)).json()
    assert served["cuts"] == []
    assert (await engineer.post("/api/v1/usage-previews", theirs)).status_code == 403
    for way in ("cuts", "withdrawal"):
        ask = engineer.get if way == "cuts" else engineer.post
        more = {} if way == "cuts" else {"json": {"reason": "x"}}
        assert (await ask(f"{URL}/{served['id']}/{way}", **more)).json()["type"] == "/problems/not-its-keeper"
        assert (await ask(f"{URL}/{made['id']}/{way}", **more)).status_code == 404
    # What a meter measured is nobody's to take back.
    refused = await manager.post(f"{URL}/{measured['id']}/withdrawal", {"reason": "x"})
    assert refused.json()["type"] == "/problems/nothing-to-withdraw"


async def test_an_entry_that_takes_all_of_a_record_says_so(manager, engineer, instrument, measured):
    made = (await manager.post(URL, entry(instrument, manager, day(1, 9), 120))).json()
    [cut] = made["cuts"]
    assert (cut["before_minutes"], cut["after_minutes"]) == (120, 0)
    assert (await told(engineer, measured))["superseded_by_id"] == made["id"]
    await manager.post(f"{URL}/{made['id']}/withdrawal", {"reason": "不是那天"})
    now = await told(engineer, measured)
    assert (now["superseded_by_id"], now["effective_minutes"]) == (None, 120)


async def test_an_entry_of_a_booking_that_was_withdrawn_is_entered_anew_in_the_same_record(
    session, manager, engineer, instrument
):
    booked = (await engineer.post("/api/v1/bookings", wish(instrument, engineer, day(1, 9), 2))).json()
    body = {"instrument_id": str(instrument.id), "booking_id": booked["id"], "run_minutes": 60} | slot(day(1, 9))
    first = (await manager.post(URL, body)).json()
    asked = await manager.post(f"{URL}/{first['id']}/adjustments", {"run_minutes": 50, "reason": "更正"})
    await manager.post(f"{URL}/{first['id']}/adjustments/{asked.json()['id']}/decision", {"accept": True})
    assert (await charge_of(engineer, first))["gross"] == "83.33"
    # With the entry go the corrections of it.
    await manager.post(f"{URL}/{first['id']}/withdrawal", {"reason": "不是这个预约"})
    assert (await charge_of(engineer, first))["gross"] == "0.00"
    second = await manager.post(URL, body | {"run_minutes": 30})
    assert second.status_code == 201, second.text
    assert (second.json()["id"], second.json()["effective_minutes"]) == (first["id"], 30)
    assert (await manager.post(URL, body)).json()["type"] == "/problems/entered-already"
    assert (await charge_of(engineer, first))["gross"] == "50.00"
    # Until it is entered anew, somebody who comes and goes is heard as well.
    await manager.post(f"{URL}/{first['id']}/withdrawal", {"reason": "还是不对"})
    with clock.ahead(day(1, 9) - clock.now()):
        assert (await engineer.post(f"/api/v1/bookings/{booked['id']}/check-in")).status_code == 200
    with clock.ahead(day(1, 10) + timedelta(minutes=29, seconds=30) - clock.now()):
        assert (await engineer.post(f"/api/v1/bookings/{booked['id']}/check-out", {})).status_code == 200
    now = await told(engineer, first)
    assert (now["source"], now["effective_minutes"], now["withdrawn_at"]) == ("kiosk", 90, None)
    assert await faults(session) == []
