"""The report of an event: each figure names the address under which its rows are."""

import io
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import xlsxwriter
from sqlalchemy import case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import events
from marketplace.docking.meeting_models import Meeting
from marketplace.docking.outcome_models import Interest, Outcome
from marketplace.docking.registration_models import CheckIn, Registration
from marketplace.docking.wish_models import Wish
from marketplace.docking.wishes import POSITIVE
from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.language import told
from marketplace.kernel.sheets import write_table
from schemas.codes import REGIONS
from schemas.meetings import MeetingState
from schemas.outcomes import EventReport, Figure, RegionFigure, Result
from schemas.registrations import RegistrationState

_LABELS: Final = {
    "registered": "报名 · registrations",
    "confirmed": "已确认 · confirmed",
    "checked_in": "到场签到 · check-ins",
    "wishes": "有人提出的约见 · pairs that somebody asked for",
    "mutual": "双方都想见 · pairs that both asked for",
    "planned": "已安排的洽谈 · meetings planned",
    "held": "已洽谈 · held",
    "no_show": "爽约 · no-shows",
    "cancelled": "已取消 · cancelled",
    "outcomes": "反馈 · outcomes",
    "negotiations": "开始商谈 · negotiations started",
    "agreements": "达成协议 · agreements reached",
    "interests": "意向 · interests",
}


async def report(session: AsyncSession, actor: Actor, event_id: UUID) -> EventReport:
    """What became of an event, in figures, for those who run it. Each counts exactly the rows of its address."""
    event = await events.desk(session, actor, event_id)
    one = f"/api/v1/events/{event_id}"
    of_event = {"event": str(event_id)}
    registered = await _count(session, Registration, Registration.event_id == event_id)
    confirmed = await _count(
        session, Registration, Registration.event_id == event_id, Registration.state == RegistrationState.CONFIRMED
    )
    came = await _count(session, CheckIn, CheckIn.event_id == event_id)
    asked, mutual = await _wishes(session, event_id)
    meetings = await _by(session, Meeting.state, Meeting.event_id == event_id)
    outcomes = await _by(session, Outcome.result, Outcome.event_id == event_id)
    signed = await session.scalar(select(func.sum(Outcome.signed_yuan)).where(Outcome.event_id == event_id))
    figures = [
        _figure("registered", registered, f"{one}/registrations"),
        _figure("confirmed", confirmed, f"{one}/registrations", {"state": RegistrationState.CONFIRMED}),
        _figure("checked_in", came, f"{one}/check-ins"),
        _figure("wishes", asked, f"{one}/wishes", {"asked": "true"}),
        _figure("mutual", mutual, f"{one}/wishes", {"mutual": "true"}),
        *(
            _figure(state.value, meetings.get(state, 0), "/api/v1/meetings", of_event | {"state": state})
            for state in MeetingState
        ),
        _figure("outcomes", sum(outcomes.values()), "/api/v1/outcomes", of_event),
        _figure(
            "negotiations",
            outcomes.get(Result.NEGOTIATION_STARTED, 0),
            "/api/v1/outcomes",
            of_event | {"result": Result.NEGOTIATION_STARTED},
        ),
        _figure(
            "agreements",
            outcomes.get(Result.AGREEMENT_REACHED, 0),
            "/api/v1/outcomes",
            of_event | {"result": Result.AGREEMENT_REACHED},
            yuan=signed or Decimal("0.00"),
        ),
        _figure(
            "interests", await _count(session, Interest, Interest.event_id == event_id), "/api/v1/interests", of_event
        ),
    ]  # fmt: skip
    return EventReport(
        event_id=event_id,
        title=event.title,
        made_at=clock.now(),
        figures=figures,
        regions=await _regions(session, event_id),
    )


def _figure(
    name: str, value: int, path: str, query: Mapping[str, str] | None = None, *, yuan: Decimal | None = None
) -> Figure:
    rows = f"{path}?{urlencode(query)}" if query else path
    return Figure(name=name, label=told(_LABELS[name]), value=value, yuan=yuan, rows=rows)


async def _count(session: AsyncSession, table: Any, *which: Any) -> int:
    found = await session.scalar(select(func.count()).select_from(table).where(*which))
    assert found is not None
    return int(found)


async def _by(session: AsyncSession, column: Any, *which: Any) -> dict[Any, int]:
    rows = await session.execute(select(column, func.count()).where(*which).group_by(column))
    return {row[0]: row[1] for row in rows.all()}


async def _wishes(session: AsyncSession, event_id: UUID) -> tuple[int, int]:
    asks = [column.in_(POSITIVE) for column in (Wish.first_says, Wish.second_says)]
    of_event = Wish.event_id == event_id
    return await _count(session, Wish, of_event, or_(*asks)), await _count(session, Wish, of_event, *asks)


async def _regions(session: AsyncSession, event_id: UUID) -> list[RegionFigure]:
    """By province of the organisation that says it."""
    province = func.left(Organisation.region, 2)
    agreed = Outcome.result == Result.AGREEMENT_REACHED
    rows = await session.execute(
        select(
            province,
            func.count(),
            func.sum(case((agreed, 1), else_=0)),
            func.coalesce(func.sum(Outcome.signed_yuan), 0),
        )
        .select_from(Outcome)
        .join(Registration, Registration.id == Outcome.registration_id)
        .join(Organisation, Organisation.id == Registration.organisation_id)
        .where(Outcome.event_id == event_id)
        .group_by(province)
        .order_by(province)
    )
    made = []
    for digits, count, agreements, signed in rows.all():
        code = f"{digits}0000"
        query = urlencode({"event": str(event_id), "region": code})
        known = REGIONS.get(code)
        figure = RegionFigure(
            code=code,
            label=known.name if known is not None else code,
            outcomes=count,
            agreements=agreements,
            signed_yuan=Decimal(signed).quantize(Decimal("0.01")),
            rows=f"/api/v1/outcomes?{query}",
        )
        made.append(figure)
    return made


def workbook(made: EventReport, public_url: str) -> bytes:
    """The report as an Excel file."""
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"in_memory": True}) as book:
        write_table(
            book, told("活动报告 · Report"), made.title,
            [told(one) for one in ("指标 · figure", "数量 · number", "金额（元） · CNY", "明细 · rows")],
            ((one.label, one.value, one.yuan, f"{public_url}{one.rows}") for one in made.figures),
        )  # fmt: skip
        write_table(
            book, told("分地区 · By region"), made.title,
            [told(one) for one in ("代码 · code", "地区 · region", "反馈 · outcomes", "协议 · agreements",
                                   "金额（元） · CNY", "明细 · rows")],
            (
                (one.code, one.label, one.outcomes, one.agreements, one.signed_yuan, f"{public_url}{one.rows}")
                for one in made.regions
            ),
        )  # fmt: skip
    return held.getvalue()
