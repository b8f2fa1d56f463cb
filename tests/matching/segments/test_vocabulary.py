import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from matching.segments.vocabulary import Vocabulary, packed
from tests.matching.given import unhurried

terms = st.text(max_size=4) | st.sampled_from(["电池", "~电池", "\uffff", "\U00010000", "\ud800", ""])
sets = st.sets(terms, max_size=20).map(sorted)


def all_of(vocabulary):
    return [vocabulary.term(number) for number in range(len(vocabulary))]


@unhurried
@given(known=sets, asked=st.lists(terms, max_size=20))
def test_finds_each_term_and_no_other(known, asked):
    found = Vocabulary.of(known).numbers(packed(asked)).tolist()
    assert found == [known.index(term) if term in known else -1 for term in asked]


@unhurried
@given(one=sets, other=sets)
def test_two_together_hold_the_terms_of_both_in_order(one, other):
    both, to, other_to = Vocabulary.of(one).merged(Vocabulary.of(other))
    assert all_of(both) == sorted({*one, *other})
    assert [both.term(number) for number in to] == one
    assert [both.term(number) for number in other_to] == other
    assert both.numbers(packed(one)).tolist() == to.tolist()


@unhurried
@given(known=sets, data=st.data())
def test_some_are_kept_and_the_others_forgotten(known, data):
    keep = np.array(data.draw(st.lists(st.booleans(), min_size=len(known), max_size=len(known))), np.bool_)
    some, to = Vocabulary.of(known).kept(keep)
    assert all_of(some) == [term for term, kept in zip(known, keep, strict=True) if kept]
    assert [number >= 0 for number in to] == keep.tolist()
