"""`/experts`: whom organisations send to firms, one of them with the problems that fit, and who fits a record."""

from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.experts import experts, shapes
from marketplace.kernel.db import Reading
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import Unavailable
from marketplace.listings import records
from marketplace.pairings import experts as rankings
from marketplace.portal import kinds
from marketplace.portal.browse import CODED
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.kinds import Kind
from marketplace.portal.narrowing import Asked
from marketplace.portal.routes import PageRoute
from schemas.experts import ExpertFilter, ExpertState, ServiceWay
from schemas.identity import Permission
from schemas.pairings import ExpertRankingQuery, RankingFilter

router = APIRouter(prefix="/experts", route_class=PageRoute, include_in_schema=False)
of_records = APIRouter(route_class=PageRoute, include_in_schema=False)
ROUTERS: Final = (router, of_records)

PAGE: Final = 20
RANKED: Final = 8


def _asked(request: Request) -> Asked:
    """The filter of an address: codes read from what was typed, the ways of service as they were ticked."""
    asked = Asked(request)
    for name, table in CODED.items():
        asked.coded(name, table)
        if name in asked.wish:
            asked.wish[name] = [asked.wish[name]]
    if ways := [way for way in request.query_params.getlist("service") if way in set(ServiceWay)]:
        asked.wish["service"] = ways
    return asked


@router.get("", response_class=Response)
async def catalogue(visit: Visited, session: Reading) -> Response:
    asked = _asked(visit.request)
    asked.plain("q", "organisation")
    asked.chosen("state", ExpertState)
    asked.ticked("mine")
    rows: list[Any] = []
    marker = None
    if (narrowed := asked.read(ExpertFilter)) is not None:
        paging = Paging(visit.request, asked.typed.get("cursor"), PAGE)
        rows, marker = await experts.listed(session, visit.actor, narrowed, paging)
    return visit.page(
        "experts.html",
        422 if asked.wrong else 200,
        rows=[shapes.card(row) for row in rows],
        marker=marker,
        wish=asked.wish,
        wrong=asked.wrong,
        typed=asked.typed,
        narrowed=bool(asked.wish or asked.wrong),
        later="cursor" in asked.typed,
        exported=urlencode(asked.wish, doseq=True),
    )


async def _fitting(visit: Visit, session: AsyncSession, expert_id: UUID) -> dict[str, Any]:
    """The problems that fit an expert, or why there are none at this moment."""
    paging = Paging(visit.request, visit.request.query_params.get("cursor"), RANKED)
    engine = visit.request.app.state.engine
    told_of: dict[str, Any] = {"ranking": None, "waiting": None, "later": paging.cursor is not None}
    try:
        told_of["ranking"] = await rankings.problems_for(
            session, engine, visit.actor, expert_id, RankingFilter(), paging
        )
    except Unavailable as refusal:
        told_of["waiting"] = told(refusal.detail or refusal.title())
    return told_of


@router.get("/{expert_id:uuid}", response_class=Response)
async def one(expert_id: UUID, visit: Visited, session: Reading) -> Response:
    expert = await experts.read(session, visit.actor, expert_id)
    view = await shapes.view(session, visit.actor, expert)
    return visit.page(
        "expert.html",
        one=view,
        editor=expert.organisation_id in visit.actor.organisations_where(Permission.WRITE_RECORDS),
        desk=Permission.REVIEW_RECORDS in visit.actor.platform,
        **await _fitting(visit, session, expert_id),
    )


async def _for_record(kind: Kind, listing_id: UUID, visit: Visit, session: AsyncSession) -> Response:
    """Who could solve a problem, or go on with an achievement."""
    listing = await records.read(session, visit.actor, kind.cls, listing_id)
    asked = _asked(visit.request)
    paging = Paging(visit.request, visit.request.query_params.get("cursor"), RANKED)
    ranking, waiting = None, None
    if (narrowed := asked.read(ExpertRankingQuery)) is not None:
        engine = visit.request.app.state.engine
        try:
            ranking = await rankings.for_listing(session, engine, visit.actor, kind.cls, listing_id, narrowed, paging)
        except Unavailable as refusal:
            waiting = told(refusal.detail or refusal.title())
    return visit.page(
        "record_experts.html",
        422 if asked.wrong else 200,
        kind=kind,
        listing=listing,
        ranking=ranking,
        waiting=waiting,
        later=paging.cursor is not None,
        wish=asked.wish,
        wrong=asked.wrong,
        typed=asked.typed,
        narrowed=bool(asked.wish or asked.wrong),
    )


def _routes(kind: Kind) -> None:
    @of_records.get(f"/{kind.plural}/{{listing_id:uuid}}/experts", response_class=Response)
    async def suiting(listing_id: UUID, visit: Visited, session: Reading) -> Response:
        return await _for_record(kind, listing_id, visit, session)


for _kind in kinds.KINDS.values():
    _routes(_kind)
