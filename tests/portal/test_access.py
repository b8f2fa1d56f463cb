"""Who gets where, and that other sites' pages cannot act in a visitor's name."""

import pytest

from marketplace.identity import tokens
from schemas.identity import Role, Scope
from tests.portal.conftest import Visitor
from tests.portal.reader import Page

BEHIND_THE_DOOR = [
    "/desk",
    "/desk/problems/new",
    "/desk/achievements/new",
    "/account",
    "/platform",
    "/organisations/new",
]


@pytest.mark.parametrize("url", BEHIND_THE_DOOR)
async def test_nobody_is_led_to_the_door_and_back(anybody, url):
    answer = await anybody.get(url)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/sign-in?next={url.replace('/', '%2F')}"


@pytest.mark.parametrize("url", ["/desk/problems/new", "/desk/achievements/new", "/organisations/new"])
async def test_nobody_can_write_and_what_they_typed_waits_for_them(anybody, visitor, given, url):
    """A session ends while somebody writes: they sign in beside, and send the very same form."""
    who = await given.person(Role.ORGANISATION_ADMIN, await given.organisation())
    typed = {"title": "写了很久", "kinds": ["lab", "university"], "description": "第一行\n\n第三行 <b>"}
    typed |= {"organisation_id": str(who.organisation.id)}
    page = await anybody.again(url, typed, 401)
    assert "您填写的内容还在" in page.text
    assert "第三行 <b>" in page.text
    form = page.form(url)
    assert form["kinds"] == ["lab", "university"]
    assert form["description"] == ["第一行\n\n第三行 <b>"]
    answer = await visitor(who).post(url, form)
    assert answer.status_code == (422 if url.startswith("/organisations") else 303)


async def test_when_the_database_is_away_a_form_can_be_sent_again(given, visitor, monkeypatch):
    who = await given.enterprise()

    async def away(*_: object) -> None:
        raise OSError("nobody answers")

    with monkeypatch.context() as broken:
        broken.setattr(tokens, "actor_of", away)
        page = await visitor(who).again("/desk/problems/new", {"title": "不能丢"}, 503)
        assert page.form("/desk/problems/new") == {"title": ["不能丢"]}
        page = await visitor(who).again("/sign-in", {"email": who.email, "password": "secret words"}, 503)
    assert "secret words" not in page.html


async def test_a_page_that_cannot_be_drawn_is_a_document(anybody, monkeypatch):
    from marketplace.portal import refused

    monkeypatch.setattr(refused, "environment", dict)
    answer = await anybody.get("/nothing/here")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_draft_is_not_there_for_others(given, visitor):
    owner, stranger = await given.enterprise(), await given.enterprise()
    draft = await given.problem(owner, published=False)
    for path in (f"/problems/{draft['id']}", f"/desk/problems/{draft['id']}", f"/desk/problems/{draft['id']}/readers"):
        page = await visitor(stranger).page(path, 404)
        assert draft["title"] not in page.text
    await visitor(owner).page(f"/problems/{draft['id']}")


async def test_what_one_may_see_but_not_change_is_refused_with_a_reason(given, visitor):
    owner, stranger = await given.enterprise(), await given.enterprise()
    problem = await given.problem(owner)
    page = await visitor(stranger).page(f"/desk/problems/{problem['id']}", 403)
    assert "只有所属单位的编辑可以这样做" in page.text
    for act in ("publication", "withdrawal", "confirmation", "talks", "solution", "confidential", "readers"):
        answer = await visitor(stranger).post(f"/desk/problems/{problem['id']}/{act}", {"email": "a@b.cn"})
        assert answer.status_code == 403, act


async def test_a_viewer_has_no_form(given, visitor):
    viewer = await given.person(Role.VIEWER, (await given.enterprise()).organisation)
    assert "工作台" in (await visitor(viewer).page("/desk")).text
    page = await visitor(viewer).page("/desk/problems/new", 403)
    assert "先登记或加入一个单位" in page.text


async def test_the_platforms_page_is_for_the_platform(given, visitor):
    page = await visitor(await given.enterprise()).page("/platform", 403)
    assert "平台管理员和审计员" in page.text
    await visitor(await given.person(Role.AUDITOR)).page("/platform")


async def test_an_auditor_decides_nothing(given, visitor):
    auditor = visitor(await given.person(Role.AUDITOR))
    place = await given.organisation()
    answer = await auditor.post(f"/organisations/{place.id}/decision", {"decision": "suspend", "reason": "x"})
    assert answer.status_code == 403
    assert "decision" not in (await auditor.page(f"/organisations/{place.id}")).html


@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        ({"Origin": "http://test"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "http://test.evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}, False),
        ({}, False),
    ],
    ids=str,
)
async def test_a_form_is_taken_from_our_own_pages_only(given, client, headers, let_in):
    who = await given.enterprise()
    browser = Visitor(client, who)
    draft = await given.problem(who, published=False)
    answer = await client.post(
        f"/desk/problems/{draft['id']}/publication", data={"a": "b"}, headers=browser.headers | headers
    )
    assert answer.status_code == (303 if let_in else 403)
    state = (await who.get(f"/api/v1/problems/{draft['id']}")).json()["state"]
    assert state == ("published" if let_in else "draft")
    if not let_in:
        assert "来自其他网站" in Page(answer.text).text


async def test_nobody_is_signed_in_from_another_site(client, anybody):
    foreign = {"Origin": "http://evil.example"}
    for url in ("/sign-in", "/register", "/forgot", "/confirm", "/reset", "/sign-out", "/match"):
        answer = await client.post(url, data={"email": "a@b.cn"}, headers=anybody.headers | foreign)
        assert answer.status_code == 403, url


async def test_a_session_that_ended_is_nobody_and_loses_its_cookie(given, visitor):
    browser = visitor(await given.enterprise())
    browser.headers["Cookie"] = f"{tokens.COOKIE}=djs_gone"
    answer = await browser.get("/problems")
    assert answer.status_code == 200
    assert f'{tokens.COOKIE}=""' in answer.headers["set-cookie"]
    assert (await browser.get("/desk")).status_code == 303


async def test_a_suspended_account_is_told_so_and_can_leave(given, visitor):
    browser = visitor(await given.person(suspended=True))
    page = await browser.page("/problems", 403)
    assert "此账号已停用" in page.text
    assert page.all("form", action="/sign-out")
    assert await browser.sent("/sign-out") == "/?said=signed-out"


async def test_a_token_that_may_only_read_changes_nothing(given, visitor):
    who = await given.person(Role.EDITOR, await given.organisation(), scope=Scope.READ)
    answer = await visitor(who).post("/desk/problems/new", {"title": "x"})
    assert answer.status_code == 403
    assert "只能读取" in answer.text


REFUSALS = [
    ("/nothing/here", 404),
    ("/problems/not-an-id", 404),
    ("/problems/00000000-0000-7000-8000-000000000000", 404),
    ("/problems?cursor=forged", 422),
]


@pytest.mark.parametrize(("url", "status"), REFUSALS)
@pytest.mark.parametrize("language", ["zh", "en"])
async def test_what_goes_wrong_is_said_on_a_page(visitor, url, status, language):
    page = await visitor(language=language).page(url, status)
    assert ("First page" if language == "en" else "回首页") in page.text
    assert page.all("div", role="alert")
    assert " · " not in page.text


async def test_a_program_gets_a_problem_document(client):
    for headers in ({"Accept": "application/json"}, {}):
        answer = await client.get("/nothing/here", headers=headers)
        assert answer.headers["content-type"] == "application/problem+json"
    answer = await client.get("/api/v1/nothing", headers={"Accept": "text/html"})
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_part_of_a_page_is_refused_with_a_part_of_a_page(anybody):
    answer = await anybody.get("/problems/00000000-0000-7000-8000-000000000000", headers={"HX-Request": "true"})
    assert answer.status_code == 404
    assert answer.text.startswith("<div")


async def test_a_fault_of_ours_is_a_page_with_a_number(app, anybody, monkeypatch):
    from marketplace.portal import home

    def broken(*_: object) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(home, "Paging", broken)
    page = await anybody.page("/", 500)
    assert "出现意外错误" in page.text
    assert "secret" not in page.html
    assert page.all("code")
