"""Double entries that nobody can change. PostgreSQL keeps balances, signs and sums; here they are only written."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import func, insert, select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from marketplace.kernel import clock
from marketplace.kernel.refusals import Conflict, refusing
from marketplace.money.models import Account, Posting, PostingLine
from schemas.charges import AccountKind, PostingKind, Unit

# The one that issues vouchers and pays them back, and the other end of free hours.
PROGRAMME: Final = UUID(int=0)


class NotEnough(Conflict):
    """额度已被他人先用完，请重试。 · Somebody else used that up a moment ago; try again."""


class Of(NamedTuple):
    """Which account."""

    kind: AccountKind
    owner: UUID
    other: UUID | None = None

    @property
    def unit(self) -> Unit:
        return Unit.MINUTE if self.kind.value.startswith("quota") else Unit.YUAN


@contextmanager
def enough() -> Iterator[None]:
    """Tell a balance that would fall below zero as what it is."""
    with refusing(account_not_negative_check=NotEnough, account_source_check=NotEnough, hold_end_pkey=NotEnough):
        yield


async def locked(session: AsyncSession, wanted: Collection[Of]) -> dict[Of, Decimal]:
    """The balances of accounts, which nobody else changes until this transaction ends. What is not there is left out."""
    if not wanted:
        return {}
    rows = await session.execute(
        select(Account.kind, Account.owner_id, Account.other_id, Account.balance)
        .where(
            tuple_(Account.kind, Account.owner_id).in_([(one.kind, one.owner) for one in wanted]),
        )
        .order_by(Account.id)
        .with_for_update()
    )
    return {Of(kind, owner, other): balance for kind, owner, other, balance in rows.all()}


async def balances(session: AsyncSession, wanted: Collection[Of]) -> dict[Of, Decimal]:
    """The balances of accounts as they stand."""
    if not wanted:
        return {}
    rows = await session.execute(
        select(Account.kind, Account.owner_id, Account.other_id, Account.balance).where(
            tuple_(Account.kind, Account.owner_id).in_([(one.kind, one.owner) for one in wanted])
        )
    )
    return {Of(kind, owner, other): balance for kind, owner, other, balance in rows.all()}


async def post(
    session: AsyncSession, kind: PostingKind, subject_id: UUID, moves: Mapping[Of, Decimal | int]
) -> UUID | None:
    """Write amounts down that add up to nought in each unit. Answers the posting, or None where nothing moves."""
    moved = {of: Decimal(amount) for of, amount in moves.items() if amount}
    if not moved:
        return None
    ids = await _opened(session, moved)
    posting_id = uuid7()
    await session.execute(insert(Posting).values(id=posting_id, kind=kind, subject_id=subject_id, at=clock.now()))
    # In the order of the accounts: whoever posts to the same ones waits, and never in a circle.
    lines = sorted(((ids[of], amount) for of, amount in moved.items()), key=lambda one: one[0])
    with enough():
        await session.execute(
            insert(PostingLine).values(
                [
                    {"id": uuid7(), "posting_id": posting_id, "account_id": account_id, "amount": amount}
                    for account_id, amount in lines
                ]
            )
        )
    return posting_id


async def _opened(session: AsyncSession, wanted: Collection[Of]) -> dict[Of, UUID]:
    """The ids of accounts, opened where they are not there yet."""
    found = await ids(session, wanted)
    missing = sorted(set(wanted) - set(found), key=str)
    if missing:
        await session.execute(
            upsert(Account)
            .values(
                [
                    {"id": uuid7(), "kind": of.kind, "owner_id": of.owner, "other_id": of.other, "unit": of.unit}
                    for of in missing
                ]
            )
            .on_conflict_do_nothing()
        )
        found |= await ids(session, missing)
    return found


async def ids(session: AsyncSession, wanted: Collection[Of]) -> dict[Of, UUID]:
    nobody = UUID(int=2**128 - 1)
    rows = await session.execute(
        select(Account.kind, Account.owner_id, Account.other_id, Account.id).where(
            tuple_(Account.kind, Account.owner_id, func.coalesce(Account.other_id, nobody)).in_(
                [(one.kind, one.owner, one.other or nobody) for one in wanted]
            )
        )
    )
    return {Of(kind, owner, other): key for kind, owner, other, key in rows.all()}
