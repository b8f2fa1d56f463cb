"""Other processes that use, watch and kill an embedded server."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

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
