"""`/api/v1/outcomes` and `/api/v1/interests`: what came of meetings; the report of an event."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from marketplace.docking import events, outcomes, registrations, reports
from marketplace.kernel import etag
from marketplace.kernel.actor import SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.etag import IfMatch
from marketplace.kernel.files import attached, binary
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, StaleVersion, VersionMissing, problems
from marketplace.kernel.sheets import XLSX
from schemas.base import Page
from schemas.outcomes import (
    EventReport,
    InterestFilter,
    InterestNew,
    InterestView,
    OutcomeBody,
    OutcomeFilter,
    OutcomeStage,
    OutcomeView,
)

router = APIRouter(prefix="/api/v1", tags=["docking"], route_class=TransactionRoute)

DESK = (NotSignedIn, NotFound, events.NotItsOrganizer)
OWN = (NotSignedIn, NotFound, registrations.NotYourRegistration, events.NotInThisState, outcomes.NothingToTell)
_MEETING = "/registrations/{registration_id}/meetings/{meeting_id}"


@router.put(f"{_MEETING}/outcomes/{{stage}}", responses=problems(*OWN, outcomes.TooEarly, StaleVersion, VersionMissing))
async def say(
    registration_id: UUID,
    meeting_id: UUID,
    stage: OutcomeStage,
    said: OutcomeBody,
    session: Writing,
    actor: SignedIn,
    version: IfMatch,
    response: Response,
) -> OutcomeView:
    """填写结果 · Say what came of a meeting (`If-Match: "0"` the first time). The other side is not told."""
    row = await outcomes.say(session, actor, registration_id, meeting_id, stage, version, said)
    etag.stamp(response, row.version)
    return (await outcomes.views(session, [row]))[0]


@router.get("/outcomes", responses=problems(NotSignedIn))
async def list_outcomes(
    wish: Annotated[OutcomeFilter, Query()], session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[OutcomeView]:
    """洽谈结果 · What your lists said, and all of the events that you run, latest first."""
    items, marker = await outcomes.listed(session, actor, wish, paging)
    paging.link(response, marker)
    return Page[OutcomeView].model_construct(items=items, next_cursor=marker)


@router.post(f"{_MEETING}/interest", status_code=201, responses=problems(*OWN, outcomes.InterestThere))
async def declare(
    registration_id: UUID, meeting_id: UUID, wish: InterestNew, session: Writing, actor: SignedIn
) -> InterestView:
    """登记意向 · More is to come of a meeting: it becomes an interest."""
    return InterestView.model_validate(await outcomes.declare(session, actor, registration_id, meeting_id, wish))


@router.get("/interests", responses=problems(NotSignedIn))
async def list_interests(
    wish: Annotated[InterestFilter, Query()], session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[InterestView]:
    """意向 · Yours, those in your organisation, and all of the events that you run, latest first."""
    items, marker = await outcomes.interests(session, actor, wish, paging)
    paging.link(response, marker)
    return Page[InterestView].model_construct(items=items, next_cursor=marker)


@router.get("/events/{event_id}/report", responses=problems(*DESK))
async def report(event_id: UUID, session: Reading, actor: SignedIn) -> EventReport:
    """活动报告 · What became of an event, in figures; each names the address of its rows (the desk)."""
    return await reports.report(session, actor, event_id)


@router.get("/events/{event_id}/report.xlsx", response_class=Response, responses=problems(*DESK) | binary(XLSX))
async def workbook(event_id: UUID, session: Reading, actor: SignedIn, request: Request) -> Response:
    """活动报告（Excel） · The same as an Excel file (the desk)."""
    made = await reports.report(session, actor, event_id)
    content = reports.workbook(made, request.app.state.settings.public_url)
    return attached(content, f"{made.title} 报告.xlsx", XLSX)
