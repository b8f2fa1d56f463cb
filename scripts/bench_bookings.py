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
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import uvloop
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from marketplace import schema
from marketplace.kernel import clock
from marketplace.kernel.embedded import running_postgres
from scripts.bench import bookers, lab, load, many_bookings, storm_page
from scripts.bench.__main__ import ROOT, TICKS, cpu_seconds, machine, process

PAGE = ROOT / "docs" / "benchmarks-bookings.md"
PORT_OURS, PORT_SECOND, PORT_NEMO = 8951, 8953, 8952
ONE, TWO = "Duijie, one process", "Duijie, two processes"
ROUNDS, DUELS = 3, 20
# Of a machine of two cores, before the benchmark: above it others are at work.
QUIET = 2.0
BUSY = (
    "**Other work kept both cores busy meanwhile.** Times and rates say little then, and one process was given a smaller"
    " share of the cores than two; the CPU that a booking takes is the fairer figure.\n\n"
)
AGAIN = (
    "On a quiet machine: `NEMO_PYTHON=/path/to/venv/bin/python make bench-bookings` (some ten minutes; a venv with"
    " `pip install NEMO gunicorn psycopg2-binary`), then `make storm` (some six).\n\n"
)


@dataclass(frozen=True)
class Row:
    who: str
    per_second: float
    cpu_ms: float
    database_ms: float
    p50: float
    p99: float


def family(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(int(one) for one in children)]


def database_seconds(home: Path) -> float:
    """What the database server has taken so far: its processes that are there, and those that have ended."""
    [written] = home.glob("pg-*/postmaster.pid")
    postmaster = int(written.read_text().split()[0])
    ended = Path(f"/proc/{postmaster}/stat").read_text().rsplit(")", 1)[1].split()[13:15]
    return sum(map(cpu_seconds, family(postmaster))) + sum(map(int, ended)) / TICKS


@dataclass(frozen=True)
class Side:
    """Who is measured: where it listens, its processes, what it is asked and answers when all is well."""

    who: str
    ports: tuple[int, ...]
    pids: tuple[int, ...]
    requests: Callable[[int], list[bytes]]
    good: frozenset[int]

    def cpu(self) -> float:
        return sum(cpu_seconds(one) for pid in self.pids for one in family(pid))


async def measured(side: Side, home: Path, turn: int) -> Row:
    requests = side.requests(turn)
    before, database = side.cpu(), database_seconds(home)
    run = await load.drive(side.ports, requests, connections=bookers.CLIENTS)
    if not set(run.statuses) <= side.good:
        raise SystemExit(f"{side.who} answered {run.statuses}")
    cpu = (side.cpu() - before) / len(requests) * 1000
    database = (database_seconds(home) - database) / len(requests) * 1000
    return Row(side.who, run.per_second, cpu, database, run.percentile(0.5) * 1000, run.percentile(0.99) * 1000)


async def counted(url: str, statement: str) -> int:
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        found = await connection.scalar(text(statement))
    await engine.dispose()
    return found or 0


def zoned(moment: Any) -> str:
    return quote(moment.isoformat())


Reading = tuple[str, int, float, float, float]


async def asked(name: str, requests: Sequence[bytes]) -> Reading:
    await load.drive(PORT_OURS, requests[:30], connections=1)
    run = await load.drive(PORT_OURS, requests, connections=1)
    if set(run.statuses) != {200}:
        raise SystemExit(f"{name} answered {run.statuses}")
    p50, p95, p99 = (1000 * run.percentile(share) for share in (0.5, 0.95, 0.99))
    return name, len(requests), p50, p95, p99


async def reading(ids: list[str]) -> list[Reading]:
    dice = random.Random(7)  # noqa: S311 -- a die
    since = zoned(lab.moment(0)), zoned(lab.moment(31))
    calendar = [
        load.get(f"/api/v1/instruments/{dice.choice(ids)}/availability?since={since[0]}&until={since[1]}")
        for _ in range(1000)
    ]

    def free(hours: Sequence[int], times: int) -> list[bytes]:
        found = []
        for _ in range(times):
            at = lab.moment(1 + dice.randrange(30), 60 * dice.randrange(20))
            until = at + timedelta(hours=dice.choice(hours))
            found.append(load.get(f"/api/v1/instruments?free_from={zoned(at)}&free_until={zoned(until)}&limit=20"))
        return found

    return [
        await asked("availability of one for a month", calendar),
        await asked("free between, 20 of them: an hour to a day", free([1, 2, 3, 8, 26], 300)),
        await asked("free between, 20 of them: a whole week", free([168], 100)),
    ]


async def pages(calendars: str) -> list[Reading]:
    """What tells of twenty instruments when each is first free, and what it costs then."""
    body = json.dumps({"kind": "instrument", "text": "拉伸、三点弯曲试验", "limit": 20}).encode()
    ranked = [bookers.post("/api/v1/matches", body, "Content-Type: application/json")] * 100
    return [
        await asked(f"the catalogue's page, {calendars}", [load.get("/instruments")] * 100),
        await asked(f"`POST /matches`, 20 instruments, {calendars}", ranked),
    ]


def table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n"


def page(figures: dict[str, Any]) -> str:
    rows: list[Row] = figures["rows"]
    names = list(dict.fromkeys(row.who for row in rows))
    mid = {
        who: [statistics.median(getattr(row, what) for row in rows if row.who == who) for what in ("per_second", "cpu_ms", "database_ms", "p50", "p99")]
        for who in names
    }  # fmt: skip
    one_, two = mid[ONE], mid[TWO]
    parts = [
        ("# Benchmarks of bookings\n\nWritten by `make bench-bookings` (`scripts/bench_bookings.py`) on"
        f" {figures['date']}; the load of the machine was {figures['load']:.1f} before. Compare ratios and CPU, not"
        " absolute values.\n\n" + (BUSY if figures["load"] > QUIET else "") + AGAIN + "## Machine and versions\n\n"),
        table(["what", "is"], list(figures["machine"].items())),
        (f"\n## Booking through HTTP\n\n{bookers.CLIENTS} clients over {bookers.INSTRUMENTS} instruments, each request a time that is free;"
        f" median of {ROUNDS} rounds of {bookers.PER_ROUND}, in turns, PostgreSQL on the same machine. Duijie: every rule with"
        " quotas, audit, an idempotency key each; its two processes have a port each, and half of the clients.\n\n"),
        table(
            [
                "who", "bookings/s", "web CPU ms each", "PostgreSQL CPU ms each", "p50 ms", "p99 ms",
                "rate of Duijie's one process ÷ theirs", "of its two", "their web CPU ÷ its two's", "all their CPU ÷ its two's",
            ],
            [
                [
                    who, f"{one[0]:.0f}", f"{one[1]:.1f}", f"{one[2]:.1f}", f"{one[3]:.0f}", f"{one[4]:.0f}",
                    f"{one_[0] / one[0]:.1f}", f"{two[0] / one[0]:.1f}", f"{one[1] / two[1]:.1f}",
                    f"{(one[1] + one[2]) / (two[1] + two[2]):.1f}",
                ]
                for who, one in mid.items()
            ],
        ),
        "\n" + figures["nemo"] + "\n",
        (f"\n## {bookers.RIVALS} who ask for the same hour at once\n\n{DUELS} hours, one after the other; each of the {bookers.RIVALS} has a"
        " connection and an account. Counted in the database.\n\n"),
        table(
            ["who", "of them got it, on average", "at most", "answers with 5xx"],
            [[who, f"{mean:.1f}", most, broken] for who, mean, most, broken in figures["storm"]],
        ),
        f"\n## Reading at {figures['bookings']:,} bookings on {many_bookings.MANY_INSTRUMENTS:,} instruments\n\nThrough HTTP, one client.\n\n",
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


def storm(ports: Sequence[int], rivals: Callable[[int], list[bytes]], url: str, count: str) -> tuple[float, int, int]:
    """How many of fifty, who ask at once for one hour, get it: on average and at most; and what the server broke."""
    got, broken = [], 0
    for turn in range(DUELS):
        before = asyncio.run(counted(url, count))
        run = asyncio.run(load.drive(ports, rivals(turn), connections=bookers.RIVALS))
        broken += sum(times for status, times in run.statuses.items() if status >= 500)
        got.append(asyncio.run(counted(url, count)) - before)
    return statistics.mean(got), max(got), broken


def serve(port: int) -> list[str]:
    return [sys.executable, "-m", "marketplace", "serve", "--no-worker", "--port", str(port)]


def book(server_url: str, nemo_python: str | None, env: dict[str, str], work: Path, figures: dict[str, Any]) -> None:
    """Bookings made through HTTP, in turns with NEMO's where it is there."""
    small = asyncio.run(made(server_url, "small"))
    asyncio.run(schema.migrate(small))
    ours = bookers.Ours()
    asyncio.run(ours.begin(small))
    sides: list[Side] = []
    with ExitStack() as stack:
        mine, ports = env | {"DUIJIE_DATABASE_URL": small}, (PORT_OURS, PORT_SECOND)
        pids = tuple(
            stack.enter_context(process(serve(port), port, env=mine, log=work / f"{port}.log", path="/readyz"))
            for port in ports
        )
        sides.append(Side(ONE, ports[:1], pids[:1], ours.requests, frozenset({201})))
        sides.append(Side(TWO, ports, pids, lambda turn: ours.requests(ROUNDS + turn), frozenset({201})))
        figures["nemo"] = "NEMO was not measured: name the Python that has it with `--nemo`."
        if nemo_python:
            nemo_url = asyncio.run(made(server_url, "nemo"))
            nemo, theirs = bookers.nemo_of(nemo_python, str(make_url(server_url).query["host"]), work)
            gunicorn = [
                nemo_python, "-m", "gunicorn", "-w", "2", "--threads", "8", "-b", f"127.0.0.1:{PORT_NEMO}",
                "--keep-alive", "60", "NEMO.wsgi:application",
            ]  # fmt: skip
            log = work / "nemo.log"
            pid = stack.enter_context(process(gunicorn, PORT_NEMO, env=theirs, log=log, path="/login/"))
            sides.append(Side("NEMO, browser path", (PORT_NEMO,), (pid,), nemo.browser, frozenset({200})))
            sides.append(Side("NEMO, REST path", (PORT_NEMO,), (pid,), nemo.rest, frozenset({200, 201})))
            figures["nemo"] = (
                f"NEMO {nemo.version()} behind gunicorn, two workers of eight threads, on the same PostgreSQL"
                " server; its REST path looks for no overlap."
            )
        figures["rows"] = [uvloop.run(measured(side, work / "home", turn)) for turn in range(ROUNDS) for side in sides]
        if nemo_python:
            # Its browser path says 200 to what it declines as well.
            reserved = asyncio.run(counted(nemo_url, 'select count(*) from "NEMO_reservation"'))
            if reserved != 2 * ROUNDS * bookers.PER_ROUND:
                raise SystemExit(f"NEMO made {reserved} reservations of {2 * ROUNDS * bookers.PER_ROUND}.")
        figures["storm"] = [("Duijie", *storm(ports, ours.rivals, small, "select count(*) from claim"))]
        if nemo_python:
            count = 'select count(*) from "NEMO_reservation"'
            figures["storm"] += [
                ("NEMO, browser path", *storm([PORT_NEMO], nemo.browser_rivals, nemo_url, count)),
                ("NEMO, REST path", *storm([PORT_NEMO], nemo.rest_rivals, nemo_url, count)),
            ]
    print(*figures["rows"], *figures["storm"], sep="\n", flush=True)


def read(server_url: str, env: dict[str, str], work: Path, figures: dict[str, Any]) -> None:
    """Calendars and free times, at a million bookings."""
    large = asyncio.run(made(server_url, "large"))
    asyncio.run(schema.migrate(large))
    ids, figures["bookings"] = asyncio.run(many_bookings.a_million(large))
    figures["plans"] = asyncio.run(many_bookings.plans(large, ids[0]))
    mine, log = env | {"DUIJIE_DATABASE_URL": large}, work / "large.log"
    with process(serve(PORT_OURS), PORT_OURS, env=mine, log=log, path="/readyz"):
        figures["reading"] = asyncio.run(reading(ids)) + asyncio.run(pages("first free soon"))
        asyncio.run(many_bookings.fill(large))
        figures["reading"] += asyncio.run(pages("calendars full"))
    print(*figures["reading"], sep="\n", flush=True)


def measure(nemo_python: str | None, work: Path) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "machine": machine(), "date": clock.now().date().isoformat(), "load": os.getloadavg()[0],
    }  # fmt: skip
    with running_postgres(work / "home") as server:
        figures["machine"]["postgresql"] = str(server.major)
        env = dict(os.environ) | {
            "DUIJIE_HOME": str(work / "home"), "DUIJIE_REQUESTS_PER_MINUTE": "1000000000", "DUIJIE_MATCHES_PER_MINUTE": "1000000000",
            "DUIJIE_LOG_FORMAT": "json",
        }  # fmt: skip
        read(server.url, env, work, figures)
        book(server.url, nemo_python, env, work, figures)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nemo", default=os.environ.get("NEMO_PYTHON"), help="the Python that has NEMO")
    parser.add_argument("--small", action="store_true", help="a hundredth of it, printed only: to see that it runs")
    asked = parser.parse_args()
    if asked.small:
        global ROUNDS, DUELS
        ROUNDS, DUELS, bookers.PER_ROUND, many_bookings.MANY_INSTRUMENTS = 1, 2, 100, 100
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
