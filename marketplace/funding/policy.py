"""Who may see and change a funding call. Each rule is one SQL condition."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, bindparam, exists, false, or_, select, true

from marketplace.funding.models import FundingBookmark, FundingCall
from marketplace.identity.models import Organisation
from marketplace.kernel.actor import Actor
from schemas.funding import FundingState
from schemas.identity import Permission, Verification


def _in(*states: FundingState) -> ColumnElement[bool]:
    """Written out: with parameters in their place no general plan could use the indexes of what is public and open."""
    told = bindparam(None, states, FundingCall.state.type, expanding=True, literal_execute=True)
    return FundingCall.state.in_(told)


def call_public() -> ColumnElement[bool]:
    """Published by a verified organisation, closed ones included. The statement joins `Organisation`."""
    return and_(
        _in(FundingState.PUBLISHED, FundingState.CLOSED),
        Organisation.verification == Verification.VERIFIED,
    )


def call_open(now: datetime) -> ColumnElement[bool]:
    """Public, and one can apply now or will be able to. The statement joins `Organisation`."""
    return and_(
        _in(FundingState.PUBLISHED),
        Organisation.verification == Verification.VERIFIED,
        or_(FundingCall.closes_at.is_(None), FundingCall.closes_at > now),
    )


def call_owned_by(actor: Actor) -> ColumnElement[bool]:
    return FundingCall.organisation_id.in_(actor.organisations_where(Permission.READ_OWN))


def call_kept_by(actor: Actor) -> ColumnElement[bool]:
    """The editors of its organisation."""
    return FundingCall.organisation_id.in_(actor.organisations_where(Permission.WRITE_RECORDS))


def call_visible_to(actor: Actor) -> ColumnElement[bool]:
    """What is public, what one's own organisations offer, and all of it for the platform and auditors."""
    if Permission.READ_ALL in actor.platform:
        return true()
    return or_(call_public(), call_owned_by(actor))


def call_bookmarked_by(actor: Actor) -> ColumnElement[bool]:
    """The actor keeps an eye on it."""
    if actor.person_id is None:
        return false()
    return exists(
        select(FundingBookmark.call_id).where(
            FundingBookmark.call_id == FundingCall.id, FundingBookmark.person_id == actor.person_id
        )
    )
