"""Who could bear a sum at this moment: the year's free minutes, and the payer's vouchers that end first."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from sqlalchemy import Uuid, any_, bindparam, or_, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.clock import BEIJING
from marketplace.kernel.prepared import Prepared
from marketplace.money import ledger, pricing
from marketplace.money.claimed import Claim
from marketplace.money.ledger import Of
from marketplace.money.models import FreeQuota, Tariff, Voucher
from marketplace.money.pricing import Purse, Split
from schemas.charges import AccountKind, Settlement
from schemas.labs import CustomerClass


@dataclass(frozen=True, slots=True)
class Case:
    """Whose use of what, when."""

    instrument_id: UUID
    organisation_id: UUID
    customer_class: CustomerClass
    at: datetime
    # By account: what is kept for this use already, or borne of it, and so is there for it in any case.
    own: Mapping[Of, Decimal] = field(default_factory=dict)
    # By voucher: what of it was claimed from the programme already. More of it is not borne.
    claimed: Mapping[UUID, Decimal] = field(default_factory=dict)


def quota_of(instrument_id: UUID, at: datetime) -> UUID:
    """Whose account the free minutes of an instrument's year are."""
    return uuid5(instrument_id, str(at.astimezone(BEIJING).year))


def voucher_account(voucher_id: UUID) -> Of:
    return Of(AccountKind.VOUCHER_AVAILABLE, voucher_id)


def quota_account(case: Case) -> Of:
    return Of(AccountKind.QUOTA_AVAILABLE, quota_of(case.instrument_id, case.at))


class _Voucher(NamedTuple):
    id: UUID
    share_percent: int
    settlement: Settlement
    valid_until: date


_DECLARED = Prepared(
    select(FreeQuota.customers)
    .where(FreeQuota.instrument_id == bindparam("instrument"), FreeQuota.year == bindparam("year"))
    .order_by(FreeQuota.declared_at.desc(), FreeQuota.id.desc())
    .limit(1)
)
_ISSUED = Prepared(
    select(Voucher.id, Voucher.share_percent, Voucher.settlement, Voucher.valid_until)
    .where(
        Voucher.organisation_id == bindparam("organisation"),
        or_(Voucher.valid_until >= bindparam("day"), Voucher.id == any_(bindparam("kept", type_=ARRAY(Uuid)))),
    )
    .order_by(Voucher.valid_until, Voucher.id)
)


async def split(
    session: AsyncSession, case: Case, tariff: Tariff, gross: Decimal, minutes: int, *, holding: bool = True
) -> Split:
    """Who bears a sum; unless one only asks, what bears it is locked."""
    wanted = []
    if await _benefits(session, case):
        wanted.append(quota_account(case))
    vouchers = await _vouchers(session, case, tariff)
    wanted += [voucher_account(one.id) for one in vouchers]
    look = ledger.locked if holding else ledger.balances
    there = await look(session, wanted)
    free = there.get(quota_account(case), Decimal(0)) + case.own.get(quota_account(case), Decimal(0))
    purses = [_purse(one, case, there) for one in vouchers]
    return pricing.split(gross, minutes, int(free), purses)


class Asking(NamedTuple):
    """A use that nobody holds anything for: who would bear what of it?"""

    case: Case
    tariff: Tariff
    gross: Decimal
    minutes: int


async def splits(session: AsyncSession, organisation_id: UUID, asked: Sequence[Asking]) -> list[Split]:
    """What `split` says of each of these by itself, of one payer, in three statements however many they are."""
    if not asked:
        return []
    given = await _given(session, {(one.case.instrument_id, one.case.at.astimezone(BEIJING).year) for one in asked})
    first_day = min(one.case.at for one in asked).astimezone(BEIJING).date()
    found = await _ISSUED.fetch(session, organisation=organisation_id, day=first_day, kept=[])
    vouchers = [_voucher(row) for row in found]
    accounts = {quota_account(one.case) for one in asked} | {voucher_account(one.id) for one in vouchers}
    there = await ledger.balances(session, accounts)
    made = []
    for case, tariff, gross, minutes in asked:
        customers = given.get((case.instrument_id, case.at.astimezone(BEIJING).year), ())
        free = there.get(quota_account(case), 0) if case.customer_class.value in customers else 0
        taken = vouchers if _takes_vouchers(case, tariff) else ()
        made.append(pricing.split(gross, minutes, int(free), [_purse(one, case, there) for one in taken]))
    return made


async def _given(session: AsyncSession, years: Collection[tuple[UUID, int]]) -> dict[tuple[UUID, int], list[str]]:
    """Who benefits from the free hours of each instrument's year, by the latest declaration."""
    rows = await session.execute(
        select(FreeQuota.instrument_id, FreeQuota.year, FreeQuota.customers)
        .where(tuple_(FreeQuota.instrument_id, FreeQuota.year).in_(years))
        .order_by(FreeQuota.instrument_id, FreeQuota.year, FreeQuota.declared_at.desc(), FreeQuota.id.desc())
        .ext(distinct_on(FreeQuota.instrument_id, FreeQuota.year))
    )
    return {(instrument_id, year): customers for instrument_id, year, customers in rows.all()}


def _purse(voucher: _Voucher, case: Case, there: Mapping[Of, Decimal]) -> Purse:
    account = voucher_account(voucher.id)
    left = case.own.get(account, pricing.NOTHING)
    if voucher.valid_until >= case.at.astimezone(BEIJING).date():
        left += there.get(account, pricing.NOTHING)
    if voucher.id in case.claimed:
        left = min(left, case.claimed[voucher.id])
    return Purse(voucher.id, left, voucher.share_percent, voucher.settlement)


async def _benefits(session: AsyncSession, case: Case) -> bool:
    if quota_account(case) in case.own:
        return True
    found = await _DECLARED.first(session, instrument=case.instrument_id, year=case.at.astimezone(BEIJING).year)
    return found is not None and case.customer_class.value in found["customers"]


async def _vouchers(session: AsyncSession, case: Case, tariff: Tariff) -> list[_Voucher]:
    """The payer's own, the one that ends first before the others; an organisation's own instruments take none."""
    if not _takes_vouchers(case, tariff):
        return []
    kept = [of.owner for of in case.own if of.kind is AccountKind.VOUCHER_AVAILABLE]
    day = case.at.astimezone(BEIJING).date()
    found = await _ISSUED.fetch(session, organisation=case.organisation_id, day=day, kept=kept)
    return [_voucher(row) for row in found]


def _takes_vouchers(case: Case, tariff: Tariff) -> bool:
    return case.customer_class is not CustomerClass.INTERNAL and tariff.accepts_vouchers


def _voucher(row: Mapping[str, Any]) -> _Voucher:
    return _Voucher(row["id"], row["share_percent"], Settlement(row["settlement"]), row["valid_until"])


def settled(case: Case, lab_id: UUID, split: Split, sign: int = 1) -> dict[Of, Decimal]:
    """What a split moves in the ledger; with `sign` -1, what takes it back."""
    moves: dict[Of, Decimal] = {}

    def move(of: Of, amount: Decimal) -> None:
        moves[of] = moves.get(of, Decimal(0)) + sign * amount

    quota = quota_account(case)
    move(quota, Decimal(-split.free_minutes))
    move(Of(AccountKind.QUOTA_USED, quota.owner), Decimal(split.free_minutes))
    for purse, amount in split.covers:
        move(voucher_account(purse.voucher_id), -amount)
        move(Of(AccountKind.VOUCHER_SPENT, purse.voucher_id), amount)
        if purse.settlement is Settlement.LAB_REDEEMS:
            move(Of(AccountKind.DUE, lab_id), amount)
            move(Of(AccountKind.INCOME, lab_id), -amount)
    move(Of(AccountKind.PAYER, case.organisation_id, lab_id), split.payable)
    move(Of(AccountKind.INCOME, lab_id), -split.payable)
    return moves


def owed(claim: Claim, lab_id: UUID, change: Decimal) -> dict[Of, Decimal]:
    """What moves when more (below zero: less) of a voucher that was paid back is owed to it.

    The voucher does not have it again before it came back: the programme would pay the same money twice.
    """
    key = claim.voucher_id
    moves = {
        Of(AccountKind.VOUCHER_REDEEMED, key): -change,
        Of(AccountKind.VOUCHER_SPENT, key): change,
        Of(AccountKind.VOUCHER_AVAILABLE, key): -change,
        Of(AccountKind.VOUCHER_OWED, key): change,
    }
    if claim.settlement is Settlement.LAB_REDEEMS:
        moves |= {Of(AccountKind.PAID, lab_id): -change, Of(AccountKind.DUE, lab_id): change}
    return moves


def added(*parts: Mapping[Of, Decimal]) -> dict[Of, Decimal]:
    """Moves that are made at once."""
    whole: dict[Of, Decimal] = {}
    for part in parts:
        for of, amount in part.items():
            whole[of] = whole.get(of, Decimal(0)) + amount
    return whole
