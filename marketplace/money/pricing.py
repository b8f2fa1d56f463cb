"""What use costs, and who bears it: arithmetic alone, in `Decimal`, that anybody can redo by hand.

Every amount is rounded once, half up to the cent; a sum is the sum of its rounded lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from schemas.charges import Settlement
from schemas.labs import clock_minutes
from schemas.tariffs import LineKind, Per, PriceLine, Prices, PriceWindow
from schemas.text import CENT

NOTHING = Decimal("0.00")
HUNDRED = Decimal(100)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Use:
    """Time by the clock in China, the minutes of it that count, and what else is priced."""

    starts_at: datetime
    ends_at: datetime
    minutes: int
    samples: int = 0
    assisted: bool = False


@dataclass(frozen=True, slots=True)
class Purse:
    """What a voucher could bear still."""

    voucher_id: UUID
    available: Decimal
    share_percent: int
    settlement: Settlement


@dataclass(frozen=True, slots=True)
class Split:
    """Who bears a gross sum. Its parts add up to it."""

    gross: Decimal
    free_minutes: int
    free_amount: Decimal
    covers: tuple[tuple[Purse, Decimal], ...]

    @property
    def voucher_amount(self) -> Decimal:
        return sum((amount for _, amount in self.covers), NOTHING)

    @property
    def payer_amount(self) -> Decimal:
        return self.gross - self.free_amount - self.voucher_amount

    @property
    def payable(self) -> Decimal:
        """What the lab is paid by the payer: a firm that redeems its voucher itself pays that part first."""
        first = (amount for purse, amount in self.covers if purse.settlement is Settlement.FIRM_REDEEMS)
        return self.payer_amount + sum(first, NOTHING)


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def line(kind: LineKind, quantity: int, per: Per, price: Decimal, percent: int = 100) -> PriceLine:
    """quantity × price × percent ÷ 100, and ÷ 60 where minutes are priced by the hour."""
    whole = HUNDRED * 60 if per is Per.HOUR else HUNDRED
    amount = cents(quantity * price * percent / whole)
    return PriceLine(kind=kind, quantity=quantity, per=per, price=price, percent=percent, amount=amount)


def priced(prices: Prices, windows: Sequence[PriceWindow], use: Use) -> list[PriceLine]:
    """Every line that costs something."""
    lines = []
    if use.minutes and prices.per_hour:
        for minutes, percent in _minutes(windows, use):
            kind = LineKind.TIME if percent is None else LineKind.WINDOW
            lines.append(line(kind, minutes, Per.HOUR, prices.per_hour, 100 if percent is None else percent))
    if use.samples and prices.per_sample:
        lines.append(line(LineKind.SAMPLES, use.samples, Per.SAMPLE, prices.per_sample))
    if prices.per_run:
        lines.append(line(LineKind.RUN, 1, Per.RUN, prices.per_run))
    if use.assisted and use.minutes and prices.operator_per_hour:
        lines.append(line(LineKind.OPERATOR, use.minutes, Per.HOUR, prices.operator_per_hour))
    return lines


def _minutes(windows: Sequence[PriceWindow], use: Use) -> list[tuple[int, int | None]]:
    """The counted minutes, spread over ordinary time and the windows as the clock was: whole, and none lost."""
    total = (use.ends_at - use.starts_at) // _MINUTE or 1
    found: list[tuple[int, int | None]] = []
    passed = given = 0
    for window in windows:
        passed += _overlap(window, use.starts_at, use.ends_at)
        # Rounding where the stretches meet, not each of them, keeps their sum.
        upto = (2 * use.minutes * passed + total) // (2 * total)
        if upto > given:
            found.append((upto - given, window.percent))
        given = upto
    if use.minutes > given:
        found.insert(0, (use.minutes - given, None))
    return found


def _overlap(window: PriceWindow, starts_at: datetime, ends_at: datetime) -> int:
    minutes = 0
    day = starts_at.replace(hour=0, minute=0, second=0, microsecond=0)
    while day < ends_at:
        if day.isoweekday() in window.weekdays:
            since = max(starts_at, day + timedelta(minutes=clock_minutes(window.opens)))
            until = min(ends_at, day + timedelta(minutes=clock_minutes(window.closes)))
            minutes += max(timedelta(0), until - since) // _MINUTE
        day += timedelta(days=1)
    return minutes


def total(lines: Sequence[PriceLine]) -> Decimal:
    return sum((one.amount for one in lines), NOTHING)


def split(gross: Decimal, minutes: int, free_minutes: int, purses: Sequence[Purse]) -> Split:
    """Free time first, then vouchers, then the payer.

    Free minutes bear their share of the minutes. Of what is left, vouchers in turn bear up to their share of the
    whole of it: two of a half bear a half together, not three quarters.
    """
    free = min(minutes, free_minutes) if gross else 0
    free_amount = cents(gross * free / minutes) if free else NOTHING
    if not free_amount:
        free = 0
    left, borne = gross - free_amount, NOTHING
    covers = []
    for purse in purses:
        most = cents(left * purse.share_percent / HUNDRED) - borne
        amount = max(NOTHING, min(purse.available, most))
        if amount:
            covers.append((purse, amount))
            borne += amount
    return Split(gross, free, free_amount, tuple(covers))
