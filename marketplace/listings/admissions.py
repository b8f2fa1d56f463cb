"""Who may read a confidential part: the owner's decisions, one person at a time. Every row stays as history."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, NotFound, refusing
from marketplace.listings import confidential, facts, records
from marketplace.listings.models import Admission, Listing
from schemas.identity import Permission
from schemas.listings import AdmissionDecision, AdmissionNew, AdmissionState


class AlreadyDecided(Conflict):
    """此申请已处理。 · This request was decided already."""


class NotYetAdmitted(Conflict):
    """此人尚未获准，没有可撤销的；请答复其申请。 · This person was not admitted, so there is nothing to revoke; answer the request."""


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


async def admit(
    session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID, wish: AdmissionNew
) -> Admission:
    """Let one person in, named by the address they sign in with. Whether it has an account here is not told."""
    listing = await records.own(session, actor, cls, listing_id)
    admission = await confidential.live(session, listing_id, wish.email)
    if admission is None:
        admission = Admission(
            listing_id=listing_id, email=wish.email, state=AdmissionState.REQUESTED, created_at=clock.now()
        )
    elif admission.state is AdmissionState.ADMITTED:
        return admission
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
    """Answer a request. The same answer again is no second one."""
    listing, admission = await _one(session, actor, cls, listing_id, admission_id)
    state = AdmissionState.ADMITTED if decision.admit else AdmissionState.REFUSED
    if admission.state is AdmissionState.REQUESTED:
        await _settle(session, actor, listing, admission, state, decision.note)
    elif (admission.state, admission.note) != (state, decision.note):
        raise AlreadyDecided
    return admission


async def revoke(
    session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID, admission_id: UUID
) -> Admission:
    """Shut the door again, from the next request on."""
    listing, admission = await _one(session, actor, cls, listing_id, admission_id)
    if admission.state is AdmissionState.ADMITTED:
        await _settle(session, actor, listing, admission, AdmissionState.REVOKED, admission.note)
    elif admission.state is not AdmissionState.REVOKED:
        raise NotYetAdmitted
    return admission


async def _one(
    session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID, admission_id: UUID
) -> tuple[Listing, Admission]:
    listing = await records.own(session, actor, cls, listing_id)
    admission = await session.get(Admission, admission_id, with_for_update=True)
    if admission is None or admission.listing_id != listing_id:
        raise NotFound
    return listing, admission


_SETTLED = {
    AdmissionState.ADMITTED: facts.ReaderAdmitted,
    AdmissionState.REFUSED: facts.AdmissionRefused,
    AdmissionState.REVOKED: facts.AdmissionRevoked,
}


async def _settle(
    session: AsyncSession, actor: Actor, listing: Listing, admission: Admission, state: AdmissionState, note: str | None
) -> None:
    with refusing(admission_live_key=confidential.AlreadyAsked):
        async with session.begin_nested():
            admission.state, admission.note = state, note
            admission.decided_by, admission.decided_at = actor.person, clock.now()
            session.add(admission)
    await record(session, _SETTLED[state](listing.id, listing.kind, admission.id), subject=listing.id, by=actor.person)
