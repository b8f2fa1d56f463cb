"""费用、创新券、兑付、异议: who owes what for which use, and how it came to that."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, Field, StrictBool, WithJsonSchema

from schemas.base import Filter, Message
from schemas.bookings import InstrumentBrief
from schemas.identity import OrganisationCard
from schemas.labs import CustomerClass
from schemas.tariffs import Cover, PriceLine, Sums
from schemas.text import Day, Line, Text, Whole, Yuan

Reason = Annotated[str, Text(2000)]
Change = Annotated[Decimal, WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+\.[0-9]{2}$"})]
"""An amount in yuan that may be below zero."""


class AccountKind(StrEnum):
    """What an account of the ledger counts. The amounts of one posting add up to nought in each unit."""

    FUND = "fund"
    VOUCHER_AVAILABLE = "voucher_available"
    VOUCHER_HELD = "voucher_held"
    VOUCHER_SPENT = "voucher_spent"
    VOUCHER_REDEEMED = "voucher_redeemed"
    VOUCHER_OWED = "voucher_owed"
    QUOTA_SOURCE = "quota_source"
    QUOTA_AVAILABLE = "quota_available"
    QUOTA_HELD = "quota_held"
    QUOTA_USED = "quota_used"
    PAYER = "payer"
    INCOME = "income"
    DUE = "due"
    PAID = "paid"


class Unit(StrEnum):
    YUAN = "yuan"
    MINUTE = "minute"


class PostingKind(StrEnum):
    ISSUED = "issued"
    GRANTED = "granted"
    HELD = "held"
    RELEASED = "released"
    CHARGED = "charged"
    REVISED = "revised"
    REDEEMED = "redeemed"
    RETURNED = "returned"


class ChargeKind(StrEnum):
    """使用、晚取消、爽约."""

    USAGE = "usage"
    LATE_CANCELLATION = "late_cancellation"
    NO_SHOW = "no_show"


class EntryKind(StrEnum):
    """计费、机时更正、人工调整、平台减免."""

    CHARGED = "charged"
    CORRECTED = "corrected"
    ADJUSTED = "adjusted"
    WAIVED = "waived"


class DisputeState(StrEnum):
    """待答复、已采纳、不采纳、平台已减免."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WAIVED = "waived"


class Settlement(StrEnum):
    """通用（企业申领、企业兑付）：firm pays in full and redeems; 通兑（企业申领、机构兑付）：the lab redeems the rest."""

    FIRM_REDEEMS = "firm_redeems"
    LAB_REDEEMS = "lab_redeems"


class RedemptionState(StrEnum):
    ASKED = "asked"
    PAID = "paid"
    DECLINED = "declined"


class ClaimCorrectionKind(StrEnum):
    """应退回、已退回: a charge was corrected after its voucher was paid back; the money came back to the programme."""

    OWED = "owed"
    RETURNED = "returned"


class ChargeFilter(Filter):
    organisation: Annotated[UUID | None, Field(description="付费单位 · the payer")] = None
    instrument: UUID | None = None
    kept: Annotated[bool, Field(description="我管理的仪器上的 · of the instruments that you keep")] = False
    year: Annotated[
        Annotated[int, Whole(2000, 2200, written=True)] | None, Field(description="使用年份 · the year of the use")
    ] = None
    disputed: Annotated[bool, Field(description="有待答复的异议 · with an open dispute")] = False


class ChargeCard(Sums):
    """A charge as it stands: the sums of all its entries."""

    id: UUID
    kind: ChargeKind
    instrument: InstrumentBrief
    organisation: OrganisationCard
    lab_id: UUID
    booking_id: UUID | None
    usage_id: UUID | None
    tariff_id: UUID
    customer_class: CustomerClass
    used_at: AwareDatetime
    created_at: AwareDatetime


class EntryView(Message):
    """One step of a charge: what it changed (below zero: given back), the lines of the new sum, and why."""

    id: UUID
    charge_id: UUID
    kind: EntryKind
    reason: str | None
    gross: Change
    free_minutes: int
    free_amount: Change
    voucher_amount: Change
    payer_amount: Change
    lines: list[PriceLine]
    posting_id: UUID | None
    at: AwareDatetime


class AdjustmentOfCharge(Message):
    """What the charge should come to before free time and vouchers, and why."""

    comes_to: Annotated[Yuan, Field(description="新的总额 · the new gross sum")]
    reason: Reason


class WaiverNew(Message):
    reason: Reason


class DisputeNew(Message):
    reason: Reason


class DisputeAnswer(Message):
    """The lab's word. Accepting says what the charge comes to instead."""

    accept: StrictBool
    comes_to: Annotated[Yuan | None, Field(description="采纳时的新总额 · when accepted: the new sum")] = None
    answer: Reason


class DisputeView(Message):
    id: UUID
    charge_id: UUID
    state: DisputeState
    reason: str
    opened_at: AwareDatetime
    answer: str | None
    answered_at: AwareDatetime | None


class VoucherNew(Message):
    """创新券: issued to an organisation, good for a share of what it pays for use, until a day."""

    organisation_id: UUID
    number: Annotated[str, Line(50)]
    amount: Yuan
    share_percent: Annotated[
        Annotated[int, Whole(1, 100)], Field(description="抵扣比例 · the share of a charge it bears")
    ]
    settlement: Settlement
    valid_until: Annotated[Day, Field(json_schema_extra={"format": "date"})]
    programme: Annotated[str, Line(200)] | None = None


class VoucherFilter(Filter):
    organisation: UUID | None = None


class VoucherView(Message):
    id: UUID
    organisation: OrganisationCard
    number: str
    amount: Yuan
    share_percent: int
    settlement: Settlement
    valid_until: date
    programme: str | None
    available: Yuan
    held: Yuan
    spent: Annotated[Yuan, Field(description="已使用待兑付 · used, not yet redeemed")]
    redeemed: Yuan
    owed: Annotated[
        Yuan,
        Field(description="已兑付、费用更正后应退回 · paid back, and owed to it since a charge was corrected"),
    ]
    created_at: AwareDatetime


class VoucherMove(Message):
    """One line of a voucher's ledger."""

    id: UUID
    posting_id: UUID
    kind: PostingKind
    subject_id: Annotated[UUID, Field(description="预约、费用或创新券 · the booking, charge or voucher it is about")]
    account: AccountKind
    amount: Change
    at: AwareDatetime


class RedemptionNew(Message):
    voucher_id: UUID
    charge_id: UUID


class RedemptionDecision(Message):
    pay: StrictBool
    note: Reason | None = None


class RedemptionView(Message):
    """A claim as it was asked for and decided. What became of its charge afterwards stands beside it."""

    id: UUID
    voucher_id: UUID
    charge_id: UUID
    claimant_id: Annotated[UUID, Field(description="兑付单位 · who is paid: the firm (通用) or the lab (通兑)")]
    amount: Yuan
    state: RedemptionState
    asked_at: AwareDatetime
    decided_at: AwareDatetime | None
    note: str | None
    paid_amount: Annotated[
        Yuan | None,
        Field(description="实际兑付：以处理时的抵扣额为限 · what was paid: at most what the voucher bore then"),
    ]
    borne: Annotated[Yuan, Field(description="此券现在抵扣这笔费用的金额 · what the voucher bears of the charge now")]
    owed: Annotated[
        Yuan, Field(description="费用更正后应退回的金额 · what is to be given back since the charge was corrected")
    ]


class ClaimCorrectionView(Message):
    """A step of what is owed back of a claim that was paid: by a correction of its charge, or by its return."""

    id: UUID
    redemption_id: UUID
    kind: ClaimCorrectionKind
    amount: Annotated[
        Change,
        Field(description="应退回的增减，或已退回的金额 · what more (below zero: less) is owed, or what came back"),
    ]
    entry_id: Annotated[UUID | None, Field(description="哪次费用变更 · the step of the charge that it came of")]
    posting_id: UUID
    note: str | None
    at: AwareDatetime


class ReturnNew(Message):
    """That what was owed came back to the programme."""

    note: Reason | None = None


class ChargeView(ChargeCard):
    covers: list[Cover]
    claims: Annotated[
        list[RedemptionView], Field(description="对此费用的兑付申请 · what was asked for of its vouchers")
    ]
    disputed: bool


def as_lines(kept: list[dict[str, Any]]) -> list[PriceLine]:
    """The lines of an entry, as they were kept."""
    return [PriceLine.model_validate(one) for one in kept]
