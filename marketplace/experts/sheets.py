"""Experts as a file that a spreadsheet opens, and that is imported again after it was edited."""

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from typing import Final
from uuid import UUID

import xlsxwriter
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.experts import experts
from marketplace.experts.models import Expert
from marketplace.experts.written import SERVICES
from marketplace.kernel.actor import Actor
from marketplace.kernel.clock import BEIJING
from marketplace.kernel.language import told
from marketplace.kernel.refusals import Conflict
from marketplace.kernel.sheets import harmless, write_table
from schemas import codes
from schemas.experts import ExpertFilter, ServiceWay

MOST: Final = 5000
SHEET: Final = "专家 · Experts"
_HEAD: Final = (
    "标识符 · identifier",
    "姓名 · name",
    "职称 · academic title",
    "职务 · position",
    "所属单位 · organisation",
    "统一社会信用代码 · credit code",
    "部门 · department",
    "研究方向 · focus",
    "学科 · disciplines",
    "行业 · industries",
    "地区 · region",
    "关键词 · keywords",
    "服务方式 · ways of service",
    "可同时洽谈 · talks at once",
    "主页 · homepage",
    "介绍 · profile",
    "有效至 · holds until",
    "外部编号 · external id",
    "来源 · source",
)


class TooManyToExport(Conflict):
    """一次最多导出 5000 位，请缩小筛选范围。 · At most 5,000 can be exported at once; narrow the filter."""


async def chosen(session: AsyncSession, actor: Actor, wish: ExpertFilter) -> Sequence[Expert]:
    """What the list would show under this filter, all of it. Whom to ask is not in it: contacts are for the signed-in."""
    statement = experts.narrowed(actor, wish).order_by(Expert.created_at, Expert.id)
    rows = (await session.scalars(statement.limit(MOST + 1))).all()
    if len(rows) > MOST:
        raise TooManyToExport
    return rows


def _lines(rows: Sequence[Expert], own: Collection[UUID]) -> Iterator[list[str]]:
    """The numbers that people have at their organisation are for those who may read all that is that organisation's."""
    for one in rows:
        origin = (one.external_id, one.source) if one.organisation_id in own else (None, None)
        values = (
            one.id, one.name, one.academic_title, one.position, one.organisation.name, one.organisation.uscc,
            one.unit, one.focus,
            _named("disciplines", one.disciplines), _named("industries", one.industries),
            _named("regions", [one.region] if one.region else []), "、".join(one.keywords),
            "、".join(told(SERVICES[ServiceWay(way)]) for way in one.services), one.talks, one.homepage,
            one.description, f"{one.confirmed_until.astimezone(BEIJING):%Y-%m-%d}" if one.confirmed_until else None,
            *origin,
        )  # fmt: skip
        yield ["" if value is None else str(value) for value in values]


def _named(table: str, found: Sequence[str]) -> str:
    known = codes.TABLES[table]
    # Some names have a 、 in them.
    return "；".join(f"{code} {known.codes[code].name}" for code in found)


def workbook(rows: Sequence[Expert], own: Collection[UUID]) -> bytes:
    """`own`: the organisations of which whoever asks may read everything."""
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    write_table(book, told(SHEET), told(SHEET), [told(one) for one in _HEAD], _lines(rows, own))
    book.close()
    return made.getvalue()


def table(rows: Sequence[Expert], own: Collection[UUID]) -> bytes:
    """CSV; the mark in front tells Excel that it is UTF-8."""
    made = io.StringIO(newline="")
    lines = csv.writer(made)
    lines.writerow([told(one) for one in _HEAD])
    lines.writerows([harmless(cell) for cell in line] for line in _lines(rows, own))
    return made.getvalue().encode("utf-8-sig")
