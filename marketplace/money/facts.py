from dataclasses import dataclass
from uuid import UUID

from marketplace.kernel.facts import Fact


@dataclass(frozen=True, slots=True)
class TariffPublished(Fact):
    tariff_id: UUID
    instrument_id: UUID


@dataclass(frozen=True, slots=True)
class FreeQuotaDeclared(Fact):
    quota_id: UUID
    instrument_id: UUID


@dataclass(frozen=True, slots=True)
class OfCharge(Fact):
    """Something that happened to one charge."""

    charge_id: UUID


@dataclass(frozen=True, slots=True)
class UseCharged(OfCharge):
    pass


@dataclass(frozen=True, slots=True)
class ChargeRevised(OfCharge):
    entry_id: UUID
    kind: str


@dataclass(frozen=True, slots=True)
class DisputeOpened(OfCharge):
    dispute_id: UUID


@dataclass(frozen=True, slots=True)
class DisputeAnswered(OfCharge):
    dispute_id: UUID
    state: str


@dataclass(frozen=True, slots=True)
class VoucherIssued(Fact):
    voucher_id: UUID
    organisation_id: UUID


@dataclass(frozen=True, slots=True)
class RedemptionAsked(Fact):
    redemption_id: UUID


@dataclass(frozen=True, slots=True)
class RedemptionDecided(Fact):
    redemption_id: UUID
    paid: bool


@dataclass(frozen=True, slots=True)
class RedemptionCorrected(Fact):
    redemption_id: UUID
    charge_id: UUID


@dataclass(frozen=True, slots=True)
class RedemptionReturned(Fact):
    redemption_id: UUID
