"""An instrument as others harvest it: the core metadata of GB/T 30523, and the columns that the catalogue has beside it.

The standard prints its elements in Chinese; that is how they are named here. It is served as JSON: the form in which the
standard writes it as XML is not at hand, and one of our own would be taken for it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.actor import Actor
from marketplace.kernel.clock import BEIJING
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.labs import instruments, written
from marketplace.labs.models import Instrument
from schemas import codes
from schemas.core_metadata import CoreMetadata, HarvestFilter
from schemas.labs import InstrumentFilter, clock_written

Column = tuple[str, Callable[[Instrument, str], Any]]


def _day(moment: datetime) -> str:
    return moment.astimezone(BEIJING).date().isoformat()


def _named(table: str, code: str | None) -> str | None:
    return None if code is None else f"{code} {codes.TABLES[table].path(code)}"


def _each(names: Sequence[str]) -> str:
    # In the order of the classes, however they were entered.
    return "、".join(told for word, told in written.CUSTOMERS.items() if word in names) or written.NOBODY


def _part(one: Instrument, name: str) -> Any:
    return one.position[name] if one.position else None


def identifier(one: Instrument, url: str) -> str:
    return f"{url}/instruments/{one.id}"


# The elements of the core metadata, under its own names. A record is made and registered here in one step, so both
# dates are that day.
CORE: Final[Sequence[Column]] = (
    ("标识符", identifier),
    ("资源名称", lambda one, _: one.name),
    ("描述", lambda one, _: one.capabilities),
    ("关键词", lambda one, _: "；".join(one.keywords)),
    ("生成日期", lambda one, _: _day(one.created_at)),
    ("注册日期", lambda one, _: _day(one.created_at)),
)
MORE: Final[Sequence[Column]] = (
    ("更新日期", lambda one, _: _day(one.updated_at)),
    ("英文名称", lambda one, _: one.name_en),
    ("资源类别", lambda one, _: written.KINDS[one.kind]),
    ("仪器分类", lambda one, _: _named("instrument_classes", one.class_code)),
    ("规格型号", lambda one, _: one.model),
    ("生产厂商", lambda one, _: one.maker),
    ("原值（元）", lambda one, _: one.value),
    ("财政资金购置", lambda one, _: "是" if one.publicly_funded else "否"),
    ("共享范围", lambda one, _: written.AUDIENCES[one.audience]),
    ("使用方式", lambda one, _: written.OPERATIONS[one.operation]),
    ("资质能力范围", lambda one, _: one.accreditation),
    ("提供机构", lambda one, _: one.organisation.name),
    ("统一社会信用代码", lambda one, _: one.organisation.uscc),
    ("所属实验室", lambda one, _: one.lab),
    ("所在地区", lambda one, _: _named("regions", one.region)),
    ("安放地点", lambda one, _: one.location),
    ("经度", lambda one, _: _part(one, "longitude")),
    ("纬度", lambda one, _: _part(one, "latitude")),
    ("坐标系", lambda one, _: written.DATUMS[_part(one, "datum")] if one.position else None),
    ("状态", lambda one, _: written.STATES[one.state]),
)
# On which terms it is used: what another catalogue needs to take bookings for it.
TERMS: Final[Sequence[Column]] = (
    ("不开放的保密理由", lambda one, _: one.closed_because),
    ("可预约用户", lambda one, _: _each(one.customers)),
    ("免审批用户", lambda one, _: _each(one.confirmed_at_once)),
    ("开放时间", lambda one, _: written.hours_written(_hours(one))),
    ("自主上机须有资格", lambda one, _: "是" if one.needs_qualification else "否"),
    ("时间粒度（分钟）", lambda one, _: one.slot_minutes),
    ("最短时长（分钟）", lambda one, _: one.min_minutes),
    ("最长时长（分钟）", lambda one, _: one.max_minutes),
    ("至少提前（分钟）", lambda one, _: one.notice_minutes),
    ("最多提前（天）", lambda one, _: one.horizon_days),
    ("预约间隔（分钟）", lambda one, _: one.buffer_minutes),
    ("预约须回答的问题", lambda one, _: "\n".join(one.order_form)),
    ("来源", lambda one, _: one.source),
    ("外部编号", lambda one, _: one.external_id),
)


def _hours(one: Instrument) -> list[tuple[int, str, str]]:
    return [(span.weekday, clock_written(span.opens), clock_written(span.closes)) for span in one.hours]


def of(one: Instrument, url: str) -> CoreMetadata:
    """The record of one instrument, which was read with its organisation."""
    values = {name: read(one, url) for name, read in CORE} | {"关键词": list(one.keywords)}
    told = {name: read(one, url) for name, read in MORE}
    more = {name: None if value is None else str(value) for name, value in told.items()}
    return CoreMetadata.model_validate(values | {"扩展": more})


async def harvested(
    session: AsyncSession, actor: Actor, wish: HarvestFilter, paging: Paging
) -> tuple[list[Instrument], str | None]:
    """A page of what is open to the actor, the last changed first."""
    statement = instruments.narrowed(actor, InstrumentFilter())
    if wish.updated_since is not None:
        statement = statement.where(Instrument.updated_at >= wish.updated_since)
    by = tuple(zip((Instrument.updated_at, Instrument.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, statement, by, paging)
    return [row[0] for row in rows], marker
