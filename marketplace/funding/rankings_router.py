"""`/api/v1/funding-matches` and `/api/v1/{problems|achievements}/{id}/funding`: which funding fits."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from marketplace.funding import rankings
from marketplace.kernel import rate
from marketplace.kernel.actor import Anyone
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, TooMany, problems
from marketplace.listings.models import Achievement, Listing, Problem
from schemas.funding_rankings import FundingMatchRequest, FundingRankingPage, FundingRankingQuery

router = APIRouter(prefix="/api/v1", tags=["matching"], route_class=TransactionRoute)


@router.post("/funding-matches", responses=problems(TooMany))
async def match_funding(
    wish: FundingMatchRequest, session: Writing, actor: Anyone, request: Request
) -> FundingRankingPage:
    """为一段文字找资金 · Rank the open calls for a text, each with its reasons and its rules. Nothing of it is stored."""
    # Not even for a repeat: an answer kept under an Idempotency-Key would be part of the text.
    request.state.idempotency = None
    state = request.app.state
    caller = str(actor.person_id) if actor.person_id else rate.place(request.client.host if request.client else None)
    state.matches_limit.spend(caller)
    return await rankings.for_text(session, state.engine, state.open_calls, wish)


def _routes(cls: type[Listing], path: str, of: str) -> None:
    async def ranked(
        listing_id: UUID,
        wish: Annotated[FundingRankingQuery, Query()],
        session: Reading,
        actor: Anyone,
        paging: Paged,
        request: Request,
        response: Response,
    ) -> FundingRankingPage:
        state = request.app.state
        page = await rankings.for_listing(session, state.engine, state.open_calls, actor, cls, listing_id, wish, paging)
        paging.link(response, page.next_cursor)
        return page

    router.add_api_route(
        f"/{path}/{{listing_id}}/funding",
        ranked,
        name=f"rank_funding_for_{of}",
        description=(
            f"可申报的资金 · The open funding calls that fit this {of}, each with its reasons and whether its rules are"
            " met; those with a rule that is not met come after the others."
        ),
        responses=problems(NotFound),
    )


_routes(Problem, "problems", "problem")
_routes(Achievement, "achievements", "achievement")
