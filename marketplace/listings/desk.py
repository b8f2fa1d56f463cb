"""What awaits somebody: their organisations' records to confirm, requests to answer, requests of their own."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager

from marketplace.identity.models import Organisation
from marketplace.kernel.actor import Actor
from marketplace.listings.models import OPEN_STATES, Admission, Listing
from marketplace.listings.policy import listing_owned_by, listing_visible_to
from schemas.identity import Permission
from schemas.listings import AdmissionState, ListingKind, ListingState

MOST: Final = 50


async def counts(session: AsyncSession, actor: Actor) -> dict[tuple[ListingKind, ListingState], int]:
    """How many records the actor's organisations have in each state."""
    rows = await session.execute(
        select(Listing.kind, Listing.state, func.count())
        .where(listing_owned_by(actor))
        .group_by(Listing.kind, Listing.state)
    )
    return {(kind, state): count for kind, state, count in rows.all()}


async def to_confirm(session: AsyncSession, actor: Actor, *, before: datetime) -> Sequence[Listing]:
    """The records that need the actor's word that they still hold: expired, or about to; soonest first."""
    found = await session.scalars(
        select(Listing)
        .join(Organisation, Organisation.id == Listing.organisation_id)
        .options(contains_eager(Listing.organisation))
        .where(
            Listing.organisation_id.in_(actor.organisations_where(Permission.WRITE_RECORDS)),
            or_(
                Listing.state == ListingState.EXPIRED,
                Listing.state.in_(OPEN_STATES) & (Listing.confirmed_until <= before),
            ),
        )
        .order_by(Listing.confirmed_until, Listing.id)
        .limit(MOST)
    )
    return found.all()


async def requests(session: AsyncSession, actor: Actor) -> list[tuple[Admission, Listing]]:
    """Who waits for an answer of the actor's organisations, longest wait first."""
    rows = await session.execute(
        select(Admission, Listing)
        .join(Listing, Listing.id == Admission.listing_id)
        .where(
            Admission.state == AdmissionState.REQUESTED,
            Listing.organisation_id.in_(actor.organisations_where(Permission.READ_CONFIDENTIAL)),
        )
        .order_by(Admission.created_at, Admission.id)
        .limit(MOST)
    )
    return [(admission, listing) for admission, listing in rows.all()]


async def asked(session: AsyncSession, actor: Actor) -> list[tuple[Admission, Listing]]:
    """What the actor asked to read, and was let in to, latest first; of records they can still see."""
    rows = await session.execute(
        select(Admission, Listing)
        .join(Listing, Listing.id == Admission.listing_id)
        .join(Organisation, Organisation.id == Listing.organisation_id)
        .where(Admission.email == actor.email, listing_visible_to(actor))
        .order_by(Admission.created_at.desc(), Admission.id.desc())
        .limit(MOST)
    )
    return [(admission, listing) for admission, listing in rows.all()]


async def own_admission(session: AsyncSession, actor: Actor, listing_id: UUID) -> Admission | None:
    """How far the actor's latest request to read this record's confidential part came."""
    return await session.scalar(
        select(Admission)
        .where(Admission.listing_id == listing_id, Admission.email == actor.email)
        .order_by(Admission.created_at.desc(), Admission.id.desc())
        .limit(1)
    )


async def any_from(session: AsyncSession, source: str) -> bool:
    """Whether any record came from this source."""
    return bool(await session.scalar(select(select(Listing.id).where(Listing.source == source).exists())))
