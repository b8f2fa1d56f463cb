"""对账单与开放共享考核表: figures, each with the list of the rows behind it."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints, WithJsonSchema

from schemas.base import Filter, Message
from schemas.charges import Change, ChargeKind, EntryKind
from schemas.text import Whole

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
    satisfaction: Annotated[Rate | None, Field(description="评分均值；尚无评分为空 · mean rating; none yet: null")]
    usage_rows: Link
    external_rows: Link
    organisation_rows: Link
    charge_rows: Link


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
