"""`/registrations`: mine, one of them with its badges, and each step of it, the desk's too."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import badges, doors, events, registrations, roster, shapes, waiting, wish_lists
from marketplace.docking.registration_models import LIVE_STATES
from marketplace.kernel import clock, qr, validation
from marketplace.kernel.actor import Actor
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import NotFound, Refusal
from marketplace.portal import forms
from marketplace.portal import registration_form as form
from marketplace.portal.frame import Visit, Visited, local
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.events import EventAct
from schemas.registrations import (
    RegistrationCancellation,
    RegistrationDecision,
    RegistrationRefusal,
    RegistrationState,
)

router = APIRouter(prefix="/registrations", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 20


@router.get("", response_class=Response)
async def mine(visit: Visited, session: Reading) -> Response:
    request, actor = visit.request, visit.require()
    rows, marker = await registrations.mine(session, actor, Paging(request, request.query_params.get("cursor"), PAGE))
    return visit.page("registrations.html", rows=rows, marker=marker, later="cursor" in request.query_params)


async def page(
    visit: Visit, session: AsyncSession, registration_id: UUID, *, wrong: list[str] | None = None, status: int = 200
) -> Response:
    """One registration: what became of it, its badges, and what can be done with it."""
    actor = visit.require()
    row = await registrations.read(session, actor, registration_id)
    known = await registrations.knows_all(session, actor, registration_id)
    view = shapes.registration(row, all_of_it=known)
    one = await shapes.view(session, actor, await events.read(session, actor, row.event_id))
    key = visit.request.app.state.signing_key
    worn = known and row.state is RegistrationState.CONFIRMED and EventAct.RENEW_BADGE in one.possible
    answers = {answer.question_id: answer for answer in view.answers}
    return visit.page(
        "registration.html",
        status,
        ahead=await waiting.ahead(session, row),
        row=view,
        one=one,
        badges=[(person, qr.code(badges.code(key, person))) for person in row.people] if worn else [],
        answered=[
            (form.text_of(question), list(form.said(answers[question.id].model_dump())))
            for question in one.questions
            if question.id in answers
        ],
        own=await wish_lists.seen(session, actor, registration_id),
        live=row.state in LIVE_STATES,
        now=clock.now(),
        keeps=await roster.may_change(session, actor, registration_id),
        changes=EventAct.CHANGE_REGISTRATION in one.possible,
        decides=EventAct.DECIDE in one.possible,
        wrong=wrong or [],
        here=f"/registrations/{registration_id}",
    )


@router.get("/{registration_id:uuid}", response_class=Response)
async def one(registration_id: UUID, visit: Visited, session: Reading) -> Response:
    return await page(visit, session, registration_id)


Step = Callable[[AsyncSession, Actor, UUID, Typed], Awaitable[Any]]


async def _accept(session: AsyncSession, actor: Actor, key: UUID, typed: Typed) -> Any:
    return await waiting.accept(session, actor, key)


async def _cancel(session: AsyncSession, actor: Actor, key: UUID, typed: Typed) -> Any:
    wish = RegistrationCancellation.model_validate({"note": forms.first(typed, "note").strip() or None})
    return await registrations.cancel(session, actor, key, wish.note)


async def _approve(session: AsyncSession, actor: Actor, key: UUID, typed: Typed) -> Any:
    wish = {"note": forms.first(typed, "note").strip() or None, "wait": forms.first(typed, "wait") == "1"}
    return await waiting.approve(session, actor, key, RegistrationDecision.model_validate(wish))


async def _refuse(session: AsyncSession, actor: Actor, key: UUID, typed: Typed) -> Any:
    wish = RegistrationRefusal.model_validate({"note": forms.first(typed, "note")})
    return await registrations.refuse(session, actor, key, wish.note)


async def _renew(session: AsyncSession, actor: Actor, key: UUID, typed: Typed) -> Any:
    try:
        attendee = UUID(forms.first(typed, "attendee"))
    except ValueError:
        raise NotFound from None
    return await doors.renew_badge(session, actor, key, attendee)


STEPS: Final[Mapping[str, tuple[Step, str]]] = {
    "acceptance": (_accept, "place-taken"),
    "cancellation": (_cancel, "cancelled"),
    "approval": (_approve, "approved"),
    "refusal": (_refuse, "turned-down"),
    "badge": (_renew, "badge"),
}


@router.post("/{registration_id:uuid}/{step}", response_class=Response)
async def act(registration_id: UUID, step: str, visit: Visited, session: Writing, typed: Sent) -> Response:
    """One step; a refusal is told on the registration's page, with what can be done from there."""
    actor = visit.require()
    if step not in STEPS:
        raise NotFound
    work, said = STEPS[step]
    try:
        async with session.begin_nested():
            await work(session, actor, registration_id, typed)
    except ValidationError as error:
        wrong = [told(one.detail) for one in validation.as_refusal(error).errors]
        return await page(visit, session, registration_id, wrong=wrong, status=422)
    except Refusal as refusal:
        if refusal.status not in {409, 422}:
            raise
        wrong = [told(one.detail) for one in refusal.errors] or [told(refusal.detail or refusal.title())]
        return await page(visit, session, registration_id, wrong=wrong, status=refusal.status)
    return visit.go(local(forms.first(typed, "back"), f"/registrations/{registration_id}"), said)
