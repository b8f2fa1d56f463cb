from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.sharing import shared

scores = st.integers(1, 9).map(lambda n: n / 10)
wishes = st.lists(st.dictionaries(st.sampled_from("abc"), scores, max_size=3), max_size=4)


def by_hand(ranked, most, floor, places, teams, own):
    """The best of all ways to share: filled floors first, then the sum of the scores."""
    best = (-1, -1.0)
    choices = [[c for n in range(min(most, len(r)) + 1) for c in combinations(r, n)] for r in ranked]
    for way in product(*choices):
        taken = Counter(teams.get(key, key) for some in way for key, _ in some)
        each = Counter(key for some in way for key, _ in some)
        if all(n <= places for n in taken.values()) and all(each[key] <= n for key, n in own.items()):
            filled = sum(min(len(some), floor) for some in way)
            best = max(best, (filled, round(sum(score for some in way for _, score in some), 9)))
    return best


@settings(deadline=None, max_examples=60)
@given(
    wishes=wishes,
    most=st.integers(1, 3),
    floor=st.integers(0, 2),
    places=st.integers(0, 3),
    together=st.booleans(),
    own=st.dictionaries(st.sampled_from("ab"), st.integers(0, 2)),
)
def test_no_other_way_to_share_is_better(wishes, most, floor, places, together, own):
    floor = min(floor, most)
    teams = {"a": "t", "b": "t"} if together else {}
    ranked = [sorted(each.items(), key=lambda one: (-one[1], one[0])) for each in wishes]
    found = shared(ranked, most=most, floor=floor, places=places, teams=teams, own=own)
    taken = Counter(teams.get(one.key, one.key) for share in found.shares for one in share.proposals)
    assert all(n <= places for n in taken.values())
    assert all(len(share.proposals) <= most for share in found.shares)
    filled = sum(min(len(share.proposals), floor) for share in found.shares)
    assert (filled, round(found.total, 9)) == by_hand(ranked, most, floor, places, teams, own)
    assert list(found.short) == [n for n, share in enumerate(found.shares) if len(share.proposals) < floor]
    each = Counter(one.key for share in found.shares for one in share.proposals)
    assert all(each[key] <= n for key, n in own.items())
    for share in found.shares:
        for one in share.passed:  # and whoever is passed over is so because the team is taken, or itself
            its = (each[one.key], own.get(one.key)) if one.own else (taken[teams.get(one.key, one.key)], places)
            assert its == (one.places, one.places)


def test_a_team_with_two_places_goes_to_whom_it_fits_best_and_nobody_is_left_with_nothing():
    ranked = [[("a", 0.9), ("b", 0.2)], [("a", 0.8), ("b", 0.1)], [("a", 0.3)]]
    found = shared(ranked, most=1, places=2)
    assert [[one.key for one in share.proposals] for share in found.shares] == [["a"], ["a"], []]
    found = shared(ranked, most=1, floor=1, places=2)
    first, second, third = found.shares
    assert [one.key for one in (*first.proposals, *second.proposals, *third.proposals)] == ["a", "b", "a"]
    assert second.proposals[0].rank == 2
    assert second.proposals[0].kept
    (passed,) = second.passed
    assert (passed.key, passed.rank, passed.places, passed.lowest, passed.highest) == ("a", 1, 2, 0.3, 0.9)
    assert found.plain == pytest.approx(2.0)
    assert found.total == pytest.approx(1.3)


def test_thousands_are_shared_out():
    rng = np.random.default_rng(0)
    ranked = [
        [(f"k{key}", score) for key, score in zip(rng.choice(300, 20, replace=False), sorted(rng.random(20))[::-1], strict=True)]
        for _ in range(300)
    ]  # fmt: skip
    found = shared(ranked, most=5, floor=2, places=3, places_of={"k7": 0})
    taken = Counter(one.key for share in found.shares for one in share.proposals)
    assert max(taken.values()) <= 3
    assert "k7" not in taken
    assert not found.short


@pytest.mark.parametrize(
    "wrong", [{"most": 0}, {"places": -1}, {"floor": -1}, {"most": 10_001}, {"most": 1, "floor": 2}]
)
def test_a_number_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        shared([], **{"most": 3, "places": 1} | wrong)
