"""What was asked for of a charge's vouchers: how much of it was paid, came back, and is owed back."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation
from marketplace.money import pricing
from marketplace.money.models import ChargeCover, ClaimCorrection, Redemption, Voucher
from schemas.charges import ClaimCorrectionKind, RedemptionState, RedemptionView, Settlement


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim on a voucher that stands."""

    id: UUID
    voucher_id: UUID
    settlement: Settlement
    amount: Decimal
    paid: Decimal | None
    returned: Decimal
    owed: Decimal

    @property
    def most(self) -> Decimal:
        """What the voucher can bear of the charge: what was asked for, or paid and not returned."""
        return self.amount if self.paid is None else self.paid - self.returned

    def owed_at(self, borne: Decimal) -> Decimal:
        """What of it would be owed back if the voucher bore so much."""
        return pricing.NOTHING if self.paid is None else max(pricing.NOTHING, self.most - borne)


_RETURNED = case((ClaimCorrection.kind == ClaimCorrectionKind.RETURNED, ClaimCorrection.amount), else_=0)
_OWED = case(
    (ClaimCorrection.kind == ClaimCorrectionKind.RETURNED, -ClaimCorrection.amount), else_=ClaimCorrection.amount
)
returned = (
    select(func.coalesce(func.sum(_RETURNED), 0))
    .where(ClaimCorrection.redemption_id == Redemption.id)
    .scalar_subquery()
)
owed = select(func.coalesce(func.sum(_OWED), 0)).where(ClaimCorrection.redemption_id == Redemption.id).scalar_subquery()
borne = (
    select(func.coalesce(func.sum(ChargeCover.amount), 0))
    .where(ChargeCover.charge_id == Redemption.charge_id, ChargeCover.voucher_id == Redemption.voucher_id)
    .scalar_subquery()
)
BESIDE = (borne.label("borne"), owed.label("owed"))


async def standing(session: AsyncSession, charge_id: UUID) -> list[Claim]:
    """The claims on a charge that were not declined. Whoever calls holds the charge, so that they stay as they are."""
    rows = await session.execute(
        select(
            Redemption.id, Redemption.voucher_id, Voucher.settlement, Redemption.amount, Redemption.paid_amount,
            returned.label("returned"), owed.label("owed"),
        )
        .join(Voucher, Voucher.id == Redemption.voucher_id)
        .where(Redemption.charge_id == charge_id, Redemption.state != RedemptionState.DECLINED)
        .order_by(Redemption.id)
    )  # fmt: skip
    return [Claim(*row) for row in rows.all()]


def chosen() -> Select[Any]:
    """Claims beside what became of their charges."""
    return select(Redemption, *BESIDE)


def view(row: Any) -> RedemptionView:
    """A claim as it is told, from a row of `chosen`."""
    one: Redemption = row[0]
    own = {name: getattr(one, name) for name in RedemptionView.model_fields if name not in {"borne", "owed"}}
    return RedemptionView(**own, borne=row.borne, owed=row.owed)


async def of_charge(session: AsyncSession, charge_id: UUID) -> Sequence[Any]:
    """All claims on a charge, each with its voucher's number and who is to be paid, latest first; for whoever sees the charge."""
    rows = await session.execute(
        chosen()
        .add_columns(Voucher.number, Organisation.name.label("claimant"))
        .join(Voucher, Voucher.id == Redemption.voucher_id)
        .join(Organisation, Organisation.id == Redemption.claimant_id)
        .where(Redemption.charge_id == charge_id)
        .order_by(Redemption.asked_at.desc(), Redemption.id.desc())
        .limit(100)
    )
    return rows.all()
