"""`/desk/{problems|achievements}/{id}/readers`: the confidential part as its owner keeps it, who reads it, and files."""

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response, UploadFile
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import validation
from marketplace.kernel.db import Writing
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import Refusal, StaleVersion
from marketplace.listings import admissions, attachments, confidential, records
from marketplace.portal import forms, kinds
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.kinds import Kind
from marketplace.portal.routes import LoggedPageRoute, PageRoute, UploadPageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.identity import Permission
from schemas.listings import AdmissionDecision, AdmissionNew, ConfidentialWrite, Part

SHOWN: Final = 50


async def _page(
    kind: Kind,
    listing_id: UUID,
    visit: Visit,
    session: AsyncSession,
    *,
    status: int = 200,
    wrong: list[str] | None = None,
    typed: Typed | None = None,
    theirs: str | None = None,
) -> Response:
    actor = visit.require()
    listing = await records.read(session, actor, kind.cls, listing_id)
    if listing.organisation_id not in actor.organisations_where(Permission.WRITE_RECORDS):
        raise records.NotYourRecord
    written = await confidential.read(session, actor, kind.cls, listing_id)
    people, marker = await admissions.readers(
        session, actor, kind.cls, listing_id, Paging(visit.request, visit.request.query_params.get("cursor"), SHOWN)
    )
    typed = typed or {}
    return visit.page(
        "readers.html",
        status,
        here=f"/desk/{kind.plural}/{listing_id}/readers",
        kind=kind,
        listing=listing,
        version=written.version if written else 0,
        text=forms.first(typed, "text") if "text" in typed else written.text if written else "",
        nda=forms.first(typed, "nda") if "nda" in typed else (written.nda or "") if written else "",
        email=forms.first(typed, "email"),
        files=await records.attachments(session, listing_id, Part.CONFIDENTIAL),
        people=people,
        marker=marker,
        wrong=wrong or [],
        theirs=theirs,
    )


def _wrong(refusal: Refusal) -> list[str]:
    return [told(error.detail) for error in refusal.errors] or [told(refusal.detail or refusal.title())]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


async def _write(kind: Kind, listing_id: UUID, visit: Visit, session: AsyncSession, typed: Typed) -> Response:
    actor = visit.require()
    try:
        wish = ConfidentialWrite.model_validate(
            {"text": forms.first(typed, "text"), "nda": forms.first(typed, "nda").strip() or None}
        )
        async with session.begin_nested():
            await confidential.write(session, actor, kind.cls, listing_id, _number(forms.first(typed, "version")), wish)
    except ValidationError as error:
        wrong = _wrong(validation.as_refusal(error))
        return await _page(kind, listing_id, visit, session, status=422, wrong=wrong, typed=typed)
    except StaleVersion as refusal:
        newest = await confidential.read(session, actor, kind.cls, listing_id)
        theirs = newest.text if newest else ""
        return await _page(
            kind, listing_id, visit, session, status=412, wrong=_wrong(refusal), typed=typed, theirs=theirs
        )
    return visit.go(f"/desk/{kind.plural}/{listing_id}/readers", "saved")


async def _admit(kind: Kind, listing_id: UUID, visit: Visit, session: AsyncSession, typed: Typed) -> Response:
    actor = visit.require()
    try:
        wish = AdmissionNew.model_validate({"email": forms.first(typed, "email").strip()})
        async with session.begin_nested():
            await admissions.admit(session, actor, kind.cls, listing_id, wish)
    except ValidationError as error:
        wrong = _wrong(validation.as_refusal(error))
        return await _page(kind, listing_id, visit, session, status=422, wrong=wrong, typed={"email": typed["email"]})
    return visit.go(f"/desk/{kind.plural}/{listing_id}/readers", "admitted")


async def _decide(
    kind: Kind, listing_id: UUID, admission_id: UUID, visit: Visit, session: AsyncSession, typed: Typed
) -> Response:
    actor = visit.require()
    back = "/desk" if forms.first(typed, "back") == "desk" else f"/desk/{kind.plural}/{listing_id}/readers"
    admit = forms.first(typed, "admit") == "1"
    wrong: list[str] = []
    try:
        decision = AdmissionDecision.model_validate(
            {"admit": admit, "note": forms.first(typed, "note").strip() or None}
        )
        async with session.begin_nested():
            await admissions.decide(session, actor, kind.cls, listing_id, admission_id, decision)
    except ValidationError as error:
        wrong = _wrong(validation.as_refusal(error))
    except admissions.AlreadyDecided as refusal:
        wrong = _wrong(refusal)
    if wrong:
        return await _page(kind, listing_id, visit, session, status=409, wrong=wrong)
    return visit.go(back, "admitted" if admit else "refused")


async def _revoke(kind: Kind, listing_id: UUID, admission_id: UUID, visit: Visit, session: AsyncSession) -> Response:
    actor = visit.require()
    try:
        async with session.begin_nested():
            await admissions.revoke(session, actor, kind.cls, listing_id, admission_id)
    except (admissions.AlreadyDecided, admissions.NotYetAdmitted) as refusal:
        return await _page(kind, listing_id, visit, session, status=409, wrong=_wrong(refusal))
    return visit.go(f"/desk/{kind.plural}/{listing_id}/readers", "revoked")


def _home(kind: Kind, listing_id: UUID, part: Part) -> str:
    return f"/desk/{kind.plural}/{listing_id}" + ("/readers" if part is Part.CONFIDENTIAL else "")


async def _attach(
    kind: Kind, listing_id: UUID, part: Part, visit: Visit, session: AsyncSession, file: UploadFile | None
) -> Response:
    actor = visit.require()
    if file is None:
        raise attachments.FileRefused("missing", "请先选择文件。 · Choose a file first.")
    most: int = visit.request.app.state.settings.attachment_limit
    content = await file.read(most + 1)
    await attachments.add(
        session, actor, kind.cls, listing_id, part, name=file.filename, content=content, most_bytes=most
    )
    return visit.go(_home(kind, listing_id, part), "attached")


def _routes(kind: Kind) -> tuple[APIRouter, ...]:
    prefix: Any = {"prefix": f"/desk/{kind.plural}", "include_in_schema": False}
    router = APIRouter(route_class=PageRoute, **prefix)
    logged = APIRouter(route_class=LoggedPageRoute, **prefix)
    uploads = APIRouter(route_class=UploadPageRoute, **prefix)

    @logged.get("/{listing_id:uuid}/readers", response_class=Response)
    async def readers(listing_id: UUID, visit: Visited, session: Writing) -> Response:
        return await _page(kind, listing_id, visit, session)

    @router.post("/{listing_id:uuid}/confidential", response_class=Response)
    async def write(listing_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
        return await _write(kind, listing_id, visit, session, typed)

    @router.post("/{listing_id:uuid}/readers", response_class=Response)
    async def admit(listing_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
        return await _admit(kind, listing_id, visit, session, typed)

    @router.post("/{listing_id:uuid}/readers/{admission_id:uuid}/decision", response_class=Response)
    async def decide(listing_id: UUID, admission_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
        return await _decide(kind, listing_id, admission_id, visit, session, typed)

    @router.post("/{listing_id:uuid}/readers/{admission_id:uuid}/revocation", response_class=Response)
    async def revoke(listing_id: UUID, admission_id: UUID, visit: Visited, session: Writing) -> Response:
        return await _revoke(kind, listing_id, admission_id, visit, session)

    @uploads.post("/{listing_id:uuid}/attachments/{part}", response_class=Response)
    async def attach(
        listing_id: UUID, part: Part, visit: Visited, session: Writing, file: UploadFile | None = None
    ) -> Response:
        return await _attach(kind, listing_id, part, visit, session, file)

    @router.post("/{listing_id:uuid}/attachments/{attachment_id:uuid}/removal", response_class=Response)
    async def detach(listing_id: UUID, attachment_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
        await attachments.remove(session, visit.require(), kind.cls, listing_id, attachment_id)
        part = Part.CONFIDENTIAL if forms.first(typed, "part") == Part.CONFIDENTIAL else Part.PUBLIC
        return visit.go(_home(kind, listing_id, part), "removed")

    return router, logged, uploads


ROUTERS: Final = tuple(router for kind in kinds.KINDS.values() for router in _routes(kind))
