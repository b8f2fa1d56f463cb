"""`/platform/rematches`: runs of the full rematch, how far each is, and what it proposes."""

from functools import partial
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import NotSignedIn
from marketplace.pairings import rematches
from marketplace.portal import acting, forms
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.operations import OperationState
from schemas.rematches import ProposalFilter, ProposalView, RematchNew, RematchView

router = APIRouter(prefix="/platform/rematches", route_class=PageRoute, include_in_schema=False)

HOME: Final = "/platform/rematches"
RUNS: Final = 20
ROWS: Final = 50
UNDER_WAY: Final = frozenset({OperationState.WAITING, OperationState.RUNNING})
_FIELDS: Final = {
    "/proposals": "每项难题的推荐数 · proposals for each problem",
    "/places": "默认名额 · default places",
    "/floor": "保底 · floor",
    "/depth": "候选深度 · depth",
}
_ONLY: Final = {"1": True, "0": False}


def _progress(run: RematchView) -> Any:
    return SimpleNamespace(id=run.id, state=run.state, done=run.progress, total=1.0, error=run.error)


async def _page(
    visit: Visit,
    session: AsyncSession,
    *,
    status: int = 200,
    wrong: list[str] | None = None,
    typed: Typed | None = None,
) -> Response:
    if not visit.signed_in:
        raise NotSignedIn
    query = visit.request.query_params if visit.request.method in {"GET", "HEAD"} else {}
    paging = Paging(visit.request, query.get("cursor"), RUNS)
    runs, marker = await rematches.listed(session, visit.actor, paging)
    under_way = next((run for run in runs if run.state in UNDER_WAY), None)
    return visit.page(
        "rematches.html",
        status,
        here=HOME,
        runs=runs,
        marker=marker,
        later=paging.cursor,
        under_way=under_way,
        work=_progress(under_way) if under_way else None,
        at=f"{HOME}/progress",
        wrong=wrong or [],
        typed=typed or {},
        first=forms.first,
    )


@router.get("", response_class=Response)
async def home(visit: Visited, session: Reading) -> Response:
    return await _page(visit, session)


@router.get("/progress", response_class=Response)
async def progress(visit: Visited, session: Reading) -> Response:
    """How far a run is; when it has ended, the whole page again."""
    actor = visit.require()
    try:
        run_id = UUID(visit.request.query_params.get("work", ""))
    except ValueError:
        return visit.go(HOME)
    run = (await rematches.views(session, [await rematches.read(session, actor, run_id)]))[0]
    answer = visit.page("parts/progress.html", work=_progress(run), at=f"{HOME}/progress", here="/")
    if run.state not in UNDER_WAY:
        answer.headers["HX-Redirect"] = HOME
    return answer


@router.post("", response_class=Response)
async def start(visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()

    async def work() -> str:
        numbers = {
            name: acting.number_of(forms.first(typed, name))
            for name in ("proposals", "places", "floor", "depth")
            if forms.first(typed, name).strip()
        }
        ticked = {name: forms.first(typed, name) == "1" for name in ("by_organisation", "unfit")}
        await rematches.request(session, actor, RematchNew.model_validate(numbers | ticked))
        return HOME

    return await acting.act(visit, session, work, "rematching", partial(_page, visit, session, typed=typed), _FIELDS)


@router.post("/{rematch_id:uuid}/stop", response_class=Response)
async def stop(rematch_id: UUID, visit: Visited, session: Writing) -> Response:
    actor = visit.require()

    async def work() -> str:
        await rematches.cancel(session, actor, rematch_id)
        return HOME

    return await acting.act(visit, session, work, "planning-off", partial(_page, visit, session), {})


@router.get("/{rematch_id:uuid}", response_class=Response)
async def one(rematch_id: UUID, visit: Visited, session: Reading) -> Response:
    """What a run proposes and passes over."""
    if not visit.signed_in:
        raise NotSignedIn
    run = (await rematches.views(session, [await rematches.read(session, visit.actor, rematch_id)]))[0]
    only = _ONLY.get(visit.request.query_params.get("granted", ""))
    paging = Paging(visit.request, visit.request.query_params.get("cursor"), ROWS)
    found: list[ProposalView] = []
    marker: str | None = None
    if run.kept:
        wish = ProposalFilter(granted=only)
        found, marker = await rematches.proposals(session, visit.actor, rematch_id, wish, paging)
    return visit.page("rematch.html", run=run, found=found, marker=marker, later=paging.cursor, only=only)
