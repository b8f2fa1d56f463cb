"""Getting at the database: the server that is named, or the embedded one, started and migrated."""

import contextlib
from collections.abc import AsyncIterator, Iterator

from marketplace import schema
from marketplace.kernel.db import Database
from marketplace.kernel.embedded import running_postgres
from marketplace.settings import Settings


@contextlib.contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """The address of the database, running for as long as this lasts."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    with running_postgres(settings.home) as server:
        yield server.url


@contextlib.asynccontextmanager
async def open_database(settings: Settings, *, name: str = "duijie") -> AsyncIterator[Database]:
    """The database at the schema this program knows. The embedded one is brought there; a server is only checked."""
    with database_url(settings) as url:
        if settings.database_url is None:
            await schema.migrate(url)
        else:
            await schema.require_newest(url)
        database = Database(url, pool_size=settings.pool_size, name=name)
        try:
            yield database
        finally:
            await database.close()
