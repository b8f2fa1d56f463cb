"""`/usages`: what was used, corrections of it, and what it led to."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response, UploadFile
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import validation
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import Invalid, NotFound
from marketplace.labs import bookings, instruments, outputs, shapes, usage_log, usages
from marketplace.labs.booking_models import HOLDING_STATES
from marketplace.money import charges
from marketplace.portal import trying
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.labs import local_moment
from marketplace.portal.routes import PageRoute, UploadPageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.base import FieldError
from schemas.bookings import (
    AdjustmentDecision,
    AdjustmentNew,
    AdjustmentState,
    BookingFilter,
    UsageCut,
    UsageFilter,
    UsageNew,
    WithdrawalOfUse,
)
from schemas.identity import Permission
from schemas.labs import InstrumentView
from schemas.outputs import OutputKind, OutputNew

router = APIRouter(prefix="/usages", route_class=PageRoute, include_in_schema=False)
uploads = APIRouter(prefix="/usages", route_class=UploadPageRoute, include_in_schema=False)

PAGE: Final = 20
FEW: Final = 50
NUMBERS: Final = ("preparation_minutes", "run_minutes", "processing_minutes", "samples")
FIELDS: Final = {
    "preparation_minutes": "准备（分钟） · preparation (minutes)",
    "run_minutes": "运行（分钟） · run (minutes)",
    "processing_minutes": "后处理（分钟） · post-processing (minutes)",
    "samples": "样品数 · samples",
    "reason": "理由 · reason",
    "note": "说明 · note",
    "starts_at": "开始时间 · beginning",
    "ends_at": "结束时间 · end",
    "booking_id": "预约 · booking",
    "organisation_id": "服务单位 · organisation served",
    "title": "题目 · title",
    "number": "编号 · number",
    "year": "年份 · year",
    "kind": "类型 · kind",
}


class NobodyOfThatName(Invalid):
    """没有这个单位，或有几个同名单位，请写统一社会信用代码。 · No such organisation, or several of that name: give the credit code."""

    def __init__(self) -> None:
        super().__init__(errors=[FieldError(pointer="/organisation_id", code="unknown", detail=self.title())])


async def _list_page(
    visit: Visit, session: AsyncSession, *, typed: Typed | None = None, wrong: Sequence[str] = (), status: int = 200,
    cuts: Sequence[UsageCut] = (),
) -> Response:  # fmt: skip
    request, actor = visit.request, visit.require()
    asked = request.query_params
    narrowed = UsageFilter()
    wrong = list(wrong)
    try:
        narrowed = UsageFilter.model_validate(
            {name: asked[name] for name in ("instrument", "kept", "asked") if asked.get(name)}
        )
    except ValidationError as error:
        wrong, status = [told(one.detail) for one in validation.as_refusal(error, within=("query",)).errors], 422
    cursor = asked.get("cursor") if request.method == "GET" else None
    rows, marker = await usages.listed(session, actor, narrowed, Paging(request, cursor, PAGE))
    first = Paging(request, None, FEW)
    waiting, _ = await usages.listed(session, actor, UsageFilter(kept=True, asked=True), first)
    one: InstrumentView | None = None
    recent: list[Any] = []
    if narrowed.instrument is not None:
        one = await shapes.view(session, actor, await instruments.read(session, actor, narrowed.instrument))
        if one.kept_by_you:
            of = BookingFilter(instrument=one.id, kept=True)
            booked, _ = await bookings.listed(session, actor, of, Paging(request, None, FEW))
            recent = [row for row in booked if row.state in HOLDING_STATES]
    return visit.page(
        "usages.html",
        status,
        rows=[shapes.usage(row) for row in rows],
        marker=marker,
        later="cursor" in asked,
        one=one,
        recent=recent,
        kept=narrowed.kept,
        asked=narrowed.asked,
        waiting=[shapes.usage(row) for row in waiting],
        typed=typed or {},
        wrong=wrong,
        cuts=cuts,
        confirmed=_sign(cuts),
        here=visit.where(cursor=None, said=None, lang=None),
    )


def _sign(cuts: Sequence[UsageCut]) -> str:
    """What a keeper confirmed to cut: anything else is asked for anew."""
    return " ".join(sorted(f"{one.usage_id}:{one.before_minutes}:{one.after_minutes}" for one in cuts))


@router.get("", response_class=Response)
async def log(visit: Visited, session: Reading) -> Response:
    """What was used; of one instrument with what its keeper writes down."""
    return await _list_page(visit, session)


async def _wish(session: AsyncSession, visit: Visit, typed: Typed, instrument_id: UUID) -> UsageNew:
    instrument = await instruments.read(session, visit.actor, instrument_id)
    wish: dict[str, Any] = {"instrument_id": str(instrument_id), **trying.given(typed, *NUMBERS)}
    wish["starts_at"] = local_moment(trying.said(typed, "day"), trying.said(typed, "from"))
    wish["ends_at"] = local_moment(
        trying.said(typed, "last_day") or trying.said(typed, "day"), trying.said(typed, "to")
    )
    wish["assisted"] = trying.said(typed, "assisted") == "1"
    wish["note"] = trying.said(typed, "note") or None
    name = trying.said(typed, "organisation")
    if booking := trying.said(typed, "booking_id"):
        wish["booking_id"] = booking
    elif name:
        found = (await usage_log.organisations_named(session, visit.actor, {name})).get(name, [])
        if len(found) != 1:
            raise NobodyOfThatName
        wish["organisation_id"] = str(found[0].id)
    else:
        # As in a log: what names nobody served the lab itself.
        wish["organisation_id"] = str(instrument.organisation_id)
    return UsageNew.model_validate(wish)


def _instrument_of(visit: Visit) -> UUID:
    try:
        return UUID(visit.request.query_params.get("instrument", ""))
    except ValueError:
        raise NotFound from None


@router.post("", response_class=Response)
async def enter(visit: Visited, session: Writing, typed: Sent) -> Response:
    """Write down what was used (keepers). What that takes of other records is shown and confirmed first."""
    actor, instrument_id = visit.require(), _instrument_of(visit)
    cuts: list[UsageCut] = []

    async def work() -> None:
        wish = await _wish(session, visit, typed, instrument_id)
        would = await usages.would_cut(session, actor, wish)
        if _sign(would) == trying.said(typed, "confirmed"):
            await usages.enter(session, actor, wish)
        else:
            cuts.extend(would)

    refused = await trying.to(session, work, FIELDS)
    if cuts:
        return await _list_page(visit, session, typed=typed, cuts=cuts)
    if refused is None:
        return visit.go(f"/usages?instrument={instrument_id}", "entered")
    return await _list_page(visit, session, typed=typed, wrong=refused.wrong, status=refused.status)


@uploads.post("/log", response_class=Response)
async def enter_log(visit: Visited, session: Writing, file: UploadFile | None = None) -> Response:
    """Write down all of an instrument's log, or nothing and every reason why (keepers)."""
    actor, instrument_id = visit.require(), _instrument_of(visit)
    content = await file.read(usage_log.MOST_BYTES + 1) if file is not None else b""

    async def work() -> None:
        await usage_log.enter(session, actor, instrument_id, content)

    refused = await trying.to(session, work)
    if refused is None:
        return visit.go(f"/usages?instrument={instrument_id}", "entered")
    return await _list_page(visit, session, wrong=refused.wrong, status=refused.status)


async def _page(
    visit: Visit, session: AsyncSession, usage_id: UUID, *, typed: Typed | None = None, wrong: Sequence[str] = (),
    status: int = 200,
) -> Response:  # fmt: skip
    request, actor = visit.request, visit.require()
    usage = await usages.read(session, actor, usage_id)
    asked, _ = await usages.adjustments(session, actor, usage_id, Paging(request, None, FEW))
    keeps = await instruments.keeps(session, actor, usage.instrument_id)
    served = usage.person_id == actor.person or usage.organisation_id in actor.organisations_where(Permission.READ_OWN)
    led_to = await outputs.of_usage(session, actor, usage_id)
    told, _ = await usages.evidence(session, actor, usage_id, Paging(request, None, FEW))
    corrected = await usages.corrected_by(session, usage_id)
    adjustments = [shapes.adjustment(row) for row in asked]
    return visit.page(
        "usage.html",
        status,
        one=shapes.usage(usage),
        adjustments=adjustments,
        evidence=[shapes.evidence(row, usage, corrected) for row in told],
        open_one=next((row for row in adjustments if row.state is AdjustmentState.ASKED), None),
        keeps=keeps,
        charge=await charges.of_usage(session, actor, usage_id),
        cuts=[shapes.cut(*row) for row in await usages.cuts(session, usage_id)] if keeps else [],
        may_withdraw=keeps and any(usages.withdrawable(row) for row in told),
        may_ask=keeps or usage.organisation_id in actor.organisations_where(Permission.READ_OWN),
        may_link=keeps or served,
        led_to=[outputs.view(row) for row in led_to],
        output_kinds=list(OutputKind),
        typed=typed or {},
        wrong=list(wrong),
        here=f"/usages/{usage_id}",
    )


@router.get("/{usage_id:uuid}", response_class=Response)
async def usage(usage_id: UUID, visit: Visited, session: Reading) -> Response:
    """One record of use: its numbers, every correction, and what it led to."""
    return await _page(visit, session, usage_id)


async def _act(
    visit: Visit, session: AsyncSession, usage_id: UUID, typed: Typed, work: Callable[[], Awaitable[Any]], done: str
) -> Response:
    refused = await trying.to(session, work, FIELDS)
    if refused is None:
        return visit.go(f"/usages/{usage_id}", done)
    return await _page(visit, session, usage_id, typed=typed, wrong=refused.wrong, status=refused.status)


@router.post("/{usage_id:uuid}/adjustments", response_class=Response)
async def ask(usage_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Say what it should have been, and why."""
    actor = visit.require()

    async def work() -> None:
        wish = trying.given(typed, *NUMBERS) | {"reason": trying.said(typed, "reason")}
        await usages.ask(session, actor, usage_id, AdjustmentNew.model_validate(wish))

    return await _act(visit, session, usage_id, typed, work, "correction-asked")


@router.post("/{usage_id:uuid}/withdrawal", response_class=Response)
async def withdraw(usage_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Take back what keepers wrote down of it (keepers)."""
    actor = visit.require()

    async def work() -> None:
        wish = WithdrawalOfUse.model_validate({"reason": trying.said(typed, "reason")})
        await usages.withdraw(session, actor, usage_id, wish)

    return await _act(visit, session, usage_id, typed, work, "withdrawn-use")


@router.post("/{usage_id:uuid}/adjustments/{adjustment_id:uuid}/decision", response_class=Response)
async def decide(usage_id: UUID, adjustment_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Accept or decline a correction (keepers)."""
    actor = visit.require()

    async def work() -> None:
        wish = {"accept": trying.said(typed, "accept") == "1", "note": trying.said(typed, "note") or None}
        await usages.decide(session, actor, usage_id, adjustment_id, AdjustmentDecision.model_validate(wish))

    return await _act(visit, session, usage_id, typed, work, "correction-decided")


def output_of(typed: Typed, usage_id: UUID | None) -> OutputNew:
    """An output as a form sends it."""
    wish = {name: trying.said(typed, name) for name in ("kind", "title", "number")}
    return OutputNew.model_validate(wish | {"year": trying.number(typed, "year"), "usage_id": usage_id})


@router.post("/{usage_id:uuid}/outputs", response_class=Response)
async def led_to(usage_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Write down what it led to (whom it served, and keepers)."""
    actor = visit.require()

    async def work() -> None:
        used = await usages.read(session, actor, usage_id)
        await outputs.add(session, actor, used.instrument_id, output_of(typed, usage_id))

    return await _act(visit, session, usage_id, typed, work, "output-added")
