"""The promises of a timetable: no rule is ever broken, and what is called optimal is what brute force finds."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matching.timetable import Keeping, Objective, Published, Status
from matching.timetable.counting import forced_changes
from matching.timetable.model import compiled
from matching.timetable.programs import Clock
from matching.timetable.solving import solve
from tests.matching.timetable.given import agendas, broken_rules, brute_force, floor_and_value, measured


def examples(count):
    return settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck))


def reached(plan):
    """The levels as brute force counts them: larger is better."""
    found = {level.objective: level.reached for level in plan.levels}
    return (
        found[Objective.FLOOR],
        found[Objective.VALUE],
        -found.get(Objective.MOVED, 0),
        -found[Objective.IDLE],
        -found[Objective.CHANGES],
    )


@examples(30)
@given(agendas())
def test_no_plan_ever_breaks_a_rule(agenda):
    """However little time there is."""
    plan = solve(agenda, seconds=0.3)
    assert broken_rules(agenda, plan.meetings) == []
    assert reached(plan) == measured(agenda, plan.meetings)


@examples(30)
@given(agendas(most_slots=3, most_tables=2, most_each=2, most_wishes=6))
def test_small_plans_are_as_good_as_brute_force_in_every_level(agenda):
    plan = solve(agenda, seconds=30)
    assert plan.optimal
    best = brute_force(agenda)
    assert reached(plan) == best
    assert forced_changes(compiled(agenda), best[0], best[1], -best[3], Clock(30)) <= -best[4]


@examples(10)
@given(agendas(most_slots=4, most_tables=3, most_each=8, most_wishes=10, frills=False))
def test_plain_plans_of_eight_by_eight_are_as_good_as_brute_force(agenda):
    plan = solve(agenda, seconds=30)
    assert reached(plan)[:2] == floor_and_value(agenda)
    assert [level.status for level in plan.levels[:2]] == [Status.OPTIMAL] * 2


@examples(25)
@given(agendas(most_slots=3, most_tables=2, most_each=2, most_wishes=6), st.data())
def test_a_new_plan_around_what_was_published_is_as_good_as_brute_force(agenda, data):
    meetings = solve(agenda, seconds=30).meetings
    stay = tuple(meeting for meeting in meetings if data.draw(st.booleans()))
    later = replace(agenda, published=Published(stay), floor=data.draw(st.integers(0, 2)))
    plan = solve(later, seconds=30)
    assert set(stay) <= set(plan.meetings)
    assert broken_rules(later, plan.meetings) == []
    assert reached(plan) == brute_force(later)
    assert plan.optimal


@examples(25)
@given(agendas(most_slots=3, most_tables=2, most_each=2, most_wishes=6), st.data())
def test_no_fewer_published_meetings_could_have_moved(agenda, data):
    meetings = solve(agenda, seconds=30).meetings
    slots = st.frozensets(st.sampled_from([slot.id for slot in agenda.slots]), max_size=2)
    gone = data.draw(st.integers(0, len(agenda.participants) - 1))
    participants = list(agenda.participants)
    people = tuple(replace(person, absent=data.draw(slots)) for person in participants[gone].people)
    participants[gone] = replace(participants[gone], people=people)
    later = replace(agenda, participants=tuple(participants), published=Published(meetings, Keeping.FEWEST_MOVES))
    plan = solve(later, seconds=30)
    assert broken_rules(later, plan.meetings) == []
    assert reached(plan) == brute_force(later)
    assert plan.optimal
