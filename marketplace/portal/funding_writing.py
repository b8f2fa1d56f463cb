"""`/desk/funding/new` and `/funding/{id}/edit`: writing a call, publishing, closing and withdrawing it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.funding import calls, shapes
from marketplace.identity import people
from marketplace.identity.models import Organisation
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.language import told
from marketplace.kernel.refusals import Refusal
from marketplace.listings.records import NotYourOrganisation, NotYourRecord
from marketplace.portal import acting, funding_form, trying
from marketplace.portal.forms import Wrong
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.funding import GIVERS, FundingKind, FundingNew, FundingPatch, FundingView
from schemas.identity import OrganisationKind, Permission

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_NEW: Final = "/desk/funding/new"
_AT: Final = "/funding/{call_id:uuid}"
_NOT_PUBLISHED: Final = "内容已保存，但还没有发布。 · What you wrote is saved, but not published yet."


async def _form(
    visit: Visit,
    session: AsyncSession,
    typed: Typed | None = None,
    *,
    one: FundingView | None = None,
    wrong: Wrong | None = None,
    said: Sequence[str] = (),
    status: int = 200,
) -> Response:
    places = [] if one else await people.homes(session, visit.require(), Permission.WRITE_RECORDS)
    if one is None and not places:
        raise NotYourOrganisation
    return visit.page(
        "funding_write.html",
        status,
        here=f"/funding/{one.id}/edit" if one else _NEW,
        one=one,
        typed=typed if typed is not None else funding_form.fresh(_first_kind(places)),
        places=places,
        kinds=list(FundingKind),
        applicants=list(OrganisationKind),
        labels=funding_form.LABELS,
        wrong=wrong or {},
        said=said,
    )


def _first_kind(places: Sequence[Organisation]) -> FundingKind:
    """A kind that the writer's organisation may offer."""
    kinds = {kind for place in places for kind in place.kinds}
    return next((kind for kind in FundingKind if GIVERS[kind] & kinds), FundingKind.GRANT)


async def _mine(visit: Visit, session: AsyncSession, call_id: UUID) -> FundingView:
    actor = visit.require()
    view = shapes.view(actor, await calls.read(session, actor, call_id))
    if not view.kept_by_you:
        raise NotYourRecord
    return view


def _beside(refusal: Refusal) -> Wrong:
    """What is wrong, by the field that it is about."""
    wrong: Wrong = {}
    for one in refusal.errors:
        wrong.setdefault(one.pointer.strip("/").split("/")[0], []).append(told(one.detail))
    return wrong


async def _then(visit: Visit, session: AsyncSession, call_id: UUID, said: str, typed: Typed) -> Response:
    """On to its page; if it was to be published, with that done, or to what is missing for it."""
    there = f"/funding/{call_id}"
    if trying.said(typed, "then") != "publish":
        return visit.go(there, said)
    try:
        async with session.begin_nested():
            await calls.publish(session, visit.actor, call_id)
    except Refusal as refusal:
        one = await _mine(visit, session, call_id)
        above = [told(refusal.detail or refusal.title()), told(_NOT_PUBLISHED)]
        return await _form(
            visit, session, funding_form.shown(one), one=one, said=above, wrong=_beside(refusal), status=refusal.status
        )
    return visit.go(there, "call-published")


@router.get(_NEW, response_class=Response)
async def new_form(visit: Visited, session: Reading) -> Response:
    visit.require()
    return await _form(visit, session)


@router.post(_NEW, response_class=Response)
async def create(visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()
    organisation_id = trying.said(typed, "organisation_id") or None
    wish, wrong = funding_form.read(FundingNew, typed, organisation_id=organisation_id)
    if wish is None:
        return await _form(visit, session, typed, wrong=wrong, status=422)
    async with session.begin_nested():
        made = await calls.create(session, actor, wish)
    return await _then(visit, session, made.id, "drafted", typed)


@router.get(_AT + "/edit", response_class=Response)
async def edit_form(call_id: UUID, visit: Visited, session: Reading) -> Response:
    one = await _mine(visit, session, call_id)
    return await _form(visit, session, funding_form.shown(one), one=one)


@router.post(_AT + "/edit", response_class=Response)
async def edit(call_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    actor = visit.require()
    one = await _mine(visit, session, call_id)
    wish, wrong = funding_form.read(FundingPatch, typed)
    if wish is None:
        return await _form(visit, session, typed, one=one, wrong=wrong, status=422)
    try:
        async with session.begin_nested():
            await calls.edit(session, actor, call_id, acting.version_of(typed), wish)
    except Refusal as refusal:
        if refusal.status not in acting.TOLD:
            raise
        one = await _mine(visit, session, call_id)
        said = [told(refusal.detail or refusal.title())]
        return await _form(visit, session, typed, one=one, said=said, wrong=_beside(refusal), status=refusal.status)
    return await _then(visit, session, call_id, "saved", typed)


async def _step(
    visit: Visit, session: AsyncSession, call_id: UUID, step: Callable[..., Awaitable[Any]], said: str
) -> Response:
    """One click on the whole; refused, its form says why."""
    actor = visit.require()

    async def work() -> str:
        await step(session, actor, call_id)
        return f"/funding/{call_id}"

    async def again(wrong: list[str], status: int) -> Response:
        one = await _mine(visit, session, call_id)
        return await _form(visit, session, funding_form.shown(one), one=one, said=wrong, status=status)

    return await acting.act(visit, session, work, said, again, funding_form.LABELS)


@router.post(_AT + "/publication", response_class=Response)
async def publish(call_id: UUID, visit: Visited, session: Writing) -> Response:
    return await _step(visit, session, call_id, calls.publish, "call-published")


@router.post(_AT + "/closing", response_class=Response)
async def close(call_id: UUID, visit: Visited, session: Writing) -> Response:
    return await _step(visit, session, call_id, calls.close, "call-closed")


@router.post(_AT + "/withdrawal", response_class=Response)
async def withdraw(call_id: UUID, visit: Visited, session: Writing) -> Response:
    return await _step(visit, session, call_id, calls.withdraw, "call-withdrawn")
