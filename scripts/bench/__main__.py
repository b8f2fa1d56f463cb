"""Measure Duijie and write docs/benchmarks.md: `make bench`, or `python -m scripts.bench --help`.

Everything runs on this machine's loopback, on a PostgreSQL of its own in a folder that is removed afterwards.
"""

import asyncio
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from sqlalchemy import select

from marketplace import schema
from marketplace.identity import tokens
from marketplace.identity.models import Membership, Organisation, Person
from marketplace.imports import imports
from marketplace.kernel import clock
from marketplace.kernel.db import Database
from marketplace.kernel.embedded import running_postgres
from marketplace.listings.models import Problem
from schemas.identity import Role, Scope, TokenKind, Verification
from schemas.listings import ListingKind
from schemas.uscc import make_check_digit
from scripts.bench import load, report

ROOT = Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")
PAGE_REQUESTS = 3000
ROUNDS = 5
CONNECTIONS = 32
EDITOR = "bench@duijie.example"
PORT_OURS, PORT_BARE = 8931, 8932

console = Console()


def cpu_seconds(pid: int) -> float:
    """User and system time of one process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb(pid: int, what: str = "VmRSS") -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1]) / 1024
    raise LookupError(what)


@contextmanager
def process(
    arguments: list[str], port: int, *, env: dict[str, str], log: Path, path: str, patience: float = 60.0
) -> Iterator[int]:
    """A server on `port`, ready when `path` answers, after so many seconds at the most; stopped afterwards. Gives its pid."""
    with log.open("w") as out:
        running = subprocess.Popen(arguments, env=env, cwd=ROOT, stdout=out, stderr=out)
        try:
            for _ in range(int(patience * 10)):
                try:
                    if httpx.get(f"http://127.0.0.1:{port}{path}", timeout=2).status_code == httpx.codes.OK:
                        break
                except httpx.TransportError:
                    pass
                if running.poll() is not None:
                    raise SystemExit(f"{arguments} ended: {log.read_text()[-2000:]}")
                time.sleep(0.1)
            else:
                raise SystemExit(f"{arguments} did not answer: {log.read_text()[-2000:]}")
            yield running.pid
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(30)


async def an_organisation(database: Database) -> Organisation:
    first = "12220100900000001"
    now = clock.now()
    async with database.writing.begin() as session:
        made = Organisation(
            uscc=first + make_check_digit(first),
            name="基准测试单位",
            kinds=["university", "enterprise"],
            region="220100",
            verification=Verification.VERIFIED,
            verified_at=now,
            created_at=now,
            updated_at=now,
            version=1,
        )
        session.add(made)
    return made


async def a_token(database: Database, organisation: Organisation) -> str:
    """An editor's of the organisation, who sees its drafts ranked too."""
    now = clock.now()
    async with database.writing.begin() as session:
        person = await session.scalar(select(Person).where(Person.email == EDITOR))
        if person is None:
            person = Person(
                email=EDITOR,
                name="基准测试",
                password_hash="unusable",  # noqa: S106 -- nobody signs in with it
                confirmed_at=now,
                created_at=now,
                updated_at=now,
                version=1,
            )
            session.add(person)
            await session.flush()
            session.add(Membership(person_id=person.id, organisation_id=organisation.id, role=Role.EDITOR))
        text, _ = await tokens.issue(
            session, person.id, TokenKind.SESSION, name="bench", scope=Scope.READ, lasts=tokens.SESSION_LASTS
        )
    return text


async def measure_import(database: Database, organisation: Organisation, data: Path) -> list[dict[str, Any]]:
    """Import both files as the importer would for an operator, published; then once more, when nothing has changed."""
    out = []
    for kind, name in ((ListingKind.ACHIEVEMENT, "achievements"), (ListingKind.PROBLEM, "problems")):
        file = data / "real" / f"{name}.jsonl"
        for again in (False, True):
            started = time.perf_counter()
            asked = imports.Import(
                kind=kind, organisation_id=organisation.id, name=file.name, source="bench", publish=True
            )
            result = await imports.run(database, asked, file)
            took = time.perf_counter() - started
            rows = result.created + result.updated + result.unchanged
            out.append(
                {
                    "what": f"{name}{', again, unchanged' if again else ''}",
                    "rows": rows,
                    "seconds": took,
                    "drafts": sum(notice.rows for notice in result.notices if notice.code == "kept_as_draft"),
                    "failed": result.failed,
                }
            )
    return out


async def measure_page(ours: int, bare: int) -> list[dict[str, float]]:
    """The list page beside its bare peer, in turns, so that what else the machine does hits both."""
    requests = [load.get("/api/v1/achievements")] * PAGE_REQUESTS
    rounds = []
    for _ in range(ROUNDS):
        row: dict[str, float] = {}
        for name, pid, port in (("ours", ours, PORT_OURS), ("bare", bare, PORT_BARE)):
            before = cpu_seconds(pid)
            run = await load.drive(port, requests, connections=CONNECTIONS)
            if set(run.statuses) != {200}:
                raise SystemExit(f"{name} answered {run.statuses}")
            row[f"{name}_rps"] = run.per_second
            row[f"{name}_cpu_ms"] = (cpu_seconds(pid) - before) / PAGE_REQUESTS * 1000
        rounds.append(row)
    return rounds


async def measure_rankings(database: Database, token: str, *, connections: int) -> dict[str, Any]:
    """Every problem's page of 20 pairings with reasons, through HTTP, as an editor of its organisation asks."""
    async with database.reading() as session:
        ids = (await session.scalars(select(Problem.id).order_by(Problem.id))).all()
    headers = [f"Authorization: Bearer {token}"]
    requests = [load.get(f"/api/v1/problems/{id_}/pairings?limit=20", headers) for id_ in ids]
    await load.drive(PORT_OURS, requests[:20], connections=1)
    run = await load.drive(PORT_OURS, requests, connections=connections)
    if set(run.statuses) != {200}:
        raise SystemExit(f"rankings answered {run.statuses}")
    return {
        "connections": connections,
        "n": len(ids),
        "p50_ms": run.percentile(0.5) * 1000,
        "p99_ms": run.percentile(0.99) * 1000,
        "max_ms": max(run.latencies) * 1000,
        "per_second": run.per_second,
    }


def quality(data: Path, work: Path) -> dict[str, Any]:
    out = work / "quality.json"
    subprocess.run(
        [sys.executable, "scripts/evaluate_matching.py", "--data", str(data), "--json", str(out)],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def machine() -> dict[str, str]:
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1024**2
    return {
        "cpu": f"{model}, {os.cpu_count()} cores",
        "memory": f"{memory:.0f} GiB",
        "system": platform.platform(),
        "python": platform.python_version(),
        **{
            name: version(name)
            for name in (
                "fastapi",
                "starlette",
                "sqlalchemy",
                "asyncpg",
                "uvicorn",
                "uvloop",
                "orjson",
                "scikit-learn",
                "numpy",
                "rjieba",
            )
        },
    }


def run(
    data: Annotated[Path, typer.Option(help="folder laid out like real/, judged/, known_item/, half/")] = ROOT.parent
    / "shared"
    / "data",
    out: Annotated[Path, typer.Option(help="the page to renew")] = ROOT / "docs" / "benchmarks.md",
    json_out: Annotated[Path | None, typer.Option("--json", help="the figures too, as JSON")] = None,
) -> None:
    """Import, rank and list the real records; compare the list page with a bare Starlette handler; judge the quality."""
    if not (data / "real" / "achievements.jsonl").exists():
        raise SystemExit(
            f"No records at {data}: name a folder with --data that holds real/achievements.jsonl and real/problems.jsonl."
        )
    work = Path(tempfile.mkdtemp(prefix="duijie-bench-"))
    try:
        figures = _measure(data, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    out.write_text(report.page(figures))
    if json_out:
        json_out.write_text(json.dumps(figures, ensure_ascii=False, indent=1))
    console.print(f"written: {out}")


def _measure(data: Path, work: Path) -> dict[str, Any]:
    figures: dict[str, Any] = {"machine": machine(), "date": clock.now().date().isoformat()}
    with running_postgres(work / "home") as server:
        figures["machine"]["postgresql"] = str(server.major)
        asyncio.run(schema.migrate(server.url))

        async def imported() -> tuple[str, list[dict[str, Any]]]:
            database = Database(server.url)
            try:
                organisation = await an_organisation(database)
                return await a_token(database, organisation), await measure_import(database, organisation, data)
            finally:
                await database.close()

        with console.status("importing"):
            token, figures["import"] = asyncio.run(imported())
        console.print(figures["import"])
        env = dict(os.environ) | {
            "DUIJIE_DATABASE_URL": server.url,
            "DUIJIE_HOME": str(work / "home"),
            "DUIJIE_REQUESTS_PER_MINUTE": "1000000000",
            "DUIJIE_MATCHES_PER_MINUTE": "1000000000",
            "DUIJIE_LOG_FORMAT": "json",
        }
        ours = [sys.executable, "-m", "marketplace", "serve", "--no-worker", "--port", str(PORT_OURS)]
        dsn = server.url.replace("postgresql+asyncpg://", "postgresql://", 1)
        bare = [sys.executable, "-m", "scripts.bench.bare", dsn, str(PORT_BARE)]
        with (
            process(ours, PORT_OURS, env=env, log=work / "ours.log", path="/readyz") as pid_ours,
            process(bare, PORT_BARE, env=env, log=work / "bare.log", path="/api/v1/achievements") as pid_bare,
        ):
            figures["memory_loaded_mb"] = memory_mb(pid_ours)

            async def driven() -> None:
                database = Database(server.url)
                try:
                    with console.status("ranking"):
                        figures["ranking"] = [
                            await measure_rankings(database, token, connections=1),
                            await measure_rankings(database, token, connections=4),
                        ]
                    console.print(figures["ranking"])
                    with console.status("listing"):
                        figures["page"] = await measure_page(pid_ours, pid_bare)
                    console.print(figures["page"])
                finally:
                    await database.close()

            asyncio.run(driven())
            figures["memory_peak_mb"] = memory_mb(pid_ours, "VmHWM")
    with console.status("judging quality"):
        figures["quality"] = quality(data, work)
    return figures


if __name__ == "__main__":
    typer.run(run)
