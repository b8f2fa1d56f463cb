"""The log of an instrument as CSV, turned into usage records: all of it, or nothing and every reason why."""

import csv
import io
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation
from marketplace.identity.policy import organisation_visible_to
from marketplace.kernel import validation
from marketplace.kernel.actor import Actor
from marketplace.kernel.clock import BEIJING
from marketplace.kernel.refusals import Invalid
from marketplace.labs import counting, instruments, usages
from marketplace.labs.booking_models import HOLDING_STATES, Booking, Evidence, Usage
from marketplace.labs.models import Instrument
from schemas.base import FieldError
from schemas.bookings import UsageLogView, UsageNew, UsageSource

MOST_ROWS: Final = 2000
MOST_ERRORS: Final = 200
MOST_BYTES: Final = 2 * 1024 * 1024

# What a column is called, and the field that it fills.
HEADERS: Final[Mapping[str, str]] = {
    "开始时间": "starts_at", "starts_at": "starts_at",
    "结束时间": "ends_at", "ends_at": "ends_at",
    "准备（分钟）": "preparation_minutes", "准备分钟": "preparation_minutes", "preparation_minutes": "preparation_minutes",
    "运行（分钟）": "run_minutes", "运行分钟": "run_minutes", "run_minutes": "run_minutes",
    "后处理（分钟）": "processing_minutes", "后处理分钟": "processing_minutes", "processing_minutes": "processing_minutes",
    "样品数": "samples", "samples": "samples",
    "服务单位": "organisation", "统一社会信用代码": "organisation", "organisation": "organisation",
    "预约编号": "booking_id", "booking_id": "booking_id",
    "机组操作": "assisted", "assisted": "assisted",
    "备注": "note", "note": "note",
}  # fmt: skip
NEEDED: Final = ("starts_at", "ends_at")
_MOMENT: Final = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})[ T](\d{1,2}):(\d{2})(?::(\d{2}))?")
_YES: Final = {"是": True, "否": False, "1": True, "0": False, "true": True, "false": False, "": False}
_NUMBERS: Final = frozenset({"preparation_minutes", "run_minutes", "processing_minutes", "samples"})


class LogRefused(Invalid):
    """日志没有导入，请按下列各行修改后重新上传。 · Nothing of the log was entered; correct these rows and upload it again."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the file, by the fields of its columns; numbered as a spreadsheet numbers it."""

    number: int
    cells: dict[str, str]


def _refused(code: str, detail: str, pointer: str = "") -> LogRefused:
    return LogRefused(errors=[FieldError(pointer=pointer, code=code, detail=detail)])


def _decoded(content: bytes) -> str:
    """UTF-8 or GB18030, whichever makes the header known; a byte order mark settles it."""
    readable = []
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            readable.append(content.decode(encoding))
        except UnicodeDecodeError:
            continue
    if not readable:
        raise _refused("file_encoding", "文件不是 UTF-8 或 GB18030 文字 · the file is neither UTF-8 nor GB18030 text")
    return next((text for text in readable if any(name in text.split("\n", 1)[0] for name in HEADERS)), readable[0])


def read(content: bytes) -> list[Line]:
    """The rows of the file."""
    if len(content) > MOST_BYTES:
        raise _refused("file_too_large", "文件超过 2 MB，请拆成几个 · the file is larger than 2 MB; split it")
    reader = csv.reader(io.StringIO(_decoded(content), newline=""), strict=True)
    try:
        head = [cell.strip() for cell in next(reader, [])]
        fields = [HEADERS.get(name) for name in head]
        known = [name for name in fields if name]
        if missing := [name for name in NEEDED if name not in known]:
            raise _refused(
                "no_header",
                f"第一行须写列名，缺少：{'、'.join(missing)} · the first row names the columns; missing: {', '.join(missing)}",
            )
        if len(known) != len(set(known)):
            raise _refused("column_twice", "同一项有两列，请只留一列 · one field has two columns; keep one")
        lines = []
        for cells in reader:
            if any(cell.strip() for cell in cells):
                named = zip(fields, cells, strict=False)
                lines.append(Line(reader.line_num, {name: cell.strip() for name, cell in named if name}))
            if len(lines) > MOST_ROWS:
                raise _refused(
                    "too_many_rows",
                    f"一次最多 {MOST_ROWS} 行，请拆成几个文件 · at most {MOST_ROWS} rows at once; split the file",
                )
    except csv.Error:
        raise _refused(
            "csv_broken",
            "引号不成对，或单元格过长 · quotation marks do not pair up, or a cell is too long",
            f"/{reader.line_num}",
        ) from None
    if not lines:
        raise _refused("file_empty", "没有数据行 · there are no rows")
    return lines


def _moment(written: str) -> str:
    """`2027/3/1 9:00` is a time in China; whatever else there is has to say its zone."""
    found = _MOMENT.fullmatch(written)
    if found is None:
        return written
    try:
        return datetime(*(int(part or 0) for part in found.groups()), tzinfo=BEIJING).isoformat()  # type: ignore[misc,arg-type]
    except ValueError:
        return written


def _number(written: str) -> Any:
    return int(written) if re.fullmatch(r"[0-9]{1,9}", written) else written


def _values(line: Line, organisations: Mapping[str, list[Organisation]], own: UUID) -> dict[str, Any]:
    """The row as a keeper would have sent it; one that names nobody served the lab itself. What cannot be read goes on as it is, to be told by the message."""
    cells = line.cells
    wish: dict[str, Any] = {name: _moment(cells.get(name, "")) for name in NEEDED}
    wish |= {name: _number(cells[name]) for name in _NUMBERS if cells.get(name)}
    wish["booking_id"] = cells.get("booking_id") or None
    wish["note"] = cells.get("note") or None
    wish["assisted"] = _YES.get(cells.get("assisted", "").lower(), cells.get("assisted"))
    if name := cells.get("organisation"):
        found = organisations.get(name, [])
        wish["organisation_id"] = str(found[0].id) if len(found) == 1 else "?"
    elif wish["booking_id"] is None:
        wish["organisation_id"] = str(own)
    if "run_minutes" not in wish:
        # Without columns of its own, the time between beginning and end is the run.
        try:
            length = datetime.fromisoformat(wish["ends_at"]) - datetime.fromisoformat(wish["starts_at"])
            wish["run_minutes"] = max(1, round(length.total_seconds() / 60))
        except (ValueError, TypeError):
            wish["run_minutes"] = 1
    return wish


async def organisations_named(
    session: AsyncSession, actor: Actor, names: Collection[str]
) -> dict[str, list[Organisation]]:
    """The organisations that go by these names or credit codes, as far as the actor sees them."""
    rows = await session.scalars(
        select(Organisation).where(
            or_(Organisation.name.in_(names), Organisation.uscc.in_(names)), organisation_visible_to(actor)
        )
    )
    found: dict[str, list[Organisation]] = {}
    for one in rows.all():
        for name in {one.name, one.uscc}:
            found.setdefault(name, []).append(one)
    return found


async def _bookings(session: AsyncSession, instrument: Instrument, wishes: Sequence[UsageNew]) -> dict[UUID, Booking]:
    """The bookings that are named."""
    ids = {wish.booking_id for wish in wishes if wish.booking_id is not None}
    rows = await session.scalars(
        select(Booking)
        .where(
            Booking.id.in_(ids), Booking.instrument_id == instrument.id, Booking.state.in_(HOLDING_STATES)
        )
    )  # fmt: skip
    return {one.id: one for one in rows.all()}


async def _known(session: AsyncSession, instrument: Instrument) -> set[tuple[datetime, datetime]]:
    rows = await session.execute(
        select(Evidence.starts_at, Evidence.ends_at).where(
            Evidence.instrument_id == instrument.id, Evidence.source == UsageSource.LOG
        )
    )
    return {(row.starts_at, row.ends_at) for row in rows.all()}


def _checked(
    instrument: Instrument, lines: Sequence[Line], organisations: Mapping[str, list[Organisation]]
) -> tuple[list[tuple[Line, UsageNew]], list[FieldError]]:
    wishes: list[tuple[Line, UsageNew]] = []
    errors: list[FieldError] = []
    for line in lines:
        if (name := line.cells.get("organisation")) and len(organisations.get(name, [])) != 1:
            errors.append(
                FieldError(
                    pointer=f"/{line.number}/organisation",
                    code="organisation_unknown",
                    detail="没有这个单位，或有几个同名单位，请写统一社会信用代码"
                    " · no such organisation, or several of that name: give the credit code",
                )
            )
            continue
        wish = _values(line, organisations, instrument.organisation_id) | {"instrument_id": str(instrument.id)}
        try:
            wishes.append((line, UsageNew.model_validate(wish)))
        except ValidationError as error:
            errors += validation.as_refusal(error, within=("body", line.number)).errors
    return wishes, errors


async def enter(session: AsyncSession, actor: Actor, instrument_id: UUID, content: bytes) -> UsageLogView:
    """Write down every row of a log that is not there yet (keepers). One wrong row, and nothing is."""
    instrument = await instruments.kept(session, actor, instrument_id)
    lines = read(content)
    named = {line.cells["organisation"] for line in lines if line.cells.get("organisation")}
    organisations = await organisations_named(session, actor, named)
    wishes, errors = _checked(instrument, lines, organisations)
    booked = await _bookings(session, instrument, [wish for _, wish in wishes])
    by_id = {one.id: one for several in organisations.values() for one in several}
    by_id[instrument.organisation_id] = instrument.organisation
    there = await _known(session, instrument)
    made, again = [], 0
    for line, wish in wishes:
        if wish.booking_id is not None and wish.booking_id not in booked:
            errors.append(
                FieldError(
                    pointer=f"/{line.number}/booking_id",
                    code="booking_unknown",
                    detail="此仪器没有这个已确认的预约 · this instrument has no such confirmed booking",
                )
            )
            continue
        if (wish.starts_at, wish.ends_at) in there:
            again += 1
            continue
        there.add((wish.starts_at, wish.ends_at))
        told = wish.model_dump(include={*counting.NUMBERS, "booking_id", "starts_at", "ends_at", "assisted", "note"})
        whom = _whom(instrument, wish, booked, by_id)
        made.append(counting.written(instrument.id, UsageSource.LOG, actor.person, told | whom))
    if errors:
        errors.sort(key=lambda one: int(one.pointer.split("/")[1]))
        raise LogRefused(errors=errors[:MOST_ERRORS])
    first, more = await _apart(session, made)
    if first:
        await counting.put(session, *first, asked_by=actor.person)
    changed = 0
    for row in more:
        assert row.booking_id is not None
        usage = await usages.of(session, row.booking_id)
        assert usage is not None
        evidence = counting.told_of(row)
        evidence.usage_id = usage.id
        changed += await counting.tell(session, usage, evidence, counting.LOGGED, asked_by=actor.person)
    entered = len(first) + changed
    return UsageLogView(rows=len(lines), entered=entered, known=again + len(more) - changed)


async def _apart(session: AsyncSession, made: Sequence[Usage]) -> tuple[list[Usage], list[Usage]]:
    """What becomes a record of its own, and what is one more word about a booking's use."""
    ids = {one.booking_id for one in made if one.booking_id is not None}
    rows = await session.scalars(select(Usage.booking_id).where(Usage.booking_id.in_(ids)))
    there = set(rows.all())
    first: list[Usage] = []
    more: list[Usage] = []
    for one in made:
        (more if one.booking_id in there else first).append(one)
        if one.booking_id is not None:
            there.add(one.booking_id)
    return first, more


def _whom(
    instrument: Instrument, wish: UsageNew, booked: Mapping[UUID, Booking], by_id: Mapping[UUID, Organisation]
) -> dict[str, Any]:
    if wish.booking_id is not None:
        return usages.of_booking(booked[wish.booking_id])
    assert wish.organisation_id is not None
    return usages.of_organisation(instrument, by_id[wish.organisation_id])
