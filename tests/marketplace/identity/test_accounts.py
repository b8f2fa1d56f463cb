"""Accounts: opened by letter, closed to those who only guess an address."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from marketplace.identity import people
from marketplace.identity.models import LetterToken, Person
from marketplace.kernel import clock
from marketplace.kernel.facts import Recorded
from tests.given.letters import code_for, letters_to
from tests.given.people import PASSWORD

PEOPLE, CONFIRMATIONS = "/api/v1/people", "/api/v1/people/confirmations"
FORGOT, RESET = "/api/v1/password-resets", "/api/v1/password-resets/completions"
NEW = "newcomer@test.example"


@pytest.fixture
def register(client):
    async def register(email: str = NEW, **more):
        return await client.post(PEOPLE, json={"email": email, "name": "新人"} | more)

    return register


async def test_a_newcomer_gets_a_letter_chooses_a_password_and_is_in(register, client, session):
    asked = await register()
    assert asked.status_code == 202
    code = await code_for(session, NEW)
    confirmed = await client.post(CONFIRMATIONS, json={"token": code, "password": PASSWORD})
    assert confirmed.status_code == 201
    me = await client.get("/api/v1/me", headers={"Authorization": f"Bearer {confirmed.json()['token']}"})
    assert (me.json()["email"], me.json()["memberships"]) == (NEW, [])
    assert (await client.post("/api/v1/sessions", json={"email": NEW, "password": PASSWORD})).status_code == 201


async def test_nobody_is_in_before_the_letter_is_answered(register, client):
    await register()
    refused = await client.post("/api/v1/sessions", json={"email": NEW, "password": PASSWORD})
    assert refused.status_code == 401


async def test_a_known_address_is_answered_like_a_new_one(register, given):
    known = await given.person()
    first, second = await register(), await register(known.email)
    assert (first.status_code, first.json()) == (second.status_code, second.json()) == (202, first.json())


async def test_the_owner_of_a_known_address_is_told_without_a_code(register, given, session):
    known = await given.person()
    await register(known.email, name="Mallory")
    (letter,) = await letters_to(session, known.email)
    assert "已有账号" in letter.text
    assert "dj" not in letter.text.replace("duijie", "")
    assert await session.scalar(select(Person.name).where(Person.email == known.email)) != "Mallory"


async def test_letters_are_written_in_the_language_that_was_chosen(register, session):
    await register(locale="en")
    (letter,) = await letters_to(session, NEW)
    assert letter.subject == "Confirm your e-mail address"
    assert "24 hours" in letter.text
    assert "打开" not in letter.text


async def test_an_address_gets_three_letters_a_quarter_of_an_hour_whoever_asks(register, client, session):
    for _ in range(3):
        await register()
        assert (await client.post(FORGOT, json={"email": NEW})).status_code == 202
    assert len(await letters_to(session, NEW)) == 3
    with clock.ahead(timedelta(minutes=16)):
        await register()
    assert len(await letters_to(session, NEW)) == 4


async def test_nobody_has_us_write_to_one_address_after_the_other(register, client, session):
    for number in range(30):
        assert (await register(f"person{number}@elsewhere.example")).status_code == 202
        assert (await client.post(FORGOT, json={"email": f"other{number}@elsewhere.example"})).status_code == 202
    for refused in (await register("one-more@elsewhere.example"), await client.post(FORGOT, json={"email": NEW})):
        assert (refused.status_code, refused.json()["type"]) == (429, "/problems/too-many-letters")
        assert 0 < int(refused.headers["Retry-After"]) <= 900
    assert await letters_to(session, "one-more@elsewhere.example") == []
    with clock.ahead(timedelta(minutes=16)):
        assert (await register()).status_code == 202


async def test_a_code_is_good_once(register, client, session):
    await register()
    wish = {"token": await code_for(session, NEW), "password": PASSWORD}
    await client.post(CONFIRMATIONS, json=wish)
    refused = await client.post(CONFIRMATIONS, json=wish)
    assert refused.status_code == 422
    assert refused.json()["type"] == "/problems/link-spent"
    assert refused.json()["errors"][0]["pointer"] == "/token"


async def test_a_code_is_good_for_a_day(register, client, session):
    await register()
    wish = {"token": await code_for(session, NEW), "password": PASSWORD}
    with clock.ahead(timedelta(hours=24, seconds=1)):
        assert (await client.post(CONFIRMATIONS, json=wish)).status_code == 422
    with clock.ahead(timedelta(hours=23)):
        assert (await client.post(CONFIRMATIONS, json=wish)).status_code == 201


async def test_a_code_opens_only_the_door_it_was_written_for(register, given, client, session):
    known = await given.person()
    await register()
    await client.post(FORGOT, json={"email": known.email})
    confirming, resetting = await code_for(session, NEW), await code_for(session, known.email)
    assert (await client.post(RESET, json={"token": confirming, "password": PASSWORD})).status_code == 422
    assert (await client.post(CONFIRMATIONS, json={"token": resetting, "password": PASSWORD})).status_code == 422


async def test_only_the_hash_of_a_code_is_kept(register, session):
    await register()
    code = (await code_for(session, NEW)).encode()
    assert code not in (await session.scalar(select(LetterToken.hash)))


async def test_a_second_code_dies_when_the_first_is_used(register, client, session):
    await register()
    first = await code_for(session, NEW)
    await register()
    second = await code_for(session, NEW)
    assert (await client.post(CONFIRMATIONS, json={"token": first, "password": PASSWORD})).status_code == 201
    refused = await client.post(CONFIRMATIONS, json={"token": second, "password": "another good one"})
    assert refused.status_code == 422


@pytest.mark.parametrize("password", ["short", "x" * 9, "x" * 201, "\ud800" * 12, "\0" * 12, 1234567890, None])
async def test_a_password_that_is_none_spends_no_code(password, register, client, session):
    await register()
    code = await code_for(session, NEW)
    body = json.dumps({"token": code, "password": password}).encode()
    refused = await client.post(CONFIRMATIONS, content=body, headers={"Content-Type": "application/json"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/password"
    assert (await client.post(CONFIRMATIONS, json={"token": code, "password": PASSWORD})).status_code == 201


@pytest.mark.parametrize("code", ["", "djl_", "djl_" + "A" * 43, "' or true --", "\u202e", "x" * 201, 7])
async def test_a_code_that_is_none_opens_nothing(code, client):
    assert (await client.post(CONFIRMATIONS, json={"token": code, "password": PASSWORD})).status_code == 422


async def test_a_forgotten_password_is_set_anew_and_every_session_ends(given, client, session):
    anna = await given.person()
    personal = (await anna.post("/api/v1/tokens", {"name": "my program"})).json()["token"]
    assert (await client.post(FORGOT, json={"email": anna.email})).status_code == 202
    wish = {"token": await code_for(session, anna.email), "password": PASSWORD}
    assert (await client.post(RESET, json=wish)).status_code == 204
    for token in (anna.token, personal):
        assert (await client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})).status_code == 401
    assert (await client.post("/api/v1/sessions", json={"email": anna.email, "password": PASSWORD})).status_code == 201


async def test_a_forgotten_password_of_an_unknown_address_is_answered_alike(given, client, session):
    anna = await given.person()
    known = await client.post(FORGOT, json={"email": anna.email})
    unknown = await client.post(FORGOT, json={"email": "nobody@test.example"})
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    (letter,) = await letters_to(session, "nobody@test.example")
    assert "djl_" not in letter.text


async def test_who_never_answered_the_first_letter_gets_another_one(register, client, session):
    await register()
    await client.post(FORGOT, json={"email": NEW})
    assert len(await letters_to(session, NEW)) == 2
    code = await code_for(session, NEW)
    assert (await client.post(CONFIRMATIONS, json={"token": code, "password": PASSWORD})).status_code == 201


async def test_a_suspended_account_gets_no_way_back_by_letter(given, client, session):
    somebody = await given.person(suspended=True)
    await client.post(FORGOT, json={"email": somebody.email})
    (letter,) = await letters_to(session, somebody.email)
    assert "djl_" not in letter.text


async def test_an_old_reset_letter_dies_when_the_password_changes(given, with_password, client, session):
    anna = await with_password(await given.person())
    await client.post(FORGOT, json={"email": anna.email})
    code = await code_for(session, anna.email)
    await anna.post("/api/v1/me/password", {"current": PASSWORD, "new": "another good one"})
    assert (await client.post(RESET, json={"token": code, "password": "a third good one"})).status_code == 422


async def test_what_happened_to_an_account_is_on_record(register, client, session):
    await register()
    wish = {"token": await code_for(session, NEW), "password": PASSWORD}
    await client.post(CONFIRMATIONS, json=wish)
    names = await session.scalars(select(Recorded.name).order_by(Recorded.id))
    assert names.all() == ["PersonRegistered", "PasswordChanged", "PersonConfirmed", "SignedIn"]


async def test_no_record_holds_a_password_or_a_code(register, client, session):
    await register()
    code = await code_for(session, NEW)
    await client.post(CONFIRMATIONS, json={"token": code, "password": PASSWORD})
    bodies = str((await session.scalars(select(Recorded.body))).all())
    assert code not in bodies
    assert PASSWORD not in bodies


async def test_an_account_that_nobody_confirmed_is_forgotten_after_its_letters(register, session):
    await register()
    for days, left in ((29, 1), (32, 0)):
        with clock.ahead(timedelta(days=days)):
            await people.sweep(session, clock.now())
        assert await session.scalar(select(func.count()).select_from(Person)) == left


async def test_an_account_that_somebody_uses_is_kept(given, session):
    await given.person()
    with clock.ahead(timedelta(days=400)):
        await people.sweep(session, clock.now())
    assert await session.scalar(select(func.count()).select_from(Person)) == 1


async def test_ones_own_name_phone_and_language_can_be_changed(given):
    anna = await given.person()
    changed = await anna.patch("/api/v1/me", {"name": "安娜", "phone": "0431-12345678", "locale": "en"}, version=1)
    assert changed.status_code == 200
    assert changed.headers["ETag"] == '"2"'
    assert {"name": "安娜", "phone": "0431-12345678", "locale": "en", "version": 2}.items() <= changed.json().items()
    assert (await anna.patch("/api/v1/me", {"phone": None}, version=2)).json()["phone"] is None


async def test_a_change_that_changes_nothing_leaves_the_version(given, session):
    anna = await given.person()
    name = (await anna.get("/api/v1/me")).json()["name"]
    same = await anna.patch("/api/v1/me", {"name": name}, version=1)
    assert (same.status_code, same.json()["version"]) == (200, 1)
    assert "PersonEdited" not in (await session.scalars(select(Recorded.name))).all()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": None}, "/name"),
        ({"name": "a\u202eb"}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"locale": "fr"}, "/locale"),
        ({"locale": None}, "/locale"),
        ({"phone": "1\n2"}, "/phone"),
        ({"email": "other@test.example"}, "/email"),
        ({"password_hash": "x"}, "/password_hash"),
    ],
)
async def test_what_one_cannot_be_is_refused_by_name(body, pointer, given):
    anna = await given.person()
    refused = await anna.patch("/api/v1/me", body, version=1)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    "email",
    [
        "", "anna", "anna@", "@test.example", "anna@test", "anna@te st.example", "an na@test.example",
        "anna@-test.example", "anna@test..example", "anna@test.example.", '"anna"@test.example', "安娜@test.example",
        "anna@例子.中国", "a" * 65 + "@test.example", "a@" + "b" * 250 + ".example", "anna@test.example\r\nBcc: x@y.example",
        "<anna@test.example>", "anna@test.example, bob@test.example", "anna@test_.example", 7, None, ["a@b.cc"],
    ],
)  # fmt: skip
async def test_an_address_that_no_letter_would_reach_is_refused(email, register, session):
    refused = await register(email)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/email"
