"""Opening hours as people write them in a table."""

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from marketplace.labs import written
from marketplace.labs.written import HoursUnreadable
from schemas.labs import clock_written


def spans(days: int, *hours: tuple[str, str], first: int = 1) -> list[dict]:
    return [
        {"weekday": day, "opens": opens, "closes": closes}
        for day in range(first, first + days)
        for opens, closes in hours
    ]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("周一至周五 08:30-17:30", spans(5, ("08:30", "17:30"))),
        ("工作日8:30~17:30", spans(5, ("08:30", "17:30"))),
        ("每天 00:00-24:00", spans(7, ("00:00", "24:00"))),
        ("星期一到星期二：09:00至12:00，13:00至17:00", spans(2, ("09:00", "12:00"), ("13:00", "17:00"))),
        ("1-2 9:00-10:00；周末 10:00-11:00", spans(2, ("09:00", "10:00")) + spans(2, ("10:00", "11:00"), first=6)),
        ("周三、周四 09:00-10:00\n", spans(2, ("09:00", "10:00"), first=3)),
        ("周天 09:00-10:00", spans(1, ("09:00", "10:00"), first=7)),
    ],
)
def test_hours_are_read_as_people_write_them(text, read):
    assert sorted(written.hours_read(text), key=str) == sorted(read, key=str)


@pytest.mark.parametrize(
    "text", ["随时", "周一", "08:30-17:30", "周五至周一 09:00-10:00", "周一 九点到十点", "，" * 100_000]
)
def test_what_says_no_hours_is_told(text):
    with pytest.raises(HoursUnreadable):
        written.hours_read(text)


marks = st.lists(st.integers(0, 1440), min_size=2, max_size=6, unique=True).map(sorted)


@settings(max_examples=100, deadline=None)
@drawn(st.dictionaries(st.integers(1, 7), marks, min_size=1))
def test_whatever_is_written_is_read_back(by_day):
    hours = [
        (day, clock_written(since), clock_written(until))
        for day, found in by_day.items()
        for since, until in zip(found[::2], found[1::2], strict=False)
    ]
    told = written.hours_read(written.hours_written(hours))
    assert sorted((one["weekday"], one["opens"], one["closes"]) for one in told) == sorted(hours)
