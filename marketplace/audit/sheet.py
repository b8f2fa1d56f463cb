"""What was done, as a file: Excel, or CSV that Excel reads."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import xlsxwriter

from marketplace.kernel.clock import BEIJING
from marketplace.kernel.language import told
from marketplace.kernel.sheets import harmless, write_table
from schemas.audit import FactView

_HEAD: Final = (
    "编号 · number", "时间（北京） · time (China)", "事实 · fact", "谁 · who", "谁的编号 · id of who", "记录 · record",
    "其他 · other",
)  # fmt: skip


def workbook(rows: Sequence[FactView], now: datetime) -> bytes:
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    title = f"{told('操作记录 · What was done')} {now.astimezone(BEIJING):%Y-%m-%d %H:%M}"
    write_table(book, told("操作记录 · facts"), title, [told(one) for one in _HEAD], map(_line, rows))
    book.close()
    return made.getvalue()


def commas(rows: Sequence[FactView]) -> bytes:
    made = io.StringIO()
    lines = csv.writer(made)
    lines.writerow([told(one) for one in _HEAD])
    lines.writerows([harmless(str(cell)) for cell in _line(row)] for row in rows)
    return made.getvalue().encode("utf-8-sig")


def _line(row: FactView) -> tuple[object, ...]:
    others = "; ".join(f"{name}={value}" for name, value in row.told.items() if value is not None)
    return (
        row.id,
        f"{row.at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}",
        row.name,
        (row.by.name or "") if row.by else "",
        str(row.by.id) if row.by else "",
        str(row.record or ""),
        others,
    )
