"""Those who come to an event, as others are shown them."""

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Uuid, bindparam, case, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking.registration_models import Attendee, Registration
from marketplace.identity.models import Organisation
from marketplace.kernel.prepared import Prepared
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


_FIRST: Final = (
    select(Attendee.name)
    .where(
        Attendee.registration_id == Registration.id,
        or_(Attendee.left_at.is_(None), Attendee.left_at == Registration.ended_at),
    )
    .order_by(Attendee.position)
    .limit(1)
    .scalar_subquery()
)
_CARDS: Final = Prepared(
    select(
        Registration.id, Registration.kind, Registration.introduction, Registration.wanted,
        Organisation.id.label("organisation_id"), Organisation.name, Organisation.verification,
        case((Registration.organisation_id.is_(None), _FIRST)).label("first"),
    )
    .outerjoin(Organisation, Organisation.id == Registration.organisation_id)
    .where(Registration.id == func.any(bindparam("ids", type_=ARRAY(Uuid))))
)  # fmt: skip


async def of(session: AsyncSession, registrations: Collection[UUID]) -> Cards:
    """The cards of these, one statement however many they are."""
    if not registrations:
        return {}
    rows = await _CARDS.fetch(session, ids=list(set(registrations)))
    return {row["id"]: _card(row) for row in rows}


def _card(row: Any) -> ParticipantCard:
    of_organisation = row["organisation_id"] is not None
    organisation = {"id": row["organisation_id"], "name": row["name"], "verification": row["verification"]}
    return ParticipantCard(
        registration_id=row["id"],
        kind=row["kind"],
        name=row["name"] if of_organisation else row["first"] or "",
        organisation=OrganisationCard.model_validate(organisation) if of_organisation else None,
        introduction=row["introduction"],
        wanted=row["wanted"],
    )
