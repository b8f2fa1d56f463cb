"""What a meter says counts once, for whoever had booked, and only when it is signed."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from marketplace.kernel import clock
from marketplace.labs import counting, devices, metering
from marketplace.money import ledger
from schemas.identity import Role
from tests.given.devices import Signed, a_device
from tests.given.labs import an_instrument, wish
from tests.given.money import a_tariff, charge_of, publish


@pytest.fixture
async def instrument(manager, session):
    return await an_instrument(session, manager.organisation, slot_minutes=5, min_minutes=5)


@pytest.fixture
async def meter(manager, instrument):
    return await a_device(manager, instrument, name="电流计")


@pytest.fixture
def says(app, client, meter):
    """The meter hands events in."""

    async def said(*events: dict, status: int = 200, at=None, device: dict | None = None) -> dict:
        signed = Signed(app.state.signing_key, at=at)
        path = f"/api/v1/meters/{(device or meter)['id']}/events"
        answer = await client.post(path, json={"events": list(events)}, auth=signed)
        assert answer.status_code == status, answer.text
        return answer.json()

    return said


def told(moment) -> str:
    return moment.isoformat()


def run(number: int, since, minutes: int, **more) -> dict:
    until = told(since + timedelta(minutes=minutes))
    return {"id": f"e{number}", "kind": "run", "at": told(since), "until": until} | more


async def used(manager, instrument) -> list[dict]:
    listed = await manager.get("/api/v1/usages", params={"instrument": str(instrument.id)})
    return listed.json()["items"]


async def test_a_run_is_entered_once_however_often_it_is_sent(manager, instrument, says):
    event = run(1, clock.now() - timedelta(hours=5), 90, samples=4)
    [first] = (await says(event))["results"]
    [again] = (await says(event))["results"]
    assert first == again
    assert first["outcome"] == "entered"
    [usage] = await used(manager, instrument)
    assert (usage["effective_minutes"], usage["samples"], usage["source"]) == (90, 4, "meter")
    # Nobody had booked: it is the lab's own.
    assert (usage["organisation"]["id"], usage["customer_class"]) == (str(manager.organisation.id), "internal")
    other = event | {"samples": 5}
    assert (await says(other, status=409))["type"] == "/problems/event-id-reused"


async def test_starts_and_stops_make_runs_and_what_does_not_pair_up_is_told(manager, instrument, says):
    at = clock.now() - timedelta(hours=9)
    hour = timedelta(hours=1)
    events = [
        {"id": "a", "kind": "stop", "at": told(at)},
        {"id": "b", "kind": "start", "at": told(at + hour)},
        {"id": "c", "kind": "start", "at": told(at + 2 * hour)},
        {"id": "d", "kind": "stop", "at": told(at + 3 * hour)},
        {"id": "e", "kind": "start", "at": told(at + 4 * hour)},
    ]
    outcomes = [one["outcome"] for one in (await says(*events))["results"]]
    assert outcomes == ["unmatched", "unfinished", "closed", "entered", "open"]
    assert [one["effective_minutes"] for one in await used(manager, instrument)] == [60]
    listed = (await manager.get(f"/api/v1/instruments/{instrument.id}/meter-events")).json()["items"]
    assert [(one["event_id"], one["outcome"]) for one in listed] == [
        ("e", "open"), ("d", "entered"), ("c", "closed"), ("b", "unfinished"), ("a", "unmatched"),
    ]  # fmt: skip


async def test_runs_within_a_booking_are_its_use_and_add_up_with_their_charge(manager, engineer, instrument, says):
    await publish(manager, instrument, a_tariff())
    now = clock.now()
    soon = now + timedelta(minutes=10 - now.minute % 5, seconds=-now.second, microseconds=-now.microsecond)
    booked = (await engineer.post("/api/v1/bookings", wish(instrument, engineer, soon, 2))).json()
    with clock.ahead(timedelta(hours=1)):
        await engineer.post(f"/api/v1/bookings/{booked['id']}/check-in")
        first = await says(run(1, soon, 30, samples=1))
        second = await says(run(2, soon + timedelta(minutes=35), 15, samples=2))
        assert [one["results"][0]["outcome"] for one in (first, second)] == ["entered", "added"]
        left = await engineer.post(
            f"/api/v1/bookings/{booked['id']}/check-out", {"preparation_minutes": 10, "processing_minutes": 5}
        )
        assert left.status_code == 200, left.text
    [usage] = await used(manager, instrument)
    assert (usage["booking_id"], usage["run_minutes"], usage["effective_minutes"]) == (booked["id"], 45, 60)
    assert (usage["samples"], usage["organisation"]["id"]) == (3, str(engineer.organisation.id))
    history = (await manager.get(f"/api/v1/usages/{usage['id']}/adjustments")).json()["items"]
    assert [(one["before"]["run_minutes"], one["wished"]["run_minutes"]) for one in history] == [(45, 45), (30, 45)]
    assert history[1]["reason"] == "Another run within the same booking, added by the meter."
    # An hour at 100 yuan: each change of the use is an entry of its charge.
    assert (await charge_of(engineer, usage))["gross"] == "100.00"


async def test_what_a_keeper_wrote_down_of_a_booking_is_not_counted_again(manager, engineer, instrument, says):
    now = clock.now()
    soon = now + timedelta(minutes=10 - now.minute % 5, seconds=-now.second, microseconds=-now.microsecond)
    booked = (await engineer.post("/api/v1/bookings", wish(instrument, engineer, soon, 1))).json()
    body = {"instrument_id": str(instrument.id), "booking_id": booked["id"], "run_minutes": 55}
    times = {"starts_at": booked["starts_at"], "ends_at": booked["ends_at"]}
    assert (await manager.post("/api/v1/usages", body | times)).status_code == 201
    with clock.ahead(timedelta(hours=2)):
        [result] = (await says(run(1, soon, 50)))["results"]
    [usage] = await used(manager, instrument)
    assert (result["outcome"], result["usage_id"], usage["run_minutes"]) == ("known", usage["id"], 55)


async def test_a_run_that_the_charge_refuses_is_told_beside_it_and_the_rest_of_the_report_stands(
    manager, engineer, instrument, says, monkeypatch
):
    amend = counting.amend

    async def refused(session, usage, *told, **more) -> None:
        await amend(session, usage, *told, **more)
        raise ledger.NotEnough

    now = clock.now()
    soon = now + timedelta(minutes=10 - now.minute % 5, seconds=-now.second, microseconds=-now.microsecond)
    await engineer.post("/api/v1/bookings", wish(instrument, engineer, soon, 2))
    monkeypatch.setattr(counting, "amend", refused)
    with clock.ahead(timedelta(hours=3)):
        first = await says(run(1, soon, 30))
        start = {"id": "s", "kind": "start", "at": told(soon)}
        second = await says(run(2, soon + timedelta(minutes=40), 20), start, run(3, soon - timedelta(hours=9), 60))
    outcomes = [one["outcome"] for one in first["results"] + second["results"]]
    assert outcomes == ["entered", "known", "open", "entered"]
    assert [one["run_minutes"] for one in await used(manager, instrument)] == [30, 60]


async def test_only_what_is_signed_now_with_the_key_of_a_live_device_is_heard(
    manager, instrument, meter, says, app, client
):
    event = run(1, clock.now() - timedelta(hours=2), 30)
    late = await says(event, status=401, at=clock.now() - timedelta(minutes=6))
    assert late["type"] == "/problems/clock-off"
    assert "It is 20" in late["detail"]
    for far in (timedelta(days=32), timedelta(minutes=-20)):
        refused = await says(run(2, clock.now() - far, 10), status=422)
        assert refused["errors"][0]["pointer"].startswith("/events/0/")
    url = f"/api/v1/meters/{meter['id']}/events"
    stamp, content = str(int(clock.now().timestamp())), b'{"events": []}'
    key = devices.meter_key(app.state.signing_key, instrument.id)
    foreign = {"Metering-Timestamp": stamp, "Metering-Signature": metering.signature(key, stamp, content)}
    own = metering.signature(meter["key"], stamp, content)
    for headers in ({}, foreign, {"Metering-Timestamp": stamp, "Metering-Signature": own[:-1] + "x"}):
        answer = await client.post(url, content=content, headers=headers | {"Content-Type": "application/json"})
        assert answer.json()["type"] == "/problems/signature-wrong"
        assert answer.headers["www-authenticate"] == "HMAC-SHA256"
    # What was signed for one body does not carry another.
    other = {"Metering-Timestamp": stamp, "Metering-Signature": own, "Content-Type": "application/json"}
    assert (await client.post(url, content=b'{"events": [1]}', headers=other)).status_code == 401
    assert (await client.post(url, content=content, headers=other)).status_code == 422
    nobody = await says(event, status=401, device={"id": str(uuid4())})
    assert (await manager.delete(f"/api/v1/instruments/{instrument.id}/devices/{meter['id']}")).status_code == 204
    revoked = await says(event, status=401)
    for document in (nobody, revoked):
        assert document["type"] == "/problems/signature-wrong"
    assert await used(manager, instrument) == []


async def test_two_reports_of_one_event_at_once_make_one_record(real):
    manager = await real.given.person(Role.LAB_MANAGER, await real.given.organisation())
    instrument = await an_instrument(real.given.session, manager.organisation)
    meter = await a_device(manager, instrument)
    event = run(1, clock.now() - timedelta(hours=3), 60)
    key = real.app.state.signing_key
    answers = await asyncio.gather(
        *(
            manager.client.post(f"/api/v1/meters/{meter['id']}/events", json={"events": [event]}, auth=Signed(key))
            for _ in range(6)
        )
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert len(await used(manager, instrument)) == 1
