"""An instrument written with a form: drafted, offered, changed by two at once, taken back; files tried and confirmed."""

import io

import pytest
from python_calamine import CalamineWorkbook

from marketplace.imports import jobs
from marketplace.kernel.jobs import Place
from schemas.identity import Role
from tests.given.labs import an_instrument, day
from tests.marketplace.imports.conftest import a_workbook, checked_here  # noqa: F401 -- a fixture
from tests.portal.reader import Page, audit

NEW = "/desk/instruments/new"


@pytest.fixture
async def lab(given):
    return await given.person(Role.LAB_MANAGER, await given.organisation())


async def test_an_instrument_is_drafted_offered_and_taken_back(lab, given, visitor):
    keeper = visitor(lab)
    form = (await keeper.page(NEW)).form(NEW)
    assert (form["slot_minutes"], form["hours"]) == (["30"], ["周一至周五 08:30-17:30"]), (
        "what is taken for granted stands there"
    )
    typed = form | {
        "name": ["扫描电镜"], "region": ["220100"], "hours": ["随时"], "position.longitude": ["东经125"],
        "position.latitude": ["43.9"], "min_minutes": ["很短"], "value": ["286万"],
    }  # fmt: skip
    page = await keeper.again(NEW, typed)
    assert audit(page) == []
    for told in ("每周：读不懂", "经纬度：经度：请填写以度为单位", "最短："):
        assert told in page.text
    again = page.form(NEW)
    assert (again["hours"], again["min_minutes"], again["position.longitude"]) == (["随时"], ["很短"], ["东经125"])
    good = again | {
        "hours": ["周一至周五 08:30-12:00、13:30-17:30；周六 09:00-12:00"], "min_minutes": ["60"],
        "position.longitude": ["125.3"], "publicly_funded": ["yes"], "customers": ["internal"],
        "order_form": ["样品名称？\n要不要切割？"], "keywords": ["断口、形貌"], "contact.name": ["李工"],
    }  # fmt: skip
    page = await keeper.again(NEW, good)
    assert "不向本省企业开放的保密理由：" in page.text, "the duty of openness is told beside its field"
    good |= {"customers": ["internal", "province_firm"], "confirmed_at_once": ["internal"]}
    # Something is missing for an offer: the draft stands, and its form says what.
    page = await keeper.again(NEW, good | {"then": "publish"})
    assert "内容已保存，但还没有开放" in page.text
    assert "请选择仪器分类" in page.text
    url = page.one("form", id="write").attrs["action"]
    here = url.removesuffix("/edit")
    whole = page.form(url) | {"class_code": ["01-01"], "capabilities": ["断口形貌"], "location": ["A 座 102"]}
    assert await keeper.sent(url, whole | {"then": "publish"}) == f"{here}?said=offered"
    told = (await lab.get(f"/api/v1{here}")).json()
    assert (told["state"], told["value"], told["order_form"]) == (
        "published",
        "2860000.00",
        ["样品名称？", "要不要切割？"],
    )
    assert len(told["hours"]) == 11
    assert (told["position"], told["keywords"]) == (
        {"longitude": 125.3, "latitude": 43.9, "datum": "wgs84"},
        ["断口", "形貌"],
    )
    assert (told["customers"], told["confirmed_at_once"]) == (["internal", "province_firm"], ["internal"])
    english = visitor(lab, "en")
    assert (await english.page(url)).field("hours") == "1-5 08:30-12:00,13:30-17:30;6 09:00-12:00"
    assert await english.sent(url, (await english.page(url)).form(url)) == f"{url}?said=saved"
    # Saved as it is opened, nothing changes.
    assert await keeper.sent(url, (await keeper.page(url)).form(url)) == f"{url}?said=saved"
    assert (await lab.get(f"/api/v1{here}")).json()["version"] == told["version"]
    assert await keeper.sent(f"{here}/retirement") == f"{here}?said=retired"
    assert await keeper.sent(f"{here}/publication") == f"{here}?said=offered"
    stranger = visitor(await given.enterprise())
    assert (await stranger.get(NEW)).status_code == 403
    assert (await stranger.get(url)).status_code == 403
    assert (await stranger.post(f"{here}/retirement")).status_code == 403


async def test_two_keepers_at_once_lose_nothing(lab, session, visitor):
    one = await an_instrument(session, lab.organisation, name="万能试验机", location="旧楼")
    url = f"/instruments/{one.id}/edit"
    keeper = visitor(lab)
    opened = (await keeper.page(url)).form(url)
    await keeper.sent(url, opened | {"location": ["新楼"], "lab": ["力学室"]})
    page = await keeper.again(url, opened | {"location": ["东楼"], "model": ["WD-100"]}, 412)
    merged = page.form(url)
    assert (merged["lab"], merged["model"], merged["location"]) == (["力学室"], ["WD-100"], ["东楼"])
    assert "对方现在写的是" in page.text
    assert "新楼" in page.text
    await keeper.sent(url, merged)
    told = (await lab.get(f"/api/v1/instruments/{one.id}")).json()
    assert (told["lab"], told["model"], told["location"]) == ("力学室", "WD-100", "东楼")
    broken = await keeper.again(url, opened | {"opened": ["{"], "model": ["x"]}, 412)
    assert broken.form(url)["model"] == ["x"], "what nobody can read merges nothing away"


async def test_outages_keepers_and_qualifications_are_kept_on_one_page(lab, given, session, visitor):
    one = await an_instrument(session, lab.organisation)
    url = f"/instruments/{one.id}/care"
    keeper = visitor(lab)
    soon, later = day(2), day(3)
    dates = {"starts_at.day": str(later.date()), "starts_at.time": "09:00", "ends_at.day": str(soon.date())}
    page = await keeper.again(f"{url}/outages", dates | {"reason": "检修"})
    assert page.field("reason") == "检修"
    await keeper.sent(f"{url}/outages", dates | {"ends_at.day": "", "reason": "检修"})
    page = await keeper.page(url)
    assert "未定" in page.text
    end = next(node.attrs["action"] for node in page.all("form") if node.attrs["action"].endswith("/end"))
    assert await keeper.sent(end) == f"{url}?said=done"
    colleague = await given.person(Role.VIEWER, lab.organisation)
    page = await keeper.again(f"{url}/keepers", {"email": "nobody@test.example"})
    assert page.field("email") == "nobody@test.example"
    await keeper.sent(f"{url}/keepers", {"email": colleague.email})
    await visitor(colleague).page(url)
    assert await keeper.sent(f"{url}/keepers/{colleague.id}/removal") == f"{url}?said=removed"
    await keeper.sent(f"{url}/qualifications", {"email": colleague.email, "expires_on": "2199-01-01", "note": "已培训"})
    page = await keeper.page(url)
    assert audit(page) == []
    taken = next(node.attrs["action"] for node in page.all("form") if node.attrs["action"].endswith("/revocation"))
    assert await keeper.sent(taken) == f"{url}?said=revoked"
    assert "已撤销" in (await keeper.page(url)).text


HEAD = ("仪器名称", "型号", "地区", "原值（万元）", "外部编号")


async def _handed_in(keeper, lab, content: bytes) -> str:
    form = {"organisation_id": str(lab.organisation.id), "source": "仪器平台"}
    return await keeper.sent("/imports/instrument", form, files={"file": ("仪器.xlsx", content)})


@pytest.mark.usefixtures("checked_here")
async def test_a_file_is_tried_read_mended_and_confirmed(lab, given, database, settings, visitor):
    keeper, place = visitor(lab), Place(database, settings)
    bad = a_workbook(
        ("仪器", [HEAD, ("扫描电镜", "FE-7", "220100", "很多", "S-1"), ("天平", "B-1", "220100", "3", "S-2")])
    )
    page = Page(await keeper.sent("/imports/instrument", {"organisation_id": str(lab.organisation.id)}, 422))
    assert "请先选择文件" in page.text
    where = (await _handed_in(keeper, lab, bad)).partition("?")[0]
    assert 'hx-trigger="every 2s"' in (await keeper.page(where)).html
    await jobs.run(place, {"operation_id": where.rpartition("/")[2]})
    page = await keeper.page(where)
    assert audit(page) == []
    assert "试运行，还没有写入" in page.text
    cells = [node.text for node in page.all("td")]
    assert cells[:3] == ["仪器", "2", "原值（万元） D2"], "the error is told by sheet, row, column and cell"
    listed = CalamineWorkbook.from_filelike(io.BytesIO((await keeper.get(f"{where}/errors.xlsx")).content))
    assert listed.get_sheet_by_index(0).to_python()[2][:4] == ["仪器", 2.0, "原值（万元）", "D2"]
    # Run once more by a worker that was thought dead, the file stays for the confirmation.
    await jobs.run(place, {"operation_id": where.rpartition("/")[2]})
    # Confirmed with the wrong row left out.
    done = (await keeper.sent(f"{where}/confirmation", {"partial": "1"})).partition("?")[0]
    await jobs.run(place, {"operation_id": done.rpartition("/")[2]})
    page = await keeper.page(done)
    assert "导入完成" in page.text
    assert "新增 1" in page.text
    assert "天平" in (await keeper.page("/instruments?mine=1")).text
    twice = await keeper.again(f"{where}/confirmation", {}, 409)
    assert "没有可以确认的文件" in twice.text
    assert "不再保留" in twice.text
    # Another try takes the place of one that was not confirmed; what is not one's own is not there.
    first = (await _handed_in(keeper, lab, bad)).partition("?")[0]
    await jobs.run(place, {"operation_id": first.rpartition("/")[2]})
    second = (await _handed_in(keeper, lab, bad)).partition("?")[0]
    assert (await keeper.sent(f"{second}/cancellation")) == f"{second}?said=done"
    assert "已取消" in (await keeper.page(second)).text
    assert (await keeper.post(f"{first}/confirmation")).status_code == 409
    other = visitor(await given.enterprise())
    assert (await other.get(where)).status_code == 404
    assert (await other.get("/imports/instrument")).status_code == 403
    assert (await keeper.get("/imports/nothing")).status_code in {404, 422}
