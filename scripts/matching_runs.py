"""Two runs of scripts/evaluate_matching.py beside each other: what every query got, then and now."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from rich.console import Console
from rich.table import Table

from matching.metrics import bootstrap_interval
from scripts.matching_sets import Unusable, lines_of

SHOWN = 10
DECIMALS = 6
EQUAL = 1e-6
"""Figures of kept runs are rounded."""

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Result:
    """A task's figures, what each query got, and for each query the documents that nobody has judged yet."""

    figures: Figures
    per_query: dict[str, float]
    unjudged: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """What each query gained, summed up; ``changed``: before and after of those that are not the same, most lost first."""

    mean: float
    low: float
    high: float
    better: int
    worse: int
    same: int
    changed: tuple[tuple[str, float, float], ...]


def difference(before: Mapping[str, float], after: Mapping[str, float]) -> Difference:
    """Over the queries that both have, of which there is at least one."""
    pairs = [(name, before[name], value) for name, value in after.items() if name in before]
    gains = [value - was for _, was, value in pairs]
    changed = sorted(
        (pair for pair in pairs if abs(pair[2] - pair[1]) > EQUAL), key=lambda pair: (pair[2] - pair[1], pair[0])
    )
    low, high = bootstrap_interval(gains)
    return Difference(
        mean=fmean(gains),
        low=low,
        high=high,
        better=sum(value > was for _, was, value in changed),
        worse=sum(value < was for _, was, value in changed),
        same=len(pairs) - len(changed),
        changed=tuple(changed),
    )


def written(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise Unusable(f"{path}: {problem.strerror}") from problem


def details_of(results: Mapping[str, Result]) -> str:
    """What each query got, and the unjudged documents found: a line for each task and kind, so that runs can be kept."""
    lines = [
        f"{json.dumps(task)}: {{\n{said('per_query', _rounded(each.per_query))},\n{said('unjudged', each.unjudged)}\n}}"
        for task, each in results.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def said(name: str, content: object) -> str:
    return f" {json.dumps(name)}: {json.dumps(content, ensure_ascii=False, separators=(',', ':'))}"


def _rounded(got: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, DECIMALS) for name, value in got.items()}


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a query got in an earlier run, and which documents nobody had judged that it found."""

    per_query: Mapping[str, float]
    unjudged: Mapping[str, list[str]]


def accepted(path: Path, tasks: Collection[str]) -> dict[str, Earlier]:
    """An earlier run by task: the file that --details wrote, with at least ``tasks``."""
    try:
        found = json.loads("\n".join(line for _, line in lines_of(path)))
        return {
            task: Earlier(
                {str(name): float(got) for name, got in said["per_query"].items()},
                {str(name): list(keys) for name, keys in said.get("unjudged", {}).items()},
            )
            for task, said in [*((task, found[task]) for task in tasks), *found.items()]
        }
    except (json.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as problem:
        raise Unusable(f"{path}: not what --details writes") from problem


@dataclass(frozen=True, slots=True)
class Compared:
    """``new``: for each query the documents among its first ten that nobody has judged, and that it did not find before."""

    gain: Difference
    new: Mapping[str, list[str]]


def compared(earlier: Mapping[str, Earlier], results: Mapping[str, Result], path: Path) -> dict[str, Compared]:
    """Of the tasks that both have. Unusable where one has no query in common with the earlier run: other data."""
    found = {}
    for task, result in results.items():
        if task not in earlier:
            continue
        before = earlier[task]
        if not before.per_query.keys() & result.per_query.keys():
            raise Unusable(f"{path}: no query of {task} is in this data")
        new = {
            name: [key for key in keys if key not in before.unjudged.get(name, ())]
            for name, keys in result.unjudged.items()
        }
        found[task] = Compared(
            difference(before.per_query, result.per_query), {name: keys for name, keys in new.items() if keys}
        )
    return found


def signed(gain: Difference) -> str:
    return f"{gain.mean:+.4f} ({gain.low:+.3f} – {gain.high:+.3f})"


def show_compared(found: Mapping[str, Compared], console: Console) -> None:
    table = Table("task", "change, 95 % interval", "better", "worse", "same", title="Against the accepted run")
    for task, each in found.items():
        gain = each.gain
        table.add_row(task, signed(gain), str(gain.better), str(gain.worse), str(gain.same))
    console.print(table)
    for task, each in found.items():
        changed = each.gain.changed
        lost, won = [one for one in changed if one[2] < one[1]], [one for one in changed if one[2] > one[1]]
        for word, some in (("lost", lost[:SHOWN]), ("won", won[::-1][:SHOWN])):
            for name, before, after in some:
                console.print(f"{task} {word} {name}: {before:.3f} → {after:.3f}", highlight=False)
        for name, keys in each.new.items():
            console.print(f"{task} to be judged {name}: {', '.join(keys)}", highlight=False)
