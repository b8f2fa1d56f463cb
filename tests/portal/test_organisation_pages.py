"""Organisations: registered, verified, staffed."""

import pytest

from schemas import uscc
from schemas.identity import Role, Verification
from tests.given.letters import code_for
from tests.given.people import a_uscc
from tests.portal.reader import audit


@pytest.fixture
async def admin(given, visitor):
    return visitor(await given.admin())


def typed(**fields):
    return {
        "uscc": a_uscc("91"),
        "name": "长春某某有限公司",
        "name_en": "Some Ltd",
        "kinds": ["enterprise", "lab"],
        "region": "长春市",
        "introduction": "做模具。",
    } | fields


async def test_from_registering_an_organisation_to_publishing(given, visitor, admin):
    newcomer = await given.person()
    browser = visitor(newcomer)
    wish = typed()
    where = await browser.sent("/organisations/new", wish)
    assert where.endswith("?said=organisation")
    place = where.removesuffix("?said=organisation")
    page = await browser.page(place)
    assert "申请认证" in page.text
    assert page.form(place)["region"] == ["220100 吉林省长春市"]
    empty = await browser.again(f"{place}/verification", {"evidence": " "})
    assert empty.all("div", role="alert")
    assert await browser.sent(f"{place}/verification", {"evidence": "营业执照 123"}) == f"{place}?said=verification"
    queue = await admin.page("/platform")
    assert "长春某某有限公司" in queue.one("section", aria_labelledby="submitted").text
    page = await admin.page(place)
    assert "营业执照 123" in page.text
    form = page.form(f"{place}/decision")
    none = await admin.again(f"{place}/decision", form | {"decision": "verify", "reason": ""})
    assert none.all("div", role="alert")
    decided = form | {"decision": "verify", "reason": "已电话核实"}
    assert await admin.sent(f"{place}/decision", decided) == f"{place}?said=decided"
    stale = await admin.again(f"{place}/decision", decided | {"decision": "suspend"}, 412)
    assert "下面是现在的内容" in stale.text
    assert stale.field("reason") == "已电话核实"
    page = await browser.page(place)
    assert "已认证" in page.text
    assert "已电话核实" in page.text
    assert "已电话核实" not in (await visitor().page(place)).text
    written = {"title": "题", "description": "述", "organisation_id": place.rpartition("/")[2], "then": "publish"}
    assert (await browser.sent("/desk/problems/new", written)).endswith("?said=published")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("uscc", "123", "18 位"),
        ("uscc", "91220100000000000X", "校验"),
        ("name", "", "不能为空白"),
        ("kinds", [], "至少 1 项"),
        ("region", "火星", "没有这个代码或名称"),
        ("region", "", "未知的行政区划代码"),
        ("introduction", "x" * 2001, "2000"),
    ],
)
async def test_a_refused_registration_comes_back_filled(given, visitor, field, value, said):
    browser = visitor(await given.person())
    wish = typed() | {field: value}
    page = await browser.again("/organisations/new", wish)
    assert said in " ".join(node.text for node in page.all("p", class_="wrong"))
    assert audit(page) == []
    for name in ("name_en", "introduction", "uscc", "name", "region"):
        assert page.field(name) == wish[name]


async def test_a_code_that_is_known_says_whom_to_ask(given, visitor):
    known = await given.organisation()
    page = await visitor(await given.person()).again("/organisations/new", typed(uscc=known.uscc), 409)
    assert "请联系该单位的管理员邀请您加入" in page.text
    assert page.field("name") == "长春某某有限公司"


async def test_an_organisation_is_edited_by_its_administrator_alone(given, visitor):
    place = await given.organisation()
    boss = visitor(await given.person(Role.ORGANISATION_ADMIN, place))
    editor = visitor(await given.person(Role.EDITOR, place))
    url = f"/organisations/{place.id}"
    page = await boss.page(url)
    form = page.form(url) | {"introduction": ["新的简介"]}
    assert (await editor.post(url, form)).status_code == 403
    assert await boss.sent(url, form) == f"{url}?said=saved"
    assert "新的简介" in (await visitor().page(url)).text
    stale = await boss.again(url, form | {"introduction": ["又一个简介"]}, 412)
    assert stale.field("introduction") == "又一个简介"
    assert "新的简介" in stale.text
    assert await boss.sent(url, stale.form(url)) == f"{url}?said=saved"
    wrong = await boss.again(url, form | {"name": [""], "introduction": ["留着"]})
    assert wrong.field("introduction") == "留着"
    assert audit(wrong) == []


async def test_members_are_invited_promoted_and_let_go(given, visitor, session):
    place = await given.organisation()
    boss = visitor(await given.person(Role.ORGANISATION_ADMIN, place))
    editor = await given.person(Role.EDITOR, place)
    url = f"/organisations/{place.id}"
    page = await boss.page(url)
    assert editor.email in page.text
    forms = [node.attrs["action"] for node in page.all("form") if "/members/" in node.attrs["action"]]
    roles = [one for one in forms if not one.endswith("/end")]
    chosen = next(one for one in roles if page.form(one)["role"] == ["editor"])
    assert await boss.sent(chosen, {"version": "1", "role": "viewer"}) == f"{url}?said=role"
    stale = await boss.again(chosen, {"version": "1", "role": "editor"}, 412)
    assert audit(stale) == []
    odd = await boss.again(chosen, {"version": "2", "role": "platform_admin"})
    assert "平台角色不能由单位授予" in odd.text
    assert await boss.sent(f"{chosen}/end", {"version": "2"}) == f"{url}?said=left"
    assert editor.email not in (await boss.page(url)).text
    own = next(one for one in roles if one != chosen)
    last = await boss.again(f"{own}/end", {"version": "1"}, 409)
    assert "至少要有一名管理员" in last.text


async def test_invitations_are_sent_and_revoked(given, visitor):
    place = await given.organisation()
    boss = visitor(await given.person(Role.ORGANISATION_ADMIN, place))
    url = f"/organisations/{place.id}"
    wrong = await boss.again(f"{url}/invitations", {"email": "nobody", "role": "editor"})
    assert wrong.field("email") == "nobody"
    guest = {"email": "guest@test.example", "role": "viewer"}
    assert await boss.sent(f"{url}/invitations", guest) == f"{url}?said=invited"
    twice = await boss.again(f"{url}/invitations", guest, 409)
    assert "已向此邮箱发出邀请" in twice.text
    page = await boss.page(url)
    revocation = next(node.attrs["action"] for node in page.all("form") if "revocation" in node.attrs["action"])
    assert await boss.sent(revocation) == f"{url}?said=revoked"
    assert (await boss.post(revocation)).status_code == 404
    assert "guest@test.example" not in (await boss.page(url)).text


async def test_the_platform_finds_an_organisation_another_administrator(given, visitor, admin, session):
    place = f"/organisations/{(await given.organisation()).id}"
    page = await admin.page(place)
    assert "邀请管理员" in page.text
    offered = [one for one in page.all("option") if one.within("select").attrs.get("id") == "role"]
    assert [one.attrs["value"] for one in offered] == ["organisation_admin"]
    owner = await given.person()
    wish = {"email": owner.email, "role": "organisation_admin"}
    assert await admin.sent(f"{place}/invitations", wish) == f"{place}?said=invited"
    assert owner.email in (await admin.page(place)).text
    where = await visitor(owner).sent("/join", {"token": await code_for(session, owner.email)})
    assert where == f"{place}?said=joined"
    assert (await visitor(await given.person(Role.AUDITOR)).page(place)).all("select", id="role") == []


async def test_the_platform_shuts_an_account_and_opens_it_again(given, visitor, admin):
    organisation = await given.organisation()
    place, member = f"/organisations/{organisation.id}", await given.editor(organisation)
    forms = [form for form in (await admin.page(place)).all("form") if "/suspension" in form.attrs["action"]]
    shut = forms[0].attrs["action"]
    assert await admin.sent(shut, {"reason": " "}, 422)
    assert await admin.sent(shut, {"reason": "冒用身份"}) == f"{place}?said=suspended"
    assert (await visitor(member).get("/desk")).status_code == 403
    page = await admin.page(place)
    assert "已停用" in page.text
    assert "冒用身份" in page.text
    opened = shut.replace("suspension", "reinstatement")
    assert await admin.sent(opened, {"reason": "误判"}) == f"{place}?said=reinstated"
    assert (await visitor(member).get("/desk")).status_code == 200
    boss = await given.person(Role.ORGANISATION_ADMIN, organisation)
    assert (await visitor(boss).post(shut, {"reason": "x"})).status_code == 404
    assert "/suspension" not in (await visitor(boss).get(place)).text


@pytest.mark.parametrize("verification", [Verification.VERIFIED, Verification.UNVERIFIED])
async def test_whoever_belongs_can_leave_by_themselves(verification, given, visitor):
    organisation = await given.organisation(verification=verification)
    place, editor = f"/organisations/{organisation.id}", await given.editor(organisation)
    await given.person(Role.VIEWER, organisation)
    page = await visitor(editor).page(place)
    (leaving,) = [form.attrs["action"] for form in page.all("form") if form.attrs["action"].endswith("/end")]
    where = await visitor(editor).sent(leaving, page.form(leaving))
    assert where == "/desk?said=gone"
    assert "您已离开该单位" in (await visitor(editor).page(where)).text
    assert (await editor.get("/api/v1/me")).json()["memberships"] == []


async def test_every_member_is_reached_page_by_page(given, visitor, session, monkeypatch):
    monkeypatch.setattr("marketplace.portal.organisation.MEMBERS", 2)
    organisation = await given.organisation()
    place, boss = f"/organisations/{organisation.id}", await given.person(Role.ORGANISATION_ADMIN, organisation)
    people = [boss.email, *[(await given.editor(organisation)).email for _ in range(4)]]
    url, found = place, []
    while url:
        page = await visitor(boss).page(url)
        found += [email for email in people if email in page.one("section", aria_labelledby="members").text]
        url = next((link.attrs["href"].partition("#")[0] for link in page.all("a", rel="next")), "")
    assert sorted(found) == sorted(people)


async def test_the_platform_suspends_and_reinstates(given, visitor, admin, anybody):
    place = await given.organisation()
    url = f"/organisations/{place.id}"
    form = (await admin.page(url)).form(f"{url}/decision") | {"reason": "投诉核实中"}
    await admin.sent(f"{url}/decision", form | {"decision": "suspend"})
    await anybody.page(url, 404)
    page = await admin.page(url)
    assert "恢复" in page.text
    assert place.name in (await admin.page("/platform")).text
    again = page.form(f"{url}/decision") | {"reason": "已澄清"}
    odd = await admin.again(f"{url}/decision", again | {"decision": "verify"}, 409)
    assert "认证状态不允许这一步" in odd.text
    await admin.sent(f"{url}/decision", again | {"decision": "reinstate"})
    await anybody.page(url)


async def test_the_directory_is_searched(given, anybody):
    await given.organisation(name="吉林某大学", region="220200")
    await given.organisation(name="兰州某公司", region="620100")
    await given.organisation(name="没有认证的", verification=Verification.UNVERIFIED)
    page = await anybody.page("/organisations")
    assert "吉林某大学" in page.text
    assert "没有认证的" not in page.text
    page = await anybody.page("/organisations?region=甘肃省")
    assert [node.text for node in page.all("h2")] == ["兰州某公司已认证"]
    assert "没有符合的单位" in (await anybody.page("/organisations?q=火星&kind=lab")).text
    page = await anybody.page("/organisations?region=火星&kind=nonsense", 422)
    assert page.all("p", class_="wrong")


async def test_the_platform_is_told_what_is_odd_about_a_code(given, admin, session):
    place = await given.organisation(verification=Verification.SUBMITTED)
    while not uscc.warnings(place.uscc):  # one in eleven has, by chance, nothing odd about it
        place = await given.organisation(verification=Verification.SUBMITTED)
    page = await admin.page(f"/organisations/{place.id}")
    assert page.all("p", class_="notice warn")
