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
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from marketplace import schema
from marketplace.kernel.db import Database
from marketplace.kernel.embedded import running_postgres
from scripts.bench.__main__ import ROOT, machine, process
from scripts.bench.hall import EACH, PORTS, SECRET, SLOTS, TABLES, Hall, Row, a_hall, burnt
from scripts.bench.lab import Client, Seen
from scripts.storm_docking import ROUNDS, STORM, storms

PAGE = ROOT / "docs" / "benchmarks-docking.md"
READERS, PAUSE = 8, 0.2
AGAIN = """## To measure again

| command | what it measures | on a quiet machine |
| --- | --- | --- |
| `make bench-docking` | all of this page, which is then written anew | about 4 minutes |
| `.venv/bin/python -m scripts.bench_docking --seconds 5 --print` | the same with shorter walks; nothing is written | about 2 minutes |
| `make bench-timetable` | [benchmarks-timetable.md](benchmarks-timetable.md) | about 10 minutes |
| `.venv/bin/python -m scripts.bench_timetable --seeds 1 --only "500 × 500"` | 1,000 participants, once; nothing is written | half a minute |

Quiet means: no other work, load below 0.5 before it begins (`uptime`). The ports 8953 and 8954 have to be free.
"""


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
    warm = time.monotonic() + seconds
    # The first questions open connections and prepare statements: they are not measured.
    await walk(hall, Seen(), lambda: time.monotonic() > warm, 0)
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
    shared = ""
    if load > (os.cpu_count() or 1):
        shared = (
            f"\n**The machine was busy with other work** (load {load:.1f} on {os.cpu_count()} cores): whether the promises on time hold on"
            " a quiet one,\nthis run does not tell. That nothing is given twice, it does.\n"
        )
    head = ["", "requests", "answers", "p50", "p95", "p99", "CPU each"]
    return f"""# Benchmarks of docking

Written by `make bench-docking` (`scripts/bench_docking.py`, seed {seed}) on {datetime.now(UTC):%Y-%m-%d}: {here["cpu"]}, Python
{here["python"]}; load {load:.1f} before it began, {os.getloadavg()[0]:.1f} at the end. Two API processes, a worker, PostgreSQL and
the clients are on the same machine; an answer is timed from the first byte sent to the last received. "CPU each" is the CPU
time of the API's processes and of PostgreSQL by request (in the storms with what prepares them): where the machine is busy
with other work, as its load tells, waiting is for the most part for a core, and this is what remains of it on one that is not.
{shared}
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

{AGAIN}"""


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
