"""A statement as PDF, in a Chinese font that every reader of PDF knows."""

import io
from collections.abc import Sequence
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from marketplace.money.sheets import KINDS, STEPS, local
from schemas.reports import StatementEntry, StatementView

MEDIA_TYPE: Final = "application/pdf"
FONT: Final = "STSong-Light"
_PLAIN: Final = ParagraphStyle("plain", fontName=FONT, fontSize=8, leading=10, wordWrap="CJK")
_TITLE: Final = ParagraphStyle("title", fontName=FONT, fontSize=15, leading=22)
_GRID: Final = TableStyle(
    [
        ("FONT", (0, 0), (-1, -1), FONT, 8),
        ("GRID", (0, 0), (-1, -1), 0.25, colors.grey),
        ("BACKGROUND", (0, 0), (-1, 0), colors.Color(0.87, 0.92, 0.97)),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("ALIGN", (-5, 1), (-1, -1), "RIGHT"),
    ]
)
_MONEY: Final = ("总额", "免费机时", "创新券", "净负担", "应付")
_HEAD: Final = ("使用时间", "服务机构", "仪器", "类型与步骤", "事由", *_MONEY)


def _cell(text: str) -> Paragraph:
    # What somebody typed is text, not markup of ours.
    return Paragraph(escape(text), _PLAIN)


def _amounts(row: Any) -> tuple[str, ...]:
    return tuple(
        f"{one:.2f}" for one in (row.gross, row.free_amount, row.voucher_amount, row.payer_amount, row.payable)
    )


def statement(told: StatementView, entries: Sequence[StatementEntry]) -> bytes:
    registerFont(UnicodeCIDFont(FONT))
    held = io.BytesIO()
    paper = SimpleDocTemplate(
        held, pagesize=landscape(A4), leftMargin=36, rightMargin=36, topMargin=36, bottomMargin=36,
        title=f"{told.month} 对账单", author="Duijie", invariant=1,
    )  # fmt: skip
    summary = [("服务机构", *_MONEY), *((_cell(one.lab), *_amounts(one)) for one in told.labs)]
    summary.append((_cell("合计"), *_amounts(told)))
    detail: list[tuple[Any, ...]] = [_HEAD]
    for one in entries:
        kind = f"{KINDS[one.charge_kind].partition(' ')[0]}，{STEPS[one.kind].partition(' ')[0]}"
        named = (one.lab, one.instrument, kind, (one.reason or "").partition(" · ")[0])
        detail.append((local(one.used_at), *map(_cell, named), *_amounts(one)))
    paper.build(
        [
            Paragraph(escape(f"{told.organisation} {told.month} 对账单"), _TITLE),
            Paragraph("总额 = 免费机时 + 创新券 + 净负担；应付含先付后兑（通用券）的部分。单位：元。", _PLAIN),
            Spacer(1, 8),
            LongTable(summary, colWidths=(250, 90, 90, 90, 90, 90), style=_GRID, repeatRows=1),
            Spacer(1, 12),
            LongTable(detail, colWidths=(82, 120, 120, 80, 118, 50, 50, 50, 50, 50), style=_GRID, repeatRows=1),
        ]
    )
    return held.getvalue()
