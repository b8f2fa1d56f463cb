"""Who may see and change a listing, and who reads its confidential part. Each rule is one SQL condition."""

from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, or_, select, true

from marketplace.identity.models import Organisation
from marketplace.kernel.actor import Actor
from marketplace.listings.models import OPEN_STATES, Admission, Listing
from schemas.identity import Permission, Verification
from schemas.listings import AdmissionState


def listing_open(listing: Any = Listing, organisation: Any = Organisation) -> ColumnElement[bool]:
    """Published by a verified organisation. The statement joins `Organisation`; one about two listings names which.

    The states are written out: with parameters in their place no general plan could use the index of open listings.
    """
    states = bindparam("open", OPEN_STATES, Listing.state.type, expanding=True, literal_execute=True)
    return and_(listing.state.in_(states), organisation.verification == Verification.VERIFIED)


def listing_visible_to(actor: Actor) -> ColumnElement[bool]:
    """What is open, what one's own organisations have, and all of it for the platform's desk and auditors."""
    if Permission.READ_ALL in actor.platform:
        return true()
    own = actor.organisations_where(Permission.READ_OWN)
    return or_(listing_open(), Listing.organisation_id.in_(own)) if own else listing_open()


def listing_owned_by(actor: Actor) -> ColumnElement[bool]:
    return Listing.organisation_id.in_(actor.organisations_where(Permission.READ_OWN))


def confidential_readable_by(actor: Actor) -> ColumnElement[bool]:
    """The owner's editors, and the persons admitted by name. No role on the platform opens it."""
    return or_(
        Listing.organisation_id.in_(actor.organisations_where(Permission.READ_CONFIDENTIAL)),
        Listing.id.in_(
            select(Admission.listing_id).where(
                Admission.email == actor.email, Admission.state == AdmissionState.ADMITTED
            )
        ),
    )
