"""The first free time: the one that a search through every slot finds, and that can really be booked."""

from datetime import UTC, datetime, timedelta

from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from marketplace.kernel import clock
from marketplace.kernel.clock import BEIJING
from marketplace.labs import hours
from marketplace.labs.first_free import first_free, first_of
from marketplace.labs.hours import Span
from tests.given.labs import ALWAYS, an_instrument, day, wish

START = datetime(2027, 3, 1, tzinfo=BEIJING).astimezone(UTC)


def spans(most: int) -> st.SearchStrategy[list[Span]]:
    """Stretches within two days, in order and apart, on a grid of five minutes."""
    marks = st.lists(st.integers(0, 2 * 288), max_size=2 * most, unique=True).map(sorted)
    return marks.map(
        lambda found: [
            Span(START + timedelta(minutes=5 * one), START + timedelta(minutes=5 * other))
            for one, other in zip(found[::2], found[1::2], strict=False)
        ]
    )


def searched(opened, taken, broken, earliest, step, length, buffer) -> Span | None:
    """Every slot of the grid in turn, by the rules as they are told."""

    def on_the_grid(moment: datetime) -> bool:
        return not (moment - hours.midnight(moment.astimezone(BEIJING).date())) % step

    for begins in (START + timedelta(minutes=number) for number in range(0, 2 * 1440, 5)):
        ends = begins + length
        if (
            begins >= earliest
            and on_the_grid(begins)
            and on_the_grid(ends)
            and hours.covers(opened, begins, ends)
            and not any(one.starts_at < ends + buffer and begins < one.ends_at for one in taken)
            and not any(one.starts_at < ends and begins < one.ends_at for one in broken)
        ):
            return Span(begins, ends)
    return None


@settings(max_examples=60, deadline=None)
@drawn(
    spans(4), spans(5), spans(2), st.integers(0, 300),
    st.sampled_from([5, 15, 25, 30, 60, 420]), st.integers(1, 3), st.sampled_from([0, 10, 45]),
)  # fmt: skip
def test_it_is_the_one_that_a_search_through_every_slot_finds(opened, taken, broken, late, grain, units, kept):
    step, buffer = timedelta(minutes=grain), timedelta(minutes=kept)
    earliest, length = START + timedelta(minutes=7 * late), units * step
    # A search that stops where the calendar does: nothing is open behind it.
    found = first_of(opened, taken, broken, earliest, step=step, length=length, buffer=buffer)
    assert found == searched(opened, taken, broken, earliest, step, length, buffer)


async def test_it_can_be_booked_and_then_is_another(manager, engineer, session):
    terms = {"slot_minutes": 30, "min_minutes": 45, "max_minutes": 120, "buffer_minutes": 30, "notice_minutes": 90}
    one = await an_instrument(session, manager.organisation, **terms)
    before = None
    for _ in range(2):
        found = (await first_free(session, [one], clock.now()))[one.id]
        assert found.ends_at - found.starts_at == timedelta(hours=1), "45 minutes on a grid of 30"
        assert before is None or found.starts_at == before.ends_at + timedelta(minutes=30)
        made = await engineer.post("/api/v1/bookings", wish(one, engineer, found.starts_at))
        assert made.status_code == 201, made.text
        before = found


async def test_what_is_closed_too_far_ahead_or_out_of_order_has_none(manager, session):
    closed = await an_instrument(session, manager.organisation, hours=[])
    late = await an_instrument(session, manager.organisation, horizon_days=1, notice_minutes=2 * 1440)
    whole = await an_instrument(session, manager.organisation, min_minutes=40, max_minutes=50, slot_minutes=30)
    today = day(0).date()
    holidays = [{"day": str(today + timedelta(days=ahead)), "reason": "寒假"} for ahead in range(3)]
    after = await an_instrument(session, manager.organisation, exceptions=holidays, hours=ALWAYS)
    found = await first_free(session, [closed, late, whole, after], clock.now())
    assert found == {after.id: Span(day(3).astimezone(UTC), day(3).astimezone(UTC) + timedelta(minutes=30))}
