"""The tablet beside an instrument: opened with a key, it lets those who booked come and go, and names nobody."""

from datetime import timedelta

import pytest

from marketplace.kernel import clock, rate
from schemas.identity import Role
from tests.given.devices import a_device
from tests.given.labs import an_instrument, wish
from tests.portal.reader import Page, audit

COOKIE = "duijie_kiosk"


@pytest.fixture
async def lab(given):
    return await given.person(Role.LAB_MANAGER, await given.organisation())


@pytest.fixture
async def firm(given):
    return await given.enterprise()


@pytest.fixture
async def instrument(lab, session):
    return await an_instrument(session, lab.organisation, name="万能试验机", slot_minutes=5, min_minutes=5)


@pytest.fixture
async def kiosk(lab, instrument):
    return await a_device(lab, instrument, "kiosk", "门口平板")


@pytest.fixture
async def tablet(visitor, kiosk):
    """A browser that was given the key."""
    opened = visitor()
    answer = await opened.post("/kiosk/key", {"token": kiosk["key"]})
    assert (answer.status_code, answer.headers["location"]) == (303, "/kiosk")
    kept = answer.headers["set-cookie"]
    assert kept.startswith(f"{COOKIE}=djk_")
    for wanted in ("HttpOnly", "Path=/kiosk", "SameSite=lax"):
        assert wanted in kept
    opened.headers["Cookie"] = f"{COOKIE}={kiosk['key']}"
    return opened


def soon() -> tuple:
    """The next five minutes that begin, a quarter of an hour from now at most."""
    now = clock.now()
    return now + timedelta(minutes=10 - now.minute % 5, seconds=-now.second, microseconds=-now.microsecond), now


async def booked(firm, instrument, at, hours: float = 1) -> dict:
    made = await firm.post("/api/v1/bookings", wish(instrument, firm, at, hours))
    assert made.status_code == 201, made.text
    return made.json()


async def code_of(who, booking: dict) -> str:
    return (await who.get(f"/api/v1/bookings/{booking['id']}/code")).json()["code"]


async def test_whoever_booked_comes_and_goes_by_their_code(lab, firm, instrument, tablet, visitor):
    at, _ = soon()
    booking = await booked(firm, instrument, at)
    code = await code_of(firm, booking)
    mine = await visitor(firm).page("/bookings")
    assert code in mine.text
    before = await tablet.page("/kiosk")
    assert audit(before) == []
    assert "空闲" in before.text
    for private in (firm.email, firm.organisation.name, "三点弯曲", "某人"):
        assert private not in before.html
    # However it is typed: without the hyphen, small, with blanks, with digits that the alphabet has not.
    typed = code.replace("-", " ").lower().replace("o", "0").replace("i", "1").replace("b", "8")
    came = Page(await tablet.sent("/kiosk", {"code": typed}, 200))
    assert "已签到，请使用" in came.text
    with clock.ahead(timedelta(minutes=40)):
        asked = Page(await tablet.sent("/kiosk", {"code": code}, 200))
        assert audit(asked) == []
        form = asked.form("/kiosk")
        assert form["do"] == ["out"]
        told = {"code": code, "do": "out", "preparation_minutes": "90", "samples": "3"}
        page = await tablet.again("/kiosk", told)
        assert "超过了在场时间" in page.text
        assert page.field("preparation_minutes") == "90"
        gone = Page(await tablet.sent("/kiosk", told | {"preparation_minutes": "10", "processing_minutes": "5"}, 200))
        assert "已签退" in gone.text
        assert "预约当前的状态不允许这一步" in (await tablet.again("/kiosk", {"code": code}, 409)).text
    [used] = (await firm.get("/api/v1/usages")).json()["items"]
    assert (used["source"], used["booking_id"], used["person_id"]) == ("kiosk", booking["id"], str(firm.id))
    assert (used["preparation_minutes"], used["processing_minutes"], used["samples"]) == (10, 5, 3)
    assert used["effective_minutes"] in {40, 41}
    [device] = (await lab.get(f"/api/v1/instruments/{instrument.id}/devices")).json()["items"]
    assert device["seen_at"] is not None


async def test_a_code_of_another_instrument_or_of_nobody_is_refused_and_guesses_run_out(
    lab, firm, instrument, tablet, session, app
):
    other = await an_instrument(session, lab.organisation, slot_minutes=5, min_minutes=5)
    at, _ = soon()
    elsewhere = await code_of(firm, await booked(firm, other, at))
    late = await code_of(firm, await booked(firm, instrument, at + timedelta(hours=3)))
    for wrong in (elsewhere, "ABCD-EFGH", "", "预约", "x" * 4000):
        assert "没有这个预约码" in (await tablet.again("/kiosk", {"code": wrong})).text
    assert "开始前 30 分钟" in (await tablet.again("/kiosk", {"code": late}, 409)).text
    app.state.codes_limit = rate.Limit("codes", 2, 60)
    statuses = [(await tablet.post("/kiosk", {"code": "ABCD-EFGH"})).status_code for _ in range(3)]
    assert statuses == [422, 422, 429]


async def test_who_stays_too_long_is_told_and_so_is_that_somebody_waits(firm, instrument, tablet):
    at, _ = soon()
    booking = await booked(firm, instrument, at, 0.5)
    await booked(firm, instrument, at + timedelta(minutes=30), 0.5)
    with clock.ahead(at - clock.now() + timedelta(minutes=1)):
        await tablet.sent("/kiosk", {"code": await code_of(firm, booking)}, 200)
    with clock.ahead(at - clock.now() + timedelta(minutes=25)):
        part = await tablet.get("/kiosk", headers={"HX-Request": "true"})
        assert "快到时间了" in part.text
        assert "下一位用户" in part.text
        assert "<html" not in part.text
    with clock.ahead(at - clock.now() + timedelta(minutes=42, seconds=30)):
        assert "已超时 12 分钟" in (await tablet.page("/kiosk")).text


async def test_a_revoked_key_opens_nothing_and_a_wrong_one_says_so(lab, instrument, kiosk, tablet, anybody):
    assert "密钥无效" in (await anybody.again("/kiosk/key", {"token": "djk_" + "x" * 40}, 403)).text
    url = f"/api/v1/instruments/{instrument.id}/devices/{kiosk['id']}"
    assert (await lab.delete(url)).status_code == 204
    assert (await lab.delete(url)).status_code == 404
    assert "设为签到终端" in (await tablet.page("/kiosk")).text
    assert (await tablet.post("/kiosk", {"code": "ABCD-EFGH"})).status_code == 403


async def test_a_keeper_makes_devices_with_a_form_and_sees_the_key_once(lab, instrument, visitor):
    url = f"/instruments/{instrument.id}/devices"
    keeper = visitor(lab)
    shown = Page(await keeper.sent(url, {"name": "门口平板", "kind": "kiosk"}, 200))
    key = shown.one("section", class_="secret").text
    assert "djk_" in key
    assert shown.all("svg", class_="qr")
    meter = Page(await keeper.sent(url, {"name": "电流计", "kind": "meter"}, 200))
    assert "djm_" in meter.one("section", class_="secret").text
    again = await keeper.page(url)
    assert "djk_" not in again.html
    assert "djm_" not in again.html
    assert "名称" in (await keeper.again(url, {"name": "", "kind": "meter"})).text
    [newest, _] = (await lab.get(f"/api/v1/instruments/{instrument.id}/devices")).json()["items"]
    await keeper.sent(f"{url}/{newest['id']}/revocation")
    assert "已撤销" in (await keeper.page(url)).text
