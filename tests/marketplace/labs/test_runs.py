"""What of all that was told of an instrument's use counts: never more than the clock, in whatever order it came."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.labs.runs import Claim, Told, counted, granted, merged, minutes_between
from schemas.bookings import UsageSource

BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
SOURCES = [UsageSource.LOG, UsageSource.KIOSK, UsageSource.METER]


def at(minute: int) -> datetime:
    return BEGIN + timedelta(minutes=minute)


@st.composite
def telling(draw, sources=tuple(SOURCES)) -> Told:
    since, length = draw(st.integers(60, 300)), draw(st.integers(1, 90))
    source = draw(st.sampled_from(sources))
    before, after = 0, 0
    if source is UsageSource.KIOSK:
        before = draw(st.integers(0, length - 1))
        after = draw(st.integers(0, length - 1 - before))
    device = UUID(int=draw(st.integers(1, 2))) if source is UsageSource.METER else None
    return Told(
        source, at(since), at(since + length), before, length - before - after, after,
        draw(st.none() | st.integers(0, 9)), device,
    )  # fmt: skip


records = st.lists(st.tuples(st.lists(telling(), min_size=1, max_size=4), st.booleans()), min_size=1, max_size=6)


def claims_of(made) -> dict[UUID, Claim]:
    return {UUID(int=n): Claim(counted(told), booked) for n, (told, booked) in enumerate(made)}


@settings(max_examples=400, deadline=None)
@given(records, st.randoms(use_true_random=False))
def test_no_minute_counts_twice_and_the_order_makes_no_difference(made, chance):
    claims = claims_of(made)
    found = granted(claims)
    covered = merged(stretch for one in claims.values() for stretch in one.counted.stretches)
    total = sum(one.numbers.effective for one in found.values())
    assert total <= sum((until - since).total_seconds() for since, until in covered) / 60
    for key, one in found.items():
        whole = claims[key].counted.numbers
        assert one.numbers.effective <= whole.effective
        assert (one.by is not None) == (one.numbers.effective == 0)
        assert one.by is None or found[one.by].numbers.effective > 0
    shuffled = [(chance.sample(told, len(told)), booked) for told, booked in made]
    assert claims_of(shuffled) == claims
    keys = chance.sample(list(claims), len(claims))
    assert granted({key: claims[key] for key in keys}) == found


@settings(max_examples=200, deadline=None)
@given(st.lists(telling((UsageSource.METER,)), min_size=1, max_size=6))
def test_overlapping_runs_of_meters_are_one_run(told):
    one = counted(told)
    busy = {minute for run in told for minute in range(500) if run.since <= at(minute) < run.until}
    assert one.numbers.run == one.numbers.effective == len(busy)


def test_the_evidence_of_the_highest_rank_stands():
    log = Told(UsageSource.LOG, at(0), at(120), run=120)
    kiosk = Told(UsageSource.KIOSK, at(0), at(100), preparation=10, run=85, processing=5, samples=2)
    meter = Told(UsageSource.METER, at(15), at(75), run=60, samples=7)
    assert counted([log]).numbers.effective == 120
    assert counted([log, kiosk]).numbers.source is UsageSource.KIOSK
    told = counted([log, kiosk, meter]).numbers
    assert (told.source, told.run, told.effective, told.samples) == (UsageSource.METER, 60, 75, 2)
    # What was told to lie within the meter's time needs no other; what does not, lies around it.
    whole = counted([Told(UsageSource.METER, at(0), at(60), preparation=15, run=40)]).numbers
    assert (whole.since, whole.until, whole.effective) == (at(0), at(60), 55)
    around = counted([meter, Told(UsageSource.KIOSK, at(0), at(100), 10, 85, 5)]).numbers
    assert (around.since, around.until) == (at(5), at(80))
    keeper = Told(UsageSource.KEEPER, at(0), at(60), run=50)
    assert counted([log, kiosk, meter, keeper]).numbers.run == 50
    right = Told(UsageSource.KEEPER, at(0), at(60), run=40, corrects=True, at=at(900))
    wrong = Told(UsageSource.KEEPER, at(0), at(60), run=45, corrects=True, at=at(800))
    assert counted([right, log, wrong, meter]).numbers.run == 40
    assert minutes_between(at(0), at(0) + timedelta(seconds=61)) == 2


def test_a_record_gives_way_to_whoever_ranks_higher_and_a_keepers_word_is_never_cut():
    meter = Claim(counted([Told(UsageSource.METER, at(60), at(120), run=60)]), booked=True)
    late = Claim(counted([Told(UsageSource.KIOSK, at(0), at(90), run=90)]), booked=True)
    inside = Claim(counted([Told(UsageSource.LOG, at(70), at(80), run=10)]), booked=False)
    keeper = Claim(counted([Told(UsageSource.KEEPER, at(0), at(120), run=120)]), booked=False)
    a, b, c, d = (UUID(int=n) for n in range(4))
    found = granted({a: meter, b: late, c: inside})
    assert [found[key].numbers.effective for key in (a, b, c)] == [60, 60, 0]
    assert found[c].by == a
    assert granted({a: meter, d: keeper})[d].numbers.effective == 120
