"""König and de Werra: as many colours as the largest degree, and classes that are equally large."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from matching.timetable import Answer, Objective, Status, Wish
from matching.timetable.board import Board
from matching.timetable.colouring import balanced, bipartite, coloured, edge_colouring
from matching.timetable.model import compiled
from matching.timetable.solving import solve
from tests.matching.timetable.test_rules import agenda, crowd

pairs = st.sets(st.tuples(st.integers(0, 7), st.integers(10, 17)), min_size=1).map(sorted)


@given(pairs, st.integers(0, 2))
def test_no_end_has_a_colour_twice_and_no_colour_two_pairs_more_than_another(given_pairs, spare):
    colours = max(Counter(end for pair in given_pairs for end in pair).values()) + spare
    found = balanced(given_pairs, edge_colouring(given_pairs, colours), colours)
    assert max(Counter((end, c) for pair, c in zip(given_pairs, found, strict=True) for end in pair).values()) == 1
    sizes = [found.count(colour) for colour in range(colours)]
    assert max(sizes) - min(sizes) <= 1


def test_an_odd_circle_is_no_case_for_the_theorem():
    assert bipartite([(0, 10), (1, 10), (1, 11)])
    assert not bipartite([(0, 1), (1, 2), (2, 0)])


def test_without_absences_the_theorem_seats_everybody():
    given_crowd = crowd()
    model = compiled(given_crowd)
    found = coloured(model, range(12))
    assert found is not None
    board = Board(model)
    for edge, seating in found.items():
        assert board.fits(edge, seating)
        board.put(edge, seating)
    assert [level.status for level in solve(given_crowd).levels[:2]] == [Status.OPTIMAL] * 2


def test_an_odd_circle_is_planned_on_the_general_way():
    triangle = agenda(*(Wish(one, other, Answer.MEET) for one, other in ("ab", "bc", "ca")), slots=2, tables=2)
    assert solve(triangle).level(Objective.VALUE).reached == 6000
    assert len(solve(triangle).meetings) == 2
