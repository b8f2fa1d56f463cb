"""Who may see and run an event, and who sees and changes a registration. Each rule is one SQL condition."""

from sqlalchemy import ColumnElement, and_, exists, false, or_, select, true

from marketplace.docking.extra_models import EventDocument
from marketplace.docking.models import CoOrganizer, Event
from marketplace.docking.registration_models import Attendee, Registration
from marketplace.identity.models import Organisation
from marketplace.kernel.actor import Actor
from schemas.event_extras import Audience
from schemas.identity import Permission, Verification
from schemas.registrations import RegistrationState


def _held_with(actor: Actor, permission: Permission, *more: ColumnElement[bool]) -> ColumnElement[bool]:
    """Held by an organisation in which the actor has this permission, alone or (under a condition) with others."""
    homes = actor.organisations_where(permission)
    if not homes:
        return false()
    together = select(CoOrganizer.event_id).where(
        CoOrganizer.event_id == Event.id, CoOrganizer.organisation_id.in_(homes), *more
    )
    return or_(Event.organisation_id.in_(homes), exists(together))


def event_run_by(actor: Actor) -> ColumnElement[bool]:
    """The organizers of its host run an event, and those of a co-organizer that runs the desk with it."""
    return _held_with(actor, Permission.MANAGE_EVENTS, CoOrganizer.runs_desk.is_(True))


def desk_sees(actor: Actor) -> ColumnElement[bool]:
    """What is told to the desk of an event, the platform and auditors may see too."""
    return true() if Permission.READ_ALL in actor.platform else event_run_by(actor)


def event_owned_by(actor: Actor) -> ColumnElement[bool]:
    """Of the actor's own organisations, as host or co-organizer."""
    return _held_with(actor, Permission.READ_OWN)


def event_public() -> ColumnElement[bool]:
    """Published by a verified organisation, whatever became of it. The statement joins `Organisation`."""
    return and_(Event.published_at.is_not(None), Organisation.verification == Verification.VERIFIED)


def event_visible_to(actor: Actor) -> ColumnElement[bool]:
    """What is public, what one's own organisations hold, and all of it for the platform and auditors."""
    if Permission.READ_ALL in actor.platform:
        return true()
    return or_(event_public(), event_owned_by(actor))


def attended_by(actor: Actor) -> ColumnElement[bool]:
    """The actor is one of the people of a registration."""
    if actor.person_id is None:
        return false()
    return exists(
        select(Attendee.id).where(
            Attendee.registration_id == Registration.id,
            Attendee.person_id == actor.person_id,
            Attendee.left_at.is_(None),
        )
    )


def registration_kept_by(actor: Actor) -> ColumnElement[bool]:
    """Whoever made it changes it, and the editors of the organisation that it is for."""
    if actor.person_id is None:
        return false()
    return or_(
        Registration.made_by == actor.person_id,
        Registration.organisation_id.in_(actor.organisations_where(Permission.WRITE_RECORDS)),
    )


def registration_of(actor: Actor) -> ColumnElement[bool]:
    """One's own, one's organisation's, and those in which one comes along."""
    if actor.person_id is None:
        return false()
    return or_(
        Registration.made_by == actor.person_id,
        Registration.organisation_id.in_(actor.organisations_where(Permission.READ_OWN)),
        attended_by(actor),
    )


def registration_visible_to(actor: Actor) -> ColumnElement[bool]:
    """One's own, and all of an event for those who run it. The statement joins `Event`."""
    if Permission.READ_ALL in actor.platform:
        return true()
    return or_(registration_of(actor), event_run_by(actor))


def confirmed_at(actor: Actor) -> ColumnElement[bool]:
    """The actor comes to the event of the statement: confirmed, as its maker or one of its people."""
    if actor.person_id is None:
        return false()
    return exists(
        select(Registration.id).where(
            Registration.event_id == Event.id,
            Registration.state == RegistrationState.CONFIRMED,
            or_(Registration.made_by == actor.person_id, attended_by(actor)),
        )
    )


def document_readable_by(actor: Actor) -> ColumnElement[bool]:
    """Of an event that the actor sees: what is for everybody, what is for those who come, all of it for its desk."""
    if Permission.READ_ALL in actor.platform:
        return true()
    return or_(
        EventDocument.audience == Audience.EVERYBODY,
        and_(EventDocument.audience == Audience.PARTICIPANTS, confirmed_at(actor)),
        event_run_by(actor),
    )
