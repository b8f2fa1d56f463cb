"""`/api/v1/problems`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from marketplace.kernel import etag
from marketplace.kernel.actor import Actor, Anyone, SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.etag import IfMatch
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import Forbidden, NotFound, NotSignedIn, StaleVersion, VersionMissing
from marketplace.kernel.refusals import problems as refusals
from marketplace.listings import cards, records
from marketplace.listings.models import Problem
from marketplace.listings.router import described, fresh_for, reviewed_first, shared_routes
from marketplace.problems import problems
from schemas.base import Page
from schemas.listings import AttachmentView, Completeness, Part, ReviewDecision
from schemas.problems import (
    ProblemCard,
    ProblemFilter,
    ProblemNew,
    ProblemPatch,
    ProblemView,
)

router = APIRouter(prefix="/api/v1/problems", tags=["problems"], route_class=TransactionRoute)


async def view(session: Reading, listing: Problem, actor: Actor, response: Response) -> ProblemView:
    """The public part as the actor may see it; whom to ask is for people who are signed in."""
    etag.stamp(response, listing.version)
    return ProblemView.model_validate(
        described(listing)
        | {
            "background": listing.background,
            "description": listing.description,
            "indicators": listing.indicators or [],
            "tried": listing.tried,
            "industry": listing.industries[0] if listing.industries else None,
            "disciplines": listing.disciplines,
            "budget": problems.budget_of(listing),
            "deadline": listing.deadline,
            "ip_wish": listing.ip_wish,
            "solver_conditions": listing.solver_conditions,
            "bounty": listing.bounty,
            "contact": listing.contact if actor.person_id else None,
            "source": listing.source,
            "external_id": listing.external_id,
            "attachments": [
                AttachmentView.model_validate(file)
                for file in await records.attachments(session, listing.id, Part.PUBLIC)
            ],
            "state_note": listing.state_note,
        }
    )


@router.get("", response_model=Page[ProblemCard])
async def list_problems(
    wish: Annotated[ProblemFilter, Query()], session: Reading, actor: Anyone, paging: Paged
) -> Response:
    """企业技术难题列表 · Published problems, newest first; with `mine` your organisations' own."""
    found, marker = await problems.listed(session, actor, wish, paging)
    return cards.answer(found, marker, paging)


@router.post("", status_code=201, responses=refusals(NotSignedIn, records.NotYourOrganisation, records.AlreadyImported))
async def create(wish: ProblemNew, session: Writing, actor: SignedIn, response: Response) -> ProblemView:
    """新建草稿 · Write a draft."""
    listing = await problems.create(session, actor, wish)
    response.headers["Location"] = f"/api/v1/problems/{listing.id}"
    return await view(session, listing, actor, response)


@router.get("/{listing_id}", responses=refusals(NotFound))
async def read(listing_id: UUID, session: Reading, actor: Anyone, response: Response) -> ProblemView:
    """一个难题 · One problem."""
    return await view(session, await records.read(session, actor, Problem, listing_id), actor, response)


@router.patch(
    "/{listing_id}", responses=refusals(NotSignedIn, NotFound, records.NotYourRecord, StaleVersion, VersionMissing)
)
async def edit(
    listing_id: UUID, patch: ProblemPatch, version: IfMatch, session: Writing, actor: SignedIn, response: Response
) -> ProblemView:
    """修改 · Change some fields; what they said before is kept in `revisions`."""
    return await view(session, await problems.edit(session, actor, listing_id, version, patch), actor, response)


@router.get("/{listing_id}/completeness", responses=refusals(NotSignedIn, NotFound))
async def completeness(listing_id: UUID, session: Reading, actor: SignedIn) -> Completeness:
    """完整性检查 · What a reader will miss."""
    return problems.completeness(await records.read(session, actor, Problem, listing_id))


@router.post(
    "/{listing_id}/publication",
    responses=refusals(
        NotSignedIn, NotFound, records.NotYourRecord, records.NotVerified, records.WrongState, records.Incomplete
    ),
)
async def publish(
    listing_id: UUID, session: Writing, actor: SignedIn, request: Request, response: Response
) -> ProblemView:
    """发布 · Publish it (or hand it to review, where the platform asks for one)."""
    listing = await problems.publish(
        session, actor, listing_id, reviewed_first=reviewed_first(request), fresh_for=fresh_for(request)
    )
    return await view(session, listing, actor, response)


@router.post("/{listing_id}/review", responses=refusals(NotSignedIn, NotFound, Forbidden, records.WrongState))
async def review(
    listing_id: UUID, wish: ReviewDecision, session: Writing, actor: SignedIn, request: Request, response: Response
) -> ProblemView:
    """审核（平台管理员） · Let it through or give it back (platform administrators)."""
    listing = await records.review(session, actor, Problem, listing_id, wish, fresh_for=fresh_for(request))
    return await view(session, listing, actor, response)


@router.post(
    "/{listing_id}/withdrawal", responses=refusals(NotSignedIn, NotFound, records.NotYourRecord, records.WrongState)
)
async def withdraw(listing_id: UUID, session: Writing, actor: SignedIn, response: Response) -> ProblemView:
    """关闭 · Close it: out of lists and rankings; it can be published again."""
    return await view(session, await records.withdraw(session, actor, Problem, listing_id), actor, response)


@router.post(
    "/{listing_id}/confirmation",
    responses=refusals(NotSignedIn, NotFound, records.NotYourRecord, records.WrongState, records.NotVerified),
)
async def confirm(
    listing_id: UUID, session: Writing, actor: SignedIn, request: Request, response: Response
) -> ProblemView:
    """确认仍然有效 · Say that it still holds."""
    listing = await records.confirm(session, actor, Problem, listing_id, fresh_for=fresh_for(request))
    return await view(session, listing, actor, response)


@router.post(
    "/{listing_id}/talks", responses=refusals(NotSignedIn, NotFound, records.NotYourRecord, records.WrongState)
)
async def begin_talks(listing_id: UUID, session: Writing, actor: SignedIn, response: Response) -> ProblemView:
    """开始洽谈 · Say that talks have begun; publishing it again ends them."""
    return await view(session, await problems.begin_talks(session, actor, listing_id), actor, response)


@router.post(
    "/{listing_id}/solution", responses=refusals(NotSignedIn, NotFound, records.NotYourRecord, records.WrongState)
)
async def solve(listing_id: UUID, session: Writing, actor: SignedIn, response: Response) -> ProblemView:
    """已解决 · Say that it is solved."""
    return await view(session, await problems.solve(session, actor, listing_id), actor, response)


for shared in shared_routes(Problem, "problems"):
    router.include_router(shared)
