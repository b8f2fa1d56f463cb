"""收费标准、报价、免费机时: what use of an instrument costs, to whom, and what of it is free."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, StrictBool, model_validator
from pydantic_core import PydanticCustomError

from schemas.base import Message, wrong_at
from schemas.bookings import Slot
from schemas.labs import ClockTime, CustomerClass, clock_minutes
from schemas.listings import EachOnce
from schemas.text import Day, Whole, Yuan

MOST_PRICE = Decimal(1_000_000)


class Per(StrEnum):
    """What a price is for; time is counted in minutes and priced by the hour."""

    HOUR = "hour"
    SAMPLE = "sample"
    RUN = "run"
    WHOLE = "whole"


class LineKind(StrEnum):
    """机时、峰谷时段、样品、开机、机组操作、晚取消、爽约、人工调整."""

    TIME = "time"
    WINDOW = "window"
    SAMPLES = "samples"
    RUN = "run"
    OPERATOR = "operator"
    LATE_CANCELLATION = "late_cancellation"
    NO_SHOW = "no_show"
    ADJUSTMENT = "adjustment"


class Prices(Message):
    """What one class of customers pays, in yuan."""

    per_hour: Yuan = Decimal("0.00")
    per_sample: Yuan = Decimal("0.00")
    per_run: Yuan = Decimal("0.00")
    operator_per_hour: Annotated[Yuan, Field(description="机组操作加收 · added when an operator runs it")] = Decimal(
        "0.00"
    )

    @model_validator(mode="after")
    def _not_absurd(self) -> Self:
        if max(self.per_hour, self.per_sample, self.per_run, self.operator_per_hour) > MOST_PRICE:
            raise PydanticCustomError("price_too_high", "单价不超过一百万元 · a price is at most 1,000,000 yuan")
        return self


class PriceList(Message):
    """Each class of customers has its prices: a published tariff leaves nobody to guess."""

    internal: Prices
    academic: Prices
    province_firm: Prices
    other: Prices

    def of(self, customer: CustomerClass) -> Prices:
        found: Prices = getattr(self, customer.value)
        return found


class PriceWindow(Message):
    """A stretch of some weekdays, 1 (星期一) to 7, in which an hour costs another share of its price: peak or off-peak."""

    weekdays: Annotated[list[Annotated[int, Whole(1, 7)]], Field(min_length=1, max_length=7), EachOnce]
    opens: ClockTime
    closes: ClockTime
    percent: Annotated[int, Whole(0, 1000)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if clock_minutes(self.opens) >= clock_minutes(self.closes):
            raise PydanticCustomError("hours_order", "开始须早于结束 · it has to begin before it ends")
        return self


def _apart(windows: Sequence[PriceWindow]) -> None:
    for number, one in enumerate(windows):
        for other in windows[number + 1 :]:
            touching = set(one.weekdays) & set(other.weekdays)
            before = clock_minutes(one.opens) < clock_minutes(other.closes)
            if touching and before and clock_minutes(other.opens) < clock_minutes(one.closes):
                raise wrong_at("windows", "windows_overlap", "峰谷时段不能重叠 · price windows must not overlap")


class TariffNew(Message):
    """A tariff from a day on. What was agreed or charged before keeps the tariff of its time."""

    effective_from: Annotated[
        Day,
        Field(
            json_schema_extra={"format": "date"},
            description="生效日：首个标准最早当日，其后最早次日"
            " · the first day it holds: today at the earliest for the first one, else tomorrow",
        ),
    ]
    prices: PriceList
    windows: Annotated[list[PriceWindow], Field(max_length=20)] = []
    late_cancel_percent: Annotated[
        Annotated[int, Whole(0, 100)],
        Field(
            description="晚取消与爽约收取比例 · share of the agreed price charged for a late cancellation or a no-show"
        ),
    ] = 0
    accepts_vouchers: Annotated[StrictBool, Field(description="接受创新券 · innovation vouchers are taken")] = True

    @model_validator(mode="after")
    def _windows_apart(self) -> Self:
        _apart(self.windows)
        return self


class TariffView(Message):
    id: UUID
    instrument_id: UUID
    effective_from: date
    prices: PriceList
    windows: list[PriceWindow]
    late_cancel_percent: int
    accepts_vouchers: bool
    created_at: AwareDatetime


class PriceLine(Message):
    """One line of a sum: quantity × price × percent ÷ 100, by the hour also ÷ 60, rounded half up to the cent."""

    kind: LineKind
    quantity: Annotated[int, Field(description="分钟、样品数或次数 · minutes, samples or runs")]
    per: Per
    price: Yuan
    percent: int = 100
    amount: Yuan


class QuoteAsk(Slot):
    """What somebody would like to use, before they book it."""

    organisation_id: UUID
    assisted: StrictBool = False
    samples: Annotated[int, Whole(0, 1_000_000)] = 0


class Cover(Message):
    """What a voucher bears of a charge."""

    voucher_id: UUID
    amount: Yuan


class Sums(Message):
    """Who bears what: gross = free + vouchers + payer. Free time is applied first, then vouchers, then the payer."""

    gross: Yuan
    free_minutes: int
    free_amount: Yuan
    voucher_amount: Yuan
    payer_amount: Annotated[Yuan, Field(description="用户净负担 · what it costs the payer in the end")]
    payable: Annotated[
        Yuan,
        Field(
            description="应付实验室（含先付后兑的创新券部分） · paid to the lab: with what a 通用 voucher gives back later"
        ),
    ]


SUMS = tuple(Sums.model_fields)
"""Their names: gross, free_minutes, free_amount, voucher_amount, payer_amount, payable."""


class Unpriced(StrEnum):
    """Why no price is told. No published tariff is no free offer."""

    NO_TARIFF = "no_tariff"
    NOT_ADMITTED = "not_admitted"
    NOTHING_FREE = "nothing_free"


class Quote(Message):
    """What it would cost now. Nothing is held by asking. Where no tariff is published, every sum is null."""

    instrument_id: UUID
    tariff_id: Annotated[
        UUID | None,
        Field(
            description="未公布收费标准时为空，各项金额也为空：没有报价，请咨询机组"
            " · null where no tariff is published, and so is every sum: there is no price to tell, ask the lab"
        ),
    ]
    unpriced: Annotated[Unpriced | None, Field(description="没有报价的原因 · why no price is told")]
    customer_class: CustomerClass
    minutes: int
    lines: list[PriceLine]
    gross: Yuan | None
    free_minutes: int | None
    free_amount: Yuan | None
    voucher_amount: Yuan | None
    payer_amount: Yuan | None
    payable: Yuan | None
    covers: list[Cover]


class SlotPrice(Sums):
    """What the first free time would cost, by the balances of this moment. Nothing is held by asking."""

    customer_class: Annotated[
        CustomerClass,
        Field(description="按哪一类用户计价；未登录按“其他” · whose price; a visitor's is that of others"),
    ]
    admitted: Annotated[bool, Field(description="是否接受这一类用户的预约 · whether bookings of that class are taken")]
    assisted: Annotated[
        bool, Field(description="只能由机组操作的，含操作费 · with its operator, where there is no other way")
    ]
    tariff_id: UUID
    minutes: int
    lines: list[PriceLine]


class FreeQuotaNew(Message):
    """The share of a year's hours that is given free: 一定比例免费服务."""

    year: Annotated[int, Whole(2000, 2200)]
    yearly_hours: Annotated[
        Annotated[int, Whole(1, 8784)],
        Field(description="年定额机时 · the year's quota hours: 1400, or 800 for special ones"),
    ] = 1400
    percent: Annotated[int, Whole(1, 100)]
    customers: Annotated[
        list[CustomerClass], Field(min_length=1, max_length=4, description="受益类别 · who benefits"), EachOnce
    ] = [CustomerClass.PROVINCE_FIRM]


class FreeQuotaView(Message):
    """Every declaration; the latest of a year holds, and only that one's balance is told."""

    id: UUID
    instrument_id: UUID
    year: int
    yearly_hours: int
    percent: int
    customers: list[CustomerClass]
    granted_minutes: int
    available_minutes: int
    held_minutes: int
    used_minutes: int
    declared_at: AwareDatetime
