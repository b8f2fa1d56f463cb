"""What verdicts teach: weights that may be used as they are, planted evidence found, noise left alone, terms by their kind."""

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.blend import DEFAULT_WEIGHTS, LARGEST_SUM, TEXT_ONLY, Weights
from matching.learning import (
    ORGANISATIONS,
    SIGNALS,
    BlendLearner,
    Misleading,
    Shown,
    TooLittle,
    Verdict,
    _Rows,
    evidence,
    learn,
    misleading,
)
from matching.tuning import ALL, LEAST_FACTOR

_values = st.one_of(st.floats(0, 1), st.sampled_from([float("nan"), float("inf"), -1.0, 5.0, 1e-300]))
_verdicts = st.lists(
    st.builds(
        Verdict,
        asking=st.sampled_from("pqr"),
        other=st.sampled_from("abcdpq"),
        organisation=st.sampled_from("xy"),
        grade=st.integers(0, 3),
        text=st.one_of(st.floats(0, 1), st.sampled_from([0.0, 1e-308, 1.0])),
        values=st.tuples(*[_values] * len(SIGNALS)),
    ),
    max_size=25,
)
_priors = st.sampled_from([DEFAULT_WEIGHTS, TEXT_ONLY, Weights(0.25, 0, 0, 0, 0)])


@settings(deadline=None, max_examples=60)
@given(_verdicts, _priors)
def test_weights_are_never_negative_nor_too_large_nor_no_numbers(verdicts, prior):
    rows = _Rows(verdicts)
    weights = BlendLearner(prior).fit(rows, np.arange(len(rows))).weights_
    assert np.isfinite(weights).all()
    assert (weights >= 0).all()
    assert weights.sum() <= LARGEST_SUM + 1e-12
    Weights(*weights.tolist())


def simulated(seed: int, deciding: str | None, houses: int = 12, asking: int = 5, found: int = 6) -> list[Verdict]:
    """Verdicts in which one signal decides, with a little of the text and some noise; or noise alone."""
    dice = np.random.default_rng(seed)
    drawn = []
    for house in range(houses):
        for question in range(asking):
            for other in range(found):
                text = float(np.exp(dice.normal(-1.8, 0.25)))
                values = tuple(dice.choice([0, 0.25, 0.5, 0.75, 1], len(SIGNALS)).tolist())
                liking = dice.normal()
                if deciding is not None:
                    liking = 2.5 * values[SIGNALS.index(deciding)] + 1.2 * np.log(text) + 0.5 * liking
                drawn.append(
                    (f"p{house}-{question}", f"a{house}-{question}-{other}", f"o{house}", liking, text, values)
                )
    steps = np.quantile([one[3] for one in drawn], [0.5, 0.75, 0.9])
    return [
        Verdict(asks, other, house, int(np.searchsorted(steps, liking)), text, values)
        for asks, other, house, liking, text, values in drawn
    ]


@pytest.mark.parametrize("deciding", SIGNALS)
def test_planted_evidence_is_found_where_nothing_was_learnt(deciding):
    learnt = learn(simulated(1, deciding), DEFAULT_WEIGHTS)
    assert learnt.better
    assert learnt.ndcg[1] > learnt.ndcg[0]
    assert learnt.accuracy[1] > learnt.accuracy[0]
    assert max(SIGNALS, key=lambda name: getattr(learnt.weights, name)) == deciding


def test_noise_is_not_better():
    """One in a hundred may slip through an interval of 99 %; see docs/learning.md for what was counted."""
    assert sum(learn(simulated(seed, None), DEFAULT_WEIGHTS).better for seed in range(15)) <= 1


def test_the_same_verdicts_teach_the_same_in_any_order():
    verdicts = simulated(3, "trl")
    assert learn(verdicts[::-1], DEFAULT_WEIGHTS) == learn(verdicts, DEFAULT_WEIGHTS)


def test_one_organisation_cannot_teach_however_much_it_says():
    alone = [one._replace(organisation="o") for one in simulated(4, "region")]
    with pytest.raises(TooLittle, match=f"1 of {ORGANISATIONS} organisations"):
        learn(alone, DEFAULT_WEIGHTS)
    loud = [
        one._replace(asking=f"{one.asking}+{n}", other=f"{one.other}+{n}", organisation="loud")
        for n in range(6)
        for one in simulated(5, "freshness")
    ]
    many = simulated(6, "region")
    assert learn(many + loud, DEFAULT_WEIGHTS).weights.region > learn(many + loud, DEFAULT_WEIGHTS).weights.freshness


def test_what_compares_nothing_is_no_evidence():
    same = [Verdict("p", other, "o", 2, 0.2, (0.0,) * 5) for other in "ab"]
    silent = [Verdict("q", "a", "o", grade, 0.0, (0.0,) * 5) for grade in (0, 3)]
    assert astuple(evidence(same + silent)) == (2, 0, 0, 0)
    assert astuple(evidence([])) == (0, 0, 0, 0)


def told(organisation: str, kinds: str, named: str = "", shown: str = "检测 焊接") -> Shown:
    return Shown(organisation, frozenset(kinds.split()), frozenset(shown.split()), frozenset(named.split()))


def test_a_term_is_lowered_in_the_kind_where_three_organisations_name_it():
    said = [told(house, "34", "检测") for house in "abc"] + [told(house, "34") for house in "d"]
    said += [told(house, "14") for house in "efgh"]
    (found,) = misleading(said)
    assert (found.term, found.kind, found.named_by, found.asked, found.spared) == ("检测", "34", 3, 4, frozenset())
    assert found.factor == round(1 - found.share, 3)
    assert 0.5 <= found.share < 3 / 4, "shrunk towards the usual"
    assert misleading(said[1:]) == [], "two are not enough"
    assert misleading([told("a", "34", "检测")] * 100 + [told("b", "34", "检测")] * 100) == [], (
        "however often they say it"
    )
    assert misleading([]) == []


def test_for_every_kind_it_takes_two_and_who_sees_no_harm_is_spared():
    said = [told(house, "34", "检测") for house in "abc"] + [told(house, "39", "检测") for house in "def"]
    said += [told(house, "") for house in "xy"]
    everywhere = {one.kind: one for one in misleading(said)}
    assert set(everywhere) == {"34", "39", ALL}
    assert everywhere[ALL].spared == frozenset()
    spared = {one.kind: one for one in misleading(said + [told(house, "14") for house in "ghi"])}
    assert spared[ALL].spared == {"14"}
    assert all(one.factor >= LEAST_FACTOR for one in spared.values())


def test_a_phrase_cut_a_little_differently_is_the_same_phrase():
    said = [told("a", "46", "化学需氧量", ""), told("b", "46", "水化学需氧量", ""), told("c", "46", "化学需氧量的", "")]
    assert [(one.term, one.named_by) for one in misleading(said)] == [("化学需氧量", 3)]
    assert isinstance(misleading(said)[0], Misleading)
