"""What hangs on an event to be printed: badges, and the list of its people as PDF and Excel."""

from functools import partial
from typing import Annotated
from uuid import UUID

import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response

from marketplace.docking import doors, events, papers, registrations, roster
from marketplace.kernel.actor import SignedIn
from marketplace.kernel.db import Reading, TransactionRoute
from marketplace.kernel.files import attached, binary
from marketplace.kernel.paper import MEDIA_TYPE
from marketplace.kernel.refusals import NotFound, NotSignedIn, problems
from marketplace.kernel.sheets import XLSX
from schemas.registrations import BadgeFilter, RosterFilter

router = APIRouter(prefix="/api/v1", tags=["docking"], route_class=TransactionRoute)

FILES = problems(NotSignedIn, NotFound, events.NotItsOrganizer, roster.TooManyForOneFile)


@router.get("/events/{event_id}/badges.pdf", response_class=Response, responses=FILES | binary(MEDIA_TYPE))
async def badges(
    event_id: UUID, wish: Annotated[BadgeFilter, Query()], session: Reading, actor: SignedIn, request: Request
) -> Response:
    """参会证（PDF） · A badge of everybody who is confirmed, ten a page, to be cut out (the desk)."""
    event, rows = await roster.whole(session, actor, event_id, RosterFilter(kind=wish.kind))
    key = request.app.state.signing_key
    content = await anyio.to_thread.run_sync(partial(papers.badges_of, event, rows, key))
    return attached(content, f"{event.title} 参会证.pdf", MEDIA_TYPE)


@router.get("/events/{event_id}/participants.pdf", response_class=Response, responses=FILES | binary(MEDIA_TYPE))
async def sheet(event_id: UUID, wish: Annotated[RosterFilter, Query()], session: Reading, actor: SignedIn) -> Response:
    """签到表（PDF） · The people by kind and organisation, with room to sign (the desk)."""
    event, rows = await roster.whole(session, actor, event_id, wish)
    content = await anyio.to_thread.run_sync(partial(papers.sheet, event, rows))
    return attached(content, f"{event.title} 签到表.pdf", MEDIA_TYPE)


@router.get("/events/{event_id}/participants.xlsx", response_class=Response, responses=FILES | binary(XLSX))
async def workbook(
    event_id: UUID, wish: Annotated[RosterFilter, Query()], session: Reading, actor: SignedIn
) -> Response:
    """参会名单（Excel） · A row for each of the people, with everything that they answered (the desk)."""
    event, rows = await roster.whole(session, actor, event_id, wish)
    asked, places = await events.questions(session, event_id), await events.capacities(session, event_id)
    content = await anyio.to_thread.run_sync(partial(papers.workbook, event, rows, asked, places))
    return attached(content, f"{event.title} 参会名单.xlsx", XLSX)


@router.get(
    "/registrations/{registration_id}/badges.pdf",
    response_class=Response,
    responses=problems(NotSignedIn, NotFound, registrations.NotYourRegistration, doors.NotConfirmed)
    | binary(MEDIA_TYPE),
)
async def own_badges(registration_id: UUID, session: Reading, actor: SignedIn, request: Request) -> Response:
    """本报名的参会证（PDF） · The badges of one confirmed registration."""
    row = await roster.worn(session, actor, registration_id)
    key = request.app.state.signing_key
    content = await anyio.to_thread.run_sync(partial(papers.badges_of, row.event, [row], key))
    return attached(content, f"{row.event.title} 参会证.pdf", MEDIA_TYPE)
