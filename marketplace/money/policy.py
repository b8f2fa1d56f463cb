"""Who sees what was charged, which vouchers, and what was redeemed. Each rule is one SQL condition."""

from sqlalchemy import ColumnElement, or_, true

from marketplace.kernel.actor import Actor
from marketplace.labs.policy import instrument_kept_by
from marketplace.money.models import Charge, Redemption, Voucher
from schemas.identity import Permission


def charge_visible_to(actor: Actor) -> ColumnElement[bool]:
    """The payer's people and those who keep the instrument. The statement joins `Instrument`."""
    if Permission.READ_ALL in actor.platform:
        return true()
    return or_(Charge.organisation_id.in_(actor.organisations_where(Permission.READ_OWN)), instrument_kept_by(actor))


def voucher_visible_to(actor: Actor) -> ColumnElement[bool]:
    """What an organisation was given is its own people's business."""
    if Permission.READ_ALL in actor.platform:
        return true()
    return Voucher.organisation_id.in_(actor.organisations_where(Permission.READ_OWN))


def redemption_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Whoever is to be paid, and whose voucher it is. The statement joins `Voucher`."""
    if Permission.READ_ALL in actor.platform:
        return true()
    own = actor.organisations_where(Permission.READ_OWN)
    return or_(Redemption.claimant_id.in_(own), Voucher.organisation_id.in_(own))
