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

PAGE: Final = 50


async def _page(visit: Visit, session: AsyncSession, *, status: int = 200, said: list[str] | None = None) -> Response:
    actor = visit.actor
    if not visit.signed_in:
        raise NotSignedIn
    if Permission.READ_ALL not in actor.platform:
        raise Forbidden("这一页只给平台管理员和审计员。 · This page is for the platform's administrators and auditors.")
    first = Paging(visit.request, None, PAGE)

    async def waiting(state: Verification) -> list[Any]:
        rows, _ = await organisations.listed(
            session, actor, first, kind=None, region=(), verification=state, q=None, mine=False
        )
        return rows

    reviews = [
        (kind, row)
        for kind in kinds.KINDS.values()
        for row in (
            await kind.cards(session, actor, kind.filter.model_validate({"state": ListingState.IN_REVIEW}), first)
        )[0]
    ]
    return visit.page(
        "platform.html",
        status,
        here="/platform",
        submitted=await waiting(Verification.SUBMITTED),
        unverified=await waiting(Verification.UNVERIFIED),
        suspended=await waiting(Verification.SUSPENDED),
        reviews=reviews,
        said=said or [],
    )


@router.get("", response_class=Response)
async def platform(visit: Visited, session: Reading) -> Response:
    return await _page(visit, session)


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
