"""Who sees a verdict: those on whose side it was given, and the platform's desk and auditors. Never the other side."""

from sqlalchemy import ColumnElement, and_, true

from marketplace.kernel.actor import Actor
from marketplace.verdicts.models import Verdict
from schemas.identity import Permission


def verdict_visible_to(actor: Actor) -> ColumnElement[bool]:
    seen = (
        true()
        if Permission.READ_ALL in actor.platform
        else Verdict.organisation_id.in_(actor.organisations_where(Permission.READ_OWN))
    )
    return and_(Verdict.withdrawn_at.is_(None), seen)
