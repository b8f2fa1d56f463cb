"""`/platform`: what waits for the platform's administrators. Auditors may look."""

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity import organisations
from marketplace.kernel import validation
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import Forbidden, NotFound, NotSignedIn, Refusal, StaleVersion
from marketplace.listings import publication
from marketplace.listings.shapes import fresh_for
from marketplace.portal import acting, forms, kinds
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent
from schemas.identity import Permission, Verification
from schemas.listings import ListingState, ReviewDecision

router = APIRouter(prefix="/platform", route_class=PageRoute, include_in_schema=False)

# Of each list as it stands beside the others, and on a page of its own.
FIRST: Final = 10
PAGE: Final = 50

# The lists, by the word that `show` takes; what each is called, and what it says when it is empty.
_PLACES: Final = {
    Verification.SUBMITTED: (
        "等待认证的单位 · Organisations waiting to be verified",
        "没有等待的申请。 · Nothing is waiting.",
    ),
    Verification.UNVERIFIED: ("尚未申请认证 · Not verified, not asking", "没有。 · None."),
    Verification.SUSPENDED: ("已暂停 · Suspended", "没有。 · None."),
}
_REVIEWS: Final = {
    "problems": ("等待审核的难题 · Problems waiting for review", "没有等待审核的难题。 · No problem is waiting."),
    "achievements": (
        "等待审核的成果 · Achievements waiting for review",
        "没有等待审核的成果。 · No achievement is waiting.",
    ),
}
_ORDER: Final = (Verification.SUBMITTED, *_REVIEWS, Verification.UNVERIFIED, Verification.SUSPENDED)


async def _list(visit: Visit, session: AsyncSession, name: str, paging: Paging) -> dict[str, Any]:
    """One of the lists as a page of rows, and the marker of the next."""
    kind = kinds.KINDS.get(name)
    if kind is not None:
        wish = kind.filter.model_validate({"state": ListingState.IN_REVIEW})
        cards, marker = await kind.cards(session, visit.actor, wish, paging)
        title, nothing = _REVIEWS[name]
        return {"name": name, "title": title, "nothing": nothing, "kind": kind, "rows": cards, "marker": marker}
    state = Verification(name)
    rows, marker = await organisations.listed(
        session, visit.actor, paging, kind=None, region=(), verification=state, q=None, mine=False
    )
    title, nothing = _PLACES[state]
    return {"name": name, "title": title, "nothing": nothing, "kind": None, "rows": rows, "marker": marker}


async def _page(
    visit: Visit,
    session: AsyncSession,
    *,
    show: str | None = None,
    cursor: str | None = None,
    status: int = 200,
    said: list[str] | None = None,
) -> Response:
    actor = visit.actor
    if not visit.signed_in:
        raise NotSignedIn
    if Permission.READ_ALL not in actor.platform:
        raise Forbidden("这一页只给平台管理员和审计员。 · This page is for the platform's administrators and auditors.")
    if show is not None and show not in _ORDER:
        raise NotFound
    names = _ORDER if show is None else (show,)
    paging = Paging(visit.request, cursor if show else None, PAGE if show else FIRST)
    lists = [await _list(visit, session, name, paging) for name in names]
    return visit.page(
        "platform.html", status, here="/platform", lists=lists, show=show, later=cursor is not None, said=said or []
    )


@router.get("", response_class=Response)
async def platform(visit: Visited, session: Reading, show: str | None = None, cursor: str | None = None) -> Response:
    return await _page(visit, session, show=show, cursor=cursor)


@router.post("/{plural}/{listing_id:uuid}/review", response_class=Response)
async def review(plural: str, listing_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Let a record through, or give it back with a note."""
    actor = visit.require()
    kind = kinds.KINDS.get(plural)
    if kind is None:
        raise NotFound
    try:
        decision = ReviewDecision.model_validate(
            {"approve": forms.first(typed, "approve") == "1", "note": forms.first(typed, "note").strip() or None}
        )
        async with session.begin_nested():
            await publication.review(
                session,
                actor,
                kind.cls,
                listing_id,
                decision,
                fresh_for=fresh_for(visit.request),
                version=acting.version_of(typed),
            )
    except ValidationError as error:
        said = [told(one.detail) for one in validation.as_refusal(error).errors]
        return await _page(visit, session, status=422, said=said)
    except StaleVersion as refusal:
        said = [
            told(refusal.title()),
            told("请打开记录，看过现在的内容再审核。 · Open the record and look at what it says now, then decide."),
        ]
        return await _page(visit, session, status=412, said=said)
    except Refusal as refusal:
        if refusal.status in {401, 403, 404}:
            raise
        said = [told(refusal.detail or refusal.title()), *(told(one.detail) for one in refusal.errors)]
        return await _page(visit, session, status=refusal.status, said=said)
    return visit.go("/platform", "reviewed")
