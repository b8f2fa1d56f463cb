"""The sample events: held some days from today, with people who registered, wait, or came already."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import agenda, announcements, badges, doors, events, facts, registering, steps, waiting
from marketplace.docking.models import CoOrganizer, Event
from marketplace.docking.registration_models import Attendee
from marketplace.identity.models import Membership, Organisation, Person
from marketplace.identity.policy import PERMISSIONS
from marketplace.kernel import clock
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.listings.models import Listing
from marketplace.sample import SOURCE
from schemas.agenda import AgendaBody
from schemas.events import EventBody, EventState, OrganizerRole
from schemas.identity import Permission, Role
from schemas.registrations import AnnouncementNew, CheckInNew, RegistrationDecision, RegistrationNew

BEFORE: Final = timedelta(days=10)
_TIMES: Final = ("starts_at", "ends_at", "registration_opens_at", "registration_closes_at")


class Calendar:
    """Reads `1 09:30`: half past nine of the second day of an event."""

    def __init__(self, in_days: int) -> None:
        self._first = clock.now().astimezone(clock.BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
        self._first += timedelta(days=in_days)

    def at(self, written: str) -> datetime:
        day, _, time = written.partition(" ")
        hour, minute = time.split(":")
        return self._first + timedelta(days=int(day), hours=int(hour), minutes=int(minute))

    def dated(self, told: Mapping[str, Any]) -> dict[str, Any]:
        return {**told, **{name: self.at(told[name]) for name in _TIMES if told.get(name)}}


async def load(
    session: AsyncSession, rows: Iterable[dict[str, Any]], organisations: Mapping[str, Organisation], key: bytes
) -> None:
    for row in rows:
        calendar = Calendar(row["in_days"])
        with in_time(row):
            await _one(session, row, organisations, key, calendar)


def in_time(row: Mapping[str, Any]) -> AbstractContextManager[None]:
    """Of an event that is over, the days before it, in which people registered for it and their meetings were planned."""
    days = row["in_days"]
    return clock.ahead(timedelta(days=days) - BEFORE if days < 0 else timedelta(0))


async def actor_of(session: AsyncSession, email: str) -> Actor:
    """Somebody of the sample, with what their roles let them do."""
    person = (await session.scalars(select(Person).where(Person.email == email))).one()
    held = await session.scalars(select(Membership).where(Membership.person_id == person.id))
    where: dict[Permission, frozenset[UUID]] = {}
    for membership in held.all():
        if membership.organisation_id is not None:
            for permission in PERMISSIONS[Role(membership.role)]:
                where[permission] = where.get(permission, frozenset()) | {membership.organisation_id}
    return Actor(person_id=person.id, email=email, where=where)


async def _one(
    session: AsyncSession,
    row: Mapping[str, Any],
    organisations: Mapping[str, Organisation],
    key: bytes,
    calendar: Calendar,
) -> None:
    host = organisations[row["organisation"]]
    told = row["agenda"]
    written = AgendaBody.model_validate(told | {"sessions": [calendar.dated(one) for one in told["sessions"]]})
    body = EventBody.model_validate(calendar.dated(row["event"]))
    desk = await actor_of(session, row["event"]["contact"]["email"])
    now = clock.now()
    event = await events.put(
        session, host.id, body, by=desk.person_id, published_at=now,
        state=EventState.PUBLISHED if row["state"] == "published" else EventState.OPEN,
    )  # fmt: skip
    await record(session, facts.EventDrafted(event.id), subject=event.id, by=desk.person_id)
    await agenda.put(session, event.id, written)
    session.add_all(
        CoOrganizer(
            event_id=event.id, organisation_id=organisations[one["organisation"]].id, role=OrganizerRole(one["role"]),
            runs_desk=one["runs_desk"], since=now,
        )
        for one in row["together"]
    )  # fmt: skip
    await session.flush()
    for one in row["registrations"]:
        await _register(session, desk, event, one)
    for letter in row["letters"]:
        await announcements.announce(session, desk, event.id, AnnouncementNew.model_validate(letter))
    if row["state"] == "closed":
        await steps.enter(session, event, EventState.CLOSED, by=desk.person_id)
    came = await session.scalars(
        select(Attendee).where(Attendee.event_id == event.id, Attendee.name.in_(row.get("came", [])))
    )
    # Those who came to what is over came when it began.
    with clock.ahead(event.starts_at - clock.now() if row["in_days"] < 0 else timedelta(0)):
        for attendee in came.all():
            wish = CheckInNew(code=badges.code(key, attendee), door="北门")
            await doors.check_in(session, desk, event.id, wish, key)


async def _register(session: AsyncSession, desk: Actor, event: Event, told: Mapping[str, Any]) -> None:
    """Somebody registers through the same verb as everybody, and the desk has its say."""
    actor = await actor_of(session, told["by"])
    asked = await events.questions(session, event.id)
    fields = {bool: "yes", int: "number", str: "text", list: "chosen"}
    answers = [
        {"question_id": question.id, fields[type(said)]: said}
        for question, said in zip(asked, told["answers"], strict=True)
        if said not in (None, [])
    ]
    brought = await session.scalars(
        select(Listing.id).where(Listing.source == SOURCE, Listing.external_id.in_(told.get("records", [])))
    )
    (home,) = actor.organisations_where(Permission.READ_OWN)
    colleagues = enumerate(told["people"])
    people = [one | {"email": actor.email if not number else f"{number}.{actor.email}"} for number, one in colleagues]
    more = {name: told[name] for name in ("introduction", "wanted", "accessibility") if name in told}
    wish = RegistrationNew.model_validate(
        {"organisation_id": home, "kind": told["kind"], "people": people, "answers": answers,
         "records": brought.all(), **more}
    )  # fmt: skip
    made = await registering.register(session, actor, event.id, wish)
    if (decision := told.get("decision")) is not None:
        await waiting.approve(session, desk, made.id, RegistrationDecision(wait=decision == "wait"))
