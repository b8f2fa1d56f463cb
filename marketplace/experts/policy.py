"""Who may see and change an expert's profile, and what of its achievements is shown. Each rule is one SQL condition."""

from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, true

from marketplace.experts.models import Expert
from marketplace.identity.models import Organisation
from marketplace.kernel.actor import Actor
from marketplace.listings.models import Listing
from marketplace.listings.policy import listing_open
from schemas.experts import ExpertState
from schemas.identity import Permission, Verification
from schemas.listings import ListingKind


def expert_open() -> ColumnElement[bool]:
    """Published, which takes the person's consent, by a verified organisation. The statement joins `Organisation`."""
    return and_(Expert.state == ExpertState.PUBLISHED, Organisation.verification == Verification.VERIFIED)


def expert_owned_by(actor: Actor) -> ColumnElement[bool]:
    return Expert.organisation_id.in_(actor.organisations_where(Permission.READ_OWN))


def expert_visible_to(actor: Actor) -> ColumnElement[bool]:
    """What is open, what one's own organisations have, and all of it for the platform's desk and auditors."""
    if Permission.READ_ALL in actor.platform:
        return true()
    own = actor.organisations_where(Permission.READ_OWN)
    return or_(expert_open(), expert_owned_by(actor)) if own else expert_open()


def expert_written_by(actor: Actor) -> ColumnElement[bool]:
    """The editors of its organisation."""
    own = actor.organisations_where(Permission.WRITE_RECORDS)
    return Expert.organisation_id.in_(own) if own else false()


def consent_ended_by(actor: Actor) -> ColumnElement[bool]:
    """The same, and the platform's desk: whoever is shown against their will may turn to it."""
    return true() if Permission.REVIEW_RECORDS in actor.platform else expert_written_by(actor)


def representative_shown(organisation: Any = Organisation) -> ColumnElement[bool]:
    """An open achievement of the expert's organisation. The statement joins that organisation, and says which it is."""
    return and_(
        Listing.kind == ListingKind.ACHIEVEMENT,
        Listing.organisation_id == Expert.organisation_id,
        listing_open(Listing, organisation),
    )
