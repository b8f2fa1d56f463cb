"""Everything that is decided before a server starts, and what must hold before anybody uses it."""

import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypedDict, cast

from marketplace.kernel.embedded import binaries, cluster, folders
from marketplace.kernel.embedded.errors import UnsuitableServerError
from marketplace.kernel.embedded.unprivileged import as_user, dropped_to, reaches
from marketplace.kernel.embedded.wire import SUPERUSER, Connection, ServerSaidError

DATABASE = "duijie"
FILE = "server.json"
PATIENCE = 60.0  # seconds for one statement of the preparation; making a database copies files
log = logging.getLogger("marketplace.kernel.embedded")


class Plan(TypedDict):
    """How a server is run. Also lies in the home as server.json, for those who join."""

    major: int
    bin: str
    data: str
    run: str
    user: dict[str, Any] | None
    reachable: bool
    environment: dict[str, str]
    command: list[str]


def made(home: Path) -> Plan:
    """Choose user, programs and socket, make the cluster if there is none, and write the plan down."""
    stored = cluster.stored_majors(home)
    cluster.clear_unfinished(home)
    user = dropped_to(home, home / f"pg-{max(stored, default=0)}")
    programs = binaries.chosen(home, stored, user)
    data = home / f"pg-{programs.major}"
    if programs.major not in stored:
        cluster.make(home, programs, user)
        log.info("made a new database with PostgreSQL %s in %s", programs.version, data)
    run = folders.socket_folder(home, user)
    reachable = reaches(user, data)
    if user:
        way = "by its path" if reachable else "through an open handle, because the path is closed to it"
        log.info("PostgreSQL does not run as root: user %s serves %s %s, socket in %s", user.name, data, way, run)
    plan = Plan(
        major=programs.major,
        bin=str(programs.folder),
        data=str(data),
        run=str(run),
        user=asdict(user) if user else None,
        reachable=reachable,
        environment=as_user(user)["env"],
        command=cluster.serving(programs, run),
    )
    folders.replace(home, FILE, json.dumps(plan, indent=1))
    return plan


def read(home: Path) -> Plan | None:
    """The plan of the server that runs or ran last; None when there is none to read."""
    try:
        return cast("Plan", json.loads((home / FILE).read_text()))
    except (OSError, ValueError):
        return None


def prepare(session: Connection, run: Path) -> None:
    """Our database exists, and trigrams see Chinese.

    The extension is made in `postgres` first and our database copied from there, complete from its first moment: those
    who join look for nothing but the database. Copied from the session's own database, because PostgreSQL waits for
    every other session of the template to end.
    """
    try:
        if not session.query(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"):  # noqa: S608 a constant
            _see_chinese(session)
            session.query(f"CREATE DATABASE {DATABASE} TEMPLATE {SUPERUSER}")
        with Connection(run, DATABASE, timeout=PATIENCE) as ours:
            _see_chinese(ours)
    except ServerSaidError as error:
        if error.passing:
            raise
        raise UnsuitableServerError(
            f"The database could not be prepared: {error}. If pg_trgm is missing, install PostgreSQL's contrib modules "
            "(apt install postgresql-contrib), or unset DUIJIE_PG_BIN to use the wheel's programs.",
        ) from error


def _see_chinese(session: Connection) -> None:
    if not session.query("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'"):
        session.query("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    if session.query("SELECT cardinality(show_trgm('高通量测序仪'))") == [["0"]]:
        raise UnsuitableServerError(
            "This database is blind to Chinese: show_trgm('高通量测序仪') is empty, so its locale is not C.UTF-8. "
            "Dump it, move the data folder away, start duijie once and restore.",
        )
