"""Funding in the browser: offered with a form, found, looked at from a record with every rule, changed, closed."""

import pytest

from schemas.identity import OrganisationKind, Role
from tests.given.funding import CALLS, a_call
from tests.given.labs import day
from tests.portal.reader import Page, audit

NEW = "/desk/funding/new"


@pytest.fixture
async def desk(given):
    return await given.editor(kinds=(OrganisationKind.GOVERNMENT_DESK,))


async def test_a_call_is_written_published_changed_and_closed(desk, given, visitor):
    writer, reader = visitor(desk), visitor()
    form = (await writer.page(NEW)).form(NEW)
    assert form["kind"] == ["special_fund"], "a kind that this organisation may offer"
    typed = form | {
        "title": ["模具延寿专项"], "amount_high": ["80万"], "closes_at.day": ["2198-06-30"],
        "eligibility.applicant_regions": ["吉林省", "火星"], "eligibility.trl_from": ["很高"], "then": ["publish"],
    }  # fmt: skip
    again = await writer.again(NEW, typed)
    assert audit(again) == []
    assert again.form(NEW)["title"] == ["模具延寿专项"], "nothing typed is lost"
    assert again.form(NEW)["eligibility.applicant_regions"][:2] == ["吉林省", "火星"]
    assert "没有这个代码或名称" in again.text

    good = typed | {"eligibility.applicant_regions": ["吉林省"], "eligibility.trl_from": ["4"]}
    lacking = await writer.again(NEW, good)
    assert "请写简介" in lacking.text
    assert "还没有发布" in lacking.text
    edit = next(
        form["action"] for form in (one.attrs for one in lacking.all("form")) if form["action"].endswith("/edit")
    )
    there = edit.removesuffix("/edit")
    assert await reader.page(there, 404)
    fixed = lacking.form(edit) | {
        "summary": ["支持表面强化。"], "how_to_apply": ["网上填报。"], "eligibility.conditions": ["两年内完成\n无不良记录"],
        "then": ["publish"],
    }  # fmt: skip
    assert await writer.sent(edit, fixed) == f"{there}?said=call-published"
    page = await reader.page(there)
    for wanted in ("模具延寿专项", "受理中", "至多 80 万元", "2198-06-30 24:00", "不低于 4 级", "吉林省", "无不良记录"):
        assert wanted in page.text, wanted
    listed = (await desk.get(f"{CALLS}/{there.rsplit('/', 1)[1]}")).json()
    assert listed["closes_at"] == "2198-06-30T16:00:00Z"
    assert "模具延寿专项" in (await reader.page("/funding")).text

    form = (await writer.page(edit)).form(edit)
    assert (form["closes_at.day"], form["closes_at.time"]) == (["2198-06-30"], [""])
    stale = form | {"version": ["1"]}
    assert "已被修改" in (await writer.again(edit, stale, 412)).text
    moved = {
        "amount_high": ["50万"], "closes_at.day": ["2198-07-31"], "keywords": ["模具"], "industries": ["C"],
        "kind": ["guidance_plan"], "eligibility.trl_from": ["5"], "opens_at.day": ["2197-01-01"],
    }  # fmt: skip
    assert await writer.sent(edit, form | moved) == f"{there}?said=saved"
    page = await reader.page(there)
    for wanted in ("原为“80 万元”", "原为“2198-06-30 24:00”", "原为“未填写”", "原为“专项资金”",
                   "原为“申报单位注册地：吉林省；技术就绪度：不低于 4 级", "2197-01-01 00:00"):  # fmt: skip
        assert wanted in page.text, wanted
    form = (await writer.page(edit)).form(edit)
    again = form | {"opens_at.day": [""], "keywords": [""], "industries": ["38"]}
    assert await writer.sent(edit, again) == f"{there}?said=saved"
    page = await reader.page(there)
    for wanted in ("原为“2197-01-01 00:00”", "原为“模具”", "原为“制造业”"):
        assert wanted in page.text, wanted

    assert await writer.sent(f"{there}/closing") == f"{there}?said=call-closed"
    assert "模具延寿专项" not in (await reader.page("/funding")).text
    assert "模具延寿专项" in (await reader.page("/funding?show=closed")).text
    assert await writer.sent(f"{there}/publication") == f"{there}?said=call-published"
    assert await writer.sent(f"{there}/withdrawal") == f"{there}?said=call-withdrawn"
    assert await reader.page(there, 404)
    assert "模具延寿专项" in (await writer.page("/funding?show=mine")).text


async def test_what_cannot_be_published_says_who_may(given, visitor):
    lab = await given.editor(kinds=(OrganisationKind.LAB,))
    writer = visitor(lab)
    form = (await writer.page(NEW)).form(NEW)
    typed = form | {
        "title": ["贷款"], "kind": ["loan"], "summary": ["低息"], "how_to_apply": ["来电"], "then": ["publish"],
    }  # fmt: skip
    refused = await writer.again(NEW, typed, 409)
    assert "由金融机构发布" in refused.text
    assert "内容已保存" in refused.text
    viewer = await given.person(Role.VIEWER, lab.organisation)
    assert (await visitor(viewer).get(NEW)).status_code == 403
    assert (await visitor().get(NEW)).status_code in {303, 401}


async def test_a_record_s_page_says_which_funding_and_why(desk, given, visitor):
    rules = {"applicant_kinds": ["enterprise"], "applicant_regions": ["620000"], "own_share": 50}
    await a_call(given.session, desk.organisation, title="外省模具专项", eligibility=rules)
    await a_call(given.session, desk.organisation, title="模具资助", closes_at=day(3, 12))
    firm = await given.enterprise()
    need = await given.problem(firm, title="热锻模具龟裂求表面强化", description="激光熔覆、渗氮都想试。")
    at = f"/problems/{need['id']}/funding"
    who = visitor(firm)
    assert at in [one.attrs.get("href") for one in (await who.page(f"/problems/{need['id']}")).all("a")]
    page = await who.page(at)
    for wanted in ("模具资助", "还剩 3 天", "外省模具专项", "有规则不符合", "1 条符合，1 条不符合，1 条请核对",
                   "要求：甘肃省。实际：吉林省长春市。", "自筹资金不低于 50%"):  # fmt: skip
        assert wanted in page.text, wanted
    titles = [one.text for one in page.all("h3")]
    assert "模具资助" in titles[0], "what one may apply for comes first"
    only = await who.page(f"{at}?eligible=1")
    assert "外省模具专项" not in only.text
    assert "另有 1 项有规则不符合" in only.text
    english = await visitor(firm, "en").page(at)
    assert "Asked for: " in english.text
    assert "3 days left" in english.text


async def test_a_call_is_kept_and_dropped(desk, given, visitor):
    call = await a_call(given.session, desk.organisation, title="模具资助")
    who, at = visitor(await given.enterprise()), f"/funding/{call.id}"
    form = (await who.page(at)).form(f"{at}/bookmark")
    assert form["days_before"] == ["7"]
    again = await who.again(f"{at}/bookmark", {"days_before": ["很早"]})
    assert "提前几天：请填写整数" in again.text
    assert await who.sent(f"{at}/bookmark", {"days_before": ["5"]}) == f"{at}?said=call-kept"
    assert (await who.page(at)).form(f"{at}/bookmark")["days_before"] == ["5"]
    assert "模具资助" in (await who.page("/funding?show=kept")).text
    assert await who.sent(f"{at}/bookmark", {"days_before": ["5"], "drop": ["1"]}) == f"{at}?said=call-dropped"
    assert "模具资助" not in (await who.page("/funding?show=kept")).text
    assert "收藏与提醒" not in (await visitor().page(at)).text


async def test_letters_of_changes_are_switched_off_on_the_page(desk, given, visitor):
    call = await a_call(given.session, desk.organisation, title="模具资助", title_en="For dies")
    firm = await given.enterprise()
    who, at = visitor(firm), f"/funding/{call.id}"
    assert (await who.page(at)).form(f"{at}/bookmark")["changes"] == ["1"], "they come unless switched off"
    await who.sent(f"{at}/bookmark", {"days_before": ["7"], "changes": ["1"]})
    assert (await who.page(at)).form(f"{at}/bookmark")["changes"] == ["1"]
    await who.sent(f"{at}/bookmark", {"days_before": ["5"]})
    form = (await who.page(at)).form(f"{at}/bookmark")
    assert "changes" not in form
    assert form["days_before"] == ["5"]
    assert "有修改、提前截止" in (await who.page(at)).text
    english = await visitor(firm, "en").page(at)
    assert "write to me when it is changed, closed early, taken back or opened" in english.text
    assert audit(english) == []


async def test_where_a_letter_leads_whoever_wants_no_more(desk, given, visitor):
    call = await a_call(given.session, desk.organisation, title="模具资助", title_en="For dies")
    firm = await given.enterprise()
    who, other, at = visitor(firm), visitor(await given.enterprise()), f"/funding/{call.id}"
    await who.sent(f"{at}/bookmark", {"days_before": ["7"], "changes": ["1"]})
    answer = await who.get(f"{at}/bookmark")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{at}#remind")
    await desk.post(f"{CALLS}/{call.id}/closing")
    closed = await who.page(at)
    assert closed.form(f"{at}/bookmark")["changes"] == ["1"], "one may switch them off once it is closed"
    assert "收藏与提醒" not in (await other.page(at)).text
    await desk.patch(f"{CALLS}/{call.id}", {"title": "改了名称"}, version=call.version + 1)
    await desk.post(f"{CALLS}/{call.id}/withdrawal")
    await who.page(at, 404)
    await other.page(f"{at}/bookmark", 404)
    assert (await visitor().get(f"{at}/bookmark")).headers["location"].startswith("/sign-in?next=")
    hidden = await who.page(f"{at}/bookmark")
    assert audit(hidden) == []
    assert "模具资助" in hidden.text
    assert "改了名称" not in hidden.text, "nothing of what it says now"
    english = await visitor(firm, "en").page(f"{at}/bookmark")
    assert audit(english) == []
    for wanted in ("For dies", "This call is not public at present.", "No longer"):
        assert wanted in english.text
    assert " · " not in english.text
    assert await who.sent(f"{at}/bookmark", {"drop": ["1"]}) == "/funding?show=kept&said=call-dropped"
    await who.page(f"{at}/bookmark", 404)


async def test_the_list_is_narrowed_as_it_is_asked(desk, given, visitor):
    far = {"applicant_regions": ["620000"]}
    await a_call(given.session, desk.organisation, title="省外资助", eligibility=far)
    await a_call(given.session, desk.organisation, title="处处资助", kind="bounty")
    nobody = visitor()
    assert "省外资助" not in (await nobody.page("/funding?region=长春市")).text
    assert "处处资助" in (await nobody.page("/funding?region=长春市")).text
    assert "处处资助" not in (await nobody.page("/funding?kind=grant")).text
    wrong = Page((await nobody.get("/funding?region=火星")).text)
    assert "读不懂" in wrong.text
    links = [one.attrs["href"] for one in (await nobody.page("/funding?kind=bounty")).all("a") if "href" in one.attrs]
    file = next(link for link in links if ".xlsx" in link)
    assert (await nobody.get(file)).status_code == 200
