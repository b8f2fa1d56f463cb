"""The events of the world: one of each target, open for registration."""

from typing import TYPE_CHECKING

from uuid_utils.compat import uuid4

from marketplace.docking.models import CoOrganizer
from marketplace.identity.models import Organisation
from schemas.events import EventBody, EventState, OrganizerRole
from tests.given.docking import EVERY_FIELD_OF_AN_EVENT, an_event
from tests.given.people import Given

if TYPE_CHECKING:
    from tests.access.world import World

NAMES = ("event_id", "partner_id")
_ONE = "/api/v1/events/{event_id}"


async def build(given: Given, world: "World", home: Organisation, other: Organisation) -> None:
    """An event of the callers' own, another's that is open, another's draft, and ids that are nobody's."""
    partner = await given.organisation(name="协办方")
    states = {
        "own": (home, EventState.OPEN),
        "public": (other, EventState.OPEN),
        "hidden": (other, EventState.DRAFT),
    }
    for target, names in world.targets.items():
        if target not in states:
            names.update({name: str(uuid4()) for name in NAMES})
            continue
        at, state = states[target]
        event = await an_event(given.session, at, state=state)
        given.session.add(
            CoOrganizer(event_id=event.id, organisation_id=partner.id, role=OrganizerRole.SUPPORTER, runs_desk=False)
        )
        names |= {"event_id": str(event.id), "partner_id": str(partner.id)}
    # What is only changed before anybody registers, at the time of the example.
    begins = EventBody.model_validate(EVERY_FIELD_OF_AN_EVENT).starts_at
    early = await an_event(given.session, home, state=EventState.PUBLISHED, starts_at=begins, with_agenda=False)
    for operation in (f"PATCH {_ONE}", f"PUT {_ONE}/agenda"):
        world.instead[operation, "own"] = {"event_id": str(early.id)}
