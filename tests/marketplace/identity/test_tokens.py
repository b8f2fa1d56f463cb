"""What opens a door: tokens of programs, cookies of browsers, and what only looks like either."""

import base64
import hashlib
from datetime import timedelta

import httpx
import pytest
from fastapi import Response
from sqlalchemy import select, update

from marketplace.identity import people, tokens
from marketplace.identity.models import Token
from marketplace.kernel import clock
from schemas.identity import Scope

ME, TOKENS = "/api/v1/me", "/api/v1/tokens"


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
async def anna(given):
    return await given.person()


async def made(somebody, **more) -> dict:
    answer = await somebody.post(TOKENS, {"name": "my program"} | more)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_token_is_shown_once_known_by_its_prefix_and_kept_as_a_hash(anna, session):
    token = await made(anna)
    assert token["token"].startswith("djp_")
    assert "token" not in (await anna.get("/api/v1/sessions")).json()["items"][0]
    kept = await session.scalar(select(Token.hash).where(Token.kind == "personal"))
    assert kept == hashlib.sha256(token["token"].encode()).digest()


async def test_a_token_reads_and_only_reads_unless_asked_otherwise(anna, client):
    token = await made(anna)
    assert token["scope"] == "read"
    assert (await client.get(ME, headers=bearing(token["token"]))).status_code == 200
    headers = bearing(token["token"]) | {"If-Match": '"1"'}
    for method, url in (("PATCH", ME), ("POST", "/api/v1/organisations"), ("DELETE", "/api/v1/sessions/current")):
        refused = await client.request(method, url, headers=headers, json={} if method != "DELETE" else None)
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/read-only-token"), method


async def test_a_token_that_may_write_writes(anna, client):
    token = await made(anna, scope="write")
    headers = bearing(token["token"]) | {"If-Match": '"1"'}
    assert (await client.patch(ME, json={"name": "安娜"}, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("url", "body"),
    [
        pytest.param(TOKENS, {"name": "another"}, id="make another token"),
        pytest.param("/api/v1/me/password", {"current": "a" * 10, "new": "b" * 10}, id="change the password"),
    ],
)
async def test_a_program_cannot_do_what_would_outlive_its_token(url, body, anna, client):
    token = await made(anna, scope="write")
    refused = await client.post(url, json=body, headers=bearing(token["token"]))
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/session-needed")


async def test_a_token_ends_on_the_day_that_was_asked_for(anna, client):
    token = await made(anna, days=7)
    with clock.ahead(timedelta(days=6)):
        assert (await client.get(ME, headers=bearing(token["token"]))).status_code == 200
    with clock.ahead(timedelta(days=7, seconds=1)):
        assert (await client.get(ME, headers=bearing(token["token"]))).status_code == 401


@pytest.mark.parametrize("days", [0, -1, 367, 2**31, 10**30, "7", 7.5, True, None])
async def test_a_token_lives_a_year_and_a_day_at_most(days, anna):
    refused = await anna.post(TOKENS, {"name": "my program", "days": days})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/days"


async def test_a_revoked_token_opens_nothing(anna, client):
    token = await made(anna)
    assert (await anna.delete(f"/api/v1/sessions/{token['id']}")).status_code == 204
    assert (await client.get(ME, headers=bearing(token["token"]))).status_code == 401


async def test_a_suspended_person_is_told_so_wherever_they_knock(given, client):
    somebody = await given.person(suspended=True)
    for url in (ME, "/api/v1/organisations", "/api/v1/sessions"):
        refused = await somebody.get(url)
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/account-suspended")


def forgeries(good: str) -> dict[str, str]:
    """Eighteen ways to pretend, none of them the token."""
    head = base64.urlsafe_b64encode(b'{"alg":"none"}').decode()
    body = base64.urlsafe_b64encode(b'{"sub":"admin"}').decode()
    return {
        "empty": "Bearer ",
        "nothing after the scheme": "Bearer",
        "another scheme": f"Basic {base64.b64encode(f'anna:{good}'.encode()).decode()}",
        "no scheme": good,
        "one character short": f"Bearer {good[:-1]}",
        "one character long": f"Bearer {good}A",
        "last character changed": f"Bearer {good[:-1]}{'A' if good[-1] != 'A' else 'B'}",
        "capitals": f"Bearer {good.upper()}",
        "another prefix": f"Bearer {good.replace('djs_', 'djp_')}",
        "no prefix": f"Bearer {good.removeprefix('djs_')}",
        "its hash": f"Bearer {hashlib.sha256(good.encode()).hexdigest()}",
        "a JWT without a signature": f"Bearer {head}.{body}.",
        "SQL": "Bearer ' or true --",
        "a wildcard": "Bearer %",
        "a list": f"Bearer {good},{good}",
        "two words": f"Bearer {good} {good}",
        "sixty thousand characters": "Bearer " + "a" * 60_000,
        "bytes that are no text": "Bearer \xff\xfe\xed\xa0\x80",
    }


@pytest.mark.parametrize("which", forgeries("djs_x"))
async def test_a_forged_token_is_refused_and_nothing_breaks(which, anna, client):
    forged = forgeries(anna.token)[which].encode("latin-1")
    for url in (ME, "/api/v1/organisations"):
        refused = await client.get(url, headers={"Authorization": forged})
        assert refused.status_code == 401, url
        assert refused.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("which", forgeries("djs_x"))
async def test_a_forged_cookie_is_refused_and_nothing_breaks(which, anna, client):
    forged = forgeries(anna.token)[which].removeprefix("Bearer").strip()
    if which in {"no scheme", "a list", "two words"}:
        forged = f'"{forged}x"'
    refused = await client.get(ME, headers={"Cookie": f"{tokens.COOKIE}={forged}".encode("latin-1")})
    assert refused.status_code == 401


async def test_the_scheme_is_written_in_any_case(anna, client):
    assert (await client.get(ME, headers={"Authorization": f"bEARER  {anna.token} "})).status_code == 200


@pytest.fixture
def browser(anna, client):
    """Anna's browser, which sends her cookie along with everything."""
    client.cookies.set(tokens.COOKIE, anna.token)
    return client


async def test_a_browser_reads_with_its_cookie(browser, anna):
    assert (await browser.get(ME)).json()["email"] == anna.email


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://test.evil.example",
        "http://evil.example/http://test",
        "https://test",
        "http://test:8080",
        "http://user@test.evil",
        "null",
        "",
        "http://TEST\u00e9",
    ],
)
async def test_a_change_that_another_site_asks_for_is_refused(origin, browser):
    headers = {"Origin": origin.encode("latin-1"), "If-Match": '"1"'}
    refused = await browser.patch(ME, json={"name": "mallory"}, headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/foreign-origin")


async def test_a_change_of_unknown_origin_is_refused(browser):
    assert (await browser.patch(ME, json={"name": "mallory"}, headers={"If-Match": '"1"'})).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://test"},
        {"Origin": "http://test/"},
        {"Origin": "http://127.0.0.1:8000"},
        {"Sec-Fetch-Site": "same-origin"},
    ],
    ids=["this address", "with a slash", "the public address", "the browser's own word"],
)
async def test_a_change_from_our_own_pages_is_made(headers, browser):
    answer = await browser.patch(ME, json={"name": "安娜"}, headers=headers | {"If-Match": '"1"'})
    assert answer.status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", "SAME-ORIGIN"])
async def test_a_browsers_word_for_another_site_is_believed_too(site, browser):
    headers = {"Sec-Fetch-Site": site, "If-Match": '"1"'}
    assert (await browser.patch(ME, json={"name": "mallory"}, headers=headers)).status_code == 403


async def test_a_program_needs_no_origin_and_its_token_goes_before_a_cookie(browser, given):
    bob = await given.person()
    answer = await browser.patch(ME, json={"name": "Bob"}, headers=bob.headers | {"If-Match": '"1"'})
    assert answer.json()["id"] == str(bob.id)


@pytest.mark.parametrize(("public_url", "secure"), [("https://duijie.example", True), ("http://127.0.0.1:8000", False)])
async def test_a_browser_keeps_its_session_where_no_script_reaches(public_url, secure, anna, session):
    text, token = await tokens.open_session(session, anna.id, name="Firefox")
    response = Response()
    tokens.keep_in_browser(response, text, token, public_url=public_url)
    said = response.headers["set-cookie"]
    assert said.startswith(f"{tokens.COOKIE}={text};")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(said.split("; "))
    assert ("Secure" in said) is secure
    tokens.forget_in_browser(response, public_url=public_url)
    assert f'{tokens.COOKIE}=""' in response.headers.getlist("set-cookie")[1]


async def test_when_a_token_was_last_used_is_noted_and_never_goes_back(app, anna, session):
    await anna.get(ME)
    (token_id,) = app.state.tokens_used
    late, early = clock.now() + timedelta(hours=1), clock.now()
    await tokens.note_use(session, {token_id: late})
    await tokens.note_use(session, {token_id: early})
    assert await session.scalar(select(Token.last_used_at).where(Token.id == token_id)) == late


async def test_dead_tokens_are_swept_away_after_a_month(anna, session):
    await session.execute(update(Token).values(revoked_at=clock.now()))
    await people.sweep(session, clock.now())
    assert await session.scalar(select(Token.id)) is not None
    with clock.ahead(timedelta(days=31)):
        await people.sweep(session, clock.now())
    assert await session.scalar(select(Token.id)) is None


async def test_one_request_asks_who_it_is_once(app, given, session):
    somebody = await given.person(scope=Scope.WRITE)
    asked = []

    raw = (await (await session.connection()).get_raw_connection()).driver_connection
    with raw.query_logger(lambda done: asked.append(done.query)):
        answer = await somebody.post(TOKENS, {"name": "my program"}, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 201
    assert sum("token.hash =" in statement for statement in asked) == 1


async def test_a_client_that_names_another_host_is_still_not_at_home(app, anna):
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        client.cookies.set(tokens.COOKIE, anna.token)
        headers = {"Host": "test", "Origin": "http://evil.example", "X-Forwarded-Host": "evil.example"}
        assert (await client.post(TOKENS, json={"name": "x"}, headers=headers)).status_code == 403
