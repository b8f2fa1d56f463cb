from collections import Counter

import pytest

from matching.segments import bulk
from matching.segments.bulk import Analysis, Record, publish
from matching.segments.collection import Collection
from matching.segments.segment import KeyTaken
from matching.segments.store import Store
from matching.text import count_all, cut
from tests.matching.segments.given import BruteForce, ranked

TEXTS = ["固态电解质锂离子电池", "石墨烯复合材料疲劳试验", "锂离子电池的轻量化", "", "，。", "电池 电池 电池 42CrMo"]
RECORDS = [Record(f"k{9 - n}", text * (n % 3 + 1)) for n, text in enumerate(TEXTS)]


def words(text):
    return [("", cut(text))]


def has_letter(_mark, word):
    return any(map(str.isalpha, word))


@pytest.mark.parametrize("processes", [1, 2])
def test_texts_in_bulk_rank_as_one_by_one(tmp_path, monkeypatch, processes):
    monkeypatch.setattr(bulk, "BLOCK", 2)
    store = Store(tmp_path)
    manifest = publish(store, iter(RECORDS), mark=4, processes=processes)
    assert (manifest.mark, manifest.documents) == (4, len(RECORDS))
    assert {path.suffix for path in tmp_path.iterdir()} == {".segment", ".statistics", ".json", ".lock"}
    brute = BruteForce({key: count_all(text) for key, text, *_ in RECORDS})
    for _, text, *_ in RECORDS:
        assert ranked(Collection(store).view, count_all(text), 9) == brute.ranked(count_all(text), 9)


def test_another_analysis_keeps_only_what_it_calls_terms(tmp_path):
    store = Store(tmp_path)
    publish(store, RECORDS, analysis=Analysis(words, has_letter))
    expected = {
        key: {word: n for word, n in Counter(cut(text)).items() if has_letter("", word)} for key, text, *_ in RECORDS
    }
    assert ranked(Collection(store).view, {"锂": 1, "电池": 1}, 9) == BruteForce(expected).ranked(
        {"锂": 1, "电池": 1}, 9
    )
    assert ranked(Collection(store).view, {"，": 1}, 9) == []


def test_a_key_that_comes_twice_leaves_the_version_before(tmp_path):
    store = Store(tmp_path)
    publish(store, RECORDS, mark=1)
    with pytest.raises(KeyTaken):
        publish(store, [*RECORDS, RECORDS[0]], mark=2)
    assert store.latest().mark == 1


def test_nothing_at_all_can_be_published(tmp_path):
    store = Store(tmp_path)
    assert publish(store, []).entries == ()
    assert ranked(Collection(store).view, {"电": 1}, 3) == []
