"""Who may wish, see meetings and plan them. Each rule is one SQL condition."""

from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, exists, false, or_, select, true

from marketplace.docking.meeting_models import Meeting
from marketplace.docking.models import Event
from marketplace.docking.policy import attended_by, event_run_by, registration_kept_by, registration_of
from marketplace.docking.registration_models import Registration
from marketplace.kernel.actor import Actor
from schemas.identity import Permission
from schemas.registrations import RegistrationState


def takes_part() -> ColumnElement[bool]:
    """A registration that really comes: only these wish, are wished for, and meet."""
    return Registration.state == RegistrationState.CONFIRMED


def meeting_list_seen_by(actor: Actor) -> ColumnElement[bool]:
    """Wishes and meetings of a list are for its own people and those of its organisation."""
    return registration_of(actor)


def meeting_list_kept_by(actor: Actor) -> ColumnElement[bool]:
    """Whoever keeps a registration answers for it, and each of its people does."""
    return or_(registration_kept_by(actor), attended_by(actor))


def met_as(actor: Actor) -> ColumnElement[bool]:
    """A meeting of one's own list."""
    if actor.person_id is None:
        return false()
    return exists(
        select(Registration.id).where(
            Registration.id.in_((Meeting.first_id, Meeting.second_id)), meeting_list_seen_by(actor)
        )
    )


def meeting_visible_to(actor: Actor) -> ColumnElement[bool]:
    """One's own, and all of an event for those who run it. The statement joins `Event`."""
    if Permission.READ_ALL in actor.platform:
        return true()
    return or_(met_as(actor), event_run_by(actor))


def of_event_run_by(actor: Actor, event_id: SQLColumnExpression[UUID]) -> ColumnElement[bool]:
    """What belongs to an event is for those who run it."""
    return exists(select(Event.id).where(and_(Event.id == event_id, event_run_by(actor))))
