"""Fifty clients reach for the same time, round after round, at two processes: `python -m scripts.storm_bookings`.

First the naive twin is caught: the same program that looks whether a time is free, writes the booking and claims
nothing. Then the program itself must not let anybody through: no overlap, one winner a round, no fault.
"""

import argparse
import asyncio
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text

from marketplace import schema
from marketplace.kernel import clock
from marketplace.kernel.db import Database
from marketplace.kernel.embedded import running_postgres
from schemas.identity import Role
from scripts.bench import lab, storm_page
from scripts.bench.__main__ import process
from scripts.bench.lab import Client, Seen, slot, wish

URL = "/api/v1/bookings"
PORTS = (8941, 8942)
OVERLAPS = text(
    "select count(*) from booking a join booking b on a.instrument_id = b.instrument_id and a.id < b.id"
    " and a.state in ('confirmed', 'in_use', 'done') and b.state in ('confirmed', 'in_use', 'done')"
    " and tstzrange(a.starts_at, a.ends_at) && tstzrange(b.starts_at, b.ends_at)"
)


@dataclass
class Storm:
    """Fifty users, the keeper, and three instruments."""

    dice: random.Random
    users: list[Client]
    keeper: list[Client]
    seen: Seen
    free: str = ""
    asked: str = ""
    full: str = ""
    held: list[str] = field(default_factory=list)

    async def at_once(self, *calls: Awaitable[tuple[int, Any]]) -> int:
        """How many of these win."""
        return sum(status in {200, 201} for status, _ in await asyncio.gather(*calls))

    async def same_slot(self, day: int) -> int:
        at = lab.moment(day, 60)
        return await self.at_once(*(one.post(URL, wish(self.free, one.by, at, 60)) for one in self.users))

    async def partial_overlap(self, day: int) -> int:
        starts = [lab.moment(day, 180 + 5 * self.dice.randrange(12)) for _ in self.users]
        return await self.at_once(
            *(one.post(URL, wish(self.free, one.by, at, 60)) for one, at in zip(self.users, starts, strict=True))
        )

    async def reschedule_swap(self, day: int) -> int:
        """Everybody wants the neighbour's place, which is taken, then all of them the one that is free."""
        if not self.held:
            for place, one in enumerate(self.users):
                self.held.append((await one.post(URL, wish(self.full, one.by, lab.moment(2, 20 * place), 20)))[1]["id"])
        swaps = [
            one.post(f"{URL}/{self.held[place]}/move", slot(lab.moment(2, 20 * (place ^ 1)), 20))
            for place, one in enumerate(self.users)
            if place ^ 1 < len(self.users)
        ]
        if await self.at_once(*swaps):
            return -1
        guests = []
        for place, one in enumerate(self.users):
            status, made = await one.post(URL, wish(self.full, one.by, lab.moment(day + 1, 20 * place), 20))
            if status == 201:
                guests.append((one, made["id"]))
        at = lab.moment(day + 1, 20 * len(self.users) + 5)
        return await self.at_once(*(one.post(f"{URL}/{guest}/move", slot(at, 20)) for one, guest in guests))

    async def cancel_and_rebook(self, day: int) -> int:
        """One gives a time back while all the others ask for it, once more at least when it is back."""
        holder, *others = self.users
        at = lab.moment(day, 300)
        held = (await holder.post(URL, wish(self.free, holder.by, at, 60)))[1]["id"]
        back = asyncio.Event()

        async def cancel() -> tuple[int, Any]:
            await asyncio.sleep(self.dice.random() / 20)
            answer = await holder.post(f"{URL}/{held}/cancellation", {})
            back.set()
            return (0 if answer[0] == 200 else -1000), None

        async def rebook(one: Client) -> tuple[int, Any]:
            while True:
                last = back.is_set()
                answer = await one.post(URL, wish(self.free, one.by, at, 60))
                if last or answer[0] != 409:
                    return answer

        return await self.at_once(cancel(), *(rebook(one) for one in others))

    async def approve_and_approve(self, day: int) -> int:
        """As many requests for one time, all approved at once."""
        at = lab.moment(day, 60)
        made = await asyncio.gather(*(one.post(URL, wish(self.asked, one.by, at, 60)) for one in self.users))
        return await self.at_once(
            *(
                one.post(f"{URL}/{booking['id']}/approval", {})
                for one, (status, booking) in zip(self.keeper, made, strict=True)
                # What could not even be asked for is counted as a fault, not approved.
                if status == 201
            )
        )

    async def waiting_list(self, day: int) -> int:
        """A time comes free; half are in line for it, the others just ask for it."""
        holder, *rest = self.users
        line, others = rest[::2], rest[1::2]
        at = lab.moment(day, 420)
        held = (await holder.post(URL, wish(self.free, holder.by, at, 60)))[1]["id"]
        places = [(await one.post("/api/v1/waiting-list", wish(self.free, one.by, at, 60)))[1]["id"] for one in line]
        calls = [one.post(URL, wish(self.free, one.by, at, 60)) for one in others]
        self.dice.shuffle(calls)
        won = await self.at_once(*calls[:12]) + await self.at_once(
            self._quietly(holder.post(f"{URL}/{held}/cancellation", {})), *calls[12:]
        )
        for _ in range(50):
            won += await self.at_once(
                *(one.post(f"/api/v1/waiting-list/{place}/acceptance") for one, place in zip(line, places, strict=True))
            )
            if won:
                break
            await asyncio.sleep(0.2)
        return won

    async def _quietly(self, call: Awaitable[tuple[int, Any]]) -> tuple[int, Any]:
        return 0, await call


SCENES: dict[str, Callable[[Storm, int], Awaitable[int]]] = {
    "same slot": Storm.same_slot,
    "partial overlap": Storm.partial_overlap,
    "reschedule swap": Storm.reschedule_swap,
    "cancel + rebook": Storm.cancel_and_rebook,
    "approve + approve": Storm.approve_and_approve,
    "waiting list": Storm.waiting_list,
}


async def people(database: Database, clients: int, seed: int) -> Storm:
    university, firm = await lab.organisation(database, "university"), await lab.organisation(database, "enterprise")
    seen = Seen()
    users = [Client(PORTS[number % 2], await lab.user(database, Role.EDITOR, firm), seen) for number in range(clients)]
    manager = await lab.user(database, Role.LAB_MANAGER, university)
    storm = Storm(random.Random(seed), users, [Client(PORTS[n % 2], manager, seen) for n in range(clients)], seen)  # noqa: S311 -- a die
    terms = {"slot_minutes": 5, "min_minutes": 5, "horizon_days": 365}
    storm.free, storm.full = [await lab.an_instrument(database, university, **terms) for _ in range(2)]
    storm.asked = await lab.an_instrument(database, university, confirmed_at_once=[], **terms)
    return storm


async def rage(url: str, seed: int, clients: int, rounds: int, found: dict[str, Any]) -> bool:
    """All scenes with one seed, written down in `found`. Answers whether everything held."""
    database, good = Database(url), True
    storm = await people(database, clients, seed)
    for name, scene in SCENES.items():
        storm.seen.seconds.clear()
        storm.seen.statuses.clear()
        winners = Counter([await scene(storm, 3 + number) for number in range(rounds)])
        faults = sum(count for status, count in storm.seen.statuses.items() if status >= 500)
        good &= set(winners) == {1} and not faults
        found["rows"].append(
            {"seed": seed, "scene": name, "rounds": rounds, "winners": winners, "requests": len(storm.seen.seconds),
             "faults": faults, "p50": storm.seen.percentile(0.5), "p95": storm.seen.percentile(0.95)}
        )  # fmt: skip
        print(
            f"seed {seed}  {name:18} winners a round {dict(winners)}  requests {len(storm.seen.seconds):5}"
            f"  5xx {faults}  p50 {storm.seen.percentile(0.5):.3f} s  p95 {storm.seen.percentile(0.95):.3f} s"
            f"  {dict(storm.seen.statuses)}",
            flush=True,
        )
    async with database.reading() as session:
        overlaps = await session.scalar(OVERLAPS)
    found["overlaps"][seed] = overlaps
    print(f"seed {seed}  overlaps: {overlaps}", flush=True)
    await lab.close([*storm.users, *storm.keeper])
    await database.close()
    return good and not overlaps


async def catch(url: str, clients: int, rounds: int, found: dict[str, Any]) -> bool:
    database = Database(url)
    storm = await people(database, clients, 0)
    winners = [await storm.same_slot(3 + number) for number in range(rounds)]
    async with database.writing.begin() as session:
        overlaps = await session.scalar(OVERLAPS)
        await session.execute(text("delete from booking"))
    found["naive"] = {"winners": sum(winners) / rounds, "overlaps": overlaps}
    print(f"naive twin: {sum(winners) / rounds:.1f} winners a round, {overlaps} overlaps", flush=True)
    await lab.close(storm.users)
    await database.close()
    return bool(overlaps)


@contextmanager
def servers(arguments: list[str], env: dict[str, str], work: Path) -> Iterator[None]:
    with ExitStack() as stack:
        for port in PORTS:
            log = work / f"{port}.log"
            stack.enter_context(process([*arguments, "--port", str(port)], port, env=env, log=log, path="/readyz"))
        yield


def serve_naively(port: str) -> None:
    """The program without a claim: the rules are looked at, the booking is written."""
    from marketplace.cli import app  # noqa: PLC0415 -- only here
    from marketplace.labs import bookings  # noqa: PLC0415

    put_down = bookings.put_down

    async def naively(session: Any, booking: Any, fact: Any, *, by: Any, holding: bool) -> bool:
        return await put_down(session, booking, fact, by=by, holding=False)

    bookings.put_down = naively
    app(["serve", "--no-worker", "--port", port])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3])
    parser.add_argument("--keep", action="store_true", help="write the figures to docs/benchmarks-bookings.md")
    parser.add_argument("--note", default="", help="what else the page should say of this run")
    parser.add_argument("--serve-naively", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--port", default="0", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve_naively:
        serve_naively(asked.port)
        return
    work = Path(tempfile.mkdtemp(prefix="duijie-storm-"))
    found: dict[str, Any] = {
        "date": clock.today().isoformat(), "clients": asked.clients, "cores": os.cpu_count(), "note": asked.note,
        "load_before": os.getloadavg()[0], "rows": [], "overlaps": {},
    }  # fmt: skip
    try:
        with running_postgres(work / "home") as server:
            asyncio.run(schema.migrate(server.url))
            env = dict(os.environ) | {
                "DUIJIE_DATABASE_URL": server.url,
                "DUIJIE_HOME": str(work / "home"),
                "DUIJIE_REQUESTS_PER_MINUTE": "1000000000",
                "DUIJIE_LOG_FORMAT": "json",
            }
            with servers([sys.executable, "-m", "scripts.storm_bookings", "--serve-naively"], env, work):
                caught = asyncio.run(catch(server.url, asked.clients, 3, found))
            with servers([sys.executable, "-m", "marketplace", "serve"], env, work):
                good = [asyncio.run(rage(server.url, seed, asked.clients, asked.rounds, found)) for seed in asked.seeds]
    finally:
        shutil.rmtree(work, ignore_errors=True)
    found["load_after"] = os.getloadavg()[0]
    if asked.keep:
        # What broke is told as well as what held.
        storm_page.keep(found)
    if not caught:
        raise SystemExit("The naive twin was not caught: this storm proves nothing.")
    if not all(good):
        raise SystemExit("Something broke; see above.")


if __name__ == "__main__":
    main()
