"""What a requirement speaks of is looked for as the tests that show it, and its reasons say so."""

import math

from hypothesis import given
from hypothesis import strategies as st

from matching import Query
from matching.known_measuring import MEASURING
from matching.measuring import NO_MEASURING, RAISED
from matching.synonyms import spelt
from matching.text import CHARACTER, count_all, count_terms, normalise
from tests.matching.given import NOW, TESTS, about, corpora, indexed, telling_texts, unhurried

LABS = {
    "tension": about("拉伸、弯曲、冲击与硬度委托检测，力学性能", "力学室"),
    "trade": about("为汽车零部件企业做支架设计与选型咨询", "咨询"),
    "grain": about("玉米水稻的水分与直链淀粉", "近红外谷物分析仪"),
}
NEED = "汽车零部件支架的抗拉强度不够，批次之间忽高忽低"


def asked(text: str) -> list[tuple[str, str]]:
    return [(one.asked, one.other) for one in TESTS.asked(normalise(text))]


def test_each_test_is_asked_for_once_by_the_longest_thing_that_was_said():
    assert asked("铝合金焊接用ＬｏＲａ") == [("lora", "疲劳试验"), ("lora", "视觉检测"), ("lora", "5g")]
    assert asked("焊接汽车") == [
        ("焊接", "疲劳试验"),
        ("焊接", "视觉检测"),
        ("焊接", "5g"),
        ("汽车", "cbn"),
        ("汽车", "秸秆还田"),
    ]
    assert asked("FLoRaL") == [], "a Latin word stands by itself"
    assert asked("") == []


def test_a_lab_is_found_by_the_test_that_a_requirement_needs_and_not_by_its_trade():
    snapshot = indexed(LABS)
    plain, wide = Query(body=NEED), Query(body=NEED, measuring=MEASURING)
    assert snapshot.rank(plain, now=NOW).items[0].key == "trade", "what one who asks without finds"
    assert snapshot.rank(wide, now=NOW).items[0].key == "tension"
    shown = {one.label: one for one in snapshot.explain(wide, "tension", now=NOW).terms}
    assert (shown["力学性能"].synonym_of, shown["力学性能"].raised) == ("抗拉强度", RAISED)
    assert all(one.raised == 1 for one in snapshot.explain(wide, "trade", now=NOW).terms)


def test_a_word_of_all_labs_is_asked_for_and_not_raised():
    reading = Query(body=NEED, measuring=MEASURING).reading
    assert reading.through["试验"] == "抗拉强度"
    assert "试验" not in reading.raised
    assert reading.raised["拉伸"] == RAISED


def test_a_test_that_is_named_itself_counts_as_one():
    snapshot = indexed(LABS)
    named = Query(body="抗拉强度要做力学性能试验", measuring=MEASURING)
    (group,) = (one for one in snapshot.explain(named, "tension", now=NOW).terms if one.label == "力学性能")
    assert (group.synonym_of, group.raised) == (None, RAISED)


@unhurried
@given(corpus=corpora, text=telling_texts)
def test_the_parts_still_add_up_and_only_tests_are_raised(corpus, text):
    snapshot, query = indexed(corpus), Query(body=text, style="request", measuring=TESTS)
    own = count_all(query.text)
    tests = {term for _, other in asked(query.text) for term in count_terms(other) if not term.startswith(CHARACTER)}
    marks = {"word": "", "pair": "~", "character": "^"}
    for match in snapshot.rank(query, k=100, now=NOW).items:
        reasons = snapshot.explain(query, match.key, now=NOW, top=1000)
        total = math.fsum(group.contribution for group in reasons.terms) + reasons.other.contribution
        assert abs(total - match.text) <= 1e-9
        for part in (part for group in reasons.terms for part in group.parts):
            term = marks[part.kind] + part.term
            assert (part.raised, part.lowered) == (RAISED if term in tests else 1, 1)
            assert (part.synonym_of is not None) == (term not in own)
            once = (1 + math.log(part.tf_query)) * part.idf * part.focus * part.emphasis * part.aside * part.raised
            assert math.isclose(part.weight_query, once / reasons.query_norm)


@given(text=st.sampled_from(["", "水稻", "目前我公司"]) | telling_texts)
def test_without_what_is_measured_a_text_is_read_as_ever(text):
    if not asked(text):
        one, other = (Query(body=text, measuring=each).reading for each in (TESTS, NO_MEASURING))
        assert (one.counts, one.through, one.raised) == (other.counts, {}, {})


def test_the_known_rows_are_spelt_well():
    """Two characters at least, terms that can be found, and nothing in a row twice."""
    assert len(MEASURING.rows) > 100
    for said, tests in MEASURING.rows:
        assert len(set(said)) == len(said) >= 2
        assert len(set(tests)) == len(tests) >= 2
        assert all(len(word) > 1 and spelt(word) == word and count_terms(word) for word in (*said, *tests))
