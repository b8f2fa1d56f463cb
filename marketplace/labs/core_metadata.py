"""An instrument as others harvest it: the core metadata of GB/T 30523, and the columns that the catalogue has beside it.

The standard prints its elements in Chinese; that is how they are named here, in JSON and in XML. The namespace of the XML is
our own and says so: the one of the standard is not at hand.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

from fastapi import Request, Response
from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.actor import Actor
from marketplace.kernel.clock import BEIJING
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.labs import instruments, written
from marketplace.labs.models import Instrument
from marketplace.labs.policy import instrument_gone_for, instrument_open_to
from schemas import codes
from schemas.core_metadata import CoreMetadata, HarvestFilter, HarvestForm, InWhichForm
from schemas.labs import InstrumentState, clock_written

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


def identifier_of(url: str) -> str:
    """How the identifiers of this catalogue begin."""
    return f"{url}/instruments/"


def identifier(one: Instrument, url: str) -> str:
    return f"{identifier_of(url)}{one.id}"


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
    if one.state is InstrumentState.RETIRED:
        # What it was is of no use to anybody any more; that it is gone, and since when, is.
        more = {name: more[name] for name in ("更新日期", "状态")}
        values |= {"描述": None, "关键词": []}
    return CoreMetadata.model_validate(values | {"扩展": more})


NAMESPACE: Final = "urn:duijie:core-metadata:1"
XML: Final = "application/xml"


def in_xml(request: Request, wish: InWhichForm) -> bool:
    """Whether XML is asked for: by the address, or else by the Accept header, where it comes before JSON."""
    if wish.format is not None:
        return wish.format is HarvestForm.XML
    accepted = [one.partition(";")[0].strip().lower() for one in request.headers.get("accept", "").split(",")]
    known = [one for one in accepted if one in {XML, "text/xml", "application/json", "*/*"}]
    return bool(known) and known[0] in {XML, "text/xml"}


def element(record: CoreMetadata) -> Element:
    made = Element("核心元数据")
    values = record.model_dump(by_alias=True)
    more = values.pop("扩展")
    if more["状态"] == written.STATES[InstrumentState.RETIRED]:
        made.set("status", "deleted")
    for name, value in values.items():
        for text in value if isinstance(value, list) else [value]:
            if text is not None:
                SubElement(made, name).text = printable(text)
    beside = SubElement(made, "扩展")
    for name, text in more.items():
        if text is not None:
            SubElement(beside, name).text = printable(text)
    return made


def printable(text: str) -> str:
    """Without the few characters that XML cannot say."""
    return _UNSAYABLE.sub("", text)


_UNSAYABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def _document(root: Element) -> Response:
    root.set("xmlns", NAMESPACE)
    return Response(tostring(root, encoding="utf-8", xml_declaration=True), media_type=XML)


def one_as_xml(record: CoreMetadata) -> Response:
    return _document(element(record))


def page_as_xml(records: Sequence[CoreMetadata], marker: str | None, before: Response) -> Response:
    """A page of records; `next_cursor` opens the next one, as in JSON, and so does the link among the headers."""
    root = Element("核心元数据集")
    if marker is not None:
        root.set("next_cursor", marker)
    root.extend([element(record) for record in records])
    made = _document(root)
    if "link" in before.headers:
        made.headers["Link"] = before.headers["link"]
    return made


async def harvested(
    session: AsyncSession, actor: Actor, wish: HarvestFilter, paging: Paging
) -> tuple[list[Instrument], str | None]:
    """A page of what is open to the actor, and on request of what was, the last changed first."""
    open_now = instrument_open_to(actor)
    statement = instruments.chosen().where(or_(open_now, instrument_gone_for(actor)) if wish.deleted else open_now)
    if wish.updated_until is not None:
        statement = statement.where(Instrument.updated_at < wish.updated_until)
    if wish.updated_since is not None:
        statement = statement.where(Instrument.updated_at >= wish.updated_since)
    by = tuple(zip((Instrument.updated_at, Instrument.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, statement, by, paging)
    return [row[0] for row in rows], marker
