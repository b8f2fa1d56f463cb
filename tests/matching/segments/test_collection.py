import math
import threading
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from matching.asides import is_aside
from matching.segments import collection as module
from matching.segments.collection import Collection, tidied
from matching.segments.segment import KeyTaken
from matching.segments.store import Busy, Store
from matching.tfidf import DECIMALS
from matching.weighting import damped_twice, mean_of
from tests.matching.given import emphasis
from tests.matching.segments.given import BruteForce, counts, everyone, keys, ranked, segment_of

QUERIES = [{"电": 1}, {"电池": 2, "~电池": 1, "公司": 1, "^电": 3, "ba": 1}, {"^机": 1, "b": 2}, {"谁": 1}, {}]


class Published:
    """The ranking by the numbers of the last publication, written out."""

    def __init__(self, published, living, since):
        self.n = len(published)
        self.df = Counter(term for found in published.values() for term in found)
        self.cf = sum(map(Counter, published.values()), Counter())
        self.living = living
        self.mean = mean_of(np.array([self.length(found) for found in published.values()]))
        self.new = {term for key in since for term in living.get(key, {})}

    def idf(self, term):
        return float(np.log((1 + self.n) / (1 + np.array([self.df[term]])))[0] + 1)

    def weights(self, found):
        return {term: float(damped_twice(np.array([found[term]]))[0]) * self.idf(term) for term in sorted(found)}

    def length(self, found):
        return math.sqrt(sum((np.array(list(self.weights(found).values())) ** 2).tolist())) or 1.0

    def ranked(self, query, k):
        brevity = 150 / (150 + len(query))
        asked = {}
        for term in sorted(query):
            if self.df[term] or term in self.new:
                focus = float(((np.array([self.cf[term]]) + 5.0) / (np.array([self.df[term]]) + 5.0))[0] ** 0.3)
                aside = brevity if term[0] == "^" or is_aside(term) else 1.0
                asked[term] = (
                    float(1.0 + np.log(np.array([query[term]]))[0]) * self.idf(term) * focus * emphasis(term) * aside
                )
        norm = math.sqrt(sum(weight * weight for weight in asked.values())) or 1.0
        scores = {}
        for key, found in self.living.items():
            spoken = single = 0.0
            weights = self.weights(found)
            for term, weight in asked.items():
                if term[0] == "^":
                    single += weights.get(term, 0.0) * (weight / norm)
                else:
                    spoken += weights.get(term, 0.0) * (weight / norm)
            score = (spoken + single) / (self.length(found) + 0.8 * brevity * self.mean)
            scores[key] = float(np.round(score, DECIMALS)) if spoken else 0.0
        best = sorted((-score, key) for key, score in scores.items() if score > 0)
        return [(key, -score) for score, key in best[:k]]


class Lives(RuleBasedStateMachine):
    """A writer and a reader of one folder, and a collection without one. The facts are kept as a database would."""

    fresh = True

    @initialize()
    def begin(self):
        self.folder = TemporaryDirectory()
        self.store = Store(Path(self.folder.name))
        self.writer, self.reader, self.alone = Collection(self.store), Collection(self.store), Collection()
        self.facts = []
        self.living = {}
        self.published = None

    def tell(self, collection, mark, key, counts):
        if counts is None:
            collection.drop(key, mark=mark)
        else:
            collection.put(key, counts, mark=mark)

    def happen(self, key, counts):
        self.facts.append((key, counts))
        for each in (self.writer, self.reader, self.alone):
            self.tell(each, len(self.facts), key, counts)

    @rule(key=keys, counts=counts)
    def put(self, key, counts):
        self.living[key] = counts
        self.happen(key, counts)

    @rule(key=keys)
    def drop(self, key):
        self.living.pop(key, None)
        self.happen(key, None)

    @rule()
    def refresh(self):
        self.reader.refresh()

    @rule()
    def publish(self):
        self.writer.publish()
        self.published = (len(self.facts), dict(self.living))

    @rule()
    def a_process_starts_anew(self):
        self.reader = Collection(self.store)
        for mark, fact in enumerate(self.facts, 1):
            if mark > self.reader.mark:
                self.tell(self.reader, mark, *fact)

    @rule()
    def compare(self):
        self.reader.follow()
        brute = BruteForce(self.living)
        shelved = brute
        if not self.fresh and self.published is not None:
            mark, published = self.published
            shelved = Published(published, self.living, {key for key, _ in self.facts[mark:]})
        for each, its in ((self.alone, brute), (self.writer, shelved), (self.reader, shelved)):
            view = each.refresh()
            assert len(view) == len(self.living)
            assert all(key in view for key in self.living)
            for query in QUERIES:
                assert ranked(view, query, 7) == its.ranked(query, 7)

    def teardown(self):
        if hasattr(self, "folder"):
            self.compare()
            self.folder.cleanup()


class LivesByPublishedNumbers(Lives):
    fresh = False

    @initialize()
    def begin(self):
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(module, "FRESH_UP_TO", -1)
        super().begin()

    def teardown(self):
        super().teardown()
        if hasattr(self, "patch"):
            self.patch.undo()


TestLives = Lives.TestCase
TestLives.settings = settings(deadline=None, max_examples=20, stateful_step_count=20)
TestLivesByPublishedNumbers = LivesByPublishedNumbers.TestCase
TestLivesByPublishedNumbers.settings = TestLives.settings


def test_what_was_published_while_nobody_was_there_sets_the_numbers_too(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "FRESH_UP_TO", -1)
    collection = Collection(Store(tmp_path))
    collection.publish()
    living = {"a": {"的": 1}, "b": {"的": 1, "和": 1}}
    for key, found in living.items():
        collection.put(key, found)
    query = {"的": 3, "和": 1}
    assert ranked(collection.refresh(), query, 7) == Published({}, living, living).ranked(query, 7)
    assert ranked(collection.view, query, 7) != BruteForce(living).ranked(query, 7)


def test_a_view_that_was_taken_stays_as_it_was():
    collection = Collection()
    collection.put("a", {"电": 1})
    before = collection.refresh()
    collection.drop("a")
    collection.put("b", {"电": 1})
    after = collection.refresh()
    assert [key for key, _ in ranked(before, {"电": 1}, 5)] == ["a"]
    assert [key for key, _ in ranked(after, {"电": 1}, 5)] == ["b"]
    assert ("a" in before, "a" in after) == (True, False)
    assert collection.refresh() is after


def test_refuses_what_cannot_be_kept():
    collection = Collection()
    with pytest.raises(KeyTaken):
        collection.put("a\0", {"电": 1})
    with pytest.raises(ValueError, match="at least once"):
        collection.put("a", {"电": 0})
    with pytest.raises(ValueError, match="nowhere to publish"):
        collection.publish()


def test_columns_go_with_their_records(tmp_path):
    columns = {"size": np.zeros(0, np.int16), "pair": np.zeros((0, 2), np.float32)}
    collection = Collection(Store(tmp_path), columns=columns)
    for n in range(9):
        collection.put(f"k{8 - n}", {"电": 1}, columns={"size": n, "pair": (n, -n)})
        if n % 4 == 0:
            collection.refresh()
        if n == 6:
            collection.publish()
    view = collection.refresh()
    for n in range(9):
        row = view.row(f"k{8 - n}")
        part = next(part for part in view.parts if part.first <= row < part.first + len(part))
        found = part.segment.columns
        assert found["size"][row - part.first] == n
        assert found["pair"][row - part.first].tolist() == [n, -n]
        assert (found["size"].dtype, found["pair"].dtype) == (np.int16, np.float32)


def test_segments_stay_few_and_the_dead_are_forgotten():
    segments = [
        segment_of({f"{place}-{n}": {"电": 1} for n in range(size)}) for place, size in enumerate([900, 70, 30, 8])
    ]
    alive = everyone(segments[0])
    alive[:300] = False
    tidy = tidied([(segments[0], alive), *((segment, everyone(segment)) for segment in segments[1:])])
    assert [len(segment) for segment, _ in tidy] == [600, 100, 8]
    assert tidied([(segments[3], np.zeros(8, np.bool_))]) == []
    same = [(segments[0], everyone(segments[0])), (segments[1], everyone(segments[1]))]
    assert [segment for segment, _ in tidied(same)] == segments[:2]


def test_publishing_goes_on_beside_changes_and_queries(tmp_path):
    collection = Collection(Store(tmp_path))
    stop = threading.Event()
    problems = []

    def ask():
        while not stop.is_set():
            found = ranked(collection.view, {"电": 1, "池": 1}, 1000)
            if found != sorted(found, key=lambda match: (-match[1], match[0])):
                problems.append(found)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    publisher = threading.Thread(target=lambda: [collection.publish() for _ in range(6)])
    for thread in [*threads, publisher]:
        thread.start()
    for n in range(120):
        collection.put(f"k{n:03}", {"电": n % 5 + 1, "池": 1}, mark=n)
        if n % 3 == 0:
            collection.drop(f"k{n // 2:03}", mark=n)
        collection.refresh()
    publisher.join()
    stop.set()
    for thread in threads:
        thread.join()
    gone = {f"k{n // 2:03}" for n in range(0, 120, 3)}
    corpus = {f"k{n:03}": {"电": n % 5 + 1, "池": 1} for n in range(120) if f"k{n:03}" not in gone}
    assert not problems
    assert ranked(collection.refresh(), {"电": 1}, 1000) == BruteForce(corpus).ranked({"电": 1}, 1000)
    collection.publish()
    assert ranked(Collection(Store(tmp_path)).view, {"电": 1}, 1000) == BruteForce(corpus).ranked({"电": 1}, 1000)


def test_a_second_writer_is_told_to_wait(tmp_path):
    one, other = Collection(Store(tmp_path)), Collection(Store(tmp_path))
    other.put("a", {"电": 1}, mark=1)
    with one._store.writing(), pytest.raises(Busy):
        other.publish()
    assert other.publish().mark == 1
    assert one.follow()
    assert not one.follow()
    assert one.manifest.mark == 1
