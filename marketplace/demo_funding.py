"""The sample funding calls: opened and closing some days from today; one of them over."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.funding import calls
from marketplace.identity.models import Organisation, Person
from marketplace.kernel import clock
from schemas.funding import FundingBody

# What is over was published while one could still apply.
_BEFORE: Final = timedelta(days=30)


async def load(
    session: AsyncSession, rows: Iterable[dict[str, Any]], organisations: Mapping[str, Organisation]
) -> None:
    for row in rows:
        times = {"opens_at": _midnight(row["opens"]), "closes_at": _midnight(row["closes"])}
        body = FundingBody.model_validate(row["call"] | times)
        by = await session.scalar(select(Person.id).where(Person.email == row["by"]))
        over = row["closes"] is not None and row["closes"] < 0
        with clock.ahead(-_BEFORE if over else timedelta(0)):
            call = await calls.put(session, organisations[row["organisation"]].id, body, by=by)
            await calls.open_up(session, call, by=by)
    await calls.keep_time(session, clock.now())


def _midnight(days: int | None) -> datetime | None:
    """The midnight that ends the day so many days from now."""
    if days is None:
        return None
    today = clock.now().astimezone(clock.BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=days + 1)
