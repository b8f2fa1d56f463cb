"""The catalogue: what public money bought is open, a lab says on which terms, and one can search by time."""

import random
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from uuid_utils.compat import uuid7

from marketplace.labs import hours
from marketplace.labs.models import Holiday, Outage
from marketplace.reservations import claims
from tests.given.labs import ALWAYS, EVERY_FIELD_OF_AN_INSTRUMENT, PLAIN, an_instrument, day, slot, weekday

URL = "/api/v1/instruments"


async def draft(manager, **fields) -> dict:
    made = await manager.post(URL, PLAIN | fields | {"organisation_id": str(manager.organisation.id)})
    assert made.status_code == 201, made.text
    return made.json()


async def names(who, **asked) -> list[str]:
    found = await who.get(URL, params=asked)
    assert found.status_code == 200, found.text
    return [item["name"] for item in found.json()["items"]]


async def test_an_instrument_is_written_published_found_and_retired(manager, engineer):
    made = await draft(manager)
    assert await names(engineer, q="试验机") == []
    assert (await manager.post(f"{URL}/{made['id']}/publication")).json()["state"] == "published"
    assert await names(engineer, q="三点弯曲", class_code="02", region="220000") == ["万能试验机"]
    assert await names(engineer, class_code="01") == []
    assert (await manager.post(f"{URL}/{made['id']}/retirement")).json()["state"] == "retired"
    assert await names(engineer) == []
    assert await names(manager, mine="true") == ["万能试验机"]


async def test_every_field_comes_back_as_it_was_written(manager):
    made = await draft(manager, **EVERY_FIELD_OF_AN_INSTRUMENT)
    read = (await manager.get(f"{URL}/{made['id']}")).json()
    assert {name: read[name] for name in EVERY_FIELD_OF_AN_INSTRUMENT} == EVERY_FIELD_OF_AN_INSTRUMENT
    changed = await manager.patch(f"{URL}/{made['id']}", {"hours": ALWAYS, "lab": None}, version=1)
    assert (changed.json()["hours"], changed.json()["lab"], changed.json()["version"]) == (ALWAYS, None, 2)
    assert (await manager.patch(f"{URL}/{made['id']}", {"lab": "x"}, version=1)).status_code == 412


HIDING = [{"audience": "own"}, {"customers": ["internal", "academic"]}, {"customers": []}]


@pytest.mark.parametrize("hiding", HIDING, ids=["hidden", "not for firms", "for nobody"])
async def test_what_public_money_bought_is_not_closed_without_a_reason(hiding, manager):
    wish = PLAIN | {"organisation_id": str(manager.organisation.id), "publicly_funded": True}
    refused = await manager.post(URL, wish | hiding)
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/closed_because"]
    made = await draft(manager, publicly_funded=True)
    refused = await manager.patch(f"{URL}/{made['id']}", hiding, version=1)
    assert refused.json()["type"] == "/problems/must-be-open"
    told = await manager.patch(f"{URL}/{made['id']}", hiding | {"closed_because": "涉密项目。"}, version=1)
    assert told.status_code == 200
    assert (await manager.patch(f"{URL}/{made['id']}", {"closed_because": None}, version=2)).status_code == 422


async def test_the_table_itself_keeps_public_instruments_open(manager, session):
    made = await an_instrument(session, manager.organisation, publicly_funded=True)
    hide = text("update instrument set audience = 'own' where id = :id")
    with pytest.raises(IntegrityError, match="instrument_public_is_open_check"):
        await session.execute(hide, {"id": made.id})


async def test_a_provinces_instrument_is_seen_by_that_provinces_organisations(
    manager, engineer, far_away, session, client
):
    made = await an_instrument(session, manager.organisation, audience="province")
    url = f"{URL}/{made.id}"
    assert [(await who.get(url)).status_code for who in (engineer, far_away)] == [200, 404]
    assert (await client.get(url)).status_code == 404
    assert [len(await names(who)) for who in (engineer, far_away)] == [1, 0]


async def test_a_keeper_looks_after_one_instrument_and_no_other(manager, given, session):
    from schemas.identity import Role

    one, other = [await an_instrument(session, manager.organisation) for _ in range(2)]
    keeper = await given.person(Role.VIEWER, manager.organisation)
    stranger = await given.university()
    for email, status in (
        (stranger.email, 422),
        ("nobody@test.example", 422),
        (keeper.email, 201),
        (keeper.email, 201),
    ):
        assert (await manager.post(f"{URL}/{one.id}/keepers", {"email": email})).status_code == status
    patch = {"notice_minutes": 30}
    assert (await keeper.patch(f"{URL}/{one.id}", patch, version=1)).status_code == 200
    assert (await keeper.patch(f"{URL}/{other.id}", patch, version=1)).status_code == 403
    assert (await keeper.get(f"{URL}/{one.id}")).json()["kept_by_you"]
    assert (await keeper.delete(f"{URL}/{one.id}/keepers/{keeper.id}")).status_code == 204
    assert (await keeper.patch(f"{URL}/{one.id}", patch, version=2)).status_code == 403


BAD_HOURS = {
    "overlapping": {"hours": [{"weekday": 1, "opens": "08:00", "closes": "12:00"}, {"weekday": 1, "opens": "11:00", "closes": "13:00"}]},
    "backwards": {"hours": [{"weekday": 1, "opens": "12:00", "closes": "08:00"}]},
    "25 o'clock": {"hours": [{"weekday": 1, "opens": "08:00", "closes": "25:00"}]},
    "weekday 8": {"hours": [{"weekday": 8, "opens": "08:00", "closes": "12:00"}]},
    "half an exception": {"exceptions": [{"day": "2027-10-01", "opens": "08:00", "closes": None, "reason": "x"}]},
    "a day closed and open": {"exceptions": [
        {"day": "2027-10-01", "reason": "x"}, {"day": "2027-10-01", "opens": "08:00", "closes": "09:00", "reason": "x"}]},
    "lengths": {"min_minutes": 120, "max_minutes": 60},
}  # fmt: skip


@pytest.mark.parametrize("what", list(BAD_HOURS))
async def test_terms_that_contradict_themselves_are_refused(what, manager):
    refused = await manager.post(URL, PLAIN | BAD_HOURS[what] | {"organisation_id": str(manager.organisation.id)})
    assert refused.status_code == 422
    assert refused.json()["errors"]


async def test_an_outage_takes_time_away_until_it_is_over(manager, engineer, session):
    made = await an_instrument(session, manager.organisation)
    wish = {"starts_at": (day(0) - timedelta(days=1)).isoformat(), "reason": "真空泵故障"}
    outage = (await manager.post(f"{URL}/{made.id}/outages", wish)).json()
    assert (await engineer.get(f"{URL}/{made.id}")).json()["out_of_order"]
    window = {"since": day(1).isoformat(), "until": day(2).isoformat()}
    seen = (await engineer.get(f"{URL}/{made.id}/availability", params=window)).json()
    assert ([one["kind"] for one in seen["busy"]], seen["free"]) == (["outage"], [])
    assert (await manager.post(f"{URL}/{made.id}/outages/{outage['id']}/end")).status_code == 200
    assert (await manager.post(f"{URL}/{made.id}/outages/{outage['id']}/end")).status_code == 409
    assert not (await engineer.get(f"{URL}/{made.id}")).json()["out_of_order"]


async def test_a_qualification_holds_once_until_it_is_revoked(manager, engineer, session):
    made = await an_instrument(session, manager.organisation)
    url = f"{URL}/{made.id}/qualifications"
    first = await manager.post(url, {"email": engineer.email})
    assert first.status_code == 201
    assert (await manager.post(url, {"email": engineer.email})).status_code == 409
    assert (await manager.delete(f"{url}/{first.json()['id']}")).status_code == 204
    assert (await manager.post(url, {"email": engineer.email, "expires_on": "2027-12-31"})).status_code == 201
    assert len((await manager.get(url)).json()["items"]) == 2


async def test_availability_joins_nights_and_heeds_holidays(manager, engineer, session):
    holiday = weekday(3)
    nights = [{"weekday": 1, "opens": "20:00", "closes": "24:00"}, {"weekday": 2, "opens": "00:00", "closes": "06:00"},
              {"weekday": 3, "opens": "09:00", "closes": "12:00"}]  # fmt: skip
    made = await an_instrument(
        session, manager.organisation, hours=nights,
        exceptions=[{"day": holiday.date().isoformat(), "reason": "检修日"}],
    )  # fmt: skip
    window = {"since": weekday(1).isoformat(), "until": weekday(7).isoformat()}
    seen = (await engineer.get(f"{URL}/{made.id}/availability", params=window)).json()
    [night] = seen["free"]
    assert {name: moment.replace("Z", "+00:00") for name, moment in night.items()} == slot(weekday(1, 20), 10)


async def test_which_of_this_class_are_free_on_tuesday_from_nine_to_twelve(manager, engineer, session):
    tuesday = {"free_from": weekday(2, 9).isoformat(), "free_until": weekday(2, 12).isoformat()}
    office = [{"weekday": 2, "opens": "08:00", "closes": "12:00"}]
    free = await an_instrument(session, manager.organisation, name="空闲", hours=office)
    taken = await an_instrument(session, manager.organisation, name="已约", hours=office)
    await an_instrument(session, manager.organisation, name="别类", class_code="01-02", hours=office)
    await an_instrument(
        session, manager.organisation, name="早关", hours=[{"weekday": 2, "opens": "08:00", "closes": "11:45"}]
    )
    await an_instrument(session, manager.organisation, name="放假", hours=office,
                        exceptions=[{"day": weekday(2).date().isoformat(), "reason": "节日"}])  # fmt: skip
    await claims.claim(session, uuid7(), claims.period(weekday(2, 11), weekday(2, 13)), [taken.id])
    broken = await an_instrument(session, manager.organisation, name="停用", hours=office)
    await manager.post(f"{URL}/{broken.id}/outages", {"starts_at": weekday(2, 11).isoformat(), "reason": "x"})
    assert await names(engineer, class_code="02", **tuesday) == [free.name]
    assert (await engineer.get(URL, params={"free_from": tuesday["free_from"]})).status_code == 422


async def test_the_search_by_time_and_the_calendar_never_disagree(manager, engineer, session):
    """Random calendars and times: the list has an instrument exactly when its own calendar shows that time free, and
    nobody follows sooner than what is kept free after a booking."""
    dice = random.Random(7)
    made = {}

    def stretches(chance: float) -> list[dict[str, str]]:
        edges = sorted(dice.sample(range(25), 4))
        both = (edges[:2], edges[2:]) if edges[1] < edges[2] else (edges[:2],)
        return [{"opens": f"{a:02d}:00", "closes": f"{b:02d}:00"} for a, b in both if dice.random() < chance]

    for ahead, follows in ((2, None), (4, 7), (6, 1)):
        session.add(Holiday(day=weekday(1).date() + timedelta(days=ahead), name="调休", follows=follows))
    for number in range(8):
        weekly = [{"weekday": one} | part for one in range(1, 8) for part in stretches(0.9)]
        special = []
        for one in dice.sample(range(8), 3):
            on = {"day": str(weekday(1).date() + timedelta(days=one)), "reason": "x"}
            special += [on | part for part in stretches(0.7)] or [on | {"opens": None, "closes": None}]
        one = await an_instrument(
            session, manager.organisation, name=f"第{number}台", hours=weekly, exceptions=special,
            buffer_minutes=dice.choice([0, 30, 240]),
        )  # fmt: skip
        for start in dice.sample(range(0, 160, 4), 6):
            await claims.claim(
                session, uuid7(), claims.period(weekday(1, start), weekday(1, start + dice.choice([1, 2, 4]))), [one.id]
            )
        broken = weekday(1, dice.randrange(0, 160))
        session.add(Outage(instrument_id=one.id, starts_at=broken, ends_at=broken + timedelta(hours=5), reason="x"))
        made[one.name] = (str(one.id), timedelta(minutes=one.buffer_minutes))
    await session.commit()
    seen_free = 0
    for _ in range(25):
        since = weekday(1, dice.randrange(0, 160))
        until = since + timedelta(hours=dice.choice([1, 1, 2, 3, 8, 26]))
        found = set(await names(engineer, free_from=since.isoformat(), free_until=until.isoformat()))
        for name, (key, buffer) in made.items():
            window = {"since": since.isoformat(), "until": (until + buffer).isoformat()}
            seen = (await engineer.get(f"{URL}/{key}/availability", params=window)).json()
            whole = any(of(one)[0] <= since and until <= of(one)[1] for one in seen["open"])
            hindered = any(one["kind"] == "booked" or of(one)[0] < until for one in seen["busy"])
            assert (name in found) == (whole and not hindered), (name, window, seen)
            seen_free += name in found
    assert seen_free > 10, "not all of it is closed"


def of(stretch: dict[str, str]) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(stretch["starts_at"]), datetime.fromisoformat(stretch["ends_at"])


def test_a_day_in_china_begins_at_sixteen_oclock_utc():
    [first, second] = hours.day_parts(weekday(1, 23.5), weekday(2, 0.5))
    assert (first.weekday, first.since, first.until) == (1, 23 * 60 + 30, 24 * 60)
    assert (second.weekday, second.since, second.until) == (2, 0, 30)


async def test_a_window_is_bounded(manager, session):
    made = await an_instrument(session, manager.organisation)
    for since, until in ((1, 1), (2, 1), (1, 64)):
        window = {"since": day(since).isoformat(), "until": day(until).isoformat()}
        assert (await manager.get(f"{URL}/{made.id}/availability", params=window)).status_code == 422
