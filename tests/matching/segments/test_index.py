"""The index on segments answers what the plain one in memory answers: ids, order, scores, counts and reasons, to the bit."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from matching import Document, Facets, Filters, Index, Query, Weights
from matching.blend import DEFAULT_WEIGHTS, TEXT_ONLY, FieldWeights
from matching.segments import collection
from matching.segments.index import SharedIndex, building
from matching.segments.store import Store
from tests.matching.given import DAY, NOW, about, asking, corpora, documents, keys, of_labs, unhurried

filters = st.builds(
    Filters,
    regions=st.lists(st.sampled_from(["220000", "220100", "620000", "429004"]), max_size=2).map(tuple),
    industries=st.lists(st.sampled_from(["C", "38", "3841", "A"]), max_size=2).map(tuple),
    disciplines=st.lists(st.sampled_from(["460", "4604010", "D"]), max_size=1).map(tuple),
    trl_min=st.none() | st.integers(1, 9),
    trl_max=st.none() | st.integers(1, 9),
    stages=st.lists(st.sampled_from(["early", "mature"]), max_size=1).map(tuple),
    modes=st.lists(st.sampled_from(["transfer", "licence"]), max_size=1).map(tuple),
    confirmed_within=st.none() | st.sampled_from([DAY, 30 * DAY, 200 * DAY]),
)
either = st.sampled_from([Filters(), Filters()]) | filters
weights = st.sampled_from(
    [DEFAULT_WEIGHTS, TEXT_ONLY, Weights(field=0.25, trl=0, region=0, budget=0, freshness=0), FieldWeights()]
)
changes = st.lists(st.tuples(keys, st.none() | documents), max_size=6)


def published(folder, corpus, mark=1):
    """A store with these records."""
    store = Store(folder)
    with building(store) as making:
        making.add(corpus.items())
        making.publish(mark)
    return store


def same(snapshot, plain, query, *, k, moments=(NOW, NOW + 5 * DAY, NOW), **asked):
    """Every page of the ranking and every reason are those of the plain index."""
    assert len(snapshot) == len(plain)
    for now in moments:
        after = None
        while True:
            ours, theirs = (one.rank(query, k=k, now=now, after=after, **asked) for one in (snapshot, plain))
            assert ours == theirs
            for match in ours.items:
                why = plain.explain(query, match.key, now=now)
                title_and_body = replace(plain.document(match.key), facets=Facets())
                assert snapshot.explain(query, match.key, title_and_body, now=now) == why
                brief = replace(why, terms=tuple(replace(group, parts=()) for group in why.terms))
                assert snapshot.explain(query, match.key, title_and_body, now=now, in_full=False) == brief
            if not ours.items:
                break
            after = ours.next


@unhurried
@given(
    corpus=corpora, news=changes, query=of_labs, k=st.integers(1, 5), wish=either, weigh=weights,
    opened=st.booleans(), counted=st.booleans(), without=st.none() | keys,
)  # fmt: skip
@example(
    corpus={"a": about("电池", region="220102"), "b": Document("", "")}, news=[("a", None), ("c", about("电池 电池"))],
    query=asking("电池"), k=1, wish=Filters(regions=("220000",)), weigh=DEFAULT_WEIGHTS, opened=True, counted=True,
    without=None,
)  # fmt: skip
def test_pages_and_reasons_are_those_of_the_plain_index(
    tmp_path_factory, corpus, news, query, k, wish, weigh, opened, counted, without
):
    """Built at once or put one by one, with what came and went since, before and after that was written down."""
    plain = Index()
    plain.put_many(corpus.items())
    store = published(tmp_path_factory.mktemp("index"), corpus if opened else {})
    index = SharedIndex(store)
    if not opened:
        index.put_many(corpus.items(), mark=2)
        index.refresh()
    for key, document in news:
        if document is None:
            assert index.drop(key, mark=3) == plain.drop(key)
        else:
            plain.put(key, document)
            index.put(key, document, mark=3)
        if counted:
            index.refresh()
    asked = {"k": k, "filters": wish, "weights": weigh, "without": without}
    same(index.refresh(), plain.refresh(), query, **asked)
    index.publish(3)
    assert index.changes == 0
    same(index.snapshot, plain.snapshot, query, **asked)
    same(SharedIndex(store).snapshot, plain.snapshot, query, **asked)


def test_many_alike_are_paged_without_a_gap_or_a_double(tmp_path):
    """Signals that lift whom the text alone puts far below, over several parts and more rows than one look finds."""
    corpus = {
        f"{n:03}": about(
            "固态电解质薄膜" * (1 + n % 3) + "。水稻" * (n % 5), industries=("3841",) if n % 7 == 0 else ()
        )
        for n in range(300)
    }
    plain = Index()
    plain.put_many(corpus.items())
    index = SharedIndex(published(tmp_path, dict(list(corpus.items())[:200])))
    index.put_many(list(corpus.items())[200:], mark=2)
    query = asking("固态电解质", industries=("C3841",))
    snapshot = index.refresh()
    assert len(snapshot.view.parts) == 2
    same(snapshot, plain.refresh(), query, k=17, moments=(NOW,))


def test_who_was_confirmed_lately_is_known_at_every_moment(tmp_path):
    """As long as nobody's time runs out the mask is kept; it is made anew when it does, and for more lengths than are kept."""
    corpus = {
        f"{n:02}": about("固态电解质", confirmed_at=NOW - n * DAY, confirmed_until=NOW + (n % 3) * DAY)
        for n in range(12)
    }
    plain = Index()
    plain.put_many(corpus.items())
    plain.refresh()
    snapshot = SharedIndex(published(tmp_path, corpus)).snapshot
    for now in (NOW - DAY, NOW, NOW + 0.5, NOW + DAY, NOW + 2.5 * DAY, NOW):
        for days in (None, *range(1, 12), 3):
            asked = {"now": now, "filters": Filters(confirmed_within=None if days is None else days * DAY)}
            assert snapshot.rank(asking("固态电解质"), **asked) == plain.snapshot.rank(asking("固态电解质"), **asked)


def test_two_processes_on_one_store_agree_whoever_publishes(tmp_path):
    """What one wrote down the other goes over to; what that did not hold it keeps on top."""
    one, other = (SharedIndex(published(tmp_path, {"a": about("电池")}, mark=5)) for _ in range(2))
    for index in (one, other):
        index.put("b", about("石墨烯电池"), mark=7)
    other.put("c", about("秸秆"), mark=9)
    one.refresh()
    other.refresh()
    manifest = one.publish(8)
    assert (manifest.mark, manifest.documents, one.changes) == (8, 2, 0)
    other.refresh()
    assert other.manifest == manifest
    assert other.changes == 1
    plain = Index()
    plain.put_many([("a", about("电池")), ("b", about("石墨烯电池")), ("c", about("秸秆"))])
    same(other.snapshot, plain.refresh(), asking("电池和秸秆"), k=2)
    # A mark never falls back behind what is in the version, whoever publishes with an older one.
    assert other.publish(6).mark == 8


def test_what_one_never_had_and_dropped_stays_away_when_another_publishes_it(tmp_path):
    """Published and withdrawn between two looks of the one; the other looked, and published, in between."""
    one, other = (SharedIndex(published(tmp_path, {"a": about("电池")}, mark=5)) for _ in range(2))
    other.put("b", about("石墨烯电池"), mark=7)
    other.refresh()
    assert not one.drop("b", mark=9)
    other.publish(8)
    assert "b" not in one.refresh()
    assert len(one.snapshot) == 1


def test_a_large_collection_keeps_its_numbers_until_it_is_published(tmp_path, monkeypatch):
    monkeypatch.setattr(collection, "FRESH_UP_TO", 0)
    index = SharedIndex(published(tmp_path, {"a": about("电池 电解质", region="220102"), "b": about("水稻")}))
    before = index.snapshot.rank(asking("电池"), now=NOW)
    index.put("c", about("电池 电池", region="220102"), mark=2)
    index.drop("b", mark=2)
    snapshot = index.refresh()
    found = snapshot.rank(asking("电池"), now=NOW, filters=Filters(regions=("220000",)))
    assert {match.key for match in found.items} == {"a", "c"}
    assert found.considered == len(snapshot) == 2
    assert next(match for match in found.items if match.key == "a") == before.items[0]
    why = snapshot.explain(asking("电池"), "c", about("电池 电池"), now=NOW)
    assert why.score == pytest.approx(found.items[0].score if found.items[0].key == "c" else found.items[1].score)
    with pytest.raises(KeyError):
        snapshot.explain(asking("电池"), "b", about("水稻"), now=NOW)
    with pytest.raises(ValueError, match="at least 1"):
        snapshot.rank(Query(), k=0, now=NOW)
