"""The report of an event, as a whole, by region and by industry: each figure names the address under which its rows are."""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import xlsxwriter
from sqlalchemy import CTE, ColumnElement, and_, distinct, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import events, groups
from marketplace.docking.meeting_models import Meeting
from marketplace.docking.outcome_models import Interest, Outcome
from marketplace.docking.registration_models import Attendee, CheckIn, Registration
from marketplace.docking.wish_models import POSITIVE, Wish
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.language import told
from marketplace.kernel.sheets import write_table
from schemas.codes import INDUSTRIES, REGIONS, Table
from schemas.event_extras import UNSTATED
from schemas.meetings import MeetingState
from schemas.outcomes import EventReport, Figure, GroupFigures, GroupLevel, Result
from schemas.registrations import RegistrationState

_ASKS: Final = [column.in_(POSITIVE) for column in (Wish.first_says, Wish.second_says)]
_BOTH: Final = (Meeting.first_id, Meeting.second_id)
_PAIR: Final = (Wish.first_id, Wish.second_id)
_SAYS: Final = (Outcome.registration_id,)


@dataclass(frozen=True, slots=True)
class Counted:
    """A figure: which rows of which table, whose they are, and where they are listed."""

    name: str
    label: str
    key: Any
    event_id: Any
    sides: Sequence[Any]
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    which: ColumnElement[bool] | None = None
    signed: bool = False

    def rows(self, event_id: UUID, **group: str) -> str:
        of_event = {} if "{event}" in self.path else {"event": str(event_id)}
        query = of_event | dict(self.query) | group
        path = f"/api/v1/{self.path.format(event=f'events/{event_id}')}"
        return f"{path}?{urlencode(query)}" if query else path

    def where(self, event_id: UUID) -> list[ColumnElement[bool]]:
        return [self.event_id == event_id, *([] if self.which is None else [self.which])]


def _meetings(state: MeetingState, label: str) -> Counted:
    return Counted(
        state.value, label, Meeting.id, Meeting.event_id, _BOTH, "meetings", {"state": state}, Meeting.state == state
    )


def _outcomes(name: str, label: str, result: Result, *, signed: bool = False) -> Counted:
    return Counted(
        name,
        label,
        Outcome.id,
        Outcome.event_id,
        _SAYS,
        "outcomes",
        {"result": result},
        Outcome.result == result,
        signed,
    )


FIGURES: Final = (
    Counted("registered", "报名 · registrations", Registration.id, Registration.event_id, (Registration.id,),
            "{event}/registrations"),
    Counted("confirmed", "已确认 · confirmed", Registration.id, Registration.event_id, (Registration.id,),
            "{event}/registrations", {"state": RegistrationState.CONFIRMED},
            Registration.state == RegistrationState.CONFIRMED),
    Counted("checked_in", "到场签到 · check-ins", CheckIn.attendee_id, CheckIn.event_id, (Attendee.registration_id,),
            "{event}/check-ins"),
    Counted("wishes", "有人提出的约见 · pairs that somebody asked for", Wish.id, Wish.event_id, _PAIR, "{event}/wishes",
            {"asked": "true"}, or_(*_ASKS)),
    Counted("mutual", "双方都想见 · pairs that both asked for", Wish.id, Wish.event_id, _PAIR, "{event}/wishes",
            {"mutual": "true"}, and_(*_ASKS)),
    _meetings(MeetingState.PLANNED, "已安排的洽谈 · meetings planned"),
    _meetings(MeetingState.HELD, "已洽谈 · held"),
    _meetings(MeetingState.NO_SHOW, "爽约 · no-shows"),
    _meetings(MeetingState.CANCELLED, "已取消 · cancelled"),
    Counted("outcomes", "反馈 · outcomes", Outcome.id, Outcome.event_id, _SAYS, "outcomes"),
    _outcomes("negotiations", "开始商谈 · negotiations started", Result.NEGOTIATION_STARTED),
    _outcomes("agreements", "达成协议 · agreements reached", Result.AGREEMENT_REACHED, signed=True),
    Counted("interests", "意向 · interests", Interest.id, Interest.event_id, (Interest.registration_id,), "interests"),
)  # fmt: skip


async def report(session: AsyncSession, actor: Actor, event_id: UUID) -> EventReport:
    """What became of an event, in figures, for those who run it. Each counts exactly the rows of its address."""
    event = await events.desk(session, actor, event_id)
    whole = {one.name: await _whole(session, event_id, one) for one in FIGURES}
    signed = await _signed(session, event_id, None)
    return EventReport(
        event_id=event_id,
        title=event.title,
        made_at=clock.now(),
        figures=[_figure(event_id, one, whole[one.name], signed.get("", Decimal(0))) for one in FIGURES],
        regions=await _grouped(session, event_id, "region", groups.by_region(event_id), REGIONS),
        industries=await _grouped(session, event_id, "industry", groups.by_industry(event_id), INDUSTRIES),
    )


def _figure(event_id: UUID, one: Counted, value: int, signed: Decimal, **group: str) -> Figure:
    yuan = signed.quantize(Decimal("0.01")) if one.signed else None
    return Figure(name=one.name, label=told(one.label), value=value, yuan=yuan, rows=one.rows(event_id, **group))


def _from(statement: Any, one: Counted) -> Any:
    """A check-in is of a person; everything else names its registrations itself."""
    return (
        statement.join(Attendee, Attendee.id == CheckIn.attendee_id)
        if one.sides[0] is Attendee.registration_id
        else statement
    )


async def _whole(session: AsyncSession, event_id: UUID, one: Counted) -> int:
    return await session.scalar(select(func.count(one.key)).where(*one.where(event_id))) or 0


async def _counts(session: AsyncSession, event_id: UUID, one: Counted, grouped: CTE) -> dict[str, int]:
    """A figure by group. A pair of which both are of one group is one row of it."""
    key = distinct(one.key) if len(one.sides) > 1 else one.key
    counted = _from(select(grouped.c.code, func.count(key)).select_from(one.key.class_), one)
    rows = await session.execute(
        counted.join(grouped, grouped.c.registration_id.in_(one.sides))
        .where(*one.where(event_id))
        .group_by(grouped.c.code)
    )
    return {row[0]: row[1] for row in rows.all()}


async def _signed(session: AsyncSession, event_id: UUID, grouped: CTE | None) -> dict[str, Decimal]:
    """What was signed, by group: both sides speak of one contract, and half a year later once more."""
    code = literal("") if grouped is None else grouped.c.code
    largest = select(code.label("code"), func.max(Outcome.signed_yuan).label("yuan")).group_by(Outcome.meeting_id)
    if grouped is not None:
        largest = largest.join(grouped, grouped.c.registration_id == Outcome.registration_id).group_by(code)
    each = largest.where(Outcome.event_id == event_id).subquery()
    rows = await session.execute(select(each.c.code, func.coalesce(func.sum(each.c.yuan), 0)).group_by(each.c.code))
    return {row[0]: Decimal(row[1]) for row in rows.all()}


async def _grouped(session: AsyncSession, event_id: UUID, name: str, grouped: CTE, table: Table) -> list[GroupFigures]:
    counts = {one.name: await _counts(session, event_id, one, grouped) for one in FIGURES}
    signed = await _signed(session, event_id, grouped)
    made = []
    for code in sorted({code for each in counts.values() for code in each}, key=lambda each: (each == UNSTATED, each)):
        figures = [
            _figure(event_id, one, counts[one.name].get(code, 0), signed.get(code, Decimal(0)), **{name: code})
            for one in FIGURES
        ]
        by_name = {one.name: one for one in figures}
        made.append(
            GroupFigures(
                code=code,
                label=_label(table, code),
                level=_level(name, code),
                outcomes=by_name["outcomes"].value,
                agreements=by_name["agreements"].value,
                signed_yuan=by_name["agreements"].yuan or Decimal("0.00"),
                rows=by_name["outcomes"].rows,
                figures=figures,
            )
        )
    return made


def _label(table: Table, code: str) -> str:
    known = table.get(code)
    if known is None:
        return told("未注明 · not stated") if code == UNSTATED else code
    return told(f"{known.name} · {known.name_en}") if known.name_en else known.name


def _level(name: str, code: str) -> GroupLevel:
    if code == UNSTATED:
        return GroupLevel.UNSTATED
    if name == "region":
        return GroupLevel.PROVINCE
    return GroupLevel.SECTION if code.isalpha() else GroupLevel.DIVISION


# --- the same as a workbook

_ROW: Final = ("指标 · figure", "数量 · number", "金额（元） · CNY", "明细 · rows")


def workbook(made: EventReport, public_url: str) -> bytes:
    """The report as an Excel file: the whole, a table for each way to group it, and where the rows of each figure are."""
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"in_memory": True}) as book:
        write_table(
            book, told("活动报告 · Report"), made.title, [told(one) for one in _ROW], _figures(made.figures, public_url)
        )
        named = ((told("分地区 · By region"), made.regions), (told("分行业 · By industry"), made.industries))
        for name, found in named:
            head = [told(one) for one in ("代码 · code", "名称 · name")]
            head += [told(one.label) for one in FIGURES] + [told("签约金额（元） · CNY signed")]
            rows = ((one.code, one.label, *(each.value for each in one.figures), one.signed_yuan) for one in found)
            write_table(book, name, made.title, head, rows)
        for name, found in named:
            head = [told(one) for one in ("代码 · code", "名称 · name", *_ROW)]
            details = (
                (one.code, one.label, *row)
                for one in found
                for row in _figures([each for each in one.figures if each.value], public_url)
            )
            write_table(book, f"{name}{told('，明细 · , rows')}", made.title, head, details)
    return held.getvalue()


def _figures(figures: Iterable[Figure], public_url: str) -> Iterator[tuple[Any, ...]]:
    return ((one.label, one.value, one.yuan, f"{public_url}{one.rows}") for one in figures)
