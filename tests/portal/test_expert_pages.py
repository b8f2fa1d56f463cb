"""The pages of experts, as their editor, a visitor and the platform use them."""

import pytest
from sqlalchemy import select, update

from marketplace.experts.models import Expert
from marketplace.imports import jobs
from marketplace.kernel import clock
from marketplace.kernel.jobs import Place
from tests.given.experts import EVIDENCE, URL, published
from tests.marketplace.imports.conftest import checked_here  # noqa: F401 -- a fixture
from tests.portal.reader import Page, audit

TYPED = {
    "name": "虚构甲", "academic_title": "教授", "unit": "材料学院", "focus": "固态电解质界面", "description": "研究界面阻抗。",
    "keywords": "固态电解质、界面", "disciplines": ["43020", ""], "industries": ["3841 电池制造", ""], "region": "220100",
    "services": ["consulting", "residency"], "talks": "3", "homepage": "https://www.example.edu.cn/a",
    "contact.name": "技术转移办公室", "contact.phone": "0431-88880000",
}  # fmt: skip


@pytest.fixture
async def owner(given):
    return await given.university()


async def test_a_profile_is_written_agreed_to_shown_taken_back_and_erased(given, owner, visitor, anybody, ranking):
    achievement = await given.achievement(owner)
    editor = visitor(owner)
    form = await editor.page("/desk/experts/new")
    assert audit(form) == []
    there = await editor.sent("/desk/experts/new", TYPED | {"organisation_id": str(owner.organisation.id)})
    assert there.endswith("/edit?said=drafted")
    edit = there.partition("?")[0]
    at = edit.removesuffix("/edit")
    page = await editor.page(there)
    assert page.one("input", id="talks").attrs["value"] == "3"
    assert "3841" in page.one("input", id="industries-1").attrs["value"]
    # Without consent nothing is shown, and the form says why.
    refused = await editor.again(f"{at}/publication", {}, 409)
    assert "先征得同意并登记" in refused.text
    version = page.one("input", name="version").attrs["value"]
    opened = page.one("input", name="opened").attrs["value"]
    more = {"version": version, "opened": opened, "achievement_ids": [achievement["id"]]}
    assert (await editor.sent(edit, TYPED | more)).endswith("?said=saved")
    assert (await editor.sent(f"{at}/consent", {"evidence": EVIDENCE})).endswith("?said=consented")
    assert (await editor.sent(f"{at}/publication", {})) == f"{at}?said=published"
    await ranking()
    seen = await anybody.page(at)
    for told in ("虚构甲", "教授", "材料学院", "固态电解质薄膜制备", "驻企服务", "登录后可见", "经本人同意公开"):
        assert told in seen.text, told
    assert EVIDENCE not in seen.text
    assert seen.one("a", href="https://www.example.edu.cn/a").attrs["rel"] == "noreferrer nofollow"
    assert "虚构甲" in (await anybody.page("/experts?service=consulting&industry=C38")).text
    assert (await editor.sent(f"{at}/consent/withdrawal", {})).startswith(at)
    assert (await anybody.get(at)).status_code == 404
    assert "虚构甲" not in (await anybody.page("/experts")).text
    unsure = await editor.again(f"{at}/erasure", {}, 422)
    assert "我确认" in unsure.text
    assert await editor.sent(f"{at}/erasure", {"sure": "1"}) == "/experts?mine=1&said=erased"
    assert (await editor.get(at)).status_code == 404


async def test_what_is_wrong_is_told_beside_its_field_and_nothing_typed_is_lost(owner, visitor):
    editor = visitor(owner)
    wrong = {"name": " ", "talks": "many", "homepage": "http://x", "region": "nowhere at all"}
    page = await editor.again("/desk/experts/new", TYPED | wrong | {"organisation_id": str(owner.organisation.id)})
    for name in wrong:
        assert page.one("p", id=f"wrong-{name}").text.strip(), name
    assert page.one("input", id="talks").attrs["value"] == "many"
    assert page.one("textarea", id="description").text.strip() == "研究界面阻抗。"
    number = await editor.again(
        "/desk/experts/new",
        TYPED | {"description": "110101190001011009", "organisation_id": str(owner.organisation.id)},
    )
    assert "身份证号" in number.one("p", id="wrong-description").text


async def test_two_editors_at_once_lose_nothing(owner, visitor, given):
    made = await published(owner)
    editor, edit = visitor(owner), f"/experts/{made['id']}/edit"
    page = await editor.page(edit)
    sent = {name: page.one("input", name=name).attrs["value"] for name in ("version", "opened")}
    assert (await owner.patch(f"{URL}/{made['id']}", {"unit": "另一学院"}, version=made["version"])).status_code == 200
    typed = {"name": made["name"], "focus": "人参皂苷", "description": made["description"]} | sent
    both = Page(await editor.sent(edit, typed, 412))
    assert both.one("input", id="focus").attrs["value"] == "人参皂苷"
    assert both.one("input", id="unit").attrs["value"] == "另一学院"
    again = (
        typed
        | {"unit": "另一学院"}
        | {name: both.one("input", name=name).attrs["value"] for name in ("version", "opened")}
    )
    assert (await editor.sent(edit, again)).endswith("?said=saved")


async def test_an_achievement_is_named_by_its_address(owner, visitor, given, session):
    mine = await given.achievement(owner)
    theirs = await given.achievement(await given.university())
    made = await published(owner)
    editor, edit = visitor(owner), f"/experts/{made['id']}/edit"
    typed = {"name": "虚构甲", "focus": "界面", "description": "阻抗。", "version": str(made["version"])}
    for address, said in (("随便写的", "网址"), (f"http://test/achievements/{theirs['id']}", "本单位")):
        page = await editor.again(edit, typed | {"achievement_addresses": address})
        assert said in page.one("div", role="alert").text
    addressed = typed | {"achievement_addresses": f"http://test/achievements/{mine['id']}\n"}
    assert (await editor.sent(edit, addressed)).endswith("?said=saved")
    assert (await owner.get(f"{URL}/{made['id']}")).json()["achievement_ids"] == [mine["id"]]


async def test_only_editors_of_the_organisation_open_the_form(given, owner, visitor, anybody):
    made = await published(owner)
    edit = f"/experts/{made['id']}/edit"
    assert (await visitor(await given.enterprise()).get(edit)).status_code == 403
    assert (await anybody.get(edit)).status_code in {303, 401}
    assert (await visitor(await given.person()).get("/desk/experts/new")).status_code == 403


async def test_the_platform_takes_consent_back_on_the_page(given, owner, visitor, anybody, ranking):
    made = await published(owner)
    await ranking()
    admin = visitor(await given.admin())
    at = f"/experts/{made['id']}"
    assert "应本人要求撤回同意" in (await admin.page(at)).text
    assert (await admin.sent(f"{at}/consent/withdrawal", {})).startswith(at)
    assert (await anybody.get(at)).status_code == 404


async def test_what_runs_out_waits_at_the_desk(owner, visitor, session):
    made = await published(owner, name="虚构待确认")
    editor = visitor(owner)
    assert "虚构待确认" not in (await editor.page("/desk")).text
    await session.execute(update(Expert).values(confirmed_until=clock.now()))
    await session.commit()
    assert "虚构待确认" in (await editor.page("/desk")).text
    assert (await editor.sent(f"/experts/{made['id']}/confirmation", {})).endswith("?said=confirmed")
    assert "虚构待确认" not in (await editor.page("/desk")).text
    until = await session.scalar(select(Expert.confirmed_until).execution_options(populate_existing=True))
    assert until > clock.now()


async def test_a_problem_names_its_experts_and_the_reasons(given, owner, anybody, ranking):
    problem = await given.problem(await given.enterprise())
    await published(owner, services=["residency"], region="220104")
    await published(owner, name="外省", region="440103", focus="固态电解质")
    await ranking()
    record = await anybody.page(f"/problems/{problem['id']}")
    assert f"/problems/{problem['id']}/experts" in str([link.attrs.get("href") for link in record.all("a")])
    page = await anybody.page(f"/problems/{problem['id']}/experts")
    assert "虚构甲：固态电解质界面" in page.text
    assert "这个得分是怎么算出来的" in page.text
    only = await anybody.page(f"/problems/{problem['id']}/experts?region=220000&service=residency")
    assert "外省" not in only.one("div", class_="results").text
    nothing = await anybody.page(f"/problems/{problem['id']}/experts?service=testing")
    assert "没有符合条件的有效记录" in nothing.text


@pytest.mark.usefixtures("checked_here")
async def test_a_list_of_experts_is_tried_mended_confirmed_and_undone(given, visitor, database, settings):
    editor = await given.university()
    writer, place, url = visitor(editor), Place(database, settings), "/imports/expert"
    form = {"organisation_id": str(editor.organisation.id), "source": "人事系统"}

    async def handed_in(*rows: str) -> str:
        content = "姓名,研究方向,简介,代表性成果,工号\n" + "\n".join(rows) + "\n"
        where = await writer.sent(url, form, files={"file": ("教师.csv", content.encode("gb18030"))})
        await jobs.run(place, {"operation_id": where.partition("?")[0].rpartition("/")[2]})
        return where.partition("?")[0]

    page = await writer.page(url)
    assert audit(page) == []
    assert "导入的专家都是草稿" in page.text
    for source in ("/experts", "/desk", "/desk/experts/new"):
        assert url in [node.attrs.get("href") for node in (await writer.page(source)).all("a")], source
    bad = await writer.page(await handed_in("虚构甲,熔覆,会熔覆,没有的,1", ",焊接,会焊接,,2"))
    assert audit(bad) == []
    assert [node.text for node in bad.all("td")][1:4] == ["3", "姓名", "新专家须有姓名。"]
    assert "第 2 行 代表性成果" in bad.text
    where = await handed_in("虚构甲,熔覆,会熔覆,,1", "虚构乙,焊接,会焊接,,2")
    tried = await writer.page(where)
    assert "新增 2" in tried.text
    assert "publish" not in tried.html, "nobody is published by a file"
    assert "一律是草稿" in (await writer.again(f"{where}/confirmation", {"publish": "1"}, 409)).text
    done = (await writer.sent(f"{where}/confirmation", {})).partition("?")[0]
    await jobs.run(place, {"operation_id": done.rpartition("/")[2]})
    assert "导入完成" in (await writer.page(done)).text
    listed = await writer.page("/experts?mine=1")
    assert "虚构甲" in listed.text
    assert "虚构乙" in listed.text
    assert "虚构甲" not in (await visitor(await given.enterprise()).page("/experts")).text
    one = next(
        card["id"]
        for card in (await editor.get("/api/v1/experts?mine=true")).json()["items"]
        if card["name"] == "虚构甲"
    )
    assert (await editor.post(f"/api/v1/experts/{one}/consent", {"evidence": EVIDENCE})).status_code == 200
    assert "虚构乙" in (await writer.page(f"{done}/rows")).text
    assert await writer.sent(f"{done}/undo") == f"{done}/rows?said=import-undone"
    rows = await writer.page(f"{done}/rows")
    assert audit(rows) == []
    assert "撤回 1，恢复 0，部分恢复 0，未能撤销 1" in rows.text
    assert "虚构甲" in rows.text
    assert "虚构乙" not in rows.text
    assert "（已不在）" in rows.text
