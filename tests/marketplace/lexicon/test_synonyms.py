"""Synonyms: who adds and removes them, what is refused, and what the platform begins with."""

import pytest
from sqlalchemy import select

from marketplace.kernel.facts import Recorded
from matching.known_synonyms import STARTING

URL = "/api/v1/synonyms"


@pytest.fixture
async def admin(given):
    return await given.admin()


async def everything(who) -> list[dict]:
    found, params = [], {"limit": 20}
    while True:
        page = (await who.get(URL, params=params)).json()
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        params["cursor"] = page["next_cursor"]


async def test_a_group_is_added_once_listed_first_and_removed(admin, client, session):
    before = await everything(client)
    assert sorted(tuple(one["spellings"]) for one in before) == sorted(STARTING)
    made = await admin.post(URL, {"spellings": ["辊道窑", "Roller Kiln"]})
    assert made.status_code == 201, made.text
    again = await admin.post(URL, {"spellings": ["ＲＯＬＬＥＲ  kiln", "辊道窑"]})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/already-known")
    assert await everything(client) == [made.json(), *before]
    key = made.json()["id"]
    assert (await admin.delete(f"{URL}/{key}")).status_code == 204
    assert (await admin.delete(f"{URL}/{key}")).status_code == 404
    assert await everything(client) == before
    told = await session.execute(
        select(Recorded.name, Recorded.by, Recorded.body["spellings"])
        .where(Recorded.subject == key)
        .order_by(Recorded.id)
    )
    assert [tuple(row) for row in told] == [
        (name, admin.id, ["辊道窑", "Roller Kiln"]) for name in ("SynonymAdded", "SynonymRemoved")
    ]


@pytest.mark.parametrize(
    ("spellings", "at", "code"),
    [
        (["辊道窑", "以及"], 1, "no_term"),
        (["10-20", "辊道窑"], 0, "no_term"),
        (["LED", "发光二极管", "ｌｅｄ"], 2, "same_spelling"),
    ],
)
async def test_what_cannot_be_matched_is_named(admin, spellings, at, code):
    answer = await admin.post(URL, {"spellings": spellings})
    assert answer.status_code == 422
    errors = [(one["pointer"], one["code"]) for one in answer.json()["errors"]]
    assert errors == [(f"/spellings/{at}", code)]
