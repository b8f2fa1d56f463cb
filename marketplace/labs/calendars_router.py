"""`/api/v1/calendars`."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from marketplace.kernel import clock
from marketplace.kernel.actor import SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, problems
from marketplace.labs import calendars, ical
from schemas.base import Page
from schemas.bookings import CalendarMade, CalendarNew, CalendarView

router = APIRouter(prefix="/api/v1/calendars", tags=["labs"], route_class=TransactionRoute)


@router.get("", responses=problems(NotSignedIn))
async def list_calendars(session: Reading, actor: SignedIn, paging: Paged, response: Response) -> Page[CalendarView]:
    """日历订阅 · Your secret calendar addresses, newest first (not the secrets)."""
    rows, marker = await calendars.listed(session, actor, paging)
    paging.link(response, marker)
    items = [CalendarView.model_validate(row) for row in rows]
    return Page[CalendarView].model_construct(items=items, next_cursor=marker)


@router.post("", status_code=201, responses=problems(NotSignedIn, NotFound))
async def make(wish: CalendarNew, session: Writing, actor: SignedIn, request: Request) -> CalendarMade:
    """新建日历订阅 · A secret address for a calendar program; it is shown once."""
    link, secret = await calendars.make(session, actor, wish)
    base = request.app.state.settings.public_url
    return CalendarMade(
        id=link.id, kind=link.kind, instrument_id=link.instrument_id, url=f"{base}/api/v1/calendars/{secret}.ics"
    )


@router.delete("/{calendar_id}", status_code=204, responses=problems(NotSignedIn, NotFound))
async def revoke(calendar_id: UUID, session: Writing, actor: SignedIn) -> None:
    """取消订阅 · Make the address worthless."""
    await calendars.revoke(session, actor, calendar_id)


@router.get(
    "/{secret}.ics",
    response_class=Response,
    responses=problems(NotFound) | {200: {"content": {"text/calendar": {"schema": {"type": "string"}}}}},
)
async def feed(secret: str, session: Reading, request: Request) -> Response:
    """日历文件 · The calendar (RFC 5545); the address is the key. One's own has bookings and meetings at events."""
    text = await calendars.read(session, secret, clock.now(), request.app.state.calendars)
    return Response(text, media_type=ical.MEDIA_TYPE)
