"""Measure docking over HTTP and write docs/benchmarks-docking.md: `make bench-docking`.

How fast the API answers while a timetable of 300 participants is computed, and in storms: for the last places, for one
place that several approve, at the doors, and while meetings are moved, called off and planned anew. After each storm the
database is asked whether every promise held.
"""

import argparse
import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text
from uuid_utils.compat import uuid4, uuid7

from marketplace import schema
from marketplace.docking import agenda, badges, events
from marketplace.docking.models import Event
from marketplace.docking.registration_models import Absence, Attendee, Registration
from marketplace.docking.wish_models import Wish
from marketplace.kernel import clock
from marketplace.kernel.db import Database
from marketplace.kernel.embedded import running_postgres
from marketplace.settings import Settings
from schemas.agenda import AgendaBody
from schemas.events import EventBody, EventState, ParticipantKind
from schemas.identity import Role
from schemas.registrations import RegistrationState
from schemas.wishes import WishAnswer
from scripts.bench import lab
from scripts.bench.__main__ import ROOT, cpu_seconds, machine, process
from scripts.bench.lab import Client, Seen, User
from scripts.bench_bookings import family

PAGE = ROOT / "docs" / "benchmarks-docking.md"
PORTS = (8953, 8954)
SECRET = "a secret for the benchmark only, of forty characters"  # noqa: S105 -- of a database that is thrown away
EACH, SLOTS, TABLES, WISHES = 150, 20, 50, 5
READERS, PAUSE = 8, 0.05
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


@dataclass
class Row:
    what: str
    seen: Seen
    cpu: float
    """Seconds of the API's processes and of PostgreSQL."""
    broken: int | None = None

    def cells(self) -> list[str]:
        answers = ", ".join(f"{status} × {many:,}" for status, many in sorted(self.seen.statuses.items()))
        times = [f"{self.seen.percentile(share) * 1000:.0f} ms" for share in (0.5, 0.95, 0.99)]
        each = f"{self.cpu / len(self.seen.seconds) * 1000:.0f} ms"
        held = [] if self.broken is None else [str(self.broken)]
        return [self.what, f"{len(self.seen.seconds):,}", answers, *times, each, *held]


def burnt(pids: Sequence[int]) -> float:
    """CPU seconds so far of the API's processes and of the database server with its backends."""
    return sum(cpu_seconds(one) for pid in pids for one in family(pid))


@dataclass
class Hall:
    """An event whose participants wish to meet, and who may ask what of it."""

    event: str
    organizer: User
    people: Sequence[tuple[User, str]]
    """Who registered, with their registration."""
    codes: Sequence[str]
    notes: list[str] = field(default_factory=list)


async def an_event(database: Database, at: UUID, state: EventState, **fields: Any) -> Event:
    begins = lab.moment(7, 9 * 60)
    told = {"title": "千人对接会", "summary": "一对一洽谈。", "place": "会展中心", "region": "220100",
            "starts_at": begins, "ends_at": begins + timedelta(hours=10)}  # fmt: skip
    async with database.writing.begin() as session:
        made = await events.put(
            session, at, EventBody.model_validate(told | fields), by=None, state=state, published_at=clock.now()
        )
        tables = [{"name": f"{number} 号桌"} for number in range(1, TABLES + 1)]
        halls = [{"name": f"{hall} 厅", "tables": tables[hall::5]} for hall in range(5)]
        sessions = [
            {"title": f"第 {part + 1} 场", "slot_minutes": 20, "gap_minutes": 5,
             "starts_at": begins + timedelta(minutes=150 * part), "ends_at": begins + timedelta(minutes=150 * part + 125)}
            for part in range(SLOTS // 5)
        ]  # fmt: skip
        body = {"venues": [{"name": "会展中心", "rooms": halls}], "sessions": sessions}
        await agenda.put(session, made.id, AgendaBody.model_validate(body))
    return made


async def a_hall(database: Database, dice: random.Random) -> Hall:
    """Firms on one side, universities on the other; who is wished for says yes, half miss a stretch of the slots."""
    host = await lab.organisation(database, "organizer")
    organizer = await lab.user(database, Role.ORGANIZER, host)
    makers = [await lab.user(database, Role.EDITOR, await lab.organisation(database, "enterprise")) for _ in range(20)]
    event = await an_event(database, host, EventState.CLOSED)
    key = Settings(secret=SECRET).signing_key()
    now = clock.now()
    async with database.writing.begin() as session:
        persons = {
            row[0]: row[1]
            for row in await session.execute(
                text("select organisation_id, person_id from membership where ended_at is null")
            )
        }
        slots = (
            (
                await session.execute(
                    text("select id from event_slot where event_id = :e order by starts_at"), {"e": event.id}
                )
            )
            .scalars()
            .all()
        )
        sides: list[list[UUID]] = [[], []]
        registrations, attendees, absences, people = [], [], [], []
        for number in range(2 * EACH):
            by, mine, who = makers[number % len(makers)], uuid7(), uuid7()
            kind = (ParticipantKind.ENTERPRISE, ParticipantKind.ACADEMIC)[number % 2]
            sides[number % 2].append(mine)
            people.append((by, str(mine)))
            registrations.append(
                {"id": mine, "event_id": event.id, "organisation_id": by.organisation, "made_by": persons[by.organisation],
                 "kind": kind, "state": RegistrationState.CONFIRMED, "seats": 1, "shown": True, "answers": {},
                 "words": "", "version": 1, "created_at": now, "updated_at": now}
            )  # fmt: skip
            attendees.append(
                {"id": who, "event_id": event.id, "registration_id": mine, "position": 0, "name": f"参会者{number}",
                 "email": f"p{number}@duijie.example", "languages": [], "badge": 1, "created_at": now}
            )  # fmt: skip
            if dice.random() < 0.5:
                length = dice.randint(2, SLOTS // 2)
                first = dice.randint(0, SLOTS - length)
                absences += [
                    {"attendee_id": who, "slot_id": slot, "event_id": event.id}
                    for slot in slots[first : first + length]
                ]
        for table, rows in ((Registration, registrations), (Attendee, attendees), (Absence, absences)):
            await session.execute(insert(table), rows)
        await session.execute(insert(Wish), list(_wishes(event.id, sides, dice)))
    codes = [badges.code(key, Attendee(id=one["id"], badge=1)) for one in attendees]
    return Hall(str(event.id), organizer, people, codes)


def _wishes(event_id: UUID, sides: Sequence[Sequence[UUID]], dice: random.Random) -> Iterable[dict[str, Any]]:
    now = clock.now()
    weights = [1 / (n + 1) ** 0.5 for n in range(EACH)]
    asked: dict[tuple[UUID, UUID], WishAnswer] = {}
    for side in (0, 1):
        for mine in sides[side]:
            chosen = dict.fromkeys(dice.choices(sides[1 - side], weights, k=WISHES))
            for rank, other in enumerate(chosen):
                pair = (min(mine, other), max(mine, other))
                asked.setdefault(pair, WishAnswer.MEET if rank else WishAnswer.MUST)
    for (first, second), says in asked.items():
        yield {
            "id": uuid4(), "event_id": event_id, "first_id": first, "second_id": second, "score": dice.random(),
            "because": [], "first_says": says, "first_at": now, "first_until": now + timedelta(days=7), "first_version": 2,
            "second_says": WishAnswer.MEET, "second_at": now, "second_until": now + timedelta(days=7), "second_version": 2,
            "slots": 1, "created_at": now,
        }  # fmt: skip


# --- while a timetable is computed


async def visits(hall: Hall, one: Client, number: int, dice: random.Random) -> None:
    """What people do meanwhile: look at the event and its lists, and come through the door."""
    by, mine = hall.people[number % len(hall.people)]
    assert one.by is by
    event = f"/api/v1/events/{hall.event}"
    kind = dice.randrange(6)
    if kind == 0:
        await one.ask("GET", event)
    elif kind == 1:
        await one.ask("GET", f"{event}/agenda")
    elif kind == 2:
        await one.ask("GET", "/api/v1/meetings?limit=20")
    elif kind == 3:
        await one.ask("GET", f"/api/v1/registrations/{mine}/participants?limit=20")
    else:
        await one.ask("GET", f"/api/v1/registrations/{mine}/wishes?limit=20")


async def walk(hall: Hall, seen: Seen, until: Callable[[], bool], seed: int) -> None:
    """Eight people who look around, each with a short rest between two questions, and a door where badges are read."""

    async def somebody(number: int) -> None:
        dice = random.Random(seed * 100 + number)  # noqa: S311 -- the same walk each time
        one = Client(PORTS[number % 2], hall.people[number][0], seen)
        while not until():
            await visits(hall, one, number, dice)
            await asyncio.sleep(PAUSE)
        await one.close()

    async def door() -> None:
        dice = random.Random(seed)  # noqa: S311
        one = Client(PORTS[0], hall.organizer, seen)
        while not until():
            await one.post(f"/api/v1/events/{hall.event}/check-ins", {"code": dice.choice(hall.codes), "door": "东门"})
            await asyncio.sleep(PAUSE)
        await one.close()

    await asyncio.gather(*(somebody(number) for number in range(READERS)), door())


async def while_solving(hall: Hall, seconds: float, pids: Sequence[int]) -> tuple[list[Row], str]:
    """The same walk before and while a draft is computed. Answers the draft's id too."""
    ended = time.monotonic() + seconds
    idle, busy = Seen(), Seen()
    began = burnt(pids)
    await walk(hall, idle, lambda: time.monotonic() > ended, 1)
    first = burnt(pids) - began
    desk = Client(PORTS[0], hall.organizer, Seen())
    drafts, done = [], False

    async def solve() -> None:
        nonlocal done
        stop = time.monotonic() + seconds
        while not drafts or time.monotonic() < stop:
            status, draft = await desk.post(f"/api/v1/events/{hall.event}/schedules", {"seconds": 120})
            assert status == 202, draft
            started = time.monotonic()
            while draft["state"] not in {"done", "failed", "cancelled"}:
                await asyncio.sleep(0.2)
                _, draft = await desk.ask("GET", f"/api/v1/schedules/{draft['id']}")
            assert draft["state"] == "done", draft
            levels = "，".join(f"{one['objective']} {one['status']}" for one in draft["levels"])
            drafts.append(draft["id"])
            hall.notes.append(
                f"{time.monotonic() - started:.1f} s for {draft['numbers']['meetings']} meetings ({levels})"
            )
        done = True

    began = burnt(pids)
    await asyncio.gather(solve(), walk(hall, busy, lambda: done, 2))
    second = burnt(pids) - began
    await desk.close()
    what = f"{len(drafts)} drafts of {2 * EACH} participants are computed"
    return [Row("nothing is computed", idle, first), Row(what, busy, second)], drafts[-1]


# --- storms


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
    print(turn, "places", dict(seen.statuses), f"{seen.percentile(0.95):.2f} s", file=sys.stderr)
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
    print(turn, "approvals", dict(seen.statuses), f"{seen.percentile(0.95):.2f} s", file=sys.stderr)
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


async def measured(url: str, seconds: float, seed: int, pids: Sequence[int]) -> tuple[list[Row], list[Row], Hall]:
    database = Database(url, name="duijie-bench")
    dice = random.Random(seed)  # noqa: S311 -- the same event each time
    hall = await a_hall(database, dice)
    solving, draft = await while_solving(hall, seconds, pids)
    found = await storms(database, hall, draft, dice, pids)
    await database.close()
    return solving, found, hall


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def page(solving: Sequence[Row], found: Sequence[Row], hall: Hall, seed: int, load: float) -> str:
    here = machine()
    head = ["", "requests", "answers", "p50", "p95", "p99", "CPU each"]
    return f"""# Benchmarks of docking

Written by `make bench-docking` (`scripts/bench_docking.py`, seed {seed}) on {datetime.now(UTC):%Y-%m-%d}: {here["cpu"]}, Python
{here["python"]}; load {load:.1f} before it began, {os.getloadavg()[0]:.1f} at the end. Two API processes, a worker, PostgreSQL and
the clients are on the same machine; an answer is timed from the first byte sent to the last received. "CPU each" is the CPU
time of the API's processes and of PostgreSQL by request (in the storms with what prepares them): where the machine is busy
with other work, as its load tells, waiting is for the most part for a core, and this is what remains of it on one that is not.

## While a timetable is computed

An event of {2 * EACH} participants with {SLOTS} slots and {TABLES} tables. Before and while drafts of it are computed, {READERS} people look at the
event, its agenda, their participants, wishes and meetings, and a door reads badges (each rests {PAUSE * 1000:.0f} ms between two).
The promise: p95 ≤ 100 ms while a draft is computed.

{table(head, [row.cells() for row in solving])}

The drafts, one after the other: {"; ".join(hall.notes)}.

## Storms

{STORM} at once, {ROUNDS} rounds. "Broken" is what the database counts afterwards of places given twice, badges counted twice at a
door, people or tables in two meetings at once: it has to be 0. The promise: p95 ≤ 1 s, and no 5xx.

{table([*head, "broken"], [row.cells() for row in found])}
"""


def postmaster(home: Path) -> int:
    """The server that was started below this folder."""
    (named,) = home.rglob("postmaster.pid")
    return int(named.read_text().splitlines()[0])


@contextmanager
def _working(env: dict[str, str], log: Path) -> Iterator[None]:
    """A worker of its own, as `duijie worker` is."""
    with log.open("w") as out:
        running = subprocess.Popen(
            [sys.executable, "-m", "marketplace", "worker"], env=env, cwd=ROOT, stdout=out, stderr=out
        )
        try:
            yield
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(30)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="how long each walk lasts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--print", action="store_true", help="print the page and write nothing")
    asked = parser.parse_args()
    load = os.getloadavg()[0]
    work = Path(tempfile.mkdtemp(prefix="duijie-bench-"))
    try:
        with running_postgres(work / "home") as server:
            asyncio.run(schema.migrate(server.url))
            env = os.environ | {
                "DUIJIE_HOME": str(work / "home"), "DUIJIE_DATABASE_URL": server.url, "DUIJIE_SECRET": SECRET,
                "DUIJIE_REQUESTS_PER_MINUTE": "1000000000", "DUIJIE_LOG_FORMAT": "json",
            }  # fmt: skip
            with ExitStack() as stack:
                pids = [postmaster(work / "home")]
                for port in PORTS:
                    serve = [sys.executable, "-m", "marketplace", "serve", "--no-worker", "--port", str(port)]
                    log = work / f"{port}.log"
                    pids.append(stack.enter_context(process(serve, port, env=env, log=log, path="/readyz")))
                stack.enter_context(_working(env, work / "worker.log"))
                solving, found, hall = asyncio.run(measured(server.url, asked.seconds, asked.seed, pids))
            told = page(solving, found, hall, asked.seed, load)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if asked.print:
        print(told)
    else:
        PAGE.write_text(told)


if __name__ == "__main__":
    main()
