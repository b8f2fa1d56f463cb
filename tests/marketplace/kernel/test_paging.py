"""A list is walked page by page: every row once, and a place in it belongs to one list and one reader."""

import asyncio
import base64
from datetime import timedelta

import pytest
from hypothesis import HealthCheck
from hypothesis import given as for_all
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as some
from sqlalchemy import update

from marketplace.identity import tokens
from marketplace.identity.models import Organisation, Token
from marketplace.kernel import clock
from schemas.identity import Scope, TokenKind
from tests.given.people import a_uscc

URL = "/api/v1/organisations"


@pytest.fixture
async def five(given):
    return [str((await given.organisation(name=f"单位{n}")).id) for n in range(5)]


async def walk(get, limit=2, **params):
    """Every row that a reader meets, and how many pages it took."""
    seen, cursor, pages = [], None, 0
    while True:
        asked = {"limit": limit} | params | ({"cursor": cursor} if cursor else {})
        answer = await get(URL, params=asked)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        seen += [item["id"] for item in page["items"]]
        pages += 1
        cursor = page["next_cursor"]
        if cursor is None:
            return seen, pages


@pytest.mark.parametrize(("limit", "pages"), [(1, 5), (2, 3), (4, 2), (5, 1), (6, 1), (1000, 1)])
async def test_every_row_is_met_once_newest_first_at_any_length_of_page(limit, pages, five, client):
    assert await walk(client.get, limit) == (five[::-1], pages)


async def test_rows_of_the_same_moment_are_told_apart(five, client, session):
    await session.execute(update(Organisation).values(created_at=clock.now()))
    await session.commit()
    seen, _ = await walk(client.get, 2)
    assert seen == sorted(five, reverse=True)


async def test_the_next_page_is_in_the_link_header_too(five, client):
    first = await client.get(URL, params={"limit": 3, "q": "单位"})
    assert first.links["next"]["url"].startswith(URL)
    second = await client.get(first.links["next"]["url"])
    assert [item["id"] for item in second.json()["items"]] == five[1::-1]
    assert "Link" not in second.headers


async def cursor_of(who, **params) -> str:
    return (await who.get(URL, params={"limit": 2} | params)).json()["next_cursor"]


async def refused(who, cursor, url=URL, **params) -> None:
    answer = await who.get(url, params={"cursor": cursor} | params)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/stale-cursor")
    assert answer.json()["errors"][0]["pointer"] == "cursor"


def other_letter(text: str, at: int) -> str:
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


async def test_a_cursor_that_was_tampered_with_opens_nothing(five, client):
    cursor = await cursor_of(client)
    for at in (0, 5, 21, 25, len(cursor) // 2, len(cursor) - 2):
        await refused(client, other_letter(cursor, at))
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    for forged in (raw[16:], b"", raw[:16], raw[:16] + b"[]", raw[:16] + b'["2020-01-01T00:00:00Z","x"]'):
        await refused(client, base64.urlsafe_b64encode(forged).decode())


@pytest.mark.parametrize("cursor", ["", "x", "ä", "=", "%", "' or true --", "AAAA", "🙂", "A" * 599])
async def test_a_cursor_that_was_never_one_opens_nothing(cursor, five, client):
    await refused(client, cursor)


async def test_a_cursor_that_is_too_long_is_refused(client):
    assert (await client.get(URL, params={"cursor": "A" * 601})).status_code == 422


async def test_a_cursor_belongs_to_its_filter(five, client):
    cursor = await cursor_of(client, q="单位")
    await refused(client, cursor)
    await refused(client, cursor, q="单")
    await refused(client, cursor, q="单位", kind="university")
    assert (await client.get(URL, params={"cursor": cursor, "q": "单位"})).status_code == 200


async def test_the_order_of_filters_does_not_matter(five, client):
    cursor = (await client.get(f"{URL}?limit=2&q=单位&kind=university")).json()["next_cursor"]
    assert (await client.get(f"{URL}?kind=university&q=单位&cursor={cursor}")).status_code == 200


async def test_a_cursor_belongs_to_its_reader(five, given, client):
    anna, bob = await given.person(), await given.person()
    hers = await cursor_of(anna)
    await refused(bob, hers)
    await refused(client, hers)
    await refused(anna, await cursor_of(client))


async def test_a_reader_who_signs_in_again_reads_on(five, given, client, session):
    anna = await given.person()
    cursor = await cursor_of(anna)
    text, _ = await tokens.issue(
        session, anna.id, TokenKind.SESSION, name="again", scope=Scope.WRITE, lasts=timedelta(days=1)
    )
    await session.commit()
    anna.token = text
    assert (await anna.get(URL, params={"cursor": cursor})).status_code == 200


async def test_a_cursor_belongs_to_its_list(five, given, session):
    anna = await given.person()
    for _ in range(2):
        await tokens.issue(session, anna.id, TokenKind.SESSION, name="x", scope=Scope.READ, lasts=timedelta(days=1))
    await session.commit()
    sessions = (await anna.get("/api/v1/sessions", params={"limit": 1})).json()["next_cursor"]
    await refused(anna, sessions)
    await refused(anna, await cursor_of(anna), url="/api/v1/sessions")


async def test_a_cursor_of_another_installation_opens_nothing(five, app, client):
    cursor = await cursor_of(client)
    app.state.signing_key = b"another installation's key, as long as it has to be"
    await refused(client, cursor)


@hypothesis_settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@for_all(data=some.data())
async def test_every_row_is_met_once_while_others_are_added(data, given, session):
    """Before each page, rows may be added anywhere in the order: before, among and behind what was read."""
    anna = await given.person()
    now = clock.now()

    def add(when) -> Token:
        _, hashed = tokens.new_secret()
        token = Token(
            person_id=anna.id, kind=TokenKind.PERSONAL, scope=Scope.READ, name="x", hash=hashed,
            created_at=now + timedelta(seconds=when), expires_at=now + timedelta(days=1),
        )  # fmt: skip
        session.add(token)
        return token

    moments = some.lists(some.integers(-3, 3), max_size=4)
    before = [add(when) for when in data.draw(some.lists(some.integers(-3, 3), min_size=1, max_size=9))]
    await session.commit()
    seen, cursor = [], {}
    limit = data.draw(some.integers(1, 4))
    while cursor is not None:
        for when in data.draw(moments) if len(seen) < 40 else []:
            add(when)
        await session.commit()
        page = (await anna.get("/api/v1/sessions", params={"limit": limit} | cursor)).json()
        seen += [item["id"] for item in page["items"]]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
    assert len(seen) == len(set(seen))
    assert {str(token.id) for token in before} <= set(seen)


async def test_every_row_is_met_once_while_others_commit_for_real(real):
    admin = await real.given.admin()
    there = [str((await real.given.organisation()).id) for _ in range(9)]
    enough = False

    async def write():
        somebody = await real.given.person()
        while not enough:
            body = {"uscc": a_uscc(), "name": "新单位", "kinds": ["lab"], "region": "220100"}
            assert (await somebody.post(URL, body)).status_code == 201

    writing = asyncio.create_task(write())
    for _ in range(3):
        seen, _ = await walk(admin.get, 2)
        assert len(seen) == len(set(seen))
        assert set(there) <= set(seen)
    enough = True
    await writing
