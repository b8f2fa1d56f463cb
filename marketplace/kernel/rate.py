"""How often: the generic cell rate algorithm (ITU-T I.371), per key, in this process's memory."""

import math
import time

from marketplace.kernel.refusals import TooMany

MOST_KEYS = 100_000


class Limit:
    """At most `count` calls per `seconds` for each key, spread evenly with bursts of up to `count`.

    It guards one process; what must hold across processes (sign-in) is counted in the database.
    """

    def __init__(self, name: str, count: int, seconds: float) -> None:
        self.name, self.count, self.seconds = name, count, seconds
        self._free_at: dict[str, float] = {}

    def spend(self, key: str) -> None:
        """Take one call from this key's allowance, or refuse with the time to wait."""
        now = time.monotonic()
        step = self.seconds / self.count
        free_at = max(self._free_at.get(key, 0.0), now) + step
        wait = free_at - now - self.seconds
        if wait > 0:
            seconds = str(math.ceil(wait))
            raise TooMany(
                headers={
                    "Retry-After": seconds,
                    "RateLimit": f'"{self.name}";r=0;t={seconds}',
                    "RateLimit-Policy": f'"{self.name}";q={self.count};w={math.ceil(self.seconds)}',
                }
            )
        if len(self._free_at) >= MOST_KEYS:
            self._free_at = {kept: at for kept, at in self._free_at.items() if at > now}
        self._free_at[key] = free_at
