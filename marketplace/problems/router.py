"""`/api/v1/problems`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from marketplace.kernel.actor import Anyone, SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.etag import IfMatch
from marketplace.kernel.paging import Paged
from marketplace.kernel.parameters import Asked, documented
from marketplace.kernel.refusals import NotFound, NotSignedIn, StaleVersion, VersionMissing
from marketplace.kernel.refusals import problems as refusals
from marketplace.listings import cards, publication, records
from marketplace.listings.models import Problem
from marketplace.listings.router import share
from marketplace.listings.shapes import Shape
from marketplace.problems import problems
from schemas.base import Page
from schemas.problems import (
    ProblemBody,
    ProblemCard,
    ProblemFilter,
    ProblemNew,
    ProblemPatch,
    ProblemRevision,
    ProblemView,
)

router = APIRouter(prefix="/api/v1/problems", tags=["problems"], route_class=TransactionRoute)

SHAPE = Shape(Problem, ProblemBody, ProblemView, ProblemRevision)
STEP = refusals(NotSignedIn, NotFound, records.NotYourRecord, publication.WrongState)


@router.get("", response_model=Page[ProblemCard], openapi_extra=documented(ProblemFilter))
async def list_problems(
    wish: Annotated[ProblemFilter, Depends(Asked(ProblemFilter))], session: Reading, actor: Anyone, paging: Paged
) -> Response:
    """企业技术难题列表 · Published problems, newest first; with `mine` your organisations' own."""
    found, marker = await problems.listed(session, actor, wish, paging)
    return cards.answer(found, marker, paging)


@router.post("", status_code=201, responses=refusals(NotSignedIn, records.NotYourOrganisation, records.AlreadyImported))
async def create(wish: ProblemNew, session: Writing, actor: SignedIn, response: Response) -> ProblemView:
    """新建草稿 · Write a draft."""
    listing = await problems.create(session, actor, wish)
    response.headers["Location"] = f"/api/v1/problems/{listing.id}"
    return await SHAPE.shown(session, listing, actor, response)


@router.patch(
    "/{listing_id}",
    responses=refusals(NotSignedIn, NotFound, records.NotYourRecord, records.Incomplete, StaleVersion, VersionMissing),
)
async def edit(
    listing_id: UUID, patch: ProblemPatch, session: Writing, actor: SignedIn, version: IfMatch, response: Response
) -> ProblemView:
    """修改 · Change some fields; what they said before is kept in `revisions`."""
    listing = await problems.edit(session, actor, listing_id, version, patch)
    return await SHAPE.shown(session, listing, actor, response)


@router.post("/{listing_id}/talks", responses=STEP)
async def begin_talks(listing_id: UUID, session: Writing, actor: SignedIn, response: Response) -> ProblemView:
    """开始洽谈 · Say that talks have begun; publishing it again ends them."""
    return await SHAPE.shown(session, await problems.begin_talks(session, actor, listing_id), actor, response)


@router.post("/{listing_id}/solution", responses=STEP)
async def solve(listing_id: UUID, session: Writing, actor: SignedIn, response: Response) -> ProblemView:
    """已解决 · Say that it is solved."""
    return await SHAPE.shown(session, await problems.solve(session, actor, listing_id), actor, response)


share(router, SHAPE)
