"""The workbook that people fill in: columns to import, what goes into each, and the codes at hand."""

import io
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

import xlsxwriter

from marketplace.imports.columns import Field
from marketplace.imports.fields import FIELDS
from marketplace.imports.workbooks import CODES, NOTES
from marketplace.labs import written
from schemas.codes import DISCIPLINES, INDUSTRIES, INSTRUMENT_CLASSES, REGIONS, TRL, Table
from schemas.imports import ImportKind

SHEETS: Final = {
    ImportKind.ACHIEVEMENT: "科技成果",
    ImportKind.PROBLEM: "技术难题",
    ImportKind.INSTRUMENT: "仪器",
    ImportKind.EXPERT: "专家",
}
ROWS: Final = 2000

_CHOICES: Final[dict[str, list[str]]] = {
    "trl": [str(level) for level in range(1, 10)],
    "stage": ["初期", "中期", "成熟应用"],
    "publicly_funded": ["是", "否"],
    "ip_wish": ["归企业", "归解题方", "共有", "面议"],
    "kind": list(written.KINDS.values()),
    "audience": list(written.AUDIENCES.values()),
    "operation": list(written.OPERATIONS.values()),
    "needs_qualification": ["是", "否"],
    "position.datum": list(written.DATUMS.values()),
}
_WIDE: Final = frozenset(
    {
        "title",
        "summary",
        "description",
        "background",
        "tried",
        "solver_conditions",
        "indicators",
        "capabilities",
        "hours",
        "focus",
        "achievement_ids",
    }
)
_GENERAL: Final = (
    "每行一条记录；第一行是列名，不要删改，用不到的列可以删去。",
    "One record a row. Keep the header in the first row; columns you do not need may be removed.",
    "再次导入：同一“外部编号”的行更新原记录，已删去的列保持不变；没有外部编号的行按内容识别，改动后会成为新记录。",
    "Importing again: a row with the same 外部编号 updates its record, and columns that were removed stay as they are.",
    "A row without one is known by its content and becomes a new record once that changes.",
)


def _offered(kind: ImportKind) -> list[Field]:
    return [field for field in FIELDS[kind] if field.offered]


@lru_cache(maxsize=len(ImportKind))
def workbook(kind: ImportKind) -> bytes:
    """The template's bytes."""
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"in_memory": True}) as book:
        head = book.add_format({"bold": True, "bg_color": "#DDEBF7", "bottom": 1})
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        _to_fill_in(book, kind, head)
        _notes(book, kind, head, wrapped)
        _codes(book, head)
    return held.getvalue()


def _to_fill_in(book: Any, kind: ImportKind, head: Any) -> None:
    sheet = book.add_worksheet(SHEETS[kind])
    as_text, as_day = book.add_format({"num_format": "@"}), book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.freeze_panes(1, 0)
    for place, field in enumerate(_offered(kind)):
        form = as_day if field.name == "deadline" else as_text
        sheet.set_column(place, place, 40 if field.name in _WIDE else 16, form)
        sheet.write_string(0, place, field.aliases[0], head)
        if field.hint:
            sheet.write_comment(0, place, field.hint, {"x_scale": 2})
        if field.name in _CHOICES:
            choices = {"validate": "list", "source": _CHOICES[field.name], "error_type": "warning"}
            sheet.data_validation(1, place, ROWS, place, choices)


def _notes(book: Any, kind: ImportKind, head: Any, wrapped: Any) -> None:
    sheet = book.add_worksheet(NOTES)
    sheet.set_column(0, 1, 18)
    sheet.set_column(2, 3, 60, wrapped)
    for row, line in enumerate(_GENERAL):
        sheet.write_string(row, 0, line)
    row = len(_GENERAL) + 1
    for place, name in enumerate(("列 · column", "字段 · field", "说明 · notes", "也认得的列名 · also known as")):
        sheet.write_string(row, place, name, head)
    for below, field in enumerate(_offered(kind), row + 1):
        for place, line in enumerate((field.aliases[0], field.name, field.hint, "、".join(field.aliases[1:]))):
            sheet.write_string(below, place, line)


def _codes(book: Any, head: Any) -> None:
    sheet = book.add_worksheet(CODES)
    listed: tuple[tuple[str, Table, Iterable[str]], ...] = (
        ("技术就绪度 · readiness", TRL, map(str, range(1, 10))),
        ("行业 · industries (GB/T 4754)", INDUSTRIES, {"section", "division"}),
        ("学科 · disciplines (GB/T 13745)", DISCIPLINES, {"0", "1"}),
        ("仪器分类 · classes of instruments", INSTRUMENT_CLASSES, {"1", "2"}),
        ("地区 · regions (GB/T 2260)", REGIONS, {"province", "prefecture"}),
    )
    for place, (name, table, levels) in enumerate(listed):
        code, title = 3 * place, 3 * place + 1
        sheet.set_column(code, code, 10)
        sheet.set_column(title, title, 36)
        sheet.write_string(0, code, name, head)
        shown = set(levels)
        for row, one in enumerate((one for one in table if one.level in shown), 1):
            sheet.write_string(row, code, one.code)
            sheet.write_string(row, title, table.path(one.code) if table is REGIONS else one.name)
    sheet.freeze_panes(1, 0)
