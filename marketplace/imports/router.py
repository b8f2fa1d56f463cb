"""`/api/v1/imports`: many records from one file."""

from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

import anyio.to_thread
from fastapi import APIRouter, Form, Query, Response, UploadFile

from marketplace.imports import template, undoing, uploads
from marketplace.imports.expert_writing import NeverPublished
from marketplace.imports.imports import AnotherImport
from marketplace.kernel.actor import SignedIn
from marketplace.kernel.db import Reading, TransactionRoute, UploadRoute, Writing
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, TooLarge, problems
from marketplace.kernel.routing import beside, gather
from marketplace.kernel.sheets import XLSX
from marketplace.labs.instruments import NoLabOfYours
from marketplace.listings.attachments import FileRefused
from marketplace.listings.publication import NotVerified
from marketplace.listings.records import NotYourOrganisation
from marketplace.settings import Settings
from schemas.base import Page
from schemas.imports import ImportConfirmation, ImportedFile, ImportedRow, ImportKind
from schemas.listings import ExternalId
from schemas.operations import OperationView

PART_BYTES = 1024 * 1024
# What a form adds to the file in it.
FORM_BYTES = 64 * 1024


class ImportRoute(UploadRoute):
    @staticmethod
    def most_bytes(settings: Settings) -> int:
        return settings.upload_limit + FORM_BYTES


router = APIRouter(prefix="/api/v1", tags=["imports"], route_class=TransactionRoute)
files = beside(router, ImportRoute)


async def _parts(file: UploadFile) -> AsyncIterator[bytes]:
    while part := await file.read(PART_BYTES):
        yield part


@files.post(
    "/imports",
    status_code=202,
    responses=problems(
        NotSignedIn,
        NotYourOrganisation,
        NoLabOfYours,
        NotVerified,
        NeverPublished,
        uploads.TooManyImports,
        FileRefused,
        TooLarge,
    ),
)
async def start(
    file: UploadFile,
    kind: Annotated[
        ImportKind, Form(description="achievement：科技成果；problem：技术难题；instrument：仪器；expert：专家")
    ],
    organisation_id: Annotated[UUID, Form(description="记录归属的单位 · whose records these will be")],
    session: Writing,
    actor: SignedIn,
    response: Response,
    source: Annotated[
        ExternalId | None,
        Form(description="来源；与外部编号一起认出同一条记录 · with the external id it tells a record again"),
    ] = None,
    dry_run: Annotated[bool, Form(description="只检查，不写入 · check only, write nothing")] = False,
    partial: Annotated[
        bool, Form(description="有错误时仍导入正确的行 · import the good rows although others have errors")
    ] = False,
    publish: Annotated[
        bool,
        Form(
            description="新记录和草稿随即发布；缺少发布所需内容的留作草稿；专家不能 · publish new records and drafts; what lacks something stays a draft; never experts"
        ),
    ] = False,
) -> OperationView:
    """导入文件（JSONL、CSV、Excel） · Import a file; follow it at `Location`, whose result lists errors by sheet, row and column.

    再次导入同一文件不会产生重复：同一来源、同一外部编号的行更新原记录，文件里没有的列保持不变；没有外部编号的行按内容识别，
    改动后会成为新记录。 · Importing a file again doubles nothing: a row with the same source and external id updates its
    record, and columns that the file lacks stay as they are. A row without an external id is known by its content: once
    that changes, it is a new record.
    """
    operation = await uploads.take(
        session,
        actor,
        kind=kind,
        organisation_id=organisation_id,
        name=file.filename,
        parts=_parts(file),
        source=source,
        dry_run=dry_run,
        partial=partial,
        publish=publish,
    )
    response.headers["Location"] = f"/api/v1/operations/{operation.id}"
    return OperationView.model_validate(operation)


@router.post(
    "/imports/{import_id}/confirmation",
    status_code=202,
    responses=problems(
        NotSignedIn, NotFound, NotYourOrganisation, NoLabOfYours, NotVerified, NeverPublished, uploads.TooManyImports,
        uploads.NothingToConfirm,
    ),
)  # fmt: skip
async def confirm(
    import_id: UUID, wish: ImportConfirmation, session: Writing, actor: SignedIn, response: Response
) -> OperationView:
    """确认导入 · Import the file of a dry run as it was handed in; it is kept for a day, or until your next file."""
    operation = await uploads.confirm(session, actor, import_id, partial=wish.partial, publish=wish.publish)
    response.headers["Location"] = f"/api/v1/operations/{operation.id}"
    return OperationView.model_validate(operation)


@router.get("/imports", responses=problems(NotSignedIn))
async def list_imports(
    session: Reading,
    actor: SignedIn,
    paging: Paged,
    response: Response,
    kind: Annotated[ImportKind | None, Query(description="只列这一类 · of one kind alone")] = None,
) -> Page[ImportedFile]:
    """导入记录 · Imports for the organisations whose records you write and the labs that you manage, latest first, each with whether it was undone."""
    found, marker = await undoing.listed(session, actor, kind, paging)
    paging.link(response, marker)
    return Page[ImportedFile].model_construct(items=[undoing.view(row) for row in found], next_cursor=marker)


@router.get("/imports/{import_id}/rows", responses=problems(NotSignedIn, NotFound))
async def list_rows(
    import_id: UUID, session: Reading, actor: SignedIn, paging: Paged, response: Response
) -> Page[ImportedRow]:
    """逐行结果 · What an import did to each record and what undoing it came to, in the order of the file."""
    found, marker = await undoing.rows(session, actor, import_id, paging)
    paging.link(response, marker)
    return Page[ImportedRow].model_construct(items=found, next_cursor=marker)


@router.post("/imports/{import_id}/undo", responses=problems(NotSignedIn, NotFound, AnotherImport))
async def undo(import_id: UUID, session: Writing, actor: SignedIn) -> ImportedFile:
    """撤销导入 · Undo an import as a whole; undone already, the same answer.

    导入新增且此后没有用过的撤回，修改过的恢复原值；此后又改过或用过的保留，逐行说明原因。 · What it made and nobody used
    since goes, what it changed says again what it said; what was changed or used since stays, and the rows say why.
    """
    return undoing.view(await undoing.undo(session, actor, import_id))


@router.get("/imports/template", response_class=Response, responses={200: {"content": {XLSX: {}}}})
async def fetch_template(kind: Annotated[ImportKind, Query()]) -> Response:
    """Excel 模板 · A workbook to fill in, with explanations and codes."""
    name = quote(f"{template.SHEETS[kind]}导入模板.xlsx")
    return Response(
        await anyio.to_thread.run_sync(template.workbook, kind),
        media_type=XLSX,
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "Cache-Control": "max-age=3600"},
    )


gather(router, files)
