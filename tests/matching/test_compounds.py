"""New terms are found where their parts hold together and their neighbours are free; the numbers are those of a plain count."""

import math
import random
from collections import Counter

import pytest

from matching import compounds
from matching.compounds import Demands, discovered, is_term
from matching.lexicon import Lexicon
from matching.text import normalise

FILLERS = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏"
TERM, MIXED = "磷酸铁锂", "sic陶瓷"
# So few texts have no room for rare terms: what stands everywhere cannot hold together much better than chance.
FEW = Demands(cohesion=1.5)


def corpus(seed: int = 1, many: int = 60) -> list[str]:
    """Texts in which two terms stand among characters at random, each text with one of them several times."""
    chance = random.Random(seed)
    made = []
    for n in range(many):
        term = TERM if n % 2 else "SiC陶瓷"
        words = [term if chance.random() < 0.3 else chance.choice(FILLERS) for _ in range(40)]
        made.append("".join(words) + "。" + term)
    return made


def test_terms_among_noise_are_found_and_nothing_else():
    found = discovered(corpus(), demands=FEW)
    assert {one.text for one in found} == {TERM, MIXED}


def test_the_numbers_are_those_of_a_plain_count():
    texts = [normalise(text) for text in corpus(2)]
    (one,) = [one for one in discovered(texts, demands=FEW) if one.text == TERM]
    runs = [run for text in texts for run in text.split("。")]
    assert one.frequency == sum(run.count(TERM) for run in runs)
    assert one.texts == sum(TERM in text for text in texts)
    for beside, step in ((one.left, -1), (one.right, len(TERM))):
        told: Counter[str] = Counter()
        for number, run in enumerate(runs):
            at = run.find(TERM)
            while at >= 0:
                place = at + step
                char = run[place : place + 1] if 0 <= place < len(run) else f"end {number}"
                token = "sic" if char in "sic" and char else char
                told[token] += 1
                at = run.find(TERM, at + 1)
        share = [n / one.frequency for n in told.values()]
        assert beside == pytest.approx(-sum(p * math.log(p) for p in share))
    tokens = sum(len(run.replace("sic", "s")) for run in runs)
    counts = {part: sum(run.count(part) for run in runs) for part in ("磷", "磷酸", "磷酸铁", "酸铁锂", "铁锂", "锂")}
    splits = [("磷", "酸铁锂"), ("磷酸", "铁锂"), ("磷酸铁", "锂")]
    expected = min(math.log(one.frequency * tokens / (counts[a] * counts[b])) for a, b in splits)
    assert one.cohesion == pytest.approx(expected)


def test_blocks_and_forgetting_change_nothing_that_is_frequent(monkeypatch):
    whole = discovered(corpus(3), demands=FEW)
    monkeypatch.setattr(compounds, "_BLOCK", 97)
    assert discovered(corpus(3), demands=FEW) == whole
    monkeypatch.setattr(compounds, "MOST_COUNTED", 2000)
    assert {one.text for one in discovered(corpus(3), demands=FEW)} == {one.text for one in whole}


def test_what_is_known_already_is_not_proposed():
    assert {one.text for one in discovered(corpus(), demands=FEW, known=Lexicon.of([TERM]))} == {MIXED}


def test_what_stands_within_a_longer_one_is_left_out():
    longer = [text.replace(TERM, "磷酸铁锂正极") for text in corpus()]
    assert {one.text for one in discovered(longer, demands=FEW)} == {"磷酸铁锂正极", MIXED}


@pytest.mark.parametrize("text", ["研究结果", "的固态膜", "固态膜的", "本公司产品", "复合材料"])
def test_words_of_no_field_and_words_of_the_dictionary_are_no_terms(text):
    assert not is_term(text)
    assert is_term("磷酸铁锂")


@pytest.mark.parametrize("texts", [[], [""], ["。，"], ["一"], ["ab12 3"]])
def test_nothing_comes_of_nothing(texts):
    assert discovered(texts) == []


def test_progress_is_told_to_the_end():
    heard: list[tuple[int, int]] = []
    discovered(corpus(many=4), told=lambda done, of: heard.append((done, of)), demands=Demands(frequency=2, texts=1))
    assert heard[-1] == (16, 16)
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
