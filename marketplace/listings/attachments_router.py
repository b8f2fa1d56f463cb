"""Files of a record: brought, fetched, taken off."""

from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Request, Response, UploadFile

from marketplace.kernel.actor import Anyone, SignedIn
from marketplace.kernel.db import LoggedReadRoute, UploadRoute, Writing
from marketplace.kernel.refusals import NotFound, NotSignedIn, TooLarge, problems
from marketplace.kernel.routing import beside, gather
from marketplace.listings import attachments, confidential, records
from marketplace.listings.models import Listing
from marketplace.settings import Settings
from schemas.listings import AttachmentView, Part

# What a form adds to the file in it.
FORM_BYTES = 64 * 1024


class AttachmentRoute(UploadRoute):
    @staticmethod
    def most_bytes(settings: Settings) -> int:
        return settings.attachment_limit + FORM_BYTES


def add(router: APIRouter, cls: type[Listing]) -> None:
    uploads = beside(router, AttachmentRoute)
    logged = beside(router, LoggedReadRoute)
    own = (NotSignedIn, NotFound, records.NotYourRecord)

    @uploads.post(
        "/{listing_id}/attachments/{part}",
        status_code=201,
        responses=problems(*own, attachments.FileRefused, TooLarge, attachments.TooManyFiles),
    )
    async def attach(
        listing_id: UUID,
        part: Part,
        file: UploadFile,
        session: Writing,
        actor: SignedIn,
        request: Request,
        response: Response,
    ) -> AttachmentView:
        """上传附件 · Attach a file to the public or the confidential part; the same file again is the same attachment."""
        if part is Part.CONFIDENTIAL:
            # The answer names the file: an idempotency key keeps none of it, and a repeat finds the file in its place.
            response.headers["Cache-Control"] = "no-store"
        most: int = request.app.state.settings.attachment_limit
        content = await file.read(most + 1)
        added = await attachments.add(
            session, actor, cls, listing_id, part, name=file.filename, content=content, most_bytes=most
        )
        return AttachmentView.model_validate(added)

    @logged.get(
        "/{listing_id}/attachments/{attachment_id}",
        response_class=Response,
        responses=problems(NotFound, confidential.NdaNotAccepted)
        | {200: {"content": {kind: {} for kind, _ in attachments.TYPES.values()}}},
    )
    async def download(listing_id: UUID, attachment_id: UUID, session: Writing, actor: Anyone) -> Response:
        """下载附件 · Download a file."""
        file = await attachments.fetch(session, actor, cls, listing_id, attachment_id)
        headers = {
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Content-Type": file.media_type,
            "Cache-Control": "no-store",
        }
        return Response(file.content, headers=headers)

    @router.delete("/{listing_id}/attachments/{attachment_id}", status_code=204, responses=problems(*own))
    async def detach(listing_id: UUID, attachment_id: UUID, session: Writing, actor: SignedIn) -> None:
        """移除附件 · Take a file off."""
        await attachments.remove(session, actor, cls, listing_id, attachment_id)

    gather(router, uploads, logged)
