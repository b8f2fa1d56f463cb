"""`/api/v1/meetings`: seen by their sides and the desk, changed, and what became of them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from marketplace.docking import events, meetings, seats, walk_ins
from marketplace.docking.meeting_models import Meeting
from marketplace.kernel import etag
from marketplace.kernel.actor import SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.etag import IfMatch
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, StaleVersion, VersionMissing, problems
from marketplace.reservations.claims import Taken
from schemas.base import Page
from schemas.meetings import (
    MeetingCancellation,
    MeetingFilter,
    MeetingMove,
    MeetingSwap,
    MeetingView,
    NoShow,
    WalkIn,
)

router = APIRouter(prefix="/api/v1", tags=["docking"], route_class=TransactionRoute)

DESK = (NotSignedIn, NotFound, events.NotItsOrganizer, events.NotInThisState)
CHANGED = (StaleVersion, VersionMissing)
PLACED = (*DESK, meetings.MeetingOver, seats.NotPossibleThere, Taken)
_ONE = "/meetings/{meeting_id}"


async def _shown(session: Reading, one: Meeting, response: Response) -> MeetingView:
    etag.stamp(response, one.version)
    return (await meetings.views(session, [one]))[0]


@router.get("/meetings", responses=problems(NotSignedIn))
async def list_meetings(
    wish: Annotated[MeetingFilter, Query()], session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[MeetingView]:
    """洽谈 · Your meetings and those of the events that you run: of one event or registration in the order of the day, of all latest first."""
    items, marker = await meetings.listed(session, actor, wish, paging)
    paging.link(response, marker)
    return Page[MeetingView].model_construct(items=items, next_cursor=marker)


@router.post(
    "/events/{event_id}/meetings",
    status_code=201,
    responses=problems(*DESK, seats.NotPossibleThere, walk_ins.MeetAlready, walk_ins.NobodyFree, Taken),
)
async def arrange(event_id: UUID, wish: WalkIn, session: Writing, actor: SignedIn, response: Response) -> MeetingView:
    """现场约谈 · A meeting on the spot, at the table that is named or any that is free (the desk)."""
    one = await walk_ins.arrange(session, actor, event_id, wish)
    response.headers["Location"] = f"/api/v1/meetings/{one.id}"
    return await _shown(session, one, response)


@router.get(_ONE, responses=problems(NotSignedIn, NotFound))
async def read(meeting_id: UUID, session: Reading, actor: SignedIn, response: Response) -> MeetingView:
    """一场洽谈 · One meeting."""
    return await _shown(session, await meetings.read(session, actor, meeting_id), response)


@router.patch(_ONE, responses=problems(*PLACED, *CHANGED))
async def move(
    meeting_id: UUID, wish: MeetingMove, session: Writing, actor: SignedIn, version: IfMatch, response: Response
) -> MeetingView:
    """改期或换桌 · Another slot, another table, or both (the desk)."""
    return await _shown(session, await meetings.move(session, actor, meeting_id, version, wish), response)


@router.post(f"{_ONE}/swap", responses=problems(*PLACED, meetings.NotAsLong))
async def swap(
    meeting_id: UUID, wish: MeetingSwap, session: Writing, actor: SignedIn, response: Response
) -> MeetingView:
    """互换 · Change slots and tables with another meeting, both or neither (the desk)."""
    one, _ = await meetings.swap(session, actor, meeting_id, wish.other_id)
    return await _shown(session, one, response)


@router.post(
    f"{_ONE}/cancellation",
    responses=problems(
        NotSignedIn, NotFound, meetings.NotYourMeeting, events.NotInThisState, meetings.MeetingOver, *CHANGED
    ),
)
async def call_off(
    meeting_id: UUID,
    wish: MeetingCancellation,
    session: Writing,
    actor: SignedIn,
    version: IfMatch,
    response: Response,
) -> MeetingView:
    """取消洽谈 · Call it off; it is not planned once more unless the two ask anew (the desk, or either side)."""
    return await _shown(session, await meetings.call_off(session, actor, meeting_id, version, wish.note), response)


@router.post(f"{_ONE}/confirmation", responses=problems(*DESK, meetings.MeetingOver, meetings.NotBegun, Taken))
async def confirm(meeting_id: UUID, session: Writing, actor: SignedIn, response: Response) -> MeetingView:
    """已洽谈 · It takes place, or did (the desk)."""
    return await _shown(session, await meetings.confirm(session, actor, meeting_id), response)


@router.post(
    f"{_ONE}/no-show", responses=problems(*DESK, meetings.MeetingOver, meetings.NotBegun, seats.NotPossibleThere)
)
async def miss(meeting_id: UUID, wish: NoShow, session: Writing, actor: SignedIn, response: Response) -> MeetingView:
    """爽约 · One side, or both, did not come; whoever did is free for somebody else (the desk)."""
    return await _shown(session, await meetings.miss(session, actor, meeting_id, wish.absent), response)
