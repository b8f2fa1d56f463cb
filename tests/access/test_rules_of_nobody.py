"""A visitor is one of nobody: each rule that asks whose something is finds nothing for one who has not signed in."""

import pytest
from sqlalchemy import func, select

from marketplace.docking import meeting_policy, policy
from marketplace.docking.meeting_models import Meeting
from marketplace.docking.models import Event
from marketplace.docking.registration_models import Registration
from marketplace.experts.models import Expert
from marketplace.experts.policy import consent_ended_by, expert_owned_by, expert_written_by
from marketplace.kernel.actor import NOBODY
from marketplace.verdicts.models import Verdict
from marketplace.verdicts.policy import verdict_visible_to
from tests.access.conftest import Place

RULES = [
    (policy.attended_by, Registration),
    (policy.registration_kept_by, Registration),
    (policy.registration_of, Registration),
    (policy.confirmed_at, Event),
    (meeting_policy.met_as, Meeting),
    (verdict_visible_to, Verdict),
    (expert_owned_by, Expert),
    (expert_written_by, Expert),
    (consent_ended_by, Expert),
]


@pytest.mark.parametrize(("rule", "of"), RULES, ids=[rule.__name__ for rule, _ in RULES])
async def test_nothing_is_a_visitors(place: Place, rule, of):
    count = select(func.count()).select_from(of)
    assert await place.connection.scalar(count), "there is something to be kept from them"
    assert await place.connection.scalar(count.where(rule(NOBODY))) == 0
