"""Experts from files: a university's own list read, told again by its numbers, never shown without consent, and forgotten
when somebody is erased."""

import asyncio
import io

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook
from sqlalchemy import select, text

from marketplace.experts.models import Expert
from marketplace.imports import imports
from marketplace.imports.imports import Import
from marketplace.kernel import clock
from marketplace.kernel.facts import Recorded
from marketplace.pairings.engine import Engine
from schemas.identity import Role
from schemas.imports import ImportKind
from tests.given.experts import ENOUGH, EVERY_FIELD_OF_AN_EXPERT, EVIDENCE, URL, drafted, published
from tests.marketplace.imports.conftest import a_workbook, some_csv, some_jsonl

pytestmark = pytest.mark.usefixtures("checked_here")
CONSENT = {"evidence": EVIDENCE}
HEAD = ("序号", "姓名", "职称", "职务", "院系", "研究方向", "简介", "关键词", "学科", "服务行业", "地区", "服务方式",
        "可同时洽谈数", "代表性成果", "主页", "联系人", "办公电话", "邮箱", "工号")  # fmt: skip
ROW = ("1", "虚构甲", "教授", "副所长", "材料学院", "热锻模具表面强化", "研究激光熔覆。", "激光熔覆；热疲劳", "材料科学、460 机械工程",
       "05 农、林、牧、渔专业及辅助性活动；36", "长春市", "技术咨询、驻企服务", "3", "", "https://www.example.edu.cn/a", "科技处", "0431-88880000",
       "office@test.example", "T-001")  # fmt: skip
# Made up, with the right check digit.
NUMBER = "110101190001011009"


@pytest.fixture
async def me(given):
    return await given.university()


def one(number: int, **fields) -> dict:
    return {"external_id": f"T-{number}"} | ENOUGH | {"name": f"虚构{number}"} | fields


async def there(who) -> dict[str, dict]:
    cards = (await who.get(URL, params={"mine": "true", "limit": 100})).json()["items"]
    return {card["name"]: (await who.get(f"{URL}/{card['id']}")).json() for card in cards}


def counts(operation: dict) -> tuple[int, ...]:
    assert operation["result"], operation
    return tuple(operation["result"][name] for name in ("created", "updated", "unchanged", "failed"))


def told(operation: dict, what: str = "errors") -> list[tuple]:
    return [(found["row"], found["column"] or found["field"], found["code"]) for found in operation["result"][what]]


async def test_a_universitys_list_is_read_checked_written_and_known_again(me, importing, given, client):
    known = await given.achievement(me, title="激光熔覆模具")
    row = (*ROW[:13], "激光熔覆模具", *ROW[14:])
    table = a_workbook(("教师", (HEAD, row)))
    seen = await importing(me, table, "a.xlsx", "expert", dry_run=True)
    assert (counts(seen), seen["result"]["notices"], await there(me)) == ((1, 0, 0, 0), [], {})
    assert counts(await importing(me, table, "a.xlsx", "expert")) == (1, 0, 0, 0)
    made = (await there(me))["虚构甲"]
    says = {
        "state": "draft", "academic_title": "教授", "position": "副所长", "unit": "材料学院", "focus": "热锻模具表面强化",
        "description": "研究激光熔覆。", "keywords": ["激光熔覆", "热疲劳"], "disciplines": ["430", "460"],
        "industries": ["05", "36"], "region": "220100", "services": ["consulting", "residency"], "talks": 3,
        "achievement_ids": [known["id"]], "homepage": "https://www.example.edu.cn/a", "consent": None,
        "contact": {"name": "科技处", "phone": "0431-88880000", "email": "office@test.example"},
    }  # fmt: skip
    assert {name: made[name] for name in says} == says

    # As CSV in GB18030 it is the same, and nothing changes; with another title, that alone does.
    plain = [tuple(f'"{cell}"' for cell in line) for line in (HEAD, row)]
    again = await importing(me, some_csv(*plain, encoding="gb18030"), "a.csv", "expert")
    assert (counts(again), (await there(me))["虚构甲"]["version"]) == ((0, 0, 1, 0), 1)
    fewer = some_jsonl({"external_id": "T-001", "academic_title": "研究员", "talks": None})
    assert counts(await importing(me, fewer, "a.jsonl", "expert")) == (0, 1, 0, 0)
    after = (await there(me))["虚构甲"]
    changed = {"academic_title": "研究员", "talks": None, "version": 2, "updated_at": after["updated_at"]}
    assert after == made | changed
    # Another source has numbers of its own.
    other = await importing(me, some_jsonl(one(1, external_id="T-001")), "a.jsonl", "expert", source="人事处")
    assert counts(other) == (1, 0, 0, 0)

    # Nobody else sees any of them.
    stranger = await given.enterprise()
    for who in (client, stranger):
        assert (await who.get(f"{URL}/{made['id']}")).status_code == 404
        assert (await who.get(URL)).json()["items"] == []
    lab = await given.person(Role.LAB_MANAGER, me.organisation)
    refused = await importing.hand_in(lab, table, "a.xlsx", "expert")
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-your-organisation")


async def test_no_import_publishes_an_expert_or_takes_their_consent_from_a_table(me, importing, client):
    refused = await importing.hand_in(me, some_jsonl(one(1)), "a.jsonl", "expert", publish=True)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/never-published")
    tried = await importing(me, some_jsonl(one(1)), "a.jsonl", "expert", dry_run=True)
    confirmed = await me.post(f"/api/v1/imports/{tried['id']}/confirmation", {"publish": True})
    assert (confirmed.status_code, confirmed.json()["type"]) == (409, "/problems/never-published")
    assert await there(me) == {}

    table = some_csv(
        ("姓名", "研究方向", "简介", "同意书", "工号"),
        ("虚构甲", "熔覆", "会熔覆", "已签", "1"),
        ("虚构乙", "焊接", "会焊接", "", "2"),
    )
    operation = await importing(me, table, "a.csv", "expert")
    assert counts(operation) == (2, 0, 0, 0)
    assert [(found["column"], found["code"]) for found in operation["result"]["notices"]] == [
        ("同意书", "consent_not_imported")
    ]
    for made in (await there(me)).values():
        assert (made["state"], made["consent"]) == ("draft", None)
        assert (await me.post(f"{URL}/{made['id']}/publication")).json()["type"] == "/problems/no-consent"
        assert (await client.get(f"{URL}/{made['id']}")).status_code == 404


async def test_every_error_names_its_row_and_column_and_nothing_is_half_imported(me, importing):
    rows = [
        HEAD,
        ROW,
        (*ROW[:6], f"张某，{NUMBER}。", *ROW[7:11], "随便", "很多", *ROW[13:18], "T-002"),
        (*ROW[:14], "http://www.example.edu.cn", *ROW[15:18], NUMBER),
        ("4", "虚构丙", *ROW[2:18], "T-001"),
        ("5", "", *ROW[2:18], "T-005"),
    ]
    operation = await importing(me, a_workbook(("教师", rows)), "a.xlsx", "expert")
    assert operation["state"] == "failed"
    assert told(operation) == [
        (3, "服务方式", "choice_unknown"),
        (3, "简介", "id_number"),
        (3, "可同时洽谈数", "whole_number_expected"),
        (4, "工号", "id_number"),
        (4, "主页", "web_address"),
        (5, "工号", "external_id_repeated"),
    ]
    assert NUMBER not in str(operation)
    assert await there(me) == {}
    # What needs the others to be seen is told once the rows can be read.
    good = a_workbook(("教师", [HEAD, ROW, rows[5], ("6", "虚构丁", *ROW[2:5], "", *ROW[6:18], "T-006")]))
    seen = await importing(me, good, "a.xlsx", "expert", dry_run=True)
    assert told(seen) == [(3, "name", "needed_for_new"), (4, "focus", "needed_for_new")]
    assert counts(await importing(me, good, "a.xlsx", "expert", partial=True)) == (1, 0, 0, 2)


async def test_a_private_telephone_is_no_column(me, importing):
    table = some_csv(("姓名", "研究方向", "手机", "身份证号"), ("虚构甲", "熔覆", "13900000000", NUMBER))
    operation = await importing(me, table, "a.csv", "expert")
    assert {found["column"] for found in operation["result"]["notices"]} == {"手机", "身份证号"}
    assert (await there(me))["虚构甲"]["contact"] is None


async def test_achievements_are_found_by_title_or_number_and_others_are_left_out_of_that_row(me, importing, given):
    await importing(me, some_jsonl({"external_id": "A-1", "title": "第一项"}), "a.jsonl", "achievement")
    first = (await importing.listed(me))[0]["id"]
    second = (await given.achievement(me, title="第二项"))["id"]
    for _ in range(2):
        await given.achievement(me, title="同名的")
    await given.achievement(await given.university(), title="别家的")
    rows = [
        one(1, achievements=["第二项", "A-1", second]),
        one(2, achievements="A-1；没有这项"),
        one(3, achievements=["同名的", "别家的"]),
        one(4),
    ]
    operation = await importing(me, some_jsonl(*rows), "a.jsonl", "expert")
    assert counts(operation) == (4, 0, 0, 0)
    assert told(operation, "notices") == [
        (2, "achievement_ids", "achievement_left_out"), (3, "achievement_ids", "achievement_left_out")
    ]  # fmt: skip
    made = await there(me)
    assert [made[f"虚构{n}"]["achievement_ids"] for n in (1, 2, 3, 4)] == [[second, first], [first], [], []]
    assert counts(await importing(me, some_jsonl(*rows), "a.jsonl", "expert")) == (0, 0, 4, 0)
    # Not said they stay; blank they go; another order is a change.
    change = [one(1, achievements=["A-1", "第二项"]), one(2, achievements=None), one(4, achievements=["A-1"])]
    assert counts(await importing(me, some_jsonl(*change), "a.jsonl", "expert")) == (0, 3, 0, 0)
    assert counts(await importing(me, some_jsonl(one(1)), "a.jsonl", "expert")) == (0, 0, 1, 0)
    made = await there(me)
    assert [made[f"虚构{n}"]["achievement_ids"] for n in (1, 2, 4)] == [[first, second], [], [first]]
    too_many = await importing(me, some_jsonl(one(5, achievements=[f"{n}" for n in range(11)])), "a.jsonl", "expert")
    assert told(too_many) == [(1, "achievements", "too_long")]


async def test_somebody_of_the_same_name_is_told_of_and_can_be_meant(me, importing):
    made = await drafted(me, name="虚构甲")
    await drafted(me, name="虚构乙")
    rows = [one(1, name="虚构甲"), one(2, name="虚构丙")]
    for dry_run in (True, False):
        operation = await importing(me, some_jsonl(*rows), "a.jsonl", "expert", dry_run=dry_run)
        assert (counts(operation), told(operation, "notices")) == ((2, 0, 0, 0), [(1, "name", "same_name")])
    meant = some_jsonl({"identifier": made["id"], "name": "虚构甲", "focus": "新的", "external_id": "别的"})
    operation = await importing(me, meant, "b.jsonl", "expert")
    assert (counts(operation), operation["result"]["notices"]) == ((0, 1, 0, 0), [])
    assert (await me.get(f"{URL}/{made['id']}")).json()["focus"] == "新的"


async def test_a_name_that_consent_was_given_under_is_not_changed_beneath_it(me, importing, client):
    await importing(me, some_jsonl(one(1), one(2)), "a.jsonl", "expert")
    made = (await there(me))["虚构1"]
    at = f"{URL}/{made['id']}"
    assert (await me.post(f"{at}/consent", CONSENT)).status_code == 200
    assert (await me.post(f"{at}/publication")).status_code == 200
    wrong = some_jsonl(one(1, name="虚构别人", focus="别的"), one(2, name="虚构改名"))
    operation = await importing(me, wrong, "b.jsonl", "expert")
    assert (operation["state"], told(operation)) == ("failed", [(1, "name", "agreed_by_name")])
    assert set(await there(me)) == {"虚构1", "虚构2"}
    assert counts(await importing(me, wrong, "b.jsonl", "expert", partial=True)) == (0, 1, 0, 1)
    assert set(await there(me)) == {"虚构1", "虚构改名"}
    # What else the profile says may change, and everybody sees it; but it does not lose what publishing asked for.
    assert counts(await importing(me, some_jsonl(one(1, focus="新方向")), "c.jsonl", "expert")) == (0, 1, 0, 0)
    shown = (await client.get(at)).json()
    assert (shown["focus"], shown["state"], shown["consented"]) == ("新方向", "published", True)
    emptied = await importing(me, some_jsonl({"external_id": "T-1", "description": None}), "d.jsonl", "expert")
    assert told(emptied) == [(1, "description", "missing_for_publishing")]


async def test_the_ranking_hears_of_a_published_profile_that_a_file_changed(really, real, tmp_path):
    me = await real.given.university()
    made = await published(me)
    engine = Engine(real.database, tmp_path)
    await engine.load()
    await engine.catch_up()
    shown = len(engine.snapshot("expert"))
    file = some_csv(("标识符", "姓名", "研究方向"), (made["id"], made["name"], "人参皂苷提取与纯化"))
    assert counts(await really(me, file, "a.csv", "expert")) == (0, 1, 0, 0)
    assert await engine.catch_up() == 1
    # What nobody is shown is looked at in vain.
    assert counts(await really(me, some_jsonl(one(1)), "b.jsonl", "expert")) == (1, 0, 0, 0)
    await engine.catch_up()
    assert len(engine.snapshot("expert")) == shown


async def test_the_export_comes_back_as_it_went(me, importing, given, client):
    achievement = await given.achievement(me)
    every = EVERY_FIELD_OF_AN_EXPERT | {"achievement_ids": [achievement["id"]], "name": "=虚构()", "unit": "+学院"}
    every |= {"industries": ["05", "3612"], "disciplines": ["870", "43020"]}
    await drafted(me, **every)
    shown = await published(me, name="虚构乙", services=["transfer", "testing"])
    await importing(me, some_jsonl(one(1, external_id="T-9")), "a.jsonl", "expert", source="人事处")
    before = await there(me)
    for name, headers in (
        ("xlsx", {}),
        ("csv", {}),
        ("xlsx", {"Accept-Language": "zh-CN"}),
        ("csv", {"Accept-Language": "en"}),
    ):
        file = (await me.get(f"{URL}.{name}", params={"mine": "true"}, headers=headers)).content
        again = await importing(me, file, f"专家.{name}", "expert")
        assert (counts(again), again["result"]["notices"]) == ((0, 0, 3, 0), [])
    assert await there(me) == before
    # The number that somebody has at their university is told to nobody else.
    mine = (await me.get(f"{URL}.csv", params={"mine": "true"})).text
    for step, body in (("consent", CONSENT), ("publication", None)):
        await me.post(f"{URL}/{before['虚构1']['id']}/{step}", body)
    theirs = (await client.get(f"{URL}.csv")).text
    assert ("虚构1" in mine, "T-9" in mine, "虚构1" in theirs, "T-9" in theirs) == (True, True, True, False)

    # Edited and brought back it changes that profile; somebody else's is refused.
    head, *lines = CalamineWorkbook.from_filelike(
        io.BytesIO((await me.get(f"{URL}.xlsx", params={"mine": "true"})).content)
    ).get_sheet_by_index(0).to_python()[1:]  # fmt: skip
    place = next(at for at, name in enumerate(head) if name in {"focus", "研究方向"})
    lines[1][place] = "改过的方向"
    assert counts(await importing(me, a_workbook(("专家", [head, *lines])), "a.xlsx", "expert")) == (0, 1, 2, 0)
    assert (await client.get(f"{URL}/{shown['id']}")).json()["focus"] == "改过的方向"
    foreign = await importing(await given.university(), a_workbook(("专家", [head, *lines])), "a.xlsx", "expert")
    assert {found[2] for found in told(foreign)} == {"another_organisation"}
    twice = some_csv(("标识符", "工号", "研究方向"), (shown["id"], "x", "甲"), (shown["id"], "y", "乙"))
    headless = await importing(me, b"name," + twice.replace(b"\r\n", b"\r\n,", 2)[:-1] + b"\n", "a.csv", "expert")
    assert [found[2] for found in told(headless)] == ["expert_twice"]


async def test_the_template_can_be_filled_in_and_imported(me, importing, client):
    book = (await client.get("/api/v1/imports/template", params={"kind": "expert"})).content
    [head, *_] = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    assert {"姓名", "职称", "职务", "院系", "研究方向", "简介", "代表性成果", "外部编号"} <= set(head)
    assert "同意书" not in head
    held = io.BytesIO()
    says = {"姓名": "虚构甲", "研究方向": "熔覆", "服务方式": "技术咨询；成果转化", "外部编号": "1"}
    with xlsxwriter.Workbook(held, {"in_memory": True}) as made:
        sheet = made.add_worksheet("专家")
        sheet.write_row(0, 0, head)
        for name, value in says.items():
            sheet.write(1, head.index(name), value)
    assert counts(await importing(me, held.getvalue(), "a.xlsx", "expert")) == (1, 0, 0, 0)
    assert (await there(me))["虚构甲"]["services"] == ["consulting", "transfer"]


async def holding(session, *words: str) -> set[str]:
    """The tables in which one of these words stands, in whatever form."""
    tables = (await session.scalars(text("select tablename from pg_tables where schemaname = 'public'"))).all()
    found = set()
    for word in words:
        like = {"plain": f"%{word}%", "bytes": f"%{word.encode().hex()}%"}
        for table in tables:
            asked = f'select exists (select from "{table}" t where t::text like :plain or t::text like :bytes)'
            if await session.scalar(text(asked), like):
                found.add(table)
    return found


async def test_nothing_leads_back_to_who_was_erased_and_the_same_file_makes_somebody_new(me, importing, session):
    name, number, former = "虚构抹去", "工号抹去", "虚构旧名"
    file = some_jsonl({"external_id": number} | ENOUGH | {"name": name})
    await importing(me, some_jsonl({"external_id": number} | ENOUGH | {"name": former}), "a.jsonl", "expert")
    await importing(me, file, "b.jsonl", "expert")
    await importing(me, file, "c.jsonl", "expert", dry_run=True)
    made = (await there(me))[name]
    exported = (await me.get(f"{URL}.csv", params={"mine": "true"})).content
    assert await holding(session, name, former, number) == {"expert", "imported_instrument", "upload_part"}
    assert (await me.delete(f"{URL}/{made['id']}")).status_code == 204
    assert await holding(session, name, former, number) == set()
    again = await importing(me, file, "b.jsonl", "expert")
    assert counts(again) == (1, 0, 0, 0)
    new = (await there(me))[name]
    assert new["id"] != made["id"]
    assert (new["state"], new["consent"], new["version"]) == ("draft", None, 1)
    # Neither does an export from before, which bears the id that the platform gave.
    assert (await me.delete(f"{URL}/{new['id']}")).status_code == 204
    for expected in ((1, 0, 0, 0), (0, 0, 1, 0)):
        assert counts(await importing(me, exported, "d.csv", "expert")) == expected
    kept = (await session.execute(select(Expert.id, Expert.source, Expert.external_id))).one()
    assert made["id"] not in map(str, kept)
    facts = await session.scalars(select(Recorded.body).where(Recorded.name == "ExpertsImported"))
    assert all(body.keys() == {"expert_ids"} for body in facts)


async def undone(who, operation: dict) -> tuple[dict, dict[str, tuple]]:
    """The report's counts, and by row what became of it."""
    answer = await who.post(f"/api/v1/imports/{operation['id']}/undo")
    assert answer.status_code == 200, answer.text
    rows = (await who.get(f"/api/v1/imports/{operation['id']}/rows", params={"limit": 100})).json()["items"]
    return answer.json(), {
        f"{row['row']} {row['name']}": (row["outcome"], row["because"], tuple(row["kept_fields"])) for row in rows
    }


async def test_what_an_import_made_goes_unless_it_was_used_or_changed_since(me, importing, session, given):
    file = some_jsonl(*(one(number) for number in range(1, 5)))
    made = await importing(me, file, "a.jsonl", "expert")
    found = await there(me)
    assert (await me.post(f"{URL}/{found['虚构1']['id']}/consent", CONSENT)).status_code == 200
    assert (await me.patch(f"{URL}/{found['虚构2']['id']}", {"focus": "改过"}, version=1)).status_code == 200
    # A later import that was undone does not count as a change.
    later = await importing(me, some_jsonl(one(3, focus="新的")), "b.jsonl", "expert")
    assert (await undone(me, later))[1] == {"1 虚构3": ("restored", None, ())}
    told_of, rows = await undone(me, made)
    assert [told_of[name] for name in ("kind", "created", "updated", "withdrawn", "restored", "kept")] == [
        "expert", 4, 0, 2, 0, 2,
    ]  # fmt: skip
    assert rows == {
        "1 虚构1": ("kept", "used_since", ()), "2 虚构2": ("kept", "changed_since", ()),
        "3 ": ("withdrawn", None, ()), "4 ": ("withdrawn", None, ()),
    }  # fmt: skip
    assert set(await there(me)) == {"虚构1", "虚构2"}
    # Of whom was taken back nothing is kept, and the same file is new again.
    assert await holding(session, "虚构3", "虚构4", "T-4") == set()
    assert await undone(me, made) == (told_of, rows)
    assert counts(await importing(me, file, "a.jsonl", "expert")) == (2, 1, 1, 0)
    # Only who writes the organisation's records sees it.
    manager = await given.person(Role.LAB_MANAGER, me.organisation)
    for who in (manager, await given.university()):
        assert (await who.post(f"/api/v1/imports/{made['id']}/undo")).status_code == 404
        assert (await who.get(f"/api/v1/imports/{made['id']}/rows")).status_code == 404


async def test_what_an_import_changed_says_again_what_it_said_field_by_field(me, importing, given, session):
    first, second = [(await given.achievement(me, title=title))["id"] for title in ("甲成果", "乙成果")]
    await importing(
        me, some_jsonl(one(1, achievements=["甲成果"]), *(one(n) for n in (2, 3, 4, 5))), "a.jsonl", "expert"
    )
    before = await there(me)
    changes = (
        one(1, focus="新方向", keywords=["新词"], contact={"name": "办公室"}, achievements=["乙成果", "甲成果"]),
        one(2, focus="新方向", unit="新院"),
        one(3, focus="新方向"),
        one(4, name="虚构改名", focus="新方向"),
        one(5),
    )
    changed = await importing(me, some_jsonl(*changes), "b.jsonl", "expert")
    assert counts(changed) == (0, 4, 1, 0)
    now = await there(me)
    assert now["虚构1"]["achievement_ids"] == [second, first]
    for name in ("虚构2", "虚构3"):
        await me.patch(f"{URL}/{now[name]['id']}", {"focus": "又改过"}, version=now[name]["version"])
    # Somebody agreed under the name that the import brought: it stays.
    assert (await me.post(f"{URL}/{now['虚构改名']['id']}/consent", CONSENT)).status_code == 200
    rows = (await me.get(f"/api/v1/imports/{changed['id']}/rows")).json()["items"]
    assert [row["fields"] for row in rows][:2] == [
        ["achievement_ids", "contact", "focus", "keywords"],
        ["focus", "unit"],
    ]
    told_of, outcome = await undone(me, changed)
    assert [told_of[name] for name in ("withdrawn", "restored", "partly", "kept")] == [0, 1, 1, 2]
    assert outcome == {
        "1 虚构1": ("restored", None, ()),
        "2 虚构2": ("partly", "changed_since", ("focus",)),
        "3 虚构3": ("kept", "changed_since", ("focus",)),
        "4 虚构改名": ("kept", "would_not_stand", ("focus", "name")),
    }
    after = await there(me)
    changing = {"version", "updated_at"}
    same = {name: value for name, value in before["虚构1"].items() if name not in changing}
    assert {name: after["虚构1"][name] for name in same} == same
    assert (after["虚构2"]["focus"], after["虚构2"]["unit"]) == ("又改过", None)
    # What a profile said is kept for undoing, and no longer.
    assert await holding(session, "新词", "新院") == set()
    rows = (await me.get(f"/api/v1/imports/{changed['id']}/rows")).json()["items"]
    assert rows[1]["fields"] == ["focus", "unit"]


async def test_two_files_at_once_make_everybody_once(really, real, tmp_path, monkeypatch):
    me = await real.given.university()
    path = tmp_path / "file"
    path.write_bytes(some_jsonl(*(one(number) for number in range(600))))
    monkeypatch.setattr(imports, "_LOOK_SECONDS", 0.05)
    asked = [Import(ImportKind.EXPERT, me.organisation.id, "a.jsonl") for _ in range(2)]
    results = await asyncio.gather(*(imports.run(real.database, wish, path) for wish in asked))
    assert sorted((result.created, result.unchanged) for result in results) == [(0, 600), (600, 0)]


async def test_consent_recorded_while_a_file_renames_is_for_the_name_that_stands(really, real):
    me = await real.given.university()
    await really(me, some_jsonl(one(1)), "a.jsonl", "expert")
    made = (await there(me))["虚构1"]
    async with real.database.writing.begin() as session:
        expert = await session.get_one(Expert, made["id"], with_for_update=True)
        renaming = asyncio.create_task(really(me, some_jsonl(one(1, name="虚构别人")), "b.jsonl", "expert"))
        await somebody_waits(real)
        expert.consented_at, expert.consented_by, expert.consent_evidence = clock.now(), me.id, EVIDENCE
    operation = await renaming
    assert told(operation) == [(1, "name", "agreed_by_name")]
    left = (await me.get(f"{URL}/{made['id']}")).json()
    assert (left["name"], left["consented"], left["version"]) == ("虚构1", True, 1)


async def somebody_waits(real) -> None:
    """Until somebody waits for a row that another transaction holds."""
    waiting = "select exists (select from pg_locks where not granted and locktype in ('transactionid', 'tuple'))"
    async with asyncio.timeout(30):
        while True:
            async with real.database.reading() as session:
                if await session.scalar(text(waiting)):
                    return
            await asyncio.sleep(0.05)
