"""`/api/v1/{problems|achievements}/{id}/pairings` and `/api/v1/matches`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from marketplace.kernel import rate
from marketplace.kernel.actor import Anyone
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, TooMany, problems
from marketplace.labs.bookings import NotOfYours
from marketplace.listings.models import Achievement, Listing, Problem
from marketplace.pairings import instruments, pairings, similar
from marketplace.pairings.reading import INSTRUMENT
from schemas.pairings import (
    InstrumentRankingPage,
    MatchRequest,
    Pairing,
    RankingPage,
    RankingQuery,
    RegionQuery,
    SimilarPage,
)

router = APIRouter(prefix="/api/v1", tags=["matching"], route_class=TransactionRoute)


def _pairing_routes(cls: type[Listing], path: str, of: str, found: str) -> None:
    async def ranked(
        listing_id: UUID,
        wish: Annotated[RankingQuery, Query()],
        session: Reading,
        actor: Anyone,
        paging: Paged,
        request: Request,
        response: Response,
    ) -> RankingPage:
        page = await pairings.for_listing(session, request.app.state.engine, actor, cls, listing_id, wish, paging)
        paging.link(response, page.next_cursor)
        return page

    async def one(listing_id: UUID, other_id: UUID, session: Reading, actor: Anyone, request: Request) -> Pairing:
        return await pairings.one(session, request.app.state.engine, actor, cls, listing_id, other_id)

    async def alike(
        listing_id: UUID,
        wish: Annotated[RankingQuery, Query()],
        session: Reading,
        actor: Anyone,
        paging: Paged,
        request: Request,
        response: Response,
    ) -> SimilarPage:
        page = await similar.of(session, request.app.state.engine, actor, cls, listing_id, wish, paging)
        paging.link(response, page.next_cursor)
        return page

    router.add_api_route(
        f"/{path}/{{listing_id}}/similar",
        alike,
        name=f"similar_to_{of}",
        description=f"相近的记录 · The other {path} that are like this one, best first, each with its reasons; those that say nearly the same are marked.",
        responses=problems(NotFound, pairings.RankingLoading),
    )
    router.add_api_route(
        f"/{path}/{{listing_id}}/pairings",
        ranked,
        name=f"rank_{found}_for_{of}",
        description=f"匹配 · The {found} that fit this {of}, best first, each with its reasons.",
        responses=problems(NotFound, pairings.RankingLoading),
    )
    router.add_api_route(
        f"/{path}/{{listing_id}}/pairings/{{other_id}}",
        one,
        name=f"pairing_of_{of}",
        description="一对匹配的全部算式 · One pairing with all of its arithmetic.",
        responses=problems(NotFound, pairings.RankingLoading),
    )


_pairing_routes(Problem, "problems", "problem", "achievements")
_pairing_routes(Achievement, "achievements", "achievement", "problems")


@router.get("/problems/{listing_id}/instruments", responses=problems(NotFound, NotOfYours, pairings.RankingLoading))
async def instruments_for_problem(
    listing_id: UUID,
    wish: Annotated[RegionQuery, Query()],
    session: Reading,
    actor: Anyone,
    paging: Paged,
    request: Request,
    response: Response,
) -> InstrumentRankingPage:
    """难题需要的仪器 · The instruments that this problem needs, best first, each with its reasons, first free time and what that costs."""
    page = await instruments.for_problem(session, request.app.state.engine, actor, listing_id, wish, paging)
    paging.link(response, page.next_cursor)
    return page


@router.post("/matches", responses=problems(NotOfYours, pairings.RankingLoading, TooMany))
async def match_text(
    wish: MatchRequest, session: Writing, actor: Anyone, request: Request
) -> RankingPage | InstrumentRankingPage:
    """匹配一段文字 · Rank records for a text. Open to anyone within a rate limit; nothing of it is stored."""
    # Not even for a repeat: an answer kept under an Idempotency-Key would be part of the text.
    request.state.idempotency = None
    caller = str(actor.person_id) if actor.person_id else rate.place(request.client.host if request.client else None)
    request.app.state.matches_limit.spend(caller)
    if wish.kind == INSTRUMENT:
        return await instruments.for_text(session, request.app.state.engine, actor, wish)
    return await pairings.for_text(session, request.app.state.engine, wish)
