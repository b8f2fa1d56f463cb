"""The routes that achievements and problems have alike, made once for each."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from marketplace.kernel.actor import Anyone, SignedIn
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.etag import IfMatch
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import Forbidden, NotFound, NotSignedIn, StaleVersion, VersionMissing, problems
from marketplace.listings import attachments_router, completeness, confidential_router, duplicates, publication, records
from marketplace.listings.shapes import L, Shape, V, fresh_for, reviewed_first
from schemas.base import Page
from schemas.listings import Completeness, ListingRevision, NearDuplicate, ReviewDecision

OWN = (NotSignedIn, NotFound, records.NotYourRecord)


def share(router: APIRouter, shape: Shape[L, V]) -> None:
    """Read, complete, publish, review, withdraw, confirm, history; confidential part, readers, attachments."""
    cls = shape.cls

    @router.get("/{listing_id}", response_model=shape.view, responses=problems(NotFound))
    async def read(listing_id: UUID, session: Reading, actor: Anyone, response: Response) -> V:
        """一条记录 · One record."""
        return await shape.shown(session, await records.read(session, actor, cls, listing_id), actor, response)

    @router.get("/{listing_id}/completeness", responses=problems(NotSignedIn, NotFound))
    async def missing(listing_id: UUID, session: Reading, actor: SignedIn) -> Completeness:
        """完整性检查 · What a reader will miss."""
        listing = await records.read(session, actor, cls, listing_id)
        found = completeness.of(listing.kind, listing)
        return found.model_copy(
            update={"missing": [item.model_copy(update={"advice": told(item.advice)}) for item in found.missing]}
        )

    @router.get("/{listing_id}/near-duplicates", responses=problems(NotFound))
    async def alike(
        listing_id: UUID, session: Reading, actor: Anyone, paging: Paged, response: Response
    ) -> Page[NearDuplicate]:
        """几乎相同的记录 · Records of this kind that you can see and that say nearly the same, most alike first."""
        items, marker = await duplicates.of(session, actor, cls, listing_id, paging)
        paging.link(response, marker)
        return Page[NearDuplicate].model_construct(items=items, next_cursor=marker)

    @router.post(
        "/{listing_id}/publication",
        response_model=shape.view,
        responses=problems(*OWN, publication.NotVerified, publication.WrongState, records.Incomplete),
    )
    async def publish(listing_id: UUID, session: Writing, actor: SignedIn, request: Request, response: Response) -> V:
        """发布 · Publish it (or hand it to review, where the platform asks for one)."""
        listing = await publication.publish(
            session, actor, cls, listing_id, reviewed_first=reviewed_first(request), fresh_for=fresh_for(request)
        )
        return await shape.shown(session, listing, actor, response)

    @router.post(
        "/{listing_id}/review",
        response_model=shape.view,
        responses=problems(
            NotSignedIn,
            NotFound,
            Forbidden,
            StaleVersion,
            VersionMissing,
            publication.WrongState,
            publication.NotVerified,
            records.Incomplete,
        ),
    )
    async def review(
        listing_id: UUID,
        wish: ReviewDecision,
        session: Writing,
        actor: SignedIn,
        version: IfMatch,
        request: Request,
        response: Response,
    ) -> V:
        """审核（平台管理员） · Let it through or give it back (platform administrators).

        The decision holds only if the record still says what you read.
        """
        listing = await publication.review(
            session, actor, cls, listing_id, wish, fresh_for=fresh_for(request), version=version
        )
        return await shape.shown(session, listing, actor, response)

    @router.post(
        "/{listing_id}/withdrawal", response_model=shape.view, responses=problems(*OWN, publication.WrongState)
    )
    async def withdraw(listing_id: UUID, session: Writing, actor: SignedIn, response: Response) -> V:
        """撤回成果、关闭难题 · Take it out of lists and rankings; it can be published again."""
        listing = await publication.withdraw(session, actor, cls, listing_id)
        return await shape.shown(session, listing, actor, response)

    @router.post(
        "/{listing_id}/confirmation",
        response_model=shape.view,
        responses=problems(*OWN, publication.WrongState, publication.NotVerified, records.Incomplete),
    )
    async def confirm(listing_id: UUID, session: Writing, actor: SignedIn, request: Request, response: Response) -> V:
        """确认仍然有效 · Say that it still holds."""
        listing = await publication.confirm(session, actor, cls, listing_id, fresh_for=fresh_for(request))
        return await shape.shown(session, listing, actor, response)

    revision = shape.revision

    @router.get("/{listing_id}/revisions", response_model=Page[revision], responses=problems(*OWN))  # type: ignore[valid-type]
    async def revisions(
        listing_id: UUID, session: Reading, actor: SignedIn, paging: Paged, response: Response
    ) -> Page[ListingRevision]:
        """修改历史 · What the record said before, latest first."""
        rows, marker = await records.revisions(session, actor, cls, listing_id, paging)
        paging.link(response, marker)
        return Page[ListingRevision].model_construct(items=[shape.past(row) for row in rows], next_cursor=marker)

    confidential_router.add(router, cls)
    attachments_router.add(router, cls)
