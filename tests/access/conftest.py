"""The world is made once for all rows; what a probe was granted is rolled back."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, AsyncTransaction, async_sessionmaker

from marketplace.app import create_app
from marketplace.identity import passwords
from marketplace.kernel.db import Database
from marketplace.settings import Settings
from tests.access.world import World, build
from tests.given.people import PASSWORD, Given


@dataclass
class Place:
    app: FastAPI
    client: httpx.AsyncClient
    connection: AsyncConnection
    world: World
    savepoint: AsyncTransaction | None = None

    async def ask(self, method: str, url: str, **more: Any) -> httpx.Response:
        """Ask, and undo what was granted. A refusal is left as it is: it should have written nothing."""
        if self.savepoint is None:
            self.savepoint = await self.connection.begin_nested()
        answer = await self.client.request(method, url, **more)
        if not answer.is_client_error:
            await self.savepoint.rollback()
            self.savepoint = None
        return answer


@pytest.fixture(scope="module")
async def place(one_database: Database, own_url: str, tmp_path_factory) -> AsyncIterator[Place]:
    settings = Settings(
        home=tmp_path_factory.mktemp("home"),
        request_deadline=300,
        secret="a secret for tests only, thirty-two or more",
        requests_per_minute=10**9,
        matches_per_minute=10**9,
    )
    async with one_database.writing_engine.connect() as connection:
        outer = await connection.begin()
        sessions = async_sessionmaker(connection, expire_on_commit=False, join_transaction_mode="create_savepoint")
        app = create_app(settings, Database.on(own_url, sessions))
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client, sessions() as session:
            assert isinstance(session, AsyncSession)
            world = await build(Given(session, client))
            await app.state.engine.load()
            yield Place(app, client, connection, world)
        await outer.rollback()


@pytest.fixture(autouse=True)
def _quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing is slow on purpose and tested elsewhere; here a password is right when it is the known one."""

    async def hashed(password: str) -> str:
        return "known"

    async def matches(password: str, kept: str | None) -> bool:
        return password == PASSWORD and kept is not None

    monkeypatch.setattr(passwords, "hashed", hashed)
    monkeypatch.setattr(passwords, "matches", matches)
