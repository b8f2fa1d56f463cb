"""A lab to measure: its instruments, those who book them, and a client of theirs that keeps its connection."""

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from marketplace.identity import tokens
from marketplace.identity.models import Membership, Organisation, Person
from marketplace.kernel import clock
from marketplace.kernel.clock import BEIJING
from marketplace.kernel.db import Database
from marketplace.labs import instruments
from schemas.identity import Role, Scope, TokenKind, Verification
from schemas.labs import InstrumentBody, InstrumentState
from schemas.uscc import make_check_digit

ALWAYS = [{"weekday": day, "opens": "00:00", "closes": "24:00"} for day in range(1, 8)]
ALL_THE_RULES = {
    "slot_minutes": 15, "min_minutes": 15, "max_minutes": 480, "notice_minutes": 30, "horizon_days": 365,
    "buffer_minutes": 0, "late_cancel_minutes": 60, "person_week_minutes": 10_000, "organisation_week_minutes": 10_080,
    "person_upcoming": 1000,
}  # fmt: skip
_numbers = itertools.count(1)


@dataclass(frozen=True)
class User:
    organisation: UUID
    token: str


@dataclass
class Seen:
    """How every request went."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def organisation(database: Database, kind: str) -> UUID:
    first = f"12220100{next(_numbers):09d}"
    now = clock.now()
    async with database.writing.begin() as session:
        made = Organisation(
            uscc=first + make_check_digit(first), name=f"基准单位{first[-4:]}", kinds=[kind], region="220100",
            verification=Verification.VERIFIED, verified_at=now, created_at=now, updated_at=now, version=1,
        )  # fmt: skip
        session.add(made)
    return made.id


async def user(database: Database, role: Role, at: UUID) -> User:
    number, now = next(_numbers), clock.now()
    async with database.writing.begin() as session:
        person = Person(
            email=f"user{number}@duijie.example", name=f"用户{number}", confirmed_at=now, created_at=now,
            password_hash="unusable", updated_at=now, version=1,  # noqa: S106 -- nobody signs in with it
        )  # fmt: skip
        session.add(person)
        await session.flush()
        session.add(Membership(person_id=person.id, organisation_id=at, role=role))
        text, _ = await tokens.issue(
            session, person.id, TokenKind.SESSION, name="bench", scope=Scope.WRITE, lasts=tokens.SESSION_LASTS
        )
    return User(at, text)


async def an_instrument(database: Database, at: UUID, **terms: Any) -> str:
    body = {"name": "万能试验机", "region": "220104", "class_code": "02-01", "location": "一号楼",
            "capabilities": "拉伸、三点弯曲。", "hours": ALWAYS}  # fmt: skip
    async with database.writing.begin() as session:
        made = await instruments.put(
            session, at, InstrumentBody.model_validate(body | terms), by=None, state=InstrumentState.PUBLISHED
        )
    return str(made.id)


def moment(days: int, minutes: int = 0) -> datetime:
    """So many days from now and minutes after midnight, in China."""
    midnight = clock.now().astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight + timedelta(days=days, minutes=minutes)).astimezone(UTC)


def slot(starts_at: datetime, minutes: int) -> dict[str, str]:
    return {"starts_at": starts_at.isoformat(), "ends_at": (starts_at + timedelta(minutes=minutes)).isoformat()}


def wish(instrument: str, by: User, starts_at: datetime, minutes: int) -> dict[str, Any]:
    told = {"instrument_id": instrument, "organisation_id": str(by.organisation), "purpose": "三点弯曲试验"}
    return told | slot(starts_at, minutes)


class Client:
    """One user on one connection."""

    def __init__(self, port: int, by: User, seen: Seen) -> None:
        self.port, self.by, self.seen = port, by, seen
        self.turn = asyncio.Lock()
        self.wires: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: object = None, *headers: str) -> tuple[int, Any]:
        """Ask with an idempotency key of its own; what is seen is written down."""
        return await self.ask("POST", path, body, f"Idempotency-Key: {uuid4()}", *headers)

    async def ask(self, method: str, path: str, body: object = None, *headers: str) -> tuple[int, Any]:
        """Ask, and write down what is seen."""
        content = json.dumps(body).encode() if body is not None else b""
        head = [
            f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {self.by.token}",
            "Content-Type: application/json", f"Content-Length: {len(content)}", *headers, "", "",
        ]  # fmt: skip
        async with self.turn:
            if self.wires is None:
                self.wires = await asyncio.open_connection("127.0.0.1", self.port, limit=2**22)
            reader, writer = self.wires
            started = time.perf_counter()
            writer.write("\r\n".join(head).encode() + content)
            lines = (await reader.readuntil(b"\r\n\r\n")).lower()
            at = lines.index(b"content-length:") + 15
            answer = await reader.readexactly(int(lines[at : lines.index(b"\r\n", at)]))
            self.seen.seconds.append(time.perf_counter() - started)
        status = int(lines[9:12])
        self.seen.statuses[status] += 1
        return status, json.loads(answer) if answer[:1] in (b"{", b"[") else answer or None

    async def close(self) -> None:
        if self.wires is not None:
            self.wires[1].close()
            await self.wires[1].wait_closed()


async def close(clients: Sequence[Client]) -> None:
    for one in clients:
        await one.close()
