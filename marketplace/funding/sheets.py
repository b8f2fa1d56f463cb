"""Funding calls as files: a table that a spreadsheet opens, and a deadline that a calendar enters."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

import xlsxwriter
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.funding import calls, eligibility, shapes
from marketplace.funding.models import FundingCall
from marketplace.funding.names import FUNDING_KINDS, FUNDING_PHASES
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.language import told
from marketplace.kernel.refusals import Conflict
from marketplace.kernel.sheets import harmless, write_table
from marketplace.labs import ical
from schemas.funding import FundingFilter, FundingPhase

MOST: Final = 5000
_HEAD: Final = (
    "名称 · title", "类型 · kind", "发布单位 · offered by", "状态 · state", "开始受理 · opens", "截止 · closes",
    "剩余天数 · days left", "每项最少（元） · least for one (CNY)", "每项最多（元） · most for one (CNY)",
    "总额（元） · altogether (CNY)", "简介 · summary", "关键词 · keywords", "申报条件 · who may apply",
    "怎样申报 · how to apply", "申报网址 · where to apply", "申报材料 · documents", "网页 · page",
)  # fmt: skip


class TooManyCalls(Conflict):
    """一次最多导出 5000 条，请缩小筛选范围。 · At most 5,000 can be exported at once; narrow the filter."""


class NoDeadline(Conflict):
    """此资金常年受理，没有截止时间。 · This call is open all year round: it has no deadline."""


async def chosen(session: AsyncSession, actor: Actor, wish: FundingFilter) -> Sequence[FundingCall]:
    """What the list would show under this filter, all of it. Whom to ask is not in it: contacts are for the signed-in."""
    statement = calls.narrowed(actor, wish, clock.now())
    statement = statement.order_by(FundingCall.listed_at.desc(), FundingCall.id.desc()).limit(MOST + 1)
    rows = (await session.scalars(statement)).all()
    if len(rows) > MOST:
        raise TooManyCalls
    return rows


def _lines(rows: Sequence[FundingCall], public_url: str) -> Iterator[tuple[object, ...]]:
    now = clock.now()
    for call in rows:
        rules = eligibility.rules_told(calls.rules_of(call))
        yield (
            call.title,
            told(FUNDING_KINDS[call.kind]),
            call.organisation.name,
            told(FUNDING_PHASES[shapes.phase(call, now)]),
            _moment(call.opens_at),
            deadline(call.closes_at),
            shapes.days_left(call, now),
            call.amount_low,
            call.amount_high,
            call.total_amount,
            call.summary,
            "、".join(call.keywords),
            "\n".join(
                told("{what}：{asked} · {what}: {asked}").format(what=what, asked=asked) for what, asked in rules
            ),
            call.how_to_apply,
            call.apply_url,
            "\n".join(call.documents),
            f"{public_url.rstrip('/')}/funding/{call.id}",
        )


def _moment(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(clock.BEIJING):%Y-%m-%d %H:%M}"


def deadline(at: datetime | None) -> str:
    """A deadline as people write it: the midnight that ends a day is its 24:00."""
    if at is None:
        return told("常年受理 · all year round")
    local = at.astimezone(clock.BEIJING)
    if f"{local:%H:%M}" == "00:00":
        return f"{local - timedelta(days=1):%Y-%m-%d} 24:00"
    return f"{local:%Y-%m-%d %H:%M}"


def workbook(rows: Sequence[FundingCall], public_url: str) -> bytes:
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    title = f"{told('资金 · Funding calls')} {_moment(clock.now())}"
    write_table(book, told("资金 · funding"), title, [told(one) for one in _HEAD], _lines(rows, public_url))
    book.close()
    return made.getvalue()


def table(rows: Sequence[FundingCall], public_url: str) -> bytes:
    """CSV; the mark in front tells Excel that it is UTF-8."""
    made = io.StringIO(newline="")
    lines = csv.writer(made)
    lines.writerow([told(one) for one in _HEAD])
    lines.writerows(["" if cell is None else harmless(str(cell)) for cell in line] for line in _lines(rows, public_url))
    return made.getvalue().encode("utf-8-sig")


_SHOWN_FOR: Final = timedelta(minutes=30)


def calendar(call: FundingCall, public_url: str) -> str:
    """The deadline as the half hour before it; one that no longer holds is cancelled."""
    if call.closes_at is None:
        raise NoDeadline
    over = shapes.phase(call, clock.now()) in {FundingPhase.HIDDEN, FundingPhase.CLOSED}
    event = ical.Event(
        uid=f"{call.id}@duijie",
        sequence=call.version,
        starts_at=call.closes_at - _SHOWN_FOR,
        ends_at=call.closes_at,
        changed_at=call.updated_at,
        summary=told("申报截止：{title} · Apply by: {title}").format(title=call.title),
        location=call.apply_url or f"{public_url.rstrip('/')}/funding/{call.id}",
        status="CANCELLED" if over else "CONFIRMED",
    )
    return ical.written(call.title, [event])
