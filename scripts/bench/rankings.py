"""Measure rankings through HTTP with many records and write docs/benchmarks-rankings.md: `make bench-rankings`.

A real database with all records imported and published, one server process, one client that asks for every problem's page
of twenty with reasons, one request after the other.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from sqlalchemy import func, select

from marketplace import schema
from marketplace.identity.models import Organisation
from marketplace.imports import imports
from marketplace.kernel import clock
from marketplace.kernel.db import Database
from marketplace.kernel.embedded import running_postgres
from marketplace.listings.models import Achievement, Problem
from schemas.listings import ListingKind
from scripts.bench import load
from scripts.bench.__main__ import ROOT, a_token, an_organisation, cpu_seconds, machine, memory_mb, process
from scripts.bench_matching import corpus

PORT: Final = 8934
AT_ONCE: Final = 20_000
WARMING: Final = 20
GOAL_MS: Final = 25.0

console = Console()


def files(records: int, data: Path, work: Path) -> Iterator[tuple[ListingKind, Path]]:
    """What is imported: the problems, and so many achievements in files of ``AT_ONCE``."""
    problems = data / "real" / "problems.jsonl"
    if problems.exists():
        yield ListingKind.PROBLEM, problems
    else:
        yield ListingKind.PROBLEM, ROOT / "marketplace" / "sample" / "problems.jsonl"
    with corpus.written(records, work).open(encoding="utf-8") as lines:
        for number, begin in enumerate(range(0, records, AT_ONCE)):
            path = work / f"achievements-{number}.jsonl"
            with path.open("w", encoding="utf-8") as out:
                for _ in range(min(AT_ONCE, records - begin)):
                    out.write(next(lines))
            yield ListingKind.ACHIEVEMENT, path


async def filled(url: str, records: int, data: Path, work: Path) -> tuple[str, list[str], dict[str, float]]:
    """Everything imported, unless an earlier run has; a token, the problems' ids, and how many records there are."""
    await schema.migrate(url)
    database = Database(url)
    try:
        async with database.reading() as session:
            there = await session.scalar(select(func.count()).select_from(Achievement)) or 0
            organisation = await session.scalar(select(Organisation).order_by(Organisation.id).limit(1))
        if organisation is None or there < records:
            organisation = organisation or await an_organisation(database)
            for kind, path in files(records, data, work):
                asked = imports.Import(
                    kind=kind, organisation_id=organisation.id, name=path.name, source="bench", publish=True
                )
                result = await imports.run(database, asked, path)
                console.print(f"{path.name}: {result.created} new", highlight=False)
        async with database.reading() as session:
            ids = (await session.scalars(select(Problem.id).order_by(Problem.id))).all()
            there = await session.scalar(select(func.count()).select_from(Achievement)) or 0
        return await a_token(database, organisation), [str(one) for one in ids], {"achievements": there}
    finally:
        await database.close()


async def asked(pid: int, token: str, ids: list[str], rounds: int) -> list[dict[str, float]]:
    """Every problem's page, in several rounds."""
    requests = [
        load.get(f"/api/v1/problems/{id_}/pairings?limit=20", [f"Authorization: Bearer {token}"]) for id_ in ids
    ]
    await load.drive(PORT, requests[:WARMING], connections=1)
    out = []
    for _ in range(rounds):
        before = cpu_seconds(pid)
        run = await load.drive(PORT, requests, connections=1)
        if set(run.statuses) != {200}:
            raise SystemExit(f"rankings answered {run.statuses}")
        out.append(
            {
                "n": float(len(ids)),
                "cpu_ms": (cpu_seconds(pid) - before) / len(ids) * 1000,
                "p50_ms": run.percentile(0.5) * 1000,
                "p90_ms": run.percentile(0.9) * 1000,
                "p99_ms": run.percentile(0.99) * 1000,
                "max_ms": max(run.latencies) * 1000,
                "load": os.getloadavg()[0],
            }
        )
        console.print(out[-1])
    return out


def page(figures: dict[str, Any]) -> str:
    """docs/benchmarks-rankings.md."""
    rows = [
        f"| {number} | {one['cpu_ms']:.1f} | {one['p50_ms']:.1f} | {one['p90_ms']:.1f} | {one['p99_ms']:.1f}"
        f" | {one['max_ms']:.1f} | {one['load']:.1f} |"
        for number, one in enumerate(figures["rounds"], 1)
    ]
    best = min(one["p99_ms"] for one in figures["rounds"])
    its = figures["machine"]
    return f"""# Benchmarks of rankings through HTTP

Made by `make bench-rankings`, measured {figures["date"]} on {its["cpu"]}, {its["memory"]}, Python {its["python"]},
PostgreSQL {its["postgresql"]}.

`GET /api/v1/problems/{{id}}/pairings?limit=20` with sign-in, reasons and indicators, {int(figures["rounds"][0]["n"])} problems one
after the other, against {figures["achievements"]:,} published achievements ({corpus.source()}), in one server process that also
follows the changes. The client runs on the same machine and reads the answers without taking them apart. Every problem is
asked once a round, so no ranking is answered from memory in the first.

| round | CPU of the server, ms a request | p50 ms | p90 ms | p99 ms | max ms | load average |
|---|---|---|---|---|---|---|
{chr(10).join(rows)}

Goal: p99 ≤ {GOAL_MS:.0f} ms. Reached: {"yes" if best <= GOAL_MS else "**no**"}, {best:.1f} ms in the best round. A load average above the number
of cores means that requests waited for other work on the machine; the CPU column does not.

The server was ready {figures["ready_s"]:.1f} s after its start, the building of the index included where this program had not built it
before; it holds {figures["memory_mb"]:.0f} MB, {figures["memory_peak_mb"]:.0f} MB at its highest.
"""


@contextmanager
def place(given: Path | None) -> Iterator[Path]:
    if given:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    # The server stops by itself soon after; what it still holds then is no reason to lose the figures.
    with TemporaryDirectory(prefix="duijie-bench-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def main(
    *,
    records: Annotated[int, typer.Option(help="so many achievements")] = 100_000,
    rounds: Annotated[int, typer.Option(help="so often is every problem asked")] = 3,
    data: Annotated[
        Path, typer.Option(help="folder with real/problems.jsonl; sample records without it")
    ] = corpus.SHARED / "data",
    work: Annotated[
        Path | None, typer.Option(help="a folder to keep the database in; a temporary one by default")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="the page to renew")] = ROOT / "docs" / "benchmarks-rankings.md",
) -> None:
    """Measure and write the page."""
    with place(work) as folder, running_postgres(folder / "home") as server:
        token, ids, figures = asyncio.run(filled(server.url, records, data, folder))
        env = os.environ | {
            "DUIJIE_DATABASE_URL": server.url,
            "DUIJIE_HOME": str(folder / "home"),
            "DUIJIE_REQUESTS_PER_MINUTE": "1000000000",
            "DUIJIE_MATCHES_PER_MINUTE": "1000000000",
            "DUIJIE_LOG_FORMAT": "json",
        }
        serve = [sys.executable, "-m", "marketplace", "serve", "--no-worker", "--port", str(PORT)]
        started = time.perf_counter()
        with process(serve, PORT, env=env, log=folder / "serve.log", path="/readyz", patience=900) as pid:
            found: dict[str, Any] = {
                **figures,
                "machine": machine() | {"postgresql": str(server.major)},
                "date": clock.now().date().isoformat(),
                "ready_s": time.perf_counter() - started,
                "rounds": asyncio.run(asked(pid, token, ids, rounds)),
                "memory_mb": memory_mb(pid),
                "memory_peak_mb": memory_mb(pid, "VmHWM"),
            }
    if out:
        out.write_text(page(found), encoding="utf-8")
        console.print(f"written: {out}")
    console.print_json(json.dumps(found, ensure_ascii=False))


if __name__ == "__main__":
    typer.run(main)
