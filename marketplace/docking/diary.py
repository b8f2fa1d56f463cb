"""The meetings of a person at every event, as entries of the calendar that is read under their secret address."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import handouts, meetings
from marketplace.docking.meeting_models import Meeting
from marketplace.docking.meeting_policy import meeting_list_seen_by
from marketplace.docking.models import Event
from marketplace.docking.policy import attended_by
from marketplace.docking.registration_models import Attendee, Registration
from marketplace.kernel.actor import Actor
from marketplace.labs import ical

MOST: Final = 1000


async def of_person(session: AsyncSession, actor: Actor, since: datetime) -> Sequence[ical.Event]:
    """Where the actor sits; and all of a list that they registered for others, without coming themselves."""
    sits = exists(
        select(Attendee.id).where(
            Attendee.id.in_((Meeting.first_person_id, Meeting.second_person_id)), Attendee.person_id == actor.person
        )
    )
    for_others = exists(
        select(Registration.id).where(
            Registration.id.in_((Meeting.first_id, Meeting.second_id)),
            and_(Registration.made_by == actor.person, ~attended_by(actor)),
        )
    )
    rows = await session.scalars(
        meetings.chosen()
        .where(Meeting.ends_at > since, or_(sits, for_others))
        .order_by(Meeting.starts_at, Meeting.id)
        .limit(MOST)
    )
    found = await meetings.views(session, rows.all())
    of_events = await session.scalars(select(Event).where(Event.id.in_({one.event_id for one in found})))
    event = {one.id: one for one in of_events.all()}
    sides = {side.registration_id for one in found for side in (one.first, one.second)}
    own = set(
        await session.scalars(select(Registration.id).where(Registration.id.in_(sides), meeting_list_seen_by(actor)))
    )
    return [
        handouts.entry(
            event[one.event_id],
            one,
            next((side.registration_id for side in (one.first, one.second) if side.registration_id in own), None),
        )
        for one in found
    ]
