"""The catalogue as a workbook: for people, and for whoever harvests it by the core metadata of GB/T 30523."""

import io
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import xlsxwriter
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.actor import Actor
from marketplace.kernel.clock import BEIJING
from marketplace.kernel.refusals import Conflict
from marketplace.kernel.sheets import Cells
from marketplace.labs import instruments
from marketplace.labs.models import Instrument
from schemas import codes
from schemas.labs import Audience, InstrumentFilter, InstrumentKind, InstrumentState, Operation

MOST: Final = 5000
SHEET: Final = "大型仪器目录"
_KINDS: Final = {
    InstrumentKind.INSTRUMENT: "仪器设备",
    InstrumentKind.TEST_SERVICE: "检测服务",
    InstrumentKind.OPEN_LAB: "开放实验室",
}
_STATES: Final = {
    InstrumentState.DRAFT: "草稿",
    InstrumentState.PUBLISHED: "开放共享",
    InstrumentState.RETIRED: "停止共享",
}
_AUDIENCES: Final = {Audience.EVERYBODY: "社会开放", Audience.PROVINCE: "本省开放", Audience.OWN: "单位内部"}
_OPERATIONS: Final = {
    Operation.SELF_USE: "自主上机",
    Operation.ASSISTED: "机组操作",
    Operation.EITHER: "自主上机或机组操作",
}


class TooManyToExport(Conflict):
    """一次最多导出 5000 台，请缩小筛选范围。 · At most 5,000 can be exported at once; narrow the filter."""


def _day(moment: datetime) -> str:
    return moment.astimezone(BEIJING).date().isoformat()


def _named(table: str, code: str | None) -> str | None:
    return None if code is None else f"{code} {codes.TABLES[table].path(code)}"


# The first six are elements of GB/T 30523's core metadata, under its own names. A record is made and registered here
# in one step, so both dates are that day.
COLUMNS: Final[Sequence[tuple[str, Callable[[Instrument, str], Any]]]] = (
    ("标识符", lambda one, url: f"{url}/instruments/{one.id}"),
    ("资源名称", lambda one, _: one.name),
    ("描述", lambda one, _: one.capabilities),
    ("关键词", lambda one, _: "；".join(one.keywords)),
    ("生成日期", lambda one, _: _day(one.created_at)),
    ("注册日期", lambda one, _: _day(one.created_at)),
    ("更新日期", lambda one, _: _day(one.updated_at)),
    ("英文名称", lambda one, _: one.name_en),
    ("资源类别", lambda one, _: _KINDS[one.kind]),
    ("仪器分类", lambda one, _: _named("instrument_classes", one.class_code)),
    ("规格型号", lambda one, _: one.model),
    ("生产厂商", lambda one, _: one.maker),
    ("原值（元）", lambda one, _: one.value),
    ("财政资金购置", lambda one, _: "是" if one.publicly_funded else "否"),
    ("共享范围", lambda one, _: _AUDIENCES[one.audience]),
    ("使用方式", lambda one, _: _OPERATIONS[one.operation]),
    ("资质能力范围", lambda one, _: one.accreditation),
    ("提供机构", lambda one, _: one.organisation.name),
    ("统一社会信用代码", lambda one, _: one.organisation.uscc),
    ("所属实验室", lambda one, _: one.lab),
    ("所在地区", lambda one, _: _named("regions", one.region)),
    ("安放地点", lambda one, _: one.location),
    ("状态", lambda one, _: _STATES[one.state]),
)


async def chosen(session: AsyncSession, actor: Actor, wish: InstrumentFilter) -> list[Instrument]:
    """What the list would show under this filter, all of it. Whom to ask is not in it: contacts are for the signed-in."""
    statement = instruments.narrowed(actor, wish).order_by(Instrument.created_at, Instrument.id)
    rows = (await session.scalars(statement.limit(MOST + 1))).all()
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
        sheet.set_column(place, place, 40 if name in {"描述", "标识符"} else 16)
    for number, one in enumerate(rows, 1):
        for place, (_, read) in enumerate(COLUMNS):
            cells.write(number, place, read(one, public_url))
    sheet.freeze_panes(1, 2)
    sheet.autofilter(0, 0, max(1, len(rows)), len(COLUMNS) - 1)
    book.close()
    return made.getvalue()
