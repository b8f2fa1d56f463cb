"""Arithmetic that anybody can redo: every line from its own numbers, every sum from its lines."""

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.kernel.clock import BEIJING
from marketplace.money.pricing import Purse, Use, line, priced, split, total
from schemas.charges import Settlement
from schemas.tariffs import LineKind, Per, Prices, PriceWindow, TariffNew
from tests.given.money import PRICES, WINDOW, a_tariff

MONDAY = datetime(2027, 3, 1, tzinfo=BEIJING)
EVENING = PriceWindow.model_validate(WINDOW)
FIRM = Prices(per_hour=Decimal("100.00"), per_sample=Decimal("8.50"), per_run=Decimal("30.00"),
              operator_per_hour=Decimal("50.00"))  # fmt: skip

yuan = st.decimals(0, 100_000, places=2)


def use(since: float, hours: float, minutes: int | None = None, **more) -> Use:
    starts_at = MONDAY + timedelta(hours=since)
    return Use(starts_at, starts_at + timedelta(hours=hours), int(hours * 60) if minutes is None else minutes, **more)


def test_peak_hours_samples_runs_and_the_operator_are_lines_of_their_own():
    lines = priced(FIRM, [EVENING], use(17, 2, samples=3, assisted=True))
    told = [(one.kind.value, one.quantity, one.percent, str(one.amount)) for one in lines]
    assert told == [
        ("time", 60, 100, "100.00"),
        ("window", 60, 150, "150.00"),
        ("samples", 3, 100, "25.50"),
        ("run", 1, 100, "30.00"),
        ("operator", 120, 100, "100.00"),
    ]
    assert total(lines) == Decimal("405.50")


def test_a_window_is_of_its_weekdays_and_of_china():
    saturday = use(24 * 5 + 18, 2)
    assert [one.kind for one in priced(FIRM, [EVENING], saturday)] == [LineKind.TIME, LineKind.RUN]


def test_a_line_rounds_half_up_to_the_cent():
    assert line(LineKind.TIME, 1, Per.HOUR, Decimal("0.30")).amount == Decimal("0.01")
    assert line(LineKind.TIME, 1, Per.HOUR, Decimal("0.29")).amount == Decimal("0.00")


@settings(max_examples=60)
@given(st.integers(0, 10_000), yuan, st.integers(0, 1000), st.sampled_from([Per.HOUR, Per.SAMPLE]))
def test_every_line_can_be_redone_in_whole_cents(quantity, price, percent, per):
    found = line(LineKind.TIME, quantity, per, price, percent)
    parts = 6000 if per is Per.HOUR else 100
    assert int(found.amount * 100) == (2 * quantity * int(price * 100) * percent + parts) // (2 * parts)


@settings(max_examples=60)
@given(st.integers(0, 200), st.integers(1, 60), st.integers(1, 4000))
def test_no_counted_minute_is_lost_between_the_windows(since, hours, minutes):
    night = PriceWindow(weekdays=[1, 3, 5, 7], opens="00:00", closes="06:10", percent=70)
    lines = priced(Prices(per_hour=Decimal(60)), [EVENING, night], use(since, hours, minutes))
    assert sum(one.quantity for one in lines) == minutes


purses = st.lists(
    st.builds(
        Purse, st.integers(1, 9).map(lambda n: UUID(int=n)), yuan, st.integers(1, 100), st.sampled_from(Settlement)
    ),
    max_size=3,
    unique_by=lambda one: one.voucher_id,
)


@settings(max_examples=150)
@given(yuan, st.integers(0, 5000), st.integers(0, 5000), purses)
def test_whoever_bears_it_the_parts_add_up_and_nobody_bears_more_than_he_has(gross, minutes, free, found):
    parts = split(gross, minutes, free, found)
    assert parts.free_amount + parts.voucher_amount + parts.payer_amount == gross
    assert min(parts.free_amount, parts.voucher_amount, parts.payer_amount) >= 0
    assert parts.free_minutes <= min(minutes, free)
    assert all(0 < amount <= purse.available for purse, amount in parts.covers)
    most = max((one.share_percent for one in found), default=0)
    left = gross - parts.free_amount
    assert parts.voucher_amount <= (left * most / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)
    advanced = sum(amount for purse, amount in parts.covers if purse.settlement is Settlement.FIRM_REDEEMS)
    assert parts.payable == parts.payer_amount + advanced


BAD = {
    "a class left out": {"prices": {name: PRICES[name] for name in ("internal", "academic", "other")}},
    "below nought": {"prices": PRICES | {"other": {"per_hour": "-1.00"}}},
    "three decimals": {"prices": PRICES | {"other": {"per_hour": "1.005"}}},
    "absurd": {"prices": PRICES | {"other": {"per_hour": "1000000.01"}}},
    "windows that overlap": {"windows": [WINDOW, WINDOW | {"weekdays": [5, 6], "opens": "21:00", "closes": "23:00"}]},
    "a window that ends before it begins": {"windows": [WINDOW | {"opens": "22:00", "closes": "18:00"}]},
    "more than all of it": {"late_cancel_percent": 101},
    "year 9999": {"effective_from": "9999-12-31"},
}


@pytest.mark.parametrize("what", list(BAD))
def test_a_tariff_that_cannot_be_is_refused(what):
    TariffNew.model_validate(a_tariff(windows=[WINDOW]))
    with pytest.raises(ValueError, match=r"·|Field required"):
        TariffNew.model_validate(a_tariff() | BAD[what])
