"""What may be done only so often, counted in the database: passwords tried, letters asked for."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import SignInTry
from marketplace.kernel import clock, locks
from marketplace.kernel.portions import delete_some

WINDOW: Final = timedelta(minutes=15)


async def spend(session: AsyncSession, most: Mapping[str, int]) -> timedelta | None:
    """Count one more under every key; or count none and say how long until there is room again.

    Rivals take turns at each key until the transaction ends, so that many at once are not each the first.
    """
    for key in sorted(most):
        await session.execute(locks.wait_for("try", key))
    now = clock.now()
    counted = await session.execute(
        select(SignInTry.key, func.count(), func.min(SignInTry.at))
        .where(SignInTry.key.in_(most), SignInTry.at > now - WINDOW)
        .group_by(SignInTry.key)
    )
    waits: list[timedelta] = [oldest + WINDOW - now for key, count, oldest in counted.all() if count >= most[key]]
    if waits:
        return max(waits)
    session.add_all(SignInTry(key=key, at=now) for key in most)
    await session.flush()
    return None


async def forget(session: AsyncSession, key: str) -> None:
    """The tries under this key ended well."""
    await session.execute(delete(SignInTry).where(SignInTry.key == key))


async def take_back(session: AsyncSession, key: str) -> None:
    """The latest try under this key ended well; those before it still count."""
    latest = select(SignInTry.id).where(SignInTry.key == key).order_by(SignInTry.at.desc()).limit(1).scalar_subquery()
    await session.execute(delete(SignInTry).where(SignInTry.id == latest))


async def sweep(session: AsyncSession, now: datetime) -> int:
    """Forget what no longer counts. Answers how many; call until it answers 0."""
    return await delete_some(session, SignInTry, SignInTry.at < now - WINDOW, first=SignInTry.at)
