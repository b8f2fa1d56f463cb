import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import Document, Reasons, TermGroup, Weights
from matching.asides import is_aside
from matching.text import count_all, normalise
from tests.matching.given import DAY, NOW, about, asking, corpora, emphasis, indexed, queries, unhurried

MARKS = {"word": "", "pair": "~", "character": "^"}


def parts_of(reasons: Reasons):
    return [part for group in reasons.terms for part in group.parts]


@unhurried
@given(corpus=corpora, query=queries, top=st.integers(1, 30))
def test_the_parts_add_up_to_the_score_of_the_ranking(corpus, query, top):
    snapshot = indexed(corpus)
    for match in snapshot.rank(query, k=100, now=NOW).items:
        reasons = snapshot.explain(query, match.key, now=NOW, top=top)
        text = math.fsum(group.contribution for group in reasons.terms) + reasons.other.contribution
        total = text + math.fsum(signal.contribution for signal in reasons.signals)
        assert abs(text - match.text) <= 1e-9
        assert abs(total - match.score) <= 1e-9
        assert abs(reasons.text - match.text) <= 1e-9
        assert abs(reasons.score - match.score) <= 1e-9
        for group in reasons.terms:
            assert abs(math.fsum(part.contribution for part in group.parts) - group.contribution) <= 1e-9
        assert len(reasons.terms) <= top
        assert (reasons.other.groups == 0) == (reasons.other.terms == 0)
        assert [signal.name for signal in reasons.signals] == ["field", "trl", "region", "budget", "freshness"]


@unhurried
@given(corpus=corpora, query=queries)
def test_every_contribution_can_be_redone_by_hand(corpus, query):
    snapshot = indexed(corpus)
    counted = {key: count_all(document.text) for key, document in corpus.items()}
    asked = count_all(query.text)
    brevity = 150 / (150 + len(asked))
    report = query.reading.style == "report"
    spoken = {term for term in asked if not term.startswith("^")}
    nearest = [found for found in counted.values() if spoken & found.keys()]
    for match in snapshot.rank(query, k=100, now=NOW).items:
        reasons = snapshot.explain(query, match.key, now=NOW, top=1000)
        assert reasons.documents == len(corpus)
        assert reasons.style == query.reading.style
        for part in parts_of(reasons):
            term = MARKS[part.kind] + part.term
            assert part.tf_query == asked[term]
            assert part.tf_document == counted[match.key][term]
            assert part.df == sum(term in found for found in counted.values())
            idf = math.log((1 + reasons.documents) / (1 + part.df)) + 1
            assert part.cf == sum(found.get(term, 0) for found in counted.values())
            focus = ((part.cf + 5) / (part.df + 5)) ** 0.3
            aside = brevity if not report and (part.kind == "character" or is_aside(term)) else 1
            stressed, apart = emphasis(term, report=report), 1
            if report:
                apart = ((len(nearest) + 1) / (sum(term in found for found in nearest) + 1)) ** 0.3
            factors = (focus, stressed, aside, apart)
            assert (part.focus, part.emphasis, part.aside, part.apart) == pytest.approx(factors)
            wq = (1 + math.log(part.tf_query)) * idf * math.prod(factors) / reasons.query_norm
            wd = (1 + math.log(1 + math.log(part.tf_document))) * idf / reasons.document_norm
            assert (part.idf, part.weight_query, part.weight_document) == pytest.approx((idf, wq, wd))
            assert part.contribution == pytest.approx(wq * wd)


@unhurried
@given(corpus=corpora, query=queries)
def test_every_matched_term_is_listed_once(corpus, query):
    snapshot = indexed(corpus)
    for key, document in corpus.items():
        listed = [MARKS[part.kind] + part.term for part in parts_of(snapshot.explain(query, key, now=NOW, top=1000))]
        shared = set(count_all(query.text)) & set(count_all(document.text))
        # Single characters alone are no match.
        assert sorted(listed) == (sorted(shared) if any(not term.startswith("^") for term in shared) else [])


class TestTheListedTerms:
    def test_are_phrases_that_both_sides_share(self):
        corpus = {"a": about("一种固态电解质的制备方法。"), "b": about("水稻种植"), "c": about("玉米收获机械")}
        reasons = indexed(corpus).explain(asking("需要高性能固态电解质"), "a", now=NOW)
        assert [group.label for group in reasons.terms] == ["固态电解质"]
        assert {part.term for part in reasons.terms[0].parts} == {
            "固态",
            "电解质",
            "态电",
            "电解",
            "解质",
            "固",
            "态",
            "电",
            "解",
            "质",
        }

    def test_come_strongest_first_and_the_rest_is_summed_up(self):
        text = "石墨烯。焊接。机器人。人参。秸秆"
        reasons = indexed({"a": about(text), "b": about("焊接机器人")}).explain(asking(text), "a", now=NOW, top=2)
        assert len(reasons.terms) == 2
        assert reasons.terms[0].contribution >= reasons.terms[1].contribution
        assert reasons.other.groups == 3
        assert reasons.other.terms > 3
        assert reasons.other.contribution > 0

    def test_of_documents_that_share_nothing_are_none(self):
        reasons = indexed({"a": about("水稻")}).explain(asking("电池"), "a", now=NOW)
        assert (reasons.score, reasons.text, reasons.terms, reasons.sentence) == (0, 0, (), None)

    def test_keep_latin_names_whole(self):
        corpus = {"a": about("基于LoRa的组网"), "b": about("水稻")}
        reasons = indexed(corpus).explain(asking("ＬＯＲＡ 模块"), "a", now=NOW)
        assert [group.label for group in reasons.terms] == ["lora"]
        assert isinstance(reasons.terms[0], TermGroup)


class TestTheSentence:
    @unhurried
    @given(corpus=corpora, query=queries)
    def test_is_the_documents_own_with_the_matched_places_in_it(self, corpus, query):
        snapshot = indexed(corpus)
        for match in snapshot.rank(query, k=100, now=NOW).items:
            sentence = snapshot.explain(query, match.key, now=NOW).sentence
            if sentence is None:  # the only shared term is cut in two by the end of a sentence
                continue
            assert sentence.text == getattr(corpus[match.key], sentence.field)[sentence.start : sentence.end]
            assert 0 < sentence.share <= 1
            assert sentence.spans
            last = -1
            for start, end in sentence.spans:
                assert last < start < end <= len(sentence.text)
                last = end

    def test_is_the_one_that_carries_most(self):
        body = "本文研究秸秆。采用固态电解质提高了电池寿命。结果良好，电池可用。"
        corpus = {"a": Document("电池寿命与固态电解质", body), "b": about("水稻")}
        sentence = indexed(corpus).explain(asking("固态电解质电池，寿命长"), "a", now=NOW).sentence
        assert sentence.field == "body"
        assert sentence.text == "采用固态电解质提高了电池寿命。"
        assert [sentence.text[start:end] for start, end in sentence.spans] == ["固态电解质", "电池寿命"]

    def test_is_of_the_title_when_the_body_says_nothing(self):
        corpus = {"a": Document("固态电解质", "见附件。"), "b": about("水稻")}
        sentence = indexed(corpus).explain(asking("固态电解质"), "a", now=NOW).sentence
        assert (sentence.field, sentence.text, sentence.share) == ("title", "固态电解质", 1.0)

    def test_marks_places_in_the_text_as_it_was_written(self):
        corpus = {"a": about("面积为３㎡的ＬｏＲａ网关与e\u0301tude。"), "b": about("水稻")}
        sentence = indexed(corpus).explain(asking("lora网关 Étude"), "a", now=NOW).sentence
        assert [sentence.text[start:end] for start, end in sentence.spans] == ["ＬｏＲａ网关", "e\u0301tude"]

    @unhurried
    @given(word=st.sampled_from(["ＬｏＲａ", "㎡面积", "ﬁber", "固态電池", "Straße", "e\u0301tude"]))
    def test_marks_hold_what_was_asked(self, word):
        corpus = {"a": about(f"前文……，{word}；后文"), "b": about("水稻")}
        sentence = indexed(corpus).explain(asking(word), "a", now=NOW).sentence
        assert normalise("".join(sentence.text[start:end] for start, end in sentence.spans)) == normalise(word)


class TestTheSignals:
    def test_name_their_contribution_and_what_was_compared(self):
        corpus = {"a": about("电池", industries=("C384",), trl=5, region="220202", confirmed_at=NOW - 90 * DAY)}
        query = asking("电池", industries=("C3841",), trl=6, region="220102", money=(1.0, 2.0))
        reasons = indexed(corpus).explain(query, "a", now=NOW)
        field, trl, region, budget, freshness = reasons.signals
        weights = Weights()
        text = reasons.text
        assert 0 < text < 1
        assert (field.value, field.weight, field.contribution) == (
            0.75,
            weights.field,
            pytest.approx(text * 0.75 * weights.field),
        )
        assert field.detail == {"by": "industry", "problem": "C3841", "achievement": "C384", "level": "group"}
        assert (trl.value, trl.contribution) == (0.75, pytest.approx(text * 0.75 * weights.trl))
        assert (region.value, region.contribution) == (0.5, pytest.approx(text * 0.5 * weights.region))
        assert (budget.known, budget.value, budget.contribution) == (False, None, 0)
        assert (freshness.known, freshness.contribution) == (True, pytest.approx(text * 0.5 * weights.freshness))

    def test_switched_off_add_nothing_but_are_still_shown(self):
        snapshot = indexed({"a": about("电池", region="220102")})
        query = asking("电池", region="220102")
        region = snapshot.explain(query, "a", now=NOW, weights=Weights(region=0)).signals[2]
        assert (region.value, region.weight, region.contribution) == (1.0, 0, 0)


def test_an_unknown_key_is_a_key_error():
    with pytest.raises(KeyError):
        indexed({}).explain(asking("电池"), "a", now=NOW)
