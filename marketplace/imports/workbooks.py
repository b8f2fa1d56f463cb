"""Workbooks. What opens them may be a trap, so this runs in the checking process only, under its limits."""

import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import python_calamine

from marketplace.imports.files import MOST_ROWS, no_header
from marketplace.imports.findings import FileRefused, Findings
from marketplace.imports.tables import Line, Row, rows, shown
from schemas.imports import FileType, ImportKind

MOST_MEMBERS: Final = 2000
MOST_UNPACKED: Final = 200 * 1024 * 1024
MOST_SHEETS: Final = 50
_DIRECTORY: Final = b"PK\x01\x02"
_LOCAL_HEADER: Final = 30
_PIECE: Final = 1024 * 1024
# Sheets of the template that explain it.
NOTES: Final = "填写说明"
CODES: Final = "代码"


def _too_big() -> FileRefused:
    return FileRefused(
        "workbook_too_big",
        f"工作簿解压后超过 {MOST_UNPACKED // 1024**2} MB：请拆成几个文件，或另存为 CSV"
        f" · unpacked, the workbook is larger than {MOST_UNPACKED // 1024**2} MB: split it, or save it as CSV",
    )


def _broken() -> FileRefused:
    return FileRefused(
        "workbook_broken",
        "工作簿无法打开：请用 Excel 或 WPS 打开后另存为 .xlsx · the workbook cannot be opened: save it anew as .xlsx",
    )


def check_unpacked(path: Path) -> None:
    """Refuse a workbook that says, or turns out, to be too big once unpacked. Nothing is kept of what is unpacked."""
    if path.read_bytes().count(_DIRECTORY) > MOST_MEMBERS:
        raise _too_big()
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as packed:
            members = archive.infolist()
            fits = sum(member.file_size for member in members) <= MOST_UNPACKED
            honest = fits and all(_unpacked(packed, member) == member.file_size for member in members)
    except Exception:  # noqa: BLE001 -- what a broken archive makes zipfile and zlib raise is written down nowhere
        raise _broken() from None
    if not fits:
        raise _too_big()
    if not honest:
        raise _broken()


def _unpacked(packed: BinaryIO, member: zipfile.ZipInfo) -> int:
    """How long a member really is, counted no further than what it says of itself."""
    packed.seek(member.header_offset)
    name, extra = struct.unpack("<HH", packed.read(_LOCAL_HEADER)[-4:])
    packed.seek(name + extra, os.SEEK_CUR)
    if member.compress_type == zipfile.ZIP_STORED:
        return len(packed.read(member.compress_size))
    if member.compress_type != zipfile.ZIP_DEFLATED:
        raise zipfile.BadZipFile
    engine, left, found = zlib.decompressobj(-zlib.MAX_WBITS), member.compress_size, 0
    while left > 0 and not engine.eof and found <= member.file_size:
        part = packed.read(min(left, _PIECE))
        if not part:
            break
        left -= len(part)
        while part and found <= member.file_size:
            found += len(engine.decompress(part, _PIECE))
            part = engine.unconsumed_tail
    return found


def workbook_rows(path: Path, kind: ImportKind, file_type: FileType, findings: Findings) -> Iterator[Row]:
    """The rows of every visible sheet that has a header; other sheets are named in a notice."""
    if file_type is FileType.XLSX:
        check_unpacked(path)
    try:
        book = python_calamine.CalamineWorkbook.from_path(path)
    except python_calamine.PasswordError:
        raise FileRefused(
            "workbook_locked", "请去掉工作簿的密码再导入 · remove the workbook's password, then import it"
        ) from None
    except (python_calamine.CalamineError, OSError, ValueError):
        raise _broken() from None
    found = 0
    with book:
        if len(book.sheets_metadata) > MOST_SHEETS:
            raise FileRefused("too_many_sheets", f"最多 {MOST_SHEETS} 张工作表 · at most {MOST_SHEETS} sheets")
        for meta in book.sheets_metadata:
            name = shown(meta.name)
            if meta.typ is not python_calamine.SheetTypeEnum.WorkSheet or name in {NOTES, CODES}:
                continue
            findings.sheet, findings.row = name, None
            if meta.visible is not python_calamine.SheetVisibleEnum.Visible:
                findings.notice(None, "sheet_hidden", "隐藏的工作表没有导入 · this hidden sheet was not imported")
                continue
            below = rows(kind, name, _lines(book, meta.name, findings), findings)
            if below is None:
                findings.sheet, findings.row = name, None
                findings.notice(
                    None,
                    "sheet_skipped",
                    "这张工作表没有可识别的表头，没有导入 · no header is known in this sheet; not imported",
                )
                continue
            found += 1
            yield from below
    if not found:
        findings.sheet = findings.row = None
        raise no_header(kind)


def _lines(book: python_calamine.CalamineWorkbook, name: str, findings: Findings) -> Iterator[Line]:
    try:
        sheet = book.get_sheet_by_name(name)
    except (python_calamine.CalamineError, ValueError):
        raise _broken() from None
    if sheet.start is None:
        return
    findings.expected += sheet.height
    # It counts rows from the sheet's first, but columns from the first that holds something.
    before = [None] * sheet.start[1]
    empty = 0
    for number, cells in enumerate(sheet.iter_rows(), 1):
        if any(cell not in ("", None) for cell in cells):
            yield number, [*before, *cells]
        else:
            empty += 1
            if empty > 5 * MOST_ROWS:
                return
