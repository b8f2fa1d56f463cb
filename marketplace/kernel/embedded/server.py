"""Start or join the embedded server, and hold on to it."""

import fcntl
import json
import logging
import os
import subprocess
import sys
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from marketplace.kernel.embedded import binaries, cluster, folders, plan
from marketplace.kernel.embedded.errors import (
    DiskFullError,
    EmbeddedPostgresError,
    OtherMajorVersionError,
    StartFailedError,
    StartTimedOutError,
)
from marketplace.kernel.embedded.supervisor import ANOTHER_IS_ALIVE
from marketplace.kernel.embedded.wire import SUPERUSER, Connection, ServerSaidError

CLIENTS = "clients.lock"
TOO_MANY_CONNECTIONS = "53300"
WATCHING = 0.5
LONG_RECOVERY = 10
EXITS_THAT_MEAN_NEVER = 4
TOOLS = ("psql", "pg_dump", "pg_restore", "pg_dumpall", "pg_basebackup", "pg_isready")
log = logging.getLogger("marketplace.kernel.embedded")
_open: "weakref.WeakSet[Server]" = weakref.WeakSet()


class Server:
    """This process's hold on the embedded server: while it is open, the server runs.

    A forked child gets a hold of its own; a program started with exec gets none.
    """

    def __init__(self, home: Path, patience: float) -> None:
        self._patience = patience
        self._mutex = threading.Lock()
        self._closed = threading.Event()
        self.home = folders.prepared(home)
        self.log_path = self.home / "postgres.log"
        self._plan: plan.Plan
        self._hold: int | None = self._held()
        try:
            self.ensure()
        except BaseException:
            self.close()
            raise
        _open.add(self)
        threading.Thread(target=self._watch, name="embedded-postgres", daemon=True).start()

    @property
    def run(self) -> Path:
        """The folder of the socket."""
        return Path(self._plan["run"])

    @property
    def url(self) -> str:
        """For SQLAlchemy."""
        return self.dsn.replace("postgresql:", "postgresql+asyncpg:", 1)

    @property
    def dsn(self) -> str:
        """For asyncpg, psql and everything built on libpq."""
        return f"postgresql://{SUPERUSER}@/{plan.DATABASE}?host={quote(str(self.run))}"

    @property
    def major(self) -> int:
        return int(self._plan["major"])

    @property
    def bin(self) -> Path:
        """The folder of the programs the server runs from."""
        return Path(self._plan["bin"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go. The server stops by itself a moment after the last process has. May be called again.

        The lock is let go by closing and never by unlocking: a forked child's copy must stay locked.
        """
        self._closed.set()
        hold, self._hold = self._hold, None
        if hold is not None:
            os.close(hold)

    def ensure(self) -> None:
        """Return when the server takes connections, starting it again if it must be."""
        with self._mutex:
            if self._hold is None or not folders.still_there(self.home, self._hold, CLIENTS):
                raise EmbeddedPostgresError(
                    f"The data folder {self.home} was removed or replaced, or this hold on it was closed. "
                    "Start duijie again to use what is there now.",
                )
            deadline = time.monotonic() + self._patience
            if self._joined():
                return
            with folders.starting(self.home, deadline):
                if not self._joined():
                    self._start(deadline)

    def _held(self) -> int:
        lock = folders.opened_lock(self.home, CLIENTS)
        try:
            folders.take(
                self.home, lock, fcntl.LOCK_SH, time.monotonic() + self._patience, f"the server in {self.home} to stop"
            )
        except BaseException:
            os.close(lock)
            raise
        return lock

    def _joined(self) -> bool:
        running = plan.read(self.home)
        if running is None or not folders.supervised(self.home):
            return False
        try:
            Connection(Path(running["run"]), plan.DATABASE).close()
        except ServerSaidError as error:
            if error.code != TOO_MANY_CONNECTIONS:  # that one is a busy server, not a missing one
                return False
        except OSError:
            return False
        asked = os.environ.get("DUIJIE_PG_BIN")
        wanted = binaries.inspected(Path(asked).absolute(), None) if asked and asked != running["bin"] else None
        if wanted and wanted.major != running["major"]:
            raise OtherMajorVersionError(
                f"A server of PostgreSQL {running['major']} is running for {self.home}, and DUIJIE_PG_BIN names version "
                f"{wanted.version}. Stop the other duijie processes first, or unset DUIJIE_PG_BIN.",
            )
        self._plan = running
        return True

    def _start(self, deadline: float) -> None:
        last = plan.read(self.home)
        if last and folders.supervised(self.home):
            self._plan = last
        else:
            self._spawn()
        while True:
            with self._answering(deadline) as session, suppress(OSError, ServerSaidError):  # dies again: ask again
                return plan.prepare(session, self.run)
            if time.monotonic() > deadline:
                raise self._timed_out()

    def _answering(self, deadline: float) -> Connection:
        """Until the server answers a startup packet. A missing supervisor is replaced on the way."""
        pause, spawned, last_resort = 0.005, 1, deadline + LONG_RECOVERY * self._patience
        while True:
            try:
                return Connection(self.run, SUPERUSER, timeout=plan.PATIENCE)
            except ServerSaidError as error:
                if not error.passing:
                    told = f"PostgreSQL in {self.home} refuses connections: {error}.{self._tail()}"
                    raise StartFailedError(told) from error
                # It lives and recovers, which takes as long as there is much to redo.
                deadline = min(max(deadline, time.monotonic() + self._patience), last_resort)
            except OSError:
                pass
            if not folders.supervised(self.home):
                if spawned == EXITS_THAT_MEAN_NEVER:
                    raise StartFailedError(f"The supervisor of PostgreSQL in {self.home} ends at once.{self._tail()}")
                self._spawn()
                spawned += 1
            self._give_up_if_hopeless()
            if time.monotonic() > deadline:
                raise self._timed_out()
            time.sleep(pause)
            pause = min(pause * 1.2, 0.05)

    def _spawn(self) -> None:
        self._plan = plan.made(self.home)
        (self.home / "supervisor.json").unlink(missing_ok=True)
        program = Path(__file__).with_name("supervisor.py")
        errors = folders.opened(self.home, self.log_path.name, os.O_WRONLY | os.O_APPEND)
        try:
            done = subprocess.run(  # noqa: S603 our own file
                [sys.executable, "-I", "-S", str(program), str(self.home)],
                input=json.dumps(self._plan).encode(),
                stdout=errors,
                stderr=errors,
                cwd="/",
                start_new_session=True,
                check=False,
                timeout=self._patience,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise StartFailedError(f"The supervisor of PostgreSQL could not be started: {error}") from error
        finally:
            os.close(errors)
        if done.returncode not in {0, ANOTHER_IS_ALIVE}:
            raise StartFailedError(f"The supervisor of PostgreSQL failed, status {done.returncode}.{self._tail()}")

    def _give_up_if_hopeless(self) -> None:
        try:
            exits = json.loads((self.home / "supervisor.json").read_text())["exits"]
        except (OSError, ValueError):
            return
        tail = self._tail()
        # Backends of a killed server may need seconds to notice; until then the new one cannot start, and will.
        if exits < EXITS_THAT_MEAN_NEVER or "still in use" in tail or "another postmaster" in tail:
            return
        if "No space left" in tail:
            raise DiskFullError(self.home, "PostgreSQL could not start")
        raise StartFailedError(f"PostgreSQL in {self.home} ends as soon as it is started.{tail}")

    def _timed_out(self) -> StartTimedOutError:
        return StartTimedOutError(
            f"PostgreSQL in {self.home} did not take connections within {self._patience:.0f} s. "
            f"After a crash it may still be recovering: start duijie again in a minute.{self._tail()}",
        )

    def _tail(self) -> str:
        try:
            lines = self.log_path.read_text(errors="replace").splitlines()[-15:]
        except OSError:
            lines = []
        return f" The end of its log, {self.log_path}:\n" + "\n".join(lines)

    def _watch(self) -> None:
        """Replace a killed supervisor while this client lives; the supervisor itself replaces a killed server."""
        while not self._closed.wait(WATCHING):
            if self._hold is None or not folders.still_there(self.home, self._hold, CLIENTS):
                return
            try:
                if not folders.supervised(self.home):
                    self.ensure()
            except EmbeddedPostgresError as error:
                log.warning("the embedded PostgreSQL is gone and does not come back yet: %s", error)

    def _held_by_child(self) -> None:
        """After fork: a lock of our own. It is free to take, because the inherited one is still held."""
        if self._hold is not None:
            inherited, self._hold = self._hold, None
            self._mutex = threading.Lock()  # the thread that may have held it does not exist here
            self._hold = self._held()
            os.close(inherited)


def _after_fork() -> None:
    for server in list(_open):
        server._held_by_child()  # noqa: SLF001 same module


os.register_at_fork(after_in_child=_after_fork)


def running_postgres(home: Path, *, patience: float = 60.0) -> Server:
    """Start the server of this home, or join the one that runs. `patience`: seconds until StartTimedOutError."""
    return Server(home, patience)


def server_tools(home: Path) -> dict[str, Path]:
    """The programs beside the server (pg_dump, psql, …) by name; those that the chosen folder does not have are left out."""
    home = folders.prepared(home)
    folder = binaries.chosen(home, cluster.stored_majors(home), None).folder
    return {name: folder / name for name in TOOLS if (folder / name).is_file()}
