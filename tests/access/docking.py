"""The events of the world: one of each target, open for registration, and somebody of its host's who registered."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select
from uuid_utils.compat import uuid4, uuid7

from marketplace.docking import badges
from marketplace.docking.models import CoOrganizer, Event, EventQuestion, EventSlot
from marketplace.docking.registration_models import Attendee, Registration
from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.settings import Settings
from schemas.events import EventBody, EventState, OrganizerRole, ParticipantKind
from schemas.registrations import RegistrationState
from tests.given.docking import EVERY_FIELD_OF_AN_EVENT, an_event
from tests.given.people import Given

if TYPE_CHECKING:
    from tests.access.world import World

NAMES = ("event_id", "partner_id", "registration_id", "attendee_id", "slot_id", "question_id", "choice_id")
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
            names.update({name: str(uuid4()) for name in NAMES} | {"badge": "A" * badges.LENGTH})
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
        slot = await session.scalar(select(EventSlot.id).where(EventSlot.event_id == event.id).limit(1))
        names["slot_id"] = str(slot)
    await _own(given, world, home)


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
    world.instead[f"POST {_EVENT}/check-ins", "own"] = {"event_id": str(running.id), "badge": came["badge"]}
    now = clock.now()
    event = await session.get_one(Event, UUID(names["event_id"]))
    offer = {"waiting_since": now, "offered_at": now, "offer_expires_at": event.starts_at}
    world.instead[f"POST {_ONE}/acceptance", "own"] = await _registered(
        given, event, home, member, RegistrationState.OFFERED, **offer
    )
