"""`/api/v1/registrations`, and what hangs on an event: its registrations, doors and announcements."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from marketplace.docking import announcements, doors, events, registering, registrations, shapes, waiting
from marketplace.docking.registration_models import Registration
from marketplace.docking.steps import RegistrationOver
from marketplace.kernel import etag
from marketplace.kernel.actor import SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.etag import IfMatch
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, StaleVersion, VersionMissing, problems
from schemas.base import Page
from schemas.event_extras import CheckInFilter
from schemas.registrations import (
    AnnouncementNew,
    AnnouncementView,
    CheckInNew,
    CheckInView,
    Presence,
    RegistrationCancellation,
    RegistrationDecision,
    RegistrationFilter,
    RegistrationNew,
    RegistrationPatch,
    RegistrationRefusal,
    RegistrationView,
)

router = APIRouter(prefix="/api/v1", tags=["docking"], route_class=TransactionRoute)

DESK = (NotSignedIn, NotFound, events.NotItsOrganizer)
OWN = (
    NotSignedIn,
    NotFound,
    registrations.NotYourRegistration,
    events.NotInThisState,
    registrations.RegistrationEnded,
)
DECIDED = (*DESK, events.NotInThisState, registrations.RegistrationEnded)
TAKEN = (registering.Full, registering.AlreadyRegistered, registering.NotRegistrable)


def _shown(row: Registration, response: Response) -> RegistrationView:
    etag.stamp(response, row.version)
    return shapes.registration(row, all_of_it=True)


@router.get("/registrations", responses=problems(NotSignedIn))
async def list_mine(session: Reading, actor: SignedIn, paging: Paged, response: Response) -> Page[RegistrationView]:
    """我的报名 · Your registrations, your organisations', and those in which you come along, latest first."""
    rows, marker = await registrations.mine(session, actor, paging)
    paging.link(response, marker)
    items = [shapes.registration(row, all_of_it=True) for row in rows]
    return Page[RegistrationView].model_construct(items=items, next_cursor=marker)


@router.get("/registrations/{registration_id}", responses=problems(NotSignedIn, NotFound))
async def read(registration_id: UUID, session: Reading, actor: SignedIn, response: Response) -> RegistrationView:
    """一份报名 · One registration."""
    row = await registrations.read(session, actor, registration_id)
    etag.stamp(response, row.version)
    known = await registrations.knows_all(session, actor, registration_id)
    return shapes.registration(row, all_of_it=known)


@router.patch("/registrations/{registration_id}", responses=problems(*OWN, *TAKEN, StaleVersion, VersionMissing))
async def edit(
    registration_id: UUID,
    patch: RegistrationPatch,
    session: Writing,
    actor: SignedIn,
    version: IfMatch,
    response: Response,
) -> RegistrationView:
    """修改报名 · Change who comes, when they can meet, and what they bring."""
    return _shown(await registering.edit(session, actor, registration_id, version, patch), response)


@router.post("/registrations/{registration_id}/approval", responses=problems(*DECIDED, registering.Full))
async def approve(
    registration_id: UUID, wish: RegistrationDecision, session: Writing, actor: SignedIn, response: Response
) -> RegistrationView:
    """通过 · Let them come (the desk)."""
    return _shown(await waiting.approve(session, actor, registration_id, wish), response)


@router.post("/registrations/{registration_id}/refusal", responses=problems(*DECIDED))
async def refuse(
    registration_id: UUID, wish: RegistrationRefusal, session: Writing, actor: SignedIn, response: Response
) -> RegistrationView:
    """不通过 · Say no, and why (the desk)."""
    return _shown(await registrations.refuse(session, actor, registration_id, wish.note), response)


@router.post("/registrations/{registration_id}/cancellation", responses=problems(*OWN))
async def cancel(
    registration_id: UUID, wish: RegistrationCancellation, session: Writing, actor: SignedIn, response: Response
) -> RegistrationView:
    """取消 · Give the places back; an offer goes to the next in line."""
    return _shown(await registrations.cancel(session, actor, registration_id, wish.note), response)


@router.post("/registrations/{registration_id}/acceptance", responses=problems(*OWN, waiting.NoPlaceOffered))
async def accept(registration_id: UUID, session: Writing, actor: SignedIn, response: Response) -> RegistrationView:
    """接受名额 · Take the places that are held for you."""
    return _shown(await waiting.accept(session, actor, registration_id), response)


@router.post("/registrations/{registration_id}/people/{attendee_id}/badge", status_code=204, responses=problems(*OWN))
async def renew_badge(registration_id: UUID, attendee_id: UUID, session: Writing, actor: SignedIn) -> None:
    """换新证 · A badge was lost: the old code is void from now on."""
    await doors.renew_badge(session, actor, registration_id, attendee_id)


@router.get("/events/{event_id}/registrations", responses=problems(*DESK))
async def list_registrations(
    event_id: UUID,
    wish: Annotated[RegistrationFilter, Query()],
    session: Reading,
    actor: SignedIn,
    paging: Paged,
    response: Response,
) -> Page[RegistrationView]:
    """报名名单 · The registrations of an event, latest first (the desk)."""
    rows, marker = await registrations.listed(session, actor, event_id, wish, paging)
    paging.link(response, marker)
    items = [shapes.registration(row, all_of_it=True) for row in rows]
    return Page[RegistrationView].model_construct(items=items, next_cursor=marker)


@router.post(
    "/events/{event_id}/registrations",
    status_code=201,
    responses=problems(
        NotSignedIn, NotFound, registering.NotInTheirName, events.NotInThisState, RegistrationOver, *TAKEN
    ),
)
async def register(
    event_id: UUID, wish: RegistrationNew, session: Writing, actor: SignedIn, response: Response
) -> RegistrationView:
    """报名 · Register yourself and others, in the name of an organisation or for yourself."""
    row = await registering.register(session, actor, event_id, wish)
    response.headers["Location"] = f"/api/v1/registrations/{row.id}"
    return _shown(row, response)


@router.get("/events/{event_id}/check-ins", responses=problems(*DESK))
async def list_check_ins(
    event_id: UUID,
    wish: Annotated[CheckInFilter, Query()],
    session: Reading,
    actor: SignedIn,
    paging: Paged,
    response: Response,
) -> Page[CheckInView]:
    """签到记录 · Who came through which door, latest first (the desk)."""
    views, marker = await doors.listed(session, actor, event_id, paging, wish)
    paging.link(response, marker)
    return Page[CheckInView].model_construct(items=views, next_cursor=marker)


@router.post(
    "/events/{event_id}/check-ins",
    responses=problems(*DESK, events.NotInThisState, doors.NoSuchBadge, doors.NotConfirmed),
)
async def check_in(
    event_id: UUID, wish: CheckInNew, session: Writing, actor: SignedIn, request: Request
) -> CheckInView:
    """签到 · Somebody shows a badge at a door; showing it there again changes nothing (the desk)."""
    return await doors.check_in(session, actor, event_id, wish, request.app.state.signing_key)


@router.get("/events/{event_id}/presence", responses=problems(*DESK))
async def presence(event_id: UUID, session: Reading, actor: SignedIn) -> Presence:
    """到场人数 · How many are expected and how many came, each counted once (the desk)."""
    return await doors.presence(session, actor, event_id)


@router.get("/events/{event_id}/announcements", responses=problems(*DESK))
async def list_announcements(
    event_id: UUID, session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[AnnouncementView]:
    """通知记录 · What participants were written, latest first (the desk)."""
    rows, marker = await announcements.listed(session, actor, event_id, paging)
    paging.link(response, marker)
    items = [AnnouncementView.model_validate(row) for row in rows]
    return Page[AnnouncementView].model_construct(items=items, next_cursor=marker)


@router.post("/events/{event_id}/announcements", status_code=201, responses=problems(*DESK, events.NotInThisState))
async def announce(event_id: UUID, wish: AnnouncementNew, session: Writing, actor: SignedIn) -> AnnouncementView:
    """群发通知 · Write to the participants; the letters are posted in a moment (the desk)."""
    return AnnouncementView.model_validate(await announcements.announce(session, actor, event_id, wish))
