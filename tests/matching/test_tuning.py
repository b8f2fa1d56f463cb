"""Lowered terms and learnt weights in a ranking: the same in memory and from segments, and the reasons add up."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import Document, Query
from matching.blend import DEFAULT_WEIGHTS, Weights
from matching.index import Index
from matching.queries import read
from matching.segments.index import SharedIndex
from matching.tuning import ALL, STARTING, Lowered, LoweredTerm, Tuning, kinds_of
from tests.matching.given import NOW, about, asking, corpora, indexed, queries, unhurried

LEARNT = Weights(field=0.05, trl=0.0, region=0.2, budget=0.0, freshness=0.0)
_terms = st.lists(
    st.builds(
        LoweredTerm,
        term=st.sampled_from(["固态电解质", "检测", "视觉检测", "LoRa", "焊接", "的", "电池"]),
        kind=st.sampled_from([ALL, "38", "39", "99"]),
        factor=st.sampled_from([0.25, 0.5, 1.0]),
        spared=st.sampled_from([frozenset[str](), frozenset({"38"})]),
    ),
    max_size=5,
)
tunings = st.builds(Tuning, st.just(3), st.sampled_from([DEFAULT_WEIGHTS, LEARNT]), _terms.map(Lowered.of))


@unhurried
@given(corpora, queries, tunings)
def test_both_indexes_agree_and_the_reasons_add_up(corpus: dict[str, Document], query: Query, tuning: Tuning):
    plain, shared = Index(), SharedIndex()
    for index in (plain, shared):
        index.put_many(corpus.items())
    one, other = plain.refresh().tuned(tuning), shared.refresh().tuned(tuning)
    ranking = one.rank(query, now=NOW)
    assert other.rank(query, now=NOW) == ranking
    for match in ranking.items:
        why = one.explain(query, match.key, now=NOW)
        assert other.explain(query, match.key, corpus[match.key], now=NOW) == why
        assert (why.score, why.version) == (pytest.approx(match.score, abs=1e-9), 3)
        parts = [part for group in why.terms for part in group.parts]
        assert math.fsum([*(g.contribution for g in why.terms), why.other.contribution, *(s.contribution for s in why.signals)]) == pytest.approx(why.score, abs=1e-6)  # fmt: skip
        for part in parts:
            by_hand = (
                (1 + math.log(part.tf_query))
                * part.idf
                * part.focus
                * part.emphasis
                * part.aside
                * part.lowered
                * part.apart
            )
            assert by_hand / why.query_norm == pytest.approx(part.weight_query, abs=1e-12)


def test_nothing_lowered_and_the_starting_weights_change_no_bit():
    snapshot = indexed({"a": about("固态电解质薄膜", industries=("3841",)), "b": about("视觉检测")})
    query = asking("固态电解质的视觉检测", industries=("3841",))
    plain = snapshot.rank(query, now=NOW)
    for tuning in (STARTING, Tuning(0, DEFAULT_WEIGHTS, Lowered.of([LoweredTerm("水稻", ALL, 0.3)]))):
        assert snapshot.tuned(tuning).rank(query, now=NOW) == plain
    assert not Lowered()
    assert not Lowered.of([LoweredTerm("的", ALL, 0.5)]), "no term of a question"


def test_a_term_is_lowered_for_its_kind_alone():
    lowered = Lowered.of([LoweredTerm("视觉检测", "38", 0.4), LoweredTerm("焊接", ALL, 0.5, frozenset({"39"}))])

    def factors(text: str, *industries: str) -> dict[str, float]:
        return dict(lowered.within(read(text), kinds_of(industries)))

    assert set(factors("在线视觉检测", "C3841").values()) == {0.4}
    assert factors("在线视觉检测", "39") == {}
    assert factors("在线视觉检测") == {}
    assert factors("在线检测", "3841") == {}, "only where the phrase stands"
    assert factors("在线视觉检测", "3841", "3911") == {}, "of several kinds the mildest counts"
    assert set(factors("机器人焊接").values()) == {0.5}
    assert set(factors("机器人焊接", "38").values()) == {0.5}
    assert factors("机器人焊接", "39") == {}
    assert not any(one.startswith("^") for one in factors("视觉检测与焊接", "38")), "single characters stay"
    assert kinds_of(["C", "C3841", "38", "?", ""]) == {"38"}
    with pytest.raises(ValueError, match="factor"):
        Lowered.of([LoweredTerm("焊接", ALL, 0.1)])


def test_of_two_lowered_terms_that_share_a_word_the_stricter_counts():
    lowered = Lowered.of([LoweredTerm("视觉检测", ALL, 0.8), LoweredTerm("检测", ALL, 0.3)])
    factors = lowered.within(read("视觉检测"), frozenset())
    assert factors["检测"] == 0.3
    assert factors["视觉"] == 0.8
