"""A statement as PDF."""

from collections.abc import Sequence
from typing import Any, Final

from reportlab.platypus import LongTable, Spacer, TableStyle

from marketplace.kernel.paper import GRID, TITLE, built, cell, ready
from marketplace.money.sheets import KINDS, STEPS, local
from schemas.reports import StatementEntry, StatementView

_GRID: Final = TableStyle([*GRID, ("ALIGN", (-5, 0), (-1, -1), "RIGHT")])
_MONEY: Final = ("总额", "免费机时", "创新券", "净负担", "应付")
_HEAD: Final = ("使用时间", "服务机构", "仪器", "类型与步骤", "事由", *_MONEY)


def _amounts(row: Any) -> tuple[str, ...]:
    return tuple(
        f"{one:.2f}" for one in (row.gross, row.free_amount, row.voucher_amount, row.payer_amount, row.payable)
    )


def statement(told: StatementView, entries: Sequence[StatementEntry]) -> bytes:
    ready()
    summary = [("服务机构", *_MONEY), *((cell(one.lab), *_amounts(one)) for one in told.labs)]
    summary.append((cell("合计"), *_amounts(told)))
    detail: list[tuple[Any, ...]] = [_HEAD]
    for one in entries:
        kind = f"{KINDS[one.charge_kind].partition(' ')[0]}，{STEPS[one.kind].partition(' ')[0]}"
        named = (one.lab, one.instrument, kind, (one.reason or "").partition(" · ")[0])
        detail.append((local(one.used_at), *map(cell, named), *_amounts(one)))
    story = [
        cell(f"{told.organisation} {told.month} 对账单", TITLE),
        cell("总额 = 免费机时 + 创新券 + 净负担；应付含先付后兑（通用券）的部分。单位：元。"),
        Spacer(1, 8),
        LongTable(summary, colWidths=(308, 90, 90, 90, 90, 90), style=_GRID, repeatRows=1),
        Spacer(1, 12),
        LongTable(detail, colWidths=(82, 120, 120, 80, 106, 50, 50, 50, 50, 50), style=_GRID, repeatRows=1),
    ]
    return built(f"{told.month} 对账单", story, wide=True)
