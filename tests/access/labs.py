"""The labs of the world: an instrument of each target, with everything that hangs on it."""

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from uuid_utils.compat import uuid4

from marketplace.identity.models import Membership, Organisation
from marketplace.kernel import clock
from marketplace.labs.models import Keeper, Outage, Qualification
from schemas.identity import Role
from schemas.labs import InstrumentState
from tests.given.labs import an_instrument
from tests.given.people import Given

if TYPE_CHECKING:
    from tests.access.world import World


async def build(given: Given, world: "World", home: Organisation, other: Organisation) -> None:
    """An instrument of the callers' own, another's that is open, another's draft, and ids that are nobody's."""
    session = given.session
    states = {
        "own": (home, InstrumentState.PUBLISHED),
        "public": (other, InstrumentState.PUBLISHED),
        "hidden": (other, InstrumentState.DRAFT),
    }
    for target, names in world.targets.items():
        if target not in states:
            names |= {name: str(uuid4()) for name in ("instrument_id", "outage_id", "qualification_id")}
            continue
        at, state = states[target]
        instrument = await an_instrument(session, at, state=state)
        now = clock.now()
        outage = Outage(instrument_id=instrument.id, starts_at=now - timedelta(days=1), reason="维修", reported_at=now)
        member = UUID(names["person_id"])
        qualification = Qualification(
            instrument_id=instrument.id, email="qualified@test.example", granted_by=member, granted_at=now
        )
        session.add_all([outage, qualification, Keeper(instrument_id=instrument.id, person_id=member)])
        await session.flush()
        names |= {
            "instrument_id": str(instrument.id),
            "outage_id": str(outage.id),
            "qualification_id": str(qualification.id),
        }
    keeper = await given.person()
    session.add(Membership(person_id=keeper.id, organisation_id=home.id, role=Role.VIEWER))
    world.targets["own"]["keeper_email"] = keeper.email
