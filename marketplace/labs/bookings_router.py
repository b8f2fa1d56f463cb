"""`/api/v1/bookings`, `/api/v1/booking-series` and `/api/v1/waiting-list`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from marketplace.kernel import etag
from marketplace.kernel.actor import SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.etag import IfMatch, MaybeIfMatch
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, StaleVersion, VersionMissing, problems
from marketplace.labs import bookings, moves, rewording, series, shapes, usages, waiting
from marketplace.labs.booking_models import Booking
from marketplace.labs.instruments import NotItsKeeper
from marketplace.labs.rules import NotBookable, SeriesNotBookable
from schemas.base import Page
from schemas.bookings import (
    Approval,
    BookingFilter,
    BookingMove,
    BookingNew,
    BookingPatch,
    BookingRevisionView,
    BookingView,
    Cancellation,
    CheckOut,
    RefusalNote,
    SeriesNew,
    SeriesView,
    WaitingFilter,
    WaitingNew,
    WaitingView,
)

router = APIRouter(prefix="/api/v1", tags=["labs"], route_class=TransactionRoute)

NEW = (NotSignedIn, NotFound, bookings.NotOfYours, bookings.NotOneOfTheirs, NotItsKeeper)
OWN = (NotSignedIn, NotFound, bookings.NotYourBooking, bookings.BookingOver)
KEPT = (NotSignedIn, NotFound, NotItsKeeper, bookings.BookingOver)


def _shown(booking: Booking, response: Response) -> BookingView:
    etag.stamp(response, booking.version)
    return shapes.booking(booking)


@router.get("/bookings", responses=problems(NotSignedIn))
async def list_bookings(
    wish: Annotated[BookingFilter, Query()], session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[BookingView]:
    """预约列表 · Your bookings, latest first; with `kept`, those on the instruments that you keep."""
    rows, marker = await bookings.listed(session, actor, wish, paging)
    paging.link(response, marker)
    return Page[BookingView].model_construct(items=[shapes.booking(row) for row in rows], next_cursor=marker)


@router.post("/bookings", status_code=201, responses=problems(*NEW, NotBookable))
async def request(wish: BookingNew, session: Writing, actor: SignedIn, response: Response) -> BookingView:
    """预约 · Book a time. A refusal gives every reason at once, and says which a keeper may waive."""
    booking = await bookings.request(session, actor, wish)
    response.headers["Location"] = f"/api/v1/bookings/{booking.id}"
    etag.stamp(response, booking.version)
    return shapes.booked(booking)


@router.post("/booking-series", status_code=201, responses=problems(*NEW, SeriesNotBookable))
async def request_series(wish: SeriesNew, session: Writing, actor: SignedIn) -> SeriesView:
    """按周重复预约 · The same time every week: all or nothing, or with the gaps reported."""
    series_id, made, gaps = await series.request(session, actor, wish)
    return SeriesView(series_id=series_id, bookings=[shapes.booking(one) for one in made], gaps=gaps)


@router.get("/bookings/{booking_id}", responses=problems(NotSignedIn, NotFound))
async def read(booking_id: UUID, session: Reading, actor: SignedIn, response: Response) -> BookingView:
    """一个预约 · One booking."""
    return _shown(await bookings.read(session, actor, booking_id), response)


@router.patch(
    "/bookings/{booking_id}",
    responses=problems(*OWN, NotBookable, moves.AlreadyMoving, StaleVersion, VersionMissing),
)
async def edit(
    booking_id: UUID, patch: BookingPatch, session: Writing, actor: SignedIn, version: IfMatch, response: Response
) -> BookingView:
    """修改用途 · Change what it is for, and the answers, at the same time; what they said is kept in `revisions`.

    须经管理员审批的预约，修改作为同一时间的新申请（`moved_from_id` 指向原预约），批准前原预约照旧有效。 · Where a keeper
    had to agree, the answer is a new request for the same time (`moved_from_id` is the booking), which holds until then.
    """
    return _shown(await rewording.edit(session, actor, booking_id, version, patch), response)


@router.get("/bookings/{booking_id}/revisions", responses=problems(NotSignedIn, NotFound))
async def revisions(
    booking_id: UUID, session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[BookingRevisionView]:
    """修改记录 · What it said before, latest first."""
    rows, marker = await rewording.revisions(session, actor, booking_id, paging)
    paging.link(response, marker)
    items = [BookingRevisionView.model_validate(row, from_attributes=True) for row in rows]
    return Page[BookingRevisionView].model_construct(items=items, next_cursor=marker)


@router.post("/bookings/{booking_id}/approval", responses=problems(*KEPT, NotBookable, StaleVersion))
async def approve(
    booking_id: UUID, wish: Approval, session: Writing, actor: SignedIn, version: MaybeIfMatch, response: Response
) -> BookingView:
    """批准 · Give it its time; requests that collide with it are refused (keepers)."""
    return _shown(await moves.approve(session, actor, booking_id, wish, version), response)


@router.post("/bookings/{booking_id}/refusal", responses=problems(*KEPT))
async def refuse(
    booking_id: UUID, wish: RefusalNote, session: Writing, actor: SignedIn, response: Response
) -> BookingView:
    """拒绝 · Say no, and why (keepers)."""
    return _shown(await bookings.refuse(session, actor, booking_id, wish), response)


@router.post(
    "/bookings/{booking_id}/move",
    status_code=201,
    responses=problems(*OWN, NotItsKeeper, NotBookable, moves.AlreadyMoving),
)
async def move(
    booking_id: UUID, wish: BookingMove, session: Writing, actor: SignedIn, response: Response
) -> BookingView:
    """改期 · Another time: a new booking that points at the old one."""
    booking = await moves.move(session, actor, booking_id, wish)
    response.headers["Location"] = f"/api/v1/bookings/{booking.id}"
    return _shown(booking, response)


@router.post("/bookings/{booking_id}/cancellation", responses=problems(*OWN))
async def cancel(
    booking_id: UUID, wish: Cancellation, session: Writing, actor: SignedIn, response: Response
) -> BookingView:
    """取消 · Give the time back."""
    return _shown(await bookings.cancel(session, actor, booking_id, wish), response)


@router.post("/bookings/{booking_id}/check-in", responses=problems(*OWN, bookings.NotItsTime))
async def check_in(booking_id: UUID, session: Writing, actor: SignedIn, response: Response) -> BookingView:
    """签到 · Say that you are there."""
    return _shown(await bookings.check_in(session, actor, booking_id), response)


@router.post("/bookings/{booking_id}/check-out", responses=problems(*OWN))
async def check_out(
    booking_id: UUID, session: Writing, actor: SignedIn, response: Response, wish: CheckOut | None = None
) -> BookingView:
    """签退 · Say that you are done; the time in between is written down as use, and what of it was preparation or post-processing."""
    return _shown(await usages.check_out(session, actor, booking_id, wish), response)


@router.get("/waiting-list", responses=problems(NotSignedIn))
async def list_waiting(
    wish: Annotated[WaitingFilter, Query()], session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[WaitingView]:
    """候补列表 · Your places in line, or an instrument's line for its keepers."""
    rows, marker = await waiting.listed(session, actor, wish, paging)
    paging.link(response, marker)
    return Page[WaitingView].model_construct(items=[shapes.waiting(row) for row in rows], next_cursor=marker)


@router.post(
    "/waiting-list",
    status_code=201,
    responses=problems(
        NotSignedIn, NotFound, bookings.NotOfYours, NotBookable, waiting.NotTaken, waiting.WaitingAlready
    ),
)
async def join(wish: WaitingNew, session: Writing, actor: SignedIn) -> WaitingView:
    """候补 · Get in line for a time that is taken."""
    return shapes.waiting(await waiting.join(session, actor, wish))


@router.post(
    "/waiting-list/{waiting_id}/acceptance",
    status_code=201,
    responses=problems(NotSignedIn, NotFound, waiting.NotYourPlace, waiting.NoOffer, NotBookable),
)
async def accept(waiting_id: UUID, session: Writing, actor: SignedIn, response: Response) -> BookingView:
    """接受空位 · Take the time that is held for you."""
    booking = await waiting.accept(session, actor, waiting_id)
    response.headers["Location"] = f"/api/v1/bookings/{booking.id}"
    return _shown(booking, response)


@router.delete(
    "/waiting-list/{waiting_id}", status_code=204, responses=problems(NotSignedIn, NotFound, waiting.NotYourPlace)
)
async def leave(waiting_id: UUID, session: Writing, actor: SignedIn) -> None:
    """退出候补 · Get out of the line; an offer goes to the next one."""
    await waiting.leave(session, actor, waiting_id)
