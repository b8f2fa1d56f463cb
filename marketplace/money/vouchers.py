"""创新券: issued by the programme, borne by the ledger, and paid back to whoever advanced it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager

from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, Forbidden, Invalid, NotFound, refusing
from marketplace.labs.models import Instrument
from marketplace.money import claimed, facts, ledger
from marketplace.money.ledger import PROGRAMME, Of
from marketplace.money.models import (
    Account,
    Charge,
    ChargeCover,
    ClaimCorrection,
    Posting,
    PostingLine,
    Redemption,
    Voucher,
)
from marketplace.money.policy import charge_visible_to, redemption_visible_to, voucher_visible_to
from schemas.base import FieldError
from schemas.charges import (
    AccountKind,
    ClaimCorrectionKind,
    PostingKind,
    RedemptionDecision,
    RedemptionNew,
    RedemptionState,
    RedemptionView,
    ReturnNew,
    Settlement,
    VoucherFilter,
    VoucherNew,
    VoucherView,
)
from schemas.identity import OrganisationCard, Permission

COUNTED = (
    AccountKind.VOUCHER_AVAILABLE,
    AccountKind.VOUCHER_HELD,
    AccountKind.VOUCHER_SPENT,
    AccountKind.VOUCHER_REDEEMED,
    AccountKind.VOUCHER_OWED,
)


class NotTheProgramme(Forbidden):
    """只有平台可以发放和兑付创新券。 · Only the platform issues vouchers and pays them back."""


class NumberTaken(Conflict):
    """这个券编号已发放。 · A voucher of that number was issued already."""


class NotYoursToRedeem(Forbidden):
    """通用券由用券企业兑付，通兑券由服务机构兑付。 · A 通用 voucher is redeemed by the firm, a 通兑 voucher by the lab."""


class NothingToRedeem(Conflict):
    """此创新券没有抵扣这笔费用。 · That voucher bears nothing of that charge."""


class ClaimedAlready(Conflict):
    """这笔抵扣已申请兑付。 · It was claimed already."""


class DecidedAlready(Conflict):
    """此申请已处理。 · This claim was decided already."""


class NothingOwed(Conflict):
    """此申请没有应退回的金额。 · Nothing of this claim is owed back."""


class NotWorthIt(Invalid):
    """金额须大于零，有效期不能已过。 · It has to be worth something, and not be over already."""

    def __init__(self, pointer: str) -> None:
        super().__init__(errors=[FieldError(pointer=pointer, code="voucher", detail=self.title())])


def chosen() -> Select[Voucher]:
    return (
        select(Voucher)
        .join(Organisation, Organisation.id == Voucher.organisation_id)
        .options(contains_eager(Voucher.organisation))
    )


async def listed(
    session: AsyncSession, actor: Actor, wish: VoucherFilter, paging: Paging
) -> tuple[list[Voucher], str | None]:
    """Vouchers that one may see, newest first."""
    statement = chosen().where(voucher_visible_to(actor))
    if wish.organisation is not None:
        statement = statement.where(Voucher.organisation_id == wish.organisation)
    by = tuple(zip((Voucher.created_at, Voucher.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, statement, by, paging)
    return [row[0] for row in rows], marker


async def read(session: AsyncSession, actor: Actor, voucher_id: UUID) -> Voucher:
    found = await session.scalar(chosen().where(Voucher.id == voucher_id, voucher_visible_to(actor)))
    if found is None:
        raise NotFound
    return found


async def issue(session: AsyncSession, actor: Actor, wish: VoucherNew) -> Voucher:
    """The programme gives an organisation a voucher; what it is worth is in the ledger from then on."""
    if Permission.MANAGE_VOUCHERS not in actor.platform:
        raise NotTheProgramme
    if not wish.amount:
        raise NotWorthIt("/amount")
    if wish.valid_until < clock.today():
        raise NotWorthIt("/valid_until")
    if await session.get(Organisation, wish.organisation_id) is None:
        raise NotFound
    voucher = Voucher(issued_by=actor.person, created_at=clock.now(), **wish.model_dump())
    with refusing(voucher_number_key=NumberTaken):
        async with session.begin_nested():
            session.add(voucher)
    moves = {
        Of(AccountKind.FUND, PROGRAMME): -wish.amount,
        Of(AccountKind.VOUCHER_AVAILABLE, voucher.id): wish.amount,
    }
    await ledger.post(session, PostingKind.ISSUED, voucher.id, moves)
    issued = facts.VoucherIssued(voucher.id, voucher.organisation_id)
    await record(session, issued, subject=voucher.id, by=actor.person)
    return await read(session, actor, voucher.id)


async def views(session: AsyncSession, vouchers: Sequence[Voucher]) -> list[VoucherView]:
    """Vouchers beside what is left, held, spent and paid back of them."""
    there = await ledger.balances(session, [Of(kind, one.id) for one in vouchers for kind in COUNTED])
    found = []
    for one in vouchers:
        counted = [there.get(Of(kind, one.id), 0) for kind in COUNTED]
        found.append(
            VoucherView(
                id=one.id,
                organisation=OrganisationCard.model_validate(one.organisation),
                number=one.number,
                amount=one.amount,
                share_percent=one.share_percent,
                settlement=one.settlement,
                valid_until=one.valid_until,
                programme=one.programme,
                created_at=one.created_at,
                available=counted[0],
                held=counted[1],
                spent=counted[2],
                redeemed=counted[3],
                owed=counted[4],
            )
        )
    return found


async def moves(session: AsyncSession, actor: Actor, voucher_id: UUID, paging: Paging) -> tuple[list[Any], str | None]:
    """Every line of a voucher's accounts, latest first. They add up to what the voucher says."""
    await read(session, actor, voucher_id)
    told: tuple[Any, ...] = (
        PostingLine.id, PostingLine.posting_id, PostingLine.amount, Posting.kind, Posting.subject_id, Posting.at,
        Account.kind.label("account"),
    )  # fmt: skip
    statement = (
        select(*told)
        .join(Posting, Posting.id == PostingLine.posting_id)
        .join(Account, Account.id == PostingLine.account_id)
        .where(Account.owner_id == voucher_id, Account.kind.in_(COUNTED))
    )  # fmt: skip
    return await page(session, statement, ((PostingLine.id, UUID),), paging)


async def redemptions(session: AsyncSession, actor: Actor, paging: Paging) -> tuple[list[Any], str | None]:
    """Claims that one may see, latest first, each beside its voucher's number, who is to be paid, and for which use."""
    told: tuple[Any, ...] = (
        Redemption, *claimed.BESIDE, Voucher.number, Voucher.settlement, Organisation.name.label("claimant"),
        Instrument.name.label("instrument"), Charge.used_at, Redemption.asked_at, Redemption.id,
    )  # fmt: skip
    statement = (
        select(*told)
        .join(Voucher, Voucher.id == Redemption.voucher_id)
        .join(Organisation, Organisation.id == Redemption.claimant_id)
        .join(Charge, Charge.id == Redemption.charge_id)
        .join(Instrument, Instrument.id == Charge.instrument_id)
        .where(redemption_visible_to(actor))
    )
    by = tuple(zip((Redemption.asked_at, Redemption.id), BY_TIME_AND_ID, strict=True))
    return await page(session, statement, by, paging)


async def claimable(session: AsyncSession, actor: Actor, charge: Charge) -> list[tuple[UUID, str, Any]]:
    """What vouchers bear of a charge that the actor may still ask for: voucher, its number, amount."""
    own = actor.organisations_where(Permission.READ_OWN)
    asked = select(Redemption.voucher_id).where(
        Redemption.charge_id == charge.id, Redemption.state != RedemptionState.DECLINED
    )
    borne = func.sum(ChargeCover.amount)
    rows = await session.execute(
        select(Voucher.id, Voucher.number, Voucher.settlement, borne)
        .join(ChargeCover, ChargeCover.voucher_id == Voucher.id)
        .where(ChargeCover.charge_id == charge.id, Voucher.id.not_in(asked))
        .group_by(Voucher.id)
        .having(borne != 0)
        .order_by(Voucher.valid_until, Voucher.id)
    )
    return [
        (key, number, amount)
        for key, number, settlement, amount in rows.all()
        if (charge.organisation_id if settlement is Settlement.FIRM_REDEEMS else charge.lab_id) in own
    ]


async def _told(session: AsyncSession, redemption_id: UUID) -> RedemptionView:
    found = claimed.chosen().where(Redemption.id == redemption_id)
    return claimed.view((await session.execute(found)).one())


async def redeem(session: AsyncSession, actor: Actor, wish: RedemptionNew) -> RedemptionView:
    """Ask for what a voucher bears of a charge: the firm that advanced it, or the lab that was not paid it."""
    charge = await session.scalar(
        select(Charge)
        .join(Instrument, Instrument.id == Charge.instrument_id)
        .where(Charge.id == wish.charge_id, charge_visible_to(actor))
        .with_for_update(of=Charge)
    )
    if charge is None:
        raise NotFound
    amount = await session.scalar(
        select(func.sum(ChargeCover.amount)).where(
            ChargeCover.charge_id == charge.id, ChargeCover.voucher_id == wish.voucher_id
        )
    )
    if not amount:
        raise NothingToRedeem
    voucher = await session.get_one(Voucher, wish.voucher_id)
    firm = voucher.settlement is Settlement.FIRM_REDEEMS
    claimant = charge.organisation_id if firm else charge.lab_id
    if claimant not in actor.organisations_where(Permission.READ_OWN):
        raise NotYoursToRedeem
    made = Redemption(
        voucher_id=voucher.id, charge_id=charge.id, claimant_id=claimant, amount=amount, state=RedemptionState.ASKED,
        asked_by=actor.person, asked_at=clock.now(),
    )  # fmt: skip
    with refusing(redemption_once_key=ClaimedAlready):
        async with session.begin_nested():
            session.add(made)
    await record(session, facts.RedemptionAsked(made.id), subject=made.id, by=actor.person)
    return await _told(session, made.id)


async def _to_settle(session: AsyncSession, actor: Actor, redemption_id: UUID) -> Redemption:
    """A claim that the actor sees and the programme decides, alone with its charge: what is borne stays as it is."""
    found: Redemption | None = await session.scalar(
        select(Redemption)
        .join(Voucher, Voucher.id == Redemption.voucher_id)
        .join(Charge, Charge.id == Redemption.charge_id)
        .where(Redemption.id == redemption_id, redemption_visible_to(actor))
        .with_for_update(of=(Charge, Redemption))
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound
    if Permission.MANAGE_VOUCHERS not in actor.platform:
        raise NotTheProgramme
    return found


async def decide(session: AsyncSession, actor: Actor, redemption_id: UUID, wish: RedemptionDecision) -> RedemptionView:
    """The programme pays what the voucher bears by now, or says why not. Paid is paid once."""
    found = await _to_settle(session, actor, redemption_id)
    if found.state is not RedemptionState.ASKED:
        raise DecidedAlready
    if wish.pay:
        # Since it was asked for the charge may have been corrected.
        paid = min(found.amount, (await _told(session, found.id)).borne)
        if not paid:
            raise NothingToRedeem
        voucher = await session.get_one(Voucher, found.voucher_id)
        owed = {
            Of(AccountKind.VOUCHER_SPENT, found.voucher_id): -paid,
            Of(AccountKind.VOUCHER_REDEEMED, found.voucher_id): paid,
        }
        if voucher.settlement is Settlement.LAB_REDEEMS:
            owed |= {Of(AccountKind.DUE, found.claimant_id): -paid, Of(AccountKind.PAID, found.claimant_id): paid}
        found.posting_id = await ledger.post(session, PostingKind.REDEEMED, found.id, owed)
        found.paid_amount = paid
    found.state = RedemptionState.PAID if wish.pay else RedemptionState.DECLINED
    found.decided_by, found.decided_at, found.note = actor.person, clock.now(), wish.note
    await session.flush()
    await record(session, facts.RedemptionDecided(found.id, wish.pay), subject=found.id, by=actor.person)
    return await _told(session, found.id)


async def returned(session: AsyncSession, actor: Actor, redemption_id: UUID, wish: ReturnNew) -> ClaimCorrection:
    """What was owed back since the charge was corrected has come: the voucher has it again."""
    found = await _to_settle(session, actor, redemption_id)
    owed = (await _told(session, found.id)).owed
    if not owed:
        raise NothingOwed
    moves = {
        Of(AccountKind.VOUCHER_OWED, found.voucher_id): -owed,
        Of(AccountKind.VOUCHER_AVAILABLE, found.voucher_id): owed,
    }
    posting_id = await ledger.post(session, PostingKind.RETURNED, found.id, moves)
    made = ClaimCorrection(
        redemption_id=found.id, kind=ClaimCorrectionKind.RETURNED, amount=owed, posting_id=posting_id,
        by=actor.person, note=wish.note, at=clock.now(),
    )  # fmt: skip
    session.add(made)
    await session.flush()
    await record(session, facts.RedemptionReturned(found.id), subject=found.id, by=actor.person)
    return made


async def corrections(
    session: AsyncSession, actor: Actor, redemption_id: UUID, paging: Paging
) -> tuple[list[ClaimCorrection], str | None]:
    """How what is owed back of a claim came about, latest first; whoever sees its charge sees it."""
    seen = await session.scalar(
        select(Redemption.id)
        .join(Voucher, Voucher.id == Redemption.voucher_id)
        .join(Charge, Charge.id == Redemption.charge_id)
        .join(Instrument, Instrument.id == Charge.instrument_id)
        .where(Redemption.id == redemption_id, or_(redemption_visible_to(actor), charge_visible_to(actor)))
    )
    if seen is None:
        raise NotFound
    by = tuple(zip((ClaimCorrection.at, ClaimCorrection.id), BY_TIME_AND_ID, strict=True))
    statement = select(ClaimCorrection).where(ClaimCorrection.redemption_id == redemption_id)
    rows, marker = await page(session, statement, by, paging)
    return [row[0] for row in rows], marker
