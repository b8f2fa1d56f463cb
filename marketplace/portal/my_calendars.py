"""`/account/calendars`: the secret addresses under which a calendar program reads one's bookings and meetings."""

from functools import partial
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.paging import Paging
from marketplace.labs import calendars
from marketplace.portal import acting, forms
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent
from schemas.bookings import CalendarKind, CalendarNew
from schemas.identity import Permission

router = APIRouter(prefix="/account/calendars", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 20
_HERE: Final = "/account/calendars"


async def _page(
    visit: Visit,
    session: AsyncSession,
    *,
    secret: str | None = None,
    wrong: list[str] | None = None,
    status: int = 200,
) -> Response:
    request, actor = visit.request, visit.require()
    cursor = request.query_params.get("cursor") if request.method in {"GET", "HEAD"} else None
    rows, marker = await calendars.listed(session, actor, Paging(request, cursor, PAGE))
    keeps = visit.may(Permission.MANAGE_LABS)
    return visit.page(
        "account/calendars.html",
        status,
        rows=rows,
        marker=marker,
        later=cursor is not None,
        kinds=[CalendarKind.PERSON, *([CalendarKind.KEEPER] if keeps else [])],
        secret=secret,
        wrong=wrong or [],
        here=_HERE,
    )


@router.get("", response_class=Response)
async def mine(visit: Visited, session: Reading) -> Response:
    return await _page(visit, session)


def address_of(visit: Visit, secret: str) -> str:
    """The address that is given to a calendar program."""
    return f"{str(visit.request.app.state.settings.public_url).rstrip('/')}/api/v1/calendars/{secret}.ics"


@router.post("", response_class=Response)
async def make(visit: Visited, session: Writing, typed: Sent) -> Response:
    """A new address. It is shown once, on the page that answers."""
    actor = visit.require()
    made: list[str] = []

    async def work() -> str:
        wish = CalendarNew.model_validate({"kind": forms.first(typed, "kind")})
        _, secret = await calendars.make(session, actor, wish)
        made.append(secret)
        return _HERE

    answer = await acting.act(visit, session, work, "saved", partial(_page, visit, session), {})
    return await _page(visit, session, secret=address_of(visit, made[0])) if made else answer


@router.post("/{calendar_id:uuid}/revocation", response_class=Response)
async def revoke(calendar_id: UUID, visit: Visited, session: Writing) -> Response:
    await calendars.revoke(session, visit.require(), calendar_id)
    return visit.go(_HERE, "calendar-off")
