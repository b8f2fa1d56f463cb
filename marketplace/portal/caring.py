"""`/instruments/{id}/care`: when it is out of order, who looks after it, who may use it alone."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.paging import Paging
from marketplace.labs import care
from marketplace.portal import acting, trying
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.keeping import kept
from marketplace.portal.labs import local_moment
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.labs import KeeperNew, OutageNew, QualificationNew

router = APIRouter(prefix="/instruments/{instrument_id:uuid}/care", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 50
_FIELDS: Final = {
    "starts_at": "从 · from",
    "ends_at": "到 · until",
    "reason": "原因 · reason",
    "email": "邮箱 · e-mail",
    "expires_on": "最后有效日 · last day",
    "note": "备注 · note",
}


async def _page(
    visit: Visit, session: AsyncSession, instrument_id: UUID, *, typed: Typed | None = None, form: str = "",
    wrong: Sequence[str] = (), status: int = 200,
) -> Response:  # fmt: skip
    one = await kept(visit, session, instrument_id)
    request, actor = visit.request, visit.actor
    cursor = request.query_params.get("cursor") if request.method == "GET" else None
    outages, marker = await care.outages(session, actor, instrument_id, Paging(request, cursor, PAGE))
    keepers, more_keepers = await care.keepers(session, actor, instrument_id, Paging(request, None, PAGE))
    allowed, more_allowed = await care.qualifications(session, actor, instrument_id, Paging(request, None, PAGE))
    return visit.page(
        "instrument_care.html", status, one=one, outages=outages, marker=marker, later="cursor" in request.query_params,
        keepers=keepers, allowed=allowed, more_keepers=bool(more_keepers), more_allowed=bool(more_allowed),
        now=clock.now(), today=clock.today(), typed=typed or {}, form=form, wrong=list(wrong),
        here=f"/instruments/{instrument_id}/care",
    )  # fmt: skip


@router.get("", response_class=Response)
async def show(instrument_id: UUID, visit: Visited, session: Reading) -> Response:
    return await _page(visit, session, instrument_id)


async def _done(
    visit: Visit, session: AsyncSession, instrument_id: UUID, typed: Typed, form: str,
    do: Callable[[], Awaitable[Any]], said: str = "saved",
) -> Response:  # fmt: skip
    """One of the page's forms; refused, the page says why, with what was typed in that form."""

    async def work() -> str:
        await do()
        return f"/instruments/{instrument_id}/care"

    return await acting.act(
        visit, session, work, said, partial(_page, visit, session, instrument_id, typed=typed, form=form), _FIELDS
    )


@router.post("/outages", response_class=Response)
async def report(instrument_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Say that it is, or will be, out of order."""
    actor = visit.require()

    async def do() -> None:
        moments = {
            name: local_moment(trying.said(typed, f"{name}.day"), trying.said(typed, f"{name}.time") or "00:00")
            for name in ("starts_at", "ends_at")
        }
        ends = moments["ends_at"] if trying.said(typed, "ends_at.day") else None
        if ends is None and trying.said(typed, "ends_at.day"):
            ends = trying.said(typed, "ends_at.day")
        wish = {"starts_at": moments["starts_at"], "ends_at": ends, "reason": trying.said(typed, "reason")}
        await care.report_outage(session, actor, instrument_id, OutageNew.model_validate(wish))

    return await _done(visit, session, instrument_id, typed, "outage", do)


@router.post("/outages/{outage_id:uuid}/end", response_class=Response)
async def end(instrument_id: UUID, outage_id: UUID, visit: Visited, session: Writing) -> Response:
    """It works again; what has not begun is called off."""
    actor = visit.require()
    return await _done(
        visit, session, instrument_id, {}, "outage",
        lambda: care.end_outage(session, actor, instrument_id, outage_id), "done",
    )  # fmt: skip


@router.post("/keepers", response_class=Response)
async def name(instrument_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()

    async def do() -> None:
        wish = KeeperNew.model_validate({"email": trying.said(typed, "email")})
        await care.name_keeper(session, actor, instrument_id, wish)

    return await _done(visit, session, instrument_id, typed, "keeper", do)


@router.post("/keepers/{person_id:uuid}/removal", response_class=Response)
async def remove(instrument_id: UUID, person_id: UUID, visit: Visited, session: Writing) -> Response:
    actor = visit.require()
    await care.remove_keeper(session, actor, instrument_id, person_id)
    # Whoever took themselves out keeps it no more.
    there = f"/instruments/{instrument_id}" + ("" if person_id == actor.person_id else "/care")
    return visit.go(there, "removed")


@router.post("/qualifications", response_class=Response)
async def qualify(instrument_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Let somebody use it alone."""
    actor = visit.require()

    async def do() -> None:
        wish = {part: trying.said(typed, part) or None for part in ("email", "expires_on", "note")}
        await care.qualify(session, actor, instrument_id, QualificationNew.model_validate(wish))

    return await _done(visit, session, instrument_id, typed, "qualification", do)


@router.post("/qualifications/{qualification_id:uuid}/revocation", response_class=Response)
async def disqualify(instrument_id: UUID, qualification_id: UUID, visit: Visited, session: Writing) -> Response:
    actor = visit.require()
    return await _done(
        visit, session, instrument_id, {}, "qualification",
        lambda: care.disqualify(session, actor, instrument_id, qualification_id), "revoked",
    )  # fmt: skip
