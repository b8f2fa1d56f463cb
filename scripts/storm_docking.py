"""Storms at an event: whoever comes at once, no place is given twice and nobody is in two meetings."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from sqlalchemy import text

from marketplace.kernel.db import Database
from schemas.events import EventState
from schemas.identity import Role
from scripts.bench import lab
from scripts.bench.hall import PORTS, Hall, Row, an_event, burnt
from scripts.bench.lab import Client, Seen, User

STORM, ROUNDS = 50, 3

# What the database is asked after a storm: places that were given twice, meetings of one person or table at once.
OVER = """select count(*) from event_capacity c where taken > coalesce(seats, taken) or taken <> (
    select coalesce(sum(seats), 0) from registration r
    where r.event_id = c.event_id and r.kind = c.kind and r.state in ('offered', 'confirmed'))"""
TWICE = """with seat as (
    select m.id, m.starts_at, m.ends_at, m.table_id::text as what from meeting m where state in ('planned', 'held')
    union all select m.id, m.starts_at, m.ends_at, a.email from meeting m
    join attendee a on a.id in (m.first_person_id, m.second_person_id) where state in ('planned', 'held'))
    select count(*) from seat a join seat b on a.id < b.id and a.what = b.what
    and tstzrange(a.starts_at, a.ends_at) && tstzrange(b.starts_at, b.ends_at)"""
DOUBLE = "select count(*) from (select attendee_id, door from check_in group by 1, 2 having count(*) > 1) twice"


async def storm(clients: Sequence[Client], act: Callable[[Client, int], Awaitable[object]]) -> None:
    await asyncio.gather(*(act(one, number) for number, one in enumerate(clients)))


async def last_places(database: Database, people: Sequence[User], host: UUID, turn: int) -> tuple[str, Seen]:
    seen = Seen()
    event = await an_event(database, host, EventState.OPEN, capacities=[{"kind": "enterprise", "seats": 20}])
    clients = [Client(PORTS[number % 2], by, seen) for number, by in enumerate(people)]

    async def register(one: Client, number: int) -> None:
        told = {"name": "某人", "email": f"s{turn}.{number}@duijie.example"}
        body = {"organisation_id": str(one.by.organisation), "kind": "enterprise", "people": [told]}
        await one.post(f"/api/v1/events/{event.id}/registrations", body)

    await storm(clients, register)
    await lab.close(clients)
    return f"{STORM} register for 20 places", seen


async def one_place(
    database: Database, people: Sequence[User], host: UUID, desk: Sequence[User], turn: int
) -> tuple[str, Seen]:
    before, seen = Seen(), Seen()
    event = await an_event(
        database, host, EventState.OPEN, needs_approval=True, capacities=[{"kind": "enterprise", "seats": 1}]
    )
    clients = [Client(PORTS[number % 2], by, before) for number, by in enumerate(people)]
    asked: list[str] = []

    async def register(one: Client, number: int) -> None:
        told = {"name": "某人", "email": f"a{turn}.{number}@duijie.example"}
        body = {"organisation_id": str(one.by.organisation), "kind": "enterprise", "people": [told]}
        status = 503
        while status == 503:
            status, made = await one.post(f"/api/v1/events/{event.id}/registrations", body)
        assert status == 201, made
        asked.append(made["id"])

    # A few at a time: this is not the storm.
    for first in range(0, STORM, 5):
        few = range(first, first + 5)
        await asyncio.gather(*(register(clients[number], number) for number in few))
    await lab.close(clients)
    deciders = [Client(PORTS[number % 2], desk[number // 2 % len(desk)], seen) for number in range(STORM)]
    await storm(deciders, lambda one, number: one.post(f"/api/v1/registrations/{asked[number]}/approval", {}))
    await lab.close(deciders)
    return f"{STORM} approvals of one place", seen


async def doors(hall: Hall, dice: random.Random) -> tuple[str, Seen]:
    seen = Seen()
    few = dice.sample(hall.codes, 5)
    clients = [Client(PORTS[number % 2], hall.organizer, seen) for number in range(STORM)]

    async def read(one: Client, number: int) -> None:
        body = {"code": few[number % 5], "door": ("东门", "西门")[number % 2]}
        await one.post(f"/api/v1/events/{hall.event}/check-ins", body)

    await storm(clients, read)
    await lab.close(clients)
    return f"{STORM} badges read, each of 5 at two doors", seen


async def moves(hall: Hall, draft: str | None, dice: random.Random) -> tuple[str, Seen]:
    """Meetings are moved, swapped and called off while a schedule is computed anew and published."""
    seen = Seen()
    desk = Client(PORTS[0], hall.organizer, seen)
    event = f"/api/v1/events/{hall.event}"
    if draft is not None:
        status, told = await desk.post(f"/api/v1/schedules/{draft}/publications", {"kind": "preliminary"})
        assert status == 201, told
    _, page = await desk.ask("GET", f"/api/v1/meetings?event={hall.event}&state=planned&limit=100")
    _, programme = await desk.ask("GET", f"{event}/agenda")
    slots = [slot["id"] for one in programme["sessions"] for slot in one["slots"]]
    tables = [table["id"] for venue in programme["venues"] for room in venue["rooms"] for table in room["tables"]]
    found = dice.sample(page["items"], STORM)
    storming = Seen()
    clients = [Client(PORTS[number % 2], hall.organizer, storming) for number in range(STORM)]

    async def act(one: Client, number: int) -> None:
        meeting, version = f"/api/v1/meetings/{found[number]['id']}", f'If-Match: "{found[number]["version"]}"'
        if number % 5 == 0:
            await one.post(f"{meeting}/cancellation", {"note": "改期"}, version)
        elif number % 5 == 1:
            await one.post(f"{meeting}/swap", {"other_id": found[(number + 7) % STORM]["id"]}, version)
        elif number == 2:
            await one.post(f"{event}/schedules", {"seconds": 5})
        else:
            await one.ask("PATCH", meeting, {"slot_id": dice.choice(slots), "table_id": dice.choice(tables)}, version)

    await storm(clients, act)
    await lab.close([*clients, desk])
    return f"{STORM} move, swap and call off meetings, and plan anew", storming


async def storms(database: Database, hall: Hall, draft: str, dice: random.Random, pids: Sequence[int]) -> list[Row]:
    host = await lab.organisation(database, "organizer")
    desk = [await lab.user(database, Role.ORGANIZER, host) for _ in range(2)]
    people = [
        await lab.user(database, Role.EDITOR, await lab.organisation(database, "enterprise")) for _ in range(STORM)
    ]
    rounds: dict[str, Row] = {}
    for turn in range(ROUNDS):
        acts = (
            last_places(database, people, host, turn),
            one_place(database, people, host, desk, turn),
            doors(hall, dice),
            moves(hall, draft if turn == 0 else None, dice),
        )
        for act in acts:
            began = burnt(pids)
            what, seen = await act
            known = rounds.setdefault(what, Row(what, Seen(), 0.0, 0))
            known.cpu += burnt(pids) - began
            known.seen.seconds += seen.seconds
            known.seen.statuses.update(seen.statuses)
    async with database.reading() as session:
        for row, question in zip(rounds.values(), (OVER, OVER, DOUBLE, TWICE), strict=True):
            row.broken = await session.scalar(text(question))
    return list(rounds.values())
