"""Two API processes on one database: what is committed through either is in the ranking of both, well within a second.

Passing waits for up to ten seconds, so that a busy machine decides nothing; what it took is printed (`pytest -rP`).
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from marketplace.kernel.db import Database
from marketplace.kernel.facts import record
from marketplace.listings.facts import ListingsImported
from marketplace.tuning import tunings
from matching.blend import TEXT_ONLY
from schemas.tuning import LearntFrom, Measured
from tests.given import listings
from tests.given.people import Given

DEADLINE = 10.0
START = 300.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Processes:
    def __init__(self, url: str, home: Path) -> None:
        self.clients: list[httpx.AsyncClient] = []
        self._running: list[subprocess.Popen[bytes]] = []
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DUIJIE_")}
        environment |= {"DUIJIE_DATABASE_URL": url, "DUIJIE_HOME": str(home), "DUIJIE_SECRET": "a secret " * 5}
        for number in range(2):
            port = _free_port()
            command = [sys.executable, "-c", "from marketplace.cli import main; main()", "serve", "--no-worker"]
            with (home / f"process-{number}.log").open("wb") as log:
                self._running.append(
                    subprocess.Popen([*command, "--port", str(port)], env=environment, stderr=log, stdout=log)
                )
            self.clients.append(httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30))

    async def ready(self, home: Path) -> None:
        async with asyncio.timeout(START):
            for number, (client, process) in enumerate(zip(self.clients, self._running, strict=True)):
                while True:
                    assert process.poll() is None, (home / f"process-{number}.log").read_text()
                    try:
                        if (await client.get("/readyz")).status_code == 200:
                            break
                    except httpx.TransportError:
                        pass
                    await asyncio.sleep(0.1)

    async def stop(self) -> list[int]:
        for client in self.clients:
            await client.aclose()
        for process in self._running:
            process.terminate()
        return [process.wait(30) for process in self._running]


@pytest.fixture
async def there(clones, tmp_path) -> AsyncIterator[tuple[Processes, Given, Database]]:
    url = await clones.make()
    processes = Processes(url, tmp_path)
    database = Database(url, pool_size=2)
    try:
        await processes.ready(tmp_path)
        async with database.writing() as session:
            yield processes, Given(session, processes.clients[0]), database
    finally:
        codes = await processes.stop()
        await database.close()
        await clones.drop(url)
    assert set(codes) <= {0, -signal.SIGTERM}, "they stop in order, when they are asked to"


async def seen_by_both(processes: Processes, what: str, text: str, fits: Callable[[dict], bool]) -> None:
    """Ask both for the ranking of a text until both answer as they should; say how long that took."""
    started = time.perf_counter()
    took: list[float] = []

    async def one(client: httpx.AsyncClient) -> None:
        async with asyncio.timeout(DEADLINE):
            while True:
                answer = await client.post("/api/v1/matches", json={"text": text})
                assert answer.status_code == 200, answer.text
                if fits(answer.json()):
                    took.append(time.perf_counter() - started)
                    return
                await asyncio.sleep(0.01)

    await asyncio.gather(*(one(client) for client in processes.clients))
    shown = " and ".join(f"{1000 * seconds:.0f} ms" for seconds in sorted(took))
    print(f"{what}: {shown}")  # noqa: T201 -- a figure to read, not to decide


async def test_what_is_committed_through_one_is_ranked_by_both(there):
    processes, given, database = there
    first, second = processes.clients
    university = await given.university()
    admin = await given.admin()
    made = await given.achievement(university, title="固态电解质薄膜")
    url = f"/api/v1/achievements/{made['id']}"

    def found(page: dict) -> bool:
        return made["id"] in {item["id"] for item in page["items"]}

    await seen_by_both(processes, "published", "固态电解质", found)

    # The title is shown from the database at once; that the new words find it shows that the ranking knows them.
    headers = university.headers | {"If-Match": f'"{made["version"]}"'}
    answer = await second.patch(url, json={"title": "秸秆还田机具", "description": "免耕播种。"}, headers=headers)
    assert answer.status_code == 200, answer.text
    await seen_by_both(processes, "edited", "秸秆还田", found)

    # What was withdrawn is never shown; that it is not even considered shows that the ranking let it go.
    assert (await first.post(f"{url}/withdrawal", headers=university.headers)).status_code == 200
    await seen_by_both(processes, "withdrawn", "秸秆还田", lambda page: page["considered"] == 0)
    assert (await second.post(f"{url}/publication", headers=university.headers)).status_code == 200
    await seen_by_both(processes, "published again", "秸秆还田", found)

    decisions = f"/api/v1/organisations/{university.organisation.id}/verification/decisions"
    for decision, considered in (("suspend", 0), ("reinstate", 1)):
        wish = {"decision": decision, "reason": "核查"}
        assert (await second.post(decisions, json=wish, headers=admin.headers)).status_code == 200
        await seen_by_both(processes, decision, "秸秆", lambda page, n=considered: page["considered"] == n)

    # Learnt weights, activated through one.
    measured = Measured(ndcg_before=0.5, ndcg=0.6, accuracy_before=0.5, accuracy=0.6, gain=0.1, low=0.1, high=0.1)
    evidence = LearntFrom(verdicts=1, organisations=1, questions=1, comparisons=1)
    async with database.writing.begin() as session:
        model = await tunings.keep(session, TEXT_ONLY, evidence, measured, better=True, against=0, by=None)
    answer = await second.post(f"/api/v1/matching-models/{model.id}/activation", headers=admin.headers)
    assert answer.status_code == 200, answer.text
    await seen_by_both(
        processes, "activated", "秸秆还田", lambda page: page["items"][0]["reasons"]["model"] == model.number
    )

    many = await listings.achievements(given.session, university.organisation, *[{} for _ in range(200)])
    async with database.writing.begin() as session:
        await record(session, ListingsImported("achievement", [one.id for one in many]))
    await seen_by_both(processes, "imported", "固态电解质", lambda page: page["considered"] == 201)
