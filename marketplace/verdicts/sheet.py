"""Verdicts as an Excel file."""

import io
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import xlsxwriter
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.actor import Actor
from marketplace.kernel.clock import BEIJING
from marketplace.kernel.language import told
from marketplace.kernel.refusals import Conflict
from marketplace.kernel.sheets import write_table
from marketplace.verdicts import verdicts
from marketplace.verdicts.models import Verdict
from schemas.verdicts import Said, VerdictFilter

MOST: Final = 5000
_HEAD: Final = (
    "时间 · time", "哪一方 · side", "己方记录 · record that asked", "对方记录 · record found", "评价 · grade",
    "误导的词 · misleading terms", "备注 · note", "难题行业 · industry of the problem", "得分 · score", "文字分 · text",
    "位次 · rank", "版本 · version", "己方编号 · id", "对方编号 · other id",
)  # fmt: skip
_SIDES: Final = {"problem": "难题方 · problem", "achievement": "成果方 · achievement"}


class TooManyToExport(Conflict):
    """一次最多导出 5000 条，请缩小筛选范围。 · At most 5,000 can be exported at once; narrow the filter."""


async def chosen(session: AsyncSession, actor: Actor, wish: VerdictFilter) -> Sequence[Verdict]:
    """What the list would show under this filter, all of it."""
    statement = verdicts.narrowed(actor, wish).order_by(Verdict.created_at, Verdict.id)
    rows = (await session.scalars(statement.limit(MOST + 1))).all()
    if len(rows) > MOST:
        raise TooManyToExport
    return rows


def workbook(rows: Sequence[Verdict], now: datetime) -> bytes:
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    title = f"{told('匹配评价 · Verdicts on pairings')} {now.astimezone(BEIJING):%Y-%m-%d %H:%M}"
    write_table(book, told("评价 · verdicts"), title, [told(one) for one in _HEAD], map(_line, rows))
    book.close()
    return made.getvalue()


def _line(row: Verdict) -> tuple[object, ...]:
    said = Said.model_validate(row.said)
    return (
        f"{row.updated_at.astimezone(BEIJING):%Y-%m-%d %H:%M}",
        told(_SIDES[row.kind]),
        said.title,
        said.other_title,
        row.grade,
        "、".join(row.misleading),
        row.note,
        "、".join(row.industries),
        Decimal(f"{said.score:.4f}"),
        Decimal(f"{said.text:.4f}"),
        said.rank,
        said.model,
        str(row.listing_id),
        str(row.other_id),
    )
