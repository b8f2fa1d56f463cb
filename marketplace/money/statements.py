"""对账单: what a payer was charged in a month, from the entries of that month. What is entered later is in its own."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from marketplace.identity.models import Organisation
from marketplace.kernel.actor import Actor
from marketplace.kernel.clock import BEIJING
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, NotFound
from marketplace.labs.models import Instrument
from marketplace.money import charging
from marketplace.money.models import Charge, ChargeEntry
from marketplace.money.policy import charge_visible_to
from schemas.identity import Permission
from schemas.reports import StatementCard, StatementEntry, StatementOfLab, StatementView
from schemas.tariffs import SUMS

# What a file holds at most: more than any lab charges one payer in a month.
MOST_ROWS: Final = 5000
_MONTH: Final = func.to_char(func.timezone("Asia/Shanghai", ChargeEntry.at), "YYYY-MM")
_sums: Final = tuple(func.sum(getattr(ChargeEntry, name)).label(name) for name in SUMS)


class TooLongForAFile(Conflict):
    """本月记录过多，无法生成文件；请用接口分页读取。 · Too many entries for a file this month; read them page by page."""


def _during(month: str) -> ColumnElement[bool]:
    year, number = map(int, month.split("-"))
    since = datetime(year, number, 1, tzinfo=BEIJING)
    until = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=BEIJING)
    return (ChargeEntry.at >= since) & (ChargeEntry.at < until)


def _joined(statement: Select[Any], actor: Actor) -> Select[Any]:
    return (
        statement.join(Charge, Charge.id == ChargeEntry.charge_id)
        .join(Instrument, Instrument.id == Charge.instrument_id)
        .where(charge_visible_to(actor))
    )


def rows_of(organisation_id: UUID, month: str) -> str:
    return f"/api/v1/statements/{organisation_id}/{month}/entries"


def _money(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) or (0 if name == "free_minutes" else Decimal("0.00")) for name in SUMS}


async def listed(session: AsyncSession, actor: Actor, paging: Paging) -> tuple[list[StatementCard], str | None]:
    """Every payer and month with something in it, as far as one may see, latest first."""
    columns: tuple[Any, ...] = (
        _MONTH.label("month"), Charge.organisation_id, func.count().label("entries"), *_sums,
    )  # fmt: skip
    months = _joined(select(*columns).select_from(ChargeEntry), actor).group_by(_MONTH, Charge.organisation_id)
    found = months.subquery()
    wanted: tuple[Any, ...] = (found, Organisation.name)
    statement = select(*wanted).join(Organisation, Organisation.id == found.c.organisation_id)
    by: Any = ((found.c.month, str), (found.c.organisation_id, UUID))
    rows, marker = await page(session, statement, by, paging)
    return [
        StatementCard(
            organisation_id=row.organisation_id, organisation=row.name, month=row.month, entries=row.entries,
            rows=rows_of(row.organisation_id, row.month), **_money(row),
        )
        for row in rows
    ], marker  # fmt: skip


async def _payer(session: AsyncSession, actor: Actor, organisation_id: UUID) -> Organisation:
    """A payer whose charges, some of them at least, the actor may see."""
    found = await session.get(Organisation, organisation_id)
    if found is None:
        raise NotFound
    if Permission.READ_ALL in actor.platform or found.id in actor.organisations_where(Permission.READ_OWN):
        return found
    seen = await session.scalar(
        select(Charge.id)
        .join(Instrument, Instrument.id == Charge.instrument_id)
        .where(Charge.organisation_id == organisation_id, charge_visible_to(actor))
        .limit(1)
    )
    if seen is None:
        raise NotFound
    return found


async def read(session: AsyncSession, actor: Actor, organisation_id: UUID, month: str) -> StatementView:
    """The sums of a month, in all and of each lab. A keeper sees what was charged on the instruments they keep."""
    payer = await _payer(session, actor, organisation_id)
    lab = aliased(Organisation)
    columns: tuple[Any, ...] = (Charge.lab_id, lab.name, func.count().label("entries"), *_sums)
    statement = (
        _joined(select(*columns).select_from(ChargeEntry), actor)
        .join(lab, lab.id == Charge.lab_id)
        .where(Charge.organisation_id == organisation_id, _during(month))
        .group_by(Charge.lab_id, lab.name)
        .order_by(lab.name, Charge.lab_id)
    )
    labs = (await session.execute(statement)).all()
    whole = {name: sum((getattr(row, name) for row in labs), Decimal("0.00")) for name in SUMS}
    whole["free_minutes"] = int(whole["free_minutes"])
    return StatementView(
        organisation_id=payer.id, organisation=payer.name, month=month, entries=sum(row.entries for row in labs),
        rows=rows_of(payer.id, month), **whole,
        labs=[StatementOfLab(lab_id=row.lab_id, lab=row.name, **_money(row)) for row in labs],
    )  # fmt: skip


def _entries(actor: Actor, organisation_id: UUID, month: str) -> Select[Any]:
    lab = aliased(Organisation)
    columns: tuple[Any, ...] = (
        ChargeEntry, Charge.kind.label("charge_kind"), Charge.used_at, lab.name.label("lab"),
        Instrument.name.label("instrument"),
    )  # fmt: skip
    return (
        _joined(select(*columns), actor)
        .join(lab, lab.id == Charge.lab_id)
        .where(Charge.organisation_id == organisation_id, _during(month))
    )


def _entry(row: Any) -> StatementEntry:
    entry: ChargeEntry = row[0]
    return StatementEntry(
        id=entry.id, charge_id=entry.charge_id, charge_kind=row.charge_kind, kind=entry.kind, reason=charging.reason_of(entry),
        lab=row.lab, instrument=row.instrument, used_at=row.used_at, at=entry.at, **_money(entry),
    )  # fmt: skip


async def entries(
    session: AsyncSession, actor: Actor, organisation_id: UUID, month: str, paging: Paging
) -> tuple[list[StatementEntry], str | None]:
    """The rows behind a statement's sums, latest first."""
    await _payer(session, actor, organisation_id)
    by = tuple(zip((ChargeEntry.at, ChargeEntry.id), BY_TIME_AND_ID, strict=True))
    statement = _entries(actor, organisation_id, month).add_columns(ChargeEntry.at, ChargeEntry.id)
    rows, marker = await page(session, statement, by, paging)
    return [_entry(row) for row in rows], marker


async def whole(
    session: AsyncSession, actor: Actor, organisation_id: UUID, month: str
) -> tuple[StatementView, Sequence[StatementEntry]]:
    """A statement with every row of it, for a file."""
    told = await read(session, actor, organisation_id, month)
    if told.entries > MOST_ROWS:
        raise TooLongForAFile
    rows = await session.execute(
        _entries(actor, organisation_id, month).order_by(ChargeEntry.at, ChargeEntry.id).limit(MOST_ROWS)
    )
    return told, [_entry(row) for row in rows.all()]
