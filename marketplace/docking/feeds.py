"""Somebody's meetings in the calendar that they subscribe to, beside what they book."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import handouts, meetings
from marketplace.docking.meeting_models import Meeting
from marketplace.docking.models import Event
from marketplace.docking.registration_models import Attendee
from marketplace.labs import ical


async def of_person(session: AsyncSession, person_id: UUID, since: datetime, most: int) -> list[ical.Event]:
    """The meetings at which somebody sits, whatever became of them, under the ids that invitations give them."""
    seats = set(await session.scalars(select(Attendee.id).where(Attendee.person_id == person_id)))
    if not seats:
        return []
    rows = await session.scalars(
        select(Meeting)
        .where(or_(Meeting.first_person_id.in_(seats), Meeting.second_person_id.in_(seats)), Meeting.ends_at > since)
        .order_by(Meeting.starts_at, Meeting.id)
        .limit(most)
        .execution_options(populate_existing=True)
    )
    found = rows.all()
    held = {
        one.id: one for one in await session.scalars(select(Event).where(Event.id.in_({e.event_id for e in found})))
    }
    views = await meetings.views(session, found)
    return [
        handouts.entry(held[one.event_id], view, one.first_id if one.first_person_id in seats else one.second_id)
        for one, view in zip(found, views, strict=True)
    ]
