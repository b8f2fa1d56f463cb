"""kill -9 of everybody in turn. An acknowledged row is never lost."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import psutil
import pytest

from marketplace.kernel.embedded import EmbeddedPostgresError, plan, running_postgres
from tests.faults.embedded.processes import eventually, gone, noted, pids

LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


async def connected(dsn: str) -> asyncpg.Connection:
    """Like a pool: try again until the server is back."""
    end = time.monotonic() + 45
    while True:
        try:
            return await asyncpg.connect(dsn)
        except LOST:
            assert time.monotonic() < end
            await asyncio.sleep(0.02)


class Writers:
    """Four that insert row after row and remember which ones the server acknowledged."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.acknowledged: set[str] = set()
        self.enough = False

    async def write(self, name: str) -> None:
        number, connection = 0, await connected(self.dsn)
        while not self.enough:
            number += 1
            try:
                await connection.execute("INSERT INTO rows VALUES ($1)", f"{name}-{number}")
            except LOST:
                connection.terminate()
                connection = await connected(self.dsn)
            else:
                self.acknowledged.add(f"{name}-{number}")
        await connection.close()

    async def more(self, count: int) -> None:
        target, end = len(self.acknowledged) + count, time.monotonic() + 45
        while len(self.acknowledged) < target:
            assert time.monotonic() < end
            await asyncio.sleep(0.01)

    async def lost(self) -> set[str]:
        connection = await connected(self.dsn)
        found = {row[0] for row in await connection.fetch("SELECT id FROM rows")}
        await connection.close()
        return self.acknowledged - found


@pytest.mark.parametrize(
    ("whom", "times"),
    [
        pytest.param("postmaster", 4, id="the server, four times in a row"),
        pytest.param("supervisor", 2, id="its supervisor, twice"),
        pytest.param("both", 2, id="both at once, twice"),
    ],
)
async def test_no_acknowledged_row_is_lost_when_we_kill(home, whom, times):
    with running_postgres(home) as server:
        connection = await asyncpg.connect(server.dsn)
        await connection.execute("CREATE TABLE rows (id text PRIMARY KEY)")
        await connection.close()
        writers = Writers(server.dsn)
        async with asyncio.TaskGroup() as group:
            for name in "abcd":
                group.create_task(writers.write(name))
            for _ in range(times):
                await writers.more(100)
                supervisor, postmaster = pids(home)
                if whom != "postmaster":
                    os.kill(supervisor, signal.SIGKILL)
                if whom != "supervisor":
                    os.kill(postmaster, signal.SIGKILL)
                while noted(home) in {None, (supervisor, postmaster)}:  # noqa: ASYNC110 another process's doing
                    await asyncio.sleep(0.01)
            await writers.more(100)
            writers.enough = True
        assert len(writers.acknowledged) >= 100 * (times + 1)
        assert await writers.lost() == set()


def test_ensure_returns_when_a_killed_server_is_back(home, client):
    with running_postgres(home) as server:
        os.kill(pids(home)[1], signal.SIGKILL)
        server.ensure()
        assert client().says() == server.dsn
        os.kill(pids(home)[0], signal.SIGKILL)
        server.ensure()
        assert client().says() == server.dsn


@pytest.mark.parametrize("whom", [0, 1], ids=["supervisor", "server"])
def test_a_kill_in_the_middle_of_preparing_is_only_a_delay(new_home, monkeypatch, whom):
    prepare, killed = plan.prepare, []

    def unlucky(session, run):
        if not killed:
            killed.append(pids(new_home)[whom])
            os.kill(killed[0], signal.SIGKILL)
            eventually(lambda: gone(killed[0]))
        prepare(session, run)

    monkeypatch.setattr(plan, "prepare", unlucky)
    with running_postgres(new_home) as server:
        assert pids(new_home)[whom] != killed[0]
        server.ensure()


def test_the_last_client_s_kill_stops_the_server(home, client):
    last = client()
    last.says()
    supervisor, postmaster = pids(home)
    last.kill()
    eventually(lambda: gone(supervisor) and gone(postmaster))
    assert "database system is shut down" in (home / "postgres.log").read_text()


async def test_killing_everything_at_once_leaves_no_orphan(home, client):
    last = client()
    connection = await asyncpg.connect(last.says())
    await connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    connection.terminate()
    supervisor, postmaster = pids(home)
    os.kill(supervisor, signal.SIGKILL)
    last.kill()
    if sys.platform == "linux":
        eventually(lambda: gone(postmaster))
    with running_postgres(home) as server:
        connection = await asyncpg.connect(server.dsn)
        assert await connection.fetchval("SELECT number FROM kept") == 7
        await connection.close()


def test_a_supervisor_asked_to_stop_is_replaced_while_somebody_needs_it(home):
    with running_postgres(home) as server:
        supervisor, _ = pids(home)
        os.kill(supervisor, signal.SIGTERM)
        eventually(lambda: pids(home)[0] != supervisor)
        server.ensure()


def orphan(home: Path) -> "subprocess.Popen[bytes]":
    """A server without a supervisor, as it would be on a system that cannot tie their lives together."""
    plan = json.loads((home / "server.json").read_text())
    handle = os.open(plan["data"], os.O_RDONLY)
    data = plan["data"] if plan["reachable"] else f"/proc/self/fd/{handle}"
    user = plan["user"] and {"user": plan["user"]["uid"], "group": plan["user"]["gid"], "extra_groups": []}
    Path(plan["run"]).mkdir(mode=0o700, exist_ok=True)
    if user:
        os.chown(plan["run"], user["user"], user["group"])
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/", "pass_fds": (handle,)}
    process = subprocess.Popen([*plan["command"], "-D", data], **quiet, **(user or {}))
    os.close(handle)
    eventually(lambda: "ready" in postmaster_pid(home))
    return process


def postmaster_pid(home: Path) -> str:
    try:
        return next(home.glob("pg-*/postmaster.pid")).read_text()
    except (StopIteration, OSError):
        return ""


def test_an_orphaned_server_is_adopted_and_stopped_at_the_end(home):
    with running_postgres(home):
        supervisor, _ = pids(home)
    eventually(lambda: gone(supervisor))
    left_alone = orphan(home)
    with running_postgres(home) as server:
        assert int(postmaster_pid(home).split()[0]) == left_alone.pid
        server.ensure()
    assert left_alone.wait(45) == 0


def test_an_orphan_that_dies_under_its_new_supervisor_is_replaced(home):
    with running_postgres(home):
        supervisor, _ = pids(home)
    eventually(lambda: gone(supervisor))
    left_alone = orphan(home)
    with running_postgres(home) as server:
        left_alone.kill()
        left_alone.wait()
        server.ensure()
        assert int(postmaster_pid(home).split()[0]) == pids(home)[1] != left_alone.pid


def test_a_pid_that_somebody_else_bears_after_a_reboot_does_not_prevent_the_start(home):
    """PostgreSQL alone refuses: the pid file names a living process, as it often does in a restarted container."""
    with running_postgres(home):
        supervisor, postmaster = pids(home)
        before = postmaster_pid(home)
        os.kill(supervisor, signal.SIGKILL)
        os.kill(postmaster, signal.SIGKILL)
    user = json.loads((home / "server.json").read_text())["user"]
    drop = {"user": user["uid"], "group": user["gid"]} if user else {}
    somebody = subprocess.Popen(["sleep", "600"], cwd="/", **drop)
    data = next(home.glob("pg-*"))
    eventually(lambda: not any(works_in(data, process) for process in psutil.process_iter()))
    (data / "postmaster.pid").write_text("\n".join([str(somebody.pid), *before.split("\n")[1:]]))
    with running_postgres(home) as server:
        server.ensure()
    somebody.kill()
    somebody.wait()


def works_in(data: Path, process: psutil.Process) -> bool:
    try:
        return Path(process.cwd()) == data
    except psutil.Error:
        return False


def test_a_half_made_cluster_is_cleared_away(new_home, client):
    interrupted = client()
    eventually(lambda: any(new_home.glob("pg-*.new-*/PG_VERSION")))
    interrupted.kill()
    assert list(new_home.glob("pg-*.new-*"))
    assert not list(new_home.glob("pg-*[0-9]/PG_VERSION")) or "new" in next(new_home.glob("pg-*")).name
    with running_postgres(new_home) as server:
        assert [path.name for path in new_home.glob("pg-*")] == [f"pg-{server.major}"]


def removed(home: Path) -> bool:
    """rm -rf until it succeeds: the server may still be writing."""
    shutil.rmtree(home, ignore_errors=True)
    return not home.exists()


def test_a_home_removed_under_a_running_server_is_said_and_nothing_stays_behind(home):
    server = running_postgres(home)
    supervisor, postmaster = pids(home)
    eventually(lambda: removed(home))
    eventually(lambda: gone(supervisor) and gone(postmaster))
    with pytest.raises(EmbeddedPostgresError, match="removed or replaced"):
        server.ensure()
    with running_postgres(home) as fresh:
        fresh.ensure()
    server.close()
