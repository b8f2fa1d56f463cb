"""The cluster on disk: make it, find it, and the command line that serves it.

Settings travel on the command line and not in postgresql.conf, so that a new release of ours changes them without
touching anybody's data folder.
"""

import os
import re
import secrets
import shutil
import subprocess
from pathlib import Path

from marketplace.kernel.embedded.binaries import Binaries
from marketplace.kernel.embedded.errors import DiskFullError, HomeNotWritableError, InitdbFailedError
from marketplace.kernel.embedded.folders import unwritable
from marketplace.kernel.embedded.unprivileged import User, as_user, reaches

NEEDED_FOR_A_NEW_CLUSTER = 200 << 20
HANDLES = "/proc/self/fd"
UNFINISHED = re.compile(r"pg-\d+\.new-[0-9a-f]+")
SETTINGS = {
    "listen_addresses": "",  # the Unix socket only: file permissions are the password
    "unix_socket_permissions": "0700",
    "port": "5432",
    "fsync": "on",  # an acknowledged row stays, whatever postgresql.conf says
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "jit": "off",  # short queries: compiling them costs more than it saves
    "max_parallel_workers_per_gather": "0",  # two cores, and a container's small /dev/shm
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",  # once every five minutes of every day says nothing
    "logging_collector": "off",  # stderr goes to postgres.log, which the supervisor keeps small
    "log_destination": "stderr",
}


def stored_majors(home: Path) -> set[int]:
    """The major versions whose finished clusters lie in the home."""
    folders = [path for path in home.iterdir() if re.fullmatch(r"pg-\d+", path.name) and path.is_dir()]
    try:
        return {int(folder.name[3:]) for folder in folders if _holds_something(folder)}
    except PermissionError as error:
        raise HomeNotWritableError(home, f"{error.filename} belongs to another user") from error


def _holds_something(folder: Path) -> bool:
    return any(folder.iterdir())


def clear_unfinished(home: Path) -> None:
    """Remove what a killed initdb left. Called under start.lock, so nobody is working in there."""
    for path in home.iterdir():
        if UNFINISHED.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)


def make(home: Path, binaries: Binaries, user: User | None) -> None:
    """A new cluster with UTF-8 and C.UTF-8, made under another name and renamed: half-done never looks complete.

    No ICU: sort Chinese by a pinyin key column. Not the locale C: with it pg_trgm sees no Chinese letters.
    """
    free = shutil.disk_usage(home).free
    if free < NEEDED_FOR_A_NEW_CLUSTER:
        raise DiskFullError(
            home, f"{free >> 20} MB are free and a new database needs {NEEDED_FOR_A_NEW_CLUSTER >> 20} MB"
        )
    data = home / f"pg-{binaries.major}"
    unfinished = home / f"{data.name}.new-{secrets.token_hex(4)}"
    try:
        unfinished.mkdir(mode=0o700)
        if user:
            os.chown(unfinished, user.uid, user.gid, follow_symlinks=False)
    except OSError as error:
        raise unwritable(home, error) from error
    try:
        _initdb(unfinished, binaries, user)
        unfinished.rename(data)
        _to_disk(home)
    except OSError as error:
        raise InitdbFailedError(f"Could not make a new database in {home}: {error}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _initdb(folder: Path, binaries: Binaries, user: User | None) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        options = [
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-U",
            "postgres",
            "-A",
            "trust",
            "--data-checksums",
            "--no-instructions",
        ]
        # A folder under /root is closed to the server's user by path, but not through the open handle.
        place = str(folder) if reaches(user, folder) else f"{HANDLES}/{handle}"
        if place.startswith(HANDLES) and not Path(HANDLES).is_dir():
            raise HomeNotWritableError(folder.parent, f"user {user.name if user else ''} cannot enter it by its path")
        command = [str(binaries.folder / "initdb"), "-D", place, *options]
        done = subprocess.run(  # noqa: S603 a program we chose
            command, capture_output=True, text=True, errors="replace", check=False, pass_fds=(handle,), **as_user(user)
        )
    finally:
        os.close(handle)
    if done.returncode == 0:
        return
    said = (done.stderr.strip() or done.stdout.strip())[-2000:]
    if "No space left" in said or "Disk quota exceeded" in said:
        raise DiskFullError(folder.parent, "initdb ran out of it half-way; what it had written was removed")
    raise InitdbFailedError(
        f"`{binaries.folder / 'initdb'}` could not make a new database in {folder.parent} (status {done.returncode}). "
        f"What it had written was removed. It said:\n{said}",
    )


def _to_disk(folder: Path) -> None:
    """A rename lasts when its folder is on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def serving(binaries: Binaries, run: Path) -> list[str]:
    """The command that serves a cluster; the supervisor adds where it lies."""
    settings = SETTINGS | {"unix_socket_directories": str(run)}
    return [str(binaries.folder / "postgres"), *(f"--{name}={value}" for name, value in settings.items())]
