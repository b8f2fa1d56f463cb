"""An import of instruments undone as a whole: what it made goes, what it changed comes back, what was touched since stays."""

import pytest
from sqlalchemy import text

from marketplace.imports import undoing_instruments
from schemas.identity import Role
from tests.given.labs import ALWAYS, day, wish
from tests.given.money import a_tariff
from tests.marketplace.imports.conftest import some_jsonl

pytestmark = pytest.mark.usefixtures("checked_here")
URL = "/api/v1/instruments"


@pytest.fixture
async def manager(given):
    return await given.person(Role.LAB_MANAGER, await given.organisation())


def one(number: int, **fields) -> dict:
    whole = {
        "external_id": f"S-{number}", "name": f"仪器 {number}", "class_code": "01-01", "capabilities": "断口形貌",
        "location": "A 座", "hours": ALWAYS, "model": "旧",
    }  # fmt: skip
    return whole | fields


async def there(who) -> dict[str, dict]:
    cards = (await who.get(URL, params={"mine": "true", "limit": 100})).json()["items"]
    return {card["name"]: (await who.get(f"{URL}/{card['id']}")).json() for card in cards}


async def undone(who, operation: dict) -> tuple[dict, dict[str, tuple]]:
    """The report's counts, and by instrument what became of it."""
    answer = await who.post(f"/api/v1/imports/{operation['id']}/undo")
    assert answer.status_code == 200, answer.text
    rows = (await who.get(f"/api/v1/imports/{operation['id']}/rows", params={"limit": 100})).json()["items"]
    return answer.json(), {row["name"]: (row["outcome"], row["because"], tuple(row["kept_fields"])) for row in rows}


async def test_what_an_import_made_goes_unless_it_was_used_or_changed_since(manager, importing, given, session):
    file = some_jsonl(*(one(number) for number in range(1, 6)))
    made = await importing(manager, file, "a.jsonl", "instrument", publish=True)
    drafts = await importing(manager, some_jsonl(one(6), one(7)), "b.jsonl", "instrument")
    before = await there(manager)
    firm = await given.enterprise()
    ids = {name: row["id"] for name, row in before.items()}
    booked = await firm.post("/api/v1/bookings", wish(ids["仪器 1"], firm, day(3, 9)))
    assert booked.status_code == 201, booked.text
    changed = await manager.patch(f"{URL}/{ids['仪器 2']}", {"model": "新"}, version=before["仪器 2"]["version"])
    assert changed.status_code == 200
    assert (await manager.post(f"{URL}/{ids['仪器 7']}/tariffs", a_tariff())).status_code == 201
    told, rows = await undone(manager, made)
    assert [told[name] for name in ("created", "updated", "withdrawn", "restored", "kept")] == [5, 0, 3, 0, 2]
    assert rows == {
        "仪器 1": ("kept", "used_since", ()), "仪器 2": ("kept", "changed_since", ()),
        "仪器 3": ("withdrawn", None, ()), "仪器 4": ("withdrawn", None, ()), "仪器 5": ("withdrawn", None, ()),
    }  # fmt: skip
    # What was in the catalogue leaves it and is remembered, for harvesters; a draft that nobody saw is gone.
    now = await there(manager)
    assert {name: row["state"] for name, row in now.items()} == {
        "仪器 1": "published", "仪器 2": "published", "仪器 3": "retired", "仪器 4": "retired", "仪器 5": "retired",
        "仪器 6": "draft", "仪器 7": "draft",
    }  # fmt: skip
    told, rows = await undone(manager, drafts)
    assert rows == {"仪器 6": ("withdrawn", None, ()), "仪器 7": ("kept", "used_since", ())}
    assert set(now) - set(await there(manager)) == {"仪器 6"}
    assert await session.scalar(text("select count(*) from resource where id = :id"), {"id": ids["仪器 6"]}) == 0
    # Undone once it stays undone, and the same file is new again.
    assert await undone(manager, drafts) == (told, rows)
    again = await importing(manager, file, "a.jsonl", "instrument")
    assert [again["result"][name] for name in ("created", "updated", "unchanged")] == [3, 1, 1]


async def test_what_an_import_changed_says_again_what_it_said_field_by_field(manager, importing):
    closed = [{"day": "2030-10-01", "reason": "国庆"}]
    await importing(
        manager, some_jsonl(one(1, value="50.00"), one(2), one(3), one(4)), "a.jsonl", "instrument", publish=True
    )
    before = await there(manager)
    weekday = [{"weekday": 1, "opens": "08:00", "closes": "12:00"}]
    changes = (
        one(1, model="新", value="60.00", hours=weekday, exceptions=closed, keywords=["断口"]),
        one(2, model="新", lab="材料室"),
        one(3, model="新"),
        one(4),
    )
    second = await importing(manager, some_jsonl(*changes), "b.jsonl", "instrument")
    assert [second["result"][name] for name in ("created", "updated", "unchanged")] == [0, 3, 1]
    now = await there(manager)
    await manager.patch(f"{URL}/{now['仪器 2']['id']}", {"model": "更新"}, version=now["仪器 2"]["version"])
    await manager.patch(f"{URL}/{now['仪器 3']['id']}", {"model": "更新"}, version=now["仪器 3"]["version"])
    told, rows = await undone(manager, second)
    assert [told[name] for name in ("withdrawn", "restored", "partly", "kept")] == [0, 1, 1, 1]
    assert rows == {
        "仪器 1": ("restored", None, ()),
        "仪器 2": ("partly", "changed_since", ("model",)),
        "仪器 3": ("kept", "changed_since", ("model",)),
    }
    after = await there(manager)
    changing = {"version", "updated_at", "id"}
    same = {name: value for name, value in before["仪器 1"].items() if name not in changing}
    assert {name: after["仪器 1"][name] for name in same} == same
    assert (after["仪器 2"]["model"], after["仪器 2"]["lab"]) == ("更新", None)
    assert after["仪器 3"] == {
        **now["仪器 3"],
        "model": "更新",
        "version": after["仪器 3"]["version"],
        "updated_at": after["仪器 3"]["updated_at"],
    }


async def test_values_that_no_longer_stand_together_are_left_and_the_reason_is_told(manager, importing):
    await importing(manager, some_jsonl(one(1, min_minutes=30, max_minutes=60)), "a.jsonl", "instrument")
    second = await importing(manager, some_jsonl(one(1, max_minutes=240)), "b.jsonl", "instrument")
    [now] = (await there(manager)).values()
    await manager.patch(f"{URL}/{now['id']}", {"min_minutes": 120}, version=now["version"])
    _, rows = await undone(manager, second)
    assert rows == {"仪器 1": ("kept", "would_not_stand", ("max_minutes",))}


async def test_a_draft_that_an_import_published_leaves_the_catalogue_again(manager, importing):
    await importing(manager, some_jsonl(one(1)), "a.jsonl", "instrument")
    second = await importing(manager, some_jsonl(one(1, model="新")), "b.jsonl", "instrument", publish=True)
    assert (await there(manager))["仪器 1"]["state"] == "published"
    _, rows = await undone(manager, second)
    now = (await there(manager))["仪器 1"]
    assert (rows["仪器 1"], now["state"], now["model"]) == (("restored", None, ()), "retired", "旧")


async def test_only_managers_of_the_labs_see_and_undo_it_and_a_dry_run_leaves_nothing_to_undo(
    manager, importing, given
):
    tried = await importing(manager, some_jsonl(one(1)), "a.jsonl", "instrument", dry_run=True)
    assert (await manager.post(f"/api/v1/imports/{tried['id']}/undo")).status_code == 404
    failed = await importing(manager, some_jsonl(one(1, min_minutes=600, max_minutes=60)), "a.jsonl", "instrument")
    assert failed["state"] == "failed"
    assert (await manager.post(f"/api/v1/imports/{failed['id']}/undo")).status_code == 404
    made = await importing(manager, some_jsonl(one(1)), "a.jsonl", "instrument")
    editor = await given.person(Role.EDITOR, manager.organisation)
    colleague = await given.person(Role.LAB_MANAGER, manager.organisation)
    for who, seen in ((editor, []), (await given.enterprise(), []), (colleague, [made["id"]])):
        assert [row["id"] for row in (await who.get("/api/v1/imports")).json()["items"]] == seen
        wanted = 200 if seen else 404
        assert (await who.get(f"/api/v1/imports/{made['id']}/rows")).status_code == wanted
        assert (await who.post(f"/api/v1/imports/{made['id']}/undo")).status_code == wanted


def test_every_table_that_speaks_of_an_instrument_is_looked_at():
    told = str(undoing_instruments.in_use())
    for table in ("booking", "waiting", "usage", "tariff", "free_quota", "instrument_file", "device", "keeper", "outage",
                  "qualification", "rating", "output", "calendar_link", "claim", "event_table"):  # fmt: skip
        assert f"FROM {table}" in told, table
    assert "opening_hours" not in told
