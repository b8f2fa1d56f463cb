"""`/api/v1/instruments/{id}/files`: photos and documents, and the core metadata that is harvested."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response, UploadFile

from marketplace.kernel import etag
from marketplace.kernel.actor import Anyone, SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, UploadRoute, Writing
from marketplace.kernel.etag import IfMatch
from marketplace.kernel.files import shown
from marketplace.kernel.refusals import NotFound, NotSignedIn, StaleVersion, TooLarge, VersionMissing, problems
from marketplace.kernel.routing import beside, gather
from marketplace.labs import core_metadata, instrument_files, instruments, pictures
from marketplace.labs.file_models import InstrumentFile
from marketplace.listings.attachments import TYPES, FileRefused
from marketplace.settings import Settings
from schemas.core_metadata import CoreMetadata, InWhichForm
from schemas.instrument_files import Alt, FilePurpose, InstrumentFilePatch, InstrumentFileView

# What a form adds to the file in it.
FORM_BYTES = 64 * 1024
OWN = (NotSignedIn, NotFound, instruments.NotItsKeeper)


class InstrumentFileRoute(UploadRoute):
    @staticmethod
    def most_bytes(settings: Settings) -> int:
        return settings.attachment_limit + FORM_BYTES


router = APIRouter(prefix="/api/v1/instruments/{instrument_id}", tags=["labs"], route_class=TransactionRoute)
uploads = beside(router, InstrumentFileRoute)


@uploads.post(
    "/files/{purpose}",
    status_code=201,
    responses=problems(
        *OWN, FileRefused, instrument_files.AltMissing, instrument_files.TooManyInstrumentFiles, TooLarge
    ),
)
async def bring(
    instrument_id: UUID,
    purpose: FilePurpose,
    file: UploadFile,
    session: Writing,
    actor: SignedIn,
    request: Request,
    alt: Annotated[
        Alt | None,
        Form(description="照片上是什么（照片必填）、文档标题 · what the photo shows (required), or the title"),
    ] = None,
) -> InstrumentFileView:
    """上传照片或文档 · Add a photo (PNG, JPEG) or a document behind those that are there; the same file again is the same one."""
    most: int = request.app.state.settings.attachment_limit
    content = await file.read(most + 1)
    added = await instrument_files.add(
        session, actor, instrument_id, purpose, name=file.filename, content=content, alt=alt, most_bytes=most
    )
    return InstrumentFileView.model_validate(added)


@router.patch("/files/{file_id}", responses=problems(*OWN, StaleVersion, VersionMissing))
async def edit(
    instrument_id: UUID,
    file_id: UUID,
    patch: InstrumentFilePatch,
    session: Writing,
    actor: SignedIn,
    version: IfMatch,
    response: Response,
) -> InstrumentFileView:
    """修改说明或顺序 · Say anew what it shows, or move it to another place."""
    edited = await instrument_files.edit(session, actor, instrument_id, file_id, version, patch)
    etag.stamp(response, edited.version)
    return InstrumentFileView.model_validate(edited)


@router.delete("/files/{file_id}", status_code=204, responses=problems(*OWN))
async def remove(instrument_id: UUID, file_id: UUID, session: Writing, actor: SignedIn) -> None:
    """移除 · Take a photo or a document off."""
    await instrument_files.remove(session, actor, instrument_id, file_id)


@router.get(
    "/files/{file_id}",
    response_class=Response,
    responses=problems(NotFound) | {200: {"content": {kind: {} for kind, _ in TYPES.values()}}},
)
async def fetch(instrument_id: UUID, file_id: UUID, session: Reading, actor: Anyone, request: Request) -> Response:
    """照片或文档本身 · The file itself."""
    file = await instrument_files.fetch(session, actor, instrument_id, file_id, InstrumentFile.content)
    return answer(request, file, preview=False)


@router.get(
    "/files/{file_id}/preview",
    response_class=Response,
    responses=problems(NotFound) | {200: {"content": {pictures.PREVIEW_TYPE: {}}}},
)
async def preview(instrument_id: UUID, file_id: UUID, session: Reading, actor: Anyone, request: Request) -> Response:
    """缩略图 · A photo made small."""
    file = await instrument_files.fetch(session, actor, instrument_id, file_id, InstrumentFile.preview)
    return answer(request, file, preview=True)


def answer(request: Request, file: InstrumentFile, *, preview: bool) -> Response:
    """A photo is looked at where it is; anything else is kept under its name."""
    tag = f'"{file.sha256[:32]}{"-s" if preview else ""}"'
    if preview:
        return shown(request, file.preview or b"", pictures.PREVIEW_TYPE, tag)
    inline = file.purpose is FilePurpose.PHOTO
    return shown(request, file.content, file.media_type, tag, name=file.name, inline=inline)


@router.get(
    "/core-metadata",
    response_model=CoreMetadata,
    responses=problems(NotFound) | {200: {"content": {core_metadata.XML: {}}}},
)
async def harvest(
    instrument_id: UUID, wish: Annotated[InWhichForm, Query()], session: Reading, actor: Anyone, request: Request
) -> Any:
    """GB/T 30523 核心元数据（JSON 或 XML） · The core metadata of GB/T 30523, under the standard's own element names."""
    instrument = await instruments.read(session, actor, instrument_id)
    record = core_metadata.of(instrument, request.app.state.settings.public_url)
    return core_metadata.one_as_xml(record) if core_metadata.in_xml(request, wish) else record


gather(router, uploads)
