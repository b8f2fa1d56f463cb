from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.segments.codec import HIGHEST_TERM, decode, encode
from tests.matching.given import unhurried

numbers = st.integers(0, 20) | st.integers(8_180, 8_200) | st.integers(0, HIGHEST_TERM)
counts = st.integers(1, 5) | st.integers(65_530, 65_540) | st.integers(1, 2**31 - 1)
documents = st.lists(st.dictionaries(numbers, counts, max_size=6).map(lambda d: sorted(d.items())), max_size=6)


def encoded(documents):
    starts = np.cumsum([0, *map(len, documents)]).astype(np.int64)
    ids = np.array([term for found in documents for term, _ in found], np.int32)
    tf = np.array([count for found in documents for _, count in found], np.int32)
    words, places = encode(starts, ids, tf)
    return words, places.astype(np.uint32)


@unhurried
@given(documents=documents, data=st.data())
def test_what_was_encoded_is_read_back_in_any_order(documents, data):
    rows = data.draw(st.lists(st.sampled_from(range(len(documents))), max_size=8)) if documents else []
    starts, ids, tf = decode(*encoded(documents), np.array(rows, np.int64))
    found = [list(zip(ids[begin:end].tolist(), tf[begin:end].tolist(), strict=True)) for begin, end in pairwise(starts)]
    assert found == [documents[row] for row in rows]


@pytest.mark.parametrize(
    ("document", "words"),
    [([(0, 1)], 1), ([(8190, 3)], 1), ([(8191, 1)], 2), ([(0, 4)], 2), ([(0, 65_534)], 2), ([(0, 65_535)], 4)],
    ids=["one word", "one word at most", "a far gap", "a tf of four", "a great tf", "a tf beyond"],
)
def test_a_term_takes_as_few_words_as_it_can(document, words):
    assert len(encoded([document])[0]) == words
