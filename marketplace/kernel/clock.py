"""What time it is, asked in one place so that a test can say."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_ahead = timedelta(0)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC) + _ahead


@contextmanager
def ahead(by: timedelta) -> Iterator[None]:
    """Let this process live `by` later, to see what time alone brings about."""
    global _ahead  # noqa: PLW0603 -- one clock for the process is the point
    before, _ahead = _ahead, _ahead + by
    try:
        yield
    finally:
        _ahead = before
