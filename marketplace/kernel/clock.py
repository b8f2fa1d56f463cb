"""What time it is, asked in one place so that a test can say."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone

# Deadlines and days are China's; it has had one zone without summer time since 1991.
BEIJING = timezone(timedelta(hours=8))

_ahead = timedelta(0)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC) + _ahead


def today() -> date:
    """The day it is in China."""
    return now().astimezone(BEIJING).date()


@contextmanager
def ahead(by: timedelta) -> Iterator[None]:
    """Let this process live `by` later, to see what time alone brings about."""
    global _ahead  # noqa: PLW0603 -- one clock for the process is the point
    before, _ahead = _ahead, _ahead + by
    try:
        yield
    finally:
        _ahead = before
