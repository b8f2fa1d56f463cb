"""The confidential part and its readers. What it answers is not for any cache."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from marketplace.kernel import etag
from marketplace.kernel.actor import SignedIn
from marketplace.kernel.db import LoggedReadRoute, Reading, Writing
from marketplace.kernel.etag import IfMatch
from marketplace.kernel.paging import Paged
from marketplace.kernel.refusals import NotFound, NotSignedIn, StaleVersion, VersionMissing, problems
from marketplace.kernel.routing import beside, gather
from marketplace.listings import admissions, confidential, records
from marketplace.listings.models import Listing
from schemas.base import Page
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
    Terms,
)

OWN = (NotSignedIn, NotFound, records.NotYourRecord)


def unkept(response: Response) -> None:
    """No cache, and no idempotency key, keeps this answer."""
    response.headers["Cache-Control"] = "no-store"


def add(router: APIRouter, cls: type[Listing]) -> None:
    _part(router, cls)
    _readers(router, cls)


def _part(router: APIRouter, cls: type[Listing]) -> None:
    logged = beside(router, LoggedReadRoute)

    @logged.get(
        "/{listing_id}/confidential",
        responses=problems(
            NotSignedIn, NotFound, confidential.NotAdmitted, confidential.NdaNotAccepted, records.NotYourRecord
        ),
    )
    async def read(
        listing_id: UUID,
        session: Writing,
        actor: SignedIn,
        response: Response,
        version: Annotated[
            int | None,
            Query(ge=1, le=2**31 - 1, description="以前的版本（仅所有者） · an earlier version, for its owners"),
        ] = None,
    ) -> ConfidentialView:
        """查看保密内容（留痕） · Read the confidential part; the reading is logged."""
        found = await confidential.read(session, actor, cls, listing_id, version=version)
        files = await records.attachments(session, listing_id, Part.CONFIDENTIAL)
        unkept(response)
        etag.stamp(response, found.version if found else 0)
        return ConfidentialView(
            text=found.text if found else "",
            nda=found.nda if found else None,
            attachments=[AttachmentView.model_validate(file) for file in files],
            updated_at=found.at if found else None,
            version=found.version if found else 0,
        )

    @router.put("/{listing_id}/confidential", responses=problems(*OWN, StaleVersion, VersionMissing))
    async def write(
        listing_id: UUID,
        wish: ConfidentialWrite,
        session: Writing,
        actor: SignedIn,
        version: IfMatch,
        response: Response,
    ) -> Terms:
        """填写保密内容与保密约定（首次用 If-Match: "0"） · Write it and its terms; `If-Match: "0"` the first time."""
        written = await confidential.write(session, actor, cls, listing_id, version, wish)
        unkept(response)
        etag.stamp(response, written.version)
        return Terms(nda=written.nda, version=written.version)

    @router.get("/{listing_id}/confidential/terms", responses=problems(NotSignedIn, NotFound, confidential.NotAdmitted))
    async def terms(listing_id: UUID, session: Reading, actor: SignedIn, response: Response) -> Terms:
        """保密约定 · The terms to accept before reading."""
        unkept(response)
        newest = await confidential.newest_for(session, actor, cls, listing_id)
        return Terms(nda=newest.nda if newest else None, version=newest.version if newest else 0)

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

    gather(router, logged)


def _readers(router: APIRouter, cls: type[Listing]) -> None:
    @router.get("/{listing_id}/readers", responses=problems(*OWN))
    async def readers(
        listing_id: UUID, session: Reading, actor: SignedIn, paging: Paged, response: Response
    ) -> Page[AdmissionView]:
        """申请与获准查看的人 · Requests and readers."""
        rows, marker = await admissions.readers(session, actor, cls, listing_id, paging)
        paging.link(response, marker)
        return Page[AdmissionView](items=[AdmissionView.model_validate(row) for row in rows], next_cursor=marker)

    @router.post("/{listing_id}/readers", status_code=201, responses=problems(*OWN))
    async def admit(listing_id: UUID, wish: AdmissionNew, session: Writing, actor: SignedIn) -> AdmissionView:
        """准许某人查看 · Admit a reader."""
        return AdmissionView.model_validate(await admissions.admit(session, actor, cls, listing_id, wish))

    @router.post("/{listing_id}/readers/{admission_id}/decision", responses=problems(*OWN, admissions.AlreadyDecided))
    async def decide(
        listing_id: UUID, admission_id: UUID, wish: AdmissionDecision, session: Writing, actor: SignedIn
    ) -> AdmissionView:
        """答复申请 · Answer a request."""
        return AdmissionView.model_validate(
            await admissions.decide(session, actor, cls, listing_id, admission_id, wish)
        )

    @router.delete("/{listing_id}/readers/{admission_id}", responses=problems(*OWN, admissions.NotYetAdmitted))
    async def revoke(listing_id: UUID, admission_id: UUID, session: Writing, actor: SignedIn) -> AdmissionView:
        """撤销准许 · Revoke an admission."""
        return AdmissionView.model_validate(await admissions.revoke(session, actor, cls, listing_id, admission_id))
