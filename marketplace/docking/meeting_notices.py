"""What those who meet are told by mail: their timetable when it is published, and each change by hand."""

from email.utils import parseaddr
from typing import Any, Final
from uuid import UUID

from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import handouts, meetings, names
from marketplace.docking.meeting_models import HOLDING, Meeting, Publication
from marketplace.docking.models import Event
from marketplace.docking.registration_models import Attendee
from marketplace.docking.standing import hour
from marketplace.identity.models import Person
from marketplace.kernel import clock, mail
from marketplace.kernel.language import Language, told
from marketplace.labs import ical
from marketplace.settings import Settings
from schemas.events import SpokenLanguage
from schemas.meetings import MeetingState, MeetingView, Publishing

_PUBLISHED: Final = {
    Publishing.PRELIMINARY: "洽谈安排（预公布） · Your meetings, for the time being",
    Publishing.FINAL: "洽谈安排 · Your meetings",
}
_UNDONE: Final = "洽谈安排已调整 · Your meetings have changed"
_NONE: Final = "您目前没有洽谈。 · You have no meetings now."
_CHANGED: Final = {
    ical.Method.REQUEST: "洽谈时间或地点 · When and where you meet",
    ical.Method.CANCEL: "洽谈已取消 · A meeting was cancelled",
}


async def language_of(session: AsyncSession, one: Attendee) -> Language:
    """The language of somebody's account; where they have none, Chinese, unless they said that they speak others."""
    return language_for(one, None if one.person_id is None else await session.get_one(Person, one.person_id))


def language_for(one: Attendee, account: Person | None) -> Language:
    if account is None:
        return "en" if one.languages and SpokenLanguage.ZH not in one.languages else "zh"
    return "en" if account.locale == "en" else "zh"


def title_of(event: Event, language: Language) -> str:
    return (event.title_en if language == "en" else None) or event.title


def headed(title: str, said: str, language: Language) -> str:
    """The subject of a letter about an event: which, and what of it."""
    return told("{title}：{said} · {title}: {said}", language).format(title=title, said=said)


def line(event: Event, one: MeetingView, side: UUID) -> str:
    """A meeting in a line: when, with whom, where."""
    other = one.second if one.first.registration_id == side else one.first
    return f"{hour(one.place.starts_at, event.time_zone)}  {other.name}  {names.spot(one.place)}"


async def tell_published(session: AsyncSession, publication_id: UUID, public_url: str, *, at_most: int = 100) -> int:
    """Write to the next of those who meet, or did before. Answers how many letters; call until it answers 0.

    How far it came is written in the same transaction as the letters, so a job that is done again repeats none.
    """
    one = await session.get(Publication, publication_id, with_for_update=True, populate_existing=True)
    if one is None or one.told_at is not None:
        return 0
    event = await session.get_one(Event, one.event_id)
    meets = exists().where(or_(Meeting.first_person_id == Attendee.id, Meeting.second_person_id == Attendee.id))
    statement: Any = select(Attendee).where(Attendee.event_id == event.id, Attendee.left_at.is_(None), meets)
    if one.reached is not None:
        statement = statement.where(Attendee.id > one.reached)
    people = (await session.scalars(statement.order_by(Attendee.id).limit(at_most))).all()
    for person in people:
        language = await language_of(session, person)
        rows = await session.scalars(
            select(Meeting)
            .where(
                or_(Meeting.first_person_id == person.id, Meeting.second_person_id == person.id),
                Meeting.state.in_(HOLDING),
            )
            .order_by(Meeting.starts_at)
        )
        lines = [line(event, each, person.registration_id) for each in await meetings.views(session, rows.all())]
        subject = told(_PUBLISHED[one.kind] if one.undone_at is None else _UNDONE, language)
        text = "\n".join(lines) or told(_NONE, language)
        link = f"{public_url}/registrations/{person.registration_id}"
        await mail.post(
            session,
            to=person.email,
            subject=headed(title_of(event, language), subject, language),
            text=f"{text}\n\n{link}",
        )
    if people:
        one.reached = people[-1].id
    if len(people) < at_most:
        one.told_at = clock.now()
    await session.flush()
    return len(people)


async def tell_changed(session: AsyncSession, meeting_id: UUID, settings: Settings) -> bool:
    """Send both people what became of a meeting, as an entry for their calendars. Each version is told once."""
    one = await session.get(Meeting, meeting_id, with_for_update=True, populate_existing=True)
    if one is None or (one.mailed_version or 0) >= one.version or one.starts_at <= clock.now():
        return False
    if one.state not in (MeetingState.PLANNED, MeetingState.CANCELLED):
        return False
    method = ical.Method.REQUEST if one.state is MeetingState.PLANNED else ical.Method.CANCEL
    one.mailed_version = one.version
    await session.flush()
    event = await session.get_one(Event, one.event_id)
    (view,) = await meetings.views(session, [one])
    sender = parseaddr(settings.mail_from)[1]
    for side in one.sides():
        person = await session.get_one(Attendee, one.person_of(side))
        language = await language_of(session, person)
        lines = [line(event, view, side), one.note or "", f"{settings.public_url}/registrations/{side}"]
        await mail.post(
            session,
            to=person.email,
            subject=headed(title_of(event, language), told(_CHANGED[method], language), language),
            text="\n".join(filter(None, lines)),
            calendar=ical.invitation(method, handouts.entry(event, view, side), sender, person.email),
        )
    return True
