"""What money has to do with what happens to bookings and use, in the same transaction.

A confirmed booking agrees on a price and holds the free time and vouchers that will bear it. Use is charged by the
tariff that was agreed, or by the one of its day; the rest of what was held goes back. A booking that comes to nothing
gives everything back, and late or missed ones are charged the share that the tariff says.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Date, bindparam, cast, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager
from uuid_utils.compat import uuid7

from marketplace.kernel import clock
from marketplace.kernel.clock import BEIJING
from marketplace.kernel.facts import record
from marketplace.kernel.language import told
from marketplace.kernel.prepared import Prepared
from marketplace.labs import facts as labs
from marketplace.labs.booking_models import Booking, Usage
from marketplace.labs.models import Instrument
from marketplace.money import bearing, claimed, facts, ledger, pricing, tariffs
from marketplace.money.bearing import Case
from marketplace.money.ledger import Of
from marketplace.money.models import (
    Account,
    Agreement,
    Charge,
    ChargeCover,
    ChargeEntry,
    ClaimCorrection,
    Hold,
    HoldEnd,
    Tariff,
    Voucher,
)
from marketplace.money.pricing import Purse, Split, Use
from schemas.charges import AccountKind, ChargeKind, ClaimCorrectionKind, EntryKind, PostingKind
from schemas.labs import CustomerClass
from schemas.tariffs import LineKind, Per, PriceLine

HELD = {
    AccountKind.VOUCHER_AVAILABLE: AccountKind.VOUCHER_HELD,
    AccountKind.QUOTA_AVAILABLE: AccountKind.QUOTA_HELD,
}

CORRECTED = "机时已更正。 · The record of use was corrected."


def use_of(
    starts_at: datetime, ends_at: datetime, minutes: int | None = None, samples: int = 0, *, assisted: bool
) -> Use:
    since, until = starts_at.astimezone(BEIJING), ends_at.astimezone(BEIJING)
    if minutes is None:
        minutes = int((until - since).total_seconds()) // 60
    return Use(since, until, minutes, samples, assisted)


def used(usage: Usage) -> Use:
    return use_of(usage.starts_at, usage.ends_at, usage.effective_minutes, usage.samples or 0, assisted=usage.assisted)


def lines_of(tariff: Tariff, customer: Any, use: Use) -> list[PriceLine]:
    return pricing.priced(tariffs.prices(tariff).of(customer), tariffs.windows(tariff), use)


def _used(tariff: Tariff, customer: Any, usage: Usage) -> list[PriceLine]:
    """What use costs; a record that has no time costs nothing."""
    return (
        []
        if usage.superseded_by_id is not None or usage.withdrawn_at is not None
        else lines_of(tariff, customer, used(usage))
    )


def reason_of(entry: ChargeEntry) -> str | None:
    """Why, in the reader's language where the program said it; what a person wrote, as they wrote it."""
    return told(CORRECTED) if entry.reason == CORRECTED else entry.reason


def kept(lines: Sequence[PriceLine]) -> list[dict[str, Any]]:
    return [one.model_dump(mode="json") for one in lines]


OF_A_TARIFF = ("id", "instrument_id", "prices", "windows", "late_cancel_percent", "accepts_vouchers")
_AGREED = Prepared(
    insert(Agreement).values(
        {name: bindparam(name) for name in ("booking_id", "tariff_id", "gross", "lines", "at")}
    )
)  # fmt: skip
_DAY = cast(func.timezone("Asia/Shanghai", Booking.starts_at), Date)
# A booking beside the tariff of its day.
_PRICED = Prepared(
    select(
        Booking.organisation_id, Booking.customer_class, Booking.starts_at, Booking.ends_at, Booking.assisted,
        *(getattr(Tariff, name) for name in OF_A_TARIFF),
    )
    .join(Tariff, Tariff.instrument_id == Booking.instrument_id)
    .where(Booking.id == bindparam("booking"), Tariff.effective_from <= _DAY)
    .order_by(Tariff.effective_from.desc(), Tariff.id.desc())
    .limit(1)
)  # fmt: skip


async def hold(session: AsyncSession, fact: labs.BookingConfirmed, by: UUID | None) -> None:
    """Agree on the price of a booking, and keep for it what will bear it."""
    found = await _PRICED.first(session, booking=fact.booking_id)
    if found is None:
        return
    # A copy to compute with; the session knows nothing of it.
    tariff = Tariff(**{name: found[name] for name in OF_A_TARIFF})
    use = use_of(found["starts_at"], found["ends_at"], assisted=found["assisted"])
    customer = CustomerClass(found["customer_class"])
    lines = lines_of(tariff, customer, use)
    gross = pricing.total(lines)
    await _AGREED.fetch(
        session, booking_id=fact.booking_id, tariff_id=tariff.id, gross=gross, lines=kept(lines), at=clock.now()
    )
    case = Case(fact.instrument_id, found["organisation_id"], customer, found["starts_at"])
    split = await bearing.split(session, case, tariff, gross, use.minutes)
    wanted = {bearing.voucher_account(purse.voucher_id): amount for purse, amount in split.covers}
    if split.free_minutes:
        wanted[bearing.quota_account(case)] = Decimal(split.free_minutes)
    moves: dict[Of, Decimal] = {}
    for of, amount in wanted.items():
        moves |= {of: -amount, Of(HELD[of.kind], of.owner): amount}
    posting_id = await ledger.post(session, PostingKind.HELD, fact.booking_id, moves)
    if posting_id is not None:
        ids = await ledger.ids(session, wanted)
        await session.execute(
            insert(Hold).values(
                [
                    {"id": uuid7(), "booking_id": fact.booking_id, "account_id": ids[of], "amount": amount,
                     "posting_id": posting_id}
                    for of, amount in wanted.items()
                ]
            )
        )  # fmt: skip


async def _held(session: AsyncSession, booking_id: UUID) -> list[Hold]:
    """What is kept for a booking still; two who end it take turns at the accounts."""
    found = await session.scalars(
        select(Hold)
        .join(Account, Account.id == Hold.account_id)
        .outerjoin(HoldEnd, HoldEnd.hold_id == Hold.id)
        .options(contains_eager(Hold.account))
        .where(Hold.booking_id == booking_id, HoldEnd.hold_id.is_(None))
        .order_by(Account.id)
        .with_for_update(of=Account)
        .execution_options(populate_existing=True)
    )
    return list(found.all())


def _returned(holds: Sequence[Hold]) -> dict[Of, Decimal]:
    moves: dict[Of, Decimal] = {}
    for one in holds:
        account = one.account
        moves |= {Of(HELD[account.kind], account.owner_id): -one.amount, Of(account.kind, account.owner_id): one.amount}
    return moves


async def _end(session: AsyncSession, holds: Sequence[Hold], posting_id: UUID) -> None:
    if holds:
        with ledger.enough():
            await session.execute(
                insert(HoldEnd).values([{"hold_id": one.id, "posting_id": posting_id} for one in holds])
            )


async def _release(session: AsyncSession, booking_id: UUID) -> None:
    holds = await _held(session, booking_id)
    posting_id = await ledger.post(session, PostingKind.RELEASED, booking_id, _returned(holds))
    if posting_id is not None:
        await _end(session, holds, posting_id)


async def leave(session: AsyncSession, fact: labs.BookingMoved, by: UUID | None) -> None:
    """The old row of a move holds nothing any more; the new one holds for itself."""
    await _release(session, fact.moved_from_id)


async def cancel(session: AsyncSession, fact: labs.BookingCancelled, by: UUID | None) -> None:
    """Give back what was held. Late, and by the user's own wish, it costs the share that was agreed."""
    await _release(session, fact.booking_id)
    booking = await session.get_one(Booking, fact.booking_id)
    if fact.late and by in {booking.person_id, booking.made_by}:
        await _penalty(session, booking, ChargeKind.LATE_CANCELLATION, LineKind.LATE_CANCELLATION, by)


async def miss(session: AsyncSession, fact: labs.BookingReleased, by: UUID | None) -> None:
    """Nobody came: as if it had been cancelled at the last moment."""
    await _release(session, fact.booking_id)
    booking = await session.get_one(Booking, fact.booking_id)
    await _penalty(session, booking, ChargeKind.NO_SHOW, LineKind.NO_SHOW, by)


async def _penalty(session: AsyncSession, booking: Booking, kind: ChargeKind, line: LineKind, by: UUID | None) -> None:
    agreed = await session.get(Agreement, booking.id)
    if agreed is None or await session.scalar(select(Charge.id).where(Charge.booking_id == booking.id)) is not None:
        return
    tariff = await session.get_one(Tariff, agreed.tariff_id)
    lines = [pricing.line(line, 1, Per.WHOLE, agreed.gross, tariff.late_cancel_percent)]
    gross = pricing.total(lines)
    if not gross:
        return
    # Neither free time nor vouchers bear it: it is no use.
    split = Split(gross, 0, pricing.NOTHING, ())
    await _first(
        session, _charge(kind, booking, tariff.id, booking_id=booking.id, used_at=booking.starts_at), split, lines, 0,
        (), by,
    )  # fmt: skip


def _charge(kind: ChargeKind, of: Booking | Usage, tariff_id: UUID, **more: Any) -> Charge:
    return Charge(
        id=uuid7(), kind=kind, instrument_id=of.instrument_id, organisation_id=of.organisation_id,
        tariff_id=tariff_id, customer_class=of.customer_class, created_at=clock.now(), **more,
    )  # fmt: skip


async def charge(session: AsyncSession, fact: labs.UsageEntered, by: UUID | None) -> None:
    """Charge what was used, by the tariff that was agreed or the one of the day; what was held and is left goes back."""
    usage = await session.get_one(Usage, fact.usage_id)
    agreed = await session.get(Agreement, usage.booking_id) if usage.booking_id else None
    day = usage.starts_at.astimezone(BEIJING).date()
    tariff = (
        await session.get_one(Tariff, agreed.tariff_id)
        if agreed is not None
        else await tariffs.valid(session, usage.instrument_id, day)
    )
    if tariff is None:
        return
    holds = await _held(session, usage.booking_id) if usage.booking_id else []
    own = {Of(one.account.kind, one.account.owner_id): one.amount for one in holds}
    # What was held is of the year that was booked; what is used later than that is borne as it was agreed.
    at = usage.starts_at
    if usage.booking_id is not None and agreed is not None:
        at = (await session.get_one(Booking, usage.booking_id)).starts_at
    case = Case(usage.instrument_id, usage.organisation_id, usage.customer_class, at, own=own)
    lines = _used(tariff, usage.customer_class, usage)
    split = await bearing.split(session, case, tariff, pricing.total(lines), usage.effective_minutes)
    made = _charge(ChargeKind.USAGE, usage, tariff.id, booking_id=usage.booking_id, usage_id=usage.id, used_at=at)
    await _first(session, made, split, lines, usage.effective_minutes, holds, by)


async def _first(
    session: AsyncSession, made: Charge, split: Split, lines: Sequence[PriceLine], minutes: int,
    holds: Sequence[Hold], by: UUID | None,
) -> None:  # fmt: skip
    instrument = await session.get_one(Instrument, made.instrument_id)
    made.lab_id = instrument.organisation_id
    session.add(made)
    await session.flush()
    case = case_of(made)
    moves = bearing.added(_returned(holds), bearing.settled(case, made.lab_id, split))
    posting_id = await ledger.post(session, PostingKind.CHARGED, made.id, moves)
    if posting_id is not None:
        await _end(session, holds, posting_id)
    none = Split(pricing.NOTHING, 0, pricing.NOTHING, ())
    await _entry(session, made, EntryKind.CHARGED, none, split, lines, minutes, posting_id, reason=None, by=by)
    await record(session, facts.UseCharged(made.id), subject=made.id, by=by)


def case_of(charge: Charge, **more: Any) -> Case:
    return Case(charge.instrument_id, charge.organisation_id, charge.customer_class, charge.used_at, **more)


async def _entry(
    session: AsyncSession, charge: Charge, kind: EntryKind, old: Split, new: Split, lines: Sequence[PriceLine],
    minutes: int, posting_id: UUID | None, *, reason: str | None, by: UUID | None,
) -> UUID:  # fmt: skip
    entry_id = uuid7()
    await session.execute(
        insert(ChargeEntry).values(
            id=entry_id, charge_id=charge.id, kind=kind, reason=reason, minutes=minutes, lines=kept(lines),
            posting_id=posting_id, by=by, at=clock.now(), free_minutes=new.free_minutes - old.free_minutes,
            **{name: getattr(new, name) - getattr(old, name)
               for name in ("gross", "free_amount", "voucher_amount", "payer_amount", "payable")},
        )
    )  # fmt: skip
    before = {purse.voucher_id: amount for purse, amount in old.covers}
    after = {purse.voucher_id: amount for purse, amount in new.covers}
    changes = {key: after.get(key, pricing.NOTHING) - before.get(key, pricing.NOTHING) for key in before | after}
    covers = [
        {"entry_id": entry_id, "voucher_id": key, "charge_id": charge.id, "amount": amount}
        for key, amount in changes.items()
        if amount
    ]
    if covers:
        await session.execute(insert(ChargeCover).values(covers))
    return entry_id


async def standing(session: AsyncSession, charge_id: UUID) -> Split:
    """Who bears a charge as it stands: the sums of its entries."""
    row = (
        await session.execute(
            select(
                func.sum(ChargeEntry.gross), func.sum(ChargeEntry.free_minutes), func.sum(ChargeEntry.free_amount)
            ).where(ChargeEntry.charge_id == charge_id)
        )
    ).one()
    borne = func.sum(ChargeCover.amount)
    covers = await session.execute(
        select(Voucher, borne)
        .join(ChargeCover, ChargeCover.voucher_id == Voucher.id)
        .where(ChargeCover.charge_id == charge_id)
        .group_by(Voucher.id)
        .having(borne != 0)
        .order_by(Voucher.valid_until, Voucher.id)
    )
    purses = tuple((Purse(one.id, amount, one.share_percent, one.settlement), amount) for one, amount in covers.all())
    return Split(row[0], int(row[1]), row[2], purses)


async def revise(
    session: AsyncSession, charge: Charge, lines: Sequence[PriceLine], minutes: int, kind: EntryKind,
    *, reason: str, by: UUID | None,
) -> UUID:  # fmt: skip
    """A charge comes to another sum, borne in the same order; what changed is one more entry.

    What the programme paid for it already and no voucher bears any more is owed back from then on.
    """
    await session.get_one(Charge, charge.id, with_for_update=True)
    old = await standing(session, charge.id)
    claims = await claimed.standing(session, charge.id)
    own = {bearing.voucher_account(purse.voucher_id): amount for purse, amount in old.covers}
    for claim in claims:
        if claim.owed:
            account = bearing.voucher_account(claim.voucher_id)
            own[account] = own.get(account, pricing.NOTHING) + claim.owed
    case = case_of(charge)
    if old.free_minutes:
        own[bearing.quota_account(case)] = Decimal(old.free_minutes)
    tariff = await session.get_one(Tariff, charge.tariff_id)
    gross = pricing.total(lines)
    if charge.kind is ChargeKind.USAGE:
        most = {claim.voucher_id: claim.most for claim in claims}
        new = await bearing.split(session, case_of(charge, own=own, claimed=most), tariff, gross, minutes)
    else:
        new = Split(gross, 0, pricing.NOTHING, ())
    after = {purse.voucher_id: amount for purse, amount in new.covers}
    changes = [(claim, claim.owed_at(after.get(claim.voucher_id, pricing.NOTHING)) - claim.owed) for claim in claims]
    moves = bearing.added(
        bearing.settled(case, charge.lab_id, old, -1),
        bearing.settled(case, charge.lab_id, new),
        *(bearing.owed(claim, charge.lab_id, change) for claim, change in changes),
    )
    posting_id = await ledger.post(session, PostingKind.REVISED, charge.id, moves)
    entry_id = await _entry(session, charge, kind, old, new, lines, minutes, posting_id, reason=reason, by=by)
    for claim, change in changes:
        if change:
            assert posting_id is not None
            session.add(
                ClaimCorrection(
                    redemption_id=claim.id, kind=ClaimCorrectionKind.OWED, amount=change, entry_id=entry_id,
                    posting_id=posting_id, by=by, at=clock.now(),
                )
            )  # fmt: skip
            await session.flush()
            corrected = facts.RedemptionCorrected(claim.id, charge.id)
            await record(session, corrected, subject=claim.id, by=by)
    revised = facts.ChargeRevised(charge.id, entry_id, kind.value)
    await record(session, revised, subject=charge.id, by=by)
    return entry_id


async def correct(session: AsyncSession, fact: labs.AdjustmentDecided, by: UUID | None) -> None:
    """What was used was corrected: so is its charge, by the same tariff."""
    if not fact.accepted:
        return
    found = await session.scalar(select(Charge).where(Charge.usage_id == fact.usage_id))
    if found is None:
        return
    usage = await session.get_one(Usage, fact.usage_id)
    tariff = await session.get_one(Tariff, found.tariff_id)
    lines = _used(tariff, found.customer_class, usage)
    await revise(
        session, found, lines, usage.effective_minutes, EntryKind.CORRECTED,
        reason=CORRECTED, by=by,
    )  # fmt: skip
