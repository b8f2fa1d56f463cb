"""`/api/v1/schedules`: drafts, what they propose and leave out, and their publication."""

from uuid import UUID

from fastapi import APIRouter, Response

from marketplace.docking import events, publishing, schedules
from marketplace.kernel.actor import SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, problems
from marketplace.reservations.claims import Taken
from schemas.base import Page
from schemas.meetings import (
    ComparisonView,
    PlacedView,
    PublicationNew,
    PublicationView,
    ScheduleNew,
    ScheduleView,
    UnplacedView,
)

router = APIRouter(prefix="/api/v1", tags=["docking"], route_class=TransactionRoute)

DESK = (NotSignedIn, NotFound, events.NotItsOrganizer)
DRAFT = (NotSignedIn, NotFound)
_ONE = "/schedules/{schedule_id}"


@router.get("/events/{event_id}/schedules", responses=problems(*DESK))
async def list_schedules(
    event_id: UUID, session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[ScheduleView]:
    """排程草案 · The drafts of an event, latest first (the desk)."""
    items, marker = await schedules.listed(session, actor, event_id, paging)
    paging.link(response, marker)
    return Page[ScheduleView].model_construct(items=items, next_cursor=marker)


@router.post(
    "/events/{event_id}/schedules",
    status_code=202,
    responses=problems(*DESK, events.NotInThisState, schedules.StillPlanning),
)
async def request(
    event_id: UUID, wish: ScheduleNew, session: Writing, actor: SignedIn, response: Response
) -> ScheduleView:
    """排程 · Have a draft computed in the background; nothing changes for anybody until it is published (the desk)."""
    schedule = await schedules.request(session, actor, event_id, wish)
    response.headers["Location"] = f"/api/v1/schedules/{schedule.id}"
    return (await schedules.views(session, [schedule]))[0]


@router.get(_ONE, responses=problems(*DRAFT))
async def read(schedule_id: UUID, session: Reading, actor: SignedIn) -> ScheduleView:
    """一份草案 · How far it is; then what was reached of each goal, and what is proven of it (the desk)."""
    return (await schedules.views(session, [await schedules.read(session, actor, schedule_id)]))[0]


@router.get(f"{_ONE}/meetings", responses=problems(*DRAFT, schedules.NotPlanned))
async def list_meetings(
    schedule_id: UUID, session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[PlacedView]:
    """预览 · The meetings of a draft, in the order of the day (the desk)."""
    items, marker = await schedules.meetings(session, actor, schedule_id, paging)
    paging.link(response, marker)
    return Page[PlacedView].model_construct(items=items, next_cursor=marker)


@router.get(f"{_ONE}/unplaced", responses=problems(*DRAFT, schedules.NotPlanned))
async def list_unplaced(
    schedule_id: UUID, session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[UnplacedView]:
    """未排上的约见 · Each wish that it has no room for, and why (the desk)."""
    items, marker = await schedules.unplaced(session, actor, schedule_id, paging)
    paging.link(response, marker)
    return Page[UnplacedView].model_construct(items=items, next_cursor=marker)


@router.get(f"{_ONE}/comparison/{{other_id}}", responses=problems(*DRAFT, schedules.NotPlanned))
async def compare(schedule_id: UUID, other_id: UUID, session: Reading, actor: SignedIn) -> ComparisonView:
    """比较两份草案 · From this draft to another: who gains, who loses, what moves (the desk)."""
    return await schedules.compare(session, actor, schedule_id, other_id)


@router.post(
    f"{_ONE}/publications",
    status_code=201,
    responses=problems(*DESK, events.NotInThisState, schedules.NotPlanned, publishing.DraftOutdated, Taken),
)
async def publish(schedule_id: UUID, wish: PublicationNew, session: Writing, actor: SignedIn) -> PublicationView:
    """公布 · Let the meetings of a draft hold, for the time being or for good; its people are told (the desk)."""
    return PublicationView.model_validate(await publishing.publish(session, actor, schedule_id, wish.kind))


@router.get("/events/{event_id}/publications", responses=problems(*DESK))
async def list_publications(
    event_id: UUID, session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[PublicationView]:
    """公布记录 · What was published and what became of it, latest first (the desk)."""
    rows, marker = await publishing.listed(session, actor, event_id, paging)
    paging.link(response, marker)
    items = [PublicationView.model_validate(row) for row in rows]
    return Page[PublicationView].model_construct(items=items, next_cursor=marker)


@router.post(
    "/events/{event_id}/publications/{publication_id}/undoing",
    responses=problems(*DESK, events.NotInThisState, publishing.NotTheLatest, Taken),
)
async def undo(event_id: UUID, publication_id: UUID, session: Writing, actor: SignedIn) -> PublicationView:
    """撤销公布 · Bring back what held before the latest publication (the desk)."""
    return PublicationView.model_validate(await publishing.undo(session, actor, event_id, publication_id))
