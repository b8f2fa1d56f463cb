"""How often: the generic cell rate algorithm (ITU-T I.371), per key, in this process's memory."""

import ipaddress
import math
import time
from collections.abc import Callable
from functools import lru_cache

from marketplace.kernel.refusals import TooMany

MOST_KEYS = 100_000
# A household or an office is given at least this much of IPv6; within it, addresses cost nothing.
IPV6_PREFIX = 64


@lru_cache(maxsize=4096)
def place(address: str | None) -> str:
    """Where a caller comes from, as it is counted: the IPv4 address, or the IPv6 network, or `?`."""
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "?"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((int(found), IPV6_PREFIX), strict=False))
    return str(found)


class Limit:
    """At most `count` calls per `seconds` for each key, spread evenly with bursts of up to `count`.

    It guards one process; what must hold across processes (sign-in) is counted in the database.
    """

    def __init__(
        self, name: str, count: int, seconds: float, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.name, self.count, self.seconds = name, count, seconds
        self._monotonic = monotonic
        self._free_at: dict[str, float] = {}

    def spend(self, key: str) -> None:
        """Take one call from this key's allowance, or refuse with the time to wait."""
        now = self._monotonic()
        step = self.seconds / self.count
        free_at = max(self._free_at.get(key, 0.0), now) + step
        wait = free_at - now - self.seconds
        # One call too many waits a whole step, the last that is allowed none; sums of steps are a little off either way.
        if wait > step / 2:
            seconds = str(math.ceil(wait))
            raise TooMany(
                headers={
                    "Retry-After": seconds,
                    "RateLimit": f'"{self.name}";r=0;t={seconds}',
                    "RateLimit-Policy": f'"{self.name}";q={self.count};w={math.ceil(self.seconds)}',
                }
            )
        if key not in self._free_at and len(self._free_at) >= MOST_KEYS:
            self._make_room(now)
        self._free_at[key] = free_at

    def _make_room(self, now: float) -> None:
        """Forget who has nothing owing; under a flood of addresses, forget the half that came first."""
        kept = {known: at for known, at in self._free_at.items() if at > now}
        if len(kept) > MOST_KEYS // 2:
            kept = dict(list(kept.items())[len(kept) // 2 :])
        self._free_at = kept
