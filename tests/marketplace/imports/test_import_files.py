"""Text files: encodings, delimiters, headers, rows, and what is said about what is wrong in them."""

import codecs
import json

import pytest

from marketplace.imports import checking, files, tables
from marketplace.imports.checking import content_id
from marketplace.imports.files import file_type
from marketplace.imports.findings import MOST_ERRORS, MOST_NOTICES, FileRefused
from marketplace.imports.tables import letter
from schemas.imports import MOST_FINDINGS, FileType
from tests.marketplace.imports.conftest import TEXT, a_workbook, an_old_workbook, some_csv, some_jsonl

HEADER = ("成果名称", "详细说明", "关键词")
ROW = ("固态电解质薄膜制备", TEXT, "电池；电解质")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_csv_is_read_in_the_encodings_and_with_the_delimiters_that_are_about(read, encoding, delimiter) -> None:
    line = delimiter.join(HEADER) + "\r\n" + delimiter.join(part.replace("；", "、") for part in ROW) + "\r\n"
    found = read(line.encode(encoding), "成果.csv")
    assert found.given == [{"title": ROW[0], "description": TEXT, "keywords": ["电池", "电解质"]}]
    assert not found.codes


def test_characters_that_only_gb18030_has_survive(read) -> None:
    found = read(some_csv(HEADER, ("𠮷田合金（㐂）", TEXT, "€"), encoding="gb18030"), "a.csv")
    assert found.given[0]["title"] == "𠮷田合金（㐂）"
    assert found.given[0]["keywords"] == ["€"]


def test_an_english_header_does_not_hide_gb18030(read) -> None:
    found = read(some_csv(("title", "text"), ("固态电池", TEXT), encoding="gb18030"), "a.csv")
    assert found.given == [{"title": "固态电池", "description": TEXT}]


def test_a_header_of_two_characters_is_enough_to_tell(read) -> None:
    assert read("标题\n联通\n".encode("gb18030"), "a.csv").given == [{"title": "联通"}]


def test_commas_in_the_text_of_a_tab_divided_file_divide_nothing(read) -> None:
    text = "一,二,三,四,五,六,七,八,九,十"
    assert read(f"标题\t正文\n甲乙丙丁\t{text}\n".encode(), "a.tsv").given == [
        {"title": "甲乙丙丁", "description": text}
    ]


def test_utf_8_with_wrong_bytes_is_refused_at_its_line_and_not_read_as_something_else(read) -> None:
    content = some_csv(HEADER, ROW) + "又一项,坏".encode() + b"\xff\xfe" + ",甲\r\n".encode()
    found = read(content, "a.csv")
    assert (found.refused.code, found.refused.row) == ("file_encoding", 3)
    assert not found.records[1:]
    odd = read("标题,正文".encode("utf-16") + b"\x00", "a.csv")
    assert (odd.refused.code, odd.refused.row) == ("file_encoding", None)


def test_line_ends_and_quotes_inside_cells_keep_rows_counted_as_the_file_counts_them(read) -> None:
    found = read('标题,正文,技术就绪度\n甲,"一\n二 ""引""",7\n乙,三,十\n'.encode(), "a.csv")
    assert found.given == [{"title": "甲", "description": '一\n二 "引"', "trl": 7}]
    assert [(error["row"], error["column"], error["cell"]) for error in found.findings.errors] == [
        (4, "技术就绪度", "C4")
    ]


def test_a_file_whose_lines_are_all_right_has_no_first_wrong_one(tmp_path) -> None:
    (tmp_path / "file").write_bytes(b"a\nb\n")
    assert files._first_wrong_line(tmp_path / "file", "utf-8") is None


def test_a_long_cell_among_the_first_lines_hides_no_header(read) -> None:
    text = "长" * 19_000 + "。"
    found = read("\t".join(("标题", "正文")).encode("gb18030") + f"\n甲乙\t{text}\n".encode("gb18030"), "a.csv")  # noqa: FLY002
    assert found.given == [{"title": "甲乙", "description": text}]


def test_an_open_quotation_mark_is_said_where_it_begins(read) -> None:
    found = read('标题,正文\n甲,一\n乙,"二\n丙,三\n'.encode(), "a.csv")
    assert (found.refused.code, found.refused.row) == ("csv_broken", 3)


def test_a_table_may_begin_with_a_title_and_remarks(read) -> None:
    lines = [
        ("2026 年科技成果汇总表", "", ""),
        ("填报单位：示例大学", "", ""),
        ("", "", ""),
        HEADER,
        ROW,
        ("", "", ""),
        ROW[:2],
    ]
    found = read(some_csv(*lines), "a.csv")
    assert [given["title"] for given in found.given] == [ROW[0], ROW[0]]
    assert [record["at"] for record in found.records] == [[None, 5], [None, 7]]


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"\n\n\n", "序号,备注\n1,无\n".encode()])
def test_a_file_without_a_known_header_is_refused_with_advice(read, content) -> None:
    found = read(content, "a.csv")
    assert found.refused.code == "no_header"
    assert "模板" in found.refused.detail
    assert read(content, "a.csv", "problem").refused.code == "no_header"


def test_a_table_that_is_no_csv_in_one_encoding_may_be_in_another(read) -> None:
    assert read('"标题"x,正文\n甲乙,丙丁\n'.encode(), "a.csv").refused.code in {"no_header", "csv_broken"}
    assert read(b'"\n', "a.csv").refused.code == "csv_broken"


def test_a_header_alone_is_no_error(read) -> None:
    found = read(some_csv(HEADER), "a.csv")
    assert (found.records, found.codes, found.refused, found.checker.tally.rows) == ([], [], None, 0)


def test_unknown_columns_are_noticed_once_and_counters_are_not(read) -> None:
    found = read(some_csv(("序号", "标题", "内部备注=1"), ("1", "甲", "x"), ("2", "乙", "y")), "a.csv")
    (notice,) = found.findings.notices.values()
    assert (notice["code"], notice["column"], notice["cell"], notice["rows"]) == (
        "unknown_column",
        "内部备注=1",
        "C1",
        1,
    )
    assert len(found.records) == 2


def test_two_columns_for_one_field_are_refused_unless_one_bears_its_own_name(read) -> None:
    twice = read(some_csv(("标题", "成果名称"), ("甲", "乙")), "a.csv")
    assert (twice.refused.code, twice.refused.row) == ("column_twice", 1)
    same = read(some_csv(("title", "Title"), ("甲", "乙")), "a.csv")
    assert same.refused.code == "column_twice"
    own = read(some_csv(("标题", "title"), ("甲", "乙")), "a.csv")
    assert own.given == [{"title": "乙"}]
    assert own.noticed == {"field_twice": 1}


def test_more_columns_than_anybody_has_are_refused(read) -> None:
    assert read(some_csv(("标题", *("x" * 501))), "a.csv").refused.code == "too_many_columns"


def test_json_lines_take_the_api_s_fields_and_say_what_they_do_not_know(read) -> None:
    row = {
        "id": "A-1",
        "title": " 固态电池 ",
        "text": TEXT,
        "keywords": ["电池", "电池"],
        "discipline": "材料科学与工程",
        "industries": ["汽车制造业", "34"],
        "stage": "mature",
        "cooperation_modes": ["转让"],
        "price": {"kind": "fixed", "low": 12.5},
        "contact": {"name": "张三"},
        "team": [{"name": "李四"}],
        "trl": 7,
        "region": "220100",
        "views": 12,
    }
    found = read(codecs.BOM_UTF8 + some_jsonl(row, row | {"id": "A-2"}), "a.jsonl")
    assert not found.codes
    assert found.noticed == {"unknown_column": 2}
    given = found.given[0]
    assert (given["title"], given["disciplines"], given["industries"]) == ("固态电池", ["430"], ["36", "34"])
    assert (given["keywords"], given["price_low"], given["contact"]["name"]) == (["电池"], 12.5, "张三")
    assert found.records[0]["fresh"]["external_id"] == "A-1"
    assert found.records[0]["fresh"]["facets"][:2] == ["d:430", "d:D"]


def test_a_member_s_own_name_comes_before_an_alias_and_a_value_before_none(read) -> None:
    rows = [
        {"title": "甲乙", "id": "B", "external_id": "A"},
        {"title": "甲丙", "external_id": None, "id": "C"},
        {"title": "甲丁", "id": "D", "external_id": ""},
    ]
    found = read(some_jsonl(*rows), "a.jsonl")
    assert [record["fresh"]["external_id"] for record in found.records] == ["A", "C", "D"]
    assert found.noticed == {"field_twice": 1}


@pytest.mark.parametrize(
    "line",
    [
        b'{"title": "a"',
        b'{"title": "a", "title": "b"}',
        b'{"trl": NaN}',
        b'{"trl": 1e99999999999999999999}',
        b"{" + b'"a":{' * 100_000,
        b"[" * 100_000,
        b'{"trl": ' + b"9" * 5000 + b"}",
        b'{"title": "\xff"}',
        b'"text"',
        b"[]",
        b"null",
    ],
    ids=[
        "cut",
        "twice",
        "nan",
        "huge exponent",
        "deep objects",
        "deep lists",
        "digits",
        "bytes",
        "text",
        "list",
        "null",
    ],
)
def test_a_line_that_is_no_object_is_an_error_of_its_own(read, line) -> None:
    found = read(some_jsonl({"title": "好的一行"}) + line + b"\n" + some_jsonl({"title": "又一行"}), "a.jsonl")
    assert len(found.records) == 2
    assert [error["row"] for error in found.findings.errors] == [2]
    assert found.codes[0] in {"json_invalid", "object_expected"}
    assert found.checker.tally.failed == 1


def test_an_object_without_anything_to_say_is_an_error(read) -> None:
    found = read(some_jsonl({}, {"id": "1"}), "a.jsonl")
    assert [(error["code"], error["field"]) for error in found.findings.errors] == [("missing", "title")] * 2


def test_a_line_longer_than_any_record_is_refused(read, monkeypatch) -> None:
    monkeypatch.setattr(files, "LONGEST_LINE", 100)
    found = read(some_jsonl({"title": "甲"}, {"title": "x" * 200}), "a.jsonl")
    assert (found.refused.code, found.refused.row) == ("line_too_long", 2)


def test_members_without_end_are_looked_at_no_further(read, monkeypatch) -> None:
    monkeypatch.setattr(tables, "MOST_COLUMNS", 3)
    rows = [{"title": "甲乙", f"x{n}": 1} for n in range(MOST_NOTICES + 50)]
    found = read(some_jsonl(*rows), "a.jsonl")
    assert len(found.findings.notices) == MOST_NOTICES
    assert len(found.records) == len(rows) - found.checker.tally.repeated


@pytest.mark.parametrize(
    ("row", "title"),
    [
        ({"text": "目的：提高强度。方法 采用激光熔覆。"}, "提高强度"),
        ({"title": "  ", "text": TEXT}, "采用流延法制备固态电解质薄膜"),
        ({"title": None, "summary": "只有摘要，没有正文"}, "只有摘要"),
    ],
)
def test_a_row_without_a_title_takes_the_first_clause_of_its_text(read, row, title) -> None:
    found = read(some_jsonl(row), "a.jsonl")
    assert found.records[0]["fresh"]["title"] == title
    assert "title" not in found.given[0]


def test_a_problem_without_a_title_may_take_it_from_its_background(read) -> None:
    found = read(some_jsonl({"background": "产线停机频繁，损失很大"}), "a.jsonl", "problem")
    assert found.records[0]["fresh"]["title"] == "产线停机频繁"


def test_every_wrong_place_is_named_and_nothing_of_it_repeated(read) -> None:
    canary = "泄密内容"
    header = ("标题", "技术就绪度", "所处阶段", "价格", "地区", "行业", "财政资助", "成果登记号", "电子邮箱", "摘要")
    row = ("好标题", canary, canary, canary, canary, canary, canary, canary, canary, "x" * 2001)
    found = read(some_csv(header, row), "a.csv")
    assert [error["column"] for error in found.findings.errors[:6]] == list(header[1:7])
    assert {error["field"] for error in found.findings.errors[6:]} == {
        "registration_number",
        "contact.name",
        "contact.email",
        "summary",
    }
    by_field = {error["field"]: error for error in found.findings.errors}
    assert by_field["contact.email"]["cell"] == "I2"
    assert canary not in json.dumps(found.findings.errors, ensure_ascii=False)
    assert found.checker.tally.failed == 1


def test_errors_beyond_a_thousand_are_counted(read) -> None:
    rows = [{"title": "甲", "trl": 77}] * (MOST_ERRORS + 10)
    found = read(some_jsonl(*rows), "a.jsonl")
    assert len(found.findings.errors) == MOST_ERRORS == MOST_FINDINGS
    assert found.findings.left_off == 10
    assert found.checker.tally.failed == MOST_ERRORS + 10


def test_more_rows_than_allowed_are_refused(read, monkeypatch) -> None:
    monkeypatch.setattr(checking, "MOST_ROWS", 2)
    found = read(some_jsonl(*({"title": f"第{n}项"} for n in range(3))), "a.jsonl")
    assert (found.refused.code, found.refused.row) == ("too_many_rows", 3)


def test_an_external_id_twice_is_an_error_that_names_both_rows(read) -> None:
    found = read(some_csv(("标题", "外部编号"), ("甲甲", "1"), ("乙乙", "2"), ("丙丙", "1")), "a.csv")
    (error,) = found.findings.errors
    assert (error["code"], error["row"], error["column"]) == ("external_id_repeated", 4, "外部编号")
    assert "2" in error["detail"]
    other = read(a_workbook(("一", [("标题", "编号"), ("甲甲", 1)]), ("二", [("标题", "编号"), ("乙乙", 1)])), "a.xlsx")
    assert "一!2" in other.findings.errors[0]["detail"]
    assert other.findings.errors[0]["sheet"] == "二"


def test_the_same_external_id_of_two_sources_is_two_records(read) -> None:
    rows = [{"title": "甲甲", "id": "1", "source": "一"}, {"title": "乙乙", "id": "1", "source": "二"}]
    found = read(some_jsonl(*rows), "a.jsonl")
    assert [record["fresh"]["source"] for record in found.records] == ["一", "二"]
    given = read(some_jsonl(*rows), "a.jsonl", source="三")
    assert given.codes == ["external_id_repeated"]
    assert read(some_jsonl({"title": "甲甲"}), "a.jsonl").records[0]["fresh"]["source"] == "import"


@pytest.mark.parametrize("wrong", ["x" * 101, "a\nb", "\u202e1", ["1"]])
def test_an_external_id_is_one_line_of_a_hundred_characters(read, wrong) -> None:
    found = read(some_jsonl({"title": "甲甲", "external_id": wrong}), "a.jsonl")
    assert [error["field"] for error in found.findings.errors] == ["external_id"]
    assert found.findings.errors[0]["column"] == "external_id"


def test_a_row_without_an_external_id_is_known_by_its_content_in_any_kind_of_file(read) -> None:
    table = [("标题", "正文", "技术就绪度", "摘要"), ("固态电池", TEXT, "7", "")]
    ids = {
        found.records[0]["fresh"]["external_id"]
        for found in (
            read(some_csv(*table), "a.csv"),
            read(some_csv(*table, encoding="gb18030"), "a.csv"),
            read(a_workbook(("表", table)), "a.xlsx"),
            read(some_jsonl({"title": "固态电池", "text": TEXT, "trl": 7}), "a.jsonl"),
        )
    }
    assert len(ids) == 1
    assert ids.pop().startswith("sha256:")
    assert content_id({"title": "甲"}) != content_id({"title": "乙"})


def test_like_rows_without_external_ids_are_imported_once(read) -> None:
    found = read(some_jsonl({"title": "甲甲"}, {"title": "乙乙"}, {"title": "甲甲"}), "a.jsonl")
    assert len(found.records) == 2
    assert found.noticed == {"row_repeated": 1}
    assert (found.checker.tally.rows, found.checker.tally.repeated, found.checker.tally.failed) == (3, 1, 0)


def test_blank_cells_say_that_there_is_nothing_and_missing_columns_say_nothing(read) -> None:
    found = read(some_csv(("标题", "关键词", "价格", "联系人", "联系电话"), ("甲甲", "", "", "", "")), "a.csv")
    given = found.given[0]
    assert given == {
        "title": "甲甲",
        "keywords": [],
        "price_kind": None,
        "price_low": None,
        "price_high": None,
        "contact": None,
    }


@pytest.mark.parametrize(
    ("parts", "price"),
    [
        ({"价格下限": "10万"}, ("fixed", 100000, None)),
        ({"价格下限": "10万", "价格上限": "20万"}, ("range", 100000, 200000)),
        ({"价格上限": "20万"}, ("range", 0, 200000)),
        ({"价格方式": "面议", "价格下限": "", "价格上限": ""}, ("negotiable", None, None)),
    ],
)
def test_a_price_in_parts(read, parts, price) -> None:
    found = read(some_csv(("标题", *parts), ("甲甲", *parts.values())), "a.csv")
    assert not found.codes
    assert tuple(found.given[0][f"price_{part}"] for part in ("kind", "low", "high")) == price


def test_a_problem_with_everything(read) -> None:
    header = (
        "难题名称",
        "背景",
        "详细说明",
        "技术指标",
        "已尝试方案",
        "所属行业",
        "相关学科",
        "地区",
        "预算下限（万元）",
        "预算上限（万元）",
        "截止日期",
        "知识产权归属",
        "解题方条件",
        "合作方式",
        "揭榜金额",
        "联系人",
        "联系电话",
        "编号",
    )
    row = (
        "锻模龟裂",
        "换模频繁",
        "求强化办法",
        "硬度>=60 HRC",
        "试过渗氮",
        "汽车制造业",
        "材料科学",
        "长春市",
        "60",
        "120",
        "2099/6/30",
        "共有",
        "有业绩",
        "合作开发",
        "5万",
        "张三",
        "0431-88888888",
        "P-1",
    )
    found = read(some_csv(header, row), "a.csv", "problem", publish=True)
    assert not found.codes
    given = found.given[0]
    assert (given["budget_low"], given["budget_high"], given["bounty"]) == (600000, 1200000, 50000)
    assert (given["industries"], given["disciplines"], given["region"]) == (["36"], ["430"], "220100")
    assert (str(given["deadline"]), given["ip_wish"], given["indicators"][0]["unit"]) == ("2099-06-30", "shared", "HRC")


def test_what_cannot_be_published_is_marked_to_stay_a_draft_and_told_of(read) -> None:
    found = read(some_csv(("标题", "正文"), ("甲甲", "有正文"), ("乙乙", ""), ("丙丙", "")), "a.csv", publish=True)
    assert not found.codes
    assert [record.get("draft", False) for record in found.records] == [False, True, True]
    (notice,) = found.findings.notices.values()
    assert (notice["row"], notice["rows"], notice["field"], notice["code"]) == (3, 2, "description", "kept_as_draft")
    row = {"title": "甲甲", "text": TEXT, "deadline": "2001-01-01"}
    passed = read(some_jsonl(row), "a.jsonl", "problem", publish=True)
    assert [notice["field"] for notice in passed.findings.notices.values()] == ["deadline"]
    assert not read(some_jsonl({"title": "甲甲"}), "a.jsonl").findings.notices


@pytest.mark.parametrize("cell", ["甲" * 100_000, "x" * 2_000_000], ids=["100k", "2M"])
def test_cells_far_too_long(read, cell) -> None:
    found = read(some_csv(("标题", "正文"), ("甲甲", cell)), "a.csv")
    if found.refused is None:
        assert [(error["row"], error["code"]) for error in found.findings.errors] == [(2, "text_too_long")]
    else:
        assert found.refused.code == "csv_broken"
    lines = read(some_jsonl({"title": "甲甲", "text": cell}), "a.jsonl")
    assert lines.codes == ["text_too_long"]


def test_long_cells_where_codes_and_numbers_belong_are_wrong_in_no_time(read) -> None:
    fields = dict.fromkeys(
        ("region", "industries", "discipline", "stage", "price", "trl", "team", "publicly_funded"), "1甲" * 50_000
    )
    found = read(some_jsonl({"title": "甲甲"} | fields), "a.jsonl")
    assert {error["field"] for error in found.findings.errors} >= {"region", "industries", "stage", "price", "trl"}


@pytest.mark.parametrize(
    ("name", "beginning", "kind"),
    [
        ("a.jsonl", b"{}", FileType.JSONL),
        ("A.NDJSON", b"{}", FileType.JSONL),
        ("成果.CSV", b"a", FileType.CSV),
        ("a.xlsx", b"PK\x03\x04", FileType.XLSX),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileType.XLS),
    ],
)
def test_the_ending_says_the_type(name, beginning, kind) -> None:
    assert file_type(name, beginning) is kind


@pytest.mark.parametrize(
    ("name", "beginning", "code"),
    [
        ("a.et", b"\xd0\xcf\x11\xe0", "file_type"),
        ("a.json", b"[]", "file_type"),
        ("a.exe", b"MZ", "file_type"),
        ("a.svg", b"<svg onload=alert(1)>", "file_type"),
        ("noending", b"a", "file_type"),
        (None, b"a", "file_type"),
        ("a.csv", b"", "file_empty"),
        ("a.csv", b"PK\x03\x04", "file_content"),
        ("a.jsonl", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "file_content"),
        ("a.xlsx", b"a,b", "file_content"),
        ("a.xls", b"<html><table>", "file_content"),
        ("a.xls", b"PK\x03\x04", "file_content"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "workbook_locked"),
    ],
)
def test_what_is_not_what_its_ending_says_is_refused_with_advice(name, beginning, code) -> None:
    with pytest.raises(FileRefused) as refused:
        file_type(name, beginning)
    assert refused.value.code == code
    assert " · " in refused.value.detail
    if name == "a.et":
        assert ".xlsx" in refused.value.detail


def test_old_workbooks_are_read(read) -> None:
    rows = [("标题", "技术就绪度", "编号"), ("固态电池", 7.0, 12.0)]
    found = read(an_old_workbook(rows, "成果"), "旧.xls")
    assert found.refused is None
    assert found.given == [{"title": "固态电池", "trl": 7}]
    assert (found.records[0]["fresh"]["external_id"], found.records[0]["at"]) == ("12", ["成果", 2])


def test_columns_have_letters() -> None:
    assert [letter(n) for n in (0, 25, 26, 51, 52, 701, 702)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]
