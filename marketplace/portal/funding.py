"""`/funding`: which money there is, one call with its rules in plain words; and what of it a record could apply for."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.funding import bookmarks, calls, eligibility, rankings, shapes
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import NotFound
from marketplace.listings import records
from marketplace.portal import acting, funding_form, kinds, trying
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.kinds import Kind
from marketplace.portal.narrowing import Asked
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent
from schemas.funding import FundingBookmark, FundingFilter, FundingKind
from schemas.funding_rankings import FundingRankingQuery
from schemas.identity import Permission

router = APIRouter(prefix="/funding", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 20
RANKED: Final = 8
CHANGES: Final = 10
_KEPT: Final = {"days_before": "提前几天 · days before"}


class Show(StrEnum):
    """Which calls a list shows: those to which one can apply, unless something else is chosen."""

    OPEN = "open"
    CLOSED = "closed"
    ALL = "all"
    KEPT = "kept"
    MINE = "mine"


def _asked(request: Request) -> tuple[Asked, Show]:
    asked = Asked(request)
    chosen = asked.said("show")
    show = Show(chosen) if chosen in set(Show) else Show.OPEN
    if show is Show.KEPT:
        asked.wish["bookmarked"] = True
    elif show is Show.MINE:
        asked.wish["mine"] = True
    elif show is not Show.ALL:
        asked.wish["open"] = show is Show.OPEN
    asked.chosen("kind", FundingKind)
    asked.plain("q", "organisation")
    asked.coded("region", "regions")
    asked.coded("industry", "industries")
    return asked, show


@router.get("", response_class=Response)
async def listed(visit: Visited, session: Reading) -> Response:
    request = visit.request
    asked, show = _asked(request)
    rows: list[Any] = []
    marker = None
    if (narrowed := asked.read(FundingFilter)) is not None:
        paging = Paging(request, asked.typed.get("cursor"), PAGE)
        rows, marker = await calls.listed(session, visit.actor, narrowed, paging)
    return visit.page(
        "funding.html",
        422 if asked.wrong else 200,
        rows=[shapes.card(row) for row in rows],
        marker=marker,
        wish=asked.wish,
        wrong=asked.wrong,
        typed=asked.typed,
        show=show,
        narrowed=bool(asked.wish.keys() - {"open", "mine", "bookmarked"} or asked.wrong),
        kinds=list(FundingKind),
        belongs=visit.signed_in and bool(visit.actor.organisations_where(Permission.READ_OWN)),
        writes=visit.signed_in and bool(visit.actor.organisations_where(Permission.WRITE_RECORDS)),
        files=_files(asked),
        later="cursor" in asked.typed,
    )


def _files(asked: Asked) -> dict[str, str]:
    """The filter once more, for the address of the list as a file."""
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in asked.wish.items()}


@router.get("/{call_id:uuid}", response_class=Response)
async def one(call_id: UUID, visit: Visited, session: Reading) -> Response:
    return await _call(visit, session, call_id)


async def _call(
    visit: Visit, session: AsyncSession, call_id: UUID, *, wrong: Sequence[str] = (), status: int = 200
) -> Response:
    call = await calls.read(session, visit.actor, call_id)
    view = shapes.view(visit.actor, call)
    changed, _ = await calls.changes(session, visit.actor, call_id, Paging(visit.request, None, CHANGES))
    return visit.page(
        "funding_call.html",
        status,
        one=view,
        rules=eligibility.rules_told(view.eligibility),
        kept=await bookmarks.find(session, visit.actor, call_id),
        changes=[shapes.change(row) for row in changed],
        labels=funding_form.LABELS,
        was=funding_form.was,
        wrong=list(wrong),
        here=f"/funding/{call_id}",
    )


@router.get("/{call_id:uuid}/bookmark", response_class=Response)
async def bookmark(call_id: UUID, visit: Visited, session: Reading) -> Response:
    """Where letters lead whoever wants no more of them: to the call, or, once it is hidden, to the bookmark alone."""
    actor = visit.require()
    if await calls.shown(session, actor, call_id):
        return visit.go(f"/funding/{call_id}#remind")
    kept = await bookmarks.find(session, actor, call_id)
    if kept is None:
        raise NotFound
    return visit.page("funding_bookmark.html", kept=kept, here=f"/funding/{call_id}/bookmark")


@router.post("/{call_id:uuid}/bookmark", response_class=Response)
async def keep(call_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Keep an eye on it, or no longer."""
    actor = visit.require()

    async def work() -> str:
        if trying.said(typed, "drop") == "1":
            await bookmarks.drop(session, actor, call_id)
        else:
            asked = {
                "days_before": trying.number(typed, "days_before"),
                "changes": trying.said(typed, "changes") == "1",
            }
            await bookmarks.keep(session, actor, call_id, FundingBookmark.model_validate(asked))
        return f"/funding/{call_id}" if await calls.shown(session, actor, call_id) else "/funding?show=kept"

    async def again(wrong: list[str], status: int) -> Response:
        return await _call(visit, session, call_id, wrong=wrong, status=status)

    said = "call-dropped" if trying.said(typed, "drop") == "1" else "call-kept"
    return await acting.act(visit, session, work, said, again, _KEPT)


async def _of(kind: Kind, listing_id: UUID, visit: Visit, session: AsyncSession) -> Response:
    """The funding that a record could apply for, with every rule."""
    listing = await records.read(session, visit.actor, kind.cls, listing_id)
    asked = Asked(visit.request)
    asked.chosen("kind", FundingKind)
    asked.ticked("eligible")
    chosen = [FundingKind(asked.wish["kind"])] if "kind" in asked.wish else []
    wish = FundingRankingQuery(kind=chosen, eligible=bool(asked.wish.get("eligible")))
    paging = Paging(visit.request, visit.request.query_params.get("cursor"), RANKED)
    state = visit.request.app.state
    ranking = await rankings.for_listing(
        session, state.engine, state.open_calls, visit.actor, kind.cls, listing_id, wish, paging
    )
    return visit.page(
        "record_funding.html",
        kind=kind,
        listing=listing,
        ranking=ranking,
        wish=wish,
        kinds=list(FundingKind),
        best=max((item.score for item in ranking.items), default=0.0),
        later=paging.cursor is not None,
    )


def _routes(kind: Kind) -> APIRouter:
    of = APIRouter(prefix=f"/{kind.plural}", route_class=PageRoute, include_in_schema=False)

    @of.get("/{listing_id:uuid}/funding", response_class=Response)
    async def suiting(listing_id: UUID, visit: Visited, session: Reading) -> Response:
        return await _of(kind, listing_id, visit, session)

    return of


ROUTERS: Final = (router, *map(_routes, kinds.KINDS.values()))
