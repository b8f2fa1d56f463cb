"""What the sample instruments were used for in the last four weeks, and what that led to."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.clock import BEIJING
from marketplace.labs import counting, outputs, usages
from marketplace.labs.models import Instrument
from schemas.bookings import UsageSource
from schemas.identity import Permission
from schemas.outputs import OutputNew

_NUMBERS = ("preparation_minutes", "run_minutes", "processing_minutes")


def _begun(row: dict[str, Any]) -> datetime:
    """A time of a weekday, so many whole weeks ago."""
    today = clock.today()
    monday = today - timedelta(days=today.isoweekday() - 1 + 7 * (row["week"] + 1))
    return datetime.combine(monday + timedelta(days=row["weekday"] - 1), time.fromisoformat(row["from"]), BEIJING)


async def load(
    session: AsyncSession,
    used: Iterable[dict[str, Any]],
    led_to: Iterable[dict[str, Any]],
    organisations: dict[str, Organisation],
    shared: dict[str, Instrument],
    keeper: UUID,
) -> None:
    """Write it down as the keeper of the sample laboratory would have."""
    by_id = {one.id: one for one in organisations.values()}
    made = []
    for row in used:
        instrument, since = shared[row["instrument"]], _begun(row)
        served = organisations[row["organisation"]] if row["organisation"] else by_id[instrument.organisation_id]
        minutes = {name: row[name] for name in _NUMBERS}
        told = {
            "starts_at": since, "ends_at": since + timedelta(minutes=sum(minutes.values())), "samples": row["samples"],
            "assisted": row["source"] == UsageSource.KEEPER, "note": row["note"],
        }  # fmt: skip
        whom = usages.of_organisation(instrument, served)
        made.append(counting.written(instrument.id, UsageSource(row["source"]), keeper, told | minutes | whom))
    await counting.put(session, *made, asked_by=keeper)
    for row in led_to:
        instrument = shared[row["instrument"]]
        own = frozenset({instrument.organisation_id})
        actor = Actor(person_id=keeper, where={Permission.READ_OWN: own, Permission.MANAGE_LABS: own})
        told = {name: row[name] for name in ("kind", "title", "number")} | {
            "year": clock.today().year - row["years_ago"]
        }
        await outputs.add(session, actor, instrument.id, OutputNew.model_validate(told))
