import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from matching import Match
from matching.metrics import bootstrap_interval, ndcg, rank_of, recall, reciprocal_rank
from tests.matching.given import unhurried


@unhurried
@given(grades=st.lists(st.integers(0, 3), min_size=2, max_size=8), k=st.integers(1, 8), order=st.randoms())
def test_ndcg_is_scikit_learns_with_exponential_gain(grades, k, order):
    keys = [str(place) for place in range(len(grades))]
    ranked = keys.copy()
    order.shuffle(ranked)
    gains = [[2**grade - 1 for grade in grades]]
    scores = [[-ranked.index(key) for key in keys]]
    assert ndcg(ranked, dict(zip(keys, grades, strict=True)), k) == pytest.approx(ndcg_score(gains, scores, k=k))


def test_ndcg_counts_what_is_not_graded_as_nothing():
    assert ndcg(["x", "a"], {"a": 1}, 10) == pytest.approx(1 / math.log2(3))
    assert ndcg(["x"], {"a": 1}, 10) == 0
    assert ndcg(["a"], {"a": 0}, 10) == 0
    assert ndcg([], {}, 10) == 0


def test_recall_is_the_share_found():
    assert recall(["a", "b", "c"], {"a", "c", "d"}, 2) == pytest.approx(1 / 3)
    assert recall(["a"], set(), 2) is None


def test_rank_counts_only_what_is_strictly_better():
    matches = [Match(key, score, score) for key, score in [("a", 0.5), ("b", 0.3), ("c", 0.3), ("d", 0.1)]]
    assert [rank_of(key, matches) for key in "abcdx"] == [1, 2, 2, 4, None]


@pytest.mark.parametrize(("rank", "value"), [(1, 1.0), (10, 0.1), (11, 0.0), (None, 0.0)])
def test_reciprocal_rank_ends_at_k(rank, value):
    assert reciprocal_rank(rank, 10) == value


class TestTheInterval:
    def test_holds_the_mean_and_narrows_with_more_values(self):
        low, high = bootstrap_interval([0.0, 1.0] * 20)
        wider = bootstrap_interval([0.0, 1.0] * 5)
        assert low < 0.5 < high
        assert high - low < wider[1] - wider[0]
        assert (low, high) == pytest.approx((0.345, 0.655), abs=0.03)

    def test_is_the_same_for_the_same_values(self):
        assert bootstrap_interval([0.1, 0.5, 0.9]) == bootstrap_interval([0.1, 0.5, 0.9])

    def test_of_nothing_is_refused(self):
        with pytest.raises(ValueError, match="at least one"):
            bootstrap_interval([])
