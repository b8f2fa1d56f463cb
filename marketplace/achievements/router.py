"""`/api/v1/achievements`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from marketplace.achievements import achievements
from marketplace.kernel import etag
from marketplace.kernel.actor import Actor, Anyone, SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.etag import IfMatch
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import Forbidden, NotFound, NotSignedIn, StaleVersion, VersionMissing, problems
from marketplace.listings import cards, records
from marketplace.listings.models import Achievement
from marketplace.listings.router import described, fresh_for, reviewed_first, shared_routes
from schemas.achievements import (
    AchievementCard,
    AchievementFilter,
    AchievementNew,
    AchievementPatch,
    AchievementView,
)
from schemas.base import Page
from schemas.listings import AttachmentView, Completeness, Part, ReviewDecision

router = APIRouter(prefix="/api/v1/achievements", tags=["achievements"], route_class=TransactionRoute)


async def view(session: Reading, listing: Achievement, actor: Actor, response: Response) -> AchievementView:
    """The public part as the actor may see it; whom to ask is for people who are signed in."""
    etag.stamp(response, listing.version)
    return AchievementView.model_validate(
        described(listing)
        | {
            "summary": listing.summary,
            "description": listing.description,
            "discipline": listing.disciplines[0] if listing.disciplines else None,
            "industries": listing.industries,
            "trl": listing.trl,
            "stage": listing.stage,
            "intellectual_property": listing.intellectual_property or [],
            "awards": listing.awards or [],
            "price": achievements.price_of(listing),
            "publicly_funded": listing.publicly_funded,
            "registration_number": listing.registration_number,
            "contact": listing.contact if actor.person_id else None,
            "team": listing.team or [],
            "source": listing.source,
            "external_id": listing.external_id,
            "attachments": [
                AttachmentView.model_validate(file)
                for file in await records.attachments(session, listing.id, Part.PUBLIC)
            ],
            "state_note": listing.state_note,
        }
    )


@router.get("", response_model=Page[AchievementCard])
async def list_achievements(
    wish: Annotated[AchievementFilter, Query()], session: Reading, actor: Anyone, paging: Paged
) -> Response:
    """科技成果列表 · Published achievements, newest first; with `mine` your organisations' own."""
    found, marker = await achievements.listed(session, actor, wish, paging)
    return cards.answer(found, marker, paging)


@router.post("", status_code=201, responses=problems(NotSignedIn, records.NotYourOrganisation, records.AlreadyImported))
async def create(wish: AchievementNew, session: Writing, actor: SignedIn, response: Response) -> AchievementView:
    """新建草稿 · Write a draft."""
    listing = await achievements.create(session, actor, wish)
    response.headers["Location"] = f"/api/v1/achievements/{listing.id}"
    return await view(session, listing, actor, response)


@router.get("/{listing_id}", responses=problems(NotFound))
async def read(listing_id: UUID, session: Reading, actor: Anyone, response: Response) -> AchievementView:
    """一项成果 · One achievement."""
    return await view(session, await records.read(session, actor, Achievement, listing_id), actor, response)


@router.patch(
    "/{listing_id}", responses=problems(NotSignedIn, NotFound, records.NotYourRecord, StaleVersion, VersionMissing)
)
async def edit(
    listing_id: UUID, patch: AchievementPatch, version: IfMatch, session: Writing, actor: SignedIn, response: Response
) -> AchievementView:
    """修改 · Change some fields; what they said before is kept in `revisions`."""
    return await view(session, await achievements.edit(session, actor, listing_id, version, patch), actor, response)


@router.get("/{listing_id}/completeness", responses=problems(NotSignedIn, NotFound))
async def completeness(listing_id: UUID, session: Reading, actor: SignedIn) -> Completeness:
    """完整性检查 · What a reader will miss."""
    return achievements.completeness(await records.read(session, actor, Achievement, listing_id))


@router.post(
    "/{listing_id}/publication",
    responses=problems(
        NotSignedIn, NotFound, records.NotYourRecord, records.NotVerified, records.WrongState, records.Incomplete
    ),
)
async def publish(
    listing_id: UUID, session: Writing, actor: SignedIn, request: Request, response: Response
) -> AchievementView:
    """发布 · Publish it (or hand it to review, where the platform asks for one)."""
    listing = await achievements.publish(
        session, actor, listing_id, reviewed_first=reviewed_first(request), fresh_for=fresh_for(request)
    )
    return await view(session, listing, actor, response)


@router.post("/{listing_id}/review", responses=problems(NotSignedIn, NotFound, Forbidden, records.WrongState))
async def review(
    listing_id: UUID, wish: ReviewDecision, session: Writing, actor: SignedIn, request: Request, response: Response
) -> AchievementView:
    """审核（平台管理员） · Let it through or give it back (platform administrators)."""
    listing = await records.review(session, actor, Achievement, listing_id, wish, fresh_for=fresh_for(request))
    return await view(session, listing, actor, response)


@router.post(
    "/{listing_id}/withdrawal", responses=problems(NotSignedIn, NotFound, records.NotYourRecord, records.WrongState)
)
async def withdraw(listing_id: UUID, session: Writing, actor: SignedIn, response: Response) -> AchievementView:
    """撤回 · Take it out of lists and rankings; it can be published again."""
    return await view(session, await records.withdraw(session, actor, Achievement, listing_id), actor, response)


@router.post(
    "/{listing_id}/confirmation",
    responses=problems(NotSignedIn, NotFound, records.NotYourRecord, records.WrongState, records.NotVerified),
)
async def confirm(
    listing_id: UUID, session: Writing, actor: SignedIn, request: Request, response: Response
) -> AchievementView:
    """确认仍然有效 · Say that it still holds."""
    listing = await records.confirm(session, actor, Achievement, listing_id, fresh_for=fresh_for(request))
    return await view(session, listing, actor, response)


for shared in shared_routes(Achievement, "achievements"):
    router.include_router(shared)
