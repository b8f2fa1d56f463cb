"""The part shown only to those whom the owner admits, one by one."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, Forbidden, NotFound, refusing
from marketplace.listings import facts, records
from marketplace.listings.models import Admission, Confidential, Listing
from marketplace.listings.policy import confidential_readable_by
from schemas.identity import Permission
from schemas.listings import AdmissionDecision, AdmissionNew, AdmissionRequest, AdmissionState, ConfidentialWrite


class NotAdmitted(Forbidden):
    """保密内容只对所有者准许的人开放，可先申请查看。 · The confidential part is for people its owner admitted; ask to be admitted first."""


class NdaNotAccepted(Forbidden):
    """请先同意保密约定，再查看。 · Accept the confidentiality terms first, then read."""


class NdaChanged(Conflict):
    """保密约定已更新，请重新阅读后同意。 · The terms have changed; read them again, then accept."""


class AlreadyAsked(Conflict):
    """已有申请或已获准。 · A request is open already, or admission was given."""


class AlreadyDecided(Conflict):
    """此申请已处理。 · This request was decided already."""


async def latest(session: AsyncSession, listing_id: UUID) -> Confidential | None:
    """The version that counts. It checks nobody's rights: verbs do, before they call it."""
    return await session.scalar(
        select(Confidential).where(Confidential.listing_id == listing_id).order_by(Confidential.version.desc()).limit(1)
    )


async def write(
    session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID, wish: ConfidentialWrite
) -> Confidential:
    """Set the confidential text and its terms. Earlier versions are kept; readers see the latest."""
    listing = await records.own(session, actor, cls, listing_id)
    before = await latest(session, listing_id)
    written = Confidential(
        listing_id=listing_id,
        version=(before.version if before else 0) + 1,
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
    there = bool(text) or bool(await records.attachments(session, listing.id, records.Part.CONFIDENTIAL))
    if listing.confidential_part != there:
        listing.confidential_part = there
        records.touch(listing)
    await session.flush()


async def readable(session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID) -> Listing:
    """The listing, if this person may read its confidential part now."""
    listing = await records.read(session, actor, cls, listing_id)
    allowed = await session.scalar(select(Listing.id).where(Listing.id == listing_id, confidential_readable_by(actor)))
    if allowed is None:
        raise NotAdmitted
    if listing.organisation_id not in actor.organisations_where(Permission.READ_CONFIDENTIAL):
        newest = await latest(session, listing_id)
        admission = await _live(session, listing_id, actor.email)
        if (
            newest is not None
            and newest.nda is not None
            and (admission is None or admission.nda_accepted != newest.nda)
        ):
            raise NdaNotAccepted
    return listing


async def read(session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID) -> Confidential | None:
    """The confidential text. Every reading is written down, with who and when."""
    listing = await readable(session, actor, cls, listing_id)
    newest = await latest(session, listing_id)
    await record(
        session,
        facts.ConfidentialRead(listing_id, listing.kind, newest.version if newest else 0),
        subject=listing_id,
        by=actor.person,
    )
    return newest


async def terms(session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID) -> str | None:
    """The terms that a reader accepts; shown to whoever was admitted, before anything else is."""
    await records.read(session, actor, cls, listing_id)
    allowed = await session.scalar(select(Listing.id).where(Listing.id == listing_id, confidential_readable_by(actor)))
    if allowed is None:
        raise NotAdmitted
    newest = await latest(session, listing_id)
    return newest.nda if newest else None


async def accept_terms(
    session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID, nda: str
) -> Admission:
    """The click-through: what was agreed to and when are kept with the admission."""
    listing = await records.read(session, actor, cls, listing_id)
    admission = await _live(session, listing_id, actor.email, lock=True)
    if admission is None or admission.state is not AdmissionState.ADMITTED:
        raise NotAdmitted
    newest = await latest(session, listing_id)
    if newest is None or newest.nda != nda:
        raise NdaChanged
    if admission.nda_accepted != nda:
        admission.nda_accepted, admission.nda_accepted_at = nda, clock.now()
        await session.flush()
        await record(
            session, facts.NdaAccepted(listing_id, listing.kind, admission.id), subject=listing_id, by=actor.person
        )
    return admission


async def _live(session: AsyncSession, listing_id: UUID, email: str | None, *, lock: bool = False) -> Admission | None:
    statement = select(Admission).where(
        Admission.listing_id == listing_id,
        Admission.email == email,
        Admission.state.in_((AdmissionState.REQUESTED, AdmissionState.ADMITTED)),
    )
    return await session.scalar(statement.with_for_update() if lock else statement)


async def ask(
    session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID, wish: AdmissionRequest
) -> Admission:
    """Ask the owner to be let in."""
    listing = await records.read(session, actor, cls, listing_id)
    if not listing.confidential_part:
        raise NotFound
    admission = Admission(
        listing_id=listing_id,
        email=actor.email,
        state=AdmissionState.REQUESTED,
        message=wish.message,
        created_at=clock.now(),
    )
    session.add(admission)
    with refusing(admission_live_key=AlreadyAsked):
        await session.flush()
    await record(
        session, facts.AdmissionAsked(listing_id, listing.kind, admission.id), subject=listing_id, by=actor.person
    )
    return admission


async def admit(
    session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID, wish: AdmissionNew
) -> Admission:
    """Let one person in, named by the address they sign in with. Whether it has an account here is not told."""
    listing = await records.own(session, actor, cls, listing_id)
    admission = await _live(session, listing_id, wish.email, lock=True)
    if admission is not None and admission.state is AdmissionState.ADMITTED:
        return admission
    if admission is None:
        admission = Admission(
            listing_id=listing_id, email=wish.email, state=AdmissionState.REQUESTED, created_at=clock.now()
        )
        session.add(admission)
    await _settle(session, actor, listing, admission, AdmissionState.ADMITTED, None)
    return admission


async def decide(
    session: AsyncSession,
    actor: Actor,
    cls: type[Listing],
    listing_id: UUID,
    admission_id: UUID,
    decision: AdmissionDecision,
) -> Admission:
    """Answer a request."""
    listing = await records.own(session, actor, cls, listing_id)
    admission = await _of(session, listing_id, admission_id)
    if admission.state is not AdmissionState.REQUESTED:
        raise AlreadyDecided
    state = AdmissionState.ADMITTED if decision.admit else AdmissionState.REFUSED
    await _settle(session, actor, listing, admission, state, decision.note)
    return admission


async def revoke(
    session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID, admission_id: UUID
) -> Admission:
    """Shut the door again, from the next request on. The row stays as history."""
    listing = await records.own(session, actor, cls, listing_id)
    admission = await _of(session, listing_id, admission_id)
    if admission.state is AdmissionState.ADMITTED:
        await _settle(session, actor, listing, admission, AdmissionState.REVOKED, admission.note)
    elif admission.state is not AdmissionState.REVOKED:
        raise AlreadyDecided
    return admission


async def _of(session: AsyncSession, listing_id: UUID, admission_id: UUID) -> Admission:
    admission = await session.get(Admission, admission_id, with_for_update=True)
    if admission is None or admission.listing_id != listing_id:
        raise NotFound
    return admission


_SETTLED = {
    AdmissionState.ADMITTED: facts.ReaderAdmitted,
    AdmissionState.REFUSED: facts.AdmissionRefused,
    AdmissionState.REVOKED: facts.AdmissionRevoked,
}


async def _settle(
    session: AsyncSession, actor: Actor, listing: Listing, admission: Admission, state: AdmissionState, note: str | None
) -> None:
    admission.state, admission.note = state, note
    admission.decided_by, admission.decided_at = actor.person, clock.now()
    with refusing(admission_live_key=AlreadyAsked):
        await session.flush()
    await record(session, _SETTLED[state](listing.id, listing.kind, admission.id), subject=listing.id, by=actor.person)


async def readers(
    session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID, paging: Paging
) -> tuple[list[Admission], str | None]:
    """Who asked, who was admitted, refused, revoked: latest first, for the owner's editors."""
    listing = await records.read(session, actor, cls, listing_id)
    if listing.organisation_id not in actor.organisations_where(Permission.READ_CONFIDENTIAL):
        raise records.NotYourRecord
    by = tuple(zip((Admission.created_at, Admission.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, select(Admission).where(Admission.listing_id == listing_id), by, paging)
    return [row[0] for row in rows], marker
