"""Texts of 100,000 characters that nobody writes but somebody pastes: work that grows with the length, and no faster."""

from collections import Counter
from itertools import cycle, islice

import numpy as np
import pytest

import matching.text
from matching import TEXT_ONLY, Document, Query
from matching.queries import read
from matching.segments.index import SharedIndex
from matching.segments.planning import sort_down
from matching.text import CHARACTER, PAIR, sentences, sentences_read
from tests.matching.given import indexed

LENGTH = 100_000


def again(piece):
    return "".join(islice(cycle(piece), LENGTH))


TEXTS = {
    "each character another": "".join(chr(0x4E00 + n * 7919 % 20_000) for n in range(LENGTH)),
    "one character": again("电"),
    "one letter": again("a"),
    "one digit": again("1"),
    "function words": again("的和在了是与"),
    "mixed scripts": again("电池battery電池ﾃﾞﾝﾁАккумулятор배터리بطارية"),
    "full-width and traditional": again("鋰離子電池ＡＢＣ１２３．４５，硬度≥６０ＨＲＣ。"),
    "digits and units": again("硬度≥60 HRC，温度 1200℃±5 mm；3.5MPa 12.7kW·h/kg。"),
    "combining marks": again("e\u0301\u0302"),
    "punctuation": again("。，！"),
    "blanks": again(" \n"),
}
LONGEST_NORMALISED = 3  # times the text: ㎡ and its like become several characters


@pytest.fixture
def passes(monkeypatch):
    """How many characters were handed to each step of reading. The steps themselves do their work."""
    seen = Counter()

    def counted(name):
        step = getattr(matching.text, name)

        def counting(text):
            seen[name] += len(text)
            return step(text)

        monkeypatch.setattr(matching.text, name, counting)

    for name in ("cut", "_one_by_one", "_together", "_pairs"):
        counted(name)
    return seen


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_are_read_in_one_pass_of_each_step(text, passes):
    reading = read.__wrapped__(text)
    size = len(reading.normalised)
    assert size <= LONGEST_NORMALISED * len(text)
    assert passes["_one_by_one"] <= len(text)
    assert passes["_together"] <= len(text)
    assert passes["cut"] == passes["_pairs"] == size
    assert sum(reading.counts.values()) <= 3 * size, "a word, a pair and a character at each place, at most"


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_are_cut_once_sentence_by_sentence(text, passes):
    found = sentences_read(text)
    assert [each.span for each in found] == sentences(text)
    assert passes["cut"] == sum(len(each.normalised) for each in found) <= LONGEST_NORMALISED * len(text)
    assert passes["_together"] <= len(text)


class Counted(np.ndarray):
    """Counts how often something is read of it."""

    reads = 0

    def __getitem__(self, place):
        Counted.reads += 1
        return super().__getitem__(place)


@pytest.mark.parametrize(
    "values",
    [
        np.arange(20_000.0),
        np.arange(20_000.0)[::-1].copy(),
        np.zeros(20_000),
        np.random.default_rng(1).random(20_000),
        np.random.default_rng(2).integers(0, 30, 20_000).astype(float),
    ],
    ids=["rising", "falling", "equal", "mixed", "few values"],
)
def test_the_terms_of_a_long_one_are_put_in_order_without_comparing_all_with_all(values):
    ours, names = values.copy(), np.arange(len(values))
    sort_down(ours, names)
    expected = np.lexsort((np.arange(len(values)), -values))
    assert names.tolist() == expected.tolist()
    assert ours.tolist() == values[expected].tolist()
    Counted.reads = 0
    sort_down.py_func(values.copy().view(Counted), np.arange(len(values)))
    assert Counted.reads < 10 * len(values) * np.log2(len(values))


def test_are_ranked_and_explained_as_in_memory():
    records = {
        f"k{n:02}": Document("", TEXTS["each character another"][300 * n : 300 * n + 200] + "电池battery硬度hrc")
        for n in range(40)
    }
    shared = SharedIndex()
    shared.put_many(records.items())
    snapshot, plain = shared.refresh(), indexed(records)
    for text in TEXTS.values():
        query = Query(body=text)
        found = snapshot.rank(query, k=5, now=0.0, weights=TEXT_ONLY)
        assert found == plain.rank(query, k=5, now=0.0, weights=TEXT_ONLY)
        for match in found.items:
            reasons = snapshot.explain(query, match.key, records[match.key], now=0.0, weights=TEXT_ONLY)
            assert reasons.score == pytest.approx(match.score, abs=1e-9)
            said = [part.term for group in reasons.terms for part in group.parts]
            assert {(PAIR if part.kind == "pair" else CHARACTER if part.kind == "character" else "") + part.term
                    for group in reasons.terms for part in group.parts} <= query.reading.counts.keys(), said  # fmt: skip
