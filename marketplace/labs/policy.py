"""Who may see, use and look after an instrument, and who sees a booking. Each rule is one SQL condition."""

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select, true
from sqlalchemy.orm import aliased

from marketplace.identity.models import Organisation
from marketplace.kernel.actor import Actor
from marketplace.labs.booking_models import Booking, Usage, Waiting
from marketplace.labs.models import Instrument, Keeper
from schemas.identity import Permission, Verification
from schemas.labs import Audience, InstrumentState


def instrument_kept_by(actor: Actor) -> ColumnElement[bool]:
    """Lab managers keep all that their organisation has; a named keeper, who still belongs to it, keeps the one."""
    managed = Instrument.organisation_id.in_(actor.organisations_where(Permission.MANAGE_LABS))
    if actor.person_id is None:
        return false()
    named = exists(
        select(Keeper.person_id).where(Keeper.instrument_id == Instrument.id, Keeper.person_id == actor.person_id)
    )
    return or_(managed, and_(named, Instrument.organisation_id.in_(actor.organisations_where(Permission.READ_OWN))))


def in_its_province(actor: Actor) -> ColumnElement[bool]:
    """Whether the actor belongs to a verified organisation of the instrument's province."""
    mine = aliased(Organisation)
    return exists(
        select(mine.id).where(
            mine.id.in_(actor.organisations_where(Permission.READ_OWN)),
            mine.verification == Verification.VERIFIED,
            func.left(mine.region, 2) == func.left(Instrument.region, 2),
        )
    )


def instrument_offered() -> ColumnElement[bool]:
    """Published by a verified organisation, whoever its audience. The statement joins `Organisation`."""
    return and_(Instrument.state == InstrumentState.PUBLISHED, Organisation.verification == Verification.VERIFIED)


def instrument_open_to(actor: Actor) -> ColumnElement[bool]:
    """Published by a verified organisation, for an audience that the actor belongs to. The statement joins `Organisation`.

    That a publicly funded one cannot be kept from the firms of its province is the table's own CHECK.
    """
    return and_(instrument_offered(), _for(actor))


def _for(actor: Actor) -> ColumnElement[bool]:
    """The actor belongs to its audience."""
    audience = Instrument.audience == Audience.EVERYBODY
    if actor.organisations_where(Permission.READ_OWN):
        audience = or_(audience, and_(Instrument.audience == Audience.PROVINCE, in_its_province(actor)))
    return audience


def instrument_gone_for(actor: Actor) -> ColumnElement[bool]:
    """Taken out of the catalogue that the actor sees: harvesters are told so. The statement joins `Organisation`."""
    return and_(Instrument.state == InstrumentState.RETIRED, _for(actor))


def instrument_owned_by(actor: Actor) -> ColumnElement[bool]:
    return Instrument.organisation_id.in_(actor.organisations_where(Permission.READ_OWN))


def instrument_visible_to(actor: Actor) -> ColumnElement[bool]:
    """What is open to the actor, what their own organisations have, and all of it for the platform and auditors."""
    if Permission.READ_ALL in actor.platform:
        return true()
    own = actor.organisations_where(Permission.READ_OWN)
    return or_(instrument_open_to(actor), instrument_owned_by(actor)) if own else instrument_open_to(actor)


def booking_visible_to(actor: Actor) -> ColumnElement[bool]:
    """The user's own, their organisation's, and those on instruments that one keeps. The statement joins `Instrument`."""
    if Permission.READ_ALL in actor.platform:
        return true()
    return or_(
        booking_of(actor),
        Booking.organisation_id.in_(actor.organisations_where(Permission.READ_OWN)),
        instrument_kept_by(actor),
    )


def booking_of(actor: Actor) -> ColumnElement[bool]:
    """Those that the actor made or is to use."""
    return or_(Booking.person_id == actor.person_id, Booking.made_by == actor.person_id)


def waiting_visible_to(actor: Actor) -> ColumnElement[bool]:
    """One's own place in line, and all of them for the keepers. The statement joins `Instrument`."""
    if Permission.READ_ALL in actor.platform:
        return true()
    return or_(Waiting.person_id == actor.person_id, instrument_kept_by(actor))


def usage_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Whom it served, and those who keep the instrument. The statement joins `Instrument`."""
    if Permission.READ_ALL in actor.platform:
        return true()
    return or_(usage_served(actor), instrument_kept_by(actor))


def usage_served(actor: Actor) -> ColumnElement[bool]:
    """One's own use, and one's organisations'."""
    return or_(
        Usage.person_id == actor.person_id,
        Usage.organisation_id.in_(actor.organisations_where(Permission.READ_OWN)),
    )
