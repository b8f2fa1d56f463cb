"""The process that owns the server: starts it, brings it back when it dies, stops it after the last client.

Run as a file, `python -I -S supervisor.py HOME`, with nothing but the standard library: it must start in milliseconds
and must not care what else is installed or where it was called from. What to run comes on standard input and not from
a file, which somebody else might have written where root visits another user's folder. It forks at once into a session of its own, so
Ctrl-C in the terminal reaches neither it nor the server, and it holds none of its caller's pipes open.

Who is a client is the kernel's knowledge: every client holds clients.lock shared, so being able to take it
exclusively means that all are gone, kill -9 included. It is then held until the server has stopped, so that a newcomer
waits for the end and starts afresh. The supervisor stays who it was started by, also when that is root: only the
server drops to another user, because the Python environment may be closed to that one.
"""

import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

try:
    import ctypes
except ImportError:  # a Python built without it: then a killed supervisor's server is adopted by the next one
    ctypes = None  # type: ignore[assignment]

TICK = 0.1
LOG_LIMIT = 4 << 20
LONGEST_PAUSE = 2.0
NO_SUCH_PID = "2147483646"  # above every kernel's pid_max
ANOTHER_IS_ALIVE = 3
PR_SET_PDEATHSIG = 1


class Postmaster:
    """One running server: a child of ours, or one whose supervisor was killed."""

    def __init__(self, pid: int, child: "subprocess.Popen[bytes] | None" = None) -> None:
        self.pid = pid
        self._child = child
        # A handle on the process itself: pids are reused, and a zombie that nobody reaps still answers to signal 0.
        self._handle: int | None = None
        if child is None and hasattr(os, "pidfd_open"):
            with suppress(OSError):
                self._handle = os.pidfd_open(pid)

    def alive(self) -> bool:
        if self._child:
            return self._child.poll() is None
        if self._handle is not None:
            return not select.select([self._handle], [], [], 0)[0]
        return _exists(self.pid)

    def stop(self) -> None:
        """Fast shutdown, then harder: whatever the server does, its data survives a crash."""
        if not self.alive():
            return  # its pid may be somebody else's by now
        for kind, patience in ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)):
            try:
                os.kill(self.pid, kind)
            except ProcessLookupError:
                return
            deadline = time.monotonic() + patience
            while self.alive() and time.monotonic() < deadline:
                time.sleep(0.01)
            if not self.alive():
                return


class Supervisor:
    """Keeps one home served while it has clients."""

    def __init__(self, home: Path, plan: dict[str, Any], lock: int) -> None:
        self.home = home
        self.plan = plan
        self.lock = lock
        self.data = Path(self.plan["data"])
        self.log = home / "postgres.log"
        self.clients = os.open(home / "clients.lock", os.O_RDWR | os.O_CLOEXEC)
        self.asked_to_stop = False
        self.exits = 0

    def run(self) -> None:
        server, ready, next_try = self._adopted() or self._launched(), False, 0.0
        while not self.asked_to_stop and not self._alone() and self._at_home():
            time.sleep(TICK)
            if server.alive():
                ready, next_try = ready or self._ready(), 0.0
                self._trim_log()
            elif not next_try:
                # After kill -9 the first attempts may fail: the old backends still hold the shared memory.
                self.exits = 0 if ready else self.exits + 1
                next_try = time.monotonic() + min(0.05 * 2**self.exits - 0.05, LONGEST_PAUSE)
            if next_try and time.monotonic() >= next_try:
                server, ready, next_try = self._launched(), False, 0.0
        server.stop()
        run = Path(self.plan["run"])
        if run.parent != self.home and (self._at_home() or not self.home.exists()):
            shutil.rmtree(run, ignore_errors=True)

    def _at_home(self) -> bool:
        """False when the folder was removed or replaced: then a server is of no use, and a new one may be at work."""
        try:
            return os.path.samestat((self.home / "supervisor.lock").stat(), os.fstat(self.lock))
        except OSError:
            return False

    def _ready(self) -> bool:
        """Whether this start went well; only then the next death is a new misfortune and not the same one again."""
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()[7].strip() == "ready"
        except (OSError, IndexError):
            return False

    def _alone(self) -> bool:
        try:
            fcntl.flock(self.clients, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _adopted(self) -> Postmaster | None:
        """A server that outlived its supervisor. It may be shutting down already; then it is replaced when gone."""
        pid = self._recorded_pid()
        if pid is None or not _serves(pid, self.data):
            return None
        self._tell(pid)
        return Postmaster(pid)

    def _recorded_pid(self) -> int | None:
        try:
            return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None

    def _launched(self) -> Postmaster:
        self._forget_reused_pid()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        log, data = os.open(self.log, flags, 0o600), os.open(self.data, os.O_RDONLY | os.O_DIRECTORY)
        me, user = os.getpid(), self.plan["user"]
        try:
            child = subprocess.Popen(  # noqa: S603 the plan is ours, in an owner-only file
                [*self.plan["command"], "-D", str(self.data) if self.plan["reachable"] else f"/proc/self/fd/{data}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=self.plan["environment"],
                pass_fds=(data,),
                preexec_fn=lambda: _die_with(me),  # noqa: PLW1509 this process has one thread
                **({"user": user["uid"], "group": user["gid"], "extra_groups": []} if user else {}),
            )
        finally:
            os.close(log)
            os.close(data)
        self._tell(child.pid)
        return Postmaster(child.pid, child)

    def _tell(self, pid: int) -> None:
        """For those who wait: how often in a row the server ended before it was ready."""
        new = self.home / "supervisor.json.new"
        with suppress(OSError):  # a full disk must not end the supervisor of a server that may still run
            new.unlink(missing_ok=True)
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w") as file:  # noqa: PTH123 a descriptor
                json.dump({"supervisor": os.getpid(), "postmaster": pid, "exits": self.exits}, file)
            new.rename(self.home / "supervisor.json")

    def _forget_reused_pid(self) -> None:
        """After a crash of the machine another process may bear the recorded pid, and PostgreSQL would not start.

        The pid is changed rather than the file removed: the shared memory it also names is how PostgreSQL notices
        backends that are still alive.
        """
        pid = self._recorded_pid()
        if pid and _exists(pid) and not _serves(pid, self.data):
            with open(os.open(self.data / "postmaster.pid", os.O_RDWR | os.O_NOFOLLOW), "r+") as file:  # noqa: PTH123 a descriptor
                rest = file.read().partition("\n")[2]
                file.seek(0)
                file.write(f"{NO_SUCH_PID}\n{rest}")
                file.truncate()
        # The socket's own lock file holds nothing but the pid; we hold supervisor.lock, so no server of ours lives.
        if not (pid and _serves(pid, self.data)):
            (Path(self.plan["run"]) / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def _trim_log(self) -> None:
        with suppress(OSError):  # a log that cannot be trimmed must not take the server down
            if self.log.stat().st_size > LOG_LIMIT:
                older = self.log.with_suffix(".log.1")
                older.unlink(missing_ok=True)
                shutil.copyfile(self.log, older)
                os.truncate(self.log, 0)  # the server appends, so it goes on at the new end


def _die_with(parent: int) -> None:
    """In the child: when the supervisor is killed, the server shuts down in good order and leaves no orphan."""
    if sys.platform == "linux" and ctypes:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:
            os._exit(1)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _serves(pid: int, data: Path) -> bool:
    """Whether the process is a living server of this cluster: a postmaster works inside its data folder."""
    if Path("/proc/self/cwd").exists():
        try:
            return Path(f"/proc/{pid}/cwd").samefile(data)
        except OSError:  # gone, a zombie, or somebody else's
            return False
    asking = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
    said = subprocess.run(asking, capture_output=True, text=True, check=False)  # noqa: S603 fixed program
    return "postgres" in said.stdout and str(data) in said.stdout


def _sole(home: Path) -> int | None:
    """Take supervisor.lock. Those who only look at it hold it for microseconds, hence the patience."""
    lock = os.open(home / "supervisor.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + 1
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return None
            time.sleep(0.005)
        else:
            return lock


def main() -> None:
    home = Path(sys.argv[1])
    os.umask(0o077)
    plan = json.load(sys.stdin)
    lock = _sole(home)
    if lock is None:
        sys.exit(ANOTHER_IS_ALIVE)
    supervisor = Supervisor(home, plan, lock)
    if os.fork():
        os._exit(0)  # the caller waits for this, and from here on the supervisor is nobody's child
    sys.stdin.close()

    def stop(*_: object) -> None:
        supervisor.asked_to_stop = True

    signal.signal(signal.SIGTERM, stop)
    for terminal_s_own in (signal.SIGINT, signal.SIGHUP):
        signal.signal(terminal_s_own, lambda *_: None)  # not SIG_IGN, which the server would inherit
    supervisor.run()


if __name__ == "__main__":
    main()
