"""The draft of the lexicon and its versions: who changes them, what is refused, what a list comes to, and the way back."""

import pytest
from sqlalchemy import select

from marketplace.kernel.facts import Recorded
from marketplace.lexicon import terms as verbs
from schemas.identity import Role

TERMS, VERSIONS, DRAFT = "/api/v1/terms", "/api/v1/lexicon-versions", "/api/v1/lexicon-draft"


@pytest.fixture
async def admin(given):
    return await given.admin()


async def texts(who, **wish) -> list[str]:
    page = (await who.get(TERMS, params={"limit": 100, **wish})).json()
    return [one["text"] for one in page["items"]]


async def version_terms(who, number: int) -> list[str]:
    found, params = [], {"limit": 2}
    while True:
        page = (await who.get(f"{VERSIONS}/{number}/terms", params=params)).json()
        found += [one["text"] for one in page["items"]]
        if page["next_cursor"] is None:
            return found
        params["cursor"] = page["next_cursor"]


async def test_a_term_is_added_once_found_and_removed(admin, client, session):
    made = await admin.post(TERMS, {"text": "固态电解质薄膜", "note": "行业用语"})
    assert made.status_code == 201, made.text
    assert (made.json()["origin"], made.json()["created_by"]) == ("user", str(admin.id))
    again = await admin.post(TERMS, {"text": "固态电解质薄膜"})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/already-aterm")
    assert (await admin.post(TERMS, {"text": "ＳｉＣ/Al"})).status_code == 201
    assert await texts(client) == ["ＳｉＣ/Al", "固态电解质薄膜"]
    assert await texts(client, q="sic") == ["ＳｉＣ/Al"]
    assert await texts(client, origin="discovered") == []
    key = made.json()["id"]
    assert (await admin.delete(f"{TERMS}/{key}")).status_code == 204
    assert (await admin.delete(f"{TERMS}/{key}")).status_code == 404
    told = await session.execute(
        select(Recorded.name, Recorded.by).where(Recorded.subject == key).order_by(Recorded.id)
    )
    assert [tuple(row) for row in told] == [("TermsAdded", admin.id), ("TermRemoved", admin.id)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("以及", "no_term"),
        ("10-20", "no_term"),
        ("复合材料", "already_a_word"),
        ("CBN", "already_a_word"),
        ("ﬀ ", None),
    ],
)
async def test_what_cannot_be_a_term_is_told(admin, text, code):
    answer = await admin.post(TERMS, {"text": text})
    assert answer.status_code == 422
    if code is not None:
        assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [("/text", code)]


async def test_there_is_a_limit(admin, monkeypatch):
    monkeypatch.setattr(verbs, "MOST", 1)
    assert (await admin.post(TERMS, {"text": "固态电解质薄膜"})).status_code == 201
    assert (await admin.post(TERMS, {"text": "固态电池隔膜"})).json()["type"] == "/problems/too-many-terms"
    listed = await admin.post("/api/v1/term-imports", {"text": "一种新型辊道窑"})
    assert listed.json()["type"] == "/problems/too-many-terms"


async def test_a_list_is_looked_at_then_taken_in_and_comes_out_the_same(admin, client):
    listed = '\ufeff术语,说明\n固态电解质薄膜,"甲,乙"\n\nSiC/Al\nsic／al\n以及\n复合材料\n' + "长" * 61
    looked = (await admin.post("/api/v1/term-imports", {"text": listed, "dry_run": True})).json()
    assert [(one["line"], one["code"]) for one in looked.pop("errors")] == [
        (6, "no_term"), (7, "already_a_word"), (8, "too_long"),
    ]  # fmt: skip
    assert looked == {"dry_run": True, "lines": 6, "added": 2, "known": 1, "wrong": 3}
    assert await texts(client) == []
    done = (await admin.post("/api/v1/term-imports", {"text": listed})).json()
    assert (done["added"], done["known"], done["wrong"]) == (2, 1, 3)
    assert set(await texts(client)) == {"固态电解质薄膜", "SiC/Al"}
    out = await client.get(f"{TERMS}.csv")
    assert out.headers["content-disposition"] == 'attachment; filename="terms.csv"'
    again = (await admin.post("/api/v1/term-imports", {"text": out.text, "dry_run": True})).json()
    assert (again["added"], again["known"], again["wrong"]) == (0, 2, 0)


async def test_the_draft_is_put_to_use_as_numbered_versions_and_every_one_again(admin, client, session):
    nothing = await admin.post(VERSIONS, {})
    assert (nothing.status_code, nothing.json()["type"]) == (409, "/problems/nothing-changed")
    await admin.post("/api/v1/term-imports", {"text": "甲醇重整制氢\n固态电解质薄膜\nSiC/Al"})
    draft = (await client.get(DRAFT)).json()
    assert (draft["active"], draft["terms"], draft["added"], draft["removed"]) == (0, 3, 3, 0)
    assert draft["added_terms"] == ["SiC/Al", "固态电解质薄膜", "甲醇重整制氢"]
    first = await admin.post(VERSIONS, {"note": "第一批"})
    assert first.status_code == 201, first.text
    assert {name: first.json()[name] for name in ("number", "active", "note", "terms", "added", "removed", "against")} == {
        "number": 1, "active": True, "note": "第一批", "terms": 3, "added": 3, "removed": 0, "against": 0,
    }  # fmt: skip
    gone = (await client.get(TERMS, params={"q": "甲醇"})).json()["items"][0]["id"]
    await admin.delete(f"{TERMS}/{gone}")
    await admin.post(TERMS, {"text": "辊道窑炉温场"})
    draft = (await client.get(DRAFT)).json()
    assert (draft["added_terms"], draft["removed_terms"]) == (["辊道窑炉温场"], ["甲醇重整制氢"])
    second = (await admin.post(VERSIONS, {})).json()
    assert (second["number"], second["terms"], second["added"], second["removed"], second["against"]) == (2, 3, 1, 1, 1)
    assert await version_terms(client, 1) == ["SiC/Al", "固态电解质薄膜", "甲醇重整制氢"], "as it was"

    back = (await admin.post(f"{VERSIONS}/0/activation")).json()
    assert (back["number"], back["active"], back["terms"]) == (0, True, 0)
    assert (await admin.post(f"{VERSIONS}/0/activation")).json()["active"], "asked twice, done once"
    assert (await admin.post(f"{VERSIONS}/1/activation")).json()["active"]
    assert [(one["number"], one["active"]) for one in (await client.get(VERSIONS)).json()["items"]] == [
        (2, False), (1, True), (0, False),
    ]  # fmt: skip
    draft = (await admin.post(f"{VERSIONS}/1/draft")).json()
    assert (draft["added"], draft["removed"], draft["terms"]) == (0, 0, 3)
    assert set(await texts(client)) == {"SiC/Al", "固态电解质薄膜", "甲醇重整制氢"}
    for path in ("/9", "/9/terms"):
        assert (await client.get(VERSIONS + path)).status_code == 404
    for path in ("/9/activation", "/9/draft"):
        assert (await admin.post(VERSIONS + path)).status_code == 404
    told = await session.scalars(
        select(Recorded.body["number"]).where(Recorded.name == "LexiconActivated").order_by(Recorded.id)
    )
    assert told.all() == [1, 2, 0, 1]


async def test_a_draft_that_gives_way_to_a_version_is_kept_as_one(admin, client):
    await admin.post("/api/v1/term-imports", {"text": "甲醇重整制氢"})
    await admin.post(VERSIONS, {})
    await admin.post("/api/v1/term-imports", {"text": "固态电解质薄膜\nSiC/Al"})
    for _ in range(2):  # the second time there is nothing to keep
        assert (await admin.post(f"{VERSIONS}/1/draft")).json()["terms"] == 1
    latest, *others = (await client.get(VERSIONS)).json()["items"]
    assert [one["number"] for one in others] == [1, 0]
    assert (latest["active"], latest["terms"], latest["added"], latest["against"]) == (False, 3, 2, 1)
    assert "version 1" in latest["note"]
    assert await version_terms(client, 2) == ["SiC/Al", "固态电解质薄膜", "甲醇重整制氢"]
    await admin.post(f"{VERSIONS}/2/draft")
    assert set(await texts(client)) == {"SiC/Al", "固态电解质薄膜", "甲醇重整制氢"}, "and is had back"


async def test_only_the_platforms_administrators_change_it(given, client):
    for who in (await given.university(), await given.person(Role.AUDITOR)):
        for path, body in (
            (TERMS, {"text": "固态电解质薄膜"}),
            ("/api/v1/term-imports", {"text": "固态电解质薄膜"}),
            (VERSIONS, {}),
            (f"{VERSIONS}/0/activation", None),
            (f"{VERSIONS}/0/draft", None),
        ):
            answer = await who.post(path, body)
            assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-their-terms")
    assert (await client.get(TERMS)).status_code == 200
