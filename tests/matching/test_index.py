import gc
import math
import random
import threading
import weakref
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import TEXT_ONLY, Document, Filters, Index, Query, fits_from
from matching.asides import is_aside
from matching.text import count_all
from tests.matching.given import (
    DAY,
    NOW,
    about,
    asking,
    corpora,
    documents,
    emphasis,
    indexed,
    keys,
    queries,
    unhurried,
)


def answers(snapshot, query):
    ranking = snapshot.rank(query, k=100, now=NOW)
    return ranking, [snapshot.explain(query, match.key, now=NOW) for match in ranking.items]


class TestASnapshotIsWhatAFitFromScratchWouldBe:
    @unhurried
    @given(
        steps=st.lists(st.one_of(st.tuples(keys, documents), keys, st.none()), max_size=16),
        query=queries,
        order=st.randoms(use_true_random=False),
    )
    def test_after_any_changes_in_any_order(self, steps, query, order):
        index, corpus = Index(), {}
        for step in steps:
            if step is None:
                index.refresh()
            elif isinstance(step, tuple):
                index.put(*step)
                corpus[step[0]] = step[1]
            else:
                assert index.drop(step) == (corpus.pop(step, None) is not None)
        shuffled = list(corpus.items())
        order.shuffle(shuffled)
        assert answers(index.refresh(), query) == answers(indexed(dict(shuffled)), query)
        assert len(index) == len(index.snapshot) == len(corpus)
        assert index.snapshot.keys == sorted(corpus)

    @unhurried
    @given(corpus=corpora, query=queries)
    def test_and_scores_as_the_formula_says_with_plain_dictionaries(self, corpus, query):
        counts = {key: count_all(document.text) for key, document in corpus.items()}
        asked = count_all(query.text)
        cf = sum(map(Counter, counts.values()), Counter())
        df = Counter(term for found in counts.values() for term in found)
        idf = {term: math.log((1 + len(corpus)) / (1 + df[term])) + 1 for term in df}
        brevity = 150 / (150 + len(asked))
        report = query.reading.style == "report"
        raw = {
            key: {term: (1 + math.log(1 + math.log(tf))) * idf[term] for term, tf in found.items()}
            for key, found in counts.items()
        }
        lengths = {key: math.hypot(*found.values()) or 1.0 for key, found in raw.items()}
        wq = {
            term: (1 + math.log(tf))
            * idf[term]
            * ((cf[term] + 5) / (df[term] + 5)) ** 0.3
            * emphasis(term, report=report)
            * (brevity if not report and (term.startswith("^") or is_aside(term)) else 1)
            for term, tf in asked.items()
            if term in df
        }
        spoken_of = [key for key in corpus if any(not term.startswith("^") for term in wq.keys() & raw[key].keys())]
        if report:  # and all of these are among the fifty nearest
            held = Counter(term for key in spoken_of for term in raw[key])
            wq = {term: weight * ((len(spoken_of) + 1) / (held[term] + 1)) ** 0.3 for term, weight in wq.items()}
        length = math.hypot(*wq.values()) or 1.0
        pivot = 0 if report else 0.8 * brevity * sum(lengths.values()) / max(len(lengths), 1)
        expected = {
            key: sum(wq.get(term, 0) * weight for term, weight in raw[key].items()) / length / (lengths[key] + pivot)
            for key in spoken_of
        }
        ranked = indexed(corpus).rank(query, k=100, now=0, weights=TEXT_ONLY)
        found = {match.key: match.score for match in ranked.items}
        assert found == pytest.approx({key: score for key, score in expected.items() if score > 0})
        assert all(0 < score <= 1 for score in found.values())

    def test_when_most_terms_have_died_and_been_forgotten(self):
        index = Index()
        index.put_many((str(number), about(f"第{number}种电池{chr(0x4E00 + number)}乙烯")) for number in range(200))
        full = index.refresh()
        before = full.rank(asking("电池"), now=NOW)
        for number in range(3, 200):
            index.drop(str(number))
        small = index.refresh()
        index.put("new", about("石墨烯电池"))
        index.refresh()
        assert len(index.snapshot.vocabulary) < len(full.vocabulary)
        fresh = indexed({key: index.snapshot.document(key) for key in index.snapshot.keys})
        assert answers(index.snapshot, asking("石墨烯电池")) == answers(fresh, asking("石墨烯电池"))
        assert full.rank(asking("电池"), now=NOW) == before
        assert len(small) == 3


class TestChanges:
    def test_show_after_a_refresh_and_not_in_older_snapshots(self):
        index = Index()
        index.put("a", about("固态电池"))
        assert len(index.snapshot) == 0
        first = index.refresh()
        index.put("b", about("液态电池"))
        index.drop("a")
        second = index.refresh()
        assert ("a" in first, "b" in first) == (True, False)
        assert ("a" in second, "b" in second) == (False, True)
        assert first.document("a").body == "固态电池"
        assert [match.key for match in first.rank(asking("电池"), now=NOW).items] == ["a"]

    def test_of_one_key_leave_the_last(self):
        snapshot = indexed({"a": about("电池")})
        index = Index()
        assert index.put_many([("a", about("电机")), ("a", about("电池"))]) == 2
        assert answers(index.refresh(), asking("电池")) == answers(snapshot, asking("电池"))

    def test_that_are_none_cost_nothing(self):
        index = Index()
        index.put("a", about("电池"))
        snapshot = index.refresh()
        assert index.drop("b") is False
        assert index.refresh() is snapshot

    def test_let_an_old_snapshot_go_at_once(self):
        index = Index()
        index.put("a", about("电池"))
        index.refresh().rank(asking("电池"), now=NOW)
        gc.disable()
        try:
            old = weakref.ref(index.snapshot)
            index.put("b", about("电机"))
            index.refresh()
            assert old() is None
        finally:
            gc.enable()


def test_threads_read_whole_states_while_another_writes():
    states = [{key: about(f"{word}电池研究") for key in "abcdefgh"} for word in ("固态", "液态", "钠离子")]
    query = asking("固态与液态钠离子电池")
    allowed = {answers(indexed(state), query)[0] for state in states}
    index = Index()
    index.put_many(states[0].items())
    index.refresh()
    stop, seen, failures = threading.Event(), set(), []

    def read():
        while not stop.is_set():
            snapshot = index.snapshot
            ranking, reasons = answers(snapshot, query)
            if ranking not in allowed or [each.score for each in reasons] != [each.score for each in ranking.items]:
                failures.append(ranking)
            seen.add(ranking)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    order = random.Random(7)
    for _ in range(150):
        index.put_many(order.choice(states).items())
        index.refresh()
    stop.set()
    for reader in readers:
        reader.join()
    assert not failures
    assert seen


class TestRanking:
    @unhurried
    @given(corpus=corpora, query=queries, k=st.integers(1, 3))
    def test_goes_on_page_by_page_without_gap_or_repetition(self, corpus, query, k):
        snapshot = indexed(corpus)
        whole = snapshot.rank(query, k=100, now=NOW)
        pages, after = [], None
        while (page := snapshot.rank(query, k=k, now=NOW, after=after)).items:
            assert len(page.items) <= k
            assert (page.fits, page.considered) == (whole.fits, whole.considered)
            pages.extend(page.items)
            after = page.next
        assert tuple(pages) == whole.items
        assert page.next is None

    def test_goes_on_behind_a_document_that_is_gone(self):
        corpus = {key: about("电池") for key in "abc"}
        first = indexed(corpus).rank(asking("电池"), k=2, now=NOW)
        del corpus["b"], corpus["a"]
        corpus["d"] = about("电池")
        rest = indexed(corpus).rank(asking("电池"), now=NOW, after=(first.items[-1].score, "b"))
        assert [match.key for match in rest.items] == ["c", "d"]

    def test_leaves_out_what_is_no_longer_confirmed(self):
        snapshot = indexed(
            {
                "never": about("电池"),
                "still": about("电池", confirmed_until=NOW + 1),
                "until now": about("电池", confirmed_until=NOW),
                "long ago": about("电池", confirmed_until=NOW - 300 * DAY),
            }
        )
        ranking = snapshot.rank(asking("电池"), now=NOW)
        assert [match.key for match in ranking.items] == ["never", "still"]
        assert ranking.considered == 2

    def test_shows_nothing_that_shares_no_term(self):
        snapshot = indexed({"a": about("电池", region="220102"), "b": about("水稻", region="220102")})
        ranking = snapshot.rank(asking("电池", region="220102"), now=NOW)
        assert [match.key for match in ranking.items] == ["a"]
        assert ranking.considered == 2

    def test_lets_filters_decide_before_the_first_k_are_taken(self):
        corpus = {f"{number:02}": about("电池电池电池", region="620000") for number in range(30)}
        corpus["x"] = about("电池与其他许多不相关的事情", region="220102")
        found = indexed(corpus).rank(asking("电池"), k=1, now=NOW, filters=Filters(regions=("220000",)))
        assert [match.key for match in found.items] == ["x"]

    @pytest.mark.parametrize("k", [0, -1])
    def test_of_less_than_one_is_refused(self, k):
        with pytest.raises(ValueError, match="at least 1"):
            indexed({}).rank(asking("电池"), k=k, now=NOW)


BATTERIES = {
    str(number): about(f"锂离子电池正极材料{chr(0x7532 + number)}的循环性能研究，好在容量高") for number in range(60)
}


class TestNothingFits:
    def test_is_said_of_another_subject(self):
        dish = "先把五花肉切块焯水，锅里放冰糖炒出糖色，再加酱油和八角，小火炖一个半小时，最后大火收汁，味道好在汁浓"
        ranking = indexed(BATTERIES).rank(asking(dish), now=NOW)
        assert ranking.items
        assert not ranking.fits
        assert ranking.best_text * ranking.known < ranking.threshold

    def test_asks_more_of_a_larger_corpus(self):
        lowest = 0.056  # of the judged requirements that have an answer, against so many records
        assert 0 == fits_from(0) < fits_from(60) < fits_from(12_138) < lowest

    def test_is_not_said_of_the_same(self):
        ranking = indexed(BATTERIES).rank(asking("寻求锂离子电池正极材料"), now=NOW)
        assert ranking.fits
        assert ranking.best_text * ranking.known >= ranking.threshold

    @pytest.mark.parametrize("query", ["", "的和在了", "2018", "。", "\u0301" * 10_000], ids=ascii)
    def test_is_said_of_a_query_that_says_nothing(self, query):
        ranking = indexed(BATTERIES).rank(asking(query), now=NOW)
        assert (ranking.items, ranking.fits, ranking.considered, ranking.known) == ((), False, 60, 0.0)

    def test_is_said_of_an_empty_index(self):
        assert Index().snapshot.rank(asking("电池"), now=NOW).fits is False


def test_long_and_odd_texts_are_ranked_and_explained():
    bodies = {
        "long": "固态电解质，" * 20_000,
        "one": "质" * 100_000,
        "marks": "电池" + "\u0301" * 10_000,
        "rare": "𠀀𪛖电池",
        "none": "",
    }
    snapshot = indexed({key: Document("", body) for key, body in bodies.items()})
    for body in bodies.values():
        ranking = snapshot.rank(Query(body=body[:20_000]), now=NOW)
        for match in ranking.items:
            reasons = snapshot.explain(Query(body=body[:20_000]), match.key, now=NOW)
            assert reasons.score == pytest.approx(match.score, abs=1e-9)
