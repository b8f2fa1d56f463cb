"""Statements and the yearly return as Excel files."""

import io
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import xlsxwriter

from marketplace.kernel.clock import BEIJING
from marketplace.kernel.sheets import write_table
from schemas.charges import ChargeKind, EntryKind
from schemas.reports import SharingRow, StatementEntry, StatementView

KINDS: Final = {
    ChargeKind.USAGE: "使用 · use",
    ChargeKind.LATE_CANCELLATION: "晚取消 · late cancellation",
    ChargeKind.NO_SHOW: "爽约 · no-show",
}
STEPS: Final = {
    EntryKind.CHARGED: "计费 · charged",
    EntryKind.CORRECTED: "机时更正 · corrected",
    EntryKind.ADJUSTED: "调整 · adjusted",
    EntryKind.WAIVED: "减免 · waived",
}
MONEY: Final = ("总额 · gross", "免费机时 · free", "创新券 · vouchers", "净负担 · net", "应付 · payable")


def local(moment: datetime) -> str:
    return moment.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")


def _amounts(row: Any) -> tuple[Decimal, ...]:
    return row.gross, row.free_amount, row.voucher_amount, row.payer_amount, row.payable


def statement(told: StatementView, entries: Sequence[StatementEntry]) -> bytes:
    held = io.BytesIO()
    title = f"{told.organisation} {told.month} 对账单 · statement"
    with xlsxwriter.Workbook(held, {"in_memory": True}) as book:
        summary = [*((one.lab, *_amounts(one)) for one in told.labs), ("合计 · total", *_amounts(told))]
        write_table(book, "汇总", title, ("服务机构 · lab", *MONEY), summary)
        head = ("使用时间 · used", "服务机构 · lab", "仪器 · instrument", "类型 · kind", "步骤 · step", "事由 · reason",
                "入账 · entered", *MONEY, "费用编号 · charge")  # fmt: skip
        rows = (
            (local(one.used_at), one.lab, one.instrument, KINDS[one.charge_kind], STEPS[one.kind], one.reason,
             local(one.at), *_amounts(one), str(one.charge_id))
            for one in entries
        )  # fmt: skip
        write_table(book, "明细", title, head, rows)
    return held.getvalue()


def sharing(year: int, rows: Sequence[SharingRow]) -> bytes:
    """The yearly return of open sharing, an instrument a row."""
    head = (
        "单位", "实验室", "仪器名称", "型号", "分类编码", "原值（元）", "年有效机时（小时）", "年对外服务机时（小时）", "共享率",
        "有效机时/定额1400小时", "有效机时/定额800小时", "服务次数", "服务校外单位数", "具备独立操作资格人数", "服务收入（元）",
        "对外服务收入（元）", "用户满意度（5分制）", "成果产出数", "仪器编号",
    )  # fmt: skip
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"in_memory": True}) as book:
        told = (
            (row.organisation, row.lab, row.instrument, row.model, row.class_code, row.value, _hours(row.effective_minutes),
             _hours(row.external_minutes), row.share_rate, row.of_general_quota, row.of_special_quota, row.usages,
             row.organisations_served, row.qualified_users, row.income, row.external_income, row.satisfaction, row.outputs,
             str(row.id))
            for row in rows
        )  # fmt: skip
        write_table(book, "开放共享", f"{year} 年度大型科研仪器开放共享情况表", head, told)
    return held.getvalue()


def _hours(minutes: int) -> Decimal:
    return (Decimal(minutes) / 60).quantize(Decimal("0.01"))
