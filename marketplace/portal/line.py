"""`/instruments/{id}/line`: for its keepers, who waits for which time; and the form in which they book for somebody else."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock, validation
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import Refusal
from marketplace.labs import bookings, shapes, usage_log, waiting
from marketplace.labs.rules import RULES
from marketplace.portal import trying
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.keeping import kept
from marketplace.portal.labs import local_moment
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from marketplace.portal.use import NobodyOfThatName
from schemas.base import FieldError
from schemas.bookings import BookingNew, Rule, WaitingFilter

router = APIRouter(prefix="/instruments/{instrument_id:uuid}/line", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 50
_FIELDS: Final = {
    "organisation_id": "单位 · organisation",
    "for_email": "使用人邮箱 · user's address",
    "starts_at": "开始时间 · beginning",
    "ends_at": "结束时间 · end",
    "purpose": "用途 · purpose",
}


def _waived(typed: Typed) -> list[Rule]:
    return [rule for rule in Rule if rule.value in typed.get("waive", ()) and RULES[rule].waivable]


async def _page(
    visit: Visit, session: AsyncSession, instrument_id: UUID, *, typed: Typed | None = None, wrong: Sequence[str] = (),
    reasons: Sequence[FieldError] = (), status: int = 200,
) -> Response:  # fmt: skip
    one = await kept(visit, session, instrument_id)
    request = visit.request
    cursor = request.query_params.get("cursor") if request.method == "GET" else None
    live = WaitingFilter(instrument=instrument_id, live=True)
    rows, marker = await waiting.listed(session, visit.actor, live, Paging(request, cursor, PAGE))
    sent = typed or {}
    return visit.page(
        "instrument_line.html", status, one=one, rows=[shapes.waiting(row) for row in rows], marker=marker,
        later="cursor" in request.query_params, now=clock.now(), wrong=list(wrong),
        reasons=[(told(reason.detail), reason.code if reason.waivable else "") for reason in reasons],
        waived=[(told(RULES[rule].told), rule.value) for rule in _waived(sent)],
        typed={name: values[0] for name, values in sent.items()}, answers=sent.get("answers", []),
        here=f"/instruments/{instrument_id}/line",
    )  # fmt: skip


@router.get("", response_class=Response)
async def show(instrument_id: UUID, visit: Visited, session: Reading) -> Response:
    return await _page(visit, session, instrument_id)


async def _wish(visit: Visit, session: AsyncSession, instrument_id: UUID, typed: Typed) -> BookingNew:
    name = trying.said(typed, "organisation")
    found = (await usage_log.organisations_named(session, visit.actor, {name})).get(name, [])
    if len(found) != 1:
        raise NobodyOfThatName
    day = trying.said(typed, "day")
    wish: dict[str, Any] = {
        "instrument_id": str(instrument_id),
        "organisation_id": str(found[0].id),
        "for_email": trying.said(typed, "for_email"),
        "starts_at": local_moment(day, trying.said(typed, "from")),
        "ends_at": local_moment(trying.said(typed, "last_day") or day, trying.said(typed, "to")),
        "purpose": trying.said(typed, "purpose"),
        "assisted": trying.said(typed, "assisted") == "1",
        "answers": [one for one in typed.get("answers", ()) if one.strip()],
        "waive": _waived(typed),
    }
    return BookingNew.model_validate(wish)


@router.post("/bookings", response_class=Response)
async def book(instrument_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Book in somebody's name. A refusal shows every reason, and those that a keeper may waive as ticks."""
    await kept(visit, session, instrument_id)
    try:
        async with session.begin_nested():
            wish = await _wish(visit, session, instrument_id, typed)
            await bookings.request(session, visit.actor, wish)
    except ValidationError as error:
        wrong = trying.wrong_of(validation.as_refusal(error), _FIELDS)
        return await _page(visit, session, instrument_id, typed=typed, wrong=wrong, status=422)
    except Refusal as refusal:
        if refusal.status not in trying.BESIDE:
            raise
        # What breaks the rules of booking is listed by itself; all else is told as on every form.
        rules = list(refusal.errors) if refusal.status == 409 else []
        wrong = [] if rules else trying.wrong_of(refusal, _FIELDS)
        return await _page(
            visit, session, instrument_id, typed=typed, reasons=rules, wrong=wrong, status=refusal.status
        )
    return visit.go(f"/instruments/{instrument_id}/line", "booked-for")
