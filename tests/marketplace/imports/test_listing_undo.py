"""An import of achievements or problems undone as a whole: what it made goes, what it changed comes back, the rest stays."""

import pytest
from sqlalchemy import text

from marketplace.imports import undoing_listings, writing
from marketplace.kernel.jobs import Place
from marketplace.settings import Review, Settings
from schemas.identity import Role
from schemas.imports import ImportKind
from tests.marketplace.imports.conftest import TEXT, some_jsonl

pytestmark = pytest.mark.usefixtures("checked_here")
URL = "/api/v1/achievements"
PROBLEMS = "/api/v1/problems"
FIRST = {"If-Match": '"0"'}


@pytest.fixture
async def me(given):
    return await given.university()


def one(number: int, **fields) -> dict:
    return {"external_id": f"A-{number}", "title": f"成果 {number}", "description": TEXT, "stage": "early"} | fields


async def there(importing, who, kind: str = "achievements") -> dict[str, dict]:
    return {row["title"]: row for row in await importing.listed(who, kind)}


async def undone(who, operation: dict) -> tuple[dict, dict[str, tuple]]:
    """The report's counts, and by record what became of it."""
    answer = await who.post(f"/api/v1/imports/{operation['id']}/undo")
    assert answer.status_code == 200, answer.text
    rows = (await who.get(f"/api/v1/imports/{operation['id']}/rows", params={"limit": 100})).json()["items"]
    assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
    assert all(row["instrument_id"] is None for row in rows)
    return answer.json(), {row["name"]: (row["outcome"], row["because"], tuple(row["kept_fields"])) for row in rows}


async def test_what_an_import_made_goes_unless_it_was_used_or_changed_since(me, importing, given, session, client, app):
    file = some_jsonl(*(one(number) for number in range(1, 6)))
    made = await importing(me, file, "a.jsonl", publish=True)
    drafts = await importing(me, some_jsonl(one(6), one(7)), "b.jsonl")
    before = await there(importing, me)
    firm = await given.enterprise()
    problem = await given.problem(firm)
    ids = {name: row["id"] for name, row in before.items()}
    verdict = f"{PROBLEMS}/{problem['id']}/pairings/{ids['成果 1']}/verdict"
    await app.state.engine.load()
    judged = await firm.put(verdict, {"grade": 2}, headers=FIRST)
    assert judged.status_code in {200, 201}, judged.text
    assert (await me.patch(f"{URL}/{ids['成果 2']}", {"stage": "pilot"}, version=1)).status_code == 200
    assert (await me.post(f"{URL}/{ids['成果 3']}/confirmation")).status_code == 200
    hidden = await me.put(f"{URL}/{ids['成果 7']}/confidential", {"text": "秘密"}, headers=FIRST)
    assert hidden.status_code in {200, 201}, hidden.text
    told, rows = await undone(me, made)
    assert [told[name] for name in ("kind", "created", "updated", "withdrawn", "restored", "kept")] == [
        "achievement", 5, 0, 2, 0, 3,
    ]  # fmt: skip
    assert rows == {
        "成果 1": ("kept", "used_since", ()), "成果 2": ("kept", "changed_since", ()),
        "成果 3": ("kept", "changed_since", ()), "成果 4": ("withdrawn", None, ()), "成果 5": ("withdrawn", None, ()),
    }  # fmt: skip
    # What was shown leaves the lists and stays with its owner; a draft that nobody saw is gone.
    assert {card["title"] for card in (await client.get(URL)).json()["items"]} == {"成果 1", "成果 2", "成果 3"}
    now = await there(importing, me)
    assert {name: now[name]["state"] for name in ("成果 4", "成果 5", "成果 6")} == {
        "成果 4": "withdrawn", "成果 5": "withdrawn", "成果 6": "draft",
    }  # fmt: skip
    told, rows = await undone(me, drafts)
    assert rows == {"成果 6": ("withdrawn", None, ()), "成果 7": ("kept", "used_since", ())}
    assert set(now) - set(await there(importing, me)) == {"成果 6"}
    # Undone once it stays undone, and the same file is new again.
    assert await undone(me, drafts) == (told, rows)
    again = await importing(me, file, "a.jsonl")
    assert [again["result"][name] for name in ("created", "updated", "unchanged")] == [2, 1, 2]
    # The ranking is told of all of it.
    found = await session.scalar(
        text("select count(*) from fact where name = 'ListingsImported' and body->'listing_ids' ? :id"),
        {"id": ids["成果 6"]},
    )
    assert found == 2


async def test_what_an_import_changed_says_again_what_it_said_field_by_field(me, importing):
    prices = {"price": {"kind": "range", "low": "10.00", "high": "20.00"}}
    await importing(me, some_jsonl(one(1, trl=4, **prices), one(2, **prices), one(3), one(4)), "a.jsonl", publish=True)
    before = await there(importing, me)
    changes = (
        one(1, stage="mature", trl=7, keywords=["薄膜"], price={"kind": "fixed", "low": "99.00"}),
        one(2, stage="mature", price={"kind": "range", "low": "10.00", "high": "30.00"}),
        one(3, stage="mature"),
        one(4),
    )
    second = await importing(me, some_jsonl(*changes), "b.jsonl")
    assert [second["result"][name] for name in ("created", "updated", "unchanged")] == [0, 3, 1]
    ids = {name: row["id"] for name, row in before.items()}
    # Of one field with parts the other part was changed since: it stays as a whole, for its parts have to agree.
    low = {"price": {"kind": "range", "low": "25.00", "high": "30.00"}}
    assert (await me.patch(f"{URL}/{ids['成果 2']}", low, version=2)).status_code == 200
    assert (await me.patch(f"{URL}/{ids['成果 3']}", {"stage": "pilot"}, version=2)).status_code == 200
    told, rows = await undone(me, second)
    assert [told[name] for name in ("withdrawn", "restored", "partly", "kept")] == [0, 1, 1, 1]
    assert rows == {
        "成果 1": ("restored", None, ()),
        "成果 2": ("partly", "changed_since", ("price",)),
        "成果 3": ("kept", "changed_since", ("stage",)),
    }
    after = await there(importing, me)
    same = {name: value for name, value in before["成果 1"].items() if name not in {"version", "updated_at"}}
    assert {name: after["成果 1"][name] for name in same} == same
    assert (after["成果 2"]["stage"], after["成果 2"]["price"]["low"]) == ("early", "25.00")
    assert (after["成果 3"]["stage"], after["成果 3"]["version"]) == ("pilot", 3)
    # What the import said is in the history, as after every other edit.
    kept = (await me.get(f"{URL}/{ids['成果 1']}/revisions")).json()["items"]
    assert [(row["version"], row["body"]["stage"]) for row in kept] == [(2, "mature"), (1, "early")]


async def test_imports_are_undone_one_after_the_other_the_latest_first(me, importing):
    first = await importing(me, some_jsonl(one(1), one(2), one(3)), "a.jsonl", publish=True)
    drafts = await importing(me, some_jsonl(one(4)), "b.jsonl")
    changes = some_jsonl(one(1, stage="pilot"), one(2, stage="pilot"), one(4, stage="pilot"))
    second = await importing(me, changes, "c.jsonl", publish=True)
    _, rows = await undone(me, second)
    assert {row[0] for row in rows.values()} == {"restored"}
    two = (await there(importing, me))["成果 2"]
    assert (await me.patch(f"{URL}/{two['id']}", {"stage": "mature"}, version=two["version"])).status_code == 200
    _, rows = await undone(me, first)
    assert rows == {
        "成果 1": ("withdrawn", None, ()), "成果 2": ("kept", "changed_since", ()), "成果 3": ("withdrawn", None, ()),
    }  # fmt: skip
    # What was everybody's for a while is not deleted, whoever made it.
    _, rows = await undone(me, drafts)
    assert rows == {"成果 4": ("withdrawn", None, ())}
    now = await there(importing, me)
    assert {name: now[name]["state"] for name in now} == {
        "成果 1": "withdrawn", "成果 2": "published", "成果 3": "withdrawn", "成果 4": "withdrawn",
    }  # fmt: skip


async def test_what_everybody_reads_does_not_lose_what_publishing_asked_for(given, importing):
    firm = await given.enterprise()
    row = {"external_id": "P-1", "title": "难题 1", "description": TEXT}
    await importing(firm, some_jsonl(row | {"description": None}), "a.jsonl", "problem")
    second = await importing(firm, some_jsonl(row), "b.jsonl", "problem")
    [made] = (await there(importing, firm, "problems")).values()
    assert (await firm.post(f"{PROBLEMS}/{made['id']}/publication")).status_code == 200
    _, rows = await undone(firm, second)
    assert rows == {"难题 1": ("kept", "would_not_stand", ("description",))}


async def test_drafts_that_an_import_published_are_taken_back_unless_they_are_talked_of(given, importing):
    firm = await given.enterprise()
    row = {"title": "难题", "description": TEXT}
    two = [row | {"external_id": f"P-{n}", "title": f"难题 {n}"} for n in (1, 2)]
    await importing(firm, some_jsonl(*two), "a.jsonl", "problem")
    second = await importing(
        firm, some_jsonl(*(one | {"background": "新"} for one in two)), "b.jsonl", "problem", publish=True
    )
    made = await there(importing, firm, "problems")
    assert {one["state"] for one in made.values()} == {"published"}
    assert (await firm.post(f"{PROBLEMS}/{made['难题 2']['id']}/talks")).status_code == 200
    _, rows = await undone(firm, second)
    assert rows == {"难题 1": ("restored", None, ()), "难题 2": ("partly", "used_since", ())}
    now = await there(importing, firm, "problems")
    assert [(now[name]["state"], now[name]["background"]) for name in ("难题 1", "难题 2")] == [
        ("closed", None), ("in_talks", None),
    ]  # fmt: skip


async def test_what_waits_for_review_goes_back(me, importing):
    await importing(me, some_jsonl(one(1)), "a.jsonl")
    old = importing.place
    importing.place = Place(old.database, Settings(**(old.settings.model_dump() | {"review": Review.PLATFORM})))
    second = await importing(me, some_jsonl(one(1, stage="pilot"), one(2)), "b.jsonl", publish=True)
    _, rows = await undone(me, second)
    assert rows == {"成果 1": ("restored", None, ()), "成果 2": ("withdrawn", None, ())}
    assert {name: (row["state"], row["stage"]) for name, row in (await there(importing, me)).items()} == {
        "成果 1": ("draft", "early")
    }


async def test_only_who_writes_the_records_sees_and_undoes_it(me, importing, given):
    tried = await importing(me, some_jsonl(one(1)), "a.jsonl", dry_run=True)
    assert (await me.post(f"/api/v1/imports/{tried['id']}/undo")).status_code == 404
    made = await importing(me, some_jsonl(one(1)), "a.jsonl")
    manager = await given.person(Role.LAB_MANAGER, me.organisation)
    colleague = await given.editor(me.organisation)
    for who, seen in ((manager, []), (await given.enterprise(), []), (colleague, [made["id"]])):
        listed = (await who.get("/api/v1/imports", params={"kind": "achievement"})).json()["items"]
        assert [row["id"] for row in listed] == seen
        wanted = 200 if seen else 404
        assert (await who.get(f"/api/v1/imports/{made['id']}/rows")).status_code == wanted
        assert (await who.post(f"/api/v1/imports/{made['id']}/undo")).status_code == wanted
    assert (await colleague.get("/api/v1/imports", params={"kind": "problem"})).json()["items"] == []


async def test_nothing_is_undone_while_the_organisation_imports(really, real):
    who = await real.given.university()
    made = await really(who, some_jsonl(one(1)), "a.jsonl")
    async with real.database.writing.begin() as session:
        assert await writing.alone(session, ImportKind.ACHIEVEMENT, who.organisation.id)
        refused = await who.post(f"/api/v1/imports/{made['id']}/undo")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/another-import")
    _, rows = await undone(who, made)
    assert rows == {"成果 1": ("withdrawn", None, ())}


def test_every_table_that_speaks_of_a_listing_is_looked_at():
    told = str(undoing_listings.in_use())
    for table in ("admission", "attachment", "confidential", "verdict", "brought_listing", "interest"):
        assert f"FROM {table}" in told, table
    assert "listing_revision" not in told
    assert "rematch_pair" not in told
