"""Names for PostgreSQL's advisory locks, which know only numbers."""

import hashlib
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.prepared import Prepared


def number(*name: object) -> int:
    """The number of a lock called `name`. Two names that shared one would at worst wait for each other."""
    digest = hashlib.sha256("\n".join(map(str, name)).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def numbered(room: str, *name: ColumnElement[Any]) -> ColumnElement[int]:
    """The same, worked out by PostgreSQL of what a statement finds. It is another number than `number` makes."""
    return func.hashtextextended(func.concat_ws("\n", room, *name), 0, type_=BigInteger)


_IN_TURN = Prepared(
    select(func.pg_advisory_xact_lock(column("number", BigInteger))).select_from(
        func.unnest(bindparam("numbers", type_=ARRAY(BigInteger))).alias("number")
    )
)


async def hold(session: AsyncSession, *numbers: int) -> None:
    """Hold these locks until this transaction ends, one after the other; whoever comes later waits."""
    if numbers:
        await _IN_TURN.fetch(session, numbers=list(numbers))


_SHARED = Prepared(select(func.pg_advisory_xact_lock_shared(bindparam("number", type_=BigInteger))))


async def shared(session: AsyncSession, number: int) -> None:
    """Keep out whoever waits for the lock alone, together with others who share it, until this transaction ends."""
    await _SHARED.fetch(session, number=number)


def wait_for(*name: object) -> Select[tuple[None]]:
    """Hold the lock until this transaction ends; whoever comes later waits."""
    return select(func.pg_advisory_xact_lock(number(*name)))


def try_for(*name: object) -> Select[tuple[bool]]:
    """Hold the lock until this transaction ends, if nobody holds it."""
    return select(func.pg_try_advisory_xact_lock(number(*name)))
