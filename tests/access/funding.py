"""The funding calls of the world: one of each target, and one in the state that a step needs."""

from typing import TYPE_CHECKING
from uuid import UUID

from uuid_utils.compat import uuid4

from marketplace.funding.models import FundingBookmark
from marketplace.identity.models import Organisation
from schemas.funding import FundingState
from tests.given.funding import a_call
from tests.given.people import Given

if TYPE_CHECKING:
    from tests.access.world import World

_ONE = "/api/v1/funding-calls/{call_id}"


async def build(given: Given, world: "World", home: Organisation, other: Organisation) -> None:
    """A call of the callers' own, another's that is open, another's draft, and an id that is nobody's."""
    session = given.session
    states = {
        "own": (home, FundingState.PUBLISHED),
        "public": (other, FundingState.PUBLISHED),
        "hidden": (other, FundingState.DRAFT),
    }
    for target, names in world.targets.items():
        if target in states:
            at, state = states[target]
            names["call_id"] = str((await a_call(session, at, state=state)).id)
        else:
            names["call_id"] = str(uuid4())
    kept = FundingBookmark(
        call_id=UUID(world.targets["own"]["call_id"]), person_id=UUID(world.targets["own"]["person_id"]), days_before=7
    )
    session.add(kept)
    draft = await a_call(session, home, state=FundingState.DRAFT)
    world.instead[f"POST {_ONE}/publication", "own"] = {"call_id": str(draft.id)}
