"""`/api/v1/event-matches` and `/api/v1/{problems|achievements}/{id}/events`: which events fit."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from marketplace.docking import event_rankings
from marketplace.kernel import rate
from marketplace.kernel.actor import Anyone
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, TooMany, problems
from marketplace.listings.models import Achievement, Listing, Problem
from schemas.event_rankings import EventMatchRequest, EventRankingPage, EventRankingQuery

router = APIRouter(prefix="/api/v1", tags=["matching"], route_class=TransactionRoute)


@router.post("/event-matches", responses=problems(TooMany))
async def match_events(wish: EventMatchRequest, session: Writing, actor: Anyone, request: Request) -> EventRankingPage:
    """为一段文字找活动 · Rank the events to come for a text, each with its reasons. Nothing of it is stored."""
    # Not even for a repeat: an answer kept under an Idempotency-Key would be part of the text.
    request.state.idempotency = None
    state = request.app.state
    caller = str(actor.person_id) if actor.person_id else rate.place(request.client.host if request.client else None)
    state.matches_limit.spend(caller)
    return await event_rankings.for_text(session, state.engine, state.upcoming, wish)


def _routes(cls: type[Listing], path: str, of: str) -> None:
    async def ranked(
        listing_id: UUID,
        wish: Annotated[EventRankingQuery, Query()],
        session: Reading,
        actor: Anyone,
        paging: Paged,
        request: Request,
        response: Response,
    ) -> EventRankingPage:
        state = request.app.state
        page = await event_rankings.for_listing(
            session, state.engine, state.upcoming, actor, cls, listing_id, wish, paging
        )
        paging.link(response, page.next_cursor)
        return page

    router.add_api_route(
        f"/{path}/{{listing_id}}/events",
        ranked,
        name=f"rank_events_for_{of}",
        description=f"合适的活动 · The events to come that fit this {of}, best first, each with its reasons.",
        responses=problems(NotFound),
    )


_routes(Problem, "problems", "problem")
_routes(Achievement, "achievements", "achievement")
