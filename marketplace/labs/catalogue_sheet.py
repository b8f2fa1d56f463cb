"""The catalogue as a workbook: for people, for whoever harvests it by the core metadata of GB/T 30523, and to be imported
again."""

import io
from collections.abc import Sequence
from typing import Final

import xlsxwriter
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from marketplace.kernel.actor import Actor
from marketplace.kernel.refusals import Conflict
from marketplace.kernel.sheets import Cells
from marketplace.labs import core_metadata, instruments
from marketplace.labs.models import Instrument
from schemas.labs import InstrumentFilter

MOST: Final = 5000
SHEET: Final = "大型仪器目录"
COLUMNS: Final = (*core_metadata.CORE, *core_metadata.MORE, *core_metadata.TERMS)
_WIDE: Final = frozenset({"描述", "标识符", "开放时间"})


class TooManyToExport(Conflict):
    """一次最多导出 5000 台，请缩小筛选范围。 · At most 5,000 can be exported at once; narrow the filter."""


async def chosen(session: AsyncSession, actor: Actor, wish: InstrumentFilter) -> list[Instrument]:
    """What the list would show under this filter, all of it. Whom to ask is not in it: contacts are for the signed-in."""
    statement = instruments.narrowed(actor, wish).order_by(Instrument.created_at, Instrument.id)
    rows = (await session.scalars(statement.options(selectinload(Instrument.hours)).limit(MOST + 1))).all()
    if len(rows) > MOST:
        raise TooManyToExport
    return list(rows)


def workbook(rows: Sequence[Instrument], public_url: str) -> bytes:
    """The workbook. A cell is text or a number, never a formula, whatever somebody wrote into a record."""
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet(SHEET)
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    cells = Cells(book, sheet)
    for place, (name, _) in enumerate(COLUMNS):
        sheet.write_string(0, place, name, head)
        sheet.set_column(place, place, 40 if name in _WIDE else 16)
    for number, one in enumerate(rows, 1):
        for place, (_, read) in enumerate(COLUMNS):
            cells.write(number, place, read(one, public_url))
    sheet.freeze_panes(1, 2)
    sheet.autofilter(0, 0, max(1, len(rows)), len(COLUMNS) - 1)
    book.close()
    return made.getvalue()
