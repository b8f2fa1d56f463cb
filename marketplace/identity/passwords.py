"""Passwords: argon2id, at most two at a time and never on the event loop."""

from functools import cache

import anyio
import anyio.to_thread
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

# Each hash takes 64 MiB and a core; more than two at once starve every other request (and the machine).
AT_ONCE = 2


@cache
def _hasher() -> PasswordHash:
    return PasswordHash((Argon2Hasher(),))


@cache
def _limiter() -> anyio.CapacityLimiter:
    return anyio.CapacityLimiter(AT_ONCE)


async def hashed(password: str) -> str:
    return await anyio.to_thread.run_sync(_hasher().hash, password, limiter=_limiter())


@cache
def _nobodys() -> str:
    return _hasher().hash("nobody has this password")


async def matches(password: str, kept: str | None) -> bool:
    """Whether `password` is the one behind `kept`. Without anything kept it takes just as long to say no."""

    def verify() -> bool:
        return _hasher().verify(password, kept or _nobodys()) and kept is not None

    return await anyio.to_thread.run_sync(verify, limiter=_limiter())
