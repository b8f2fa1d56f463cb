"""An event to measure: those who come to it, what they wish, and what a row of measurements holds."""

import random
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text
from uuid_utils.compat import uuid4, uuid7

from marketplace.docking import agenda, badges, events
from marketplace.docking.models import Event
from marketplace.docking.registration_models import Absence, Attendee, Registration
from marketplace.docking.wish_models import Wish
from marketplace.kernel import clock
from marketplace.kernel.db import Database
from marketplace.settings import Settings
from schemas.agenda import AgendaBody
from schemas.events import EventBody, EventState, ParticipantKind
from schemas.identity import Role
from schemas.registrations import RegistrationState
from schemas.wishes import WishAnswer
from scripts.bench import lab
from scripts.bench.__main__ import cpu_seconds
from scripts.bench.lab import Seen, User
from scripts.bench_bookings import family

PORTS = (8953, 8954)
SECRET = "a secret for the benchmark only, of forty characters"  # noqa: S105 -- of a database that is thrown away
EACH, SLOTS, TABLES, WISHES = 150, 20, 50, 5


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
    spent = 0.0
    for one in (one for pid in pids for one in family(pid)):
        # A backend may end in between.
        with suppress(FileNotFoundError, ProcessLookupError):
            spent += cpu_seconds(one)
    return spent


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
