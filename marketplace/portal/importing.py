"""`/imports/{kind}`: many records from one file: tried first, with every error by its place, then confirmed."""

import io
from collections.abc import AsyncIterator
from functools import partial
from typing import Final
from uuid import UUID

import anyio.to_thread
import xlsxwriter
from fastapi import APIRouter, Response, UploadFile
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity import people
from marketplace.imports import undoing, uploads
from marketplace.imports.router import PART_BYTES, ImportRoute
from marketplace.kernel import operations
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.files import attached
from marketplace.kernel.language import told
from marketplace.kernel.operations import Operation
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import Forbidden, NotFound
from marketplace.kernel.sheets import XLSX, write_table
from marketplace.listings.attachments import FileRefused
from marketplace.portal import acting, instrument_form, say, trying, words
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.identity import Permission
from schemas.imports import Finding, ImportedFile, ImportKind, ImportResult

router = APIRouter(prefix="/imports", route_class=PageRoute, include_in_schema=False)


class ImportPage(ImportRoute):
    takes_any_parameter = True


files = APIRouter(prefix="/imports", route_class=ImportPage, include_in_schema=False)

# As many errors stand on the page; the file has all that were listed.
SHOWN: Final = 100
PAGE: Final = 50
FEW: Final = 10
_NEEDED: Final = {
    ImportKind.INSTRUMENT: Permission.MANAGE_LABS,
    ImportKind.ACHIEVEMENT: Permission.WRITE_RECORDS,
    ImportKind.PROBLEM: Permission.WRITE_RECORDS,
    ImportKind.EXPERT: Permission.WRITE_RECORDS,
}
WHERE: Final = {
    ImportKind.INSTRUMENT: "/instruments?mine=1",
    ImportKind.ACHIEVEMENT: "/desk?kind=achievements",
    ImportKind.PROBLEM: "/desk?kind=problems",
    ImportKind.EXPERT: "/experts?mine=1",
}

_OF: Final = {
    ImportKind.INSTRUMENT: "/instruments",
    ImportKind.ACHIEVEMENT: "/achievements",
    ImportKind.PROBLEM: "/problems",
    ImportKind.EXPERT: "/experts",
}


class NobodysToImport(Forbidden):
    """您不是任何单位的编辑（仪器：实验室管理员），不能导入。请联系单位管理员。 · You are no editor (for instruments: lab manager) of an organisation. Ask its administrator."""


def _kinds(visit: Visit) -> list[ImportKind]:
    return [kind for kind in ImportKind if visit.actor.organisations_where(_NEEDED[kind])]


async def _page(
    visit: Visit, session: AsyncSession, kind: ImportKind, *, typed: Typed | None = None, wrong: list[str] | None = None,
    status: int = 200,
) -> Response:  # fmt: skip
    visit.require()
    places = await people.homes(session, visit.actor, _NEEDED[kind])
    if not places:
        raise NobodysToImport
    found, _ = await undoing.listed(session, visit.actor, kind, Paging(visit.request, None, FEW))
    return visit.page(
        "import.html", status, done=[undoing.view(row) for row in found], kind=kind, kinds=_kinds(visit), places=places, typed=typed or {}, wrong=wrong or [],
        most=say.size(visit.request.app.state.settings.upload_limit), here=f"/imports/{kind}",
    )  # fmt: skip


@router.get("/{kind}", response_class=Response)
async def form(kind: ImportKind, visit: Visited, session: Reading) -> Response:
    return await _page(visit, session, kind)


async def _parts(file: UploadFile) -> AsyncIterator[bytes]:
    while part := await file.read(PART_BYTES):
        yield part


@files.post("/{kind}", response_class=Response)
async def take(
    kind: ImportKind, visit: Visited, session: Writing, typed: Sent, file: UploadFile | None = None
) -> Response:
    """Try a file; nothing is written before it is confirmed."""
    actor = visit.require()

    async def work() -> str:
        if file is None or not file.filename:
            raise FileRefused("missing", "请先选择文件。 · Choose a file first.")
        try:
            organisation_id = UUID(trying.said(typed, "organisation_id"))
        except ValueError:
            raise NotFound from None
        operation = await uploads.take(
            session, actor, kind=kind, organisation_id=organisation_id, name=file.filename, parts=_parts(file),
            source=trying.said(typed, "source") or None, dry_run=True, partial=False, publish=False,
        )  # fmt: skip
        return f"/imports/{kind}/{operation.id}"

    return await acting.act(visit, session, work, "import-begun", partial(_page, visit, session, kind, typed=typed), {})


async def _read(visit: Visit, session: AsyncSession, operation_id: UUID) -> tuple[Operation, ImportResult | None]:
    operation = await operations.read(session, visit.require(), operation_id)
    if operation.kind != "import":
        raise NotFound
    return operation, ImportResult.model_validate(operation.result) if operation.result is not None else None


async def _undo_of(visit: Visit, session: AsyncSession, operation_id: UUID) -> ImportedFile | None:
    """What is remembered of an import that was written."""
    try:
        return undoing.view(await undoing.read(session, visit.actor, operation_id))
    except NotFound:
        return None


async def _course(
    visit: Visit, session: AsyncSession, kind: ImportKind, operation_id: UUID, *, wrong: list[str] | None = None,
    status: int = 200,
) -> Response:  # fmt: skip
    operation, result = await _read(visit, session, operation_id)
    return visit.page(
        "parts/import_course.html" if visit.partly else "import_course.html",
        status,
        kind=kind,
        work=operation,
        result=result,
        file=await uploads.tried(session, visit.actor, operation_id),
        shown=SHOWN,
        where=WHERE[kind],
        undo=await _undo_of(visit, session, operation_id),
        wrong=wrong or [],
        here=f"/imports/{kind}/{operation_id}",
    )


@router.get("/{kind}/{operation_id:uuid}", response_class=Response)
async def course(kind: ImportKind, operation_id: UUID, visit: Visited, session: Reading) -> Response:
    """How far it is, and what was found."""
    return await _course(visit, session, kind, operation_id)


@router.post("/{kind}/{operation_id:uuid}/confirmation", response_class=Response)
async def confirm(kind: ImportKind, operation_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Import what was tried."""
    actor = visit.require()

    async def work() -> str:
        publish, partial = (trying.said(typed, name) == "1" for name in ("publish", "partial"))
        made = await uploads.confirm(session, actor, operation_id, partial=partial, publish=publish)
        return f"/imports/{kind}/{made.id}"

    return await acting.act(
        visit, session, work, "import-confirmed", partial(_course, visit, session, kind, operation_id), {}
    )


@router.post("/{kind}/{operation_id:uuid}/cancellation", response_class=Response)
async def cancel(kind: ImportKind, operation_id: UUID, visit: Visited, session: Writing) -> Response:
    """Stop it: what is not written yet never will be."""
    actor = visit.require()

    async def work() -> str:
        await operations.cancel(session, actor, operation_id)
        return f"/imports/{kind}/{operation_id}"

    return await acting.act(visit, session, work, "done", partial(_course, visit, session, kind, operation_id), {})


@router.post("/{kind}/{operation_id:uuid}/undo", response_class=Response)
async def undo(kind: ImportKind, operation_id: UUID, visit: Visited, session: Writing) -> Response:
    """Undo an import as a whole."""
    actor = visit.require()
    at = f"/imports/{kind}/{operation_id}/rows"

    async def work() -> str:
        await undoing.undo(session, actor, operation_id)
        return at

    return await acting.act(visit, session, work, "import-undone", partial(_rows, visit, session, operation_id), {})


async def _rows(
    visit: Visit, session: AsyncSession, operation_id: UUID, *, wrong: list[str] | None = None, status: int = 200
) -> Response:
    request, actor = visit.request, visit.require()
    told_of = undoing.view(await undoing.read(session, actor, operation_id))
    paging = Paging(request, request.query_params.get("cursor") if request.method == "GET" else None, PAGE)
    found, marker = await undoing.rows(session, actor, operation_id, paging)
    return visit.page(
        "import_rows.html", status, one=told_of, rows=found, marker=marker, wrong=wrong or [],
        labels=instrument_form.LABELS if told_of.kind is ImportKind.INSTRUMENT else words.FIELDS,
        later="cursor" in request.query_params, where=WHERE[told_of.kind], to=_OF[told_of.kind],
        here=f"/imports/{told_of.kind}/{operation_id}",
    )  # fmt: skip


@router.get("/{kind}/{operation_id:uuid}/rows", response_class=Response)
async def rows(kind: ImportKind, operation_id: UUID, visit: Visited, session: Reading) -> Response:
    """What an import did to each record, and what undoing it came to."""
    return await _rows(visit, session, operation_id)


_HEAD: Final = ("工作表 · sheet", "行 · row", "列 · column", "单元格 · cell", "怎样改 · what to mend")


def _workbook(errors: list[Finding], title: str, head: list[str], details: list[str]) -> bytes:
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"in_memory": True, "strings_to_formulas": False}) as book:
        rows = [(one.sheet, one.row, one.column, one.cell, text) for one, text in zip(errors, details, strict=True)]
        write_table(book, "errors", title, head, rows)
    return held.getvalue()


@router.get("/{kind}/{operation_id:uuid}/errors.xlsx", response_class=Response)
async def errors(kind: ImportKind, operation_id: UUID, visit: Visited, session: Reading) -> Response:
    """Every error that was listed, a row each, to be mended one after the other."""
    _, result = await _read(visit, session, operation_id)
    if result is None:
        raise NotFound
    title = say.t("导入错误清单 · Errors of an import")
    head, details = [told(text) for text in _HEAD], [told(one.detail) for one in result.errors]
    content = await anyio.to_thread.run_sync(_workbook, result.errors, title, head, details)
    return attached(content, f"{kind}-errors.xlsx", XLSX)


ROUTERS: Final = (router, files)
