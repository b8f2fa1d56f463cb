import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.segments.batch import Asking
from matching.segments.building import built, merged
from matching.segments.files import finish
from matching.segments.ranking import Part, View
from matching.segments.segment import KeyTaken, encoded, opened
from matching.segments.statistics import Weighing
from matching.segments.vocabulary import Vocabulary
from matching.tfidf import Postings, best
from tests.matching.segments.given import (
    BruteForce,
    corpora,
    counts,
    everyone,
    lives,
    ranked,
    segment_of,
    unhurried,
    view_of,
)

depths = st.integers(1, 14)


@unhurried
@given(corpus=corpora, query=counts, k=depths)
def test_one_segment_ranks_as_the_whole_matrix(corpus, query, k):
    segment = segment_of(corpus)
    assert ranked(view_of((segment, everyone(segment))), query, k) == BruteForce(corpus).ranked(query, k)


@unhurried
@given(life=lives(), query=counts, k=depths)
def test_several_segments_without_their_dead_rank_as_the_living_alone(life, query, k):
    parts, living = life
    assert ranked(view_of(*parts), query, k) == BruteForce(living).ranked(query, k)


@unhurried
@given(life=lives(), query=counts, k=depths)
def test_segments_made_into_one_rank_the_same(life, query, k):
    parts, living = life
    one = merged(parts)
    assert [bytes(key).decode() for key in one.keys] == sorted(living)
    assert len(one.vocabulary) == len({term for counts in living.values() for term in counts})
    if parts:
        assert one.columns["length"].tolist() == [len(living[key]) for key in sorted(living)]
    assert ranked(view_of((one, everyone(one))), query, k) == BruteForce(living).ranked(query, k)


@unhurried
@given(life=lives(), query=counts, k=depths, data=st.data())
def test_a_mask_leaves_the_others_out(life, query, k, data):
    parts, living = life
    view = view_of(*parts)
    admitted = np.array(data.draw(st.lists(st.booleans(), min_size=view.rows, max_size=view.rows)), np.bool_)
    among = [view.key(row) for row in np.flatnonzero(admitted).tolist() if view.row(view.key(row)) == row]
    assert ranked(view, query, k, admitted) == BruteForce(living).ranked(query, k, among)


@unhurried
@given(life=lives(), query=counts, k=depths, most=st.sampled_from([1.0, 1.25, 3.0]))
def test_near_ones_are_all_that_a_factor_could_lift(life, query, k, most):
    parts, living = life
    view = view_of(*parts)
    near = view.near(view.ask(query), k, most=most)
    everything = BruteForce(living).ranked(query, 1000)
    least = everything[min(k, len(everything)) - 1][1] / most if len(everything) >= k else 0.0
    wanted = [(key, score) for key, score in everything if score >= least]
    assert [
        (view.key(row), score) for row, score in zip(near.rows.tolist(), near.scores.tolist(), strict=True)
    ] == wanted


@unhurried
@given(life=lives(), query=counts)
def test_scores_of_single_rows_are_those_of_the_ranking(life, query):
    parts, living = life
    view = view_of(*parts)
    rows = np.array([view.row(key) for key in sorted(living)], np.int64)
    expected = dict(BruteForce(living).ranked(query, 1000))
    assert view.scores(view.ask(query), rows).tolist() == [expected.get(key, 0.0) for key in sorted(living)]


@unhurried
@given(corpus=corpora, query=counts)
def test_a_query_is_weighed_as_by_tfidf(corpus, query):
    segment = segment_of(corpus)
    brute = BruteForce(corpus)
    asked = view_of((segment, everyone(segment))).ask(query)
    weighed = brute.postings.weigh(dict(sorted(query.items())), brute.vocabulary)
    assert asked.terms == weighed.terms
    assert asked.counts.tolist() == weighed.counts.tolist()
    assert asked.weights.tolist() == weighed.weights.tolist()
    assert (asked.norm, asked.known) == (weighed.norm, pytest.approx(weighed.known))


@unhurried
@given(corpus=corpora, query=counts)
def test_a_written_segment_ranks_as_it_did(corpus, query, tmp_path_factory):
    path = tmp_path_factory.mktemp("written") / "one.segment"
    segment = segment_of(corpus)
    segment.write(path)
    finish(path)
    again = opened(path)
    again.file.verify()
    assert ranked(view_of((again, everyone(again))), query, 5) == ranked(
        view_of((segment, everyone(segment))), query, 5
    )


def many(n, seed, n_terms=3000, per_record=7):
    """Records over more than one block: some terms in nearly all, most in few, many records alike."""
    rng = np.random.default_rng(seed)
    rank = rng.zipf(1.3, n * per_record).clip(max=n_terms) - 1
    row = np.repeat(np.arange(n), per_record)
    pairs, tf = np.unique(row * n_terms + rank, return_counts=True)
    row, ids = np.divmod(pairs, n_terms)
    starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n))]).astype(np.int64)
    return starts, ids.astype(np.int32), tf.astype(np.int32)


@pytest.fixture(scope="module")
def large():
    n, n_terms = 150_000, 3000
    starts, ids, tf = many(n, 1)
    names = [f"t{number:04}" for number in range(n_terms)]
    segment = built(encoded([f"k{row:06}" for row in range(n)]), Vocabulary.of(names), starts, ids, tf)
    view = View.of([Part(segment, Weighing.of(segment, segment.df, n), segment.everyone)], n)
    places = list(zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True))
    postings = Postings.build([ids[a:b] for a, b in places], [tf[a:b] for a, b in places], n_terms)
    return view, postings, {name: place for place, name in enumerate(names)}


def queries(n_terms, seed):
    rng = np.random.default_rng(seed)
    chosen = rng.zipf(1.2, n_terms).clip(max=3000) - 1
    terms, counts = np.unique(chosen, return_counts=True)
    return {f"t{term:04}": int(count) for term, count in zip(terms, counts, strict=True)}


@pytest.mark.parametrize("k", [1, 10, 300])
@pytest.mark.parametrize("n_terms", [1, 2, 7, 30, 200])
def test_many_blocks_rank_as_the_whole_matrix(large, n_terms, k):
    view, postings, vocabulary = large
    rng = np.random.default_rng(k)
    for seed in range(6):
        query = queries(n_terms, [n_terms, seed])
        scores = postings.scores(postings.weigh(query, vocabulary))
        found = view.best(view.ask(query), k)
        assert found.rows.tolist() == best(scores, k)
        assert found.scores.tolist() == scores[found.rows].tolist()
        for share in (0.5, 0.03, 0.002):
            admitted = rng.random(len(scores)) < share
            if seed % 2:  # whole blocks without anybody
                admitted[: 2 * 65_536] = False
            expected = best(np.where(admitted, scores, 0.0), k)
            assert view.best(view.ask(query), k, admitted=admitted).rows.tolist() == expected


def test_many_blocks_answer_many_records_at_once(large):
    view, postings, vocabulary = large
    starts, ids, tf = many(30, 5, per_record=25)
    names = Vocabulary.of(sorted(vocabulary))
    asking = built(encoded([f"q{row:03}" for row in range(30)]), names, starts, ids, tf)
    asked = View.of([Part(asking, Weighing.of(asking, asking.df, 30), asking.everyone)], 30)
    found = Asking(asked, view).best(range(30), 10)
    for row in range(30):
        here = slice(starts[row], starts[row + 1])
        query = {f"t{term:04}": count for term, count in zip(ids[here].tolist(), tf[here].tolist(), strict=True)}
        scores = postings.scores(postings.weigh(query, vocabulary))
        assert found.rows[row].tolist() == best(scores, 10)
        assert found.scores[row].tolist() == scores[found.rows[row]].tolist()


def test_a_document_without_end_does_not_widen_the_others_bounds():
    corpus = {f"a{n}": {"电": 1, "池": n + 1} for n in range(50)} | {
        "z": {f"w{n}": 1 for n in range(3000)} | {"电": 10**6}
    }
    segment = segment_of(corpus)
    view = view_of((segment, everyone(segment)))
    for query in ({"电": 1}, {"电": 1, "池": 3}, {"w5": 1, "电": 2}):
        assert ranked(view, query, 10) == BruteForce(corpus).ranked(query, 10)


@pytest.mark.parametrize("k", [0, -1])
def test_asks_for_at_least_one(k):
    view = View.of([], 0)
    with pytest.raises(ValueError, match="at least 1"):
        view.best(view.ask({"电": 1}), k)


def test_refuses_a_key_that_comes_twice_or_cannot_be_kept():
    vocabulary = Vocabulary.of(["a"])
    nothing = np.zeros(0, np.int32)
    with pytest.raises(KeyTaken, match="twice"):
        built(encoded(["k", "k"]), vocabulary, np.zeros(3, np.int64), nothing, nothing)
    with pytest.raises(KeyTaken, match="NUL"):
        encoded(["a\0"])
