"""`/instruments/{id}/files`: photos and documents, for everybody to look at and for its keepers to put in order."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Response, UploadFile
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import validation
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.language import told
from marketplace.kernel.refusals import Refusal
from marketplace.labs import instrument_files, instruments
from marketplace.labs.file_models import InstrumentFile
from marketplace.labs.instrument_files_router import InstrumentFileRoute, answer
from marketplace.listings.attachments import FileRefused
from marketplace.portal import forms
from marketplace.portal.frame import Visit, Visited
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
    actor = visit.require()
    instrument = await instruments.read(session, actor, instrument_id)
    if not await instruments.keeps(session, actor, instrument_id):
        raise instruments.NotItsKeeper
    files = await instrument_files.all_of(session, instrument_id)
    here = f"/instruments/{instrument_id}"
    return visit.page(
        "instrument_files.html", status, one=instrument, files=files, here=here, wrong=wrong or [], most=MOST_FILES
    )


def _told(refusal: Refusal) -> list[str]:
    return [told(one.detail) for one in refusal.errors] or [told(refusal.detail or refusal.title())]


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
    try:
        if file is None:
            raise FileRefused("missing", "请先选择文件。 · Choose a file first.")
        alt = (
            InstrumentFilePatch.model_validate({"alt": said}).alt
            if (said := forms.first(typed, "alt").strip())
            else None
        )
        content = await file.read(most + 1)
        async with session.begin_nested():
            await instrument_files.add(
                session, actor, instrument_id, purpose, name=file.filename, content=content, alt=alt, most_bytes=most
            )
    except ValidationError as error:
        wrong = [told(one.detail) for one in validation.as_refusal(error).errors]
        return await _page(visit, session, instrument_id, wrong=wrong, status=422)
    except Refusal as refusal:
        if refusal.status not in {409, 413, 422}:
            raise
        return await _page(visit, session, instrument_id, wrong=_told(refusal), status=refusal.status)
    return visit.go(f"/instruments/{instrument_id}/files", "attached")


@router.post(_AT + "/{file_id:uuid}/change", response_class=Response)
async def change(instrument_id: UUID, file_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Another text, another place, or both."""
    actor = visit.require()
    sent = {name: forms.first(typed, name).strip() for name in ("alt", "place", "version")}
    wish: dict[str, str | int] = {"alt": sent["alt"]} if sent["alt"] else {}
    if sent["place"].isascii() and sent["place"].isdigit():
        wish["place"] = int(sent["place"][:4])
    version = int(sent["version"][:9]) if sent["version"].isascii() and sent["version"].isdigit() else 0
    try:
        patch = InstrumentFilePatch.model_validate(wish)
        async with session.begin_nested():
            await instrument_files.edit(session, actor, instrument_id, file_id, version, patch)
    except ValidationError as error:
        wrong = [told(one.detail) for one in validation.as_refusal(error).errors]
        return await _page(visit, session, instrument_id, wrong=wrong, status=422)
    except Refusal as refusal:
        if refusal.status != 412:
            raise
        return await _page(visit, session, instrument_id, wrong=_told(refusal), status=412)
    return visit.go(f"/instruments/{instrument_id}/files", "saved")


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
