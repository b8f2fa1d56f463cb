"""What use costs, told before and after, with a browser: prices, charges, disputes, statements, vouchers, the year."""

import pytest

from schemas.identity import Role
from tests.given.labs import an_instrument, day
from tests.given.money import a_tariff, a_voucher, charge_of, free_hours, publish, used


@pytest.fixture
async def lab(given):
    return await given.person(Role.LAB_MANAGER, await given.organisation())


@pytest.fixture
async def firm(given):
    return await given.enterprise()


@pytest.fixture
async def priced(lab, session):
    made = await an_instrument(session, lab.organisation, name="万能试验机", operation="either")
    await publish(lab, made, a_tariff())
    return made


@pytest.fixture
async def charge(lab, firm, priced) -> dict:
    """An hour and a half of a firm: 150 yuan."""
    return await charge_of(firm, await used(lab, priced, 90, organisation_id=str(firm.organisation.id)))


def form(who, **more: str) -> dict[str, str]:
    told = {"organisation_id": str(who.organisation.id), "day": day(3).date().isoformat(), "purpose": "三点弯曲"}
    return told | {"from": "09:00", "to": "11:00"} | more


async def test_a_price_is_told_line_by_line_before_booking_and_holds_nothing(given, lab, firm, priced, visitor):
    await free_hours(lab, priced, day(3).year, percent=5)
    voucher = await a_voucher(await given.admin(), firm, "1000.00")
    page = await visitor(firm).again(f"/instruments/{priced.id}/quotes", form(firm, assisted="1"), 200)
    told = page.one("div", id="quote").text
    # Two hours at 100 and at 50 for the operator; 30 of 120 minutes are free; half of the rest is the voucher's.
    for wanted in ("机时", "200.00 元", "机组操作", "100.00 元", "300.00 元", "75.00 元（30 分钟）", "112.50 元"):
        assert wanted in told, wanted
    assert f"创新券 {voucher['number']} 抵扣 112.50 元" in told
    assert (page.field("purpose"), page.field("from")) == ("三点弯曲", "09:00")
    assert (await firm.get("/api/v1/vouchers")).json()["items"][0]["held"] == "0.00"
    assert (await firm.get("/api/v1/bookings")).json()["items"] == []


async def test_a_time_without_an_end_has_no_price_but_a_reason(firm, priced, visitor):
    url = f"/instruments/{priced.id}/quotes"
    for wrong, said in (({"to": ""}, "结束时间"), ({"to": "08:00"}, "结束须晚于开始"), ({"samples": "x"}, "样品数")):
        page = await visitor(firm).again(url, form(firm) | wrong)
        assert said in page.text
        assert page.all("div", id="quote") == []


async def test_a_price_in_anothers_name_is_refused_beside_the_form(lab, firm, priced, visitor):
    page = await visitor(firm).again(f"/instruments/{priced.id}/quotes", form(lab), 403)
    assert page.field("purpose") == "三点弯曲"
    assert page.one("div", class_="notice bad").text.strip()
    assert page.all("div", id="quote") == []


async def test_what_an_instrument_costs_is_published_to_everybody(lab, priced, anybody, session):
    page = await anybody.page(f"/instruments/{priced.id}")
    prices = page.one("section", aria_labelledby="prices").text
    for wanted in ("本省企业", "100.00 元", "每个样品", "10.00 元", "约定价的 50%", "可用创新券"):
        assert wanted in prices, wanted
    coming = a_tariff(effective_from=day(9).date().isoformat(), accepts_vouchers=False)
    await publish(lab, priced, coming)
    prices = (await anybody.page(f"/instruments/{priced.id}")).one("section", aria_labelledby="prices").text
    assert f"{day(9).date()} 起的新标准" in prices
    free = await an_instrument(session, lab.organisation, name="免费显微镜")
    assert "未公布收费标准，请咨询机组" in (await anybody.page(f"/instruments/{free.id}")).text


async def test_a_charge_is_read_disputed_and_put_right_with_forms(lab, firm, charge, visitor):
    payer, keeper, url = visitor(firm), visitor(lab), f"/charges/{charge['id']}"
    assert "150.00 元" in (await payer.page("/charges")).one("section", aria_labelledby="charges").text
    assert "不能为空白" in (await payer.again(f"{url}/disputes", {"reason": " "})).text
    assert await payer.sent(f"{url}/disputes", {"reason": "只用了一小时"}) == f"{url}?said=disputed"
    assert "已有一个待答复的异议" in (await payer.again(f"{url}/disputes", {"reason": "再说"}, 409)).text
    assert "异议待答复" in (await payer.page("/charges")).text
    assert "等您答复的异议（1）" in (await keeper.page("/charges")).text
    page = await keeper.page(url)
    answer = next(one.attrs["action"] for one in page.all("form") if one.attrs["action"].endswith("/answer"))
    page = await keeper.again(answer, {"accept": "1", "answer": "属实"})
    assert "请填写新的总额" in page.text
    assert page.field("answer") == "属实"
    assert (await payer.post(answer, {"accept": "0", "answer": "x"})).status_code == 403
    await keeper.sent(answer, {"accept": "1", "comes_to": "100", "answer": "属实"})
    page = await payer.page(url)
    for wanted in ("已采纳", "人工调整", "-50.00 元", "只用了一小时", "属实"):
        assert wanted in page.text, wanted
    assert "100.00 元" in page.one("section", aria_labelledby="sums").text
    assert "等您答复的异议" not in (await keeper.page("/charges")).text


async def test_which_of_a_page_are_disputed_is_told_on_each_page(lab, firm, priced, visitor, monkeypatch):
    from marketplace.portal import charges

    monkeypatch.setattr(charges, "PAGE", 2)
    for _ in range(3):
        made = await charge_of(firm, await used(lab, priced, 30, organisation_id=str(firm.organisation.id)))
    keys = [one["id"] for one in (await firm.get("/api/v1/charges")).json()["items"]]
    assert made["id"] in keys
    for key in keys[1:]:
        await visitor(firm).sent(f"/charges/{key}/disputes", {"reason": "不对"})
    page = await visitor(firm).page("/charges")
    assert page.one("section", aria_labelledby="charges").text.count("异议待答复") == 1
    page = await visitor(firm).page(page.one("a", rel="next").attrs["href"])
    assert page.one("section", aria_labelledby="charges").text.count("异议待答复") == 1


async def test_statements_open_as_files_and_vouchers_say_what_is_left(given, firm, lab, priced, visitor):
    await a_voucher(await given.admin(), firm, "40.00")
    await used(lab, priced, 90, organisation_id=str(firm.organisation.id))
    payer = visitor(firm)
    page = await payer.page("/charges")
    assert "面额 40.00 元；可用 0.00 元，占用 0.00 元，已用 40.00 元" in page.text
    links = [one.attrs["href"] for one in page.all("a") if one.within("section")]
    for ending, begins in ((".xlsx", b"PK"), (".pdf", b"%PDF")):
        file = next(one for one in links if one.endswith(ending))
        answer = await payer.get(file)
        assert answer.status_code == 200
        assert answer.content.startswith(begins)


async def test_the_year_leads_to_the_rows_behind_each_figure(lab, firm, charge, priced, visitor):
    keeper, year = visitor(lab), day(0).year
    page = await keeper.page(f"/charges/sharing?year={year}")
    for wanted in ("万能试验机", "1.5 小时", "100.00%", "150.00 元"):
        assert wanted in page.text, wanted
    links = {one.attrs["href"] for one in page.all("a") if one.within("tbody")}
    behind = [link for link in links if not link.startswith("/instruments/")]
    assert len(behind) == 4
    for link in behind:
        assert firm.organisation.name in (await keeper.page(link)).one("main").text, link
    book = next(one.attrs["href"] for one in page.all("a") if ".xlsx" in one.attrs["href"])
    assert (await keeper.get(book)).content.startswith(b"PK")
    grouped = await keeper.page(f"/charges/sharing?year={year}&by=organisation")
    assert "1 台" in grouped.text
    assert "请填写整数" in (await keeper.page("/charges/sharing?year=x", 422)).text


async def test_money_is_shown_to_those_it_concerns_alone(given, charge, priced, visitor, anybody):
    stranger = visitor(await given.university())
    assert "这里没有费用" in (await stranger.page("/charges")).text
    assert (await stranger.get(f"/charges/{charge['id']}")).status_code == 404
    assert (await stranger.get(f"/charges/sharing/{priced.id}")).status_code == 404
    assert "没有您负责的仪器" in (await stranger.page("/charges/sharing")).text
    assert (await anybody.get("/charges")).headers["location"] == "/sign-in?next=%2Fcharges"
