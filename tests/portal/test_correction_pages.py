"""What is put right after the fact, with forms: entries that cut others, claims that are owed back, imports undone."""

import pytest

from marketplace.imports import jobs
from marketplace.kernel.jobs import Place
from schemas.identity import Role
from tests.given.labs import an_instrument, day, wish
from tests.given.money import a_tariff, a_voucher, charge_of, publish, used
from tests.marketplace.imports.conftest import checked_here, some_jsonl  # noqa: F401 -- a fixture


def links(page) -> list[str]:
    return [node.attrs.get("href") or "" for node in page.all("a")]


@pytest.fixture
async def lab(given):
    return await given.person(Role.LAB_MANAGER, await given.organisation())


@pytest.fixture
async def firm(given):
    return await given.enterprise()


@pytest.fixture
async def instrument(lab, session):
    made = await an_instrument(session, lab.organisation, name="万能试验机", slot_minutes=5, min_minutes=5)
    await publish(lab, made, a_tariff())
    return made


async def test_an_entry_that_cuts_others_is_shown_before_confirmed_and_withdrawn(lab, firm, instrument, visitor):
    log = f"starts_at,ends_at,organisation\n{day(1, 9).isoformat()},{day(1, 11).isoformat()},{firm.organisation.uscc}"
    answer = await lab.client.post(
        f"/api/v1/instruments/{instrument.id}/usage-log", files={"file": ("log.csv", log.encode())}, headers=lab.headers
    )
    assert answer.status_code == 200, answer.text
    keeper, url = visitor(lab), f"/usages?instrument={instrument.id}"
    typed = {"day": day(1).date().isoformat(), "from": "10:00", "to": "11:00", "run_minutes": "60"}
    asked = await keeper.again(url, typed, 200)
    assert "还没有录入" in asked.text
    assert firm.organisation.name in asked.one("div", id="cuts").text
    assert "2 小时 → 1 小时" in asked.one("div", id="cuts").text
    assert len((await lab.get("/api/v1/usages")).json()["items"]) == 1
    # What was confirmed is that, and nothing else: other times are asked about anew.
    form = asked.form(url)
    assert form["run_minutes"] == ["60"]
    assert "还没有录入" in (await keeper.again(url, form | {"from": "09:30", "run_minutes": "90"}, 200)).text
    assert await keeper.sent(url, form) == f"{url}&said=entered"
    own, cut = sorted((await lab.get("/api/v1/usages")).json()["items"], key=lambda one: one["source"])
    page = await keeper.page(f"/usages/{own['id']}")
    assert "2 小时 → 1 小时" in page.text
    assert f"/usages/{cut['id']}" in links(page)
    there = await keeper.page(f"/usages/{cut['id']}")
    assert f"/usages/{own['id']}" in links(there)
    # Whom it served sees that it was cut, and the charge; not who else did, and no button.
    theirs = await visitor(firm).page(f"/usages/{cut['id']}")
    assert "与同一仪器等级更高的记录重叠" in theirs.text
    assert f"/usages/{own['id']}" not in links(theirs)
    assert any(link.startswith("/charges/0") for link in links(theirs))
    back = f"/usages/{own['id']}/withdrawal"
    assert "理由" in (await keeper.again(back, {"reason": ""})).text
    await keeper.sent(back, {"reason": "日期填错"})
    assert (await lab.get(f"/api/v1/usages/{cut['id']}")).json()["effective_minutes"] == 120
    assert "管理员已撤回" in (await keeper.page(f"/usages/{own['id']}")).text


async def test_what_is_owed_back_is_seen_by_all_sides_and_its_return_written_down(
    lab, firm, instrument, visitor, given, session
):
    programme = await given.admin()
    voucher = await a_voucher(programme, firm, "150.00")
    usage = await used(lab, instrument, 60, organisation_id=str(firm.organisation.id))
    charge = await charge_of(firm, usage)
    claim = {"voucher_id": voucher["id"], "charge_id": charge["id"]}
    asked = (await lab.post("/api/v1/redemptions", claim)).json()
    await programme.post(f"/api/v1/redemptions/{asked['id']}/decision", {"pay": True})
    less = {"comes_to": "60.00", "reason": "设备故障"}
    assert (await lab.post(f"/api/v1/charges/{charge['id']}/adjustments", less)).status_code == 201
    for who in (lab, firm):
        text = (await visitor(who).page(f"/charges/{charge['id']}")).text
        assert f"此券现在抵扣 30.00 元，{lab.organisation.name}应向平台退回 20.00 元" in text
    office, url = visitor(programme), "/charges/redemptions"
    assert "已退回 20.00 元" in (await office.page(url)).text
    assert "已退回" not in (await visitor(lab).page(url)).text
    assert await office.sent(f"{url}/{asked['id']}/return", {"note": ""}) == f"{url}?said=claim-returned"
    assert "应向平台退回" not in (await office.page(url)).text
    assert "没有应退回的金额" in (await office.again(f"{url}/{asked['id']}/return", {"note": ""}, 409)).text


@pytest.mark.usefixtures("checked_here")
async def test_an_import_of_instruments_is_undone_with_a_button_and_told_row_by_row(
    lab, firm, visitor, database, settings
):
    file = some_jsonl({"external_id": "S-1", "name": "扫描电镜"}, {"external_id": "S-2", "name": "拉力机"})
    answer = await lab.client.post(
        "/api/v1/imports", data={"kind": "instrument", "organisation_id": str(lab.organisation.id)},
        files={"file": ("a.jsonl", file)}, headers=lab.headers,
    )  # fmt: skip
    number = answer.json()["id"]
    await jobs.run(Place(database, settings), {"operation_id": number})
    found = {
        one["name"]: one for one in (await lab.get("/api/v1/instruments", params={"mine": "true"})).json()["items"]
    }
    await lab.patch(f"/api/v1/instruments/{found['拉力机']['id']}", {"model": "W-1"}, version=1)
    keeper, rows = visitor(lab), f"/imports/instrument/{number}/rows"
    assert rows in links(await keeper.page(f"/imports/instrument/{number}"))
    assert rows in links(await keeper.page("/imports/instrument"))
    assert "新增 2" in (await keeper.page(rows)).text
    assert await keeper.sent(f"/imports/instrument/{number}/undo") == f"{rows}?said=import-undone"
    text = (await keeper.page(rows)).text
    assert "撤回 1，恢复 0，部分恢复 0，未能撤销 1" in text
    assert "此后又改过" in text
    assert (await visitor(firm).get(rows)).status_code == 404
    assert (await visitor(firm).post(f"/imports/instrument/{number}/undo")).status_code == 404


async def test_an_import_of_achievements_is_undone_with_the_same_button(given, visitor, database, settings):
    editor = await given.university()
    file = some_jsonl({"external_id": "A-1", "title": "薄膜"}, {"external_id": "A-2", "title": "浆料"})
    answer = await editor.client.post(
        "/api/v1/imports", data={"kind": "achievement", "organisation_id": str(editor.organisation.id)},
        files={"file": ("a.jsonl", file)}, headers=editor.headers,
    )  # fmt: skip
    number = answer.json()["id"]
    await jobs.run(Place(database, settings), {"operation_id": number})
    [thin] = [
        one
        for one in (await editor.get("/api/v1/achievements", params={"mine": "true"})).json()["items"]
        if one["title"] == "薄膜"
    ]
    await editor.patch(f"/api/v1/achievements/{thin['id']}", {"stage": "pilot"}, version=1)
    writer, rows = visitor(editor), f"/imports/achievement/{number}/rows"
    assert rows in links(await writer.page(f"/imports/achievement/{number}"))
    assert rows in links(await writer.page("/imports/achievement"))
    assert rows not in links(await writer.page("/imports/problem"))
    assert await writer.sent(f"/imports/achievement/{number}/undo") == f"{rows}?said=import-undone"
    page = await writer.page(rows)
    assert "撤回 1，恢复 0，部分恢复 0，未能撤销 1" in page.text
    assert f"/achievements/{thin['id']}" in links(page)
    assert (await visitor(await given.university()).post(f"/imports/achievement/{number}/undo")).status_code == 404


async def test_a_keeper_sees_who_comes_and_what_they_answered(lab, firm, session, visitor):
    made = await an_instrument(session, lab.organisation, name="盐雾箱", order_form=["试样数量？"])
    told = wish(made, firm, day(3, 9), answers=["六件，40 mm"])
    assert (await firm.post("/api/v1/bookings", told)).status_code == 201
    section = (await visitor(lab).page("/bookings")).text
    assert "两周内到访您管理的仪器" in section
    assert "试样数量？ 六件，40 mm" in section
    own = (await visitor(firm).page("/bookings")).text
    assert "试样数量？ 六件，40 mm" in own
    assert "两周内到访" not in own


async def test_the_same_time_is_booked_every_week_and_the_weeks_that_fail_are_told(lab, firm, instrument, visitor):
    engineer, url = visitor(firm), f"/instruments/{instrument.id}/bookings"
    taken = wish(instrument, lab, day(10, 9))
    assert (await lab.post("/api/v1/bookings", taken)).status_code == 201
    typed = {
        "organisation_id": str(firm.organisation.id), "day": day(3).date().isoformat(), "from": "09:00", "to": "10:00",
        "purpose": "每周例行", "weeks": "3",
    }  # fmt: skip
    refused = await engineer.again(url, typed, 409)
    assert "第 2 周：" in refused.text
    assert refused.form(url)["weeks"] == ["3"]
    assert (await firm.get("/api/v1/bookings")).json()["items"] == []
    partly = await engineer.again(url, typed | {"skip_what_fails": "1"}, 200)
    assert f"{day(10).date().isoformat()} 09:00" in partly.one("div", id="gaps").text
    booked = (await firm.get("/api/v1/bookings")).json()["items"]
    assert sorted(one["starts_at"][:10] for one in booked) == [day(3).date().isoformat(), day(17).date().isoformat()]
    # Its keeper calls one of them off, and says why.
    keeper = visitor(lab)
    assert "每周例行" in (await keeper.page("/bookings")).text
    await keeper.sent(f"/bookings/{booked[-1]['id']}/cancellation", {"note": "当日停电"})
    assert "当日停电" in (await engineer.page("/bookings")).text
