"""`/events/{id}/desk/documents`: files beside an event, and whose eyes each is for."""

from functools import partial
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Response, UploadFile
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import documents, events, shapes
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import Invalid, TooLarge
from marketplace.portal import acting, forms
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.routes import PageRoute, UploadPageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.event_extras import Audience

_AT: Final = "/events/{event_id:uuid}/desk/documents"
router = APIRouter(prefix=_AT, route_class=PageRoute, include_in_schema=False)
uploads = APIRouter(prefix=_AT, route_class=UploadPageRoute, include_in_schema=False)
ROUTERS: Final = (router, uploads)

PAGE: Final = documents.MOST


async def _page(
    visit: Visit,
    session: AsyncSession,
    event_id: UUID,
    *,
    typed: Typed | None = None,
    wrong: list[str] | None = None,
    status: int = 200,
) -> Response:
    actor = visit.require()
    one = await shapes.view(session, actor, await events.desk(session, actor, event_id))
    rows, _ = await documents.listed(session, actor, event_id, Paging(visit.request, None, PAGE))
    return visit.page(
        "event_documents.html",
        status,
        one=one,
        rows=rows,
        most=documents.MOST,
        audiences=list(Audience),
        chosen=forms.first(typed or {}, "audience"),
        wrong=wrong or [],
        here=f"/events/{event_id}/desk/documents",
    )


@router.get("", response_class=Response)
async def listed(event_id: UUID, visit: Visited, session: Reading) -> Response:
    return await _page(visit, session, event_id)


class _NoFile(Invalid):
    """请选择文件。 · Choose a file."""


class _ForWhom(Invalid):
    """请选择谁可以看到。 · Say who may see it."""


@uploads.post("", response_class=Response)
async def add(
    event_id: UUID, visit: Visited, session: Writing, typed: Sent, file: UploadFile | None = None
) -> Response:
    actor, here = visit.require(), f"/events/{event_id}/desk/documents"
    most: int = visit.request.app.state.settings.attachment_limit
    again = partial(_page, visit, session, event_id, typed=typed)

    async def work() -> str:
        if file is None or not file.filename:
            raise _NoFile
        audience = forms.first(typed, "audience")
        if audience not in set(Audience):
            raise _ForWhom
        content = await file.read(most + 1)
        await documents.add(
            session, actor, event_id, Audience(audience), name=file.filename, content=content, most_bytes=most
        )
        return here

    try:
        return await acting.act(visit, session, work, "attached", again, {})
    except TooLarge as refusal:
        return await again(wrong=[told(refusal.detail or refusal.title())], status=refusal.status)


@router.post("/{document_id:uuid}/removal", response_class=Response)
async def remove(event_id: UUID, document_id: UUID, visit: Visited, session: Writing) -> Response:
    await documents.remove(session, visit.require(), event_id, document_id)
    return visit.go(f"/events/{event_id}/desk/documents", "removed")
