import math

from hypothesis import given
from hypothesis import strategies as st

from matching import Query
from matching.asides import is_aside
from matching.known_synonyms import STARTING
from matching.queries import read
from matching.synonyms import Synonyms, spelt
from matching.text import count_all, count_terms, normalise
from tests.matching.given import NOW, about, corpora, indexed, telling_texts, unhurried

BATTERY = Synonyms.of([["锂电池", "锂离子蓄电器", "Li-ion"], ["发光二极管", "LED"]])
spellings = st.sampled_from(
    ["锂离子电池", "固态电解质", "LoRa", "5G", "焊接", "疲劳试验", "CBN", "汽车", "视觉检测", "目前"]
)
groups = st.lists(st.lists(spellings, min_size=2, max_size=4, unique=True), max_size=4).map(Synonyms.of)


def widened(text: str, synonyms: Synonyms = BATTERY) -> list[tuple[str, str, int]]:
    return [tuple(one) for one in synonyms.widened(normalise(text))]


def test_a_question_asks_for_the_other_spellings_as_often_as_it_says_its_own():
    assert widened("锂电池回收与ＬＥＤ。锂电池") == [
        ("锂电池", "锂离子蓄电器", 2), ("锂电池", "li-ion", 2), ("led", "发光二极管", 1),
    ]  # fmt: skip
    assert widened("锂电池、锂离子蓄电器和 LI-ION 是一回事") == []
    assert widened("") == []


def test_a_latin_spelling_stands_by_itself_and_a_chinese_one_anywhere():
    assert widened("filled, LED2, rolled, 2LED") == []
    assert widened("LED灯、led-灯，用LED。") == [("led", "发光二极管", 3)]
    assert widened("磷酸铁锂电池") != []


def test_what_is_no_spelling_is_left_out_of_its_group():
    assert Synonyms.of([["砼", "混凝土"], ["A B", "a  b "], []]).groups == ()
    assert Synonyms.of([["砼", "混凝土", "水泥混凝土"]]).groups == (("混凝土", "水泥混凝土"),)


def test_a_record_is_found_through_another_spelling_and_its_reasons_say_so():
    snapshot = indexed(
        {"through": about("锂离子蓄电器的梯次利用"), "itself": about("锂电池的梯次利用"), "neither": about("水稻种植")}
    )
    plain, wide = Query(body="锂电池"), Query(body="锂电池", synonyms=BATTERY)
    assert [one.key for one in snapshot.rank(plain, now=NOW).items] == ["itself"]
    assert {one.key for one in snapshot.rank(wide, now=NOW).items} == {"itself", "through"}
    through, itself = snapshot.explain(wide, "through", now=NOW), snapshot.explain(wide, "itself", now=NOW)
    assert next((group.label, group.synonym_of) for group in through.terms) == ("锂离子蓄电器", "锂电池")
    assert all(group.synonym_of is None for group in itself.terms)


def test_one_snapshot_answers_each_list_of_synonyms_by_itself():
    """A changed list is a new object, and no answer to the old one is given for it."""
    snapshot = indexed({"through": about("锂离子蓄电器的梯次利用")})
    found = [
        bool(snapshot.rank(Query(body="锂电池", synonyms=each), now=NOW).items)
        for each in (BATTERY, Synonyms.of([]), BATTERY, Synonyms.of([["锂电池", "电瓶"]]))
    ]
    assert found == [True, False, True, False]


@unhurried
@given(corpus=corpora, text=telling_texts, synonyms=groups)
def test_the_parts_still_add_up_and_only_foreign_terms_are_marked(corpus, text, synonyms):
    snapshot = indexed(corpus)
    query = Query(body=text, synonyms=synonyms)
    own = count_all(query.text)
    others = {term for one in synonyms.widened(normalise(query.text)) for term in count_terms(one.other)}
    marks = {"word": "", "pair": "~", "character": "^"}
    for match in snapshot.rank(query, k=100, now=NOW).items:
        reasons = snapshot.explain(query, match.key, now=NOW, top=1000)
        total = math.fsum(group.contribution for group in reasons.terms) + reasons.other.contribution
        assert abs(total - match.text) <= 1e-9
        for part in (part for group in reasons.terms for part in group.parts):
            term = marks[part.kind] + part.term
            assert (part.synonym_of is not None) == (term not in own)
            assert part.tf_query == own[term] if term in own else term in others
            brevity = 150 / (150 + len(query.reading.counts))
            assert part.aside == (brevity if term not in own or part.kind == "character" or is_aside(term) else 1)


@given(text=telling_texts, synonyms=groups)
def test_a_text_that_uses_none_of_them_is_read_as_ever(text, synonyms):
    used = any(word in normalise(text) for group in synonyms.groups for word in group)
    if not used:
        assert read(text, synonyms).counts == count_all(text)
        assert not read(text, synonyms).through


def test_the_starting_set_is_spelt_well():
    """Two characters at least, terms that can be found, and no spelling with two meanings."""
    words = [spelt(word) for group in STARTING for word in group]
    assert len(set(words)) == len(words)
    assert all(len(word) > 1 and count_terms(word) for word in words)
    assert len(Synonyms.of(STARTING)) == len(STARTING)
