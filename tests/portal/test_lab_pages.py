"""Finding an instrument, booking it, and a keeper's work, with a browser."""

import pytest

from marketplace.kernel import clock
from marketplace.labs import waiting
from schemas.identity import Role
from tests.given.files import a_photo
from tests.given.labs import an_instrument, day, slot, wish
from tests.given.money import a_tariff, publish


@pytest.fixture
async def lab(given):
    return await given.person(Role.LAB_MANAGER, await given.organisation())


@pytest.fixture
async def firm(given):
    return await given.enterprise()


def form(who, at, **more) -> dict[str, str]:
    told = {"organisation_id": str(who.organisation.id), "day": at.date().isoformat(), "purpose": "三点弯曲"}
    return told | {"from": "09:00", "to": "11:00"} | more


async def test_an_instrument_is_found_by_a_free_time_and_booked(lab, firm, visitor, session):
    made = await an_instrument(session, lab.organisation, name="万能试验机")
    guest = visitor(firm)
    asked = f"/instruments?day={day(3).date()}&from=09:00&to=11:00"
    assert "万能试验机" in (await guest.page(asked)).text
    assert await guest.sent(f"/instruments/{made.id}/bookings", form(firm, day(3))) == "/bookings?said=booked"
    assert "万能试验机" not in (await guest.page(asked)).one("main").text
    week = await guest.page(f"/instruments/{made.id}?week={day(3).date()}")
    assert "00:00–09:00、11:00–24:00" in week.text
    mine = await guest.page("/bookings")
    assert "已确认" in mine.text
    assert f"{day(3).date()} 09:00" in mine.text


async def test_a_refused_booking_shows_every_reason_and_keeps_what_was_typed(lab, firm, visitor, session):
    made = await an_instrument(
        session, lab.organisation, min_minutes=180, notice_minutes=30 * 24 * 60, needs_qualification=True
    )
    page = await visitor(firm).again(f"/instruments/{made.id}/bookings", form(firm, day(3)), 409)
    for reason in ("短于最短时长", "未达到提前预约时间", "没有有效的上机资格"):
        assert reason in page.text
    assert page.text.count("管理员可放行") == 2
    assert (page.field("purpose"), page.field("from")) == ("三点弯曲", "09:00")


async def test_a_time_that_cannot_be_read_is_told_beside_the_form(lab, firm, visitor, session):
    made = await an_instrument(session, lab.organisation)
    page = await visitor(firm).again(f"/instruments/{made.id}/bookings", form(firm, day(3), to="x"), 422)
    assert "请填写带时区的时间" in page.text
    page = await visitor(firm).page("/instruments?day=x&from=1&to=2", 422)
    assert "请填写日期和起止时间" in page.text


async def test_what_was_used_is_rated_and_the_lab_answers(lab, firm, visitor, session):
    made = await an_instrument(session, lab.organisation)
    booking = (await firm.post("/api/v1/bookings", wish(made, firm, day(3, 9)))).json()
    with clock.ahead(day(3, 9) - clock.now()):
        for step in ("check-in", "check-out"):
            await firm.post(f"/api/v1/bookings/{booking['id']}/{step}")
    assert "评价" in (await visitor(firm).page("/bookings")).text
    form = {"stars": "4", "text": "很好用"}
    assert await visitor(firm).sent(f"/bookings/{booking['id']}/rating", form) == "/bookings?said=done"
    assert "此预约已有评价" in (await visitor(firm).again(f"/bookings/{booking['id']}/rating", form, 409)).text
    assert (await visitor(firm).again(f"/bookings/{booking['id']}/rating", {"stars": "x"}, 422)).text
    [rating] = (await lab.get(f"/api/v1/instruments/{made.id}/ratings")).json()["items"]
    answer = f"/instruments/{made.id}/ratings/{rating['id']}/answer"
    assert await visitor(lab).sent(answer, {"text": "欢迎再来"}) == f"/instruments/{made.id}?said=done"
    await visitor(lab).again(answer, {"text": ""}, 422)
    page = await visitor().page(f"/instruments/{made.id}")
    for said in ("4.0 分（满分 5），1 条评价", "★★★★ 很好用", "欢迎再来"):
        assert said in page.text


async def test_whoever_comes_second_waits_and_takes_what_comes_free(lab, firm, given, visitor, session):
    from marketplace.labs import waiting

    made = await an_instrument(session, lab.organisation)
    second = await given.university()
    url = f"/instruments/{made.id}/bookings"
    await visitor(firm).sent(url, form(firm, day(3)))
    page = await visitor(second).again(url, form(second, day(3)), 409)
    assert "加入候补" in page.text
    assert await visitor(second).sent(url, form(second, day(3), do="wait")) == "/bookings?said=waiting"
    booking = (await firm.get("/api/v1/bookings")).json()["items"][0]["id"]
    assert await visitor(firm).sent(f"/bookings/{booking}/cancellation") == "/bookings?said=done"
    assert await waiting.promote(session, made.id, "http://test") == 1
    await session.commit()
    assert "有空位" in (await visitor(second).page("/bookings")).text
    place = (await second.get("/api/v1/waiting-list")).json()["items"][0]["id"]
    await visitor(second).sent(f"/bookings/{place}/acceptance")
    assert "已确认" in (await visitor(second).page("/bookings")).text


async def test_a_keeper_finds_requests_in_one_list_and_answers_them(lab, firm, visitor, session):
    made = await an_instrument(session, lab.organisation, confirmed_at_once=[])
    for hour in (9, 11, 13):
        assert (await firm.post("/api/v1/bookings", wish(made, firm, day(3, hour)))).status_code == 201
    keeper = visitor(lab)
    page = await keeper.page("/bookings")
    assert "等您审批（3）" in page.text
    one, two, _ = [item["id"] for item in (await firm.get("/api/v1/bookings")).json()["items"]]
    assert await keeper.sent(f"/bookings/{one}/approval") == "/bookings?said=done"
    assert "不能为空白" in (await keeper.again(f"/bookings/{two}/refusal", {"note": " "})).text
    await keeper.sent(f"/bookings/{two}/refusal", {"note": "当日检修"})
    assert "等您审批（1）" in (await keeper.page("/bookings")).text
    assert "当日检修" in (await visitor(firm).page("/bookings")).text
    assert (await visitor(firm).post(f"/bookings/{one}/approval")).status_code == 403
    assert (await keeper.post(f"/bookings/{one}/nothing")).status_code == 404


async def test_a_keeper_sees_who_waits_for_which_time_and_until_when_an_offer_stands(
    lab, firm, given, visitor, session
):
    made = await an_instrument(session, lab.organisation)
    booking = (await firm.post("/api/v1/bookings", wish(made, firm, day(3, 9)))).json()["id"]
    others = [await given.enterprise() for _ in range(2)]
    for who in others:
        assert (await who.post("/api/v1/waiting-list", wish(made, who, day(3, 9)))).status_code == 201
    url, keeper = f"/instruments/{made.id}/line", visitor(lab)
    text = (await keeper.page(url)).text
    names = [(await who.get("/api/v1/me")).json()["name"] for who in others]
    assert text.index(names[0]) < text.index(names[1])
    assert f"{day(3).date()} 09:00" in text
    assert "起候补" in text
    await firm.post(f"/api/v1/bookings/{booking}/cancellation", {})
    await waiting.promote(session, made.id, "http://test")
    await session.commit()
    text = (await keeper.page(url)).text
    assert "已通知，等答复" in text
    assert "前须答复" in text
    # Who left is in line no more; only keepers see it.
    mine = (await others[1].get("/api/v1/waiting-list")).json()["items"][0]
    assert (mine["person_name"], mine["organisation"]["id"]) == (names[1], str(others[1].organisation.id))
    await others[1].delete(f"/api/v1/waiting-list/{mine['id']}")
    assert names[1] not in (await keeper.page(url)).text
    live = (await lab.get("/api/v1/waiting-list", params={"instrument": str(made.id), "live": "true"})).json()["items"]
    assert [row["person_name"] for row in live] == [names[0]]
    assert (await visitor(firm).get(url)).status_code == 403


async def test_a_keeper_books_for_somebody_else_and_waives_what_may_be_waived(lab, firm, visitor, session):
    made = await an_instrument(session, lab.organisation, notice_minutes=60 * 24 * 7, max_minutes=60)
    url, keeper = f"/instruments/{made.id}/line", visitor(lab)
    name = (await firm.get(f"/api/v1/organisations/{firm.organisation.id}")).json()["name"]
    form = {"for_email": firm.email, "organisation": name, "day": day(3).date().isoformat(), "from": "09:00",
            "to": "11:00", "purpose": "代约弯曲试验"}  # fmt: skip
    assert "没有这个单位" in (await keeper.again(f"{url}/bookings", form | {"organisation": "无此单位"})).text
    assert "不属于这个单位" in (await keeper.again(f"{url}/bookings", form | {"for_email": "a@b.example"})).text
    page = await keeper.again(f"{url}/bookings", form, 409)
    assert page.text.count("放行") == 2, page.text
    sent = page.form(f"{url}/bookings")
    assert "waive" not in sent
    # Of two the one is waived and stays so; the other is asked for still.
    page = await keeper.again(f"{url}/bookings", sent | {"waive": ["too_long"]}, 409)
    assert page.form(f"{url}/bookings")["waive"] == ["too_long"]
    done = await keeper.sent(f"{url}/bookings", sent | {"waive": ["too_long", "too_soon"]})
    assert done == f"{url}?said=booked-for"
    [booking] = (await firm.get("/api/v1/bookings")).json()["items"]
    assert (booking["state"], booking["person_id"], booking["purpose"]) == ("confirmed", str(firm.id), "代约弯曲试验")
    assert sorted(booking["waived"]) == ["too_long", "too_soon"]
    # Nobody waives that the time is another's.
    page = await keeper.again(f"{url}/bookings", sent | {"waive": ["too_long", "too_soon", "slot_taken"]}, 409)
    assert "slot_taken" not in str(page.form(f"{url}/bookings"))
    assert (await visitor(firm).post(f"{url}/bookings", form)).status_code == 403


async def test_what_a_booking_is_for_is_changed_with_a_form_and_its_keeper_is_asked_again(lab, firm, visitor, session):
    made = await an_instrument(session, lab.organisation, confirmed_at_once=[], order_form=["样品数量？"])
    booking = (await firm.post("/api/v1/bookings", wish(made, firm, day(3, 9), answers=["三件"]))).json()
    mine, keeper, at = visitor(firm), visitor(lab), f"/bookings/{booking['id']}"
    form = (await mine.page("/bookings")).form(f"{at}/edit")
    assert (form["purpose"], form["answers"]) == ([booking["purpose"]], ["三件"])
    assert await mine.sent(f"{at}/edit", form | {"purpose": "弯曲", "answers": "五件"}) == "/bookings?said=done"
    # What the keeper looked at is not what stands there any more.
    assert "五件" in (await keeper.again(f"{at}/approval", {"version": "1"}, 412)).text
    await keeper.sent(f"{at}/approval", (await keeper.page("/bookings")).form(f"{at}/approval"))
    page = await mine.page("/bookings")
    assert "修改后须再次审批" in page.text
    await mine.sent(f"{at}/edit", page.form(f"{at}/edit") | {"purpose": "压缩"})
    seen = (await keeper.page("/bookings")).text
    assert "替代原预约" in seen
    assert "审批前照旧有效" in seen
    assert (await firm.get(f"/api/v1{at}")).json()["purpose"] == "弯曲"


async def test_a_booking_is_moved_with_a_form(lab, firm, visitor, session):
    made = await an_instrument(session, lab.organisation)
    booking = (await firm.post("/api/v1/bookings", wish(made, firm, day(3, 9)))).json()["id"]
    told = {"day": day(4).date().isoformat(), "from": "10:00", "to": "11:00"}
    await visitor(firm).sent(f"/bookings/{booking}/move", told)
    page = await visitor(firm).page("/bookings")
    assert "已改期" in page.text
    assert f"{day(4).date()} 10:00" in page.text
    page = await visitor(firm).again(f"/bookings/{booking}/move", told, 409)
    assert "预约当前的状态不允许这一步" in page.text


async def test_several_days_and_whole_days_are_booked_with_the_form(lab, firm, visitor, session):
    made = await an_instrument(session, lab.organisation, max_minutes=7 * 24 * 60)
    url = f"/instruments/{made.id}/bookings"
    await visitor(firm).sent(url, form(firm, day(3)) | {"last_day": day(5).date().isoformat()})
    await visitor(firm).sent(url, form(firm, day(6)) | {"from": "00:00", "to": "24:00"})
    assert [(one["starts_at"], one["ends_at"]) for one in (await firm.get("/api/v1/bookings")).json()["items"]] == [
        tuple(moment.replace("+00:00", "Z") for moment in slot(begins, hours).values())
        for begins, hours in ((day(6), 24), (day(3, 9), 50))
    ]


async def test_nobody_is_asked_to_sign_in_before_booking(lab, anybody, session):
    made = await an_instrument(session, lab.organisation)
    assert "登录后预约" in (await anybody.page(f"/instruments/{made.id}")).text
    assert (await anybody.get("/bookings")).headers["location"] == "/sign-in?next=%2Fbookings"


async def test_a_keeper_brings_describes_and_orders_photos_that_lists_show(lab, firm, visitor, session):
    made = await an_instrument(session, lab.organisation, name="万能试验机")
    keeper, here = visitor(lab), f"/instruments/{made.id}/files"
    for name, color in (("正面.png", "red"), ("侧面.png", "blue")):
        photo = {"file": (name, a_photo(color=color), "image/png")}
        assert await keeper.sent(f"{here}/photo", {"alt": name[:2]}, files=photo) == f"{here}?said=attached"
    wrong = await keeper.post(f"{here}/photo", {"alt": "x"}, files={"file": ("x.png", b"<svg>", "image/png")})
    assert (wrong.status_code, "内容不是" in wrong.text) == (422, True)
    page = await keeper.page(f"/instruments/{made.id}")
    side = page.one("img", alt="侧面").attrs["src"].split("/")[4]
    assert await keeper.sent(f"{here}/{side}/change", {"alt": "侧面，右", "place": "1", "version": "1"})
    late = await keeper.post(f"{here}/{side}/change", {"alt": "别的", "place": "1", "version": "1"})
    assert late.status_code == 412
    [thumb] = (await visitor(firm).page("/instruments")).all("img", class_="thumb")
    assert thumb.attrs["alt"] == "侧面，右"
    small = await visitor().get(thumb.attrs["src"])
    assert (small.status_code, small.headers["content-type"]) == (200, "image/jpeg")
    assert await keeper.sent(f"{here}/{side}/removal") == f"{here}?said=removed"
    assert (await visitor().get(thumb.attrs["src"])).status_code == 404
    assert (await visitor(firm).get(here)).status_code == 403


async def test_the_catalogue_tells_the_first_free_time_and_its_price(lab, firm, visitor, session):
    made = await an_instrument(session, lab.organisation, name="万能试验机")
    await publish(lab, made, a_tariff())
    public, own = await visitor().page("/instruments"), await visitor(firm).page("/instruments")
    for page, price in ((public, "105.00 元"), (own, "50.00 元")):
        assert "最早可约" in page.text
        assert price in page.text
    at_a_time = await visitor(firm).page(f"/instruments?day={day(3).date()}&from=09:00&to=11:00")
    assert "200.00 元" in at_a_time.text


async def test_the_catalogue_offers_neither_what_has_no_price_nor_what_is_not_open(lab, firm, visitor, session):
    await an_instrument(session, lab.organisation, name="没有价的")
    page = await visitor(firm).page("/instruments")
    assert "未公布收费标准，请咨询机组" in page.text
    assert "最早可约" in page.text
    closed = await an_instrument(session, lab.organisation, name="校内的", customers=["internal"])
    await publish(lab, closed, a_tariff())
    page = await visitor(firm).page("/instruments?q=校内的")
    assert "请联系机组" in page.text
    assert not [word for word in ("最早可约", "不收费", " 元") if word in page.text]
    assert "登录后查看" in (await visitor().page("/instruments?q=校内的")).text
