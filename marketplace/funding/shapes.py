"""How rows of this room look on the wire."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from marketplace.funding import calls
from marketplace.funding.models import FundingCall
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import Recorded
from schemas.funding import FundingCard, FundingChange, FundingPhase, FundingState, FundingView
from schemas.identity import OrganisationCard, Permission

# A deadline at midnight belongs to the day that ends.
_TICK: Final = timedelta(microseconds=1)


def phase(call: FundingCall, now: datetime) -> FundingPhase:
    """What one can do with it at this moment."""
    if call.state in {FundingState.DRAFT, FundingState.WITHDRAWN}:
        return FundingPhase.HIDDEN
    if call.state is FundingState.CLOSED or (call.closes_at is not None and call.closes_at <= now):
        return FundingPhase.CLOSED
    return FundingPhase.OPENING_SOON if call.opens_at is not None and call.opens_at > now else FundingPhase.OPEN


def days_left(call: FundingCall, now: datetime) -> int | None:
    """Days of China's calendar until the deadline, 0 on its day; None without one, or when it is over."""
    if call.closes_at is None or call.closes_at <= now or call.state is FundingState.CLOSED:
        return None
    last = (call.closes_at - _TICK).astimezone(clock.BEIJING).date()
    return (last - now.astimezone(clock.BEIJING).date()).days


def _values(call: FundingCall, names: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: getattr(call, name) for name in names if name in FundingCall.__mapper__.columns}
    rules, now = calls.rules_of(call), clock.now()
    return values | {
        "organisation": OrganisationCard.model_validate(call.organisation),
        "phase": phase(call, now),
        "days_left": days_left(call, now),
        "applicant_kinds": rules.applicant_kinds,
        "applicant_regions": rules.applicant_regions,
    }


def card(call: FundingCall) -> FundingCard:
    return FundingCard(**_values(call, FundingCard.model_fields))


def view(actor: Actor, call: FundingCall) -> FundingView:
    """All of it; whom to ask is for people who are signed in."""
    values = _values(call, FundingView.model_fields) | {"eligibility": calls.rules_of(call)}
    if actor.person_id is None:
        values["contact"] = None
    kept = call.organisation_id in actor.organisations_where(Permission.WRITE_RECORDS)
    return FundingView(**values, kept_by_you=kept)


def change(fact: Recorded) -> FundingChange:
    return FundingChange(at=fact.at, fields=fact.body["fields"], before=fact.body["before"])
