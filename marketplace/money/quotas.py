"""一定比例免费服务: the share of a year's hours that is given free, declared by the lab and counted in the ledger."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.clock import BEIJING
from marketplace.kernel.facts import record
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict
from marketplace.labs import instruments
from marketplace.money import bearing, facts, ledger
from marketplace.money.ledger import Of
from marketplace.money.models import FreeQuota
from schemas.charges import AccountKind, PostingKind
from schemas.tariffs import FreeQuotaNew, FreeQuotaView


class GivenAlready(Conflict):
    """已经承诺或使用的免费机时多于新的额度。 · More free time was used or promised already than that would grant."""


def owner_of(quota: FreeQuota) -> UUID:
    return bearing.quota_of(quota.instrument_id, datetime(quota.year, 7, 1, tzinfo=BEIJING))


async def declare(session: AsyncSession, actor: Actor, instrument_id: UUID, wish: FreeQuotaNew) -> FreeQuota:
    """Say how much of a year is given free. Said anew, the difference is granted or taken back."""
    await instruments.kept(session, actor, instrument_id)
    before = await session.scalar(
        select(FreeQuota)
        .where(FreeQuota.instrument_id == instrument_id, FreeQuota.year == wish.year)
        .order_by(FreeQuota.declared_at.desc(), FreeQuota.id.desc())
        .limit(1)
    )
    quota = FreeQuota(
        instrument_id=instrument_id, declared_by=actor.person, declared_at=clock.now(), **wish.model_dump()
    )
    session.add(quota)
    await session.flush()
    more = quota.granted_minutes - (before.granted_minutes if before else 0)
    account = Of(AccountKind.QUOTA_AVAILABLE, owner_of(quota))
    if more < 0 and (await ledger.locked(session, [account])).get(account, Decimal(0)) < -more:
        raise GivenAlready
    moves = {Of(AccountKind.QUOTA_SOURCE, account.owner): -more, account: more}
    await ledger.post(session, PostingKind.GRANTED, quota.id, moves)
    await record(session, facts.FreeQuotaDeclared(quota.id, instrument_id), subject=quota.id, by=actor.person)
    return quota


async def listed(
    session: AsyncSession, actor: Actor, instrument_id: UUID, paging: Paging
) -> tuple[list[FreeQuota], str | None]:
    """Every declaration, latest first: what is given free is public."""
    await instruments.read(session, actor, instrument_id)
    by = tuple(zip((FreeQuota.declared_at, FreeQuota.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, select(FreeQuota).where(FreeQuota.instrument_id == instrument_id), by, paging)
    return [row[0] for row in rows], marker


async def views(session: AsyncSession, quotas: list[FreeQuota]) -> list[FreeQuotaView]:
    kinds = (AccountKind.QUOTA_AVAILABLE, AccountKind.QUOTA_HELD, AccountKind.QUOTA_USED)
    there = await ledger.balances(session, [Of(kind, owner_of(one)) for one in quotas for kind in kinds])
    found = []
    for one in quotas:
        counted = [int(there.get(Of(kind, owner_of(one)), 0)) for kind in kinds]
        found.append(
            FreeQuotaView(
                id=one.id,
                instrument_id=one.instrument_id,
                year=one.year,
                yearly_hours=one.yearly_hours,
                percent=one.percent,
                customers=one.customers,
                granted_minutes=one.granted_minutes,
                available_minutes=counted[0],
                held_minutes=counted[1],
                used_minutes=counted[2],
                declared_at=one.declared_at,
            )
        )
    return found
