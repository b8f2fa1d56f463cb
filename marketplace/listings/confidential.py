"""The part shown only to those whom the owner admits, one by one: written, asked for, agreed to, read."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock, etag
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.refusals import Conflict, Forbidden, NotFound, refusing
from marketplace.listings import facts, records
from marketplace.listings.models import Admission, Confidential, Listing, NdaAcceptance
from marketplace.listings.policy import confidential_readable_by
from schemas.identity import Permission
from schemas.listings import AdmissionRequest, AdmissionState, ConfidentialWrite, Part


class NotAdmitted(Forbidden):
    """保密内容只对所有者准许的人开放，可先申请查看。 · The confidential part is for people its owner admitted; ask to be admitted first."""


class NdaNotAccepted(Forbidden):
    """请先同意保密约定，再查看。 · Accept the confidentiality terms first, then read."""


class NdaChanged(Conflict):
    """保密约定已更新，请重新阅读后同意。 · The terms have changed; read them again, then accept."""


class AlreadyAsked(Conflict):
    """已有申请或已获准。 · A request is open already, or admission was given."""


async def latest(session: AsyncSession, listing_id: UUID) -> Confidential | None:
    """The version that counts. It checks nobody's rights: verbs do, before they call it."""
    return await session.scalar(
        select(Confidential).where(Confidential.listing_id == listing_id).order_by(Confidential.version.desc()).limit(1)
    )


async def write(
    session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID, version: int, wish: ConfidentialWrite
) -> Confidential:
    """Set the confidential text and its terms. Earlier versions are kept; readers see the latest."""
    listing = await records.own(session, actor, cls, listing_id)
    before = await latest(session, listing_id)
    if before is not None and (before.text, before.nda) == (wish.text, wish.nda):
        return before
    etag.check(version, before.version if before else 0)
    written = Confidential(
        listing_id=listing_id,
        version=version + 1,
        text=wish.text,
        nda=wish.nda,
        by=actor.person,
        at=clock.now(),
    )
    session.add(written)
    await mark(session, listing, text=wish.text)
    await record(
        session,
        facts.ConfidentialWritten(listing_id, listing.kind, written.version),
        subject=listing_id,
        by=actor.person,
    )
    return written


async def mark(session: AsyncSession, listing: Listing, *, text: str) -> None:
    """Let the public view say whether there is something to ask for."""
    there = bool(text) or bool(await records.attachments(session, listing.id, Part.CONFIDENTIAL))
    if listing.confidential_part != there:
        listing.confidential_part = there
        records.touch(listing)
    await session.flush()


async def admitted(session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID) -> Listing:
    """The listing, if this person was let in to its confidential part."""
    listing = await records.read(session, actor, cls, listing_id)
    if not await _let_in(session, actor, listing_id):
        raise NotAdmitted
    return listing


async def _let_in(session: AsyncSession, actor: Actor, listing_id: UUID) -> bool:
    found = await session.scalar(select(Listing.id).where(Listing.id == listing_id, confidential_readable_by(actor)))
    return found is not None


def _is_of_the_owner(actor: Actor, listing: Listing) -> bool:
    return listing.organisation_id in actor.organisations_where(Permission.READ_CONFIDENTIAL)


async def readable(
    session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID
) -> tuple[Listing, Confidential | None]:
    """The listing and the text that counts, if this person may read it now."""
    listing = await admitted(session, actor, cls, listing_id)
    newest = await latest(session, listing_id)
    agreed = (
        newest is None
        or newest.nda is None
        or _is_of_the_owner(actor, listing)
        or await _accepted(session, actor, newest, newest.nda)
    )
    if not agreed:
        raise NdaNotAccepted
    return listing, newest


async def _accepted(session: AsyncSession, actor: Actor, newest: Confidential, nda: str) -> bool:
    """Whether the terms as they are now were accepted, with this version or an earlier one of the same words."""
    found = await session.scalar(
        select(NdaAcceptance.admission_id)
        .join(Admission, Admission.id == NdaAcceptance.admission_id)
        .join(
            Confidential,
            (Confidential.listing_id == NdaAcceptance.listing_id) & (Confidential.version == NdaAcceptance.version),
        )
        .where(
            Admission.listing_id == newest.listing_id,
            Admission.email == actor.email,
            Admission.state == AdmissionState.ADMITTED,
            Confidential.nda == nda,
        )
        .limit(1)
    )
    return found is not None


async def read(
    session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID, *, version: int | None = None
) -> Confidential | None:
    """The confidential text, for its owners also as it was. Every reading is written down, with who and when."""
    listing, found = await readable(session, actor, cls, listing_id)
    if version is not None:
        if not _is_of_the_owner(actor, listing):
            raise records.NotYourRecord
        found = await session.get(Confidential, (listing_id, version))
        if found is None:
            raise NotFound
    await record(
        session,
        facts.ConfidentialRead(listing_id, listing.kind, found.version if found else 0),
        subject=listing_id,
        by=actor.person,
    )
    return found


async def newest_for(session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID) -> Confidential | None:
    """The version that counts, for whoever was let in: its terms come before anything else of it."""
    await admitted(session, actor, cls, listing_id)
    return await latest(session, listing_id)


async def terms(session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID) -> str | None:
    """The terms that a reader accepts."""
    newest = await newest_for(session, actor, cls, listing_id)
    return newest.nda if newest else None


async def accept_terms(
    session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID, nda: str
) -> Admission:
    """The click-through: what was agreed to and when are kept with the admission."""
    listing = await records.read(session, actor, cls, listing_id)
    admission = await live(session, listing_id, actor.email)
    if admission is None or admission.state is not AdmissionState.ADMITTED:
        raise NotAdmitted
    newest = await latest(session, listing_id)
    if newest is None or newest.nda != nda:
        raise NdaChanged
    if not await _accepted(session, actor, newest, nda):
        admission.nda_accepted_at = clock.now()
        session.add(
            NdaAcceptance(
                admission_id=admission.id,
                version=newest.version,
                listing_id=listing_id,
                by=actor.person,
                at=admission.nda_accepted_at,
            )
        )
        await session.flush()
        await record(
            session,
            facts.NdaAccepted(listing_id, listing.kind, admission.id, newest.version),
            subject=listing_id,
            by=actor.person,
        )
    return admission


async def live(session: AsyncSession, listing_id: UUID, email: str | None) -> Admission | None:
    """A person's open request or admission, locked."""
    return await session.scalar(
        select(Admission)
        .where(
            Admission.listing_id == listing_id,
            Admission.email == email,
            Admission.state.in_((AdmissionState.REQUESTED, AdmissionState.ADMITTED)),
        )
        .with_for_update()
    )


async def ask(
    session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID, wish: AdmissionRequest
) -> Admission:
    """Ask the owner to be let in."""
    listing = await records.read(session, actor, cls, listing_id)
    if not listing.confidential_part:
        raise NotFound
    if await _let_in(session, actor, listing_id):
        raise AlreadyAsked
    assert actor.email is not None
    admission = Admission(
        listing_id=listing_id,
        email=actor.email,
        state=AdmissionState.REQUESTED,
        message=wish.message,
        created_at=clock.now(),
    )
    with refusing(admission_live_key=AlreadyAsked):
        async with session.begin_nested():
            session.add(admission)
    await record(
        session, facts.AdmissionAsked(listing_id, listing.kind, admission.id), subject=listing_id, by=actor.person
    )
    return admission
