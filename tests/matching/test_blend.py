import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import DEFAULT_WEIGHTS, TEXT_ONLY, Document, Facets, Query, Weights
from matching.blend import FieldWeights, bonus, judge
from matching.facets import FacetTable
from tests.matching.given import DAY, NOW, about, asking, corpora, facets, indexed, queries, unhurried

weightings = st.builds(Weights, *[st.sampled_from([0.0, 0.02, 0.05])] * 5)


def judged(query: Query, document: Document, name: str):
    return next(each for each in judge(query, document.facets, NOW) if each.name == name)


class TestTheBlend:
    @unhurried
    @given(rows=st.lists(facets, max_size=6), query=queries, weights=weightings)
    def test_of_all_documents_at_once_is_that_of_each_alone(self, rows, query, weights):
        found = bonus(query, FacetTable.build(rows), weights, NOW)
        alone = [
            sum(getattr(weights, each.name) * (each.value or 0) for each in judge(query, row, NOW)) for row in rows
        ]
        assert found.tolist() == pytest.approx(alone, abs=1e-12)

    @unhurried
    @given(corpus=corpora, query=queries, weights=weightings)
    def test_leaves_text_at_least_four_fifths_of_every_score(self, corpus, query, weights):
        for match in indexed(corpus).rank(query, k=100, now=NOW, weights=weights).items:
            assert 0.8 * match.score <= match.text + 1e-9
            assert match.text <= match.score + 1e-9
            assert 0 <= match.text <= 1 + 1e-9

    @unhurried
    @given(corpus=corpora, query=queries)
    def test_without_facets_and_freshness_is_the_text_order(self, corpus, query):
        bare = dataclasses.replace(query, facets=Facets())
        snapshot = indexed(corpus)
        still = dataclasses.replace(DEFAULT_WEIGHTS, freshness=0)
        assert snapshot.rank(bare, now=NOW, weights=still) == snapshot.rank(bare, now=NOW, weights=TEXT_ONLY)

    def test_lifts_the_better_fit_among_equal_texts(self):
        corpus = {"a far": about("电池", region="620102"), "b near": about("电池", region="220104")}
        ranking = indexed(corpus).rank(asking("电池", region="220102"), now=NOW)
        assert [match.key for match in ranking.items] == ["b near", "a far"]

    @pytest.mark.parametrize(
        "weights",
        [{"field": -0.01}, {"trl": math.nan}, {"region": math.inf}, {"field": 0.2}],
        ids=["negative", "no number", "infinite", "too much"],
    )
    def test_refuses_weights_that_break_its_promise(self, weights):
        with pytest.raises(ValueError, match="weights"):
            Weights(**weights)

    def test_for_records_about_a_field_the_askers_own_counts_more_than_more_of_its_words(self):
        corpus = {
            "own": about("面向全省制造企业，含电池", industries=("3841",)),
            "words": about("电池电池，电池与电池", industries=("0111",)),
        }
        query = asking("电池", industries=("C3841",))
        firsts = [
            indexed(corpus).rank(query, now=NOW, weights=each).items[0].key for each in (Weights(), FieldWeights())
        ]
        assert firsts == ["words", "own"]
        with pytest.raises(ValueError, match="weights"):
            FieldWeights(field=3.2)


@pytest.mark.parametrize(
    ("problem", "achievement", "value", "level"),
    [
        (("3841",), ("C3841",), 1.0, "class"),
        (("C3841",), ("C384",), 0.75, "group"),
        (("3841",), ("3849",), 0.75, "group"),
        (("3841",), ("382",), 0.5, "division"),
        (("3841",), ("C39",), 0.1, "section"),
        (("3841",), ("0111",), 0.0, None),
        (("0111", "3841"), ("39", "384"), 0.75, "group"),
        (("3841",), (), None, None),
        ((), ("3841",), None, None),
    ],
)
@pytest.mark.parametrize("side", ["problem", "achievement"])
def test_field_by_industry(problem, achievement, value, level, side):
    asks, has = (problem, achievement) if side == "problem" else (achievement, problem)
    found = judged(asking("", side=side, industries=asks), about("", industries=has), "field")
    assert (found.value, found.detail["level"]) == (value, level)
    if value:
        assert found.detail["problem"] in problem
        assert found.detail["achievement"] in achievement


def test_field_is_the_better_of_industry_and_discipline():
    query = asking("", industries=("3841",), disciplines=("4604010",))
    found = judged(query, about("", industries=("3842",), disciplines=("4604010", "110")), "field")
    assert found.value == 1.0
    assert found.detail == {"by": "discipline", "problem": "4604010", "achievement": "4604010", "level": "third"}


@pytest.mark.parametrize(
    ("needed", "has", "value"),
    [(6, 6, 1.0), (6, 9, 1.0), (6, 5, 0.75), (6, 2, 0.0), (9, 1, 0.0), (None, 5, None), (6, None, None)],
)
@pytest.mark.parametrize("side", ["problem", "achievement"])
def test_readiness_falls_a_quarter_for_each_level_short_of_the_need(needed, has, value, side):
    asks, other = (needed, has) if side == "problem" else (has, needed)
    found = judged(asking("", side=side, trl=asks), about("", trl=other), "trl")
    assert found.value == value
    assert found.detail == {"needed": needed, "has": has}


@pytest.mark.parametrize(
    ("problem", "achievement", "value", "level"),
    [
        ("220102", "220102", 1.0, "county"),
        ("220102", "220104", 1.0, "prefecture"),
        ("220102", "220100", 1.0, "prefecture"),
        ("220102", "220202", 0.5, "province"),
        ("220102", "220000", 0.5, "province"),
        ("429004", "429005", 0.5, "province"),
        ("110101", "110105", 1.0, "prefecture"),
        ("220102", "620102", 0.0, None),
        (None, "620102", None, None),
        ("220102", None, None, None),
    ],
)
def test_region(problem, achievement, value, level):
    found = judged(asking("", region=problem), about("", region=achievement), "region")
    assert found.value == value
    assert found.detail == {"problem": problem, "achievement": achievement, "level": level}


@pytest.mark.parametrize(
    ("budget", "price", "value", "level"),
    [
        ((100.0, 500.0), (200.0, 300.0), 1.0, "within"),
        ((100.0, 500.0), (50.0, 60.0), 1.0, "within"),
        ((100.0, 500.0), (400.0, 800.0), 0.5, "partly"),
        ((100.0, 500.0), (600.0, 800.0), 0.0, "above"),
        ((100.0, 500.0), (500.0, None), 1.0, "within"),
        ((100.0, 500.0), (None, 900.0), 0.5, "partly"),
        ((100.0, None), (600.0, 800.0), 1.0, "within"),
        ((None, 500.0), (600.0, 600.0), 0.0, "above"),
        ((None, None), (600.0, 600.0), None, None),
        ((100.0, 500.0), None, None, None),
    ],
)
@pytest.mark.parametrize("side", ["problem", "achievement"])
def test_price_and_budget(budget, price, value, level, side):
    asks, other = (budget, price) if side == "problem" else (price, budget)
    found = judged(asking("", side=side, money=asks), about("", money=other), "budget")
    assert (found.value, found.detail["level"]) == (value, level)
    assert found.detail["budget_high"] == (budget[1] if budget else None)
    assert found.detail["price_low"] == (price[0] if price else None)


@pytest.mark.parametrize(("days_ago", "value"), [(0, 1.0), (90, 0.5), (180, 0.0), (400, 0.0), (-1, 1.0), (None, None)])
def test_freshness_fades_over_half_a_year(days_ago, value):
    at = None if days_ago is None else NOW - days_ago * DAY
    found = judged(asking(""), about("", confirmed_at=at), "freshness")
    assert found.value == (None if value is None else pytest.approx(value))
    assert found.detail["confirmed_at"] == at
