"""What kind of file it is, and the lines of text files: JSON lines and CSV in the encodings that are about."""

import codecs
import csv
import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Final, TextIO

from marketplace.imports.findings import FileRefused, Findings
from marketplace.imports.tables import HEADER_WITHIN, Line, Objects, Row, headers, rows
from schemas.imports import FileType, ImportKind

_BY_ENDING: Final = {
    ".jsonl": FileType.JSONL,
    ".ndjson": FileType.JSONL,
    ".csv": FileType.CSV,
    ".tsv": FileType.CSV,
    ".xlsx": FileType.XLSX,
    ".xls": FileType.XLS,
}
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OTHERS: Final = {
    ".et": "WPS 表格（.et）请另存为 .xlsx 再导入 · save the WPS spreadsheet (.et) as .xlsx, then import that",
    ".xlsm": "含宏的工作簿请另存为 .xlsx · save the workbook with macros as .xlsx",
    ".xlsb": "二进制工作簿请另存为 .xlsx · save the binary workbook as .xlsx",
    ".ods": "OpenDocument 表格请另存为 .xlsx · save the OpenDocument spreadsheet as .xlsx",
    ".json": "请用每行一个对象的 JSON Lines（.jsonl） · use JSON Lines (.jsonl), one object a line",
    ".zip": "请先解压 · unpack it first",
}
_HEADED: Final = {
    ImportKind.ACHIEVEMENT: "成果名称、详细说明、关键词…",
    ImportKind.PROBLEM: "难题名称、详细说明、关键词…",
    ImportKind.INSTRUMENT: "仪器名称、规格型号、仪器分类…",
    ImportKind.EXPERT: "姓名、职称、研究方向…",
}
ACCEPTED: Final = " ".join(_BY_ENDING)
MOST_ROWS: Final = 200_000
LONGEST_LINE: Final = 4 * 1024 * 1024
LONGEST_CELL: Final = 1024 * 1024
BEGINNING: Final = 4096
_SAMPLE: Final = 256 * 1024


def file_type(name: str | None, beginning: bytes) -> FileType:
    """The type that the ending says and the first bytes do not deny."""
    ending = PurePosixPath(PureWindowsPath(name or "").name).suffix.lower()
    kind = _BY_ENDING.get(ending)
    if kind is None:
        advice = _OTHERS.get(ending, f"支持的类型：{ACCEPTED} · accepted: {ACCEPTED}")
        raise FileRefused("file_type", advice)
    if not beginning:
        raise FileRefused("file_empty", "文件是空的 · the file is empty")
    zipped, old = beginning.startswith(_ZIP), beginning.startswith(_OLE)
    if kind is FileType.XLSX and old:
        raise FileRefused(
            "workbook_locked",
            "工作簿加了密码，或其实是旧格式：请去掉密码并另存为 .xlsx"
            " · the workbook has a password, or is of the old kind: remove the password and save it as .xlsx",
        )
    if zipped != (kind is FileType.XLSX) or old != (kind is FileType.XLS):
        raise FileRefused(
            "file_content",
            f"内容不是 {ending} 文件：请用原来的软件另存为 .xlsx 或 .csv"
            f" · the content is not that of a {ending} file: save it as .xlsx or .csv with the program it came from",
        )
    return kind


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    with path.open("rb") as file:
        try:
            while part := file.read(1024 * 1024):
                decoder.decode(part)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _beginning(path: Path, encoding: str) -> str:
    """The first lines under an encoding; what cannot be read is marked."""
    with path.open("rb") as file:
        return codecs.getincrementaldecoder(encoding)("replace").decode(file.read(_SAMPLE))


def _table(text: str, delimiter: str) -> list[list[str]]:
    lines = text.splitlines(keepends=True)[: 4 * HEADER_WITHIN]
    return list(islice(csv.reader(lines, delimiter=delimiter), HEADER_WITHIN))


def _known_headers(text: str, kind: ImportKind) -> dict[str, int]:
    """How many headers are known when this or that sign divides the cells."""
    return {sign: headers(kind, _table(text, sign)) for sign in ",\t;"}


def encoding_of(path: Path, kind: ImportKind) -> str:
    """The encoding under which the whole file can be read and its header is known.

    A byte order mark settles it. Otherwise the header decides: 标题 in GB18030 is no UTF-8, but a file of a few words
    may be valid in both. Where the header is known in neither, validity decides, UTF-8 first.
    """
    with path.open("rb") as file:
        mark = file.read(4)
    if mark.startswith(codecs.BOM_UTF8):
        likely = ["utf-8-sig"]
    elif mark.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        likely = ["utf-16"]
    else:
        likely = ["utf-8", "gb18030"]
    telling = [name for name in likely if max(_known_headers(_beginning(path, name), kind).values())]
    for encoding in telling or likely:
        if _decodes(path, encoding):
            return encoding
    row = _first_wrong_line(path, (telling or likely)[0])
    raise FileRefused(
        "file_encoding",
        "有的字节不是 UTF-8 或 GB18030 文字：请另存为 UTF-8 CSV 或 .xlsx"
        " · some bytes are neither UTF-8 nor GB18030 text: save the file as UTF-8 CSV or .xlsx",
        row=row,
    )


def _first_wrong_line(path: Path, encoding: str) -> int | None:
    if encoding == "utf-16":
        return None
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError:
                return number
    return None


def _line_ends(path: Path) -> int:
    with path.open("rb") as file:
        return sum(part.count(b"\n") for part in iter(lambda: file.read(1024 * 1024), b""))


def csv_rows(path: Path, kind: ImportKind, findings: Findings) -> Iterator[Row]:
    findings.expected = _line_ends(path)
    csv.field_size_limit(LONGEST_CELL)
    encoding = encoding_of(path, kind)
    by_sign = _known_headers(_beginning(path, encoding), kind)
    with path.open(encoding=encoding, newline="") as file:
        found = rows(kind, None, _lines(file, max(by_sign, key=by_sign.__getitem__)), findings)
        if found is None:
            raise no_header(kind)
        yield from found


def _lines(file: TextIO, delimiter: str) -> Iterator[Line]:
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    before = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise FileRefused(
                "csv_broken",
                "从这一行起引号不成对，或单元格过长 · from this row on quotation marks do not pair up, or a cell is too long",
                row=before + 1,
            ) from None
        yield before + 1, cells
        before = reader.line_num


def no_header(kind: ImportKind) -> FileRefused:
    names = _HEADED[kind]
    return FileRefused(
        "no_header",
        f"找不到表头：前 {HEADER_WITHIN} 行里应有一行写着列名（{names}），可下载模板"
        f" · no header found: one of the first {HEADER_WITHIN} rows should name the columns ({names}); a template can be downloaded",
    )


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


# As strict as the API's own reading of bodies, which lives among web and database and is slow to start.
_decoder = json.JSONDecoder(parse_constant=_no_constant, parse_float=Decimal, object_pairs_hook=_no_name_twice)


def jsonl_rows(path: Path, kind: ImportKind, findings: Findings) -> Iterator[Row]:
    """One object a line. A line that is none is an error of its own."""
    objects = Objects(kind, findings)
    findings.expected = _line_ends(path)
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE + 1), b""), 1):
            findings.row = number
            if len(line) > LONGEST_LINE:
                raise FileRefused(
                    "line_too_long",
                    f"这一行超过 {LONGEST_LINE} 字节；JSON Lines 每行一个对象"
                    f" · this line is longer than {LONGEST_LINE} bytes; JSON Lines has one object a line",
                    row=number,
                )
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)  # noqa: PLW2901 -- only the first line can have one
            if not line.strip():
                continue
            members: Any = None
            try:
                members = _decoder.decode(line.decode())
            except (ValueError, ArithmeticError, RecursionError) as error:
                at = f" ({error.colno})" if isinstance(error, json.JSONDecodeError) else ""
                findings.error(
                    None,
                    code="json_invalid",
                    detail=f"这一行不是 UTF-8 的有效 JSON{at}：不允许 NaN、重复的名字或多余内容"
                    f" · this line is not valid JSON in UTF-8{at}: no NaN, no name twice, nothing behind the end",
                )
            else:
                if isinstance(members, dict):
                    yield objects.row(number, members)
                    continue
                findings.error(
                    None, code="object_expected", detail="每行应是一个对象 {…} · each line is one object {…}"
                )
            yield Row(None, number, None)
