"""Passwords: argon2id, at most two at a time and never on the event loop."""

from functools import cache

import anyio
import anyio.to_thread
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

# Each hash takes 64 MiB and a core; more than two at once starve every other request (and the machine).
AT_ONCE = 2


@cache
def hasher() -> PasswordHash:
    return PasswordHash((Argon2Hasher(),))


@cache
def _limiter() -> anyio.CapacityLimiter:
    return anyio.CapacityLimiter(AT_ONCE)


async def hashed(password: str) -> str:
    return await anyio.to_thread.run_sync(hasher().hash, password, limiter=_limiter())


@cache
def _nobodys() -> str:
    return hasher().hash("nobody has this password")


async def matches(password: str, kept: str | None) -> bool:
    """Whether `password` is the one behind `kept`. Without anything kept it takes just as long to say no."""

    def verify() -> bool:
        # An account may have been made without a password that could be typed.
        usable = kept is not None and kept.startswith("$argon2")
        return hasher().verify(password, kept if kept and usable else _nobodys()) and usable

    return await anyio.to_thread.run_sync(verify, limiter=_limiter())
