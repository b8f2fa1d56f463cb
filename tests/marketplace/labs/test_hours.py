"""Stretches of time, taken away from each other, against the minutes themselves."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from marketplace.labs.hours import Span, merged, without

BEGINNING = datetime(2027, 3, 1, tzinfo=UTC)
MOST = 40


def span(first: int, last: int) -> Span:
    return Span(BEGINNING + timedelta(minutes=first), BEGINNING + timedelta(minutes=last))


spans = st.lists(
    st.tuples(st.integers(0, MOST), st.integers(1, MOST)).map(lambda drawn: span(drawn[0], drawn[0] + drawn[1])),
    max_size=6,
)


def minutes(those) -> set[datetime]:
    return {
        moment
        for number in range(2 * MOST)
        if any(one.starts_at <= (moment := BEGINNING + timedelta(minutes=number)) < one.ends_at for one in those)
    }


@given(spans, spans)
def test_what_is_left_are_the_minutes_that_nobody_took(open_, taken):
    left = without(merged(open_), taken)
    assert minutes(left) == minutes(open_) - minutes(taken)
    assert all(one.starts_at < one.ends_at for one in left)
    assert all(one.ends_at <= next_.starts_at for one, next_ in pairwise(left))
