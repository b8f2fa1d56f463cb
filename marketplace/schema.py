"""Bringing the database to the schema that this program knows (Alembic)."""

import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

if TYPE_CHECKING:
    from alembic.config import Config

HERE = Path(__file__).parent / "migrations"


class SchemaBehind(Exception):  # noqa: N818 -- it is shown to the person who starts the program
    """The database is not at the schema this program needs."""


def config() -> "Config":
    from alembic.config import Config  # noqa: PLC0415 -- Alembic is slow to import, and seldom needed

    made = Config()
    made.set_main_option("script_location", str(HERE))
    return made


@functools.cache
def newest() -> str:
    """The revision this program needs. They are numbered in their order, and named by their numbers."""
    return max(path.name[:4] for path in HERE.glob("versions/[0-9]*.py"))


async def current(url: str) -> str | None:
    """The revision the database is at; None when it is empty."""
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            there = await connection.scalar(text("select to_regclass('alembic_version')"))
            found: str | None = (
                await connection.scalar(text("select version_num from alembic_version")) if there else None
            )
            return found
    finally:
        await engine.dispose()


async def migrate(url: str, *, to: str = "head") -> None:
    """Run what is missing, in one transaction; two programs that start at once take turns."""
    from alembic import command  # noqa: PLC0415

    engine = create_async_engine(url)

    def upgrade(connection: Connection) -> None:
        made = config()
        made.attributes["connection"] = connection
        connection.execute(text("select pg_advisory_xact_lock(hashtext('duijie.migrate'))"))
        command.upgrade(made, to)

    try:
        async with engine.begin() as connection:
            await connection.run_sync(upgrade)
    finally:
        await engine.dispose()


async def require_newest(url: str) -> None:
    """Refuse to go on with a schema that is behind (or ahead), and say what to run."""
    found, needed = await current(url), newest()
    if found != needed:
        raise SchemaBehind(
            f"数据库结构为 {found or '空'}，本程序需要 {needed}。请先运行：duijie migrate\n"
            f"The database schema is at {found or 'nothing'}, this program needs {needed}. Run first: duijie migrate"
        )


def fingerprint() -> str:
    """A short hash of the migrations, by which a migrated template database is known again."""
    parts = sorted([*HERE.glob("versions/*.py"), *HERE.glob("*.sql")])
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:12]
