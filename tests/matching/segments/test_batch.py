import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.segments import collection as module
from matching.segments.batch import NOBODY, Asking
from matching.segments.collection import Collection
from matching.segments.store import Store
from tests.matching.segments.given import everyone, lives, segment_of, unhurried, view_of


def assert_asks_like_a_query(asking, answering, k):
    """Each record of one view finds in the other what a query of its terms finds there."""
    answers = Asking(asking, answering).best(range(asking.rows), k)
    assert answers.rows.shape == answers.scores.shape == (asking.rows, k)
    for part in asking.parts:
        starts, ids, tf = part.segment.decoded(np.arange(len(part)))
        for row in range(len(part)):
            here = slice(starts[row], starts[row + 1])
            terms = [part.segment.vocabulary.term(number) for number in ids[here]]
            query = dict(zip(terms, tf[here].tolist(), strict=True)) if part.alive[row] else {}
            found = answering.best(answering.ask(query), k)
            its = answers.rows[part.first + row]
            assert its[its != NOBODY].tolist() == found.rows.tolist()
            assert answers.scores[part.first + row][: len(found.rows)].tolist() == found.scores.tolist()
            assert (its[len(found.rows) :] == NOBODY).all()


@unhurried
@given(asking=lives(), answering=lives(), k=st.integers(1, 9))
def test_records_that_ask_find_what_a_query_of_their_terms_finds(asking, answering, k):
    assert_asks_like_a_query(view_of(*asking[0]), view_of(*answering[0]), k)


def test_a_piece_of_the_rows_finds_what_all_of_them_find():
    asking = [segment_of({f"{part}{n}": {"电": n + 1, "池": 1} for n in range(5)}) for part in "ab"]
    answering = segment_of({f"c{n}": {"电": 1, "钢": n % 3 + 1} for n in range(7)})
    pair = Asking(
        view_of(*((segment, everyone(segment)) for segment in asking)), view_of((answering, everyone(answering)))
    )
    whole = pair.best(range(10), 3)
    piece = pair.best(range(3, 8), 3)
    assert piece.rows.tolist() == whole.rows[3:8].tolist()
    assert piece.scores.tolist() == whole.scores[3:8].tolist()


def test_records_newer_than_the_numbers_are_asked_and_answer(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "FRESH_UP_TO", -1)
    answering = Collection(Store(tmp_path))
    answering.put("a", {"电": 1, "池": 2})
    answering.publish()
    answering.put("b", {"电": 1, "新": 1})
    asking = segment_of({"q": {"新": 1, "电": 1, "无": 4}, "r": {"无": 1}})
    assert_asks_like_a_query(view_of((asking, everyone(asking))), answering.refresh(), 3)


def test_asks_for_at_least_one():
    with pytest.raises(ValueError, match="at least 1"):
        Asking(view_of(), view_of()).best(range(0), 0)
