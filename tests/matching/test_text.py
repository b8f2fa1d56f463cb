import logging
import subprocess
import sys
import time
import unicodedata
from collections import Counter
from itertools import pairwise

import jieba
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from matching import text as text_module
from matching.text import (
    all_pieces,
    count_all,
    count_terms,
    cut,
    first_clause,
    is_piece,
    is_plain,
    normalise,
    normalise_with_offsets,
    sentences,
    terms,
)
from tests.matching.given import any_text, texts, unhurried
from tests.matching.phrases_by_hand import Matched, Occurrence, occurrences, shared_phrases


@pytest.fixture(scope="session")
def reference(tmp_path_factory):
    jieba.setLogLevel(logging.CRITICAL)
    tokenizer = jieba.Tokenizer()
    tokenizer.tmp_dir = str(tmp_path_factory.mktemp("jieba"))
    tokenizer.initialize()
    return tokenizer


PASSAGES = [
    "基于固态电解质的锂离子电池在低温下的循环寿命研究,容量保持率为 80.5％。",
    "采用LoRa与NB-IoT混合组网，SiC/Al复合材料、42CrMo钢；硬度≥60HRC（10-20℃）.",
    "南京市长江大桥欢迎在京工作的研究生命起源的科学家们",
    "C++ 和 C# 程序、T恤、卡拉OK、α-Fe2O3、β-葡聚糖、1,3-丙二醇、5‰、№12、㎡、ＡＢＣ",
    "繁體中文與簡體中文混排，擴充區 𠀀𪛖𫝀𫠠𬺰𰀀 和 한국어 данные ελληνικά",
    "e\u0301\u0323 \r\n\x85\u2028\u3000\x1c\x0b\ufeff",
]


class TestTheFastCutIsJiebasCut:
    @pytest.mark.parametrize("text", PASSAGES)
    def test_on_passages(self, reference, text):
        assert cut(text) == list(reference.cut(text, HMM=False))

    @unhurried
    @given(text=texts)
    @example(text="")
    def test_on_any_text_as_it_is_and_normalised(self, reference, text):
        for spelling in (text, normalise(text)):
            assert cut(spelling) == list(reference.cut(spelling, HMM=False))

    @unhurried
    @given(text=any_text)
    def test_words_joined_again_are_the_text(self, text):
        assert "".join(cut(text)) == text


def test_importing_and_cutting_says_nothing_and_writes_nothing(tmp_path):
    program = "import matching, matching.text; assert matching.text.terms('固态电解质')"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        check=True,
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.stdout == b""
    assert done.stderr == b""
    assert list(tmp_path.iterdir()) == []


class TestNormalising:
    @pytest.mark.parametrize(
        ("written", "read"),
        [
            ("ＬｏＲａ", "lora"),
            ("LoRa", "lora"),
            ("１２．５㎡", "12.5m2"),
            ("（ﬁ）", "(fi)"),
            ("e\u0301", "é"),
            ("ΑΣ", "ας".replace("ς", "σ")),
            ("Straße", "strasse"),
            ("", ""),
        ],
    )
    def test_gives_one_spelling(self, written, read):
        assert normalise(written) == read

    @unhurried
    @given(text=texts)
    def test_gives_nfkc_without_case(self, text):
        read = normalise(text)
        assert unicodedata.is_normalized("NFKC", read)
        assert normalise(text.upper().lower()) == normalise(text.upper())

    def test_ten_thousand_combining_marks_take_no_time(self):
        marks = "e" + "\u0301\u0323" * 100_000 + "中"
        begun = time.process_time()
        read = normalise(marks)
        assert time.process_time() - begun < 1
        assert len(read) < 40
        assert read.endswith("中")

    def test_thirty_marks_are_kept(self):
        assert len(normalise("x" + "\u0334" * 30)) == 31
        assert len(normalise("x" + "\u0334" * 31)) == 31
        assert normalise("-" * 50) == "-" * 50


class TestTerms:
    def test_are_words_and_marked_pairs(self):
        assert terms("固态电解质") == ["固态", "电解质", "~固态", "~态电", "~电解", "~解质"]

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("LoRa通信", {"lora", "通信"}),
            ("SiC/Al复合材料", {"sic", "al", "复合材料"}),
            ("42CrMo钢", {"42crmo", "钢"}),
            ("硬度60HRC", {"硬度", "60hrc"}),
            ("𠀀字", {"𠀀", "字"}),
        ],
    )
    def test_keep_latin_names_whole(self, text, words):
        assert {term for term in terms(text) if not term.startswith("~")} == words

    @pytest.mark.parametrize("text", ["", " \n", "2018 3.5 100", "。，！-+", "的和在了", "以及因此", "\u0301" * 10_000])
    def test_are_none_where_nothing_is_said(self, text):
        assert terms(text) == []

    def test_pairs_do_not_cross_punctuation(self):
        assert "~质和" in terms("电解质和")
        assert "~质池" not in terms("电解质，池")

    def test_pairs_of_two_function_characters_are_none(self):
        assert terms("电池的和") == ["电池", "~电池", "~池的"]

    @unhurried
    @given(text=texts)
    def test_are_counted_in_their_own_order(self, text):
        counted = count_terms(text)
        assert list(counted) == sorted(counted)
        assert counted == Counter(terms(text))
        assert all(any(map(str.isalpha, term)) for term in counted)

    @pytest.mark.parametrize("char", ["中", "的", "a", "1", "𠀀", "\u0301", "。"])
    def test_of_a_hundred_thousand_equal_characters_come_in_bounded_time(self, char):
        begun = time.process_time()
        assert len(count_terms(char * 100_000)) <= 100
        assert time.process_time() - begun < 2


class TestSentences:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("", []),
            ("  \n ", []),
            ("一句。两句！三句", ["一句。", "两句！", "三句"]),
            ("厚 3.5 mm,用SiC.Al制成.结果很好.", ["厚 3.5 mm,用SiC.Al制成.", "结果很好."]),
            ("他说：“行。”然后走了；完", ["他说：“行。”", "然后走了；", "完"]),
            ("第一行\n第二行\r\n\r\n  第三行", ["第一行", "第二行", "第三行"]),
            ("End. Next one.", ["End.", "Next one."]),
        ],
    )
    def test_end_where_a_reader_would_stop(self, text, found):
        assert [text[span.start : span.end] for span in sentences(text)] == found

    @unhurried
    @given(text=texts)
    def test_cover_everything_but_blanks_in_order(self, text):
        spans = sentences(text)
        assert all(one.end <= other.start for one, other in pairwise(spans))
        assert all(span.start < span.end for span in spans)
        kept = "".join(text[span.start : span.end] for span in spans)
        assert "".join(kept.split()) == "".join(text.split())

    def test_that_never_end_are_divided_at_a_comma_if_there_is_one(self):
        commas = ("一二三四五六七八九，" * 100)[:-1]
        found = [commas[span.start : span.end] for span in sentences(commas)]
        assert all(len(sentence) <= 240 for sentence in found)
        assert all(sentence.endswith("，") for sentence in found[:-1])
        assert [span.end - span.start for span in sentences("中" * 500)] == [240, 240, 20]


class TestFirstClause:
    @pytest.mark.parametrize(
        ("text", "title"),
        [
            ("研究了固态电解质的制备,并测试了性能.", "研究了固态电解质的制备"),
            ("目的 观察人参皂苷的作用.方法 略", "观察人参皂苷的作用"),
            ("【目的】探讨秸秆还田方式。", "探讨秸秆还田方式"),
            ("需求内容：1、高强度螺栓的疲劳试验。2、其他", "高强度螺栓的疲劳试验"),
            ("\n一、研究背景\n某厂需要轻量化车架。", "某厂需要轻量化车架"),
            ("3.5mm薄板的焊接，变形大", "3.5mm薄板的焊接"),
            ("摘要：好。电池的循环寿命较短", "电池的循环寿命较短"),
            ("短", "短"),
            ("目的：", "目的："),
            ("", ""),
            (" \n\t", ""),
        ],
    )
    def test_is_a_title(self, text, title):
        assert first_clause(text) == title

    def test_is_cut_between_words(self):
        assert first_clause("盐酸洛美沙星胶囊中盐酸洛美沙星的含量测定方法研究", 12) == "盐酸洛美沙星胶囊中盐酸…"

    def test_is_cut_within_a_word_when_it_has_to_be(self):
        assert first_clause("a" * 50, 10) == "a" * 9 + "…"

    def test_of_a_text_without_clauses_is_its_beginning(self):
        assert first_clause("一，二，三") == "一，二，三"

    @unhurried
    @given(text=any_text, limit=st.integers(2, 30))
    def test_is_never_longer_than_asked_nor_empty_without_need(self, text, limit):
        title = first_clause(text, limit)
        assert len(title) <= limit
        assert bool(title) == bool(text.strip())
        assert title == title.strip()

    def test_needs_room(self):
        with pytest.raises(ValueError, match="at least 2"):
            first_clause("中文", 1)


class TestOffsets:
    @unhurried
    @given(text=texts)
    def test_lead_back_into_the_text(self, text):
        read, offsets = normalise_with_offsets(text)
        assert read == normalise(text)
        assert len(offsets) == len(read) + 1
        assert offsets[-1] == len(text)
        assert offsets == sorted(offsets)
        assert all(0 <= offset <= len(text) for offset in offsets)

    def test_are_exact_through_width_and_expansion(self):
        text = "面积㎡与ＡＢＣ…"
        read, offsets = normalise_with_offsets(text)
        assert read == "面积m2与abc..."
        assert offsets == [0, 1, 2, 2, 3, 4, 5, 6, 7, 7, 7, 8]

    def test_fall_back_to_proportion_for_letters_that_join(self):
        read, offsets = normalise_with_offsets("\u1100\u1161中")
        assert read == "가中"
        assert offsets == [0, 1, 3]


def occurring(document, query):
    read = normalise(document)
    words = cut(read)
    return read, words, occurrences(read, words, Matched(set(terms(document)) & set(terms(query))))


class TestPhrases:
    @staticmethod
    def of(document, query):
        return [label for label, _ in shared_phrases(*occurring(document, query), normalise(query))]

    def test_are_what_both_sides_say(self):
        assert self.of("一种固态电解质的制备方法", "需要固态电解质，制备简单") == ["固态电解质", "制备"]

    def test_leave_function_words_off_their_ends(self):
        assert self.of("电池的正极", "锂电池的正极") == ["电池的正极"]
        assert self.of("用在电池的盖", "电池的壳") == ["电池"]

    def test_that_run_on_are_divided_between_words(self):
        passage = "锂离子电池正极材料制备工艺优化方法研究"
        found = self.of(passage, passage)
        assert len(found) > 1
        assert max(map(len, found)) <= 16

    def test_of_function_words_only_keep_them(self):
        assert list(shared_phrases("的了", ["的", "了"], [Occurrence(0, 2, "~的了")], "的了")) == [("的了", {"~的了"})]

    @unhurried
    @given(document=texts, query=texts)
    def test_hold_every_matched_term_once_at_least(self, document, query):
        read, words, found = occurring(document, query)
        held = {term for _, some in shared_phrases(read, words, found, normalise(query)) for term in some}
        assert held == {each.term for each in found}
        assert held == set(terms(document)) & set(terms(query))


class TestAllTerms:
    @unhurried
    @given(text=texts)
    def test_are_words_and_pairs_and_the_single_ideographs(self, text):
        counted = count_all(text)
        assert {term: count for term, count in counted.items() if not term.startswith("^")} == count_terms(text)
        assert list(counted) == sorted(counted)
        for term, count in counted.items():
            if term.startswith("^"):
                assert normalise(text).count(term[1:]) == count

    def test_hold_no_function_word_and_no_letter(self):
        assert {term for term in count_all("的LoRa检测") if term.startswith("^")} == {"^检", "^测"}

    @unhurried
    @given(text=texts)
    def test_are_what_is_counted_in_bulk(self, text):
        counted = Counter(
            mark + piece for mark, pieces in all_pieces(text) for piece in pieces if is_piece(mark, piece)
        )
        assert counted == count_all(text)


# What stands alone, and some that joins, decomposes or stands beside it.
_FOLDED = "".join(chr(number) for number in range(1 << 16) if text_module._FOLDS[number])


class TestPlainText:
    @unhurried
    @given(text=st.text(st.sampled_from(_FOLDED)))
    def test_is_normalised_as_any_other(self, text):
        assert is_plain(text)
        assert normalise(text) == text_module._together(text)
        assert len(normalise(text)) == len(text)

    @unhurried
    @given(text=st.text(st.sampled_from("中文ＡＢ，。“a\u0301①ㅏ가\u1161ﬁ℃İ\ud800𠀀\0")))
    def test_and_other_text_fare_alike(self, text):
        if not text.isascii():
            assert normalise(text) == text_module._together(text)
