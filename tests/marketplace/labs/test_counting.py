"""However the kiosk, meters, logs and keepers speak of the same use, and whoever speaks first, it counts once."""

from datetime import timedelta

import pytest

from marketplace.kernel import clock
from tests.given.devices import Signed, a_device
from tests.given.labs import an_instrument, day, slot, wish
from tests.given.money import a_tariff, charge_of, publish

URL = "/api/v1/usages"


class Scene:
    """One instrument with two meters, a booking that its user has come for, and everybody who may tell of its use."""

    def __init__(self, app, client, manager, engineer, instrument, meters, booked, begin) -> None:
        self.app, self.client, self.manager, self.engineer = app, client, manager, engineer
        self.instrument, self.meters, self.booked, self.begin = instrument, meters, booked, begin

    async def leave(self) -> None:
        with clock.ahead(self.begin + timedelta(minutes=109, seconds=30) - clock.now()):
            body = {"preparation_minutes": 10, "processing_minutes": 5, "samples": 3}
            left = await self.engineer.post(f"/api/v1/bookings/{self.booked['id']}/check-out", body)
        assert left.status_code == 200, left.text

    async def run(self, meter: int, since: int, until: int, **more) -> str:
        told = {"kind": "run", "id": f"{since}-{until}", "at": self._at(since), "until": self._at(until)} | more
        with clock.ahead(timedelta(hours=5)):
            signed = Signed(self.app.state.signing_key)
            path = f"/api/v1/meters/{self.meters[meter]['id']}/events"
            answer = await self.client.post(path, json={"events": [told]}, auth=signed)
        assert answer.status_code == 200, answer.text
        return answer.json()["results"][0]["outcome"]

    async def log(self, since: int, until: int, organisation: str = "", booking: str = "") -> dict:
        head = "starts_at,ends_at,organisation,booking_id"
        text = f"{head}\n{self._at(since)},{self._at(until)},{organisation},{booking}"
        answer = await self.client.post(
            f"/api/v1/instruments/{self.instrument.id}/usage-log", files={"file": ("log.csv", text.encode())},
            headers=self.manager.headers,
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        return answer.json()

    def _at(self, minute: int) -> str:
        return (self.begin + timedelta(minutes=minute)).isoformat()

    async def told(self) -> list[dict]:
        listed = await self.manager.get(URL, params={"instrument": str(self.instrument.id)})
        return listed.json()["items"]


@pytest.fixture
def scene(app, client, manager, engineer, session):
    async def made() -> Scene:
        instrument = await an_instrument(session, manager.organisation, slot_minutes=5, min_minutes=5)
        await publish(manager, instrument, a_tariff())
        meters = [await a_device(manager, instrument, name=name) for name in ("电流计", "门禁")]
        now = clock.now()
        begin = now + timedelta(minutes=10 - now.minute % 5, seconds=-now.second, microseconds=-now.microsecond)
        booked = (await engineer.post("/api/v1/bookings", wish(instrument, engineer, begin, 2))).json()
        with clock.ahead(begin - clock.now()):
            assert (await engineer.post(f"/api/v1/bookings/{booked['id']}/check-in")).status_code == 200
        return Scene(app, client, manager, engineer, instrument, meters, booked, begin)

    return made


ORDERS = [
    ("leave", "one", "other", "log", "own", "named"),
    ("named", "log", "other", "one", "leave", "own"),
    ("one", "leave", "own", "named", "other", "log"),
    ("log", "other", "named", "leave", "own", "one"),
]


async def test_whoever_speaks_first_it_comes_to_the_same(scene, engineer):
    found = []
    for order in ORDERS:
        here = await scene()
        say = {
            "leave": here.leave,
            # Two meters of one run, and a log that says more than ran.
            "one": lambda here=here: here.run(0, 15, 75, samples=9),
            "other": lambda here=here: here.run(1, 20, 80),
            "log": lambda here=here: here.log(0, 120, booking=here.booked["id"]),
            # In the evening nobody had booked; the log knows whom the first hour served.
            "own": lambda here=here: here.run(0, 180, 270),
            "named": lambda here=here: here.log(180, 240, organisation=here.engineer.organisation.uscc),
        }
        for name in order:
            await say[name]()
        told = await here.told()
        assert len(told) == 3
        booked = next(one for one in told if one["booking_id"])
        charge = await charge_of(engineer, booked)
        kept = (await here.manager.get(f"{URL}/{booked['id']}/evidence")).json()["items"]
        found.append(
            (
                sorted((one["source"], one["effective_minutes"], one["samples"]) for one in told),
                (booked["run_minutes"], booked["preparation_minutes"], booked["processing_minutes"]),
                charge["gross"],
                sorted((one["source"], one["run_minutes"], one["counts"]) for one in kept),
            )
        )
    for one in found:
        assert one == found[0]
    assert found[0][0] == [("log", 60, None), ("meter", 30, None), ("meter", 80, 3)]
    assert found[0][1:3] == ((65, 10, 5), "133.33")
    assert found[0][3] == [("kiosk", 95, False), ("log", 120, False), ("meter", 60, True), ("meter", 60, True)]


async def test_a_record_whose_time_another_has_is_kept_and_linked_and_costs_nothing(scene, engineer, manager):
    here = await scene()
    assert (await here.log(20, 70, organisation=engineer.organisation.uscc))["entered"] == 1
    [before] = await here.told()
    assert (await charge_of(engineer, before))["gross"] == "83.33"
    assert await here.run(0, 10, 90) == "entered"
    booked, log = sorted(await here.told(), key=lambda one: one["booking_id"] is None)
    assert (log["id"], log["effective_minutes"], log["superseded_by_id"]) == (before["id"], 0, booked["id"])
    assert (await charge_of(engineer, log))["gross"] == "0.00"
    history = (await manager.get(f"{URL}/{log['id']}/adjustments")).json()["items"]
    assert [(one["before"]["run_minutes"], one["wished"]["run_minutes"]) for one in history] == [(50, 0)]
    assert "counts once" in history[0]["reason"]
    sheet = await manager.get("/api/v1/reports/open-sharing", params={"year": here.begin.year, "by": "instrument"})
    [row] = [one for one in sheet.json()["items"] if one["id"] == str(here.instrument.id)]
    assert (row["usages"], row["effective_minutes"]) == (1, 80)
    # A keeper corrects the other: what it does not need any more is the log's again.
    url = f"{URL}/{booked['id']}/adjustments"
    asked = (await engineer.post(url, {"run_minutes": 50, "reason": "中途停过机"})).json()
    assert (await manager.post(f"{url}/{asked['id']}/decision", {"accept": True})).status_code == 200
    booked, log = sorted(await here.told(), key=lambda one: one["booking_id"] is None)
    assert (booked["effective_minutes"], log["effective_minutes"], log["superseded_by_id"]) == (50, 0, booked["id"])
    assert await here.run(1, 85, 100) == "known", "a keeper's correction stands above what is measured"


async def test_keepers_cannot_write_down_more_than_the_clock(manager, engineer, session):
    instrument = await an_instrument(session, manager.organisation)
    body = {"instrument_id": str(instrument.id), "organisation_id": str(engineer.organisation.id)}
    hours = slot(day(-1, 9), 2)
    longer = await manager.post(URL, body | hours | {"run_minutes": 121})
    assert longer.json()["errors"][0]["pointer"] == "/run_minutes"
    # Two customers' samples in one furnace share its hours.
    shared = [(await manager.post(URL, body | hours | {"run_minutes": minutes})).status_code for minutes in (70, 50)]
    assert shared == [201, 201]
    over = await manager.post(URL, body | hours | {"run_minutes": 1})
    assert over.json()["type"] == "/problems/more-than-the-clock"
    [one, _] = (await manager.get(URL, params={"instrument": str(instrument.id)})).json()["items"]
    url = f"{URL}/{one['id']}/adjustments"
    asked = (await engineer.post(url, {"run_minutes": one["run_minutes"] + 30, "reason": "多算些"})).json()
    refused = await manager.post(f"{url}/{asked['id']}/decision", {"accept": True})
    assert refused.status_code in {200, 409}
