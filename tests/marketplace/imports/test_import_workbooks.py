"""Workbooks, good and evil. The evil ones go through the checking process, as they do in life."""

import asyncio
import datetime as dt
import io
import json
import os
import resource
import struct
import sys
import time
import types
import zipfile
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest
import python_calamine
import xlsxwriter

from marketplace.imports import checking, process, reading, workbooks
from marketplace.imports.reading import Report
from schemas.listings import ListingKind
from tests.marketplace.imports.conftest import TEXT, a_workbook, rezipped, some_jsonl

PLAIN = [("标题", "正文"), ("固态电池", TEXT)]
SHEET = "xl__worksheets__sheet1_xml"
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def a_sheet(cells: str, dimension: str = "A1", *, before: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>{before}<worksheet {_MAIN}>'
        f'<dimension ref="{dimension}"/><sheetData>{cells}</sheetData></worksheet>'
    ).encode()


def text_cell(at: str, text: str) -> str:
    return f'<c r="{at}" t="inlineStr"><is><t>{text}</t></is></c>'


async def nothing(checked: int, expected: int) -> None:
    pass


@pytest.fixture
def check(tmp_path: Path):
    async def do(content: bytes, name: str = "a.xlsx", *, seconds: float = 60, on_progress=nothing) -> Report:
        path = tmp_path / "file"
        path.write_bytes(content)
        return await reading.check(
            path,
            tmp_path / "spool",
            name=name,
            kind=ListingKind.ACHIEVEMENT,
            source=None,
            publish=False,
            on_progress=on_progress,
            seconds=seconds,
        )

    return do


def test_sheets_rows_and_typed_cells(read) -> None:
    rows = [
        ("成果名称", "正文", "TRL", "财政资助", "成果登记号", "价格", "外部编号"),
        ("固态电池", TEXT, 7, True, 123456789012, 500000.5, 12),
        (),
        ("乙项成果", TEXT, "８", "否", "", "面议", "A-2"),
    ]
    found = read(
        a_workbook(
            ("一", [("年度汇总",), *rows]), ("说明页", [("随便写写",)]), ("填写说明", [("标题",), ("不要导入",)])
        ),
        "a.xlsx",
    )
    assert not found.codes
    first, second = found.given
    assert (first["trl"], first["publicly_funded"], first["registration_number"]) == (7, True, "123456789012")
    assert (first["price_low"], second["trl"], second["price_kind"]) == (Decimal("500000.50"), 8, "negotiable")
    assert [record["at"] for record in found.records] == [["一", 3], ["一", 5]]
    assert [record["fresh"]["external_id"] for record in found.records] == ["12", "A-2"]
    assert found.noticed == {"sheet_skipped": 1}


def test_a_workbook_s_own_dates_are_days(read) -> None:
    rows = [("难题名称", "截止日期"), ("锻模龟裂", dt.date(2027, 6, 30)), ("锻模开裂", dt.datetime(2027, 7, 1, 8))]  # noqa: DTZ001 -- a workbook knows no zone
    found = read(a_workbook(("一", rows)), "a.xlsx", "problem")
    assert [given["deadline"] for given in found.given] == [dt.date(2027, 6, 30), dt.date(2027, 7, 1)]


def test_tables_that_do_not_begin_in_the_corner_keep_their_places(read) -> None:
    held = io.BytesIO()
    with xlsxwriter.Workbook(held) as book:
        sheet = book.add_worksheet("一")
        sheet.write_row(3, 2, ("标题", "TRL"))
        sheet.write_row(5, 2, ("甲甲", 77))
    found = read(held.getvalue(), "a.xlsx")
    (error,) = found.findings.errors
    assert (error["sheet"], error["row"], error["cell"]) == ("一", 6, "D6")


def test_hidden_sheets_are_left_out_and_said_to_be(read) -> None:
    held = io.BytesIO()
    with xlsxwriter.Workbook(held) as book:
        book.add_worksheet("一").write_column(0, 0, ("标题", "甲甲"))
        hidden = book.add_worksheet("二")
        hidden.write_column(0, 0, ("标题", "乙乙"))
        hidden.hide()
        book.add_chartsheet("图")
    found = read(held.getvalue(), "a.xlsx")
    assert [given["title"] for given in found.given] == ["甲甲"]
    assert found.noticed == {"sheet_hidden": 1}


def test_formulas_are_their_values_and_failed_ones_are_blank(read) -> None:
    held = io.BytesIO()
    with xlsxwriter.Workbook(held) as book:
        sheet = book.add_worksheet("一")
        sheet.write_row(0, 0, ("标题", "TRL", "摘要"))
        sheet.write(1, 0, "甲甲")
        sheet.write_formula(1, 1, "=3+4", None, 7)
        sheet.write_formula(1, 2, "=1/0", None, "#DIV/0!")
    assert read(held.getvalue(), "a.xlsx").given == [{"title": "甲甲", "trl": 7, "summary": None}]


def test_no_sheet_with_a_header_and_too_many_sheets(read, monkeypatch) -> None:
    assert read(a_workbook(("一", [("甲", "乙")]), ("空", [])), "a.xlsx").refused.code == "no_header"
    monkeypatch.setattr(workbooks, "MOST_SHEETS", 1)
    assert read(a_workbook(("一", PLAIN), ("二", PLAIN)), "a.xlsx").refused.code == "too_many_sheets"


def test_rows_without_end_that_hold_nothing_are_not_counted_to_the_end(read, monkeypatch) -> None:
    monkeypatch.setattr(workbooks, "MOST_ROWS", 2)
    rows = text_cell("A1", "标题"), text_cell("A2", "甲甲"), text_cell("A100", "乙乙")
    cells = "".join(f'<row r="{number}">{cell}</row>' for number, cell in zip((1, 2, 100), rows, strict=True))
    found = read(rezipped(a_workbook(("一", PLAIN)), **{SHEET: a_sheet(cells, "A1:A100")}), "a.xlsx")
    assert [given["title"] for given in found.given] == ["甲甲"]


# -- evil --------------------------------------------------------------------------------------------------------------


@cache
def a_bomb() -> bytes:
    """Some kilobytes that unpack to hundreds of megabytes."""
    huge = a_sheet("", "A1:A1").replace(b"<sheetData>", b"<sheetData>" + b" " * (workbooks.MOST_UNPACKED + 1))
    return rezipped(a_workbook(("一", PLAIN)), **{SHEET: huge})


def a_lying_bomb() -> bytes:
    """The same, whose directory says that it is small."""
    content = bytearray(a_bomb())
    for mark, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = content.find(mark)
        while at >= 0:
            if struct.unpack_from("<I", content, at + place)[0] > 2**26:
                struct.pack_into("<I", content, at + place, 1000)
            at = content.find(mark, at + 4)
    return bytes(content)


def declared(dimension: str, *places: str) -> bytes:
    """A sheet that claims a size, with a header and something at a few places."""
    cells = (
        f'<row r="1">{text_cell("A1", "标题")}{text_cell("B1", "正文")}</row><row r="2">{text_cell("A2", "甲甲")}</row>'
    )
    for at in places:
        cells += f'<row r="{at.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")}">{text_cell(at, "乙乙")}</row>'
    return rezipped(a_workbook(("一", PLAIN)), **{SHEET: a_sheet(cells, dimension)})


@pytest.mark.parametrize(
    ("make", "codes"),
    [
        (a_bomb, {"workbook_too_big"}),
        (a_lying_bomb, {"workbook_too_big", "workbook_broken"}),
        (lambda: declared("A1:XFD1048576"), {None}),
        (lambda: declared("A1:B1048576", "A1048576"), {None}),
        (lambda: declared("A1:XFD1048576", "XFD1048576"), {"file_too_heavy", "workbook_broken"}),
        (lambda: b"PK\x03\x04" + os.urandom(5000), {"workbook_broken"}),
        (lambda: a_workbook(("一", PLAIN))[:-200], {"workbook_broken"}),
        (
            lambda: rezipped(a_workbook(("一", PLAIN)), **{SHEET: b"<worksheet><sheetData><row><c"}),
            {"workbook_broken", "no_header"},
        ),
        (lambda: rezipped(b"PK\x05\x06" + b"\0" * 18, readme_xml=b"x"), {"workbook_broken"}),
        (lambda: rezipped(a_workbook(("一", PLAIN)), **{f"x{n}_xml": b"x" for n in range(3000)}), {"workbook_too_big"}),
    ],
    ids=[
        "bomb",
        "lying bomb",
        "claims 10^6 rows",
        "10^6 rows",
        "far corner",
        "noise",
        "cut",
        "broken sheet",
        "no workbook",
        "3000 members",
    ],
)
async def test_an_evil_workbook_is_refused_quickly_and_costs_this_process_nothing(check, make, codes) -> None:
    content = make()
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    report = await check(content)
    assert time.perf_counter() - started < 30
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
    if codes == {None}:
        assert not report.refused
        assert report.records in {1, 2}
    else:
        assert report.refused
        assert report.errors[0].code in codes
        assert " · " in report.errors[0].detail


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;&x;&x;"><!ENTITY z "&y;&y;&y;&y;&y;&y;&y;&y;&y;&y;">]>',
    ],
    ids=["a file from outside", "a billion laughs"],
)
async def test_entities_are_never_followed(check, tmp_path, doctype) -> None:
    cells = f'<row r="1">{text_cell("A1", "标题")}</row><row r="2">{text_cell("A2", "甲甲 &x; &z;")}</row>'
    report = await check(rezipped(a_workbook(("一", PLAIN)), **{SHEET: a_sheet(cells, before=doctype)}))
    spooled = (tmp_path / "spool").read_text() if (tmp_path / "spool").exists() else ""
    assert "root:" not in spooled
    assert "haha" not in spooled
    assert report.refused or report.records == 1


async def test_links_to_other_files_are_not_opened(check) -> None:
    link = (
        f'<?xml version="1.0"?><externalLink {_MAIN} xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
        '<externalBook r:id="rId1"/></externalLink>'
    )
    report = await check(rezipped(a_workbook(("一", PLAIN)), xl__externalLinks__externalLink1_xml=link.encode()))
    assert (report.refused, report.records) == (False, 1)


async def test_a_check_that_takes_too_long_is_ended(check) -> None:
    rows = some_jsonl(*({"title": f"第{n}项成果", "text": TEXT} for n in range(20_000)))
    report = await check(rows, "a.jsonl", seconds=0.5)
    assert [error.code for error in report.errors] == ["file_too_heavy"]


async def test_a_check_whose_asker_goes_away_is_ended(check) -> None:
    class GoneError(Exception):
        pass

    async def leave(checked: int, expected: int) -> None:
        raise GoneError

    rows = some_jsonl(*({"title": f"第{n}项成果", "text": TEXT} for n in range(2_000)))
    with pytest.raises(GoneError):
        await check(rows, "a.jsonl", on_progress=leave)
    waiting = asyncio.ensure_future(check(rows, "a.jsonl"))
    await asyncio.sleep(0.2)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_progress_is_told_in_rows_of_about_how_many(check) -> None:
    ticks = []

    async def note(checked: int, expected: int) -> None:
        ticks.append((checked, expected))

    rows = some_jsonl(*({"title": f"第{n}项成果", "text": TEXT} for n in range(1_200)))
    report = await check(rows, "a.jsonl", on_progress=note)
    assert ticks == [(500, 1200), (1000, 1200)]
    assert (report.records, report.sizes) == (1200, [500, 500, 200])


def saying(content: bytes, **sizes: int) -> bytes:
    """A workbook whose directory lies about the sizes or the packing of every member."""
    places = {"file_size": (24, "<I"), "compress_size": (20, "<I"), "compress_type": (10, "<H")}
    lying = bytearray(content)
    at = lying.find(b"PK\x01\x02")
    while at >= 0:
        for name, size in sizes.items():
            place, form = places[name]
            struct.pack_into(form, lying, at + place, size)
        at = lying.find(b"PK\x01\x02", at + 4)
    return bytes(lying)


def test_sizes_are_what_they_turn_out_to_be_and_not_what_they_are_said_to_be(read, monkeypatch) -> None:
    good = a_workbook(("一", PLAIN))
    for lie in (
        {"file_size": 1},
        {"file_size": 10**6},
        {"compress_size": 5},
        {"compress_type": 12},
        {"compress_type": 0},
    ):
        assert read(saying(good, **lie), "a.xlsx").refused.code == "workbook_broken", lie
    monkeypatch.setattr(workbooks, "_PIECE", 100)
    assert read(saying(good, file_size=150), "a.xlsx").refused.code == "workbook_broken"
    assert read(good, "a.xlsx").records
    stored = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good)) as before, zipfile.ZipFile(stored, "w", zipfile.ZIP_STORED) as after:
        for name in before.namelist():
            after.writestr(name, before.read(name))
    assert read(stored.getvalue(), "a.xlsx").records
    for limit in ("MOST_UNPACKED", "MOST_MEMBERS"):
        with monkeypatch.context() as patch:
            patch.setattr(workbooks, limit, 3)
            assert read(good, "a.xlsx").refused.code == "workbook_too_big"


@pytest.mark.parametrize(
    "content",
    [b"PK\x03\x04 and no more", rezipped(b"PK\x05\x06" + b"\0" * 18, readme_xml=b"x")],
    ids=["no archive", "no workbook"],
)
def test_what_is_no_workbook_is_broken(read, content) -> None:
    assert read(content, "a.xlsx").refused.code == "workbook_broken"
    assert read(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + content, "a.xls").refused.code == "workbook_broken"


def test_a_sheet_that_breaks_and_a_workbook_with_a_password(read, monkeypatch) -> None:
    broken = rezipped(a_workbook(("一", PLAIN)), **{SHEET: b"<worksheet><sheetData><row><c r="})
    assert read(broken, "a.xlsx").refused.code in {"workbook_broken", "no_header"}

    def locked(path):
        raise python_calamine.PasswordError

    monkeypatch.setattr(
        workbooks,
        "python_calamine",
        types.SimpleNamespace(**vars(python_calamine) | {"CalamineWorkbook": types.SimpleNamespace(from_path=locked)}),
    )
    assert read(a_workbook(("一", PLAIN)), "a.xlsx").refused.code == "workbook_locked"


def test_a_sheet_that_cannot_be_opened(read, monkeypatch) -> None:
    class Book:
        sheets_metadata = python_calamine.CalamineWorkbook.from_filelike(
            io.BytesIO(a_workbook(("一", PLAIN)))
        ).sheets_metadata

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def get_sheet_by_name(self, _):
            raise python_calamine.WorksheetNotFound

    monkeypatch.setattr(
        workbooks,
        "python_calamine",
        types.SimpleNamespace(
            **vars(python_calamine) | {"CalamineWorkbook": types.SimpleNamespace(from_path=lambda _: Book())}
        ),
    )
    assert read(a_workbook(("一", PLAIN)), "a.xlsx").refused.code == "workbook_broken"


async def test_a_process_that_dies_in_mid_sentence_is_a_file_too_heavy(check, monkeypatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/echo")
    report = await check(b"{}", "a.jsonl")
    assert (report.refused, report.errors[0].code) == (True, "file_too_heavy")


# -- the process itself ------------------------------------------------------------------------------------------------


def test_the_process_does_what_it_is_told(tmp_path, capsys, monkeypatch) -> None:
    (tmp_path / "file").write_bytes(some_jsonl(*({"title": f"第{n}项成果"} for n in range(600)), {"trl": 99}))
    limits = {}
    monkeypatch.setattr(resource, "setrlimit", lambda what, bound: limits.update({what: bound}))
    monkeypatch.setattr(
        resource, "getrlimit", lambda what: (0, 50 if what == resource.RLIMIT_CPU else resource.RLIM_INFINITY)
    )
    monkeypatch.setattr(process, "without_the_front_door", lambda _: None)
    task = {"path": str(tmp_path / "file"), "name": "a.jsonl", "kind": "achievement", "source": None, "publish": False}
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(task | {"spool": str(tmp_path / "spool")}) + "\n"))
    process.main()
    assert limits[resource.RLIMIT_AS] == (process.MEMORY, process.MEMORY)
    assert limits[resource.RLIMIT_CPU] == (50, 50)
    progress, last = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert progress == {"checked": 500, "expected": 601}
    report = last["report"]
    assert (report["rows"], report["failed"], report["sizes"]) == (601, 1, [500, 100])
    lines = (tmp_path / "spool").read_text().splitlines()
    assert [len(json.loads(line)) for line in lines] == [500, 100]


def test_the_process_says_why_a_file_is_refused_and_when_it_holds_nothing(tmp_path, capsys) -> None:
    task = {
        "path": str(tmp_path / "file"),
        "kind": "achievement",
        "source": None,
        "publish": False,
        "spool": str(tmp_path / "s"),
    }
    (tmp_path / "file").write_bytes(b"\n")
    process.work(task | {"name": "a.exe"})
    process.work(task | {"name": "a.jsonl"})
    refused, empty = (json.loads(line)["report"] for line in capsys.readouterr().out.splitlines())
    assert refused["refused"]["code"] == "file_type"
    assert [notice["code"] for notice in empty["notices"]] == ["no_rows"]


def test_long_records_make_small_chunks(read, monkeypatch) -> None:
    monkeypatch.setattr(checking, "CHUNK_BYTES", 1000)
    out = io.BytesIO()
    found = read(some_jsonl(*({"title": f"第{n}项成果", "text": TEXT} for n in range(6))), "a.jsonl")
    assert checking.spool(iter(found.records), out, lambda: None) == [3, 3]


def test_a_stand_in_lets_modules_be_imported_without_their_package(monkeypatch) -> None:
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    process.without_the_front_door("matching")
    assert isinstance(sys.modules["matching"], types.ModuleType)
    assert sys.modules["matching"].__path__[0].endswith("/matching")


async def test_the_process_knows_neither_database_nor_web() -> None:
    code = (
        "import sys; from marketplace.imports import process; process.without_the_front_door('matching');"
        "import marketplace.imports.checking, marketplace.imports.checkers;"
        "print([m for m in ('sqlalchemy', 'asyncpg', 'fastapi', 'starlette', 'scipy', 'sklearn', 'numba') if m in sys.modules])"
    )
    running = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    out, _ = await running.communicate()
    assert out.decode().strip() == "[]"
