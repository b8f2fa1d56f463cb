"""The events of the world: one of each target, open for registration, and somebody of its host's who registered."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select
from uuid_utils.compat import uuid4, uuid7

from marketplace.docking import badges, composing, standing
from marketplace.docking.extra_models import EventDocument, ReminderRules
from marketplace.docking.meeting_models import Meeting, Publication, Schedule
from marketplace.docking.models import CoOrganizer, Event, EventQuestion, EventSlot, EventTable
from marketplace.docking.outcome_models import Outcome
from marketplace.docking.registration_models import Attendee, Registration
from marketplace.docking.wish_models import Wish, WishRules
from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.kernel.operations import Operation
from marketplace.settings import Settings
from schemas.event_extras import Audience
from schemas.events import EventBody, EventState, OrganizerRole, ParticipantKind
from schemas.meetings import LateJoiners, MeetingState, Planning, Publishing, ScheduleNumbers, Source
from schemas.operations import OperationState
from schemas.outcomes import OutcomeStage, Result
from schemas.registrations import RegistrationState
from tests.given.docking import EVERY_FIELD_OF_AN_EVENT, an_event
from tests.given.people import Given

if TYPE_CHECKING:
    from tests.access.world import World

NAMES = (
    "event_id", "partner_id", "registration_id", "attendee_id", "slot_id", "question_id", "choice_id", "document_id",
)  # fmt: skip
_MEET = (
    "other_id", "wish_id", "table_id", "schedule_id", "meeting_id", "publication_id", "first_id", "second_id",
)  # fmt: skip
SECRET = "a secret for tests only, thirty-two or more"
_EVENT = "/api/v1/events/{event_id}"
_ONE = "/api/v1/registrations/{registration_id}"
RULES: dict[str, Any] = {
    "needs_approval": True,
    "calls_for": ["problem", "achievement"],
    "questions": [{"text": "从哪里得知？"}, {"text": "方式？", "kind": "choices", "options": ["贷款", "股权"]}],
}


async def build(given: Given, world: "World", home: Organisation, other: Organisation) -> None:
    """An event of the callers' own, another's that is open, another's draft, and ids that are nobody's."""
    session = given.session
    partner = await given.organisation(name="协办方")
    states = {
        "own": (home, EventState.OPEN),
        "public": (other, EventState.OPEN),
        "hidden": (other, EventState.DRAFT),
    }
    for target, names in world.targets.items():
        if target not in states:
            names.update({name: str(uuid4()) for name in (*NAMES, *_MEET)} | {"badge": "A" * badges.LENGTH})
            continue
        at, state = states[target]
        event = await an_event(session, at, state=state, **RULES)
        session.add(
            CoOrganizer(event_id=event.id, organisation_id=partner.id, role=OrganizerRole.SUPPORTER, runs_desk=False)
        )
        names.update({"event_id": str(event.id), "partner_id": str(partner.id)})
        names.update(await _registered(given, event, at, UUID(names["person_id"]), RegistrationState.REQUESTED))
        asked = await session.scalars(
            select(EventQuestion.id).where(EventQuestion.event_id == event.id).order_by(EventQuestion.position)
        )
        names.update(zip(("question_id", "choice_id"), map(str, asked.all()), strict=True))
        # Of one's own event, for those who come; of the others, for all who see the event.
        audience = Audience.PARTICIPANTS if target == "own" else Audience.EVERYBODY
        names["document_id"] = await _document(given, event, audience, UUID(names["person_id"]))
        slot = await session.scalar(select(EventSlot.id).where(EventSlot.event_id == event.id).limit(1))
        names["slot_id"] = str(slot)
        names.update({name: str(uuid4()) for name in _MEET})
    await _own(given, world, home)
    await _wishes(given, world, home, other)
    await _meetings(given, world, home, other)


async def _document(given: Given, event: Event, audience: Audience, member: UUID) -> str:
    document = EventDocument(
        event_id=event.id, audience=audience, name="地图.txt", media_type="text/plain; charset=utf-8", size=4,
        sha256="0" * 64, content=b"text", created_by=member,
    )  # fmt: skip
    given.session.add(document)
    await given.session.flush()
    return str(document.id)


async def _registered(
    given: Given, event: Event, at: Organisation, member: UUID, state: RegistrationState, **fields: Any
) -> dict[str, str]:
    now = clock.now()
    registration = Registration(
        id=uuid7(), event_id=event.id, organisation_id=at.id, made_by=member, kind=ParticipantKind.ENTERPRISE,
        state=state, seats=1, shown=True, answers={}, words="", version=1, **fields,
    )  # fmt: skip
    given.session.add(registration)
    await given.session.flush()
    attendee = Attendee(
        id=uuid7(), event_id=event.id, registration_id=registration.id, position=0, name="某人",
        email=f"{registration.id}@test.example", languages=[], badge=1, created_at=now,
    )  # fmt: skip
    given.session.add(attendee)
    await given.session.flush()
    key = Settings(secret=SECRET).signing_key()
    return {
        "registration_id": str(registration.id),
        "attendee_id": str(attendee.id),
        "badge": badges.code(key, attendee),
    }


async def _own(given: Given, world: "World", home: Organisation) -> None:
    """What some steps need: an event before anybody registers, one that is running, and a place that is offered."""
    session, names = given.session, world.targets["own"]
    begins = EventBody.model_validate(EVERY_FIELD_OF_AN_EVENT).starts_at
    early = await an_event(session, home, state=EventState.PUBLISHED, starts_at=begins, with_agenda=False)
    for operation in (f"PATCH {_EVENT}", f"PUT {_EVENT}/agenda"):
        world.instead[operation, "own"] = {"event_id": str(early.id)}
    running = await an_event(session, home, state=EventState.RUNNING)
    member = UUID(names["person_id"])
    came = await _registered(given, running, home, member, RegistrationState.CONFIRMED)
    world.instead[f"GET {_ONE}/badges.pdf", "own"] = came
    world.instead[f"POST {_EVENT}/check-ins", "own"] = {"event_id": str(running.id), "badge": came["badge"]}
    now = clock.now()
    event = await session.get_one(Event, UUID(names["event_id"]))
    offer = {"waiting_since": now, "offered_at": now, "offer_expires_at": event.starts_at}
    world.instead[f"POST {_ONE}/acceptance", "own"] = await _registered(
        given, event, home, member, RegistrationState.OFFERED, **offer
    )


async def _wishes(given: Given, world: "World", home: Organisation, other: Organisation) -> None:
    """Two that come and are proposed to each other, and terms that were written once."""
    session, names = given.session, world.targets["own"]
    event = await session.get_one(Event, UUID(names["event_id"]))
    mine, theirs = [
        UUID((await _registered(given, event, at, member, RegistrationState.CONFIRMED))["registration_id"])
        for at, member in ((home, UUID(names["person_id"])), (other, UUID(world.targets["public"]["person_id"])))
    ]
    first, second = sorted((mine, theirs))
    wish = Wish(
        id=uuid7(), event_id=event.id, first_id=first, second_id=second, because=[], proposed_at=clock.now(),
        created_at=clock.now(),
    )  # fmt: skip
    session.add_all((wish, WishRules(event_id=event.id, outstanding_most=5, answer_hours=48)))
    session.add(ReminderRules(event_id=event.id, before_hours=24, rate_after=True, half_year_after=True))
    await session.flush()
    table = await session.scalar(select(EventTable.id).where(EventTable.event_id == event.id).limit(1))
    names.update({"wish_id": str(wish.id), "table_id": str(table)})
    for verb in ("GET %s/participants", "GET %s/wishes", "POST %s/wishes", "PUT %s/wishes/{other_id}",
                 "DELETE %s/wishes/{other_id}"):  # fmt: skip
        world.instead[verb % _ONE, "own"] = {"registration_id": str(mine), "other_id": str(theirs)}


async def _meetings(given: Given, world: "World", home: Organisation, other: Organisation) -> None:
    """Events of one's own: closed, with a draft that fits and two meetings to come; running, with one that began.

    Another's meeting is nobody's of the callers, as nobody of theirs comes to it.
    """
    session, names = given.session, world.targets["own"]
    members = {home.id: UUID(names["person_id"]), other.id: UUID(world.targets["public"]["person_id"])}
    closed = await _hall(given, home, home, other, members, EventState.CLOSED, days(7))
    draft = closed | {"other_id": closed["schedule_id"]}
    running = await _hall(given, home, home, other, members, EventState.RUNNING, days(-1))
    told = running | {"registration_id": running["own_id"]}
    session.add(
        Outcome(
            id=uuid7(), event_id=UUID(told["event_id"]), meeting_id=UUID(told["meeting_id"]),
            registration_id=UUID(told["own_id"]), stage=OutcomeStage.RIGHT_AFTER, result=Result.VALUABLE_CONTACT,
            by=members[home.id], version=1,
        )
    )  # fmt: skip
    world.targets["own"]["stage"] = OutcomeStage.RIGHT_AFTER.value
    third = await given.organisation(name="参会者")
    theirs = await _hall(
        given, other, third, other, members | {third.id: members[other.id]}, EventState.CLOSED, days(8)
    )
    names.update({key: closed[key] for key in ("schedule_id", "meeting_id", "publication_id")})
    public = world.targets["public"]
    public.update({key: theirs[key] for key in ("schedule_id", "meeting_id", "publication_id")})
    hidden = await _hall(given, other, third, other, members | {third.id: members[other.id]}, EventState.DRAFT, days(9))
    world.targets["hidden"].update({key: hidden[key] for key in ("schedule_id", "meeting_id", "publication_id")})
    for operation, known in {
        "GET /api/v1/schedules/{schedule_id}/comparison/{other_id}": draft,
        f"POST {_EVENT}/publications/{{publication_id}}/undoing": closed,
        f"POST {_EVENT}/schedules": closed,
        f"POST {_EVENT}/meetings": closed | {"first_id": closed["spare_id"]},
        "PATCH /api/v1/meetings/{meeting_id}": closed,
        "POST /api/v1/meetings/{meeting_id}/swap": closed,
        "POST /api/v1/meetings/{meeting_id}/confirmation": running,
        "POST /api/v1/meetings/{meeting_id}/no-show": running,
        f"PUT {_ONE}/meetings/{{meeting_id}}/outcomes/{{stage}}": told,
        f"POST {_ONE}/meetings/{{meeting_id}}/interest": told,
    }.items():
        world.instead[operation, "own"] = known


def days(many: int) -> datetime:
    return clock.now() + timedelta(days=many)


async def _hall(
    given: Given,
    host: Organisation,
    one: Organisation,
    two: Organisation,
    members: dict[UUID, UUID],
    state: EventState,
    starts_at: datetime,
) -> dict[str, str]:
    """An event at which two organisations meet twice, a third list of the first is free, and a draft without meetings."""
    session = given.session
    event = await an_event(session, host, state=state, starts_at=starts_at, tables=3)
    lists = [
        await _registered(given, event, at, members[at.id], RegistrationState.CONFIRMED)
        for at in (one, two, one, one, two)
    ]
    slots = await session.scalars(select(EventSlot).where(EventSlot.event_id == event.id).order_by(EventSlot.starts_at))
    tables = await session.scalars(select(EventTable.id).where(EventTable.event_id == event.id))
    slot, free, tables_ = *slots.all()[:2], list(tables.all())
    meetings = []
    for number, pair in enumerate(((0, 1), (2, 4))):
        first, second = sorted((lists[side] for side in pair), key=lambda each: each["registration_id"])
        meeting = Meeting(
            id=uuid7(), event_id=event.id, source=Source.SCHEDULE, state=MeetingState.PLANNED, version=1, absent=[],
            first_id=UUID(first["registration_id"]), second_id=UUID(second["registration_id"]),
            first_person_id=UUID(first["attendee_id"]), second_person_id=UUID(second["attendee_id"]),
            slot_id=slot.id, until_slot_id=slot.id, starts_at=slot.starts_at, ends_at=slot.ends_at,
            table_id=tables_[number], created_at=clock.now(), updated_at=clock.now(),
        )  # fmt: skip
        session.add(meeting)
        meetings.append(meeting)
    await session.flush()
    await standing.hold(session, event.id, meetings)
    told = await composing.compose(session, event, Planning.FIXED, LateJoiners.LIKE_OTHERS, clock.now())
    operation = Operation(kind="schedule", person_id=members[one.id], state=OperationState.DONE)
    session.add(operation)
    await session.flush()
    schedule = Schedule(
        id=uuid7(), event_id=event.id, number=1, operation_id=operation.id, made_by=members[one.id],
        planning=Planning.FIXED, late=LateJoiners.LIKE_OTHERS, seconds=5, seed=0, levels=[], ended="done",
        numbers=dict.fromkeys(ScheduleNumbers.model_fields, 0), basis=told.basis, planned_at=clock.now(), version=1,
    )  # fmt: skip
    session.add(schedule)
    await session.flush()
    before = [standing.PLACEMENT.dump_python(standing.placement(each), mode="json") for each in meetings]
    publication = Publication(
        event_id=event.id, number=1, schedule_id=schedule.id, kind=Publishing.PRELIMINARY, before=before, planned=2,
        added=2, moved=0, dropped=0, published_by=members[one.id], published_at=clock.now(),
    )  # fmt: skip
    session.add(publication)
    await session.flush()
    return {
        "event_id": str(event.id), "schedule_id": str(schedule.id), "publication_id": str(publication.id),
        "meeting_id": str(meetings[0].id), "other_id": str(meetings[1].id), "slot_id": str(free.id),
        "table_id": str(tables_[2]), "first_id": str(meetings[0].first_id), "second_id": lists[1]["registration_id"],
        "spare_id": lists[3]["registration_id"], "own_id": lists[0]["registration_id"],
    }  # fmt: skip
