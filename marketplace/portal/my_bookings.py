"""`/bookings`: what I booked and wait for, and what waits for me as a keeper."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock, qr, validation
from marketplace.kernel.actor import Actor
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import NotFound, NotSignedIn, Refusal
from marketplace.labs import bookings, codes, coming, moves, ratings, rewording, shapes, usages, waiting
from marketplace.portal import acting
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.labs import local_moment
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.bookings import (
    Approval,
    BookingFilter,
    BookingMove,
    BookingPatch,
    BookingState,
    Cancellation,
    RefusalNote,
    Rule,
    WaitingFilter,
)
from schemas.ratings import RatingNew

router = APIRouter(prefix="/bookings", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 20
REQUESTS: Final = 50
SHOWN_AT_THE_KIOSK: Final = (BookingState.CONFIRMED, BookingState.IN_USE)


async def _page(visit: Visit, session: AsyncSession, *, wrong: list[str] | None = None, status: int = 200) -> Response:
    request, actor = visit.request, visit.actor
    rows, marker = await bookings.listed(
        session, actor, BookingFilter(), Paging(request, request.query_params.get("cursor"), PAGE)
    )
    first = Paging(request, None, REQUESTS)
    asked, _ = await bookings.listed(session, actor, BookingFilter(kept=True, state=BookingState.REQUESTED), first)
    running, _ = await bookings.listed(session, actor, BookingFilter(kept=True, state=BookingState.IN_USE), first)
    line, _ = await waiting.listed(session, actor, WaitingFilter(), first)
    soon = await coming.listed(session, actor)
    orders = {
        row.id: list(zip(row.instrument.order_form, row.answers, strict=False))
        for row in [*rows, *asked, *running, *soon]
        if row.answers
    }
    replaced = await bookings.replaced(session, [*rows, *asked])
    key = request.app.state.signing_key
    shown = {row.id: codes.code(key, row.id) for row in rows if row.state in SHOWN_AT_THE_KIOSK}
    return visit.page(
        "bookings.html",
        status,
        rows=[shapes.booking(row) for row in rows],
        asked=[shapes.booking(row) for row in sorted(asked, key=lambda one: one.starts_at)],
        running=[shapes.booking(row) for row in running],
        coming=[shapes.booking(row) for row in soon],
        orders=orders,
        replaced=replaced,
        asks_again={row.id for row in rows if row.customer_class not in row.instrument.confirmed_at_once},
        questions={row.id: row.instrument.order_form for row in rows},
        line=[shapes.waiting(row) for row in line],
        codes={booking: (code, qr.code(code)) for booking, code in shown.items()},
        marker=marker,
        later="cursor" in request.query_params,
        now=clock.now(),
        wrong=wrong or [],
        here="/bookings",
    )


@router.get("", response_class=Response)
async def mine(visit: Visited, session: Reading) -> Response:
    if not visit.signed_in:
        raise NotSignedIn
    return await _page(visit, session)


def _said(typed: Typed, name: str) -> str:
    return typed.get(name, [""])[0].strip()


def _time(typed: Typed) -> dict[str, Any]:
    day = _said(typed, "day")
    return {"starts_at": local_moment(day, _said(typed, "from")), "ends_at": local_moment(day, _said(typed, "to"))}


Step = Callable[[AsyncSession, Actor, UUID, Typed], Awaitable[Any]]


async def _approve(session: AsyncSession, actor: Actor, key: UUID, typed: Typed) -> Any:
    waive = list(Rule) if _said(typed, "waive") == "1" else []
    approval = Approval(note=_said(typed, "note") or None, waive=waive)
    version = acting.version_of(typed) if "version" in typed else None
    return await moves.approve(session, actor, key, approval, version)


async def _edit(session: AsyncSession, actor: Actor, key: UUID, typed: Typed) -> Any:
    wish: dict[str, Any] = {"purpose": _said(typed, "purpose")}
    if "answers" in typed:
        wish["answers"] = [one for one in typed["answers"] if one.strip()]
    return await rewording.edit(session, actor, key, acting.version_of(typed), BookingPatch.model_validate(wish))


async def _refuse(session: AsyncSession, actor: Actor, key: UUID, typed: Typed) -> Any:
    return await bookings.refuse(session, actor, key, RefusalNote.model_validate({"note": _said(typed, "note")}))


async def _cancel(session: AsyncSession, actor: Actor, key: UUID, typed: Typed) -> Any:
    wish = Cancellation.model_validate({"note": _said(typed, "note") or None})
    return await bookings.cancel(session, actor, key, wish)


async def _move(session: AsyncSession, actor: Actor, key: UUID, typed: Typed) -> Any:
    return await moves.move(session, actor, key, BookingMove.model_validate(_time(typed)))


async def _rate(session: AsyncSession, actor: Actor, key: UUID, typed: Typed) -> Any:
    stars = _said(typed, "stars")
    wish = {"stars": int(stars) if stars in set("12345") else None, "text": _said(typed, "text") or None}
    return await ratings.rate(session, actor, key, RatingNew.model_validate(wish))


STEPS: Final[Mapping[str, Step]] = {
    "approval": _approve,
    "refusal": _refuse,
    "move": _move,
    "edit": _edit,
    "rating": _rate,
    "cancellation": _cancel,
    "check-in": lambda session, actor, key, _: bookings.check_in(session, actor, key),
    "check-out": lambda session, actor, key, _: usages.check_out(session, actor, key),
    # Of a place on a waiting list.
    "acceptance": lambda session, actor, key, _: waiting.accept(session, actor, key),
    "leaving": lambda session, actor, key, _: waiting.leave(session, actor, key),
}


@router.post("/{booking_id}/{step}", response_class=Response)
async def act(booking_id: UUID, step: str, visit: Visited, session: Writing, typed: Sent) -> Response:
    """One step of a booking or of a place in line; a refusal gives every reason above the list."""
    actor = visit.require()
    if step not in STEPS:
        raise NotFound
    try:
        async with session.begin_nested():
            await STEPS[step](session, actor, booking_id, typed)
    except ValidationError as error:
        wrong = [told(one.detail) for one in validation.as_refusal(error).errors]
        return await _page(visit, session, wrong=wrong, status=422)
    except Refusal as refusal:
        if refusal.status not in {409, 412}:
            raise
        told_all = [told(one.detail) for one in refusal.errors] or [told(refusal.detail or refusal.title())]
        return await _page(visit, session, wrong=told_all, status=refusal.status)
    return visit.go("/bookings", "done")
