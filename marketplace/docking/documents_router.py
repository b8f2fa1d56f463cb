"""Documents of an event: brought, listed, fetched, taken off."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response, UploadFile

from marketplace.docking import documents, events
from marketplace.kernel.actor import Anyone, SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.kernel.files import attached
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, TooLarge, problems
from marketplace.listings import attachments
from marketplace.listings.attachments_router import AttachmentRoute
from schemas.base import Page
from schemas.event_extras import Audience, DocumentView

_AT = "/api/v1/events/{event_id}/documents"
router = APIRouter(prefix=_AT, tags=["docking"], route_class=TransactionRoute)
uploads = APIRouter(prefix=_AT, tags=["docking"], route_class=AttachmentRoute)

DESK = (NotSignedIn, NotFound, events.NotItsOrganizer)


@router.get("", responses=problems(NotFound))
async def list_documents(
    event_id: UUID, session: Reading, actor: Anyone, paging: Paged, response: Response
) -> Page[DocumentView]:
    """活动文件 · The documents that you may see, latest first."""
    rows, marker = await documents.listed(session, actor, event_id, paging)
    paging.link(response, marker)
    return Page[DocumentView].model_construct(
        items=[DocumentView.model_validate(row) for row in rows], next_cursor=marker
    )


@uploads.post(
    "",
    status_code=201,
    responses=problems(*DESK, attachments.FileRefused, TooLarge, documents.TooManyDocuments),
)
async def add(
    event_id: UUID,
    file: UploadFile,
    audience: Annotated[Audience, Form(description="谁可以看到 · who may see it")],
    session: Writing,
    actor: SignedIn,
    request: Request,
) -> DocumentView:
    """上传活动文件 · Put a file beside the event for everybody, for those who come, or for the desk (the desk)."""
    most: int = request.app.state.settings.attachment_limit
    content = await file.read(most + 1)
    added = await documents.add(
        session, actor, event_id, audience, name=file.filename, content=content, most_bytes=most
    )
    return DocumentView.model_validate(added)


@router.get(
    "/{document_id}",
    response_class=Response,
    responses=problems(NotFound) | {200: {"content": {kind: {} for kind, _ in attachments.TYPES.values()}}},
)
async def download(event_id: UUID, document_id: UUID, session: Reading, actor: Anyone) -> Response:
    """下载活动文件 · Download a document."""
    file, content = await documents.fetch(session, actor, event_id, document_id)
    answer = attached(content, file.name, "application/octet-stream")
    # Byte for byte as it was declared: a framework would write another charset behind a text.
    answer.headers["Content-Type"] = file.media_type
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.delete("/{document_id}", status_code=204, responses=problems(*DESK))
async def remove(event_id: UUID, document_id: UUID, session: Writing, actor: SignedIn) -> None:
    """移除活动文件 · Take a document off (the desk)."""
    await documents.remove(session, actor, event_id, document_id)


ROUTERS = (router, uploads)
