"""Changes of table: what the kernels count is what there is, and no plan has fewer than the bound says."""

from dataclasses import replace
from itertools import product
from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from matching.timetable import Agenda, Answer, Keeping, Objective, Participant, Published, Slot, Table, Wish
from matching.timetable.board import Board
from matching.timetable.counting import forced_changes
from matching.timetable.model import compiled
from matching.timetable.placing import place
from matching.timetable.programs import Clock
from matching.timetable.seating import changes, links, rearrange, seat
from matching.timetable.smoothing import QUICK, THOROUGH, annealing, idle_slots, moved, smooth
from matching.timetable.solving import solve
from tests.matching.timetable.given import agendas, broken_rules, measured

few = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
crowded = agendas(most_slots=8, most_tables=4, most_each=6, most_wishes=30)


def placed(agenda, seed=1):
    board = Board(compiled(agenda))
    wishes = [edge for edge, one in enumerate(board.model.edges) if one.seatings]
    place(board, wishes, Random(seed), lambda: True, 300)
    return board


def meetings(board, tables):
    return tuple(board.model.meeting(edge, seating, tables[edge]) for edge, seating in board.at.items())


def sat_still(board):
    """Whether somebody sat still between two meetings of a session, idle or absent."""
    ends = {edge: seating.start + board.model.edges[edge].length for edge, seating in board.at.items()}
    return any(board.at[after].start > ends[before] for before, after in links(board))


def all_with_all(each, *sessions):
    """So many on either side, who all wish to meet all of the other, at as many tables."""
    names = [[f"{side}{n}" for n in range(each)] for side in "ab"]
    slots = tuple(Slot(f"{name}{n}", name) for name, count in sessions for n in range(count))
    people = tuple(Participant.alone(name) for name in names[0] + names[1])
    return Agenda(
        slots,
        tuple(Table(f"t{n}") for n in range(each)),
        people,
        tuple(Wish(*pair, Answer.MEET) for pair in product(*names)),
    )


@few
@given(crowded, st.integers(0, 9))
def test_idle_slots_and_changes_are_what_the_kernels_count(agenda, seed):
    """Where tables are alike and nobody sits still in between, their count is what the best choice of tables reaches."""
    plain = replace(agenda, tables=tuple(Table(table.id) for table in agenda.tables))
    board = placed(plain, seed)
    assume(board.at)
    for plan in (QUICK, THOROUGH):
        away, idle, fewest = annealing(board, Random(seed)).standing()
        assert (away, idle) == (moved(board), sum(idle_slots(board)))
        tables = rearrange(board, seat(board.model, board), Random(seed), lambda: True)
        if not sat_still(board):
            assert sum(changes(board.model, board, tables)) == fewest
        smooth(board, Random(seed), lambda: True, plan)


@few
@given(crowded, st.integers(0, 9))
def test_no_plan_has_fewer_changes_than_its_bound(agenda, seed):
    """Whatever a plan reaches, good or bad: the bound of those that are as good is one for it, too."""
    board = placed(agenda, seed)
    for plan in (QUICK, THOROUGH):
        tables = rearrange(board, seat(board.model, board), Random(seed), lambda: True)
        assert broken_rules(agenda, meetings(board, tables)) == []
        idle = sum(idle_slots(board))
        fewest = forced_changes(board.model, board.reached(), board.value(), idle, Clock(30))
        assert fewest <= changes(board.model, board, tables)[0]
        smooth(board, Random(seed), lambda: True, plan)


@pytest.mark.parametrize(
    ("sessions", "fewest"),
    [
        # Four meetings go on for somebody at each of the two tables, and each hands its table on to one of the two.
        pytest.param([("am", 2)], 2, id="one session"),
        pytest.param([("am", 1), ("pm", 1)], 0, id="two of one slot"),
    ],
)
def test_two_and_two_who_all_meet(sessions, fewest):
    plan = solve(all_with_all(2, *sessions))
    assert plan.level(Objective.CHANGES).reached == fewest
    assert plan.optimal


def test_the_bound_is_met_where_everybody_meets_everybody():
    """Six tables and six slots: each table keeps five of six meetings' links, of twice as many. No program is needed."""
    given_ = all_with_all(6, ("day", 6))
    assert forced_changes(compiled(given_), 12, 36 * 3000, 0, Clock(30)) == 30
    level = solve(given_).level(Objective.CHANGES)
    assert (level.reached, level.bound) == (30, 30)


@settings(few, max_examples=6)
@given(crowded, st.data())
def test_larger_plans_break_no_rule_and_keep_what_was_published(agenda, data):
    plan = solve(agenda, seconds=5)
    assert broken_rules(agenda, plan.meetings) == []
    stay = tuple(meeting for meeting in plan.meetings if data.draw(st.booleans()))
    fixed = replace(agenda, published=Published(stay))
    again = solve(fixed, seconds=5)
    assert set(stay) <= set(again.meetings)
    assert broken_rules(fixed, again.meetings) == []
    few_moves = replace(agenda, published=Published(plan.meetings, Keeping.FEWEST_MOVES))
    unmoved = solve(few_moves, seconds=5)
    assert broken_rules(few_moves, unmoved.meetings) == []
    assert measured(few_moves, unmoved.meetings) >= measured(few_moves, plan.meetings)
