"""Those who come are reminded: before each day of theirs, when it is over, and half a year later. Each letter once.

Whoever is to be written to is looked for by the clock, the letter and its note in `reminded` are one transaction, and the
note's key lets two workers post it once. While a batch is written its event is kept as it is, so what was cancelled a
moment ago is not spoken of.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date, Select, and_, cast, exists, func, or_, select, union
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import events, facts, meeting_notices, meetings
from marketplace.docking.extra_models import Reminded, ReminderRules
from marketplace.docking.meeting_models import HOLDING, Meeting
from marketplace.docking.meeting_policy import takes_part
from marketplace.docking.models import Event
from marketplace.docking.outcome_models import Outcome
from marketplace.docking.registration_models import Attendee, Registration
from marketplace.kernel import clock, etag, mail
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.language import Language, told
from schemas.event_extras import ReminderKind, ReminderTerms
from schemas.events import EventState
from schemas.meetings import MeetingState
from schemas.outcomes import OutcomeStage

AT_ONCE: Final = 100
LONGEST_BEFORE: Final = timedelta(days=14)
HALF_A_YEAR: Final = timedelta(days=182)
# A worker that was away for longer than this does not come back with old letters.
LATE: Final = {ReminderKind.RIGHT_AFTER: timedelta(days=14), ReminderKind.HALF_YEAR: timedelta(days=60)}
_TO_COME: Final = (EventState.OPEN, EventState.CLOSED, EventState.SCHEDULED, EventState.RUNNING)
_OVER: Final = (EventState.RUNNING, EventState.ENDED, EventState.FOLLOWED_UP)
_DEFAULT: Final = ReminderTerms()

_SUBJECTS: Final = {
    ReminderKind.BEFORE: "活动提醒：{day} · Reminder: {day}",
    ReminderKind.RIGHT_AFTER: "请填写洽谈结果 · What came of your meetings?",
    ReminderKind.HALF_YEAR: "半年回访：洽谈有了什么后续？ · Half a year later: what came of your meetings?",
}
_ASKED: Final = {
    ReminderKind.BEFORE: "您的洽谈（{zone}）： · Your meetings ({zone}):",
    ReminderKind.RIGHT_AFTER: (
        "以下洽谈还没有填写结果，每场只需一分钟；您的评价不会告诉对方。"
        " · Please say what came of these meetings, a minute each. The other side is not told."
    ),
    ReminderKind.HALF_YEAR: (
        "活动过去半年了。以下洽谈后来有没有继续商谈、达成协议？请告诉我们；您的回答不会告诉对方。"
        " · It was half a year ago. Did these meetings lead to negotiations or an agreement? The other side is not told."
    ),
}
_NO_MEETINGS: Final = "这一天目前没有安排洽谈。 · No meetings are planned for you on that day so far."
_STAGES: Final = {
    ReminderKind.RIGHT_AFTER: OutcomeStage.RIGHT_AFTER,
    ReminderKind.HALF_YEAR: OutcomeStage.LATER,
}


# --- the terms of an event


async def terms(session: AsyncSession, event_id: UUID) -> tuple[ReminderTerms, int]:
    """The terms of an event, and their version (0: never written)."""
    rules = await session.get(ReminderRules, event_id, populate_existing=True)
    if rules is None:
        return _DEFAULT, 0
    return ReminderTerms.model_validate(rules, extra="ignore"), rules.version


async def set_terms(
    session: AsyncSession, actor: Actor, event_id: UUID, version: int, wish: ReminderTerms
) -> tuple[ReminderTerms, int]:
    """Write them anew (the desk). What was posted is not posted again."""
    await events.run(session, actor, event_id)
    _, current = await terms(session, event_id)
    etag.check(version, current)
    values = wish.model_dump() | {"version": current + 1, "updated_at": clock.now()}
    made = insert(ReminderRules).values(event_id=event_id, created_at=clock.now(), **values)
    await session.execute(made.on_conflict_do_update(index_elements=[ReminderRules.event_id], set_=values))
    await record(session, facts.ReminderTermsWritten(event_id), subject=event_id, by=actor.person)
    return wish, current + 1


# --- who is to be written to


def _local_day(moment: Any) -> ColumnElement[date]:
    return cast(func.timezone(Event.time_zone, moment), Date)


def _sits() -> ColumnElement[bool]:
    return or_(Meeting.first_person_id == Attendee.id, Meeting.second_person_id == Attendee.id)


def _not_yet(kind: ReminderKind, day: ColumnElement[date]) -> ColumnElement[bool]:
    return ~exists().where(Reminded.attendee_id == Attendee.id, Reminded.kind == kind, Reminded.day == day)


def _comes(day: ColumnElement[date]) -> Select[UUID, UUID, date]:
    return (
        select(Attendee.id.label("attendee_id"), Event.id.label("event_id"), day.label("day"))
        .select_from(Event)
        .join(Registration, Registration.event_id == Event.id)
        .join(Attendee, Attendee.registration_id == Registration.id)
        .outerjoin(ReminderRules, ReminderRules.event_id == Event.id)
        .where(Attendee.left_at.is_(None), takes_part())
    )


def _before(now: datetime) -> Any:
    """The first day of an event, and each later one on which somebody meets, when it comes as near as the terms say."""
    hours = func.coalesce(ReminderRules.before_hours, _DEFAULT.before_hours)
    reminds = or_(ReminderRules.event_id.is_(None), ReminderRules.before_hours.is_not(None))

    def near(moment: Any) -> ColumnElement[bool]:
        soon = and_(moment > now, moment <= now + LONGEST_BEFORE)
        return and_(soon, moment - func.make_interval(0, 0, 0, 0, hours) <= now, reminds)

    to_come = (Event.state.in_(_TO_COME), Event.ends_at > now, Event.published_at.is_not(None))
    first = _local_day(Event.starts_at)
    opening = _comes(first).where(*to_come, near(Event.starts_at), _not_yet(ReminderKind.BEFORE, first))
    later = _local_day(Meeting.starts_at)
    meeting = (
        _comes(later)
        .join(Meeting, and_(Meeting.event_id == Event.id, _sits()))
        .where(
            *to_come,
            near(Meeting.starts_at),
            Meeting.state == MeetingState.PLANNED,
            # On the day it begins, what told of the beginning told of this.
            later > first,
            _not_yet(ReminderKind.BEFORE, later),
        )
    )
    return union(opening, meeting)


def _after(kind: ReminderKind, now: datetime) -> Any:
    """Who met and has not said what came of it: their list has a meeting that took place, without an answer."""
    since = HALF_A_YEAR if kind is ReminderKind.HALF_YEAR else timedelta(0)
    wanted = ReminderRules.half_year_after if kind is ReminderKind.HALF_YEAR else ReminderRules.rate_after
    day = _local_day(Event.ends_at)
    return _comes(day).where(
        Event.state.in_(_OVER),
        Event.published_at.is_not(None),
        Event.ends_at <= now - since,
        Event.ends_at > now - since - LATE[kind],
        func.coalesce(wanted, True),
        exists().where(_sits(), *_open(kind)),
        _not_yet(kind, day),
    )


def _open(kind: ReminderKind) -> tuple[ColumnElement[bool], ...]:
    """A meeting of which the list of the attendee has said nothing at this stage."""
    said = select(Outcome.id).where(
        Outcome.meeting_id == Meeting.id,
        Outcome.registration_id == Attendee.registration_id,
        Outcome.stage == _STAGES[kind],
    )
    return Meeting.state.in_(HOLDING), ~said.correlate(Meeting, Attendee).exists()


def due(kind: ReminderKind, now: datetime) -> Any:
    """Whom a reminder waits for, as rows of attendee, event and the day that it speaks of."""
    return _before(now) if kind is ReminderKind.BEFORE else _after(kind, now)


async def remind(
    session: AsyncSession, kind: ReminderKind, now: datetime, public_url: str, *, at_most: int = AT_ONCE
) -> int:
    """Write the next letters of one event. Answers how many were due; call until it answers 0."""
    waiting = due(kind, now).subquery()
    event_id = await session.scalar(select(waiting.c.event_id).limit(1))
    if event_id is None:
        return 0
    await events.beside(session, event_id)
    # Looked for once more: what the event was a moment ago is not what it is now.
    rows = await session.execute(
        select(waiting.c.attendee_id, waiting.c.day)
        .where(waiting.c.event_id == event_id)
        .order_by(waiting.c.attendee_id, waiting.c.day)
        .limit(at_most)
    )
    found = rows.all()
    event = await session.get_one(Event, event_id, populate_existing=True)
    for attendee_id, day in found:
        noted = await session.scalar(
            insert(Reminded)
            .values(attendee_id=attendee_id, kind=kind, day=day, event_id=event_id, at=now)
            .on_conflict_do_nothing()
            .returning(Reminded.attendee_id)
        )
        if noted is not None:
            await _write(session, kind, event, await session.get_one(Attendee, attendee_id), day, public_url)
    return max(len(found), 1)


async def _write(
    session: AsyncSession, kind: ReminderKind, event: Event, person: Attendee, day: date, public_url: str
) -> None:
    language = await meeting_notices.language_of(session, person)
    title = meeting_notices.title_of(event, language)
    views = await _meetings(session, kind, event, person, day)
    lines = [meeting_notices.line(event, one, person.registration_id) for one in views]
    subject = told(_SUBJECTS[kind], language).format(day=day)
    if kind is ReminderKind.BEFORE:
        head = _when_and_where(event, language)
        head += ["", told(_ASKED[kind], language).format(zone=event.time_zone)] if lines else []
        body = [*head, *(lines or ["", told(_NO_MEETINGS, language)])]
    else:
        body = [told(_ASKED[kind], language), "", *lines]
    # What came of a meeting is said where one's meetings stand.
    at = "" if kind is ReminderKind.BEFORE else "/meetings"
    link = f"{public_url}/registrations/{person.registration_id}{at}"
    text = "\n".join([title, *body, "", link])
    await mail.post(session, to=person.email, subject=meeting_notices.headed(title, subject, language), text=text)


def _when_and_where(event: Event, language: Language) -> list[str]:
    zone = ZoneInfo(event.time_zone)
    begins, ends = event.starts_at.astimezone(zone), event.ends_at.astimezone(zone)
    until = f"{ends:%H:%M}" if begins.date() == ends.date() else f"{ends:%Y-%m-%d %H:%M}"
    found = [f"{begins:%Y-%m-%d %H:%M} – {until}（{event.time_zone}）"]
    if event.place:
        found.append(event.place)
    if event.online_url:
        found.append(f"{told('线上参会： · Online: ', language)}{event.online_url}")
    return found


async def _meetings(
    session: AsyncSession, kind: ReminderKind, event: Event, person: Attendee, day: date
) -> Sequence[Any]:
    statement = select(Meeting).join(Attendee, and_(Attendee.id == person.id, _sits())).order_by(Meeting.starts_at)
    if kind is ReminderKind.BEFORE:
        statement = statement.join(Event, Event.id == Meeting.event_id).where(
            Meeting.state == MeetingState.PLANNED, _local_day(Meeting.starts_at) == day
        )
    else:
        statement = statement.where(*_open(kind))
    rows = await session.scalars(statement.execution_options(populate_existing=True))
    return await meetings.views(session, rows.all())
