"""Who may: what each role carries, and each rule once, as SQL."""

from typing import Final

from sqlalchemy import ColumnElement, or_, true

from marketplace.identity.models import Invitation, Membership, Organisation
from marketplace.kernel.actor import Actor
from schemas.identity import Permission, Role, Verification

_OWN = frozenset({Permission.READ_OWN})
_EDITING = _OWN | {Permission.WRITE_RECORDS, Permission.READ_CONFIDENTIAL}

PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    Role.VIEWER: _OWN,
    Role.EDITOR: _EDITING,
    Role.ORGANISATION_ADMIN: _EDITING | {Permission.MANAGE_MEMBERS, Permission.EDIT_ORGANISATION},
    Role.LAB_MANAGER: _OWN | {Permission.MANAGE_LABS},
    Role.ORGANIZER: _OWN | {Permission.MANAGE_EVENTS},
    Role.BROKER: _OWN | {Permission.BROKER_DEALS},
    Role.PLATFORM_ADMIN: frozenset(
        {
            Permission.VERIFY_ORGANISATIONS,
            Permission.REVIEW_RECORDS,
            Permission.SUSPEND_PEOPLE,
            Permission.KEEP_HOLIDAYS,
            Permission.KEEP_LEXICON,
            Permission.TUNE_RANKING,
            Permission.READ_ALL,
            Permission.READ_AUDIT,
            Permission.MANAGE_VOUCHERS,
            Permission.RUN_REMATCHES,
        }
    ),
    # An auditor reads everything that is not confidential and changes nothing.
    Role.AUDITOR: frozenset({Permission.READ_ALL, Permission.READ_AUDIT}),
}


def organisation_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Verified organisations are public; the others are seen by their members and by the platform."""
    if Permission.READ_ALL in actor.platform:
        return true()
    return or_(
        Organisation.verification == Verification.VERIFIED,
        Organisation.id.in_(actor.organisations_where(Permission.READ_OWN)),
    )


def members_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Who belongs to an organisation is its members' business."""
    if Permission.READ_ALL in actor.platform:
        return true()
    return Membership.organisation_id.in_(actor.organisations_where(Permission.READ_OWN))


def invitations_managed_by(actor: Actor) -> ColumnElement[bool]:
    """An organisation's administrators, and the platform, which may have to find it another administrator."""
    if Permission.VERIFY_ORGANISATIONS in actor.platform:
        return true()
    return Invitation.organisation_id.in_(actor.organisations_where(Permission.MANAGE_MEMBERS))
