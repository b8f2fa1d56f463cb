"""Real servers and real kills. Time never decides what is right; deadlines are generous and only end a hang."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from marketplace.kernel.embedded import binaries, plan, running_postgres
from tests.faults.embedded.processes import CLIENT, Client, eventually, gone, pids


@pytest.fixture(scope="session", autouse=True)
def copies() -> Iterator[Path]:
    """Pretended programs are copied like real ones when root's folders are closed; not into the machine's own cache."""
    with TemporaryDirectory(dir="/var/tmp") as folder, pytest.MonkeyPatch.context() as patch:
        Path(folder).chmod(0o755)
        patch.setattr(binaries, "COPIES", Path(folder) / "cache")
        yield Path(folder) / "cache"


@pytest.fixture
def new_home(tmp_path: Path) -> Iterator[Path]:
    """A home of its own; when the test is over, nothing may serve it any more."""
    home = tmp_path / "home"
    yield home
    if (home / "supervisor.json").exists():
        supervisor, postmaster = pids(home)
        eventually(lambda: (supervisor == os.getpid() or gone(supervisor)) and gone(postmaster))
    for run in left_behind(home):
        shutil.rmtree(run, ignore_errors=True)


def left_behind(home: Path) -> list[Path]:
    """The socket folder outside the home, which a killed supervisor leaves to the next one."""
    made = plan.read(home)
    run = Path(made["run"]) if made else home
    return [] if run == home or home in run.parents else [run]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database cluster that was made once and stopped; copying it is quicker than initdb."""
    home = tmp_path_factory.mktemp("made")
    with running_postgres(home) as server:
        supervisor, _ = pids(home)
    eventually(lambda: gone(supervisor))
    return home / f"pg-{server.major}"


@pytest.fixture
def home(new_home: Path, made: Path) -> Path:
    """A home that was used before."""
    new_home.mkdir()
    subprocess.run(["cp", "-a", str(made), str(new_home)], check=True)
    return new_home


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Callable[..., Client]]:
    started: list[Client] = []

    def start(at: Path = tmp_path / "home", program: str = CLIENT) -> Client:
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
