"""Writing a record: every field there and back, nothing typed lost, and each step of its life."""

import pytest

from schemas.identity import OrganisationKind, Verification
from tests.portal.reader import audit

PROBLEM = {
    "title": "注塑模具型腔磨损快",
    "background": "我们做玻纤增强尼龙件。\n一年换三副模具。",
    "description": "型腔磨损快，想找表面强化办法。",
    "keywords": "注塑模具、磨损，PVD; 激光熔覆",
    "indicators.name": ["寿命", "", "硬度"],
    "indicators.operator": [">=", ">=", "between"],
    "indicators.value": ["100000", "", "58"],
    "indicators.upper": ["", "", "62"],
    "indicators.unit": ["模次", "", "HRC"],
    "tried": "试过渗氮。",
    "industry": "模具制造",
    "disciplines": ["43020 金属材料", "", "430"],
    "region": "220100 吉林省长春市",
    "budget.low": "30万",
    "budget.high": "80 万元",
    "deadline": "2199-06-30",
    "ip_wish": "shared",
    "solver_conditions": "做过模具。",
    "cooperation_modes": ["joint_development", "service"],
    "bounty": "0.5亿",
    "contact.name": "韩工",
    "contact.phone": "0431-88",
    "contact.email": "han@test.example",
}
ACHIEVEMENT = {
    "title": "梯度激光熔覆",
    "summary": "寿命提高一倍。",
    "description": "先镍基后钴基。",
    "keywords": "激光熔覆",
    "discipline": "43020",
    "industries": ["C3525", "36"],
    "trl": "7",
    "stage": "mature",
    "intellectual_property.kind": ["patent.invention", ""],
    "intellectual_property.number": ["ZL2020", ""],
    "intellectual_property.status": ["granted", "granted"],
    "intellectual_property.holder": ["某大学", ""],
    "awards": "省一等奖\n\n市二等奖",
    "cooperation_modes": "licence",
    "price.kind": "fixed",
    "price.low": "120000.50",
    "publicly_funded": "yes",
    "registration_number": "123456789012",
    "contact.name": "沈老师",
    "team.name": ["张三", "李四"],
    "team.role": ["负责人", ""],
    "region": "长春市",
}


@pytest.fixture
async def firm(given):
    return await given.enterprise()


@pytest.fixture
def desk(visitor, firm):
    return visitor(firm)


async def drafted(desk, firm, kind="problems", **fields):
    whole = (PROBLEM if kind == "problems" else ACHIEVEMENT) | {"organisation_id": str(firm.organisation.id)} | fields
    where = await desk.sent(f"/desk/{kind}/new", {name: value for name, value in whole.items() if value is not None})
    assert where.endswith("?said=drafted")
    return where.removesuffix("?said=drafted")


def of(where):
    return where.rpartition("/")[2]


async def test_every_field_of_a_problem_is_kept_and_shown_again(desk, firm):
    where = await drafted(desk, firm)
    kept = (await firm.get(f"/api/v1/problems/{of(where)}")).json()
    assert kept["keywords"] == ["注塑模具", "磨损", "PVD", "激光熔覆"]
    assert [one["name"] for one in kept["indicators"]] == ["寿命", "硬度"]
    assert kept["indicators"][1] == {"name": "硬度", "operator": "between", "value": "58", "upper": "62", "unit": "HRC"}
    assert (kept["industry"], kept["region"], kept["disciplines"]) == ("3525", "220100", ["43020", "430"])
    assert kept["budget"] == {"low": "300000.00", "high": "800000.00"}
    assert kept["bounty"] == "50000000.00"
    assert kept["background"] == "我们做玻纤增强尼龙件。\n一年换三副模具。"
    assert kept["contact"] == {"name": "韩工", "phone": "0431-88", "email": "han@test.example"}
    form = (await desk.page(where)).form(f"/desk/problems/{of(where)}")
    assert form["title"] == [PROBLEM["title"]]
    assert form["deadline"] == ["2199-06-30"]
    assert form["cooperation_modes"] == ["joint_development", "service"]
    assert form["indicators.value"] == ["100000", "58", "", ""]
    assert form["budget.high"] == ["800000"]
    assert form["industry"] == ["3525 模具制造"]
    # Saved as it stands, nothing changes.
    assert await desk.sent(where, form) == f"{where}?said=saved"
    again = (await firm.get(f"/api/v1/problems/{of(where)}")).json()
    assert again == kept


async def test_every_field_of_an_achievement_is_kept_and_shown_again(desk, firm):
    where = await drafted(desk, firm, "achievements")
    kept = (await firm.get(f"/api/v1/achievements/{of(where)}")).json()
    assert kept["industries"] == ["3525", "36"]
    assert kept["awards"] == ["省一等奖", "市二等奖"]
    assert kept["price"] == {"kind": "fixed", "low": "120000.50", "high": None}
    assert (kept["trl"], kept["stage"], kept["publicly_funded"]) == (7, "mature", True)
    assert [one["number"] for one in kept["intellectual_property"]] == ["ZL2020"]
    assert kept["team"] == [{"name": "张三", "role": "负责人"}, {"name": "李四", "role": None}]
    assert kept["region"] == "220100"
    form = (await desk.page(where)).form(where)
    assert await desk.sent(where, form) == f"{where}?said=saved"
    assert (await firm.get(f"/api/v1/achievements/{of(where)}")).json() == kept


WRONG = [
    ("title", "", "不能为空白"),
    ("title", "x" * 201, "最多 200 个字"),
    ("industry", "没有的行业", "没有这个代码或名称"),
    ("industry", "汽车", "有多个相近的"),
    ("region", "999999", "没有这个代码或名称"),
    ("deadline", "明年", "请填写日期"),
    ("budget.high", "很多", "预算上限：请填写金额"),
    ("budget.low", "900000", "预算下限不得高于上限"),
    ("contact.email", "no@where", "邮箱：请填写电子邮箱"),
    ("indicators.value", ["", "", "58"], "第 1 行，数值：请填写文字"),
    ("indicators.upper", ["", "", ""], "只有 between 才填 upper"),
    ("keywords", "、".join(f"词{n}" for n in range(21)), "至多 20 项"),
    ("ip_wish", "mine", "须为以下之一：'enterprise'、'solver'、'shared'、'negotiable'"),
    ("description", "x\x00y", "NUL"),
    ("title", "a\u202eb", "书写方向"),
]


@pytest.mark.parametrize(("name", "value", "said"), WRONG)
async def test_a_form_that_is_refused_comes_back_with_everything_that_was_typed(desk, firm, name, value, said):
    typed = PROBLEM | {"organisation_id": str(firm.organisation.id), name: value}
    page = await desk.again("/desk/problems/new", typed)
    assert said in page.one("div", role="alert").text
    assert audit(page) == []
    form = page.form("/desk/problems/new")
    for field, wish in typed.items():
        if field.startswith("indicators") or field in {"disciplines", "cooperation_modes", "ip_wish"}:
            continue
        assert form[field] == [wish], field
    rows = [text for text in form["indicators.name"] if text]
    assert rows == ["寿命", "硬度"]
    assert (await firm.get("/api/v1/problems?mine=true")).json()["items"] == []


async def test_an_organisation_one_does_not_write_for_is_refused(desk, given):
    other = await given.organisation()
    page = await desk.again("/desk/problems/new", {"title": "题", "organisation_id": str(other.id)})
    assert "您不是该单位的编辑" in page.text
    page = await desk.again("/desk/problems/new", {"title": "题", "organisation_id": "nonsense"})
    assert "UUID" in page.text


async def test_saving_and_publishing_in_one_step(desk, firm, anybody):
    whole = PROBLEM | {"organisation_id": str(firm.organisation.id), "then": "publish"}
    where = await desk.sent("/desk/problems/new", whole)
    assert where.startswith("/problems/")
    assert where.endswith("?said=published")
    page = await anybody.page(where)
    assert "已发布" in page.text
    assert PROBLEM["title"] in page.text


async def test_what_is_missing_for_publishing_is_said_and_the_draft_is_kept(desk, firm):
    typed = {"title": "只有标题", "organisation_id": str(firm.organisation.id), "then": "publish"}
    page = await desk.again("/desk/problems/new", typed)
    assert "写明要解决的技术问题" in page.one("div", role="alert").text
    assert "内容已保存，但还没有发布" in page.text
    (kept,) = (await firm.get("/api/v1/problems?mine=true")).json()["items"]
    assert (kept["title"], kept["state"]) == ("只有标题", "draft")
    # The form that came back goes on with that draft.
    assert f"/desk/problems/{kept['id']}" in page.html


async def test_an_organisation_that_is_not_verified_writes_drafts(given, visitor):
    who = await given.editor(kinds=[OrganisationKind.ENTERPRISE], verification=Verification.UNVERIFIED)
    desk = visitor(who)
    where = await drafted(desk, who)
    page = await desk.again(f"{where}/publication", {}, 409)
    assert "尚未通过认证，可以写草稿，不能发布" in page.text
    assert "申请认证" in page.text


async def test_the_advice_beside_the_form_names_what_a_solver_will_miss(desk, firm):
    where = await drafted(desk, firm, tried=None, deadline=None)
    page = await desk.page(where)
    assert "解题方会缺什么" in page.text
    assert "已尝试过什么" in page.one("section", aria_labelledby="advice-title").text
    assert page.one("progress").attrs["value"] == "85"


async def test_the_life_of_a_problem(desk, firm, anybody):
    where = await drafted(desk, firm)
    public = where.replace("/desk", "")
    await anybody.page(public, 404)
    assert await desk.sent(f"{where}/publication") == f"{public}?said=published"
    await anybody.page(public)
    assert await desk.sent(f"{where}/confirmation", {"back": "desk"}) == "/desk?said=confirmed"
    assert await desk.sent(f"{where}/talks") == f"{where}?said=talks"
    assert "洽谈中" in (await anybody.page(public)).text
    assert await desk.sent(f"{where}/publication") == f"{public}?said=published"
    assert await desk.sent(f"{where}/withdrawal") == f"{where}?said=withdrawn"
    await anybody.page(public, 404)
    page = await desk.again(f"{where}/talks", {}, 409)
    assert "当前的状态不允许这一步" in page.text
    assert await desk.sent(f"{where}/publication") == f"{public}?said=published"
    assert await desk.sent(f"{where}/solution") == f"{where}?said=solved"
    assert "已解决" in (await desk.page(where)).text
    await anybody.page(public, 404)


async def test_an_achievement_has_no_talks(desk, firm):
    where = await drafted(desk, firm, "achievements")
    await desk.sent(f"{where}/publication")
    assert (await desk.post(f"{where}/talks")).status_code in {404, 405}


async def test_what_runs_out_is_confirmed_with_one_click_at_the_desk(desk, firm, session):
    from datetime import timedelta

    from marketplace.kernel import clock
    from marketplace.listings.models import Listing

    where = await drafted(desk, firm)
    await desk.sent(f"{where}/publication")
    listing = await session.get(Listing, of(where))
    await session.refresh(listing)
    listing.confirmed_until = clock.now() + timedelta(days=3)
    await session.commit()
    page = await desk.page("/desk")
    assert "请确认仍然有效（1）" in page.text
    await desk.sent(f"{where}/confirmation", {"back": "desk"})
    assert "请确认仍然有效" not in (await desk.page("/desk")).text


async def test_edits_that_meet_are_merged_where_they_differ(desk, firm, visitor):
    where = await drafted(desk, firm)
    mine = (await desk.page(where)).form(where)
    theirs = dict(mine) | {"tried": ["对方改过：试过镀铬。"]}
    assert await desk.sent(where, theirs) == f"{where}?said=saved"
    page = await desk.again(where, mine | {"title": ["我改的标题"]}, 412)
    assert "已合并在下面" in page.text
    assert page.field("title") == "我改的标题"
    assert page.field("tried") == "对方改过：试过镀铬。"
    assert await desk.sent(where, page.form(where)) == f"{where}?said=saved"
    kept = (await firm.get(f"/api/v1/problems/{of(where)}")).json()
    assert (kept["title"], kept["tried"]) == ("我改的标题", "对方改过：试过镀铬。")


async def test_edits_of_the_same_words_are_shown_side_by_side_and_none_is_lost(desk, firm):
    where = await drafted(desk, firm)
    mine = (await desk.page(where)).form(where)
    await desk.sent(where, mine | {"title": ["对方的标题"], "indicators.value": ["1", "58", "", ""]})
    await desk.sent(f"{where}/publication")
    page = await desk.again(where, mine | {"title": ["我的标题"], "indicators.value": ["2", "58", "", ""]}, 412)
    assert page.field("title") == "我的标题"
    assert page.form(where)["indicators.value"][:2] == ["2", "58"]
    told = " ".join(node.text for node in page.all("div", class_="both"))
    assert "对方的标题" in told
    assert "寿命 >= 1 模次" in told
    assert audit(page) == []
    # Saved again after reading both, mine stands; theirs is in the history.
    assert await desk.sent(where, page.form(where)) == f"{where}?said=saved"
    assert (await firm.get(f"/api/v1/problems/{of(where)}")).json()["title"] == "我的标题"
    past = (await firm.get(f"/api/v1/problems/{of(where)}/revisions")).json()["items"]
    assert past[0]["body"]["title"] == "对方的标题"


async def test_a_version_that_is_nonsense_loses_nothing(desk, firm):
    where = await drafted(desk, firm)
    form = (await desk.page(where)).form(where)
    page = await desk.again(where, form | {"version": ["x"], "title": ["新标题"]}, 412)
    assert page.field("title") == "新标题"


async def test_a_refused_edit_comes_back_filled(desk, firm):
    where = await drafted(desk, firm)
    form = (await desk.page(where)).form(where)
    page = await desk.again(where, form | {"title": [""], "tried": ["写了很多"]})
    assert page.field("tried") == "写了很多"
    assert page.form(where)["version"] == form["version"]


async def test_files_are_attached_shown_and_removed(desk, firm, anybody):
    where = await drafted(desk, firm)
    await desk.sent(f"{where}/publication")
    pdf = {"file": ("图纸.pdf", b"%PDF-1.7 drawing", "application/pdf")}
    assert await desk.sent(f"{where}/attachments/public", files=pdf) == f"{where}?said=attached"
    public = where.replace("/desk", "")
    page = await anybody.page(public)
    link = next(node for node in page.all("a") if "attachments" in node.attrs["href"])
    assert link.text == "图纸.pdf"
    file = await anybody.get(link.attrs["href"])
    assert file.content == b"%PDF-1.7 drawing"
    assert file.headers["content-disposition"].startswith("attachment")
    wrong = await desk.post(f"{where}/attachments/public", files={"file": ("x.html", b"<script>", "text/html")})
    assert wrong.status_code == 422
    assert "支持的类型" in wrong.text
    assert (await desk.post(f"{where}/attachments/public", files={"other": ("x", b"")})).status_code == 422
    identity = link.attrs["href"].rpartition("/")[2]
    assert await desk.sent(f"{where}/attachments/{identity}/removal") == f"{where}?said=removed"
    assert "图纸.pdf" not in (await anybody.page(public)).text


async def test_from_asking_to_reading_what_is_confidential(desk, firm, given, visitor, anybody):
    where = await drafted(desk, firm)
    await desk.sent(f"{where}/publication")
    public = where.replace("/desk", "")
    form = (await desk.page(f"{where}/readers")).form(f"{where}/confidential")
    await desk.sent(f"{where}/confidential", form | {"text": "配方：钴七成。\n第二行", "nda": "不得外传。"})
    await desk.sent(f"{where}/attachments/confidential", files={"file": ("配方.txt", "机密".encode(), "text/plain")})
    assert "另有保密内容" in (await anybody.page(public)).text
    assert (await anybody.get(f"{public}/confidential")).status_code == 303

    solver = visitor(await given.university())
    page = await solver.page(f"{public}/confidential")
    assert "申请理由" in page.text
    empty = await solver.again(f"{public}/confidential/request", {"message": " "})
    assert empty.all("div", role="alert")
    where_to = await solver.sent(f"{public}/confidential/request", {"message": "我们有设备"})
    assert where_to == f"{public}/confidential?said=asked"
    twice = await solver.again(f"{public}/confidential/request", {"message": "再问一次"}, 409)
    assert "已有申请或已获准" in twice.text
    assert "已申请，等待答复" in (await solver.page(public)).text

    page = await desk.page("/desk")
    decision = next(node.attrs["action"] for node in page.all("form") if "decision" in node.attrs.get("action", ""))
    assert await desk.sent(decision, {"admit": "1", "back": "desk"}) == "/desk?said=admitted"
    again = await desk.again(decision, {"admit": "0"}, 409)
    assert "此申请已处理" in again.text

    page = await solver.page(f"{public}/confidential")
    assert "不得外传" in page.text
    assert "钴七成" not in page.html
    assert "配方.txt" not in page.html
    stale = await solver.again(f"{public}/confidential/acceptance", {"nda": "别的约定"}, 409)
    assert "保密约定已更新" in stale.text
    accepted = page.form(f"{public}/confidential/acceptance")
    assert await solver.sent(f"{public}/confidential/acceptance", accepted) == f"{public}/confidential?said=accepted"
    page = await solver.page(f"{public}/confidential")
    assert "钴七成" in page.text
    link = next(node for node in page.all("a") if "attachments" in node.attrs["href"])
    assert (await solver.get(link.attrs["href"])).content.decode() == "机密"
    assert (await anybody.get(link.attrs["href"])).status_code == 404

    readers = await desk.page(f"{where}/readers")
    revocation = next(node.attrs["action"] for node in readers.all("form") if "revocation" in node.attrs["action"])
    assert await desk.sent(revocation) == f"{where}/readers?said=revoked"
    page = await solver.page(f"{public}/confidential")
    assert "钴七成" not in page.html
    assert "已撤销" in page.text


async def test_a_request_is_refused_with_a_note(desk, firm, given, visitor):
    where = await drafted(desk, firm)
    await desk.sent(f"{where}/publication")
    await desk.sent(f"{where}/confidential", {"version": "0", "text": "秘密"})
    public = where.replace("/desk", "")
    solver = visitor(await given.university())
    await solver.sent(f"{public}/confidential/request", {"message": "想看"})
    page = await desk.page(f"{where}/readers")
    decision = next(node.attrs["action"] for node in page.all("form") if "decision" in node.attrs["action"])
    long = await desk.again(decision, {"admit": "0", "note": "x" * 2001}, 409)
    assert "2000" in long.text
    assert await desk.sent(decision, {"admit": "0", "note": "请先签合同"}) == f"{where}/readers?said=refused"
    page = await solver.page(f"{public}/confidential")
    assert "未获准 — 请先签合同" in page.text


async def test_somebody_is_admitted_by_address(desk, firm, given, visitor):
    where = await drafted(desk, firm)
    await desk.sent(f"{where}/publication")
    await desk.sent(f"{where}/confidential", {"version": "0", "text": "秘密的数"})
    solver = await given.university()
    wrong = await desk.again(f"{where}/readers", {"email": "nobody"})
    assert wrong.field("email") == "nobody"
    assert await desk.sent(f"{where}/readers", {"email": solver.email}) == f"{where}/readers?said=admitted"
    assert "秘密的数" in (await visitor(solver).page(where.replace("/desk", "") + "/confidential")).text


async def test_confidential_texts_that_meet_are_both_shown(desk, firm):
    where = await drafted(desk, firm)
    await desk.sent(f"{where}/confidential", {"version": "0", "text": "对方写的"})
    page = await desk.again(f"{where}/confidential", {"version": "0", "text": "我写的"}, 412)
    assert page.field("text") == "我写的"
    assert "对方写的" in page.text
    await desk.sent(f"{where}/confidential", page.form(f"{where}/confidential"))
    long = await desk.again(f"{where}/confidential", {"version": "2", "text": "x" * 20001})
    assert len(long.field("text")) == 20001


async def test_with_review_a_record_goes_through_the_platforms_hands(desk, firm, given, visitor, app, anybody):
    from marketplace.settings import Review

    app.state.settings = app.state.settings.model_copy(update={"review": Review.PLATFORM})
    admin = visitor(await given.admin())
    where = await drafted(desk, firm)
    public = where.replace("/desk", "")
    assert await desk.sent(f"{where}/publication") == f"{public}?said=in-review"
    assert PROBLEM["title"] in (await admin.page("/platform")).text
    assert "通过并发布" in (await admin.page(public)).text
    review = f"/platform/problems/{of(where)}/review"
    seen = {"version": (await admin.page(public)).field("version")}
    assert seen == {"version": (await admin.page("/platform")).field("version")}
    assert await admin.sent(review, seen | {"approve": "0", "note": "请写明工况"}) == "/platform?said=reviewed"
    assert "请写明工况" in (await desk.page(where)).text
    twice = await admin.again(review, seen | {"approve": "1"}, 409)
    assert "不允许这一步" in twice.text
    long = await admin.again(review, seen | {"approve": "1", "note": "x" * 2001})
    assert long.all("div", role="alert")
    await desk.sent(f"{where}/publication")
    for old in (seen, {}):
        unseen = await admin.again(review, old | {"approve": "1"}, 412)
        assert "请打开记录" in unseen.text
    seen = {"version": (await admin.page(public)).field("version")}
    assert await admin.sent(review, seen | {"approve": "1"}) == "/platform?said=reviewed"
    await anybody.page(public)
    assert (await admin.post(review.replace("problems", "others"), {})).status_code == 404
    assert (await desk.post(review, seen | {"approve": "1"})).status_code == 403


async def test_whoever_writes_is_told_of_a_record_that_says_nearly_the_same(desk, firm, visitor, given):
    first, second = await drafted(desk, firm), await drafted(desk, firm, title="注塑模具型腔磨损<快>")
    for where in (f"/problems/{of(first)}", first):
        page = (await desk.get(where)).text
        assert "与这些记录几乎相同" in page
        assert f'href="/problems/{of(second)}">注塑模具型腔磨损&lt;快&gt;' in page
    english = (await visitor(firm, "en").get(f"/problems/{of(first)}")).text
    assert "Nearly the same as these" in english
    assert (await firm.post(f"/api/v1/problems/{of(second)}/publication")).status_code == 200
    assert "几乎相同" not in (await visitor().get(f"/problems/{of(second)}")).text
