"""Who reads what was done: the platform's administrators and auditors, all of it."""

from sqlalchemy import ColumnElement, false, true

from marketplace.kernel.actor import Actor
from schemas.identity import Permission


def facts_readable_by(actor: Actor) -> ColumnElement[bool]:
    return true() if Permission.READ_AUDIT in actor.platform else false()
