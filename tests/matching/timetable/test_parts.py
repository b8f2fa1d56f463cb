"""The stages one by one, and the checker that watches over them."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings

from matching.timetable import Agenda, Meeting, Participant, Person, Slot, Table, Wish
from matching.timetable.board import Board
from matching.timetable.choosing import Chooser
from matching.timetable.improving import improve
from matching.timetable.model import compiled
from matching.timetable.placing import place
from matching.timetable.programs import Clock, ones
from matching.timetable.seating import seat
from matching.timetable.smoothing import QUICK, THOROUGH, idle_slots, smooth
from tests.matching.timetable.given import agendas, broken_rules, floor_and_value

few = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))


def meetings(board):
    tables = seat(board.model, board)
    return tuple(board.model.meeting(edge, seating, tables[edge]) for edge, seating in board.at.items())


@few
@given(agendas(most_each=3))
def test_smoothing_leaves_who_meets_whom_and_never_adds_idle_slots(agenda):
    board = Board(compiled(agenda))
    place(board, [edge for edge, one in enumerate(board.model.edges) if one.seatings], Random(1), lambda: True, 300)
    for plan in (QUICK, THOROUGH):
        granted, before = board.at.keys() | set(), sum(idle_slots(board))
        smooth(board, Random(2), lambda: True, plan)
        assert board.at.keys() == granted
        assert sum(idle_slots(board)) <= before
        assert broken_rules(agenda, meetings(board)) == []


@few
@given(agendas(most_slots=3, most_tables=2, most_each=3, most_wishes=7, frills=False))
def test_some_slots_at_a_time_from_nothing_find_the_best_of_small_plans(agenda):
    board = Board(compiled(agenda))
    improve(board, Random(1), Clock(30), lambda: False)
    assert (board.reached(), board.value()) == floor_and_value(agenda)


@few
@given(agendas(most_each=3))
def test_floors_that_were_fixed_one_after_the_other_can_be_kept_together(agenda):
    chooser = Chooser(compiled(agenda), Clock(30))
    most = chooser.program.best(ones(chooser.reached), Clock(30))
    marks = chooser.dive()
    assert len(marks) <= round(most.bound)
    for mark in marks:
        chooser.program.bound(mark, 1, 1)
    assert chooser.program.best({}, Clock(30)).chosen is not None


AGENDA = Agenda(
    (Slot("1", "am"), Slot("2", "am"), Slot("3", "pm")),
    (Table("t"), Table("u", closed=frozenset({"1"})), Table("lab"), Table("own")),
    (
        Participant("a", (Person("a", absent=frozenset({"3"}), languages=frozenset({"zh"})),)),
        Participant("b", (Person("b", languages=frozenset({"zh"})),), most=1),
        Participant("c", (Person("c", most=1),)),
        Participant("d", (Person("d", languages=frozenset({"en"})),)),
        Participant("host", (Person("host"),), table="own"),
    ),
    (
        Wish("a", "b"),
        Wish("a", "c"),
        Wish("b", "c"),
        Wish("a", "d"),
        Wish("b", "host"),
        Wish("c", "d"),
        Wish("c", "host", length=2, table="lab"),
    ),
)


def met(pair, slots, table, people=None):
    return Meeting(tuple(pair.split()), tuple((people or pair).split()), tuple(slots), table)


@pytest.mark.parametrize(
    ("held", "said"),
    [
        pytest.param([met("a b", "1", "t"), met("a c", "1", "u")], "a twice at 1", id="a person twice"),
        pytest.param([met("a b", "2", "t"), met("c d", "2", "t")], "t twice at 2", id="a table twice"),
        pytest.param([met("a b", "1", "t"), met("a b", "2", "t")], "meets 2 times", id="a pair twice"),
        pytest.param([met("a b", "3", "t")], "a is absent", id="an absent person"),
        pytest.param([met("a b", "1", "u")], "u is closed", id="a closed table"),
        pytest.param([met("a b", "1", "t"), met("b c", "2", "t")], "b has 2", id="a participant's maximum"),
        pytest.param([met("a c", "1", "t"), met("b c", "2", "t")], "c sits 2", id="a person's maximum"),
        pytest.param([met("a d", "1", "t")], "no language", id="no common language"),
        pytest.param([met("b host", "1", "t")], "not at the host's", id="a host elsewhere"),
        pytest.param([met("a b", "1", "own")], "somebody's own", id="at a host's table"),
        pytest.param([met("c host", "12", "t")], "not at lab", id="a visit elsewhere"),
        pytest.param([met("c host", "23", "lab")], "through a break", id="a visit through a break"),
        pytest.param([met("c host", "1", "lab")], "sits", id="a visit cut short"),
        pytest.param([met("a b", "1", "t", "a d")], "d is not of b", id="a person of another participant"),
    ],
)
def test_the_checker_sees_every_rule_that_is_broken(held, said):
    assert any(said in broken for broken in broken_rules(AGENDA, tuple(held)))
    assert broken_rules(AGENDA, ()) == []
