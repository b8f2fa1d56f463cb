"""查重评议: peers of a planned purchase that are used less than they could be, and the uses behind their hours."""

import io
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

import xlsxwriter
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    cast,
    func,
    literal,
    literal_column,
    null,
    select,
    true,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation
from marketplace.kernel.actor import Actor
from marketplace.kernel.clock import BEIJING
from marketplace.kernel.language import told
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict
from marketplace.kernel.sheets import write_table
from marketplace.labs import counting, instruments, places
from marketplace.labs.booking_models import Usage
from marketplace.labs.models import Instrument
from marketplace.labs.policy import instrument_visible_to
from marketplace.money.charges import of_year
from schemas import codes
from schemas.duplicates import FULL_HOURS, DuplicateFilter, DuplicateRow, DuplicateUse
from schemas.places import Position

MOST: Final = 5000
# Behind every distance there is on earth: what has none comes last.
_NOWHERE: Final = 100_000_000
_MINUTES: Final = Usage.preparation_minutes + Usage.run_minutes + Usage.processing_minutes
# Written out, because a partial index is found by it even in a plan that is made for any value.
_PUBLISHED: Final[ColumnElement[bool]] = literal_column("instrument.state = 'published'")
_BY: Final = {"distance": "距离 · distance", "region": "地区（无坐标） · region (no coordinates)"}


class TooManyPeers(Conflict):
    """同类仪器过多，无法生成文件；请缩小范围。 · Too many peers for one file; narrow the search."""


class Sums(NamedTuple):
    """How many peers there are, and what they could still take."""

    peers: int
    spare_minutes: int


def _near(wish: DuplicateFilter) -> Any:
    """The ids of peers with their distances in metres, none where the region had to do."""
    of_class = (_PUBLISHED, Instrument.facets.contains([f"c:{wish.class_code}"]))
    in_region = [Instrument.facets.contains([f"r:{wish.region}"])] if wish.region else []
    nowhere = cast(null(), Integer).label("metres")
    if wish.longitude is None or wish.latitude is None or wish.datum is None:
        return select(Instrument.id, nowhere).where(*of_class, *in_region).subquery("near")
    point = places.wgs84(Position(longitude=wish.longitude, latitude=wish.latitude, datum=wish.datum))
    kilometres = places.kilometres(point)
    measured = select(Instrument.id, cast(func.round(kilometres * 1000), Integer).label("metres")).where(
        *of_class, places.inside(places.around(point, wish.within_km)), kilometres <= wish.within_km
    )
    if not in_region:
        return measured.subquery("near")
    unmeasured = select(Instrument.id, nowhere).where(*of_class, *in_region, Instrument.wgs_latitude.is_(None))
    return union_all(measured, unmeasured).subquery("near")


def _chosen(actor: Actor, wish: DuplicateFilter) -> Select[Any]:
    near = _near(wish)
    used = (
        select(func.count().label("usages"), func.coalesce(func.sum(_MINUTES), 0).label("minutes"))
        .where(Usage.instrument_id == Instrument.id, of_year(Usage.starts_at, wish.year), counting.counts())
        .lateral("used")
    )
    nearness = (-func.coalesce(near.c.metres, literal(_NOWHERE))).label("nearness")
    columns: tuple[Any, ...] = (
        *(getattr(Instrument, name) for name in ("id", "name", "model", "class_code", "value", "organisation_id")),
        *(getattr(Instrument, name) for name in ("region", "lab", "location")),
        Organisation.name.label("organisation"), near.c.metres, used.c.usages, used.c.minutes, nearness,
    )  # fmt: skip
    return (
        select(*columns)
        .select_from(near)
        .join(Instrument, Instrument.id == near.c.id)
        .join(Organisation, Organisation.id == Instrument.organisation_id)
        .join(used, true())
        .where(instrument_visible_to(actor), used.c.minutes < FULL_HOURS * 60)
    )


async def peers(
    session: AsyncSession, actor: Actor, wish: DuplicateFilter, paging: Paging
) -> tuple[list[DuplicateRow], str | None]:
    """The peers that one may see and that have hours to spare, the nearest first."""
    found = _chosen(actor, wish).subquery("found")
    everything: tuple[Any, ...] = tuple(found.c)
    by: Any = ((found.c.nearness, int), (found.c.id, UUID))
    rows, marker = await page(session, select(*everything), by, paging)
    return [_row(row, wish) for row in rows], marker


async def sums(session: AsyncSession, actor: Actor, wish: DuplicateFilter) -> Sums:
    """What all pages together come to."""
    found = _chosen(actor, wish).subquery("found")
    spare = func.coalesce(func.sum(FULL_HOURS * 60 - found.c.minutes), 0)
    row = (await session.execute(select(func.count(), spare).select_from(found))).one()
    return Sums(row[0], int(row[1]))


async def whole(session: AsyncSession, actor: Actor, wish: DuplicateFilter) -> list[DuplicateRow]:
    """All of them, for a file."""
    found = _chosen(actor, wish).subquery("found")
    everything: tuple[Any, ...] = tuple(found.c)
    statement = select(*everything).order_by(found.c.nearness.desc(), found.c.id.desc()).limit(MOST + 1)
    rows = (await session.execute(statement)).all()
    if len(rows) > MOST:
        raise TooManyPeers
    return [_row(row, wish) for row in rows]


def _row(row: Any, wish: DuplicateFilter) -> DuplicateRow:
    return DuplicateRow(
        **{name: getattr(row, name) for name in ("id", "name", "model", "class_code", "value", "organisation_id")},
        **{name: getattr(row, name) for name in ("organisation", "region", "lab", "location", "metres", "usages")},
        by="region" if row.metres is None else "distance",
        effective_minutes=row.minutes,
        spare_minutes=FULL_HOURS * 60 - row.minutes,
        link=f"/api/v1/reports/duplicates/{row.id}/usages?year={wish.year}",
    )


async def uses(
    session: AsyncSession, actor: Actor, instrument_id: UUID, year: int, paging: Paging
) -> tuple[list[DuplicateUse], str | None]:
    """The uses of an instrument that one may see, in one year, latest first: when and how long, and not by whom."""
    await instruments.read(session, actor, instrument_id)
    statement = select(Usage).where(
        Usage.instrument_id == instrument_id, of_year(Usage.starts_at, year), counting.counts()
    )
    by = tuple(zip((Usage.starts_at, Usage.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, statement, by, paging)
    return [DuplicateUse.model_validate(row[0]) for row in rows], marker


# --- the same as a workbook


def workbook(wish: DuplicateFilter, rows: Sequence[DuplicateRow], made_at: datetime) -> bytes:
    """What was asked, and a peer a row."""
    head = (
        "仪器名称 · instrument", "型号 · model", "分类 · class", "原值（元） · value", "单位 · organisation", "地区 · region",
        "实验室 · laboratory", "地点 · location", "依据 · found by", "距离（公里） · km", "服务次数 · uses",
        "年有效机时（小时） · hours", "距 1200 小时（小时） · to spare", "仪器编号 · id",
    )  # fmt: skip
    regions, classes = codes.TABLES["regions"], codes.TABLES["instrument_classes"]
    where = [] if wish.region is None else [regions.path(wish.region)]
    if wish.longitude is not None and wish.datum is not None:
        where.append(f"{wish.longitude}, {wish.latitude}（{wish.datum.upper()}） {wish.within_km} km")
    asked = f"{classes.path(wish.class_code)}，{'；'.join(where)}，{wish.year}"
    spare = _hours(sum(row.spare_minutes for row in rows))
    title = told(
        f"{asked}：{len(rows)} 台年机时不足 {FULL_HOURS} 小时，合计余 {spare} 小时"
        f" · {asked}: {len(rows)} used less than {FULL_HOURS} h, {spare} h to spare together"
    )
    title += f" ({made_at.astimezone(BEIJING):%Y-%m-%d %H:%M})"
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"in_memory": True}) as book:
        table = (
            (row.name, row.model, row.class_code and classes.path(row.class_code), row.value, row.organisation,
             regions.path(row.region), row.lab, row.location, told(_BY[row.by]),
             None if row.metres is None else (Decimal(row.metres) / 1000).quantize(Decimal("0.01")), row.usages,
             _hours(row.effective_minutes), _hours(row.spare_minutes), str(row.id))
            for row in rows
        )  # fmt: skip
        write_table(book, told("查重评议 · Duplicate check"), title, [told(one) for one in head], table)
    return held.getvalue()


def _hours(minutes: int) -> Decimal:
    return (Decimal(minutes) / 60).quantize(Decimal("0.01"))
