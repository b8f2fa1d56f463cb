import math
import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import linear_kernel

from matching.estimator import TfidfRanker
from matching.text import terms
from matching.tfidf import best
from tests.matching.given import telling_texts, texts, unhurried

NOISE = 1e-11  # two scores closer than this are equal on paper

collections = st.dictionaries(st.text("abc01", min_size=1, max_size=3), texts, min_size=1, max_size=10)


def sklearn_scores(corpus, query, *, sublinear=True):
    """The same weighting over the whole matrix, by other people's code."""
    vectorizer = TfidfVectorizer(analyzer=terms, sublinear_tf=sublinear)
    try:
        matrix = vectorizer.fit_transform(corpus.values())
    except ValueError:  # it refuses an empty vocabulary
        return dict.fromkeys(corpus, 0.0)
    return dict(zip(corpus, linear_kernel(matrix, vectorizer.transform([query])).ravel(), strict=True))


@unhurried
@given(corpus=collections, query=texts, sublinear=st.booleans())
def test_ids_order_and_scores_are_scikit_learns(corpus, query, sublinear):
    expected = sklearn_scores(corpus, query, sublinear=sublinear)
    ranker = TfidfRanker(sublinear_tf=sublinear).fit(list(corpus.values()), keys=list(corpus))
    found = ranker.rank(query, k=len(corpus))
    assert {match.key for match in found} == {key for key, score in expected.items() if score > NOISE}
    for match in found:
        assert match.score == pytest.approx(expected[match.key], abs=1e-9)
    for one, other in pairwise(found):
        gap = expected[one.key] - expected[other.key]
        assert gap > NOISE or (abs(gap) <= NOISE and one.key < other.key)


@unhurried
@given(corpus=collections, query=telling_texts, k=st.integers(1, 12))
def test_fewer_results_are_the_first_of_more(corpus, query, k):
    ranker = TfidfRanker().fit(list(corpus.values()), keys=list(corpus))
    assert ranker.rank(query, k=k) == ranker.rank(query, k=1000)[:k]


@unhurried
@given(texts=st.lists(telling_texts, min_size=1, max_size=4), copies=st.integers(2, 4), query=telling_texts)
def test_equal_texts_are_ties_that_fall_by_key(texts, copies, query):
    corpus = {f"{copy}{place}": text for copy in range(copies) for place, text in enumerate(texts)}
    found = TfidfRanker().fit(list(corpus.values()), keys=list(corpus)).rank(query, k=100)
    for one, other in pairwise(found):
        assert one.score > other.score or (one.score == other.score and one.key < other.key)


class TestTheEstimator:
    def test_keeps_the_contract(self):
        ranker = TfidfRanker(sublinear_tf=False)
        assert ranker.get_params() == {"analyzer": terms, "sublinear_tf": False}
        assert clone(ranker).get_params() == ranker.get_params()
        assert ranker.set_params(sublinear_tf=True).sublinear_tf is True
        assert ranker.fit(["电池"]) is ranker
        assert {name for name in vars(ranker) if name.endswith("_")} == {"keys_", "vocabulary_", "postings_", "idf_"}
        assert not hasattr(clone(ranker), "keys_")
        assert pickle.loads(pickle.dumps(ranker)).rank("电池") == ranker.rank("电池")

    def test_does_not_rank_before_it_has_learnt(self):
        with pytest.raises(NotFittedError):
            TfidfRanker().rank("电池")

    def test_names_texts_by_their_place_when_they_have_no_keys(self):
        assert [match.key for match in TfidfRanker().fit(["电机", "电池"]).rank("电池")] == ["000000001"]

    def test_takes_another_analyzer(self):
        assert [match.key for match in TfidfRanker(analyzer=str.split).fit(["a b b", "b c"]).rank("c c", k=1)] == [
            "000000001"
        ]

    @pytest.mark.parametrize(
        ("keys", "because"), [(["a"], "2 texts but 1 keys"), (["a", "a"], "comes twice")], ids=["too few", "equal"]
    )
    def test_refuses_keys_that_do_not_fit(self, keys, because):
        with pytest.raises(ValueError, match=because):
            TfidfRanker().fit(["电池", "电机"], keys=keys)

    @pytest.mark.parametrize("corpus", [[], [""], ["", "。"]], ids=["nothing", "an empty text", "two empty texts"])
    def test_of_nothing_finds_nothing(self, corpus):
        assert TfidfRanker().fit(corpus).rank("电池") == []

    def test_weighs_a_text_by_the_formula(self):
        ranker = TfidfRanker().fit(["电池电池", "电机"], keys=["a", "b"])
        weighed = ranker.postings_.weigh({"电池": 3, "电机": 1, "谁也没有": 1}, ranker.vocabulary_)
        rare = math.log(3 / 2) + 1
        length = math.hypot((1 + math.log(3)) * rare, rare)
        assert weighed.terms == ("电池", "电机")
        assert weighed.norm == pytest.approx(length)
        assert weighed.weights == pytest.approx([(1 + math.log(3)) * rare / length, rare / length])
        assert weighed.known == pytest.approx(length**2 / (length**2 + (math.log(3) + 1) ** 2))


class TestTheBest:
    @unhurried
    @given(scores=st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.3]), max_size=12), k=st.integers(-1, 14))
    def test_are_those_of_a_full_sort(self, scores, k):
        rows = sorted((row for row, score in enumerate(scores) if score), key=lambda row: (-scores[row], row))
        assert best(np.array(scores), k) == rows[: max(k, 0)]

    @unhurried
    @given(
        scores=st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.3]), max_size=12),
        k=st.integers(1, 5),
        score=st.sampled_from([0.05, 0.1, 0.2, 0.3, 0.4]),
        row=st.integers(0, 12),
    )
    def test_below_a_place_go_on_behind_it(self, scores, k, score, row):
        rows = sorted((each for each, found in enumerate(scores) if found), key=lambda each: (-scores[each], each))
        rest = [each for each in rows if scores[each] < score or (scores[each] == score and each >= row)]
        assert best(np.array(scores), k, below=(score, row)) == rest[:k]
