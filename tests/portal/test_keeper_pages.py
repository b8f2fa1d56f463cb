"""What a keeper sets up and writes down, what a user corrects, what the programme pays: with forms."""

import pytest

from schemas.identity import Role
from tests.given.labs import an_instrument, day
from tests.given.money import a_tariff, a_voucher, charge_of, publish, used


@pytest.fixture
async def lab(given):
    return await given.person(Role.LAB_MANAGER, await given.organisation())


@pytest.fixture
async def firm(given):
    return await given.enterprise()


@pytest.fixture
async def instrument(lab, session):
    return await an_instrument(session, lab.organisation, name="万能试验机", exceptions=[])


async def test_hours_and_exceptions_are_written_in_rows_and_a_wrong_one_is_told_by_its_row(
    lab, firm, instrument, visitor
):
    url = f"/instruments/{instrument.id}/hours"
    keeper = visitor(lab)
    form = (await keeper.page(url)).form(url)
    assert form["hours.weekday"][:7] == list("1234567")
    weekly = {
        "hours.weekday": ["1", "1", "2"],
        "hours.opens": ["08:30", "13:30", ""],
        "hours.closes": ["12:00", "24:00", ""],
    }
    holiday = {"exceptions.day": ["2027-10-01", ""], "exceptions.opens": ["", ""], "exceptions.closes": ["", ""],
               "exceptions.reason": ["国庆节", ""]}  # fmt: skip
    sent = {"version": form["version"]} | weekly | holiday
    page = await keeper.again(url, sent | {"hours.opens": ["8点", "13:30", ""]})
    assert "每周开放时间，第 1 行，开：请填写时刻" in page.text
    assert page.form(url)["exceptions.reason"][0] == "国庆节"
    assert await keeper.sent(url, sent) == f"{url}?said=saved"
    now = (await lab.get(f"/api/v1/instruments/{instrument.id}")).json()
    assert [(one["weekday"], one["opens"], one["closes"]) for one in now["hours"]] == [
        (1, "08:30", "12:00"), (1, "13:30", "24:00"),
    ]  # fmt: skip
    assert [one["reason"] for one in now["exceptions"]] == ["国庆节"]
    # Somebody else saved in between: what was typed stays, and may be saved over it.
    stale = await keeper.again(url, sent | {"exceptions.reason": ["国庆节值班", ""]}, 412)
    assert stale.form(url)["exceptions.reason"][0] == "国庆节值班"
    await keeper.sent(url, stale.form(url))
    assert (await visitor(firm).get(url)).status_code == 403


async def test_holidays_are_written_by_the_platform_and_read_by_everybody(given, anybody, visitor):
    admin = visitor(await given.admin())
    url = "/instruments/holidays"
    await admin.sent(url, {"day": "2199-10-08", "name": "国庆补班", "follows": "5"})
    await admin.sent(url, {"day": "2199-10-01", "name": "国庆节", "follows": ""})
    assert "请填写日期" in (await admin.again(url, {"day": "十月一日", "name": "国庆节"})).text
    told = (await anybody.page(url)).text
    assert "2199-10-08 国庆补班" in told
    assert "按周五开放" in told
    await admin.sent(url, {"day": "2199-10-08", "do": "remove"})
    assert "国庆补班" not in (await anybody.page(url)).text
    assert (
        "只有平台管理员"
        in (await visitor(await given.enterprise()).again(url, {"day": "2199-10-02", "name": "x"}, 403)).text
    )


async def test_prices_are_published_with_a_form_that_begins_as_the_ones_that_hold(lab, instrument, visitor, anybody):
    url = f"/instruments/{instrument.id}/tariffs"
    keeper = visitor(lab)
    first = {f"{who}.per_hour": "100" for who in ("internal", "academic", "province_firm", "other")}
    sent = first | {"effective_from": day(0).date().isoformat(), "late_cancel_percent": "50", "accepts_vouchers": "1",
                    "window.0.weekdays": ["6", "7"], "window.0.opens": "08:00", "window.0.closes": "20:00",
                    "window.0.percent": "150"}  # fmt: skip
    page = await keeper.again(url, sent | {"academic.per_hour": "一百"})
    assert "价格，高校院所，每小时：请填写金额" in page.text
    assert page.field("late_cancel_percent") == "50"
    assert await keeper.sent(url, sent) == f"{url}?said=priced"
    form = (await keeper.page(url)).form(url)
    assert (form["other.per_hour"], form["window.0.weekdays"]) == (["100.00"], ["6", "7"])
    assert "最早次日生效" in (await keeper.again(url, sent)).text
    assert "周六 周日 08:00–20:00" in (await anybody.page(url)).text
    await keeper.sent(f"{url}/free", {"year": str(day(0).year), "yearly_hours": "1400", "percent": "5",
                                      "customers": ["province_firm"]})  # fmt: skip
    assert "共 70 小时" in (await anybody.page(url)).text
    assert "受益类别" in (await keeper.again(f"{url}/free", {"year": "2027", "yearly_hours": "1", "percent": "5"})).text


async def test_use_is_entered_corrected_and_linked_with_forms(lab, firm, instrument, visitor):
    await publish(lab, instrument, a_tariff())
    keeper, user = visitor(lab), visitor(firm)
    url = f"/usages?instrument={instrument.id}"
    told = {"organisation": firm.organisation.name, "day": day(0).date().isoformat(), "from": "00:00", "to": "01:30",
            "run_minutes": "80", "preparation_minutes": "10", "note": "拉伸"}  # fmt: skip
    page = await keeper.again(url, told | {"organisation": "没有的单位"})
    assert "没有这个单位" in page.text
    assert page.field("note") == "拉伸"
    assert "结束时间：结束须晚于开始" in (await keeper.again(url, told | {"to": "00:00"})).text
    assert await keeper.sent(url, told) == f"{url}&said=entered"
    log = "开始时间,结束时间,运行分钟\n2026-03-01 09:00,2026-03-01 10:00,50\n2026-03-02 09:00,x,50\n"
    answer = await keeper.post(f"/usages/log?instrument={instrument.id}", files={"file": ("log.csv", log, "text/csv")})
    assert answer.status_code == 422
    assert "请填写带时区的时间" in answer.text
    [used_] = (await firm.get("/api/v1/usages")).json()["items"]
    assert used_["effective_minutes"] == 90
    one = f"/usages/{used_['id']}"
    assert firm.organisation.name in (await user.page("/usages")).text
    refused = await user.again(f"{one}/adjustments", {"run_minutes": "0", "preparation_minutes": "0", "reason": "错了"})
    assert "运行（分钟）：机时不能全为零" in refused.text
    assert refused.field("reason") == "错了"
    await user.sent(f"{one}/adjustments", {"run_minutes": "50", "preparation_minutes": "10", "reason": "只做了一小时"})
    assert "等您处理的更正（1）" in (await keeper.page("/usages")).text
    assert "等您处理的更正" not in (await user.page("/usages?asked=true")).text
    asked = await keeper.page(one)
    decision = next(node.attrs["action"] for node in asked.all("form") if node.attrs["action"].endswith("/decision"))
    assert not [node for node in (await user.page(one)).all("form") if node.attrs["action"].endswith("/decision")]
    await keeper.sent(decision, {"accept": "1", "note": "核实"})
    assert "核实" in (await user.page(one)).text
    assert "等您处理的更正" not in (await keeper.page("/usages")).text
    assert (await charge_of(firm, used_))["gross"] == "100.00"
    paper = {"kind": "patent", "title": "一种夹具", "number": "ZL202010123456.3", "year": "2026"}
    wrong = await user.again(f"{one}/outputs", paper)
    assert "编号：专利号的校验位不对" in wrong.text
    assert wrong.field("title") == "一种夹具"
    await user.sent(f"{one}/outputs", paper | {"number": "zl 2020 1 0123456.2"})
    listed = await keeper.page(f"/instruments/{instrument.id}/outputs")
    assert "ZL202010123456.2" in listed.text
    assert (
        "已登记过"
        in (
            await keeper.again(f"/instruments/{instrument.id}/outputs", paper | {"number": "ZL202010123456.2"}, 409)
        ).text
    )
    removal = next(node.attrs["action"] for node in listed.all("form") if node.attrs["action"].endswith("/removal"))
    await keeper.sent(removal)
    assert "ZL202010123456.2" not in (await user.page(one)).text


async def test_vouchers_are_issued_redeemed_and_paid_with_forms(given, lab, firm, instrument, visitor):
    await publish(lab, instrument, a_tariff())
    programme = await given.admin()
    admin, user, keeper = visitor(programme), visitor(firm), visitor(lab)
    told = {"organisation": firm.organisation.uscc, "number": "JL-1", "amount": "1千", "share_percent": "50",
            "settlement": "firm_redeems", "valid_until": "2199-12-31"}  # fmt: skip
    page = await admin.again("/charges/vouchers", told)
    assert "面额：请填写金额" in page.text
    assert page.field("number") == "JL-1"
    await admin.sent("/charges/vouchers", told | {"amount": "0.1万"})
    await a_voucher(programme, firm, "40.00", valid_until="2199-12-01")  # 通兑, used first
    charge = await charge_of(firm, await used(lab, instrument, 120, organisation_id=str(firm.organisation.id)))
    here = f"/charges/{charge['id']}"
    claims = "/charges/redemptions"
    assert (await user.page(here)).form(claims)["voucher_id"]
    await user.sent(claims, (await user.page(here)).form(claims))
    await keeper.sent(claims, (await keeper.page(here)).form(claims))
    assert not [form for form in (await user.page(here)).all("form") if form.attrs["action"] == claims]
    asked = await admin.page(claims)
    decisions = [form.attrs["action"] for form in asked.all("form") if form.attrs["action"].endswith("/decision")]
    assert len(decisions) == 2
    await admin.sent(decisions[0], {"pay": "1"})
    assert "此申请已处理" in (await admin.again(decisions[0], {"pay": "1"}, 409)).text
    await admin.sent(decisions[1], {"pay": "0", "note": "材料不全"})
    told_user = (await user.page(claims)).text
    assert "材料不全" in told_user + (await keeper.page(claims)).text
    assert "已兑付" in told_user + (await keeper.page(claims)).text
    assert not [form for form in (await user.page(claims)).all("form") if form.attrs["action"].endswith("/decision")]


async def test_the_map_of_use_opens_the_uses_behind_each_cell(lab, firm, instrument, visitor):
    await used(lab, instrument, 90, organisation_id=str(firm.organisation.id))
    page = await visitor(lab).page(f"/instruments/{instrument.id}/utilisation?by=day")
    heat = page.one("table", class_="heat")
    assert "1.0" in heat.text
    [first, second] = [
        node.attrs["href"] for node in page.all("a") if "/utilisation/rows" in node.attrs.get("href", "")
    ]
    assert "hour=0" in first
    assert "hour=1" in second
    behind = await visitor(lab).page(second)
    assert firm.organisation.name in behind.text
    assert (
        "366"
        in (
            await visitor(lab).page(f"/instruments/{instrument.id}/utilisation?since=2020-01-01&until=2026-01-01", 422)
        ).text
    )
    assert (await visitor(firm).get(f"/instruments/{instrument.id}/utilisation")).status_code == 404
