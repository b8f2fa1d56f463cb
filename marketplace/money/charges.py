"""Charges as they stand, how they came to that, and how they are put right: never by changing what was written."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager

from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, Forbidden, Invalid, NotFound, refusing
from marketplace.labs import instruments
from marketplace.labs.models import Instrument
from marketplace.labs.policy import instrument_kept_by
from marketplace.money import charging, facts, pricing
from marketplace.money.models import Charge, ChargeEntry, Dispute
from marketplace.money.policy import charge_visible_to
from schemas.base import FieldError
from schemas.charges import (
    AdjustmentOfCharge,
    ChargeFilter,
    DisputeAnswer,
    DisputeNew,
    DisputeState,
    EntryKind,
    WaiverNew,
)
from schemas.identity import Permission
from schemas.tariffs import SUMS, LineKind, Per
from schemas.text import Yuan


class NotThePayer(Forbidden):
    """只有付费单位可以提出异议。 · Only the payer may dispute a charge."""


class OnlyThePlatform(Forbidden):
    """只有平台可以减免。 · Only the platform may waive a charge."""


class DisputedAlready(Conflict):
    """已有一个待答复的异议。 · A dispute about it waits to be answered."""


class DisputeOver(Conflict):
    """此异议已经了结。 · This dispute is over."""


class NothingLeft(Conflict):
    """此费用已为零。 · This charge comes to nothing already."""


class SumMissing(Invalid):
    """采纳异议时请填写新的总额。 · Say what the charge comes to instead."""

    def __init__(self) -> None:
        super().__init__(errors=[FieldError(pointer="/comes_to", code="missing", detail=self.title())])


def disputed() -> ColumnElement[bool]:
    return exists(select(Dispute.id).where(Dispute.charge_id == Charge.id, Dispute.state == DisputeState.OPEN))


def of_year(column: Any, year: int) -> ColumnElement[bool]:
    """Whether a moment is in that year in China."""
    since = func.make_timestamptz(year, 1, 1, 0, 0, 0, "Asia/Shanghai")
    until = func.make_timestamptz(year + 1, 1, 1, 0, 0, 0, "Asia/Shanghai")
    found: ColumnElement[bool] = (column >= since) & (column < until)
    return found


def chosen() -> Select[Any]:
    """Charges beside what is shown with them, and the sums of their entries."""
    sums = (
        select(*(func.sum(getattr(ChargeEntry, name)).label(name) for name in SUMS))
        .where(ChargeEntry.charge_id == Charge.id)
        .lateral("sums")
    )
    return (
        select(Charge, *(sums.c[name] for name in SUMS))
        .join(Instrument, Instrument.id == Charge.instrument_id)
        .join(Organisation, Organisation.id == Charge.organisation_id)
        .join(sums, onclause=Charge.id == Charge.id)
        .options(contains_eager(Charge.instrument), contains_eager(Charge.organisation))
    )


async def listed(
    session: AsyncSession, actor: Actor, wish: ChargeFilter, paging: Paging
) -> tuple[list[Any], str | None]:
    """Charges that one may see, the latest use first."""
    statement = chosen().where(instrument_kept_by(actor) if wish.kept else charge_visible_to(actor))
    if wish.organisation is not None:
        statement = statement.where(Charge.organisation_id == wish.organisation)
    if wish.instrument is not None:
        statement = statement.where(Charge.instrument_id == wish.instrument)
    if wish.year is not None:
        statement = statement.where(of_year(Charge.used_at, wish.year))
    if wish.disputed:
        statement = statement.where(disputed())
    by = tuple(zip((Charge.used_at, Charge.id), BY_TIME_AND_ID, strict=True))
    return await page(session, statement.add_columns(Charge.used_at, Charge.id), by, paging)


async def read(session: AsyncSession, actor: Actor, charge_id: UUID) -> Any:
    found = (
        await session.execute(
            chosen().add_columns(disputed().label("disputed")).where(Charge.id == charge_id, charge_visible_to(actor))
        )
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


async def of_usage(session: AsyncSession, actor: Actor, usage_id: UUID) -> UUID | None:
    """Which charge a record of use came to, for whoever sees it."""
    found: UUID | None = await session.scalar(
        select(Charge.id)
        .join(Instrument, Instrument.id == Charge.instrument_id)
        .where(Charge.usage_id == usage_id, charge_visible_to(actor))
    )
    return found


async def entries(
    session: AsyncSession, actor: Actor, charge_id: UUID, paging: Paging
) -> tuple[list[ChargeEntry], str | None]:
    """How a charge came to what it is, latest first."""
    await read(session, actor, charge_id)
    by = tuple(zip((ChargeEntry.at, ChargeEntry.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, select(ChargeEntry).where(ChargeEntry.charge_id == charge_id), by, paging)
    return [row[0] for row in rows], marker


async def _to_change(session: AsyncSession, actor: Actor, charge_id: UUID) -> Charge:
    """A charge that the actor sees, with those who would change it too taking turns."""
    found: Charge = (await read(session, actor, charge_id))[0]
    await session.execute(select(Charge.id).where(Charge.id == charge_id).with_for_update())
    return found


async def _come_to(
    session: AsyncSession, charge: Charge, gross: Yuan, kind: EntryKind, *, reason: str, by: UUID
) -> ChargeEntry:
    minutes = await session.scalar(
        select(ChargeEntry.minutes)
        .where(ChargeEntry.charge_id == charge.id)
        .order_by(ChargeEntry.at.desc(), ChargeEntry.id.desc())
        .limit(1)
    )
    lines = [pricing.line(LineKind.ADJUSTMENT, 1, Per.WHOLE, gross)] if gross else []
    entry_id = await charging.revise(session, charge, lines, minutes or 0, kind, reason=reason, by=by)
    return await session.get_one(ChargeEntry, entry_id)


async def adjust(session: AsyncSession, actor: Actor, charge_id: UUID, wish: AdjustmentOfCharge) -> ChargeEntry:
    """A keeper puts a charge right, and says why."""
    charge = await _to_change(session, actor, charge_id)
    if not await instruments.keeps(session, actor, charge.instrument_id):
        raise instruments.NotItsKeeper
    return await _come_to(session, charge, wish.comes_to, EntryKind.ADJUSTED, reason=wish.reason, by=actor.person)


async def waive(session: AsyncSession, actor: Actor, charge_id: UUID, wish: WaiverNew) -> ChargeEntry:
    """The platform lets a charge go: free time and vouchers are given back, an open dispute is over."""
    charge = await _to_change(session, actor, charge_id)
    if Permission.MANAGE_VOUCHERS not in actor.platform:
        raise OnlyThePlatform
    if not (await charging.standing(session, charge.id)).gross:
        raise NothingLeft
    entry = await _come_to(session, charge, pricing.NOTHING, EntryKind.WAIVED, reason=wish.reason, by=actor.person)
    open_one = await session.scalar(
        select(Dispute).where(Dispute.charge_id == charge.id, Dispute.state == DisputeState.OPEN).with_for_update()
    )
    if open_one is not None:
        await _answer(session, actor, open_one, DisputeState.WAIVED, wish.reason)
    return entry


async def disputes(
    session: AsyncSession, actor: Actor, charge_id: UUID, paging: Paging
) -> tuple[list[Dispute], str | None]:
    """What was said against a charge and answered, latest first."""
    await read(session, actor, charge_id)
    by = tuple(zip((Dispute.opened_at, Dispute.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, select(Dispute).where(Dispute.charge_id == charge_id), by, paging)
    return [row[0] for row in rows], marker


async def dispute(session: AsyncSession, actor: Actor, charge_id: UUID, wish: DisputeNew) -> Dispute:
    """The payer says what is wrong with it. It stands until it is answered."""
    charge = await _to_change(session, actor, charge_id)
    if charge.organisation_id not in actor.organisations_where(Permission.READ_OWN):
        raise NotThePayer
    made = Dispute(
        charge_id=charge.id, state=DisputeState.OPEN, reason=wish.reason, opened_by=actor.person, opened_at=clock.now()
    )
    with refusing(dispute_open_key=DisputedAlready):
        async with session.begin_nested():
            session.add(made)
    await record(session, facts.DisputeOpened(charge.id, made.id), subject=charge.id, by=actor.person)
    return made


async def answer(
    session: AsyncSession, actor: Actor, charge_id: UUID, dispute_id: UUID, wish: DisputeAnswer
) -> Dispute:
    """The lab's word: the charge comes to another sum, or stays and why."""
    charge = await _to_change(session, actor, charge_id)
    if not await instruments.keeps(session, actor, charge.instrument_id):
        raise instruments.NotItsKeeper
    found = await session.get(Dispute, dispute_id, with_for_update=True)
    if found is None or found.charge_id != charge.id:
        raise NotFound
    if found.state is not DisputeState.OPEN:
        raise DisputeOver
    if wish.accept:
        if wish.comes_to is None:
            raise SumMissing
        await _come_to(session, charge, wish.comes_to, EntryKind.ADJUSTED, reason=wish.answer, by=actor.person)
    state = DisputeState.ACCEPTED if wish.accept else DisputeState.DECLINED
    return await _answer(session, actor, found, state, wish.answer)


async def _answer(session: AsyncSession, actor: Actor, found: Dispute, state: DisputeState, said: str) -> Dispute:
    found.state, found.answer = state, said
    found.answered_by, found.answered_at = actor.person, clock.now()
    await session.flush()
    answered = facts.DisputeAnswered(found.charge_id, found.id, state.value)
    await record(session, answered, subject=found.charge_id, by=actor.person)
    return found
