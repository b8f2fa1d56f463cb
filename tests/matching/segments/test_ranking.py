import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import TEXT_ONLY
from matching.asides import ASIDES
from matching.segments.batch import Asking
from matching.segments.building import Totals, built, merged
from matching.segments.files import finish
from matching.segments.ranking import Part, View
from matching.segments.segment import KeyTaken, encoded, opened
from matching.segments.statistics import weighed
from matching.segments.vocabulary import Vocabulary
from matching.text import count_all
from matching.tfidf import best
from matching.weighting import TermWeights
from tests.matching.given import corpora as text_corpora
from tests.matching.given import indexed
from tests.matching.given import queries as text_queries
from tests.matching.segments.given import (
    BruteForce,
    corpora,
    counts,
    everyone,
    lives,
    ranked,
    segment_of,
    styles,
    unhurried,
    view_of,
)

depths = st.integers(1, 14)


@unhurried
@given(corpus=corpora, query=counts, style=styles, k=depths)
def test_one_segment_ranks_as_the_whole_matrix(corpus, query, style, k):
    segment = segment_of(corpus)
    assert ranked(view_of((segment, everyone(segment))), query, k, style=style) == BruteForce(corpus).ranked(
        query, k, style=style
    )


@unhurried
@given(life=lives(), query=counts, style=styles, k=depths)
def test_several_segments_without_their_dead_rank_as_the_living_alone(life, query, style, k):
    parts, living = life
    assert ranked(view_of(*parts), query, k, style=style) == BruteForce(living).ranked(query, k, style=style)


@unhurried
@given(life=lives(), query=counts, style=styles, k=depths)
def test_segments_made_into_one_rank_the_same(life, query, style, k):
    parts, living = life
    one = merged(parts)
    assert [bytes(key).decode() for key in one.keys] == sorted(living)
    assert len(one.vocabulary) == len({term for counts in living.values() for term in counts})
    if parts:
        assert one.columns["length"].tolist() == [len(living[key]) for key in sorted(living)]
    assert ranked(view_of((one, everyone(one))), query, k, style=style) == BruteForce(living).ranked(
        query, k, style=style
    )


@unhurried
@given(life=lives(), query=counts, style=styles, k=depths, data=st.data())
def test_a_mask_leaves_the_others_out(life, query, style, k, data):
    parts, living = life
    view = view_of(*parts)
    admitted = np.array(data.draw(st.lists(st.booleans(), min_size=view.rows, max_size=view.rows)), np.bool_)
    among = [view.key(row) for row in np.flatnonzero(admitted).tolist() if view.row(view.key(row)) == row]
    assert ranked(view, query, k, admitted, style) == BruteForce(living).ranked(query, k, among, style)


@unhurried
@given(life=lives(), query=counts, style=styles, k=depths, most=st.sampled_from([1.0, 1.25, 3.0]))
def test_near_ones_are_all_that_a_factor_could_lift(life, query, style, k, most):
    parts, living = life
    view = view_of(*parts)
    near = view.near(view.ask(query, style=style), k, most=most)
    everything = BruteForce(living).ranked(query, 1000, style=style)
    least = everything[min(k, len(everything)) - 1][1] / most if len(everything) >= k else 0.0
    wanted = [(key, score) for key, score in everything if score >= least]
    assert [
        (view.key(row), score) for row, score in zip(near.rows.tolist(), near.scores.tolist(), strict=True)
    ] == wanted


@unhurried
@given(life=lives(), query=counts, style=styles)
def test_scores_of_single_rows_are_those_of_the_ranking(life, query, style):
    parts, living = life
    view = view_of(*parts)
    rows = np.array([view.row(key) for key in sorted(living)], np.int64)
    expected = dict(BruteForce(living).ranked(query, 1000, style=style))
    assert view.scores(view.ask(query, style=style), rows).tolist() == [
        expected.get(key, 0.0) for key in sorted(living)
    ]


@unhurried
@given(corpus=corpora, query=counts, style=styles)
def test_a_query_is_weighed_as_for_the_whole_matrix(corpus, query, style):
    segment = segment_of(corpus)
    brute = BruteForce(corpus)
    view = view_of((segment, everyone(segment)))
    weighed = brute.postings.weigh(dict(sorted(query.items())), brute.vocabulary, style=style)
    for _ in range(2):  # what is computed for the first question is kept for the next
        asked = view.ask(query, style=style)
        assert asked.terms == weighed.terms
        assert asked.counts.tolist() == weighed.counts.tolist()
        assert asked.told.tolist() == weighed.told.tolist()
        assert (asked.norm, asked.pivot, asked.known) == (weighed.norm, weighed.pivot, weighed.known)


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


NAMES = sorted([*(f"^{n}" for n in range(600)), *(f"t{n:04}" for n in range(2380)), *sorted(ASIDES)[:20]])
"""Single characters, words, and words beside the point."""
ORDER = np.random.default_rng(0).permutation(len(NAMES))
"""Which of them are common: those that come first."""


def many(n, seed, per_record=7):
    """Records over more than one block: some terms in nearly all, most in few, many records alike, lengths far apart."""
    rng = np.random.default_rng(seed)
    lengths = np.minimum(rng.geometric(1 / per_record, n), 40 * per_record)
    rank = rng.zipf(1.3, lengths.sum()).clip(max=len(NAMES)) - 1
    pairs, tf = np.unique(np.repeat(np.arange(n), lengths) * len(NAMES) + ORDER[rank], return_counts=True)
    row, ids = np.divmod(pairs, len(NAMES))
    starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n))]).astype(np.int64)
    return starts, ids.astype(np.int32), tf.astype(np.int32)


def made(n, seed, **options):
    starts, ids, tf = many(n, seed, **options)
    return built(encoded([f"k{row:06}" for row in range(n)]), Vocabulary.of(NAMES), starts, ids, tf)


def whole(segment):
    weighings, collection = weighed([(segment, everyone(segment))], [Totals(segment.df, segment.cf)])
    return View.of([Part(segment, weighings[0], segment.everyone)], collection)


class Matrix:
    def __init__(self, segment):
        starts, ids, tf = segment.decoded(np.arange(len(segment)))
        self.postings = TermWeights.build(np.split(ids, starts[1:-1]), np.split(tf, starts[1:-1]), len(NAMES))
        self.vocabulary = {name: place for place, name in enumerate(NAMES)}

    def scores(self, query):
        return self.postings.scores(self.postings.weigh(dict(sorted(query.items())), self.vocabulary))


@pytest.fixture(scope="module")
def large():
    segment = made(150_000, 1)
    return whole(segment), Matrix(segment)


def queries(n_terms, seed):
    rng = np.random.default_rng(seed)
    chosen = rng.zipf(1.2, n_terms).clip(max=len(NAMES)) - 1
    terms, counts = np.unique(ORDER[chosen], return_counts=True)
    return {NAMES[term]: int(count) for term, count in zip(terms, counts, strict=True)}


@pytest.mark.parametrize("k", [1, 10, 300])
@pytest.mark.parametrize("n_terms", [1, 2, 7, 30, 200])
def test_many_blocks_rank_as_the_whole_matrix(large, n_terms, k):
    view, matrix = large
    rng = np.random.default_rng(k)
    for seed in range(6):
        query = queries(n_terms, [n_terms, seed])
        scores = matrix.scores(query)
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
    view, matrix = large
    asking = made(30, 5, per_record=25)
    starts, ids, tf = asking.decoded(np.arange(30))
    found = Asking(whole(asking), view).best(range(30), 10)
    for row in range(30):
        here = slice(starts[row], starts[row + 1])
        query = {NAMES[term]: count for term, count in zip(ids[here].tolist(), tf[here].tolist(), strict=True)}
        scores = matrix.scores(query)
        wanted = best(scores, 10)
        assert found.rows[row][: len(wanted)].tolist() == wanted
        assert found.scores[row][: len(wanted)].tolist() == scores[wanted].tolist()


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
    view = view_of()
    with pytest.raises(ValueError, match="at least 1"):
        view.best(view.ask({"电": 1}), k)


def test_refuses_a_key_that_comes_twice_or_cannot_be_kept():
    vocabulary = Vocabulary.of(["a"])
    nothing = np.zeros(0, np.int32)
    with pytest.raises(KeyTaken, match="twice"):
        built(encoded(["k", "k"]), vocabulary, np.zeros(3, np.int64), nothing, nothing)
    with pytest.raises(KeyTaken, match="NUL"):
        encoded(["a\0"])


@unhurried
@given(corpus=text_corpora, query=text_queries, k=st.integers(1, 9))
def test_texts_rank_as_in_memory(corpus, query, k):
    segment = segment_of({key: count_all(document.text) for key, document in corpus.items()})
    found = ranked(view_of((segment, everyone(segment))), count_all(query.text), k, style=query.reading.style)
    items = indexed(corpus).rank(query, k=k, now=0, weights=TEXT_ONLY).items
    assert found == [(match.key, match.score) for match in items]
