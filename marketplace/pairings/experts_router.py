"""`/api/v1/{problems|achievements}/{id}/experts`, `/api/v1/expert-matches` and `/api/v1/experts/{id}/problems`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from marketplace.kernel import rate
from marketplace.kernel.actor import Anyone
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, TooMany, problems
from marketplace.listings.models import Achievement, Listing, Problem
from marketplace.pairings import experts
from marketplace.pairings.pairings import RankingLoading
from schemas.pairings import ExpertMatchRequest, ExpertRankingPage, ExpertRankingQuery, RankingPage, RankingQuery

router = APIRouter(prefix="/api/v1", tags=["matching"], route_class=TransactionRoute)


def _routes(cls: type[Listing], path: str, of: str) -> None:
    async def ranked(
        listing_id: UUID,
        wish: Annotated[ExpertRankingQuery, Query()],
        session: Reading,
        actor: Anyone,
        paging: Paged,
        request: Request,
        response: Response,
    ) -> ExpertRankingPage:
        engine = request.app.state.engine
        page = await experts.for_listing(session, engine, actor, cls, listing_id, wish, paging)
        paging.link(response, page.next_cursor)
        return page

    router.add_api_route(
        f"/{path}/{{listing_id}}/experts",
        ranked,
        name=f"rank_experts_for_{of}",
        description=f"适合的专家 · The experts who fit this {of}, best first, each with its reasons.",
        responses=problems(NotFound, RankingLoading),
    )


_routes(Problem, "problems", "problem")
_routes(Achievement, "achievements", "achievement")


@router.get("/experts/{expert_id}/problems", responses=problems(NotFound, RankingLoading))
async def problems_for_expert(
    expert_id: UUID,
    wish: Annotated[RankingQuery, Query()],
    session: Reading,
    actor: Anyone,
    paging: Paged,
    request: Request,
    response: Response,
) -> RankingPage:
    """适合这位专家的难题 · The problems that fit this expert, best first, each with its reasons."""
    page = await experts.problems_for(session, request.app.state.engine, actor, expert_id, wish, paging)
    paging.link(response, page.next_cursor)
    return page


@router.post("/expert-matches", responses=problems(RankingLoading, TooMany))
async def match_text(wish: ExpertMatchRequest, session: Writing, actor: Anyone, request: Request) -> ExpertRankingPage:
    """为一段文字找专家 · Rank experts for a text. Open to anyone within a rate limit; nothing of it is stored."""
    # Not even for a repeat: an answer kept under an Idempotency-Key would be part of the text.
    request.state.idempotency = None
    caller = str(actor.person_id) if actor.person_id else rate.place(request.client.host if request.client else None)
    request.app.state.matches_limit.spend(caller)
    return await experts.for_text(session, request.app.state.engine, wish)
