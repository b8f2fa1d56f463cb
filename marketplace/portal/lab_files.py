"""`/instruments/{id}/files`: photos and documents, for everybody to look at and for its keepers to put in order."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response, UploadFile
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.db import Reading, Writing
from marketplace.labs import instrument_files
from marketplace.labs.file_models import InstrumentFile
from marketplace.labs.instrument_files_router import InstrumentFileRoute, answer
from marketplace.listings.attachments import FileRefused
from marketplace.portal import acting, trying
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.keeping import kept
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent
from schemas.instrument_files import MOST_FILES, FilePurpose, InstrumentFilePatch

_AT: Final = "/instruments/{instrument_id:uuid}/files"
router = APIRouter(route_class=PageRoute, include_in_schema=False)


class UploadPage(InstrumentFileRoute):
    takes_any_parameter = True


uploads = APIRouter(route_class=UploadPage, include_in_schema=False)


async def _page(
    visit: Visit, session: AsyncSession, instrument_id: UUID, *, wrong: list[str] | None = None, status: int = 200
) -> Response:
    one = await kept(visit, session, instrument_id)
    files = await instrument_files.all_of(session, instrument_id)
    here = f"/instruments/{instrument_id}"
    return visit.page(
        "instrument_files.html", status, one=one, files=files, here=here, wrong=wrong or [], most=MOST_FILES
    )


async def _act(
    visit: Visit, session: AsyncSession, instrument_id: UUID, work: Callable[[], Awaitable[Any]], said: str
) -> Response:
    """One form of the page; refused, it says why."""

    async def done() -> str:
        await work()
        return f"/instruments/{instrument_id}/files"

    return await acting.act(visit, session, done, said, partial(_page, visit, session, instrument_id), {})


@router.get(_AT, response_class=Response)
async def files(instrument_id: UUID, visit: Visited, session: Reading) -> Response:
    return await _page(visit, session, instrument_id)


@uploads.post(_AT + "/{purpose}", response_class=Response)
async def bring(
    instrument_id: UUID,
    purpose: FilePurpose,
    visit: Visited,
    session: Writing,
    typed: Sent,
    file: UploadFile | None = None,
) -> Response:
    """A file of a form; what is wrong with it is told beside the form."""
    actor = visit.require()
    most: int = visit.request.app.state.settings.attachment_limit

    async def work() -> None:
        if file is None:
            raise FileRefused("missing", "请先选择文件。 · Choose a file first.")
        said = trying.said(typed, "alt")
        alt = InstrumentFilePatch.model_validate({"alt": said}).alt if said else None
        content = await file.read(most + 1)
        await instrument_files.add(
            session, actor, instrument_id, purpose, name=file.filename, content=content, alt=alt, most_bytes=most
        )

    return await _act(visit, session, instrument_id, work, "attached")


@router.post(_AT + "/{file_id:uuid}/change", response_class=Response)
async def change(instrument_id: UUID, file_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Another text, another place, or both."""
    actor = visit.require()

    async def work() -> None:
        place = trying.number(typed, "place")
        wish = ({"alt": alt} if (alt := trying.said(typed, "alt")) else {}) | (
            {"place": place} if isinstance(place, int) else {}
        )
        patch = InstrumentFilePatch.model_validate(wish)
        await instrument_files.edit(session, actor, instrument_id, file_id, acting.version_of(typed), patch)

    return await _act(visit, session, instrument_id, work, "saved")


@router.post(_AT + "/{file_id:uuid}/removal", response_class=Response)
async def remove(instrument_id: UUID, file_id: UUID, visit: Visited, session: Writing) -> Response:
    await instrument_files.remove(session, visit.require(), instrument_id, file_id)
    return visit.go(f"/instruments/{instrument_id}/files", "removed")


@router.get(_AT + "/{file_id:uuid}", response_class=Response)
async def fetch(instrument_id: UUID, file_id: UUID, visit: Visited, session: Reading) -> Response:
    file = await instrument_files.fetch(session, visit.actor, instrument_id, file_id, InstrumentFile.content)
    return answer(visit.request, file, preview=False)


@router.get(_AT + "/{file_id:uuid}/preview", response_class=Response)
async def preview(instrument_id: UUID, file_id: UUID, visit: Visited, session: Reading) -> Response:
    file = await instrument_files.fetch(session, visit.actor, instrument_id, file_id, InstrumentFile.preview)
    return answer(visit.request, file, preview=True)


ROUTERS: Final = (router, uploads)
