"""Which user the server runs as.

PostgreSQL refuses to run as root, rightly. Started by root (a container, a rescue shell) the server and initdb
drop to: the owner of existing data, else the owner of a data folder that is not root's, else DUIJIE_PG_USER, else
the system's `postgres`, else `nobody`. Everybody else simply runs it as themselves.
"""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marketplace.kernel.embedded.errors import EmbeddedPostgresError

# Only what a server needs: as another user's process it must not carry the caller's secrets in its environment,
# and a stray PGPORT or PGDATA must not redirect it.
KEPT_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TZDIR")


@dataclass(frozen=True)
class User:
    """The user to drop to."""

    uid: int
    gid: int
    name: str


def dropped_to(home: Path, data: Path) -> User | None:
    """The user the server must run as, or None when it runs as the caller."""
    if os.geteuid() != 0:
        return None
    for folder in (data, home):
        owner = folder.stat() if folder.exists() else None
        if owner and owner.st_uid != 0:
            return User(owner.st_uid, owner.st_gid, str(owner.st_uid))
    wanted = os.environ.get("DUIJIE_PG_USER")
    for name in (wanted,) if wanted else ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return User(entry.pw_uid, entry.pw_gid, entry.pw_name)
    raise EmbeddedPostgresError(
        f"PostgreSQL refuses to run as root and there is no user {wanted or 'postgres or nobody'} to run it as. "
        "Run duijie as an ordinary user, or name one in DUIJIE_PG_USER.",
    )


def as_user(user: User | None) -> dict[str, Any]:
    """Keyword arguments for `subprocess` that drop to the user and leave the caller's surroundings behind."""
    kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
    # cwd: the caller's folder may be closed to the user, and PostgreSQL up to 15 must be able to return to it.
    surroundings: dict[str, Any] = {"env": kept | {"LC_ALL": "C"}, "cwd": "/", "stdin": subprocess.DEVNULL}
    if user:
        surroundings |= {"user": user.uid, "group": user.gid, "extra_groups": []}
    return surroundings


def reaches(user: User | None, folder: Path) -> bool:
    """Whether the user can enter the folder by its path. Asked of the kernel, so access lists count too."""
    if user is None:
        return True
    entering = ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)]
    return subprocess.run(entering, capture_output=True, check=False, **as_user(user)).returncode == 0  # noqa: S603 fixed program
