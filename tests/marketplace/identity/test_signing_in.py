"""Signing in and out, and what stands in the way of guessing."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import func, select

from marketplace.identity import allowances, passwords, tokens
from marketplace.identity.models import SignInTry
from marketplace.kernel import clock
from tests.given.people import PASSWORD

URL = "/api/v1/sessions"


def wish(email: str, password: str = PASSWORD) -> dict:
    return {"email": email, "password": password}


@pytest.fixture
async def anna(given, with_password):
    return await with_password(await given.person())


async def test_the_right_password_opens_a_session_that_can_be_used_at_once(anna, client):
    answer = await client.post(URL, json=wish(anna.email))
    assert answer.status_code == 201
    assert answer.json()["person_id"] == str(anna.id)
    me = await client.get("/api/v1/me", headers={"Authorization": f"Bearer {answer.json()['token']}"})
    assert me.json()["email"] == anna.email


async def test_the_address_is_the_same_in_any_case(anna, client):
    assert (await client.post(URL, json=wish(anna.email.upper()))).status_code == 201


async def test_a_session_ends_when_its_owner_signs_out(anna):
    assert (await anna.delete(f"{URL}/current")).status_code == 204
    assert (await anna.get("/api/v1/me")).status_code == 401


async def test_signing_out_twice_is_refused_the_second_time(anna):
    await anna.delete(f"{URL}/current")
    assert (await anna.delete(f"{URL}/current")).status_code == 401


def without_trace(answer: httpx.Response) -> tuple:
    body = answer.json()
    body.pop("trace_id")
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    return answer.status_code, body, headers


async def test_an_unknown_address_is_answered_like_a_wrong_password(anna, client):
    wrong = await client.post(URL, json=wish(anna.email, "not the password"))
    unknown = await client.post(URL, json=wish("nobody@test.example", "not the password"))
    assert wrong.status_code == 401
    assert without_trace(wrong) == without_trace(unknown)


@pytest.mark.parametrize("who", ["known", "unknown", "unconfirmed", "suspended", "without a password"])
async def test_every_refused_try_costs_one_look_at_a_hash(who, given, anna, client, monkeypatch, session):
    somebody = {
        "known": anna,
        "suspended": await given.person(suspended=True),
        "without a password": await given.person(),
    }.get(who)
    if who == "unconfirmed":
        await client.post("/api/v1/people", json={"email": "new@test.example", "name": "新人"})
    email = somebody.email if somebody else {"unconfirmed": "new@test.example"}.get(who, "nobody@test.example")
    looked = []
    real = passwords.hasher()

    class Counting:
        def verify(self, password, kept):
            looked.append(kept.split("$")[3])  # the costs that were paid
            return real.verify(password, kept)

        hash = staticmethod(real.hash)

    monkeypatch.setattr(passwords, "hasher", Counting)
    assert (await client.post(URL, json=wish(email, "not the password"))).status_code == 401
    assert looked == ["m=8,t=1,p=1"]


async def test_passwords_are_hashed_as_dearly_as_owasp_asks(monkeypatch):
    monkeypatch.undo()
    passwords.hasher.cache_clear()
    kept = await passwords.hashed(PASSWORD)
    assert kept.startswith("$argon2id$")
    costs = dict(part.split("=") for part in kept.split("$")[3].split(","))
    assert int(costs["m"]) >= 19 * 1024
    assert int(costs["t"]) >= 2
    assert await passwords.matches(PASSWORD, kept)
    assert not await passwords.matches(PASSWORD + " ", kept)


async def test_an_account_is_closed_to_guesses_after_ten_wrong_ones(anna, client):
    for _ in range(10):
        assert (await client.post(URL, json=wish(anna.email, "a guess"))).status_code == 401
    refused = await client.post(URL, json=wish(anna.email))
    assert refused.status_code == 429
    assert refused.json()["type"] == "/problems/too-many-tries"
    assert 0 < int(refused.headers["Retry-After"]) <= 15 * 60


async def test_an_unknown_account_is_closed_to_guesses_too(client):
    answers = [(await client.post(URL, json=wish("nobody@test.example", "a guess"))).status_code for _ in range(11)]
    assert answers == [401] * 10 + [429]


async def test_tries_are_written_down_although_they_are_refused(anna, client, session):
    await client.post(URL, json=wish(anna.email, "a guess"))
    counted = await session.scalars(select(SignInTry.key).order_by(SignInTry.key))
    assert counted.all() == ["a:127.0.0.1", f"e:{anna.email}"]


async def test_the_door_opens_again_a_quarter_of_an_hour_later(anna, client):
    for _ in range(10):
        await client.post(URL, json=wish(anna.email, "a guess"))
    with clock.ahead(timedelta(minutes=15, seconds=1)):
        assert (await client.post(URL, json=wish(anna.email))).status_code == 201


async def test_knocking_at_a_closed_door_does_not_keep_it_closed(anna, client, session):
    for _ in range(13):
        await client.post(URL, json=wish(anna.email, "a guess"))
    counted = await session.scalar(select(func.count()).where(SignInTry.key == f"e:{anna.email}"))
    assert counted == 10


async def test_the_right_password_forgives_the_wrong_ones(anna, client):
    for _ in range(9):
        await client.post(URL, json=wish(anna.email, "a guess"))
    assert (await client.post(URL, json=wish(anna.email))).status_code == 201
    for _ in range(9):
        await client.post(URL, json=wish(anna.email, "a guess"))
    assert (await client.post(URL, json=wish(anna.email))).status_code == 201


async def test_one_address_cannot_try_one_password_on_many_accounts(client):
    for number in range(50):
        answer = await client.post(URL, json=wish(f"person{number}@elsewhere.example", "Password123"))
        assert answer.status_code == 401
    answer = await client.post(URL, json=wish("another@elsewhere.example", "Password123"))
    assert answer.status_code == 429


async def test_signing_in_well_costs_an_address_nothing(anna, client, session):
    for _ in range(3):
        await client.post(URL, json=wish(anna.email))
    assert await session.scalar(select(func.count()).where(SignInTry.key.startswith("a:"))) == 0


async def test_an_ipv6_household_counts_as_one_address(app, anna):
    for last in range(11):
        transport = httpx.ASGITransport(app=app, client=(f"2001:db8:7::{last:x}", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as neighbour:
            answer = await neighbour.post(URL, json=wish(anna.email, "a guess"))
    assert answer.status_code == 429


@pytest.mark.parametrize("address", ["unknown", "a" * 5000, "'; drop table person; --", ""])
async def test_an_address_that_is_none_is_counted_as_one(app, address, session):
    transport = httpx.ASGITransport(app=app, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.post(URL, json=wish("nobody@test.example", "a guess"))).status_code == 401
    assert await session.scalar(select(SignInTry.key).where(SignInTry.key.startswith("a:"))) == "a:?"


async def test_a_session_is_named_after_the_browser_that_opened_it(anna, client):
    await client.post(URL, json=wish(anna.email), headers={"User-Agent": "Firefox\t 140 " + "x" * 400})
    newest = (await anna.get(URL)).json()["items"][0]
    assert newest["name"].startswith("Firefox 140 xxx")
    assert len(newest["name"]) == tokens.LONGEST_AGENT


async def test_ones_sessions_are_listed_newest_first_and_page_by_page(anna, client):
    for _ in range(4):
        await client.post(URL, json=wish(anna.email))
    seen, cursor = [], {}
    while True:
        page = (await anna.get(URL, params={"limit": 2} | cursor)).json()
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(seen) == len(set(seen)) == 5


async def test_a_session_can_be_revoked_from_another_one(anna, client):
    other = (await client.post(URL, json=wish(anna.email))).json()["token"]
    newest = (await anna.get(URL)).json()["items"][0]["id"]
    assert (await anna.delete(f"{URL}/{newest}")).status_code == 204
    assert (await client.get("/api/v1/me", headers={"Authorization": f"Bearer {other}"})).status_code == 401
    assert (await anna.get("/api/v1/me")).status_code == 200


async def test_a_revoked_or_unknown_session_and_anothers_are_not_there(anna, given):
    bob = await given.person()
    his = (await bob.get(URL)).json()["items"][0]["id"]
    for wanted in (his, "019aaaaa-0000-7000-8000-000000000000"):
        answer = await anna.delete(f"{URL}/{wanted}")
        assert answer.status_code == 404
    assert (await bob.get("/api/v1/me")).status_code == 200


async def test_a_session_ends_after_a_fortnight(anna):
    with clock.ahead(timedelta(days=13, hours=23)):
        assert (await anna.get("/api/v1/me")).status_code == 200
    with clock.ahead(timedelta(days=14, seconds=1)):
        assert (await anna.get("/api/v1/me")).status_code == 401


async def test_changing_the_password_takes_the_old_one_and_ends_every_session(anna, client):
    other = (await client.post(URL, json=wish(anna.email))).json()["token"]
    changed = await anna.post("/api/v1/me/password", {"current": PASSWORD, "new": "another good one"})
    assert changed.status_code == 204
    for token in (anna.token, other):
        assert (await client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})).status_code == 401
    assert (await client.post(URL, json=wish(anna.email))).status_code == 401
    assert (await client.post(URL, json=wish(anna.email, "another good one"))).status_code == 201


async def test_a_wrong_current_password_changes_nothing_and_is_named(anna, client):
    refused = await anna.post("/api/v1/me/password", {"current": "a guess", "new": "another good one"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/current"
    assert (await client.post(URL, json=wish(anna.email))).status_code == 201


@pytest.mark.parametrize("password", ["", "x" * 201, "\ud800", "with \0 inside", 7, None, ["a"]])
async def test_a_password_that_cannot_be_one_is_refused_without_an_echo(password, client):
    import json

    body = json.dumps({"email": "anna@test.example", "password": password}).encode()
    answer = await client.post(URL, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/password"
    assert "inside" not in answer.text


async def test_old_tries_are_swept_away(anna, client, session):
    await client.post(URL, json=wish(anna.email, "a guess"))
    with clock.ahead(timedelta(minutes=16)):
        await allowances.sweep(session, clock.now())
    assert await session.scalar(select(func.count()).select_from(SignInTry)) == 0
