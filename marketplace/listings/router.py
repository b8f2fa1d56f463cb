"""The routes that achievements and problems have alike, made once for each."""

from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response, UploadFile

from marketplace.kernel.actor import Anyone, SignedIn
from marketplace.kernel.db import LoggedReadRoute, Reading, TransactionRoute, Writing
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, TooLarge, problems
from marketplace.listings import attachments, confidential, records
from marketplace.listings.models import Listing
from marketplace.settings import Review
from schemas.base import Message, Page
from schemas.listings import (
    AdmissionDecision,
    AdmissionNew,
    AdmissionRequest,
    AdmissionView,
    AttachmentView,
    ConfidentialView,
    ConfidentialWrite,
    NdaAcceptance,
    Part,
    RevisionView,
)


class Terms(Message):
    """What a reader agrees to before reading; `null` when nothing has to be agreed."""

    nda: str | None


def shared_routes(cls: type[Listing], tag: str) -> tuple[APIRouter, APIRouter]:
    """Confidential part, readers, attachments and history of one kind; reads that are logged come second."""
    router = APIRouter(route_class=TransactionRoute, tags=[tag])
    logged = APIRouter(route_class=LoggedReadRoute, tags=[tag])
    here = problems(NotSignedIn, NotFound, records.NotYourRecord)

    @router.get("/{listing_id}/revisions", responses=here)
    async def revisions(
        listing_id: UUID,
        session: Reading,
        actor: SignedIn,
        below: Annotated[
            int | None, Query(ge=1, le=2**31 - 1, description="版本号之前 · versions below this one")
        ] = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> Page[RevisionView]:
        """修改历史 · What the record said before, latest first."""
        rows = await records.revisions(session, actor, cls, listing_id, below=below, limit=limit)
        return Page[RevisionView](items=[RevisionView.model_validate(row) for row in rows])

    @logged.get(
        "/{listing_id}/confidential",
        responses=problems(NotSignedIn, NotFound, confidential.NotAdmitted, confidential.NdaNotAccepted),
    )
    async def read_confidential(listing_id: UUID, session: Writing, actor: SignedIn) -> ConfidentialView:
        """查看保密内容（留痕） · Read the confidential part; the reading is logged."""
        found = await confidential.read(session, actor, cls, listing_id)
        files = await records.attachments(session, listing_id, Part.CONFIDENTIAL)
        return ConfidentialView(
            text=found.text if found else "",
            nda=found.nda if found else None,
            attachments=[AttachmentView.model_validate(file) for file in files],
            updated_at=found.at if found else None,
            version=found.version if found else 0,
        )

    @router.put("/{listing_id}/confidential", responses=here)
    async def write_confidential(listing_id: UUID, wish: ConfidentialWrite, session: Writing, actor: SignedIn) -> Terms:
        """填写保密内容与保密约定 · Write the confidential part and the terms for reading it."""
        written = await confidential.write(session, actor, cls, listing_id, wish)
        return Terms(nda=written.nda)

    @router.get("/{listing_id}/confidential/terms", responses=problems(NotSignedIn, NotFound, confidential.NotAdmitted))
    async def terms(listing_id: UUID, session: Reading, actor: SignedIn) -> Terms:
        """保密约定 · The terms to accept before reading."""
        return Terms(nda=await confidential.terms(session, actor, cls, listing_id))

    @router.post(
        "/{listing_id}/confidential/acceptances",
        status_code=201,
        responses=problems(NotSignedIn, NotFound, confidential.NotAdmitted, confidential.NdaChanged),
    )
    async def accept(listing_id: UUID, wish: NdaAcceptance, session: Writing, actor: SignedIn) -> AdmissionView:
        """同意保密约定 · Accept the terms, as they were shown."""
        return AdmissionView.model_validate(await confidential.accept_terms(session, actor, cls, listing_id, wish.nda))

    @router.post(
        "/{listing_id}/admission-requests",
        status_code=201,
        responses=problems(NotSignedIn, NotFound, confidential.AlreadyAsked),
    )
    async def ask(listing_id: UUID, wish: AdmissionRequest, session: Writing, actor: SignedIn) -> AdmissionView:
        """申请查看保密内容 · Ask to see the confidential part."""
        return AdmissionView.model_validate(await confidential.ask(session, actor, cls, listing_id, wish))

    @router.get("/{listing_id}/readers", responses=here)
    async def readers(
        listing_id: UUID, session: Reading, actor: SignedIn, paging: Paged, response: Response
    ) -> Page[AdmissionView]:
        """申请与获准查看的人 · Requests and readers."""
        rows, marker = await confidential.readers(session, actor, cls, listing_id, paging)
        paging.link(response, marker)
        return Page[AdmissionView](items=[AdmissionView.model_validate(row) for row in rows], next_cursor=marker)

    @router.post("/{listing_id}/readers", status_code=201, responses=here)
    async def admit(listing_id: UUID, wish: AdmissionNew, session: Writing, actor: SignedIn) -> AdmissionView:
        """准许某人查看 · Admit a reader."""
        return AdmissionView.model_validate(await confidential.admit(session, actor, cls, listing_id, wish))

    @router.post(
        "/{listing_id}/readers/{admission_id}/decision", responses=here | problems(confidential.AlreadyDecided)
    )
    async def decide(
        listing_id: UUID, admission_id: UUID, wish: AdmissionDecision, session: Writing, actor: SignedIn
    ) -> AdmissionView:
        """答复申请 · Answer a request."""
        return AdmissionView.model_validate(
            await confidential.decide(session, actor, cls, listing_id, admission_id, wish)
        )

    @router.delete("/{listing_id}/readers/{admission_id}", responses=here | problems(confidential.AlreadyDecided))
    async def revoke(listing_id: UUID, admission_id: UUID, session: Writing, actor: SignedIn) -> AdmissionView:
        """撤销准许 · Revoke an admission."""
        return AdmissionView.model_validate(await confidential.revoke(session, actor, cls, listing_id, admission_id))

    @router.post(
        "/{listing_id}/attachments/{part}",
        status_code=201,
        responses=here | problems(attachments.FileRefused, TooLarge, attachments.TooManyFiles),
    )
    async def attach(
        listing_id: UUID,
        part: Annotated[Part, Path()],
        file: UploadFile,
        session: Writing,
        actor: SignedIn,
        request: Request,
    ) -> AttachmentView:
        """上传附件 · Attach a file to the public or the confidential part."""
        most = request.app.state.settings.attachment_limit
        content = await file.read(most + 1)
        added = await attachments.add(
            session, actor, cls, listing_id, part, name=file.filename, content=content, most_bytes=most
        )
        return AttachmentView.model_validate(added)

    @logged.get(
        "/{listing_id}/attachments/{attachment_id}",
        response_class=Response,
        responses=problems(NotFound, confidential.NdaNotAccepted)
        | {200: {"content": {"application/octet-stream": {}}}},
    )
    async def download(listing_id: UUID, attachment_id: UUID, session: Writing, actor: Anyone) -> Response:
        """下载附件 · Download a file."""
        file = await attachments.fetch(session, actor, cls, listing_id, attachment_id)
        headers = {
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name)}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "no-store",
        }
        return Response(file.content, media_type=file.media_type, headers=headers)

    @router.delete("/{listing_id}/attachments/{attachment_id}", status_code=204, responses=here)
    async def detach(listing_id: UUID, attachment_id: UUID, session: Writing, actor: SignedIn) -> None:
        """移除附件 · Take a file off."""
        await attachments.remove(session, actor, cls, listing_id, attachment_id)

    return router, logged


def described(listing: Listing) -> dict[str, Any]:
    """The fields that every view of a listing has."""
    return {
        "id": listing.id,
        "state": listing.state,
        "organisation": listing.organisation,
        "title": listing.title,
        "region": listing.region,
        "keywords": listing.keywords,
        "cooperation_modes": listing.cooperation_modes,
        "confidential_part": listing.confidential_part,
        "confirmed_at": listing.confirmed_at,
        "confirmed_until": listing.confirmed_until,
        "published_at": listing.published_at,
        "created_at": listing.created_at,
        "updated_at": listing.updated_at,
        "version": listing.version,
    }


def fresh_for(request: Request) -> timedelta:
    """How long a confirmation holds on this platform."""
    return timedelta(days=request.app.state.settings.freshness_days)


def reviewed_first(request: Request) -> bool:
    """Whether this platform looks at records before they are published."""
    return bool(request.app.state.settings.review is Review.PLATFORM)
