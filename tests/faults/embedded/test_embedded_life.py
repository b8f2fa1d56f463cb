"""Starting, joining and stopping."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from marketplace.kernel.embedded import EmbeddedPostgresError, running_postgres, server_tools
from tests.faults.embedded.processes import CLIENT, eventually, gone, pids


def starts(home: Path) -> int:
    return (home / "postgres.log").read_text().count("LOG:  starting PostgreSQL")


async def test_a_new_home_gets_a_database_and_keeps_it(new_home):
    with running_postgres(new_home) as server:
        connection = await asyncpg.connect(server.dsn)
        await connection.execute("CREATE TABLE kept (word text)")
        await connection.execute("INSERT INTO kept VALUES ('高通量测序仪')")
        await connection.close()
        assert (server.home, server.log_path) == (new_home, new_home / "postgres.log")
        assert (new_home / f"pg-{server.major}" / "PG_VERSION").exists()
        assert (server.bin / "postgres").exists()
    _, postmaster = pids(new_home)
    eventually(lambda: gone(postmaster))
    assert "database system is shut down" in server.log_path.read_text()
    with running_postgres(new_home) as server:
        connection = await asyncpg.connect(server.dsn)
        assert await connection.fetchval("SELECT word FROM kept") == "高通量测序仪"
        await connection.close()
    assert "recovery" not in server.log_path.read_text()


async def test_settings_that_promises_rest_on(home):
    with running_postgres(home) as server:
        connection = await asyncpg.connect(server.dsn)
        expected = {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "data_checksums": "on",
            "listen_addresses": "",
            "TimeZone": "UTC",
            "server_encoding": "UTF8",
            "max_connections": "100",
        }
        assert {name: await connection.fetchval(f"SHOW {name}") for name in expected} == expected
        assert await connection.fetchval("SELECT show_trgm('高通量测序仪')")
        assert await connection.fetchval("SELECT datcollate FROM pg_database WHERE datname = 'duijie'") == "C.UTF-8"
        await connection.close()
        assert server.run.stat().st_mode & 0o777 == 0o700
        assert (home / "clients.lock").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "folder",
    [
        pytest.param("x" * 60 + "/" + "y" * 60, id="longer than a socket path may be"),
        pytest.param("数据 与, 'quotes'", id="Chinese, spaces, a comma, quotes"),
    ],
)
async def test_any_folder_name_will_do(tmp_path, client, folder):
    home = tmp_path / folder
    with running_postgres(home) as server:
        engine = create_async_engine(server.url)
        async with engine.connect() as connection:
            assert await connection.scalar(text("SELECT 1")) == 1
        await engine.dispose()
        run = server.run
        assert client(home).says() == server.dsn
    assert home not in run.parents


def test_a_folder_that_is_open_to_all_works_like_one_that_is_not(client):
    # pytest's own folders are closed to others, so that all the other tests take the way through an open handle as root
    home = Path(f"/var/tmp/duijie-test-{os.getpid()}")
    try:
        with running_postgres(home) as server:
            assert server.run == home / "run"
            other = client(home)
            assert other.says() == server.dsn
            other.leave()
            supervisor, _ = pids(home)
        eventually(lambda: gone(supervisor))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def test_six_racing_processes_get_one_server(new_home, client):
    racers = [client() for _ in range(6)]
    assert len({racer.says() for racer in racers}) == 1
    assert starts(new_home) == 1
    for racer in racers:
        assert racer.leave() == ""
    assert starts(new_home) == 1


def test_a_second_process_shares_the_server_and_outlives_the_first(home, client):
    first, second = client(), None
    dsn = first.says()
    second = client()
    assert second.says() == dsn
    supervisor, postmaster = pids(home)
    first.leave()
    third = client()  # joins what the second holds
    assert third.says() == dsn
    assert pids(home) == (supervisor, postmaster)
    assert starts(home) == 1


def test_the_starter_s_pipes_end_with_the_starter(home, client):
    first = client()
    first.says()
    second = client()
    second.says()
    first.leave()  # would hang if supervisor or server held its standard output, as `make demo | tee` does
    assert not gone(pids(home)[1])


def test_control_c_in_the_terminal_reaches_neither_supervisor_nor_server(home, client):
    first = client()
    first.says()
    second = client()
    second.says()
    supervisor, postmaster = pids(home)
    os.killpg(first.process.pid, signal.SIGINT)
    first.leave()
    assert {os.getsid(supervisor), os.getsid(postmaster)}.isdisjoint({os.getsid(0), os.getsid(second.process.pid)})
    assert client().says()
    assert pids(home) == (supervisor, postmaster)


def test_coming_while_the_last_one_goes_never_fails(home):
    for delay in (0, 0.03, 0.06, 0.08, 0.1, 0.11, 0.12, 0.14, 0.18, 0.25):
        with running_postgres(home) as server:
            server.ensure()
        time.sleep(delay)


def test_closing_twice_is_closing_once(home):
    server = running_postgres(home)
    server.close()
    server.close()
    with pytest.raises(EmbeddedPostgresError, match="was closed"):
        server.ensure()


FORKING = """
import os, sys, time
from pathlib import Path
from marketplace.kernel.embedded import running_postgres
server = running_postgres(Path(sys.argv[1]))
child = os.fork()
if child == 0:
    os.close(1)
    time.sleep(600)
print(child, flush=True)
sys.stdin.read()
"""


def test_a_forked_child_is_a_client_of_its_own(home, client):
    parent = client(program=FORKING)
    child = int(parent.says())
    supervisor, postmaster = pids(home)
    parent.process.kill()
    parent.process.wait()
    with running_postgres(home):
        assert pids(home) == (supervisor, postmaster)
    assert not gone(postmaster)
    os.kill(child, signal.SIGKILL)
    parent.process.communicate()
    eventually(lambda: gone(postmaster) and gone(supervisor))


def test_a_program_that_a_client_started_does_not_hold_the_server(home, client):
    started = CLIENT.replace("sys.stdin.read()", "import subprocess; subprocess.run(['sleep', '600'])")
    parent = client(program=started)
    parent.says()
    supervisor, postmaster = pids(home)
    sleep = psutil_children(parent.process.pid)
    parent.process.kill()
    eventually(lambda: gone(postmaster) and gone(supervisor))
    assert not gone(sleep)
    os.kill(sleep, signal.SIGKILL)
    parent.process.communicate()


def psutil_children(pid: int) -> int:
    import psutil

    eventually(lambda: bool(psutil.Process(pid).children()))
    return psutil.Process(pid).children()[0].pid


def test_the_log_is_kept_small(home):
    with running_postgres(home) as server:
        with server.log_path.open("a") as log:
            log.write("words\n" * 1_000_000)
        eventually(lambda: server.log_path.stat().st_size < 100_000)
        assert server.log_path.with_suffix(".log.1").stat().st_size > 5_000_000


def test_tools_beside_the_server_can_dump_it(home):
    with running_postgres(home) as server:
        tools = server_tools(home)
        dumped = subprocess.run([tools["pg_dump"], server.dsn], capture_output=True, text=True, check=True).stdout
    assert "CREATE EXTENSION IF NOT EXISTS pg_trgm" in dumped


def test_the_door_is_quick_to_open():
    heavy = "import sys; import marketplace.kernel.embedded; print([m for m in ('asyncio', 'sqlalchemy', 'asyncpg') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
