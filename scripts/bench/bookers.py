"""Those who book at once, at Duijie and at NEMO, and the requests they send."""

import json
import os
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from marketplace.kernel.db import Database
from schemas.identity import Role
from scripts.bench import lab
from scripts.bench.__main__ import ROOT

CLIENTS, INSTRUMENTS, PER_ROUND = 16, 100, 800
RIVALS = 50


def post(path: str, body: bytes, *headers: str) -> bytes:
    head = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


def slot_of(day: int, turn: int, number: int) -> datetime:
    """An hour that nobody else asks for."""
    return lab.moment(day, 60 * (turn * (PER_ROUND // INSTRUMENTS) + number // INSTRUMENTS))


class Ours:
    """Everything as it runs: rules with quotas, facts, idempotency keys."""

    async def begin(self, url: str) -> None:
        database = Database(url)
        university = await lab.organisation(database, "university")
        firms = [await lab.organisation(database, "enterprise") for _ in range(4)]
        self.users = [await lab.user(database, Role.EDITOR, firms[n % 4]) for n in range(RIVALS)]
        self.instruments = [
            await lab.an_instrument(database, university, **lab.ALL_THE_RULES) for _ in range(INSTRUMENTS)
        ]
        await database.close()

    def request(self, user: int, instrument: int, starts: datetime, key: str) -> bytes:
        by = self.users[user]
        return post(
            "/api/v1/bookings", json.dumps(lab.wish(self.instruments[instrument], by, starts, 60)).encode(),
            f"Authorization: Bearer {by.token}", f"Idempotency-Key: {key}", "Content-Type: application/json",
        )  # fmt: skip

    def requests(self, turn: int) -> list[bytes]:
        return [
            self.request(number % CLIENTS, number % INSTRUMENTS, slot_of(2, turn, number), f"{turn}-{number}")
            for number in range(PER_ROUND)
        ]

    def rivals(self, turn: int) -> list[bytes]:
        return [self.request(user, 0, lab.moment(10, 60 * turn), f"rival-{turn}-{user}") for user in range(RIVALS)]


class Nemo:
    """NEMO behind gunicorn with two workers on the same PostgreSQL; mail goes nowhere."""

    def __init__(self, python: str, place: dict[str, Any]) -> None:
        self.python, self.place = python, place

    def version(self) -> str:
        asked = [self.python, "-c", "from importlib.metadata import version; print(version('NEMO'))"]
        return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()

    def headers(self, user: int) -> list[str]:
        secret = "a" * 32
        return [f"Cookie: sessionid={self.place['sessions'][user]}; csrftoken={secret}", f"X-CSRFToken: {secret}"]

    def by_browser(self, user: int, tool: int, starts: datetime) -> bytes:
        form = {
            "start": int(starts.timestamp()), "end": int((starts + timedelta(hours=1)).timestamp()),
            "item_type": "tool", "item_id": self.place["tools"][tool],
        }  # fmt: skip
        kind = "Content-Type: application/x-www-form-urlencoded"
        return post("/create_reservation/", urlencode(form).encode(), *self.headers(user), kind)

    def by_rest(self, user: int, tool: int, starts: datetime) -> bytes:
        body, who = lab.slot(starts, 60), self.place["users"][user]
        told = {
            "start": body["starts_at"], "end": body["ends_at"], "tool": self.place["tools"][tool],
            "user": who, "creator": who, "project": self.place["project"], "short_notice": False,
        }  # fmt: skip
        return post(
            "/api/reservations/", json.dumps(told).encode(), *self.headers(-1), "Content-Type: application/json"
        )

    def browser(self, turn: int) -> list[bytes]:
        return [
            self.by_browser(number % CLIENTS, number % INSTRUMENTS, slot_of(2, turn, number))
            for number in range(PER_ROUND)
        ]

    def rest(self, turn: int) -> list[bytes]:
        return [
            self.by_rest(number % CLIENTS, number % INSTRUMENTS, slot_of(8, turn, number))
            for number in range(PER_ROUND)
        ]

    def browser_rivals(self, turn: int) -> list[bytes]:
        return [self.by_browser(user, 0, lab.moment(10, 60 * turn)) for user in range(RIVALS)]

    def rest_rivals(self, turn: int) -> list[bytes]:
        return [self.by_rest(user, 0, lab.moment(11, 60 * turn)) for user in range(RIVALS)]


def nemo_of(python: str, host: str, work: Path) -> tuple[Nemo, dict[str, str]]:
    env = dict(os.environ) | {
        "NEMO_DATABASE_HOST": host,
        "DJANGO_SETTINGS_MODULE": "nemo_place",
        "PYTHONPATH": str(ROOT / "scripts" / "bench"),
    }
    django = [python, "-m", "django", "migrate", "--verbosity", "0"]
    subprocess.run(django, env=env, cwd=work, check=True, stdout=subprocess.DEVNULL)
    made = subprocess.run(
        [python, str(ROOT / "scripts/bench/nemo_place.py"), str(INSTRUMENTS), str(RIVALS)],
        env=env, cwd=work, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return Nemo(python, json.loads(made.stdout.splitlines()[-1])), env
