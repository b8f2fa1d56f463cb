"""Instruments from files: every way of writing them, told again by where they came from, and the catalogue's own workbook
taken back in."""

import io

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from schemas.identity import Role
from tests.given.labs import ALWAYS, an_instrument
from tests.marketplace.imports.conftest import a_workbook, some_csv, some_jsonl

pytestmark = pytest.mark.usefixtures("checked_here")
URL = "/api/v1/instruments"
# The yearly return's own names beside ours.
HEAD = ("仪器名称", "型号", "分类编码", "原值（万元）", "实验室", "安放地点", "主要功能", "财政资金购置", "可预约用户", "开放时间",
        "经度", "纬度", "坐标系", "最短时长（分钟）", "年有效机时（小时）", "设备编号")  # fmt: skip
ROW = ("扫描电镜", "FE-7", "0101", "286", "材料室", "A 座 102", "断口形貌", "是", "校内、本省企业",
       "周一至周五 08:30-12:00、13:30-17:30；周六 09:00-12:00", "东经125.3245°", "43.8868", "GCJ-02", "60 分钟", "1400", "S-1")  # fmt: skip


@pytest.fixture
async def manager(given):
    return await given.person(Role.LAB_MANAGER, await given.organisation())


async def listed(who) -> dict[str, dict]:
    return {one["name"]: one for one in await _whole(who)}


async def _whole(who) -> list[dict]:
    cards = (await who.get(URL, params={"mine": "true", "limit": 100})).json()["items"]
    return [(await who.get(f"{URL}/{card['id']}")).json() for card in cards]


def counts(operation: dict) -> tuple[int, ...]:
    assert operation["result"], operation
    return tuple(operation["result"][name] for name in ("created", "updated", "unchanged", "failed"))


async def test_a_table_of_instruments_is_read_checked_written_and_known_again(manager, importing, given, client):
    table = a_workbook(("仪器", (HEAD, ROW)))
    seen = await importing(manager, table, "a.xlsx", "instrument", dry_run=True)
    assert (counts(seen), await listed(manager)) == ((1, 0, 0, 0), {})
    assert seen["result"]["notices"] == []
    assert counts(await importing(manager, table, "a.xlsx", "instrument")) == (1, 0, 0, 0)
    made = (await listed(manager))["扫描电镜"]
    told = {
        "model": "FE-7", "class_code": "01-01", "value": "2860000.00", "lab": "材料室", "publicly_funded": True,
        "customers": ["internal", "province_firm"], "min_minutes": 60, "state": "draft",
        "region": manager.organisation.region, "position": {"longitude": 125.3245, "latitude": 43.8868, "datum": "gcj02"},
    }  # fmt: skip
    assert {name: made[name] for name in told} == told
    assert len(made["hours"]) == 11
    assert (made["hours"][1], made["hours"][-1]["weekday"]) == ({"weekday": 1, "opens": "13:30", "closes": "17:30"}, 6)

    # As CSV in GB18030 it is the same, and nothing changes; with another model, that alone does.
    plain = [tuple(f'"{cell}"' for cell in row) for row in (HEAD, ROW)]
    assert counts(await importing(manager, some_csv(*plain, encoding="gb18030"), "a.csv", "instrument")) == (0, 0, 1, 0)
    fewer = some_jsonl({"external_id": "S-1", "model": "FE-8", "hours": ALWAYS})
    assert counts(await importing(manager, fewer, "a.jsonl", "instrument", publish=True)) == (0, 1, 0, 0)
    after = (await listed(manager))["扫描电镜"]
    assert (after["id"], after["model"], after["version"], after["state"]) == (made["id"], "FE-8", 2, "published")
    assert (after["lab"], len(after["hours"])) == ("材料室", 7)
    assert [one["id"] for one in (await client.get(URL, params={"q": "FE-8"})).json()["items"]] == [made["id"]]

    # Who writes records for the organisation does not thereby keep its laboratories.
    editor = await given.person(Role.EDITOR, manager.organisation)
    refused = await importing.hand_in(editor, table, "a.xlsx", "instrument")
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/no-lab-of-yours")


async def test_every_error_names_its_row_and_column_and_nothing_is_half_imported(manager, importing):
    rows = [
        HEAD,
        ROW,
        (*ROW[:2], "99-99", "很贵", *ROW[4:7], "也许", "所有人", "随时", "1250", *ROW[11:13], "很短", "", "S-2"),
        ("", *ROW[1:15], "S-3"),
        ROW,
        (*ROW[:8], "校内", *ROW[9:13], "2000", "", "S-5"),
    ]
    operation = await importing(manager, a_workbook(("仪器", rows)), "a.xlsx", "instrument")
    assert operation["state"] == "failed"
    found = {(one["row"], one["column"] or one["field"], one["code"]) for one in operation["result"]["errors"]}
    assert found == {
        (3, "分类编码", "unknown_instrument_class"),
        (3, "原值（万元）", "money_unreadable"),
        (3, "财政资金购置", "yes_or_no"),
        (3, "可预约用户", "choice_unknown"),
        (3, "开放时间", "hours_unreadable"),
        (3, "经度", "degrees_out_of_range"),
        (3, "最短时长（分钟）", "whole_number_expected"),
        (5, "设备编号", "external_id_repeated"),
    }
    assert await listed(manager) == {}
    # What needs the catalogue to be seen is told once the rows can be read.
    good = a_workbook(("仪器", [rows[0], rows[1], rows[3], rows[5]]))
    seen = await importing(manager, good, "a.xlsx", "instrument", dry_run=True)
    told = {(one["row"], one["field"], one["code"]) for one in seen["result"]["errors"]}
    assert told == {
        (3, "name", "name_missing"),
        (4, "closed_because", "instrument_terms"),
        (4, "min_minutes", "instrument_terms"),
    }
    partly = await importing(manager, good, "a.xlsx", "instrument", partial=True)
    assert counts(partly) == (1, 0, 0, 2)


async def test_the_catalogues_workbook_comes_back_as_it_went(manager, importing, given, session):
    every = {
        "name": "=电镜", "name_en": "+SEM", "model": "FE-7", "maker": "某厂", "value": "2860000.50", "publicly_funded": True,
        "closed_because": "涉密", "audience": "own", "customers": ["internal", "other"], "confirmed_at_once": [],
        "lab": "材料室", "location": "一号楼", "capabilities": "第一行。\n第二行。", "accreditation": "CMA", "keywords": ["电镜", "形貌"],
        "operation": "assisted", "needs_qualification": True, "slot_minutes": 15, "min_minutes": 45, "max_minutes": 90,
        "notice_minutes": 30, "horizon_days": 7, "buffer_minutes": 5, "order_form": ["几件？", "导电？"], "kind": "open_lab",
        "position": {"longitude": 125.3245, "latitude": 43.8868, "datum": "gcj02"},
        "hours": [{"weekday": 1, "opens": "08:30", "closes": "12:00"}, {"weekday": 1, "opens": "13:00", "closes": "24:00"},
                  {"weekday": 2, "opens": "00:00", "closes": "24:00"}],
    }  # fmt: skip
    await an_instrument(session, manager.organisation, **every)
    await an_instrument(session, manager.organisation, name="平常的", hours=[], customers=["internal"])
    book = (await manager.get("/api/v1/instrument-catalogue.xlsx", params={"mine": "true"})).content
    again = await importing(manager, book, "目录.xlsx", "instrument")
    assert (counts(again), again["result"]["notices"]) == ((0, 0, 2, 0), [])

    # Somebody else's catalogue is not taken for one's own; without the column of owners it makes new instruments of it.
    other = await given.person(Role.LAB_MANAGER, await given.organisation())
    foreign = await importing(other, book, "目录.xlsx", "instrument")
    assert {one["code"] for one in foreign["result"]["errors"]} == {"another_organisation"}
    head, *rows = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    owner = head.index("统一社会信用代码")
    copied = [[cell for place, cell in enumerate(row) if place != owner] for row in (head, *rows)]
    moved = await importing(other, a_workbook(("目录", copied)), "目录.xlsx", "instrument")
    assert counts(moved) == (2, 0, 0, 0)
    before, after = await listed(manager), await listed(other)
    same = [name for name in every if name not in {"hours", "position"}] + ["hours", "position", "region", "class_code"]
    for name, one in before.items():
        assert {field: after[name][field] for field in same} == {field: one[field] for field in same}
    assert counts(await importing(other, a_workbook(("目录", copied)), "目录.xlsx", "instrument")) == (0, 0, 2, 0)
    twice = a_workbook(("目录", [["标识符", "外部编号", "仪器名称"], [rows[0][0], "x", "甲"], [rows[0][0], "y", "乙"]]))
    [error] = (await importing(manager, twice, "a.xlsx", "instrument"))["result"]["errors"]
    assert (error["row"], error["code"]) == (3, "instrument_twice")


async def test_publishing_keeps_back_what_lacks_something(manager, importing, client):
    whole = {"name": "甲", "class_code": "02-01", "location": "一号楼", "capabilities": "拉伸。", "external_id": "1"}
    away = [{"day": "2027-10-01", "opens": None, "closes": None, "reason": "国庆节"}]
    more = {"联系人": "王某", "联系电话": "0431-1", "exceptions": away}
    file = some_jsonl(whole | more, {"name": "乙", "external_id": "2"})
    operation = await importing(manager, file, "a.jsonl", "instrument", publish=True)
    assert {one["code"] for one in operation["result"]["notices"]} == {"kept_as_draft"}
    assert {name: one["state"] for name, one in (await listed(manager)).items()} == {"甲": "published", "乙": "draft"}
    first = (await listed(manager))["甲"]
    assert (first["contact"]["phone"], first["exceptions"]) == ("0431-1", away)
    emptied = some_jsonl({"external_id": "1", "capabilities": None})
    operation = await importing(manager, emptied, "a.jsonl", "instrument")
    assert [one["code"] for one in operation["result"]["errors"]] == ["missing_for_publishing"]
    assert [one["name"] for one in (await client.get(URL)).json()["items"]] == ["甲"]


async def test_the_template_can_be_filled_in_and_imported(manager, importing, client):
    book = (await client.get("/api/v1/imports/template", params={"kind": "instrument"})).content
    [head, *_] = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    told = {
        "仪器名称": "电镜",
        "资源类别": "检测服务",
        "仪器分类": "电子光学仪器",
        "使用方式": "机组操作",
        "免审批用户": "无",
    }
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"in_memory": True}) as made:
        sheet = made.add_worksheet("仪器")
        sheet.write_row(0, 0, head)
        for name, value in told.items():
            sheet.write(1, head.index(name), value)
    assert counts(await importing(manager, held.getvalue(), "a.xlsx", "instrument")) == (1, 0, 0, 0)
    one = (await listed(manager))["电镜"]
    assert (one["kind"], one["class_code"], one["confirmed_at_once"]) == ("test_service", "01-01", [])
