"""对账单与开放共享考核表: figures, each with the list of the rows behind it."""

from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints, WithJsonSchema, model_validator

from schemas.base import Filter, Message, wrong_at
from schemas.charges import Change, ChargeKind, EntryKind
from schemas.text import Day, Whole

Month = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")]
"""A month in China: `2026-03`."""
Rate = Annotated[Decimal, WithJsonSchema({"type": "string", "pattern": r"^[0-9]+\.[0-9]{4}$"})]
"""A share, rounded half up to four decimals: `0.2500` is a quarter."""
Link = Annotated[str, Field(description="列出明细的地址 · the address that lists the rows behind it")]
Year = Annotated[int, Whole(2000, 2200, written=True)]


class StatementSums(Message):
    gross: Change
    free_minutes: int
    free_amount: Change
    voucher_amount: Change
    payer_amount: Change
    payable: Change


class StatementCard(StatementSums):
    organisation_id: UUID
    organisation: str
    month: str
    entries: int
    rows: Link


class StatementOfLab(StatementSums):
    lab_id: UUID
    lab: str


class StatementView(StatementCard):
    """What one payer was charged in one month, as far as you may see it. What is entered later is in its own month."""

    labs: list[StatementOfLab]


class StatementEntry(StatementSums):
    id: UUID
    charge_id: UUID
    charge_kind: ChargeKind
    kind: EntryKind
    reason: str | None
    lab: str
    instrument: str
    used_at: AwareDatetime
    at: AwareDatetime


class Grouping(StrEnum):
    INSTRUMENT = "instrument"
    LAB = "lab"
    ORGANISATION = "organisation"


class SharingFilter(Filter):
    year: Year
    by: Grouping = Grouping.INSTRUMENT
    organisation: UUID | None = None


class SharingRow(Message):
    """有效机时 = 必要开机准备 + 测试 + 必须后处理; 共享率 = 对外服务机时 ÷ 有效机时."""

    id: Annotated[UUID, Field(description="仪器或单位 · the instrument, or the first one of the group")]
    organisation_id: UUID
    organisation: str
    lab: str | None
    instrument: str | None
    model: str | None
    class_code: str | None
    value: Change | None
    instruments: int
    usages: int
    effective_minutes: int
    external_minutes: int
    share_rate: Rate
    of_general_quota: Annotated[Rate, Field(description="有效机时 ÷ 定额 1400 小时（通用） · of 1,400 h an instrument")]
    of_special_quota: Annotated[Rate, Field(description="有效机时 ÷ 定额 800 小时（专用） · of 800 h an instrument")]
    organisations_served: Annotated[int, Field(description="服务的校外单位数 · external organisations served")]
    qualified_users: int
    income: Change
    external_income: Change
    satisfaction: Annotated[
        Rate | None,
        Field(description="当年使用的评分均值；尚无评分为空 · mean rating of the year's use; none yet: null"),
    ]
    outputs: Annotated[int, Field(description="当年成果产出数 · papers, patents, standards and projects of the year")]
    usage_rows: Link
    external_rows: Link
    organisation_rows: Link
    charge_rows: Link
    rating_rows: Link
    output_rows: Link


class OfYear(Filter):
    year: Year


class RowsFilter(OfYear):
    external: Annotated[bool, Field(description="只看对外服务 · external use only")] = False


class ServedView(Message):
    """An external organisation that was served."""

    organisation_id: UUID
    name: str
    usages: int
    effective_minutes: int


class MapBy(StrEnum):
    """按星期、按日期."""

    WEEKDAY = "weekday"
    DAY = "day"


LONGEST_MAP = timedelta(days=366)
LONGEST_DAILY_MAP = timedelta(days=62)
Minutes = Annotated[Decimal, WithJsonSchema({"type": "string", "pattern": r"^[0-9]+\.[0-9]{2}$"})]
"""Minutes that were shared out among hours, rounded half up to two decimals."""
FromDay = Annotated[Day, Field(json_schema_extra={"format": "date"}, description="第一天 · the first day")]
LastDay = Annotated[Day, Field(json_schema_extra={"format": "date"}, description="最后一天 · the last day")]


class MapFilter(Filter):
    """Some days of an instrument, by the calendar of China."""

    since: FromDay
    until: LastDay
    by: MapBy = MapBy.WEEKDAY

    @model_validator(mode="after")
    def _not_too_long(self) -> Self:
        longest = LONGEST_DAILY_MAP if self.by is MapBy.DAY else LONGEST_MAP
        if self.until < self.since:
            raise wrong_at("until", "period_order", "最后一天不能早于第一天 · the last day is not before the first")
        if self.until - self.since >= longest:
            raise wrong_at(
                "until",
                "map_too_long",
                "按星期最长 366 天，按日期最长 62 天 · 366 days at most by weekday, 62 by day",
            )
        return self


class CellFilter(MapFilter):
    """One cell of a map: a weekday or a day, and an hour of it."""

    weekday: Annotated[Annotated[int, Whole(1, 7, written=True)] | None, Field(description="星期 · weekday")] = None
    day: Annotated[Day | None, Field(json_schema_extra={"format": "date"}, description="日期 · day")] = None
    hour: Annotated[int, Whole(0, 23, written=True)]

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.weekday is None) == (self.day is None):
            raise wrong_at("weekday", "cell_of", "请写星期或日期之一 · give the weekday or the day, one of them")
        return self


class MapCell(Message):
    """An hour of a weekday, or of a day."""

    weekday: Annotated[int, Field(description="1 星期一 … 7 · 1 (Monday) to 7")]
    day: date | None
    hour: int
    minutes: Minutes
    share: Annotated[Rate, Field(description="占这些小时的比例 · of all such hours of the period")]
    usages: int
    rows: Link


class UtilisationMap(Message):
    """When an instrument is used. Effective time is shared out evenly from the beginning of each use to its end.

    Only hours in which it was used have a cell; the cells add up to the whole, but for rounding.
    """

    instrument_id: UUID
    since: date
    until: date
    by: MapBy
    minutes: Minutes
    usages: int
    cells: list[MapCell]
