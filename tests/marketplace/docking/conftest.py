"""Who takes part: an organizer of a department, people of firms and of a university."""

import json

import pytest
from sqlalchemy import text, update

from marketplace.docking import planner, planning
from marketplace.docking.models import Event
from marketplace.kernel.jobs import Place
from matching.timetable.solving import solve
from schemas.events import EventState
from schemas.identity import OrganisationKind, Role


@pytest.fixture
async def organizer(given):
    return await given.person(Role.ORGANIZER, await given.organisation(kinds=(OrganisationKind.ORGANIZER,)))


@pytest.fixture
async def firm(given):
    return await given.enterprise()


@pytest.fixture
async def other_firm(given):
    return await given.enterprise()


@pytest.fixture
def solved_here(monkeypatch):
    """What is computed is computed in this process: a process of its own for each draft takes seconds to start."""

    async def solved(_place, _operation, composed, seconds, seed):
        told = json.dumps(planner.AGENDA.dump_python(composed.agenda, mode="json"))
        plan = solve(planner.AGENDA.validate_json(told), seconds=seconds, seed=seed)
        return planner.PLAN.validate_json(planner.PLAN.dump_json(plan))

    monkeypatch.setattr(planning, "_solved", solved)


@pytest.fixture
def place(database, settings) -> Place:
    return Place(database, settings)


# Nobody and no table in two meetings at once, at whatever event, and what holds has claimed what it needs.
TWICE = text(
    "with seat as ("
    " select m.id, m.starts_at, m.ends_at, m.table_id::text as what from meeting m where state in ('planned', 'held')"
    " union all select m.id, m.starts_at, m.ends_at, a.email from meeting m"
    " join attendee a on a.id in (m.first_person_id, m.second_person_id) where state in ('planned', 'held'))"
    " select count(*) from seat a join seat b on a.id < b.id and a.what = b.what"
    " and tstzrange(a.starts_at, a.ends_at) && tstzrange(b.starts_at, b.ends_at)"
)
UNCLAIMED = text(
    "select count(*) from meeting m where (select count(*) from claim c where c.held_by = m.id"
    " and c.during = tstzrange(m.starts_at, m.ends_at)) <> case when state in ('planned', 'held') then 3 else 0 end"
)


async def consistent(session) -> None:
    assert await session.scalar(TWICE) == 0
    assert await session.scalar(UNCLAIMED) == 0


async def enters(session, event, state: EventState) -> None:
    """The clock, or the desk, brings an event into another state."""
    await session.execute(update(Event).where(Event.id == event.id).values(state=state))
    await session.commit()
