"""Those who come to an event, as others are shown them."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from marketplace.docking.registration_models import Registration
from schemas.identity import OrganisationCard
from schemas.wishes import ParticipantCard

Cards = Mapping[UUID, ParticipantCard]


def card(one: Registration) -> ParticipantCard:
    """A meeting list by the name of its organisation, or of its first person. No addresses, no telephone numbers."""
    organisation = one.organisation
    name = organisation.name if organisation is not None else (one.people[0].name if one.people else "")
    return ParticipantCard(
        registration_id=one.id,
        kind=one.kind,
        name=name,
        organisation=OrganisationCard.model_validate(organisation) if organisation is not None else None,
        introduction=one.introduction,
        wanted=one.wanted,
    )


async def of(session: AsyncSession, registrations: Collection[UUID]) -> Cards:
    """The cards of these, two statements however many they are."""
    if not registrations:
        return {}
    found = await session.scalars(
        select(Registration)
        .where(Registration.id.in_(set(registrations)))
        .options(joinedload(Registration.organisation), selectinload(Registration.people))
    )
    return {one.id: card(one) for one in found}
