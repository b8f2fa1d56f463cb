"""A small market whose ranking is loaded when a test asks for it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from marketplace.app import create_app
from marketplace.kernel.db import Database
from marketplace.pairings.engine import Engine
from tests.given.people import Given


@pytest.fixture
def rank(app, client) -> Callable[..., Awaitable[dict[str, Any]]]:
    """Read the ranking as the records stand now, and answer one page of it."""

    async def ranked(url: str, who=client, **params: Any) -> dict[str, Any]:
        await app.state.engine.load()
        answer = await who.get(url, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ranked


@pytest.fixture
def engine(app) -> Engine:
    return app.state.engine


def added_up(item: dict[str, Any]) -> float:
    """What the listed parts of one pairing come to."""
    reasons = item["reasons"]
    return (
        sum(term["contribution"] for term in reasons["terms"])
        + reasons["other"]["contribution"]
        + sum(signal["contribution"] for signal in reasons["signals"])
    )


class Standing:
    """An application on a database of its own, where transactions are real and may run side by side."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        self.app, self.client = app, client
        self.database: Database = app.state.database
        self.engine: Engine = app.state.engine

    def session(self):
        return self.database.writing()


@pytest.fixture
async def standing(clones, settings) -> AsyncIterator[Standing]:
    url = await clones.make()
    database = Database(url, pool_size=4)
    app = create_app(settings, database)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield Standing(app, client)
    await database.close()
    await clones.drop(url)


@pytest.fixture
async def given_there(standing) -> AsyncIterator[Given]:
    """Builders whose records are committed in the standing application's database."""
    async with standing.session() as session:
        yield Given(session, standing.client)
