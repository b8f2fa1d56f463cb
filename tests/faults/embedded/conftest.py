"""Real servers and real kills. Time never decides what is right; deadlines are generous and only end a hang."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

CLIENT = """
import sys
from pathlib import Path
from marketplace.kernel.embedded import running_postgres
server = running_postgres(Path(sys.argv[1]))
print(server.dsn, flush=True)
sys.stdin.read()
"""


class Client:
    """Another duijie process that holds the server of a home until it leaves or is killed."""

    def __init__(self, home: Path, program: str = CLIENT) -> None:
        command = [sys.executable, "-c", program, str(home)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
        )

    def says(self) -> str:
        line = self.process.stdout.readline().strip()
        assert line, self.process.stderr.read()
        return line

    def leave(self) -> str:
        return self.process.communicate(timeout=60)[0]

    def kill(self) -> None:
        """Kill -9 the process and what it has in its own process group; a supervisor must not be in there."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=60)


def noted(home: Path) -> tuple[int, int] | None:
    """The supervisor and the postmaster of a home, as the supervisor noted them; None while it is being replaced."""
    try:
        noted = json.loads((home / "supervisor.json").read_text())
    except FileNotFoundError:
        return None
    return noted["supervisor"], noted["postmaster"]


def pids(home: Path) -> tuple[int, int]:
    eventually(lambda: noted(home) is not None)
    return noted(home) or pids(home)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def eventually(condition: Callable[[], bool], deadline: float = 45) -> None:
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, f"not within {deadline} s"
        time.sleep(0.02)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home of its own; when the test is over, nothing may serve it any more."""
    home = tmp_path / "home"
    yield home
    if (home / "supervisor.json").exists():
        supervisor, postmaster = pids(home)
        eventually(lambda: gone(supervisor) and gone(postmaster))


@pytest.fixture
def client(home: Path) -> Iterator[Callable[..., Client]]:
    started: list[Client] = []

    def start(at: Path = home, program: str = CLIENT) -> Client:
        started.append(Client(at, program))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()


@pytest.fixture
def programs(tmp_path: Path) -> Callable[..., Path]:
    """A folder of pretended PostgreSQL programs, for misfortunes that the real ones do not have on demand."""

    def written(postgres: str = "exit 1", initdb: str = "exit 1") -> Path:
        folder = tmp_path / "programs"
        folder.mkdir()
        version = 'if [ "$1" = -V ]; then echo "postgres (PostgreSQL) 18.6"; exit; fi'
        for name, body in {"postgres": f"{version}\n{postgres}", "initdb": initdb}.items():
            (folder / name).write_text(f"#!/bin/sh\n{body}\n")
            (folder / name).chmod(0o755)
        return folder

    return written
