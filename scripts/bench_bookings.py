"""Measure bookings and write docs/benchmarks-bookings.md: `make bench-bookings`.

    python -m scripts.bench_bookings --nemo PYTHON

names the Python of an environment in which NEMO, gunicorn and psycopg2 are installed, to measure beside it.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.requests import Request

from marketplace import schema
from marketplace.kernel import clock
from marketplace.kernel.actor import NOBODY
from marketplace.kernel.db import Database
from marketplace.kernel.embedded import running_postgres
from marketplace.kernel.paging import Paging
from marketplace.labs import availability, instruments
from schemas.identity import Role
from schemas.labs import InstrumentFilter
from scripts.bench import lab, load, storm_page
from scripts.bench.__main__ import ROOT, cpu_seconds, machine, process

PAGE = ROOT / "docs" / "benchmarks-bookings.md"
PORT_OURS, PORT_NEMO = 8951, 8952
CLIENTS, INSTRUMENTS, PER_ROUND, ROUNDS = 16, 100, 800, 3
MANY_INSTRUMENTS, EACH = 10_000, 100


@dataclass(frozen=True)
class Row:
    who: str
    per_second: float
    cpu_ms: float
    p50: float
    p99: float


def post(path: str, body: bytes, *headers: str) -> bytes:
    head = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


def family(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(int(one) for one in children)]


async def measured(who: str, port: int, pid: int, requests: Sequence[bytes], good: set[int]) -> Row:
    before = sum(map(cpu_seconds, family(pid)))
    run = await load.drive(port, requests, connections=CLIENTS)
    if not set(run.statuses) <= good:
        raise SystemExit(f"{who} answered {run.statuses}")
    cpu = (sum(map(cpu_seconds, family(pid))) - before) / len(requests) * 1000
    return Row(who, run.per_second, cpu, run.percentile(0.5) * 1000, run.percentile(0.99) * 1000)


class Ours:
    """Everything as it runs: rules with quotas, facts, idempotency keys."""

    async def begin(self, url: str) -> None:
        database = Database(url)
        university = await lab.organisation(database, "university")
        firms = [await lab.organisation(database, "enterprise") for _ in range(4)]
        self.users = [await lab.user(database, Role.EDITOR, firms[n % 4]) for n in range(CLIENTS)]
        self.instruments = [
            await lab.an_instrument(database, university, **lab.ALL_THE_RULES) for _ in range(INSTRUMENTS)
        ]
        await database.close()

    def requests(self, turn: int) -> list[bytes]:
        made = []
        for number in range(PER_ROUND):
            by = self.users[number % CLIENTS]
            hour = turn * (PER_ROUND // INSTRUMENTS) + number // INSTRUMENTS
            body = lab.wish(self.instruments[number % INSTRUMENTS], by, lab.moment(2, 60 * hour), 60)
            made.append(
                post(
                    "/api/v1/bookings", json.dumps(body).encode(), f"Authorization: Bearer {by.token}",
                    f"Idempotency-Key: {turn}-{number}", "Content-Type: application/json",
                )
            )  # fmt: skip
        return made


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

    def browser(self, turn: int) -> list[bytes]:
        made = []
        for number in range(PER_ROUND):
            starts = lab.moment(2, 60 * (turn * (PER_ROUND // INSTRUMENTS) + number // INSTRUMENTS))
            form = {
                "start": int(starts.timestamp()), "end": int((starts + timedelta(hours=1)).timestamp()),
                "item_type": "tool", "item_id": self.place["tools"][number % INSTRUMENTS],
            }  # fmt: skip
            made.append(
                post(
                    "/create_reservation/", urlencode(form).encode(), *self.headers(number % CLIENTS),
                    "Content-Type: application/x-www-form-urlencoded",
                )
            )  # fmt: skip
        return made

    def rest(self, turn: int) -> list[bytes]:
        made = []
        for number in range(PER_ROUND):
            starts = lab.moment(8, 60 * (turn * (PER_ROUND // INSTRUMENTS) + number // INSTRUMENTS))
            body = lab.slot(starts, 60)
            user = self.place["users"][number % CLIENTS]
            told = {
                "start": body["starts_at"], "end": body["ends_at"], "tool": self.place["tools"][number % INSTRUMENTS],
                "user": user, "creator": user, "project": self.place["project"], "short_notice": False,
            }  # fmt: skip
            made.append(
                post(
                    "/api/reservations/", json.dumps(told).encode(), *self.headers(-1), "Content-Type: application/json"
                )
            )
        return made


def nemo_of(python: str, host: str, work: Path) -> tuple[Nemo, dict[str, str]]:
    env = dict(os.environ) | {
        "NEMO_DATABASE_HOST": host,
        "DJANGO_SETTINGS_MODULE": "nemo_place",
        "PYTHONPATH": str(ROOT / "scripts" / "bench"),
    }
    django = [python, "-m", "django", "migrate", "--verbosity", "0"]
    subprocess.run(django, env=env, cwd=work, check=True, stdout=subprocess.DEVNULL)
    made = subprocess.run(
        [python, str(ROOT / "scripts/bench/nemo_place.py"), str(INSTRUMENTS), str(CLIENTS)],
        env=env, cwd=work, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return Nemo(python, json.loads(made.stdout.splitlines()[-1])), env


MANY = [
    # More of the one instrument that is there, with its hours.
    "insert into resource (id, kind) select gen_random_uuid(), 'instrument' from generate_series(1, :instruments)",
    (
        "insert into instrument select (jsonb_populate_record(null::instrument, to_jsonb(i) || jsonb_build_object('id', r.id))).*"
        " from (select * from instrument where id = :id) i, resource r where r.kind = 'instrument' and r.id not in (select id from instrument)"
    ),
    (
        "insert into opening_hours select (jsonb_populate_record(null::opening_hours,"
        " to_jsonb(h) || jsonb_build_object('id', gen_random_uuid(), 'instrument_id', i.id))).*"
        " from (select * from opening_hours where instrument_id = :id) h, instrument i"
        " where i.id not in (select instrument_id from opening_hours)"
    ),
    "alter table claim drop constraint claim_no_overlap",
    (
        "create temporary table made as select gen_random_uuid() as id, i.id as instrument_id,"
        " cast(:since as timestamptz) + make_interval(hours => (n * 14 + i.place % 11)::int) as starts_at"
        " from (select id, row_number() over () as place from instrument) i, generate_series(0, :each - 1) n"
    ),
    (
        "insert into booking (id, instrument_id, organisation_id, person_id, made_by, customer_class, state, starts_at,"
        " ends_at, purpose, assisted, answers, waived, cancelled_late, created_at, updated_at, version)"
        " select m.id, m.instrument_id, p.organisation_id, p.person_id, p.person_id, 'province_firm', 'confirmed', m.starts_at,"
        " m.starts_at + interval '2 hours', '试验', false, '{}', '{}', false, now(), now(), 1"
        " from made m, (select organisation_id, person_id from membership limit 1) p"
    ),
    (
        "insert into claim (id, resource_id, during, held_by, created_at) select gen_random_uuid(), instrument_id,"
        " tstzrange(starts_at, starts_at + interval '2 hours'), id, now() from made"
    ),
    "alter table claim add constraint claim_no_overlap exclude using gist (resource_id with =, during with &&)",
]


async def counted(url: str, statement: str) -> int:
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        found = await connection.scalar(text(statement))
    await engine.dispose()
    return found or 0


async def a_million(url: str) -> tuple[list[str], int]:
    """Instruments and bookings, written directly. Answers some of the instruments, and how many bookings there are."""
    database = Database(url)
    university, firm = await lab.organisation(database, "university"), await lab.organisation(database, "enterprise")
    await lab.user(database, Role.EDITOR, firm)
    first = await lab.an_instrument(database, university, **lab.ALL_THE_RULES)
    await database.close()
    engine = create_async_engine(url)
    values = {"instruments": MANY_INSTRUMENTS - 1, "id": first, "each": EACH, "since": lab.moment(-20)}
    async with engine.begin() as connection:
        for statement in MANY:
            asked = text(statement)
            await connection.execute(asked, {name: values[name] for name in asked._bindparams})  # noqa: SLF001 -- its names
        bookings = await connection.scalar(text("select count(*) from booking"))
        ids = [str(one) for one in await connection.scalars(text("select id from instrument"))]
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("vacuum analyze"))
    await engine.dispose()
    return ids, bookings or 0


async def plans(url: str, instrument: str) -> dict[str, str]:
    """What PostgreSQL does for both questions, as the program asks them."""
    database = Database(url)
    said: dict[str, str] = {}
    asked: list[tuple[str, Any]] = []
    from sqlalchemy import event  # noqa: PLC0415 -- only to listen in

    def heard(_c: Any, _u: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(database.reading_engine.sync_engine, "before_cursor_execute", heard)
    since = lab.moment(0)
    app = SimpleNamespace(state=SimpleNamespace(signing_key=b"for the next page's marker"))
    somebody: Any = Request({"type": "http", "path": "/", "headers": [], "query_string": b"", "app": app})
    async with database.reading() as session:
        await availability.availability(session, NOBODY, instrument, since, since + timedelta(days=31))  # type: ignore[arg-type]
        held = next(one for one in asked if "FROM claim" in one[0])
        asked.clear()
        wish = InstrumentFilter(free_from=lab.moment(2, 9 * 60), free_until=lab.moment(2, 10 * 60))
        await instruments.listed(session, NOBODY, wish, Paging(somebody, None, 20), clock.now())
        free = next(one for one in asked if "instrument" in one[0])
    for name, (statement, parameters) in (("availability", held), ("free between", free)):
        async with database.reading_engine.connect() as connection:
            rows = await connection.exec_driver_sql(f"explain (analyze, buffers off) {statement}", parameters)
            said[name] = "\n".join(row[0] for row in rows)
    await database.close()
    return said


def zoned(moment: Any) -> str:
    return quote(moment.isoformat())


async def reading(ids: list[str]) -> list[tuple[str, int, float, float, float]]:
    dice = random.Random(7)  # noqa: S311 -- a die
    since = zoned(lab.moment(0)), zoned(lab.moment(31))
    calendar = [
        load.get(f"/api/v1/instruments/{dice.choice(ids)}/availability?since={since[0]}&until={since[1]}")
        for _ in range(1000)
    ]
    free = []
    for _ in range(300):
        at = lab.moment(1 + dice.randrange(30), 60 * dice.randrange(20))
        until = at + timedelta(hours=dice.choice([1, 2, 3]))
        free.append(load.get(f"/api/v1/instruments?free_from={zoned(at)}&free_until={zoned(until)}&limit=20"))
    found = []
    for name, requests in (("availability of one for a month", calendar), ("free between, 20 of them", free)):
        await load.drive(PORT_OURS, requests[:30], connections=1)
        run = await load.drive(PORT_OURS, requests, connections=1)
        if set(run.statuses) != {200}:
            raise SystemExit(f"{name} answered {run.statuses}")
        found.append(
            (name, len(requests), *(1000 * run.percentile(share) for share in (0.5, 0.95, 0.99)))
        )  # fmt: skip
    return found  # type: ignore[return-value]


def table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n"


def page(figures: dict[str, Any]) -> str:
    rows: list[Row] = figures["rows"]
    names = list(dict.fromkeys(row.who for row in rows))
    mid = {
        who: [statistics.median(getattr(row, what) for row in rows if row.who == who) for what in ("per_second", "cpu_ms", "p50", "p99")]
        for who in names
    }  # fmt: skip
    ours = mid["Duijie"]
    parts = [
        ("# Benchmarks of bookings\n\nWritten by `make bench-bookings` (`scripts/bench_bookings.py`) on"
        f" {figures['date']}; the load of the machine was {figures['load']:.1f} at the end. Compare ratios and CPU, not"
        " absolute values.\n\n## Machine and versions\n\n"),
        table(["what", "is"], list(figures["machine"].items())),
        (f"\n## Booking through HTTP\n\n{CLIENTS} clients over {INSTRUMENTS} instruments, each request a time that is free;"
        f" median of {ROUNDS} rounds of {PER_ROUND}, in turns, PostgreSQL on the same machine. Duijie: one process, every"
        " rule with quotas, audit, an idempotency key each. CPU is the web processes' own.\n\n"),
        table(
            ["who", "bookings/s", "CPU ms each", "p50 ms", "p99 ms", "Duijie's rate ÷ theirs", "their CPU ÷ Duijie's"],
            [
                [who, f"{one[0]:.0f}", f"{one[1]:.1f}", f"{one[2]:.0f}", f"{one[3]:.0f}", f"{ours[0] / one[0]:.1f}", f"{one[1] / ours[1]:.1f}"]
                for who, one in mid.items()
            ],
        ),
        "\n" + figures["nemo"] + "\n",
        f"\n## Reading at {figures['bookings']:,} bookings on {MANY_INSTRUMENTS:,} instruments\n\nThrough HTTP, one client.\n\n",
        table(
            ["question", "requests", "p50 ms", "p95 ms", "p99 ms"],
            [[name, count, *(f"{one:.1f}" for one in rest)] for name, count, *rest in figures["reading"]],
        ),
        *(f"\n### Plan: {name}\n\n```\n{plan}\n```\n" for name, plan in figures["plans"].items()),
    ]  # fmt: skip
    return "".join(parts) + f"\n{storm_page.section()}"


async def made(server_url: str, name: str) -> str:
    """A database of that name."""
    engine = create_async_engine(server_url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(f"create database {name}"))
    await engine.dispose()
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


SERVE = [sys.executable, "-m", "marketplace", "serve", "--no-worker", "--port", str(PORT_OURS)]


def book(server_url: str, nemo_python: str | None, env: dict[str, str], work: Path, figures: dict[str, Any]) -> None:
    """Bookings made through HTTP, in turns with NEMO's where it is there."""
    small = asyncio.run(made(server_url, "small"))
    asyncio.run(schema.migrate(small))
    ours = Ours()
    asyncio.run(ours.begin(small))
    sides: list[tuple[str, int, int, Callable[[int], list[bytes]], set[int]]] = []
    with ExitStack() as stack:
        mine, log = env | {"DUIJIE_DATABASE_URL": small}, work / "ours.log"
        pid = stack.enter_context(process(SERVE, PORT_OURS, env=mine, log=log, path="/readyz"))
        sides.append(("Duijie", PORT_OURS, pid, ours.requests, {201}))
        figures["nemo"] = "NEMO was not measured: name the Python that has it with `--nemo`."
        if nemo_python:
            nemo_url = asyncio.run(made(server_url, "nemo"))
            nemo, theirs = nemo_of(nemo_python, str(make_url(server_url).query["host"]), work)
            gunicorn = [
                nemo_python, "-m", "gunicorn", "-w", "2", "--threads", "8", "-b", f"127.0.0.1:{PORT_NEMO}",
                "--keep-alive", "60", "NEMO.wsgi:application",
            ]  # fmt: skip
            log = work / "nemo.log"
            pid = stack.enter_context(process(gunicorn, PORT_NEMO, env=theirs, log=log, path="/login/"))
            sides.append(("NEMO, browser path", PORT_NEMO, pid, nemo.browser, {200}))
            sides.append(("NEMO, REST path", PORT_NEMO, pid, nemo.rest, {200, 201}))
            figures["nemo"] = (
                f"NEMO {nemo.version()} behind gunicorn, two workers of eight threads, on the same PostgreSQL"
                " server; its REST path looks for no overlap."
            )
        figures["rows"] = [
            asyncio.run(measured(who, port, web, requests(turn), good))
            for turn in range(ROUNDS)
            for who, port, web, requests, good in sides
        ]
        if nemo_python:
            # Its browser path says 200 to what it declines as well.
            reserved = asyncio.run(counted(nemo_url, 'select count(*) from "NEMO_reservation"'))
            if reserved != 2 * ROUNDS * PER_ROUND:
                raise SystemExit(f"NEMO made {reserved} reservations of {2 * ROUNDS * PER_ROUND}.")
    print(*figures["rows"], sep="\n", flush=True)


def read(server_url: str, env: dict[str, str], work: Path, figures: dict[str, Any]) -> None:
    """Calendars and free times, at a million bookings."""
    large = asyncio.run(made(server_url, "large"))
    asyncio.run(schema.migrate(large))
    ids, figures["bookings"] = asyncio.run(a_million(large))
    figures["plans"] = asyncio.run(plans(large, ids[0]))
    mine, log = env | {"DUIJIE_DATABASE_URL": large}, work / "large.log"
    with process(SERVE, PORT_OURS, env=mine, log=log, path="/readyz"):
        figures["reading"] = asyncio.run(reading(ids))
    print(*figures["reading"], sep="\n", flush=True)


def measure(nemo_python: str | None, work: Path) -> dict[str, Any]:
    figures: dict[str, Any] = {"machine": machine(), "date": clock.now().date().isoformat()}
    with running_postgres(work / "home") as server:
        figures["machine"]["postgresql"] = str(server.major)
        env = dict(os.environ) | {
            "DUIJIE_HOME": str(work / "home"), "DUIJIE_REQUESTS_PER_MINUTE": "1000000000", "DUIJIE_LOG_FORMAT": "json",
        }  # fmt: skip
        read(server.url, env, work, figures)
        book(server.url, nemo_python, env, work, figures)
    figures["load"] = os.getloadavg()[0]
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nemo", default=os.environ.get("NEMO_PYTHON"), help="the Python that has NEMO")
    parser.add_argument("--small", action="store_true", help="a hundredth of it, printed only: to see that it runs")
    asked = parser.parse_args()
    if asked.small:
        global PER_ROUND, ROUNDS, MANY_INSTRUMENTS
        PER_ROUND, ROUNDS, MANY_INSTRUMENTS = 100, 1, 100
    work = Path(tempfile.mkdtemp(prefix="duijie-bench-"))
    try:
        text_ = page(measure(asked.nemo, work))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if asked.small:
        print(text_)
    else:
        PAGE.write_text(text_)


if __name__ == "__main__":
    main()
