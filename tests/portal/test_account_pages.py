"""Signing in and out, registering, and where the letters lead."""

import pytest

from marketplace.identity import passwords, tokens
from marketplace.identity.models import Person
from schemas.identity import Role
from tests.given.letters import code_for, letters_to
from tests.portal.reader import Page

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
async def hashed() -> str:
    """Hashed once: argon2 is slow on purpose."""
    return await passwords.hashed(PASSWORD)


@pytest.fixture
async def somebody(given, session, hashed):
    """A person with a password."""
    who = await given.enterprise()
    person = await session.get(Person, who.id)
    person.password_hash = hashed
    await session.commit()
    return who


async def test_signing_in_gives_the_browser_a_cookie_no_script_can_read(somebody, anybody):
    answer = await anybody.post("/sign-in", {"email": somebody.email, "password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{tokens.COOKIE}=djs_")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    anybody.headers["Cookie"] = cookie.split(";")[0]
    page = await anybody.page("/desk")
    assert somebody.organisation.name in page.text


async def test_behind_https_the_cookie_is_for_https(somebody, client, app, visitor):
    app.state.settings = app.state.settings.model_copy(update={"public_url": "https://duijie.example"})
    answer = await visitor().post("/sign-in", {"email": somebody.email, "password": PASSWORD})
    assert "; Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("wish", "leads_to"),
    [
        ("/problems?q=x", "/problems?q=x"),
        ("https://evil.example", "/desk"),
        ("//evil.example", "/desk"),
        ("/\\evil.example", "/desk"),
        ("javascript:alert(1)", "/desk"),
        ("/a\r\nSet-Cookie: x=y", "/desk"),
        ("", "/desk"),
    ],
)
async def test_after_signing_in_one_stays_on_our_pages(somebody, anybody, wish, leads_to):
    where = await anybody.sent("/sign-in", {"email": somebody.email, "password": PASSWORD, "next": wish})
    assert where == leads_to


@pytest.mark.parametrize("email", ["", "nobody@test.example", "not an address"])
async def test_a_wrong_sign_in_says_no_more_than_that(somebody, anybody, email):
    answers = []
    for address, password in ((email, PASSWORD), (somebody.email, "wrong")):
        page = await anybody.again("/sign-in", {"email": address, "password": password}, 401)
        assert page.field("email") == address
        assert page.field("password") == ""
        answers.append(page.one("div", role="alert").text.strip())
    assert answers[0] == answers[1]
    assert "邮箱或密码不正确" in answers[0]


async def test_too_many_wrong_passwords_are_told_to_wait(somebody, anybody, app):
    app.state.settings = app.state.settings.model_copy(update={"sign_ins_per_quarter_hour": 2})
    for _ in range(2):
        await anybody.again("/sign-in", {"email": somebody.email, "password": "wrong"}, 401)
    page = await anybody.again("/sign-in", {"email": somebody.email, "password": PASSWORD}, 429)
    assert "请稍后再试" in page.text


async def test_signing_out_ends_the_session(somebody, visitor, client):
    browser = visitor(somebody)
    answer = await browser.post("/sign-out")
    assert answer.headers["location"] == "/?said=signed-out"
    assert f'{tokens.COOKIE}=""' in answer.headers["set-cookie"]
    assert (await somebody.get("/api/v1/me")).status_code == 401
    assert "已退出" in (await visitor().page("/?said=signed-out")).text
    assert await browser.sent("/sign-out") == "/?said=signed-out"


async def test_whoever_is_signed_in_needs_no_door(somebody, visitor):
    answer = await visitor(somebody).get("/sign-in?next=/account")
    assert answer.headers["location"] == "/account"


async def test_from_registering_to_the_desk(anybody, session, visitor):
    page = Page(await anybody.sent("/register", {"email": " New@Test.Example ", "name": "新人"}, 200))
    assert "new@test.example" in page.text
    assert "DUIJIE_HOME" in page.text
    code = await code_for(session, "new@test.example")
    form = await anybody.page(f"/confirm?token={code}")
    assert form.field("token") == code
    page = await anybody.again("/confirm", {"token": code, "password": PASSWORD, "again": "different one"})
    assert "两次输入的密码不一致" in page.text
    assert page.field("token") == code
    page = await anybody.again("/confirm", {"token": code, "password": "short", "again": "short"})
    assert page.one("div", role="alert")
    answer = await anybody.post("/confirm", {"token": code, "password": PASSWORD, "again": PASSWORD})
    assert answer.headers["location"] == "/desk?said=welcome"
    anybody.headers["Cookie"] = answer.headers["set-cookie"].split(";")[0]
    assert "您还没有加入单位" in (await anybody.page("/desk?said=welcome")).text
    page = await visitor().again("/confirm", {"token": code, "password": PASSWORD, "again": PASSWORD})
    assert "此链接无效、已使用或已过期" in page.text


async def test_registering_says_what_is_wrong_and_keeps_what_was_typed(anybody):
    page = await anybody.again("/register", {"email": "no address", "name": "某人"})
    assert "请填写电子邮箱" in page.text
    assert (page.field("email"), page.field("name")) == ("no address", "某人")


async def test_who_asks_for_too_many_letters_is_told_and_keeps_what_was_typed(anybody):
    for number in range(60):
        await anybody.sent("/register", {"email": f"person{number}@elsewhere.example", "name": "x"}, 200)
    for path in ("/register", "/forgot"):
        page = await anybody.sent(path, {"email": "one-more@elsewhere.example", "name": "某人"}, 429)
        assert "one-more@elsewhere.example" in page
        assert "Too many letters" in page or "信件过多" in page


async def test_registering_tells_nobody_who_is_registered(somebody, anybody):
    known = await anybody.sent("/register", {"email": somebody.email, "name": "x"}, 200)
    unknown = await anybody.sent("/register", {"email": "other@test.example", "name": "x"}, 200)
    assert known.replace(somebody.email, "") == unknown.replace("other@test.example", "")


async def test_a_forgotten_password_is_set_anew(somebody, anybody, session, visitor):
    page = await anybody.again("/forgot", {"email": "x"})
    assert page.field("email") == "x"
    await anybody.sent("/forgot", {"email": somebody.email}, 200)
    code = await code_for(session, somebody.email)
    page = await anybody.again("/reset", {"token": code, "password": "a new password", "again": "another"})
    assert page.field("token") == code
    where = await anybody.sent("/reset", {"token": code, "password": "a new password", "again": "a new password"})
    assert where == "/sign-in?said=reset"
    assert "密码已重设" in (await anybody.page(where)).text
    await anybody.sent("/sign-in", {"email": somebody.email, "password": "a new password"})
    page = await anybody.again("/reset", {"token": code, "password": "a new password", "again": "a new password"})
    assert "此链接无效" in page.text


async def test_an_invitation_leads_into_the_organisation(given, visitor, session):
    place = (await given.enterprise()).organisation
    boss = visitor(await given.person(Role.ORGANISATION_ADMIN, place))
    guest = await given.person()
    where = await boss.sent(f"/organisations/{place.id}/invitations", {"email": guest.email, "role": "editor"})
    assert where == f"/organisations/{place.id}?said=invited"
    page = await boss.page(f"/organisations/{place.id}")
    assert guest.email in page.text
    code = await code_for(session, guest.email)
    led = await visitor().page(f"/join?token={code}")
    assert f"/sign-in?next=/join%3Ftoken%3D{code}" in led.html
    assert (await visitor().post("/join", {"token": code})).status_code == 303
    other = await visitor(await given.person()).again("/join", {"token": code})
    assert "发给了另一个邮箱" in other.text
    empty = await visitor(guest).again("/join", {"token": ""})
    assert empty.all("div", role="alert")
    where = await visitor(guest).sent("/join", {"token": code})
    assert where == f"/organisations/{place.id}?said=joined"
    page = await visitor(guest).page("/desk")
    assert place.name in page.text


async def test_the_account_page_changes_the_password(somebody, visitor):
    browser = visitor(somebody)
    url = "/account/password"
    wrong = await browser.again(url, {"current": "not it", "new": "a new password", "again": "a new password"})
    assert "当前密码不正确" in wrong.text
    wrong = await browser.again(url, {"current": PASSWORD, "new": "a new password", "again": "other"})
    assert "不一致" in wrong.text
    wrong = await browser.again(url, {"current": PASSWORD, "new": "short", "again": "short"})
    assert wrong.all("div", role="alert")
    where = await browser.sent(url, {"current": PASSWORD, "new": "a new password", "again": "a new password"})
    assert where == "/sign-in?said=password"
    assert (await somebody.get("/api/v1/me")).status_code == 401


async def test_the_account_page_changes_name_phone_and_language(given, visitor):
    who = await given.enterprise()
    browser = visitor(who)
    form = (await browser.page("/account")).form("/account/profile")
    changed = form | {"name": ["新名字"], "phone": ["0431-1"], "locale": ["en"]}
    assert await browser.sent("/account/profile", changed) == "/account?said=saved"
    me = (await who.get("/api/v1/me")).json()
    assert (me["name"], me["phone"], me["locale"]) == ("新名字", "0431-1", "en")
    stale = await browser.again("/account/profile", changed | {"name": ["更新的名字"]}, 412)
    assert stale.field("name") == "更新的名字"
    assert await browser.sent("/account/profile", stale.form("/account/profile")) == "/account?said=saved"
    wrong = await browser.again("/account/profile", changed | {"name": [""], "phone": ["123"]})
    assert wrong.field("phone") == "123"
    odd = await browser.again("/account/profile", changed | {"version": ["x"]}, 412)
    assert odd.all("div", role="alert")


async def test_a_session_can_be_revoked(given, visitor):
    who = await given.enterprise()
    token = (await who.post("/api/v1/tokens", {"name": "程序", "scope": "read"})).json()
    browser = visitor(who)
    assert "程序" in (await browser.page("/account")).text
    assert await browser.sent(f"/account/tokens/{token['id']}/revocation") == "/account?said=revoked"
    assert "程序" not in (await browser.page("/account")).text


async def test_letters_lead_to_pages_that_are_there(anybody, session, given, visitor):
    """Every path in a letter is one of ours."""
    import re

    boss_place = (await given.enterprise()).organisation
    boss = visitor(await given.person(Role.ORGANISATION_ADMIN, boss_place))
    await anybody.sent("/register", {"email": "a@test.example", "name": "x"}, 200)
    await boss.sent(f"/organisations/{boss_place.id}/invitations", {"email": "a@test.example", "role": "viewer"})
    for letter in await letters_to(session, "a@test.example"):
        for path in re.findall(r"http://127\.0\.0\.1:8000(/\S+)", letter.text):
            await anybody.page(path)


@pytest.mark.parametrize(
    ("agent", "shown"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0", "Edge，Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", "Chrome，Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1", "Safari，iPhone"),
        ("Mozilla/5.0 (Linux; Android 14; V2309A Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/116.0.0.0 Mobile Safari/537.36 MicroMessenger/8.0.49", "微信，Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox，macOS"),
        ("Mozilla/5.0", "Mozilla/5.0"),
        ("curl/8.8.0", "curl/8.8.0"),
    ],
)  # fmt: skip
async def test_a_session_is_called_what_its_owner_calls_the_browser(agent, shown, somebody, anybody):
    answer = await anybody.post(
        "/sign-in", {"email": somebody.email, "password": PASSWORD}, headers={"User-Agent": agent}
    )
    anybody.headers["Cookie"] = answer.headers["set-cookie"].split(";")[0]
    page = await anybody.page("/account")
    assert any(cell.text.startswith(shown) for cell in page.all("td"))
