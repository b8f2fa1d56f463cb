"""Names for PostgreSQL's advisory locks, which know only numbers."""

import hashlib

from sqlalchemy import Select, func, select


def number(*name: object) -> int:
    """The number of a lock called `name`. Two names that shared one would at worst wait for each other."""
    digest = hashlib.sha256("\n".join(map(str, name)).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def wait_for(*name: object) -> Select[tuple[None]]:
    """Hold the lock until this transaction ends; whoever comes later waits."""
    return select(func.pg_advisory_xact_lock(number(*name)))


def share(*name: object) -> Select[tuple[None]]:
    """Keep out whoever waits for the lock alone, together with others who share it, until this transaction ends."""
    return select(func.pg_advisory_xact_lock_shared(number(*name)))


def try_for(*name: object) -> Select[tuple[bool]]:
    """Hold the lock until this transaction ends, if nobody holds it."""
    return select(func.pg_try_advisory_xact_lock(number(*name)))
