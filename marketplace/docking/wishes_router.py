"""Wishes: what a meeting list is proposed, asks for and answers, and how an event's desk sees it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from marketplace.docking import events, proposing, registrations, wish_desk, wish_lists, wishes
from marketplace.kernel import etag
from marketplace.kernel.actor import Anyone, SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.etag import IfMatch
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, StaleVersion, VersionMissing, problems
from schemas.base import Page
from schemas.operations import OperationView
from schemas.wishes import (
    ParticipantCard,
    ParticipantFilter,
    Visit,
    WishBody,
    WishDeskFilter,
    WishDeskView,
    WishFilter,
    WishNew,
    WishTerms,
    WishView,
)

router = APIRouter(prefix="/api/v1", tags=["docking"], route_class=TransactionRoute)

DESK = (NotSignedIn, NotFound, events.NotItsOrganizer)
CHANGED = (StaleVersion, VersionMissing)
OWN = (NotSignedIn, NotFound, registrations.NotYourRegistration, events.NotInThisState, wish_lists.NotComing)
ASKED = (*OWN, wishes.TooManyRequests)
_LIST = "/registrations/{registration_id}"


@router.get(f"{_LIST}/participants", responses=problems(NotSignedIn, NotFound, wish_lists.NotComing))
async def list_participants(
    registration_id: UUID,
    wish: Annotated[ParticipantFilter, Query()],
    session: Reading,
    actor: SignedIn,
    paging: Paged,
    response: Response,
) -> Page[ParticipantCard]:
    """参会者 · The others who come and let themselves be shown, latest first."""
    items, marker = await wish_lists.participants(session, actor, registration_id, wish, paging)
    paging.link(response, marker)
    return Page[ParticipantCard].model_construct(items=items, next_cursor=marker)


@router.get(f"{_LIST}/wishes", responses=problems(NotSignedIn, NotFound))
async def list_wishes(
    registration_id: UUID,
    wish: Annotated[WishFilter, Query()],
    session: Reading,
    actor: SignedIn,
    paging: Paged,
    response: Response,
) -> Page[WishView]:
    """约见清单 · Proposals with their reasons, what others ask for, and what you answered, best first."""
    items, marker = await wish_lists.listed(session, actor, registration_id, wish, paging)
    paging.link(response, marker)
    return Page[WishView].model_construct(items=items, next_cursor=marker)


@router.post(
    f"{_LIST}/wishes",
    status_code=201,
    responses=problems(*ASKED, wishes.AlreadyAnswered, wishes.ToOneself, wishes.NotThere),
)
async def ask(registration_id: UUID, wish: WishNew, session: Writing, actor: SignedIn, response: Response) -> WishView:
    """约见 · Speak of somebody for the first time: that you must or would meet them, or (told to nobody) rather not."""
    return _shown(await wishes.ask(session, actor, registration_id, wish.other_id, wish.answer), response)


@router.put(f"{_LIST}/wishes/{{other_id}}", responses=problems(*ASKED, *CHANGED))
async def answer(
    registration_id: UUID,
    other_id: UUID,
    wish: WishBody,
    session: Writing,
    actor: SignedIn,
    version: IfMatch,
    response: Response,
) -> WishView:
    """答复 · Answer a proposal or a request, or change your answer. A refusal is told to nobody."""
    return _shown(await wishes.answer(session, actor, registration_id, other_id, version, wish.answer), response)


@router.delete(f"{_LIST}/wishes/{{other_id}}", status_code=204, responses=problems(*OWN, *CHANGED))
async def take_back(registration_id: UUID, other_id: UUID, session: Writing, actor: SignedIn, version: IfMatch) -> None:
    """撤回 · As if you had never spoken."""
    await wishes.take_back(session, actor, registration_id, other_id, version)


def _shown(view: WishView, response: Response) -> WishView:
    etag.stamp(response, view.version)
    return view


@router.get("/events/{event_id}/wish-terms", responses=problems(NotFound))
async def read_terms(event_id: UUID, session: Reading, actor: Anyone, response: Response) -> WishTerms:
    """约见规则 · How many requests may wait for an answer, and for how long."""
    await events.read(session, actor, event_id)
    terms, version = await wish_desk.terms(session, event_id)
    etag.stamp(response, version)
    return terms


@router.put("/events/{event_id}/wish-terms", responses=problems(*DESK, *CHANGED))
async def write_terms(
    event_id: UUID, wish: WishTerms, session: Writing, actor: SignedIn, version: IfMatch, response: Response
) -> WishTerms:
    """修改约见规则 · Write them anew (the desk)."""
    terms, now = await wish_desk.set_terms(session, actor, event_id, version, wish)
    etag.stamp(response, now)
    return terms


@router.post("/events/{event_id}/proposals", status_code=202, responses=problems(*DESK, events.NotInThisState))
async def propose(event_id: UUID, session: Writing, actor: SignedIn, response: Response) -> OperationView:
    """推荐约见 · Have pairs proposed among what participants bring; what was answered stays answered (the desk)."""
    operation = await proposing.start(session, actor, event_id)
    response.headers["Location"] = f"/api/v1/operations/{operation.id}"
    return OperationView.model_validate(operation)


@router.get("/events/{event_id}/wishes", responses=problems(*DESK))
async def list_of_event(
    event_id: UUID,
    wish: Annotated[WishDeskFilter, Query()],
    session: Reading,
    actor: SignedIn,
    paging: Paged,
    response: Response,
) -> Page[WishDeskView]:
    """约见总表 · The pairs that were proposed or asked for, best first; a refusal looks like silence (the desk)."""
    items, marker = await wish_desk.of_event(session, actor, event_id, wish, paging)
    paging.link(response, marker)
    return Page[WishDeskView].model_construct(items=items, next_cursor=marker)


@router.put("/events/{event_id}/wishes/{wish_id}/visit", responses=problems(*DESK, wish_desk.NotAPlace))
async def make_visit(event_id: UUID, wish_id: UUID, at: Visit, session: Writing, actor: SignedIn) -> WishDeskView:
    """安排参观 · Let it be a visit of several slots at a place of its own (the desk)."""
    return await wish_desk.visit(session, actor, event_id, wish_id, at)


@router.delete("/events/{event_id}/wishes/{wish_id}/visit", responses=problems(*DESK))
async def unmake_visit(event_id: UUID, wish_id: UUID, session: Writing, actor: SignedIn) -> WishDeskView:
    """取消参观 · Let it be a meeting like others (the desk)."""
    return await wish_desk.visit(session, actor, event_id, wish_id, None)
