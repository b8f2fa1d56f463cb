"""Calendar feeds: read by whoever has the address, telling no more than its owner may know."""

import pytest

from marketplace.labs.ical import Event, written
from schemas.identity import Role
from tests.given.calendars import calendar_entries
from tests.given.labs import an_instrument, day, slot, wish

URL = "/api/v1/calendars"


async def feed(who, **wanted) -> str:
    made = await who.post(URL, wanted)
    assert made.status_code == 201, made.text
    return made.json()["url"].removeprefix("http://127.0.0.1:8000")


@pytest.fixture
async def booked(manager, engineer, session):
    instrument = await an_instrument(session, manager.organisation)
    body = wish(instrument, engineer, day(7, 9), purpose="断口,分析;\\ 一")
    return instrument, (await engineer.post("/api/v1/bookings", body)).json()


async def test_ones_own_calendar_follows_every_change(booked, engineer, client):
    instrument, booking = booked
    url = await feed(engineer, kind="person")
    answer = await client.get(url)
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    [one] = calendar_entries(answer.text)
    assert (one["UID"], one["SEQUENCE"], one["STATUS"]) == (f"{booking['id']}@duijie", "0", "CONFIRMED")
    assert one["SUMMARY"] == f"{instrument.name}：断口,分析;\\ 一"
    assert one["DTSTART"] == day(7, 1).strftime("%Y%m%dT%H%M%SZ"), "nine in China is one in UTC"
    await engineer.post(f"/api/v1/bookings/{booking['id']}/move", slot(day(8, 9)))
    old, new = calendar_entries((await client.get(url)).text)
    assert (old["UID"], old["SEQUENCE"], old["STATUS"]) == (one["UID"], "1", "CANCELLED")
    assert new["STATUS"] == "CONFIRMED"


async def test_keepers_are_told_who_comes_and_others_only_that_it_is_busy(booked, manager, engineer, far_away, client):
    instrument, _ = booked
    [kept] = calendar_entries((await client.get(await feed(manager, kind="keeper"))).text)
    assert engineer.organisation.name in kept["SUMMARY"]
    assert calendar_entries((await client.get(await feed(far_away, kind="keeper"))).text) == []
    text = (await client.get(await feed(far_away, kind="instrument", instrument_id=str(instrument.id)))).text
    [seen] = calendar_entries(text)
    assert seen["SUMMARY"] == "已占用"
    assert engineer.organisation.name not in text
    assert "断口" not in text


async def test_who_keeps_it_no_longer_reads_it_no_longer(booked, manager, given, client, session):
    instrument, _ = booked
    keeper = await given.person(Role.VIEWER, manager.organisation)
    await manager.post(f"/api/v1/instruments/{instrument.id}/keepers", {"email": keeper.email})
    url = await feed(keeper, kind="keeper")
    assert len(calendar_entries((await client.get(url)).text)) == 1
    await manager.delete(f"/api/v1/instruments/{instrument.id}/keepers/{keeper.id}")
    assert calendar_entries((await client.get(url)).text) == []


async def test_an_address_is_told_once_and_can_be_taken_back(engineer, client):
    url = await feed(engineer, kind="person")
    [one] = (await engineer.get(URL)).json()["items"]
    assert "url" not in one
    assert (await engineer.delete(f"{URL}/{one['id']}")).status_code == 204
    assert (await client.get(url)).status_code == 404
    assert (await engineer.delete(f"{URL}/{one['id']}")).status_code == 404


async def test_a_calendar_names_its_instrument_and_nothing_else(engineer):
    assert (await engineer.post(URL, {"kind": "instrument"})).status_code == 422
    absent = "00000000-0000-4000-8000-000000000000"
    assert (await engineer.post(URL, {"kind": "person", "instrument_id": absent})).status_code == 422
    assert (await engineer.post(URL, {"kind": "instrument", "instrument_id": absent})).status_code == 404


def test_no_text_begins_a_line_of_its_own():
    at = day(1)
    odd = "a\r\nBEGIN:VEVENT\nX\u2028Y" + "长" * 100
    text = written("n", [Event("u", 0, at, at, at, odd, None, "CONFIRMED")])
    assert text.count("\r\nBEGIN:VEVENT\r\n") == 1
    assert len(calendar_entries(text)) == 1
