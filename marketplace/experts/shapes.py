"""How a profile looks on the wire."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.experts import experts
from marketplace.experts.models import Expert, Representative
from marketplace.experts.policy import representative_shown
from marketplace.identity.models import Organisation
from marketplace.kernel.actor import Actor
from marketplace.listings.models import Listing
from schemas.experts import ConsentView, ExpertCard, ExpertView, RepresentativeAchievement
from schemas.identity import OrganisationCard, Permission


def _values(expert: Expert, names: Mapping[str, Any]) -> dict[str, Any]:
    return {name: getattr(expert, name) for name in names if name in Expert.__mapper__.columns}


def card(expert: Expert) -> ExpertCard:
    """An expert in a list."""
    organisation = OrganisationCard.model_validate(expert.organisation)
    return ExpertCard(**_values(expert, ExpertCard.model_fields), organisation=organisation)


async def view(session: AsyncSession, actor: Actor, expert: Expert) -> ExpertView:
    """The profile as the actor may see it: whom to ask is for people who are signed in, the consent for the owner."""
    own = expert.organisation_id in actor.organisations_where(Permission.READ_OWN)
    shown = [
        RepresentativeAchievement(id=row.id, title=row.title)
        for row in await session.execute(
            select(Listing.id, Listing.title)
            .join(Representative, Representative.achievement_id == Listing.id)
            .join(Expert, Expert.id == Representative.expert_id)
            .join(Organisation, Organisation.id == Listing.organisation_id)
            .where(Expert.id == expert.id, representative_shown())
            .order_by(Representative.place, Listing.id)
        )
    ]
    all_of_them = await experts.representatives(session, [expert.id]) if own else {}
    values = _values(expert, ExpertView.model_fields)
    if actor.person_id is None:
        values["contact"] = None
    return ExpertView(
        **values,
        organisation=OrganisationCard.model_validate(expert.organisation),
        achievement_ids=all_of_them.get(expert.id, []) if own else [one.id for one in shown],
        achievements=shown,
        consented=expert.consented_at is not None,
        consent=ConsentView(
            recorded_at=expert.consented_at, recorded_by=expert.consented_by, evidence=expert.consent_evidence
        )
        if own and expert.consented_at is not None
        else None,
    )
