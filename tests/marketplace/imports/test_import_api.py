"""Importing through HTTP: handed in, done by the job, followed as an operation."""

import hashlib
import io
from uuid import uuid4

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select

from marketplace.imports import jobs, uploads
from marketplace.imports.models import Upload, UploadPart
from marketplace.kernel.facts import Recorded
from marketplace.listings.models import Achievement, Listing
from marketplace.settings import Settings
from schemas.identity import Role, Scope
from schemas.listings import ListingState
from tests.marketplace.imports.conftest import TEXT, a_workbook, an_old_workbook, some_csv, some_jsonl

pytestmark = pytest.mark.usefixtures("checked_here")

HEADER = ("成果名称", "详细说明", "关键词", "外部编号")
FILE = some_csv(HEADER, ("固态电池", TEXT, "电池；电解质", "A-1"), ("流延设备", TEXT, "", "A-2"))


async def test_a_file_becomes_drafts_of_the_organisation(given, importing) -> None:
    me = await given.university()
    operation = await importing(me, FILE, "成果.csv", source="科研系统")
    assert (operation["state"], operation["done"], operation["total"], operation["error"]) == ("done", 2, 2, None)
    result = operation["result"]
    assert {name: result[name] for name in ("kind", "source", "rows", "created", "updated", "unchanged", "failed")} == {
        "kind": "achievement",
        "source": "科研系统",
        "rows": 2,
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "failed": 0,
    }
    second, first = await importing.listed(me)
    assert (first["title"], first["description"], first["keywords"]) == ("固态电池", TEXT, ["电池", "电解质"])
    assert (first["state"], first["version"], first["source"], first["external_id"]) == ("draft", 1, "科研系统", "A-1")
    assert (first["intellectual_property"], first["awards"], first["team"], first["contact"]) == ([], [], [], None)
    assert second["external_id"] == "A-2"


async def test_the_answer_is_an_operation_to_follow(given, importing, session) -> None:
    me = await given.university()
    answer = await importing.hand_in(me, FILE, "成果.csv", dry_run=True)
    assert answer.status_code == 202
    operation = answer.json()
    assert answer.headers["location"] == f"/api/v1/operations/{operation['id']}"
    assert (operation["kind"], operation["state"], operation["result"]) == ("import", "waiting", None)
    kept = await session.scalar(select(Upload))
    assert (kept.name, kept.size, kept.sha256) == ("成果.csv", len(FILE), hashlib.sha256(FILE).hexdigest())


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (FILE, "a.csv"),
        (FILE.decode().encode("gb18030"), "成果.csv"),
        (FILE.decode().encode("utf-8-sig"), "a.csv"),
        (
            some_jsonl(
                {"title": "固态电池", "text": TEXT, "id": "A-1"},
                {"title": "流延设备", "description": TEXT, "external_id": "A-2"},
            ),
            "a.jsonl",
        ),
        (a_workbook(("成果", [HEADER, ("固态电池", TEXT, "", "A-1"), ("流延设备", TEXT, "", "A-2")])), "a.xlsx"),
        (an_old_workbook([HEADER, ("固态电池", TEXT, "", "A-1"), ("流延设备", TEXT, "", "A-2")]), "a.xls"),
    ],
    ids=["csv", "gb18030", "bom", "jsonl", "xlsx", "xls"],
)
async def test_every_kind_of_file_brings_the_same_records(given, importing, content, name) -> None:
    me = await given.university()
    operation = await importing(me, content, name)
    assert operation["result"]["created"] == 2, operation
    found = await importing.listed(me)
    assert [(one["title"], one["description"], one["external_id"]) for one in found] == [
        ("流延设备", TEXT, "A-2"),
        ("固态电池", TEXT, "A-1"),
    ]


async def test_an_imported_record_is_like_one_written_through_the_api(given, importing, session) -> None:
    me = await given.university()
    body = {
        "title": "固态电池",
        "summary": "摘要",
        "description": TEXT,
        "keywords": ["电池"],
        "discipline": "430",
        "industries": ["36", "3841"],
        "trl": 7,
        "stage": "mature",
        "intellectual_property": [{"kind": "patent.invention", "number": "ZL1", "status": "granted"}],
        "awards": ["一等奖"],
        "cooperation_modes": ["transfer", "licence"],
        "price": {"kind": "range", "low": "100.50", "high": "200"},
        "publicly_funded": True,
        "registration_number": "123456789012",
        "contact": {"name": "张三", "email": "a@b.example"},
        "team": [{"name": "李四"}],
        "region": "220100",
    }
    assert (await importing(me, some_jsonl(body | {"id": "1"}), "a.jsonl"))["state"] == "done"
    await given.achievement(me, published=False, **body)
    written, imported = [
        row._mapping
        for row in (await session.execute(select(*Listing.__table__.c).order_by(Listing.created_at.desc()))).all()
    ]
    apart = {"id", "source", "external_id", "listed_at", "created_at", "updated_at"}
    assert {name: value for name, value in written.items() if name not in apart} == {
        name: value for name, value in imported.items() if name not in apart
    }


async def test_problems_too(given, importing) -> None:
    me = await given.enterprise()
    row = (
        ("难题名称", "详细说明", "预算（万元）", "截止日期", "技术指标"),
        ("锻模龟裂", TEXT, "50-100", "2099-06-30", "硬度>=60 HRC"),
    )
    operation = await importing(me, some_csv(*row), "a.csv", "problem", publish=True)
    assert operation["state"] == "done", operation
    (found,) = await importing.listed(me, "problems")
    assert (found["state"], found["budget"], found["deadline"]) == (
        "published",
        {"low": "500000.00", "high": "1000000.00"},
        "2099-06-30",
    )


async def test_importing_again_changes_nothing_and_doubles_nothing(given, importing, session) -> None:
    me = await given.university()
    rows = some_csv(HEADER, ("固态电池", TEXT, "电池", "A-1"), ("没有编号", TEXT, "", ""))
    await importing(me, rows, "a.csv")
    before = (await session.execute(select(*Listing.__table__.c).order_by(Listing.id))).all()
    facts = await session.scalar(select(func.count()).select_from(Recorded))
    again = await importing(me, rows, "a.csv")
    assert (again["result"]["created"], again["result"]["updated"], again["result"]["unchanged"]) == (0, 0, 2)
    other_form = await importing(
        me, a_workbook(("表", [HEADER, ("固态电池", TEXT, "电池", "A-1"), ("没有编号", TEXT, "", "")])), "a.xlsx"
    )
    assert other_form["result"]["unchanged"] == 2
    assert (await session.execute(select(*Listing.__table__.c).order_by(Listing.id))).all() == before
    assert await session.scalar(select(func.count()).select_from(Recorded)) == facts


async def test_a_changed_row_updates_its_record_and_keeps_what_it_said(given, importing) -> None:
    me = await given.university()
    await importing(me, FILE, "a.csv", publish=True)
    changed = some_csv(HEADER, ("固态电池二代", "新的说明，完全不同", "锂", "A-1"), ("流延设备", TEXT, "", "A-2"))
    operation = await importing(me, changed, "a.csv")
    assert (operation["result"]["updated"], operation["result"]["unchanged"]) == (1, 1)
    other, record = await importing.listed(me)
    assert (record["title"], record["version"], record["state"], other["version"]) == (
        "固态电池二代",
        2,
        "published",
        1,
    )
    past = (await me.get(f"/api/v1/achievements/{record['id']}/revisions")).json()["items"]
    assert [(one["version"], one["body"]["title"], one["body"]["description"], one["by"]) for one in past] == [
        (1, "固态电池", TEXT, str(me.id))
    ]
    found = (await me.get("/api/v1/achievements", params={"q": "完全不同 锂"})).json()["items"]
    assert [one["title"] for one in found] == ["固态电池二代"]
    assert (await me.get("/api/v1/achievements", params={"q": "流延法", "mine": True})).json()["items"][0][
        "title"
    ] == "流延设备"


async def test_a_revision_by_import_reads_like_one_by_hand(given, importing, session) -> None:
    me = await given.enterprise()
    body = {
        "title": "锻模龟裂",
        "text": TEXT,
        "budget": {"low": "1", "high": "2.5"},
        "deadline": "2099-01-01",
        "bounty": 5,
        "contact": {"name": "张三"},
        "industry": "36",
        "id": "1",
    }
    await importing(me, some_jsonl(body), "a.jsonl", "problem")
    (record,) = await importing.listed(me, "problems")
    patched = await me.patch(f"/api/v1/problems/{record['id']}", {"title": "锻模开裂"}, version=1)
    assert patched.status_code == 200, patched.text
    await importing(me, some_jsonl(body | {"title": "锻模断裂"}), "a.jsonl", "problem")
    by_import, by_hand = (await me.get(f"/api/v1/problems/{record['id']}/revisions")).json()["items"]
    assert by_import["body"] == by_hand["body"] | {"title": "锻模开裂"}


async def test_what_the_file_does_not_say_stays(given, importing) -> None:
    me = await given.university()
    row = {
        "id": "1",
        "title": "固态电池",
        "text": TEXT,
        "trl": 5,
        "keywords": ["电池"],
        "region": "220100",
        "price": {"kind": "fixed", "low": 5},
    }
    await importing(me, some_jsonl(row), "a.jsonl")
    await importing(me, some_csv(("标题", "编号", "技术就绪度", "关键词"), ("固态电池", "1", "8", "")), "a.csv")
    (record,) = await importing.listed(me)
    assert (record["trl"], record["keywords"], record["description"], record["region"], record["price"]["low"]) == (
        8,
        [],
        TEXT,
        "220100",
        "5.00",
    )
    assert [
        one["title"]
        for one in (await me.get("/api/v1/achievements", params={"mine": True, "region": "220000"})).json()["items"]
    ] == ["固态电池"]


async def test_a_title_that_people_gave_is_not_replaced_by_a_first_clause(given, importing) -> None:
    me = await given.university()
    await importing(me, some_jsonl({"id": "1", "title": "", "text": TEXT}), "a.jsonl")
    (record,) = await importing.listed(me)
    assert record["title"] == "采用流延法制备固态电解质薄膜"
    await me.patch(f"/api/v1/achievements/{record['id']}", {"title": "好标题"}, version=1)
    await importing(me, some_jsonl({"id": "1", "title": None, "text": TEXT, "trl": 3}), "a.jsonl")
    (record,) = await importing.listed(me)
    assert (record["title"], record["trl"]) == ("好标题", 3)


async def test_one_error_anywhere_and_nothing_is_imported(given, importing, session) -> None:
    me = await given.university()
    rows = [{"title": f"第{n}项成果", "id": str(n)} for n in range(700)]
    rows[650]["trl"] = 77
    operation = await importing(me, some_jsonl(*rows), "a.jsonl")
    assert operation["state"] == "failed"
    assert operation["error"] == "有 1 处需要修改，没有导入任何内容。 · 1 places need changing; nothing was imported."
    assert operation["result"]["errors"] == [
        {
            "sheet": None,
            "row": 651,
            "column": "trl",
            "cell": None,
            "field": "trl",
            "code": "whole_number_out_of_range",
            "detail": "请填写 1 到 9 之间的整数 · write a whole number from 1 to 9",
            "rows": 1,
        }
    ]
    assert await session.scalar(select(func.count()).select_from(Listing)) == 0


async def test_partial_takes_the_good_rows_and_lists_the_others(given, importing) -> None:
    me = await given.university()
    rows = [{"title": "好的成果", "id": "1"}, {"title": "坏的成果", "id": "2", "stage": "??"}, {"id": "3"}]
    operation = await importing(me, some_jsonl(*rows), "a.jsonl", partial=True)
    assert (operation["state"], operation["result"]["created"], operation["result"]["failed"]) == ("done", 1, 2)
    assert [error["row"] for error in operation["result"]["errors"]] == [2, 3]
    assert [one["title"] for one in await importing.listed(me)] == ["好的成果"]


async def test_partial_without_a_good_row_has_failed(given, importing) -> None:
    me = await given.university()
    assert (await importing(me, some_jsonl({"id": "1"}), "a.jsonl", partial=True))["state"] == "failed"


async def test_a_dry_run_tells_what_would_happen_and_writes_nothing(given, importing, session) -> None:
    me = await given.university()
    await importing(me, FILE, "a.csv")
    before = (await session.execute(select(*Listing.__table__.c).order_by(Listing.id))).all()
    rows = some_csv(
        HEADER,
        ("固态电池二代", TEXT, "", "A-1"),
        ("流延设备", TEXT, "", "A-2"),
        ("全新成果", TEXT, "", "A-3"),
        ("", "", "只有词", "A-4"),
    )
    operation = await importing(me, rows, "a.csv", dry_run=True)
    assert operation["state"] == "done"
    result = operation["result"]
    assert (result["dry_run"], result["created"], result["updated"], result["unchanged"], result["failed"]) == (
        True,
        1,
        1,
        1,
        1,
    )
    assert (await session.execute(select(*Listing.__table__.c).order_by(Listing.id))).all() == before
    assert (await importing(me, b"\n", "a.csv", dry_run=True))["result"]["errors"][0]["code"] == "no_header"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.LAB_MANAGER, Role.ORGANIZER, Role.BROKER])
async def test_only_editors_import_for_an_organisation(given, importing, role) -> None:
    owner = await given.university()
    for somebody in (await given.person(role, owner.organisation), await given.editor(), await given.admin()):
        refused = await importing.hand_in(somebody, FILE, "a.csv", organisation_id=owner.organisation.id)
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-your-organisation")


async def test_an_organisation_of_others_and_none_at_all_answer_alike(given, importing) -> None:
    me, other = await given.university(), await given.enterprise()
    refusals = [
        await importing.hand_in(me, FILE, "a.csv", organisation_id=which) for which in (other.organisation.id, uuid4())
    ]
    assert [answer.status_code for answer in refusals] == [403, 403]
    assert len({answer.json()["title"] for answer in refusals}) == 1


async def test_nobody_and_read_only_tokens_import_nothing(given, importing, client) -> None:
    me = await given.university()
    data = {"kind": "achievement", "organisation_id": str(me.organisation.id)}
    assert (await client.post("/api/v1/imports", data=data, files={"file": ("a.csv", FILE)})).status_code == 401
    reader = await given.person(Role.EDITOR, me.organisation, scope=Scope.READ)
    assert (await importing.hand_in(reader, FILE, "a.csv", organisation_id=me.organisation.id)).status_code == 403


async def test_the_operation_is_its_starter_s_alone(given, importing) -> None:
    me, colleague = await given.university(), await given.enterprise()
    answer = await importing.hand_in(me, FILE, "a.csv")
    assert (await colleague.get(answer.headers["location"])).status_code == 404


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.et", b"\xd0\xcf\x11\xe0", "file_type"),
        ("a.pdf", b"%PDF-", "file_type"),
        ("a.csv", b"", "file_empty"),
        ("a.xlsx", FILE, "file_content"),
        ("a.csv", b"PK\x03\x04", "file_content"),
        ("../../etc/passwd", b"x", "file_type"),
        ("a\u202e.csv", FILE, "file_name"),
        ("x" * 300 + ".csv", FILE, "file_name"),
    ],
)
async def test_what_can_be_seen_from_outside_is_refused_at_once(given, importing, session, name, content, code) -> None:
    me = await given.university()
    refused = await importing.hand_in(me, content, name)
    assert refused.status_code == 422, refused.text
    assert [(error["pointer"], error["code"]) for error in refused.json()["errors"]] == [("/file", code)]
    assert await session.scalar(select(func.count()).select_from(Upload)) == 0


async def test_folders_in_a_name_are_left_out(given, importing, session) -> None:
    me = await given.university()
    assert (await importing.hand_in(me, FILE, "..\\..\\成果/汇总.csv")).status_code == 202
    assert await session.scalar(select(Upload.name)) == "汇总.csv"


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"kind": "patent"}, "kind"),
        ({"organisation_id": "x"}, "organisation_id"),
        ({"dry_run": "perhaps"}, "dry_run"),
        ({"source": "x" * 101}, "source"),
        ({"source": "a\u202eb"}, "source"),
    ],
)
async def test_a_wrong_form_names_the_field(given, importing, form, field) -> None:
    me = await given.university()
    refused = await importing.hand_in(me, FILE, "a.csv", **form)
    assert refused.status_code == 422
    assert field in refused.json()["errors"][0]["pointer"]


async def test_a_form_without_a_file_is_refused(given, client) -> None:
    me = await given.university()
    data = {"kind": "achievement", "organisation_id": str(me.organisation.id)}
    for more in (
        {"data": data},
        {"json": data},
        {"content": b"\xff", "headers": {"content-type": "multipart/form-data; boundary=x"}},
    ):
        headers = me.headers | more.pop("headers", {})
        answer = await client.post("/api/v1/imports", headers=headers, **more)
        assert 400 <= answer.status_code < 500
        assert answer.headers["content-type"] == "application/problem+json"


async def test_files_have_a_limit(given, importing, app, settings) -> None:
    app.state.settings = Settings(**(settings.model_dump() | {"upload_limit": 1024}))
    me = await given.university()
    refused = await importing.hand_in(me, b"x" * (1024 + 70 * 1024), "a.csv")
    assert refused.status_code == 413


async def test_large_files_are_kept_in_parts_and_put_together_again(given, importing, session, monkeypatch) -> None:
    monkeypatch.setattr("marketplace.imports.router.PART_BYTES", 100)
    me = await given.university()
    answer = await importing.hand_in(me, FILE, "a.csv")
    parts = (await session.scalars(select(UploadPart.content).order_by(UploadPart.number))).all()
    assert len(parts) > 2
    assert b"".join(parts) == FILE
    await jobs.run(importing.place, {"operation_id": answer.json()["id"]})
    assert (await importing.operation(me, answer))["result"]["created"] == 2
    for table in (Upload, UploadPart):
        assert await session.scalar(select(func.count()).select_from(table)) == 0


async def test_five_imports_of_an_organisation_may_wait(given, importing) -> None:
    me, other = await given.university(), await given.university()
    for _ in range(uploads.MOST_WAITING):
        assert (await importing.hand_in(me, FILE, "a.csv")).status_code == 202
    refused = await importing.hand_in(me, FILE, "a.csv")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/too-many-imports")
    assert (await importing.hand_in(other, FILE, "a.csv")).status_code == 202


async def test_the_same_request_twice_is_one_import(given, importing, session) -> None:
    me = await given.university()
    request = me.client.build_request(
        "POST",
        "/api/v1/imports",
        data={"kind": "achievement", "organisation_id": str(me.organisation.id)},
        files={"file": ("a.csv", FILE)},
        headers=me.headers | {"Idempotency-Key": "once"},
    )
    body = await request.aread()
    answers = [await me.client.post("/api/v1/imports", content=body, headers=request.headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert await session.scalar(select(func.count()).select_from(Upload)) == 1


async def test_facts_name_the_records_that_were_touched_a_thousand_at_a_time(given, importing, session) -> None:
    me = await given.university()
    rows = some_jsonl(*({"title": f"第{n}项成果", "id": str(n)} for n in range(1_500)))
    await importing(me, rows, "a.jsonl")
    facts = (
        await session.scalars(select(Recorded).where(Recorded.name == "ListingsImported").order_by(Recorded.id))
    ).all()
    assert [len(fact.body["listing_ids"]) for fact in facts] == [1000, 500]
    assert {(fact.by, fact.subject, fact.body["kind"]) for fact in facts} == {
        (me.id, me.organisation.id, "achievement")
    }
    ids = set((await session.scalars(select(Achievement.id))).all())
    assert {str(id_) for id_ in ids} == {one for fact in facts for one in fact.body["listing_ids"]}


async def test_lists_keep_the_order_of_the_file_latest_row_first(given, importing) -> None:
    me = await given.university()
    await importing(me, some_jsonl(*({"title": f"第{n}项"} for n in range(30))), "a.jsonl")
    assert [one["title"] for one in await importing.listed(me)] == [f"第{n}项" for n in reversed(range(30))]


async def test_nothing_of_the_confidential_part_can_come_in_a_file(given, importing, session) -> None:
    me = await given.university()
    canary = "绝密配方七号"
    row = {
        "id": "1",
        "title": "固态电池",
        "text": TEXT,
        "confidential": canary,
        "state": "published",
        "organisation_id": str(uuid4()),
    }
    operation = await importing(me, some_jsonl(row), "a.jsonl")
    assert canary not in str(operation)
    assert {notice["column"] for notice in operation["result"]["notices"]} == {
        "confidential",
        "state",
        "organisation_id",
    }
    (record,) = await importing.listed(me)
    assert (record["state"], record["organisation"]["id"]) == (ListingState.DRAFT, str(me.organisation.id))
    assert canary not in str((await session.execute(select(*Listing.__table__.c))).all())


async def test_a_file_that_cannot_be_read_at_all_says_why(given, importing) -> None:
    me = await given.university()
    operation = await importing(me, b"PK\x03\x04" + b"x" * 1000, "a.xlsx", partial=True)
    assert (operation["state"], operation["result"]["errors"][0]["code"]) == ("failed", "workbook_broken")


async def test_injections_are_only_text(given, importing) -> None:
    me = await given.university()
    evil = [
        "'; drop table listing; --",
        "{{7*7}}",
        "<script>alert(1)</script>",
        "=cmd|' /C calc'!A0",
        "%_\\",
        ":now $1 %s",
    ]
    await importing(me, some_jsonl(*({"title": text, "text": text, "id": text} for text in evil)), "a.jsonl")
    assert [one["title"] for one in await importing.listed(me)] == evil[::-1]


async def test_the_template_comes_back_as_it_was_filled_in(given, importing, client, read) -> None:
    filled = {
        "achievement": {
            "成果名称": "固态电池",
            "详细说明": TEXT,
            "应用行业": "36；3841",
            "技术就绪度": "7",
            "所处阶段": "中期",
            "价格": "50-100万",
            "财政资助": "是",
            "外部编号": "A-1",
            "联系人": "张三",
            "地区": "吉林省长春市",
        },
        "problem": {
            "难题名称": "锻模龟裂",
            "详细说明": TEXT,
            "所属行业": "汽车制造业",
            "预算上限": "100万",
            "截止日期": "2099-06-30",
            "知识产权归属": "共有",
            "外部编号": "P-1",
        },
    }
    for kind, cells in filled.items():
        answer = await client.get("/api/v1/imports/template", params={"kind": kind})
        assert answer.status_code == 200
        assert ".xlsx" in answer.headers["content-disposition"]
        assert answer.content[:4] == b"PK\x03\x04"
        book = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
        sheets = [(name, book.get_sheet_by_name(name).to_python()) for name in book.sheet_names]
        assert [name for name, _ in sheets][1:] == ["填写说明", "代码"]
        empty = read(answer.content, "模板.xlsx", kind)
        assert (empty.records, empty.codes, empty.noticed, empty.refused) == ([], [], {}, None)
        header = sheets[0][1][0]
        assert set(cells) <= set(header)
        again = a_workbook((sheets[0][0], [header, [cells.get(name, "") for name in header]]), *sheets[1:])
        found = read(again, "模板.xlsx", kind, publish=True)
        assert (len(found.records), found.codes, found.noticed) == (1, [], {})


async def test_the_template_is_for_one_of_the_kinds(client) -> None:
    assert (await client.get("/api/v1/imports/template", params={"kind": "x"})).status_code == 422
    assert (await client.get("/api/v1/imports/template")).status_code == 422
