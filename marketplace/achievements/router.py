"""`/api/v1/achievements`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from marketplace.achievements import achievements
from marketplace.kernel.actor import Anyone, SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.etag import IfMatch
from marketplace.kernel.paging import Paged
from marketplace.kernel.parameters import Asked, documented
from marketplace.kernel.refusals import NotFound, NotSignedIn, StaleVersion, VersionMissing
from marketplace.kernel.refusals import problems as refusals
from marketplace.listings import cards, records
from marketplace.listings.models import Achievement
from marketplace.listings.router import share
from marketplace.listings.shapes import Shape
from schemas.achievements import (
    AchievementBody,
    AchievementCard,
    AchievementFilter,
    AchievementNew,
    AchievementPatch,
    AchievementRevision,
    AchievementView,
)
from schemas.base import Page

router = APIRouter(prefix="/api/v1/achievements", tags=["achievements"], route_class=TransactionRoute)

SHAPE = Shape(Achievement, AchievementBody, AchievementView, AchievementRevision)


@router.get("", response_model=Page[AchievementCard], openapi_extra=documented(AchievementFilter))
async def list_achievements(
    wish: Annotated[AchievementFilter, Depends(Asked(AchievementFilter))],
    session: Reading,
    actor: Anyone,
    paging: Paged,
) -> Response:
    """科技成果列表 · Published achievements, newest first; with `mine` your organisations' own."""
    found, marker = await achievements.listed(session, actor, wish, paging)
    return cards.answer(found, marker, paging)


@router.post("", status_code=201, responses=refusals(NotSignedIn, records.NotYourOrganisation, records.AlreadyImported))
async def create(wish: AchievementNew, session: Writing, actor: SignedIn, response: Response) -> AchievementView:
    """新建草稿 · Write a draft."""
    listing = await achievements.create(session, actor, wish)
    response.headers["Location"] = f"/api/v1/achievements/{listing.id}"
    return await SHAPE.shown(session, listing, actor, response)


@router.patch(
    "/{listing_id}",
    responses=refusals(NotSignedIn, NotFound, records.NotYourRecord, records.Incomplete, StaleVersion, VersionMissing),
)
async def edit(
    listing_id: UUID, patch: AchievementPatch, session: Writing, actor: SignedIn, version: IfMatch, response: Response
) -> AchievementView:
    """修改 · Change some fields; what they said before is kept in `revisions`."""
    listing = await achievements.edit(session, actor, listing_id, version, patch)
    return await SHAPE.shown(session, listing, actor, response)


share(router, SHAPE)
