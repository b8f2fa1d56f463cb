"""What can go wrong with the embedded PostgreSQL, each with what to do about it in its own text."""

from pathlib import Path


class EmbeddedPostgresError(RuntimeError):
    """The embedded PostgreSQL cannot serve; the text says why and what to do."""


class BinariesNotFoundError(EmbeddedPostgresError):
    """No usable PostgreSQL programs on this machine."""


class HomeNotWritableError(EmbeddedPostgresError):
    """The data folder cannot be created, opened or written."""

    def __init__(self, home: Path, reason: object) -> None:
        super().__init__(
            f"Cannot write to the data folder {home}: {reason}. "
            "Make it writable for the user who runs duijie, or set DUIJIE_HOME to a folder that is.",
        )


class OtherMajorVersionError(EmbeddedPostgresError):
    """The stored data belongs to another major version of PostgreSQL than the programs at hand."""


class DiskFullError(EmbeddedPostgresError):
    """There is no room for the database."""

    def __init__(self, home: Path, detail: str) -> None:
        super().__init__(
            f"No space left for the database in {home}: {detail}. Nothing already stored was changed. "
            "Free some disk space (about 200 MB for a new database) or set DUIJIE_HOME to a larger disk, then start again.",
        )


class InitdbFailedError(EmbeddedPostgresError):
    """`initdb` could not make a new database cluster."""


class StartFailedError(EmbeddedPostgresError):
    """PostgreSQL ended instead of starting; the text carries the end of its log."""


class StartTimedOutError(EmbeddedPostgresError):
    """PostgreSQL did not take connections in time; the text carries the end of its log."""


class UnsuitableServerError(EmbeddedPostgresError):
    """PostgreSQL runs but lacks something that search needs, such as pg_trgm with Chinese letters."""
