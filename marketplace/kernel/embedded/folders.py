"""The data folder: what lies in it, its locks, and where the socket goes.

home/
  pg-18/            the cluster, named for its major version
  clients.lock      held shared by every process that uses the server
  start.lock        held while starting, so that six racing processes make one server
  supervisor.lock   held by the supervisor as long as it lives
  server.json       how the running server was started
  postgres.log      its log, kept small by the supervisor
  run/              its socket, unless the path is too long or closed to the server's user
"""

import errno
import fcntl
import hashlib
import os
import pwd
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from marketplace.kernel.embedded.errors import DiskFullError, HomeNotWritableError, StartTimedOutError
from marketplace.kernel.embedded.unprivileged import User, reaches
from marketplace.kernel.embedded.wire import SOCKET_NAME

LONGEST_SOCKET_PATH = 103  # bytes; 107 on Linux, 103 on macOS
_in_passing: set[int] = set()
# The drivers split the host at commas and colons, PostgreSQL its list of folders at commas and quotes.
UNSAFE_IN_A_SOCKET_PATH = set(",:\"'\\?#\n")


def prepared(home: Path) -> Path:
    """The home with its final name, existing and writable; owner-only unless root must let its server's user in."""
    home = home.expanduser().resolve()
    try:
        if home.exists() and not home.is_dir():
            raise HomeNotWritableError(home, "it is a file, not a folder")
        home.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(home, error) from error
    return home


def opened_lock(home: Path, name: str) -> int:
    """A new open file description of a lock file. Locks belong to it, so every holder opens its own."""
    return opened(home, name, os.O_RDWR)


def opened(home: Path, name: str, flags: int) -> int:
    """A file of the home's owner, made if needed: when root visits, the owner must be able to open it later."""
    try:
        file = os.open(home / name, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        owner = home.stat()
        if os.geteuid() == 0 and owner.st_uid != 0:
            os.fchown(file, owner.st_uid, owner.st_gid)
    except OSError as error:
        raise unwritable(home, error) from error
    return file


def replace(home: Path, name: str, text: str) -> None:
    """Put a whole file in place at once: a reader sees the old one or the new one."""
    half = home / f"{name}.new"
    try:
        half.unlink(missing_ok=True)
        with os.fdopen(opened(home, half.name, os.O_WRONLY | os.O_EXCL), "w") as file:
            file.write(text)
        half.rename(home / name)
    except OSError as error:
        raise unwritable(home, error) from error


def still_there(home: Path, lock: int, name: str) -> bool:
    """Whether the lock is still the home's: somebody may have removed or replaced the whole folder meanwhile."""
    try:
        return os.path.samestat((home / name).stat(), os.fstat(lock))
    except OSError:
        return False


def take(home: Path, lock: int, kind: int, deadline: float, waiting_for: str) -> None:
    """Take the lock, waiting until the deadline of the monotonic clock, so that a stuck holder is told, not suffered."""
    pause = 0.002
    while True:
        try:
            return fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise StartTimedOutError(
                    f"Gave up waiting for {waiting_for}. Try again; if it stays, stop the other duijie processes."
                ) from None
            time.sleep(pause)
            pause = min(pause * 1.5, 0.05)
        except OSError as error:  # some network file systems
            raise HomeNotWritableError(home, f"its file system cannot lock files ({error.strerror})") from error


@contextmanager
def _passing(home: Path, name: str) -> Iterator[int]:
    """A lock for a moment. A child forked in that moment must not keep it for life: see `_let_go_in_child`."""
    lock = opened_lock(home, name)
    _in_passing.add(lock)
    try:
        yield lock
    finally:
        _in_passing.discard(lock)
        os.close(lock)


def _let_go_in_child() -> None:
    while _in_passing:
        os.close(_in_passing.pop())


os.register_at_fork(after_in_child=_let_go_in_child)


@contextmanager
def starting(home: Path, deadline: float) -> Iterator[None]:
    """Only one process of this home starts a server at a time."""
    with _passing(home, "start.lock") as lock:
        take(home, lock, fcntl.LOCK_EX, deadline, f"another duijie process that is starting the server in {home}")
        yield


def supervised(home: Path) -> bool:
    """Whether a supervisor lives: it holds its lock for life, and the kernel drops it however it dies."""
    with _passing(home, "supervisor.lock") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def socket_folder(home: Path, user: User | None) -> Path:
    """An owner-only folder for the socket: home/run, or a short one when that is too long, odd or unreachable."""
    uid = user.uid if user else os.geteuid()
    gid = user.gid if user else os.getegid()
    mark = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    candidates = [home / "run"] if reaches(user, home) else []
    if os.geteuid() == 0:
        candidates.append(Path("/run") / f"duijie-{mark}")
    elif runtime := os.environ.get("XDG_RUNTIME_DIR"):
        candidates.append(Path(runtime) / f"duijie-{mark}")
    candidates += [Path("/tmp") / f"duijie-{uid}-{mark}{attempt}" for attempt in ("", "-1", "-2")]  # noqa: S108 checked below
    for folder in candidates:
        too_long = len(os.fsencode(folder / SOCKET_NAME)) > LONGEST_SOCKET_PATH
        if not too_long and not UNSAFE_IN_A_SOCKET_PATH & set(str(folder)) and _private(folder, uid, gid):
            return folder
    raise HomeNotWritableError(home, f"no folder for the socket could be made; tried {', '.join(map(str, candidates))}")


def _private(folder: Path, uid: int, gid: int) -> bool:
    """Make the folder for that user alone; False when somebody else has it, which in /tmp may be an attack."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        owner = os.fstat(handle).st_uid
        if owner not in {uid, os.geteuid()}:
            return False
        os.fchmod(handle, 0o700)
        if owner != uid:
            os.fchown(handle, uid, gid)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def unwritable(home: Path, error: OSError) -> DiskFullError | HomeNotWritableError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskFullError(home, os.strerror(error.errno))
    owner = ""
    with suppress(OSError, KeyError):
        there = home.stat().st_uid
        owner = f" (it belongs to {pwd.getpwuid(there).pw_name})" if there != os.geteuid() else ""
    return HomeNotWritableError(home, f"{error.strerror or error}{owner}")
