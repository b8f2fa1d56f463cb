"""A real PostgreSQL that the program starts by itself.

    server = running_postgres(Path(".duijie"))
    create_async_engine(server.url)

Called before the event loop; quick to import. See docs of `Server` for what is promised.
"""

from marketplace.kernel.embedded.errors import (
    BinariesNotFoundError,
    DiskFullError,
    EmbeddedPostgresError,
    HomeNotWritableError,
    InitdbFailedError,
    OtherMajorVersionError,
    StartFailedError,
    StartTimedOutError,
    UnsuitableServerError,
)
from marketplace.kernel.embedded.server import Server, running_postgres, server_tools

__all__ = [
    "BinariesNotFoundError",
    "DiskFullError",
    "EmbeddedPostgresError",
    "HomeNotWritableError",
    "InitdbFailedError",
    "OtherMajorVersionError",
    "Server",
    "StartFailedError",
    "StartTimedOutError",
    "UnsuitableServerError",
    "running_postgres",
    "server_tools",
]
