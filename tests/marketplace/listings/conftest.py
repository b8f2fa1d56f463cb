"""What the tests of both kinds of record share."""

from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.app import create_app
from marketplace.kernel.db import Database
from marketplace.settings import Review, Settings
from tests.given.kinds import KINDS, Kind
from tests.given.people import Given


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    """One kind of record, then the other: what both promise is tested on both."""
    found: Kind = request.param
    return found


@pytest.fixture
async def owner(given: Given):
    """An editor of a verified organisation."""
    return await given.university()


@pytest.fixture
async def stranger(given: Given):
    """An editor of another verified organisation."""
    return await given.enterprise()


@pytest.fixture
async def reviewing(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """The same platform, where records are looked at before they are published."""
    app = create_app(settings.model_copy(update={"review": Review.PLATFORM}), database)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


class Live:
    """A platform on a database of its own, where transactions are real and run side by side."""

    def __init__(self, database: Database, client: httpx.AsyncClient, given: Given, session: AsyncSession) -> None:
        self.database, self.client, self.given, self.session = database, client, given, session


@pytest.fixture
async def live(clones, settings: Settings) -> AsyncIterator[Live]:
    url = await clones.make()
    database = Database(url, pool_size=10)
    transport = httpx.ASGITransport(app=create_app(settings, database), raise_app_exceptions=False)
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://test", headers={"Accept-Language": "en"}) as client,
        database.writing() as session,
    ):
        yield Live(database, client, Given(session, client), session)
    await database.close()
    await clones.drop(url)
