"""Whole-number programs, and the solver behind them: HiGHS, as scipy brings it."""

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

Terms = Mapping[int, float]

NODES: Final = 20_000
"""Branches after which a program gives up: a bound that a slow machine reaches too, so that plans do not depend on it."""

BREATH: Final = 10.0
"""Seconds that the solver may go without looking whether it was cancelled."""


@dataclass(slots=True)
class Clock:
    """How long may still be worked. ``hurried``: something ended sooner than it would have by itself."""

    seconds: float
    cancel: Event | None = None
    started: float = field(default_factory=time.monotonic)
    hurried: bool = False

    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def cancelled(self) -> bool:
        return self.cancel is not None and self.cancel.is_set()

    def on(self) -> bool:
        going = not self.cancelled() and self.elapsed() < self.seconds
        self.hurried |= not going
        return going

    def before(self, part: float) -> bool:
        """Whether less than this part of the time is gone."""
        return self.on() and self.elapsed() < part * self.seconds

    def left(self, part: float = 1.0) -> float:
        """Seconds for the solver's next call, if it may have this part of all time."""
        return max(0.05, min(BREATH, self.seconds * part, self.seconds - self.elapsed())) if self.on() else 0.05


@dataclass(frozen=True, slots=True)
class Found:
    """``chosen``: the variables' values, None when none were found. ``bound``: no solution is worth more."""

    chosen: NDArray[np.int64] | None
    bound: float
    proven: bool


class Program:
    """Variables that are 0 or 1 (or up to ``upper``), rows low ≤ Σ a·x ≤ high, and what to maximise."""

    def __init__(self) -> None:
        self._lower: list[float] = []
        self._upper: list[float] = []
        self._whole: list[int] = []
        self._starts: list[int] = [0]
        self._columns: list[int] = []
        self._weights: list[float] = []
        self._low: list[float] = []
        self._high: list[float] = []

    def variable(self, *, lower: float = 0, upper: float = 1, whole: bool = True) -> int:
        """``whole=False`` for one that is whole by itself when the others are."""
        self._lower.append(lower)
        self._upper.append(upper)
        self._whole.append(int(whole))
        return len(self._lower) - 1

    def bound(self, variable: int, lower: float, upper: float) -> None:
        self._lower[variable], self._upper[variable] = lower, upper

    def row(self, terms: Terms, *, low: float = -math.inf, high: float = math.inf) -> None:
        self._columns += terms.keys()
        self._weights += terms.values()
        self._starts.append(len(self._columns))
        self._low.append(low)
        self._high.append(high)

    def at_most_one(self, variables: Iterable[int]) -> None:
        self.row(dict.fromkeys(variables, 1.0), high=1)

    def best(self, aim: Terms, clock: Clock, *, nodes: int = NODES, part: float = 1.0) -> Found:
        """Maximise Σ aim·x. The bound is that of the solver, and holds also when time or nodes ran out.

        ``part``: of all time, for this call at most.
        """
        count = len(self._lower)
        most = sum(weight * (self._upper if weight > 0 else self._lower)[each] for each, weight in aim.items())
        if not count:
            return Found(np.zeros(0, np.int64), 0.0, proven=True)
        seconds, started = clock.left(part), time.monotonic()
        result = self._solved(aim, np.array(self._whole), seconds, nodes)
        clock.hurried |= result.status != 0 and time.monotonic() - started >= seconds
        dual = result.mip_dual_bound
        bound = most if dual is None or not math.isfinite(dual) else min(most, -float(dual))
        chosen = None if result.x is None else np.rint(result.x).astype(np.int64)
        return Found(chosen, bound, proven=result.status == 0)

    def relaxed(self, aim: Terms, clock: Clock) -> NDArray[np.float64] | None:
        """The same with fractions allowed; None when there is no solution, or no time."""
        if not self._lower:
            return np.zeros(0)
        result = self._solved(aim, np.zeros(len(self._lower)), clock.left(), 1)
        return result.x if result.status == 0 else None

    def _solved(self, aim: Terms, whole: NDArray[Any], seconds: float, nodes: int) -> Any:
        count = len(self._lower)
        cost = np.zeros(count)
        for each, weight in aim.items():
            cost[each] = -weight
        rows = csr_array((self._weights, self._columns, self._starts), shape=(len(self._low), count), dtype=np.float64)
        return milp(
            cost,
            integrality=whole,
            bounds=Bounds(np.array(self._lower), np.array(self._upper)),
            constraints=[LinearConstraint(rows, np.array(self._low), np.array(self._high))] if self._low else [],
            options={"mip_rel_gap": 0.0, "time_limit": seconds, "node_limit": nodes},
        )


def whole(bound: float) -> int:
    """The largest whole number that a bound admits; the solver's numbers are good to a millionth."""
    return math.floor(bound + 1e-6 * max(1.0, abs(bound)) if abs(bound) < 1e5 else bound + 0.1)


def ones(variables: Sequence[int]) -> dict[int, float]:
    return dict.fromkeys(variables, 1.0)
