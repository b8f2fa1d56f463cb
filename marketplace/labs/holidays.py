"""The platform's calendar of holidays, kept by its administrators: days off, and days worked in their place (调休)."""

from datetime import date

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import Paging, page
from marketplace.kernel.refusals import Forbidden, NotFound
from marketplace.labs import facts
from marketplace.labs.models import Holiday
from schemas.holidays import HolidayWritten
from schemas.identity import Permission


class NotTheirCalendar(Forbidden):
    """只有平台管理员可以修改节假日。 · Only a platform administrator changes the holidays."""


async def listed(session: AsyncSession, paging: Paging) -> tuple[list[Holiday], str | None]:
    """All of them, latest first."""
    rows, marker = await page(session, select(Holiday), ((Holiday.day, date),), paging)
    return [row[0] for row in rows], marker


def _require(actor: Actor) -> None:
    if Permission.KEEP_HOLIDAYS not in actor.platform:
        raise NotTheirCalendar


async def put(session: AsyncSession, actor: Actor, day: date, wish: HolidayWritten) -> Holiday:
    """Write a day down, or anew. Bookings that stand are not touched."""
    _require(actor)
    values = {"name": wish.name, "follows": wish.follows}
    statement = insert(Holiday).values(day=day, **values).on_conflict_do_update(index_elements=["day"], set_=values)
    await session.execute(statement)
    await record(session, facts.HolidayWritten(day.isoformat(), wish.follows), by=actor.person)
    return await session.get_one(Holiday, day, populate_existing=True)


async def remove(session: AsyncSession, actor: Actor, day: date) -> None:
    """From now on the day follows its weekday."""
    _require(actor)
    if await session.scalar(delete(Holiday).where(Holiday.day == day).returning(Holiday.day)) is None:
        raise NotFound
    await record(session, facts.HolidayRemoved(day.isoformat()), by=actor.person)
