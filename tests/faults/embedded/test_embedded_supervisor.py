"""The supervisor itself, in a thread of this process, where it can be looked at."""

import errno
import fcntl
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from marketplace.kernel.embedded import plan, running_postgres, supervisor
from marketplace.kernel.embedded.wire import SUPERUSER, Connection, ServerSaidError
from tests.faults.embedded.processes import eventually, gone, noted, pids


@pytest.fixture
def supervised(home: Path) -> Iterator[Callable[[], SimpleNamespace]]:
    """A supervisor at work with this process as its client, until `leave` is called."""
    running: list[SimpleNamespace] = []

    def start() -> SimpleNamespace:
        made = plan.made(home)
        client = os.open(home / "clients.lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(client, fcntl.LOCK_SH)
        lock = supervisor._sole(home)
        one = supervisor.Supervisor(home, json.loads(json.dumps(made)), lock)
        thread = threading.Thread(target=one.run)
        thread.start()

        def leave() -> None:
            if client in still_open:
                still_open.remove(client)
                os.close(client)
            thread.join(45)
            assert not thread.is_alive()
            for handle in (lock, one.clients):
                if handle in still_open:
                    still_open.remove(handle)
                    os.close(handle)

        still_open = [client, lock, one.clients]
        running.append(
            SimpleNamespace(one=one, leave=leave, run=Path(made["run"]), data=Path(made["data"]), thread=thread)
        )
        eventually(lambda: answers(running[-1].run))
        return running[-1]

    yield start
    for each in running:
        each.leave()


def answers(run: Path) -> bool:
    try:
        Connection(run, SUPERUSER).close()
    except (OSError, ServerSaidError):
        return False
    return True


def test_it_serves_until_the_last_client_leaves(supervised, home):
    it = supervised()
    with running_postgres(home):
        assert pids(home)[0] == os.getpid()
    it.leave()
    assert gone(pids(home)[1])
    assert not it.run.exists() or it.run.parent == home


def test_it_brings_a_killed_server_back(supervised, home):
    it = supervised()
    eventually(it.one._ready)
    before = pids(home)[1]
    os.kill(before, signal.SIGKILL)
    eventually(lambda: pids(home)[1] != before and answers(it.run))
    it.leave()


def test_it_counts_the_starts_that_came_to_nothing(supervised, home):
    it = supervised()
    real = it.one.plan["command"]
    it.one.plan["command"] = ["/bin/false"]
    os.kill(pids(home)[1], signal.SIGKILL)
    eventually(lambda: json.loads((home / "supervisor.json").read_text())["exits"] >= 2)
    it.one.plan["command"] = real
    eventually(lambda: answers(it.run))
    it.leave()


def test_it_stops_when_asked_although_there_are_clients(supervised):
    it = supervised()
    it.one.asked_to_stop = True
    it.leave()
    assert not answers(it.run)


def test_it_keeps_the_log_small(supervised, home):
    it = supervised()
    with it.one.log.open("a") as log:
        log.write("words\n" * 1_000_000)
    eventually(lambda: it.one.log.with_suffix(".log.1").exists())
    eventually(lambda: it.one.log.stat().st_size < 100_000)
    it.leave()


def test_it_goes_when_its_home_was_replaced(supervised, home):
    it = supervised()
    postmaster = pids(home)[1]
    (home / "supervisor.lock").unlink()
    it.thread.join(45)
    assert gone(postmaster)
    (home / "supervisor.lock").write_text("")
    assert not it.one._at_home()


def test_it_writes_another_pid_over_one_that_somebody_else_bears(supervised):
    it = supervised()
    it.leave()
    (it.data / "postmaster.pid").write_text(f"{os.getpid()}\nand so on\n")
    it.one._forget_reused_pid()
    assert (it.data / "postmaster.pid").read_text() == f"{supervisor.NO_SUCH_PID}\nand so on\n"
    (it.data / "postmaster.pid").unlink()
    it.one._forget_reused_pid()
    assert not it.one._ready()
    it.one.log = it.data / "no" / "log"
    it.one._trim_log()  # complains about nothing
    it.one.home = it.data / "no"
    it.one._tell(1)


@pytest.mark.parametrize("handles", [True, False], ids=["with handles on processes", "without"])
def test_it_adopts_a_server_and_outlives_it(supervised, home, monkeypatch, handles):
    it = supervised()
    left = supervisor.Postmaster(pids(home)[1])
    if not handles:
        monkeypatch.delattr(os, "pidfd_open")
    adopted = it.one._adopted()
    assert adopted.pid == left.pid == pids(home)[1]
    assert adopted.alive()
    it.leave()
    adopted.stop()
    assert not adopted.alive()
    assert not left.alive()
    assert it.one._adopted() is None


def stubborn() -> int:
    """A process in the background that does not listen to INT and QUIT, and that is nobody's to reap here."""
    told = subprocess.check_output(["/bin/sh", "-c", "trap '' INT QUIT; sleep 600 >/dev/null 2>&1 & echo $!"])
    return int(told)


def test_a_server_that_does_not_want_to_stop_is_told_three_times(monkeypatch):
    pid = stubborn()
    clock = iter(range(0, 100_000, 7))
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: next(clock))
    it = supervisor.Postmaster(pid)
    it.stop()
    assert not it.alive()


def test_a_process_that_ends_between_looking_and_telling(monkeypatch):
    it = supervisor.Postmaster(os.getpid())

    def just_gone(*_: object) -> None:
        raise ProcessLookupError

    monkeypatch.setattr(supervisor.os, "kill", just_gone)
    it.stop()


def test_whether_a_process_exists(monkeypatch):
    assert supervisor._exists(os.getpid())
    assert not supervisor._exists(int(supervisor.NO_SUCH_PID))

    def not_yours(*_: object) -> None:
        raise PermissionError(errno.EPERM, "not yours")

    monkeypatch.setattr(supervisor.os, "kill", not_yours)
    assert supervisor._exists(1)


def test_without_proc_a_server_is_known_by_its_command(supervised, home, monkeypatch):
    it = supervised()
    assert supervisor._serves(pids(home)[1], it.data)
    monkeypatch.setattr(supervisor.Path, "exists", lambda _: False)
    served = it.data if it.one.plan["reachable"] else Path("/proc/self/fd")
    assert supervisor._serves(pids(home)[1], served)
    assert not supervisor._serves(os.getpid(), it.data)


def test_a_server_does_not_outlive_its_supervisor(monkeypatch):
    told: list[tuple[int, ...]] = []
    library = SimpleNamespace(prctl=lambda *words: told.append(words))
    monkeypatch.setattr(supervisor, "ctypes", SimpleNamespace(CDLL=lambda _: library))
    monkeypatch.setattr(supervisor.os, "_exit", lambda status: told.append((status,)))
    supervisor._die_with(os.getppid())
    supervisor._die_with(-1)  # it died before it was asked for
    asked = (supervisor.PR_SET_PDEATHSIG, signal.SIGINT)
    assert told == ([asked, asked, (1,)] if sys.platform == "linux" else [])
    monkeypatch.setattr(supervisor, "ctypes", None)
    supervisor._die_with(-1)


@pytest.fixture
def as_program(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """`main` as if it had been started with this home and its plan."""
    made = plan.made(home)
    (home / "clients.lock").touch()
    monkeypatch.setattr(sys, "argv", ["supervisor.py", str(home)])
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(made)))
    monkeypatch.setattr(supervisor.os, "umask", lambda _: 0)
    before = {kind: signal.getsignal(kind) for kind in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    yield home
    for kind, handler in before.items():
        signal.signal(kind, handler)


def test_the_program_ends_at_once_when_there_is_nobody_to_serve(as_program, monkeypatch):
    monkeypatch.setattr(supervisor.os, "fork", lambda: 0)
    supervisor.main()
    assert noted(as_program)[0] == os.getpid()
    assert gone(noted(as_program)[1])
    (as_program / "supervisor.json").unlink()
    for kind in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(os.getpid(), kind)  # heard, and survived


def test_the_program_lets_its_caller_go_on(as_program, monkeypatch):
    class Left(Exception):  # noqa: N818
        pass

    def leave(status: int) -> None:
        raise Left(status)

    monkeypatch.setattr(supervisor.os, "fork", lambda: 7)
    monkeypatch.setattr(supervisor.os, "_exit", leave)
    with pytest.raises(Left, match="0"):
        supervisor.main()


def test_a_second_supervisor_does_not_even_begin(as_program):
    lock = os.open(as_program / "supervisor.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with pytest.raises(SystemExit) as ended:
        supervisor.main()
    os.close(lock)
    assert ended.value.code == supervisor.ANOTHER_IS_ALIVE
