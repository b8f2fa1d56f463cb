#!/usr/bin/env python3
"""Choose the numbers of the score on one half of the queries, and tell what they do on the other half.

DIR is laid out as for scripts/evaluate_matching.py, whose four tasks these are. A figure of numbers that were chosen with
the same queries in sight is too kind; here no query is told with numbers that it helped to choose.

draws       --draws settings, each number at random from its grid, switches on three times of four
objective   the mean of the four figures: judged nDCG@10, titles MRR@10, keywords MRR@10, halves nDCG@10
choice      the best draw on one half of the queries; from there one number after the other to the best of its grid, until
            a whole round changes nothing
told        the other half; then the halves change places. --splits times, each divided anew (seeds 0, 1, …); a query's
            figure is the mean over the splits

Intervals are 95 % bootstrap intervals over the queries. The numbers in use stand beside it; they were chosen with all
queries in sight, so the truth about them lies between the two. The same seed gives the same output.

Rankings are made among each query's candidates (see scripts/matching_tables.py): with --pool 150, the figures of the
numbers in use are those of evaluate_matching.py, query by query, on the sets of docs/matching-quality.md.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run from a checkout without installing

from matching.metrics import bootstrap_interval
from matching.weighting import SETTINGS, Settings
from scripts.matching_sets import Unusable, parser_of
from scripts.matching_tables import PLAIN, Floats, Mask, Task, tables

ENDLESS = 1e9
"""Half of brevity where it never falls."""

GRID: Mapping[str, Sequence[float | bool]] = {
    "focus": (0.0, 0.15, 0.3, 0.45, 0.6),
    "pivot": (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.3),
    "half": (75.0, 150.0, 300.0, 600.0, ENDLESS),
    "characters": (False, True, True, True),
    "asides": (False, True, True, True),
    "names": (1.0, 1.5, 2.0, 2.5, 3.0, 4.0),
    "letters": (0.25, 0.5, 1.0),
    "reports": (False, True, True, True),
    "pairs": (0.5, 0.7, 0.85, 1.0),
    "apart": (0.0, 0.15, 0.3, 0.45),
}
ROUNDS = 5

Half = Mapping[str, Mask]
"""For each task, which of its queries."""


def plainly(settings: Settings) -> Settings:
    """Without what nothing depends on."""
    return settings if settings.reports else replace(settings, pairs=1.0, apart=0.0)


def drawn(many: int, seed: int = 0) -> list[Settings]:
    random = np.random.default_rng(seed)
    made = []
    for _ in range(many):
        values: dict[str, Any] = {name: grid[random.integers(len(grid))] for name, grid in GRID.items()}
        made.append(plainly(Settings(**values)))
    return list(dict.fromkeys(made))


def halves(tasks: Mapping[str, Task], seed: int) -> tuple[Half, Half]:
    random = np.random.default_rng(seed)
    one = {}
    for name, task in tasks.items():
        n = len(task.names)
        one[name] = np.isin(np.arange(n), random.permutation(n)[: n // 2])
    return one, {name: ~mask for name, mask in one.items()}


@dataclass(frozen=True, slots=True)
class Bench:
    """The tasks, and what every query got under each of the draws: shape (draws, queries)."""

    tasks: Mapping[str, Task]
    draws: Sequence[Settings]
    got: Mapping[str, NDArray[np.float32]]

    @classmethod
    def of(cls, tasks: Mapping[str, Task], draws: Sequence[Settings]) -> "Bench":
        got: dict[str, list[NDArray[np.float32]]] = {name: [] for name in tasks}
        for settings in draws:
            for name, task in tasks.items():
                got[name].append(task.values(settings).astype(np.float32))
                task.kept.clear()  # draws have nothing in common
        return cls(tasks, draws, {name: np.array(values) for name, values in got.items()})

    def objective(self, settings: Settings, half: Half) -> float:
        return float(np.mean([task.values(settings)[half[name]].mean() for name, task in self.tasks.items()]))

    def chosen(self, half: Half) -> Settings:
        each = np.mean([values[:, half[name]].mean(axis=1) for name, values in self.got.items()], axis=0)
        now = self.draws[int(each.argmax())]
        best = self.objective(now, half)
        for _ in range(ROUNDS):
            before = now
            for name, grid in GRID.items():
                for value in dict.fromkeys(grid):
                    tried = plainly(replace(now, **{name: value}))
                    if tried != now and (found := self.objective(tried, half)) > best + 1e-9:
                        now, best = tried, found
            if now == before:
                break
        return now


@dataclass(frozen=True, slots=True)
class Fitted:
    """What each query got when it had no part in the choice, by task; and what was chosen, twice a split."""

    got: Mapping[str, Floats]
    chosen: Sequence[Settings]


def cross_fitted(bench: Bench, splits: int) -> Iterator[Fitted]:
    """After each split, of all so far."""
    sums = {name: np.zeros(len(task.names)) for name, task in bench.tasks.items()}
    choices: list[Settings] = []
    for seed in range(splits):
        sides = halves(bench.tasks, seed)
        for here, other in (sides, sides[::-1]):
            settings = bench.chosen(here)
            choices.append(settings)
            for name, task in bench.tasks.items():
                sums[name][other[name]] += task.values(settings)[other[name]]
        for task in bench.tasks.values():
            task.kept.clear()
        yield Fitted({name: values / (seed + 1) for name, values in sums.items()}, tuple(choices))


def told(values: Floats) -> str:
    low, high = bootstrap_interval(values.tolist())
    return f"{values.mean():.4f} ({low:.3f} – {high:.3f})"


def show(bench: Bench, fitted: Fitted, console: Console) -> None:
    table = Table(
        "task", "n", "plain start", "cross-fitted", "in use", "in use − cross-fitted", title="Held-out figures"
    )
    for name, task in bench.tasks.items():
        used, got = task.values(SETTINGS), fitted.got[name]
        low, high = bootstrap_interval((used - got).tolist())
        gain = f"{(used - got).mean():+.4f} ({low:+.3f} – {high:+.3f})"
        table.add_row(name, str(len(got)), told(task.values(PLAIN)), told(got), told(used), gain)
    console.print(table)
    chosen = Table("number", "in use", "chosen, how often", title=f"What {len(fitted.chosen)} halves chose")
    for name in GRID:
        found = Counter(getattr(settings, name) for settings in fitted.chosen)
        often = ", ".join(f"{value:g}: {many}" for value, many in sorted(found.items()))
        chosen.add_row(name, f"{asdict(SETTINGS)[name]:g}", often)
    console.print(chosen)


def main(arguments: list[str] | None = None) -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--draws", type=int, default=400, metavar="N", help="settings drawn at random (400)")
    parser.add_argument("--splits", type=int, default=10, metavar="N", help="times that the queries are divided (10)")
    parser.add_argument("--pool", type=int, default=150, metavar="N", help="candidates from each ranking (150)")
    options = parser.parse_args(arguments)
    if min(options.draws, options.splits, options.pool) < 1:
        parser.error("--draws, --splits and --pool must be at least 1")
    begun = time.perf_counter()
    console = Console()
    try:
        bench = Bench.of(tables(options.data, options.pool), drawn(options.draws))
    except Unusable as problem:
        print(f"fit_matching: {problem}", file=sys.stderr)
        return 2
    for fitted in cross_fitted(bench, options.splits):
        figures = ", ".join(f"{name} {got.mean():.4f}" for name, got in fitted.got.items())
        print(f"split {len(fitted.chosen) // 2}: {figures} ({time.perf_counter() - begun:.0f} s)", file=sys.stderr)
    show(bench, fitted, console)
    return 0


if __name__ == "__main__":
    sys.exit(main())
