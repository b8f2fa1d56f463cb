"""`/api/v1/instruments/{id}/ratings`, `/api/v1/bookings/{id}/rating` and `/api/v1/ratings`."""

from uuid import UUID

from fastapi import APIRouter, Response

from marketplace.kernel.actor import Anyone, SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, problems
from marketplace.labs import ratings, shapes
from marketplace.labs.instruments import NotItsKeeper
from schemas.base import Page
from schemas.ratings import RatingAnswer, RatingNew, RatingView

router = APIRouter(prefix="/api/v1", tags=["labs"], route_class=TransactionRoute)


@router.get("/instruments/{instrument_id}/ratings", responses=problems(NotFound))
async def list_ratings(
    instrument_id: UUID, session: Reading, actor: Anyone, paging: Paged, response: Response
) -> Page[RatingView]:
    """评价 · What users say of it, latest first."""
    rows, marker = await ratings.listed(session, actor, instrument_id, paging)
    paging.link(response, marker)
    items = [shapes.rating(row[0], row[0].booking, known=row.known) for row in rows]
    return Page[RatingView].model_construct(items=items, next_cursor=marker)


@router.post(
    "/bookings/{booking_id}/rating",
    status_code=201,
    responses=problems(NotSignedIn, NotFound, ratings.NotYourUse, ratings.NotUsedYet, ratings.RatedAlready),
)
async def rate(booking_id: UUID, wish: RatingNew, session: Writing, actor: SignedIn) -> RatingView:
    """使用后评价 · Say how it was; once a booking, when it is done."""
    rating, booking = await ratings.rate(session, actor, booking_id, wish)
    return shapes.rating(rating, booking, known=True)


@router.post("/ratings/{rating_id}/answer", responses=problems(NotSignedIn, NotFound, NotItsKeeper))
async def answer(rating_id: UUID, wish: RatingAnswer, session: Writing, actor: SignedIn) -> RatingView:
    """答复评价 · The lab's word to a rating; a later one takes its place (keepers)."""
    rating = await ratings.answer(session, actor, rating_id, wish)
    return shapes.rating(rating, rating.booking, known=True)
