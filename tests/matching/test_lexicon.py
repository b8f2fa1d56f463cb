"""A lexicon's terms are found wherever they stand by themselves, and count whole in records and questions alike."""

import pickle
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from matching import TEXT_ONLY, Document, Index, Query
from matching.lexicon import NO_LEXICON, Lexicon, is_piece_or_compound
from matching.segments.index import SharedIndex, building
from matching.segments.store import Store
from matching.synonyms import Synonyms, goes_on, spelt
from matching.text import COMPOUND, all_pieces, count_all, count_terms, cut, is_piece, normalise
from tests.matching.given import NOW, unhurried
from tests.matching.segments.test_index import same

texts = st.text("固态电解质ab1 -/", max_size=30)
lexicons = st.lists(st.text("固态电解质ab1 -/", min_size=1, max_size=6), max_size=8).map(Lexicon.of)


def by_hand(lexicon: Lexicon, text: str) -> Counter[str]:
    """Each term looked for by itself, from left to right."""
    found: Counter[str] = Counter()
    for term in lexicon.terms:
        at = 0
        while at + len(term) <= len(text):
            end = at + len(term)
            if text[at:end] == term and not goes_on(text, at) and not goes_on(text, end):
                found[term] += 1
                at = end
            else:
                at += 1
    return found


@given(lexicons, texts)
@example(Lexicon.of(["aa", "固固"]), "aa aaa 固固固固固")
@example(Lexicon.of(["sic/al", "al", "c/a"]), "sic/al-sic/al")
def test_what_is_found_is_what_looking_for_each_term_by_itself_finds(lexicon, text):
    normalised = normalise(text)
    assert Counter(lexicon.standing(normalised)) == by_hand(lexicon, normalised)


@given(lexicons, texts)
def test_the_counts_are_those_without_a_lexicon_and_its_terms_and_in_order(lexicon, text):
    counted = lexicon.count_all(normalise(text))
    assert list(counted) == sorted(counted)
    assert {term: n for term, n in counted.items() if term[0] != COMPOUND} == count_all(text)
    assert {term[1:]: n for term, n in counted.items() if term[0] == COMPOUND} == by_hand(lexicon, normalise(text))
    few = lexicon.count_terms(text)
    assert {term: n for term, n in few.items() if term[0] != COMPOUND} == count_terms(text)
    pieces = Counter(
        mark + piece for mark, some in lexicon.pieces(text) for piece in some if is_piece_or_compound(mark, piece)
    )
    assert pieces == counted, "and many texts at once count the same"


@given(texts)
def test_without_terms_everything_is_as_before(text):
    assert NO_LEXICON.count_all(normalise(text)) == count_all(text)
    assert list(NO_LEXICON.count_all(normalise(text))) == list(count_all(text))
    assert NO_LEXICON.standing(normalise(text)) == []
    plain = [(mark, [one for one in some if is_piece(mark, one)]) for mark, some in all_pieces(text)]
    ours = [(mark, [one for one in some if is_piece_or_compound(mark, one)]) for mark, some in NO_LEXICON.pieces(text)]
    assert ours == [*plain, (COMPOUND, [])]


def test_terms_are_folded_sorted_once_and_of_bounded_length():
    lexicon = Lexicon.of(["ＳｉＣ/Al", "sic/al", "甲", "固态  电解质", "长" * 61, "铝" * 60], 3)
    assert lexicon.terms == ("sic/al", "固态 电解质", "铝" * 60)
    assert (lexicon.version, len(lexicon)) == (3, 3)
    assert lexicon.digest == Lexicon.of(reversed(lexicon.terms), 4).digest
    assert lexicon.digest != Lexicon.of(["sic/al"]).digest
    assert NO_LEXICON.digest == ""
    again = pickle.loads(pickle.dumps(lexicon))
    assert again.standing("用sic/al制") == ["sic/al"], "it goes to other processes"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("CBN", ["cbn"]),
        ("LoRa", ["lora"]),
        ("H2O", ["h2o"]),
        ("60HRC", ["60hrc"]),
        ("5G", ["5g"]),
        ("SiC/Al", ["sic", "al"]),
        ("7075-T6", ["t6"]),
        ("GB/T 2260", ["gb", "t"]),
        ("Ti-6Al-4V", ["ti", "6al", "4v"]),
        ("0.35μm", ["μ", "m"]),
    ],
)
def test_latin_names_and_figures_are_words_and_joined_ones_can_be_terms(name, words):
    """What cutting leaves of them; a name that is cut can be kept whole as a term."""
    assert [word for word in cut(normalise(name)) if is_piece("", word)] == words
    if words != [spelt(name)]:
        text = normalise(f"采用{name}，另有x{name}y。")
        assert Lexicon.of([name]).standing(text) == [spelt(name)]


WHOLE = Lexicon.of(["固态电解质", "固态电解质薄膜", "sic/al", "上转换"], 7)
WORDS = ["固态", "电解质", "薄膜", "sic/al", "SiC", "/", "上转换", "，", "。", "电池", "x"]
short = st.lists(st.sampled_from(WORDS), max_size=9).map("".join)


@unhurried
@given(
    corpus=st.dictionaries(st.sampled_from("abcdef"), st.builds(Document, short, short), max_size=6),
    news=st.lists(st.tuples(st.sampled_from("abcx"), st.builds(Document, short, short)), max_size=3),
    query=st.builds(Query, short, short, style=st.sampled_from(["request", "report"])),
    widened=st.booleans(),
)
@example(
    corpus={"a": Document("固态电解质薄膜", "上转换，固态sic/al。"), "b": Document("固态", "电解质 薄膜 SiC x")},
    news=[("x", Document("sic/al电池", ""))],
    query=Query("固态电解质薄膜", "上转换sic/al"),
    widened=True,
)
def test_the_segments_answer_what_the_plain_index_answers(tmp_path_factory, corpus, news, query, widened):
    if widened:
        query = Query(query.title, query.body, style=query.style, synonyms=Synonyms.of([["电池", "固态电解质"]]))
    plain = Index(lexicon=WHOLE)
    plain.put_many(corpus.items())
    store = Store(tmp_path_factory.mktemp("lexicon"))
    with building(store, WHOLE) as making:
        making.add(corpus.items())
        making.publish(1)
    index = SharedIndex(store, WHOLE)
    same(index.snapshot, plain.refresh(), query, k=3)
    index.put_many(news, mark=2)
    plain.put_many(news)
    same(index.refresh(), plain.refresh(), query, k=3)
    index.publish(2)
    same(SharedIndex(store, WHOLE).snapshot, plain.snapshot, query, k=3)


# Every word, pair and character of 固态电解质薄膜, and never the whole.
PIECES = "固态膜和电解质薄膜，常态电压下优质薄膜。" * 3
OTHERS = {str(n): Document(f"第{n}种材料", f"与电池、薄膜、固态、电解质各有关的第{n}项研究。") for n in range(9)}


def ranked(lexicon: Lexicon, corpus: dict[str, Document], query: Query):
    index = Index(lexicon=lexicon)
    index.put_many(corpus.items())
    snapshot = index.refresh()
    return snapshot, snapshot.rank(query, k=20, now=NOW, weights=TEXT_ONLY).items


def test_a_record_with_the_whole_term_comes_before_those_with_its_pieces():
    corpus = OTHERS | {
        "whole": Document("材料", "一项关于固态电解质薄膜的研究，另有许多别的话要说，也说到了别的事。"),
        "pieces": Document("材料", PIECES),
    }
    query = Query("固态电解质薄膜")
    assert ranked(NO_LEXICON, corpus, query)[1][0].key == "pieces", "or this would show nothing"
    snapshot, items = ranked(Lexicon.of(["固态电解质薄膜"], 2), corpus, query)
    assert items[0].key == "whole"
    why = snapshot.explain(query, "whole", now=NOW, weights=TEXT_ONLY)
    assert (why.terms[0].label, why.lexicon) == ("固态电解质薄膜", 2)
    assert ("固态电解质薄膜", "compound") in {(part.term, part.kind) for part in why.terms[0].parts}
    assert sum(group.contribution for group in why.terms) + why.other.contribution == pytest.approx(why.text, abs=1e-9)


def test_a_term_that_begins_with_a_function_word_is_shown_whole():
    snapshot, _ = ranked(Lexicon.of(["上转换发光"]), {"a": Document("", "稀土上转换发光材料")}, Query("上转换发光"))
    why = snapshot.explain(Query("上转换发光"), "a", now=NOW, weights=TEXT_ONLY)
    assert why.terms[0].label == "上转换发光"


def test_a_spelling_that_a_synonym_asks_for_counts_whole_too():
    synonyms = Synonyms.of([["准固态膜", "固态电解质薄膜"]])
    query = Query("准固态膜", synonyms=synonyms)
    snapshot, _ = ranked(Lexicon.of(["固态电解质薄膜"]), {"a": Document("", "固态电解质薄膜")}, query)
    parts = [part for group in snapshot.explain(query, "a", now=NOW).terms for part in group.parts]
    assert [(part.term, part.synonym_of) for part in parts if part.kind == "compound"] == [
        ("固态电解质薄膜", "准固态膜")
    ]
