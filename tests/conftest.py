"""The database is always a real PostgreSQL: one template, migrated once; one clone of it for each test process."""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import event, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker, create_async_engine

from marketplace import schema
from marketplace.identity import passwords
from marketplace.kernel import db, health, language, log
from marketplace.kernel.db import Database
from marketplace.kernel.embedded import running_postgres
from marketplace.kernel.prepared import Prepared
from marketplace.settings import LogFormat, Settings
from tests.given.apps import an_app
from tests.given.people import Given
from tests.given.savepoints import quick_savepoints

# httpx asks for it at each request; a module that is known to be absent need not be looked for on the disk again.
with contextlib.suppress(ImportError):
    import sniffio  # noqa: F401
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]

HOME = Path(os.environ.get("DUIJIE_TEST_HOME", "/tmp/duijie-tests"))


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A server to make databases on: the one that is named, or the embedded one."""
    named = os.environ.get("DUIJIE_TEST_DATABASE_URL")
    if named:
        yield named
        return
    with running_postgres(HOME) as server:
        yield server.url


@pytest.fixture(scope="session", autouse=True)
def _logs_like_in_production() -> None:
    """Everything is put together, only errors are shown."""
    log.configure(LogFormat.JSON, "INFO")
    logging.getLogger().handlers[0].setLevel(logging.ERROR)


@pytest.fixture(scope="session", autouse=True)
def _no_clock_decides() -> None:
    """What waits for PostgreSQL waits as long as a busy machine needs; tests of deadlines set their own."""
    db.CONNECT_SECONDS = db.POOL_SECONDS = db.COMMAND_SECONDS = db.LOCK_SECONDS = db.IDLE_SECONDS = 120
    health.PATIENCE = 300


CHEAP = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))


@pytest.fixture(autouse=True)
def _cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Real argon2, made cheap: how much it costs is tested in one place."""
    monkeypatch.setattr(passwords, "hasher", lambda: CHEAP)
    passwords._nobodys.cache_clear()
    yield
    passwords._nobodys.cache_clear()


def on(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


async def administer(url: str, *statements: str) -> None:
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()


async def _template(url: str) -> str:
    """The migrated template for this schema, made by whichever test process comes first."""
    name = f"duijie_template_{schema.newest()}_{schema.fingerprint()}"
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text("select pg_advisory_lock(7421)"))
        there = await connection.scalar(text("select 1 from pg_database where datname = :name"), {"name": name})
        if not there:
            await connection.execute(text(f'drop database if exists "{name}_making"'))
            await connection.execute(text(f'create database "{name}_making"'))
            await schema.migrate(on(url, f"{name}_making"))
            await connection.execute(text(f'alter database "{name}_making" rename to "{name}"'))
        await connection.execute(text("select pg_advisory_unlock(7421)"))
    await engine.dispose()
    return name


class Clones:
    """Databases like the template, for tests that really commit."""

    def __init__(self, url: str, template: str, worker: str) -> None:
        self.url, self.template, self.worker, self.made = url, template, worker, 0

    async def make(self) -> str:
        self.made += 1
        name = f"duijie_test_{os.getpid()}_{self.worker}_{self.made}"
        await administer(
            self.url,
            f'create database "{name}" template "{self.template}"',
            f'alter database "{name}" set synchronous_commit = off',
        )
        return on(self.url, name)

    async def drop(self, url: str) -> None:
        name = make_url(url).database
        await administer(self.url, f'drop database if exists "{name}" with (force)')


@pytest.fixture(scope="session")
def clones(server_url: str, worker_id: str) -> Clones:
    return Clones(server_url, asyncio.run(_template(server_url)), worker_id)


@pytest.fixture(scope="session")
async def own_url(clones: Clones) -> AsyncIterator[str]:
    """This test process's own database."""
    url = await clones.make()
    yield url
    await clones.drop(url)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path,
        request_deadline=300,
        secret="a secret for tests only, thirty-two or more",
        requests_per_minute=10**9,
        matches_per_minute=10**9,
    )


@pytest.fixture(scope="session")
async def one_database(own_url: str) -> AsyncIterator[Database]:
    database = Database(own_url, pool_size=3)
    quick_savepoints(database.writing_engine)
    yield database
    await database.close()


@pytest.fixture
async def connection(one_database: Database) -> AsyncIterator[AsyncConnection]:
    """All of a test happens in one transaction that is rolled back."""
    async with one_database.writing_engine.connect() as connection:
        outer = await connection.begin()
        yield connection
        await outer.rollback()


@pytest.fixture
def sessions(connection: AsyncConnection) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(connection, expire_on_commit=False, join_transaction_mode="create_savepoint")


@pytest.fixture
def database(sessions: async_sessionmaker[AsyncSession], own_url: str) -> Database:
    """The application's database, whose transactions are savepoints of the test's."""
    return Database.on(own_url, sessions)


@pytest.fixture
async def session(sessions: async_sessionmaker[AsyncSession]) -> AsyncIterator[AsyncSession]:
    async with sessions() as session:
        yield session


@pytest.fixture
def statements(connection: AsyncConnection, monkeypatch: pytest.MonkeyPatch):
    """Count what is asked of the database: `with statements() as seen: ...; len(seen)`."""
    fetch = Prepared.fetch

    @contextlib.contextmanager
    def counting() -> Iterator[list[str]]:
        seen: list[str] = []

        def note(_connection, _cursor, statement, *_rest) -> None:
            if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
                seen.append(statement)

        async def noted(self: Prepared, session: AsyncSession, **values: object):
            seen.append(self.sql)
            return await fetch(self, session, **values)

        sync = connection.sync_connection
        event.listen(sync, "before_cursor_execute", note)
        try:
            with monkeypatch.context() as patch:
                patch.setattr(Prepared, "fetch", noted)
                yield seen
        finally:
            event.remove(sync, "before_cursor_execute", note)

    return counting


@pytest.fixture
async def app(settings: Settings, database: Database) -> SimpleNamespace:
    return an_app(settings, database)


@pytest.fixture
async def client(app) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test", headers={"Accept-Language": "en"}
    ) as client:
        yield client


@pytest.fixture
def given(session: AsyncSession, client: httpx.AsyncClient) -> Given:
    return Given(session, client)


@pytest.fixture(scope="session")
async def real_url(clones: Clones) -> AsyncIterator[str]:
    """A database in which tests really commit; what one leaves there, the next one meets."""
    url = await clones.make()
    yield url
    await clones.drop(url)


@dataclass
class Real:
    """The application as it runs: connections of its own, transactions that stand."""

    url: str
    app: FastAPI
    database: Database
    client: httpx.AsyncClient
    given: Given


@contextlib.asynccontextmanager
async def a_real_place(url: str, settings: Settings, *routers: APIRouter) -> AsyncIterator[Real]:
    database = Database(url, pool_size=settings.pool_size, name="duijie-tests")
    app = an_app(settings, database, *routers)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"Accept-Language": "en"}
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers, timeout=600) as client,
        database.writing() as session,
    ):
        yield Real(url, app, database, client, Given(session, client))
    await database.close()


@pytest.fixture
async def real(real_url: str, settings: Settings) -> AsyncIterator[Real]:
    async with a_real_place(real_url, settings) as place:
        yield place


@pytest.fixture(autouse=True)
def _chinese_unless_asked() -> None:
    language.reading.set("zh")


# By what one of their tests takes: a process that begins with them has small ones left when the others end.
LONGEST = (
    "test_cli", "test_schemathesis", "test_killed_server", "test_evaluation", "test_browser", "test_bad_bodies",
    "test_bad_changes", "test_entry_commands", "test_embedded_kills", "test_two_processes", "test_every_page",
    "test_embedded_messages", "test_embedded_supervisor", "test_embedded_life", "test_access_matrix", "test_migrations",
    "test_canaries", "test_schema_truth", "test_promises", "test_bad_addresses", "test_meetings", "test_jobs",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    turns = {name: turn for turn, name in enumerate(LONGEST)}
    items.sort(key=lambda item: turns.get(item.path.stem, len(turns)))
