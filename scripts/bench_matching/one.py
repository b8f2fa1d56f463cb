"""One engine at one size in a process of its own, on one thread: prints its figures as JSON."""

import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scripts.bench_matching.corpus import Matrix
from scripts.bench_matching.engines import ENGINES, Engine, Ours

SECONDS = 5.0
"""A kind of query is asked again for about so long, at least once and at most ``ROUNDS`` times."""

ROUNDS = 3


def memory_mb(what: str) -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(what + ":"):
            return int(line.split()[1]) / 1024
    return float("nan")


def disk_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def out_of_the_page_cache(folder: Path) -> None:
    """Have the next process read these files from the disk again."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fdatasync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def timed(act: Callable[[], object]) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    act()
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def spread(cpu: Sequence[float], wall: Sequence[float]) -> dict[str, float]:
    """Milliseconds a query."""
    out = {}
    for name, values in (("cpu", cpu), ("wall", wall)):
        out[name] = float(np.mean(values)) * 1e3
        for share in (50, 99):
            out[f"{name}_p{share}"] = float(np.percentile(values, share)) * 1e3
    return out | {"asked": len(cpu)}


def asked(engine: Engine, queries: Sequence[Sequence[str]]) -> tuple[dict[str, float], list[Sequence[int]]]:
    """How long each query takes, after all were asked once, and what was found."""
    answers = engine.ask_all(queries)
    cpu, wall = [], []
    end = time.perf_counter() + SECONDS
    for _ in range(ROUNDS):
        for some in [queries] if engine.batch else [[terms] for terms in queries]:
            took = timed(lambda some=some: engine.ask_all(some))  # type: ignore[misc]
            cpu.append(took["cpu"] / len(some))
            wall.append(took["wall"] / len(some))
        if time.perf_counter() > end:
            break
    return spread(cpu, wall), answers


def measured(name: str, work: Path) -> dict[str, Any]:
    kind = ENGINES[name]
    folder = work / kind.files
    ours = kind.files == Ours.files
    figures: dict[str, Any] = {}
    if not ours and not folder.exists():
        engine = kind(folder, Matrix(work / "matrix"))
        folder.mkdir()
        figures["build"] = timed(engine.make)
        figures["build_mb"] = memory_mb("VmHWM")
        (folder / "build.json").write_text(json.dumps(figures), encoding="utf-8")
        return figures  # its memory is measured in a process that has only opened it
    if not ours:
        figures |= json.loads((folder / "build.json").read_text(encoding="utf-8"))
    matrix = None if ours or name.startswith(("bm25s", "tantivy")) else Matrix(work / "matrix")
    engine = kind(folder, matrix)
    before = memory_mb("RssAnon")
    if matrix is not None:
        matrix.forget_counts()
    out_of_the_page_cache(folder)
    figures["open"] = timed(engine.open)
    queries = json.loads((work / "queries.json").read_text(encoding="utf-8"))
    figures["first"] = timed(lambda: engine.ask(queries["long"][0]))
    figures["answers"] = {}
    for length, some in queries.items():
        figures[length], figures["answers"][length] = asked(engine, some[: kind.most])
    figures |= {"memory_mb": memory_mb("RssAnon"), "before_mb": before, "disk_mb": disk_mb(folder)}
    return figures


if __name__ == "__main__":
    wanted, place = sys.argv[1:]
    if ENGINES[wanted].needs and importlib.util.find_spec(ENGINES[wanted].needs) is None:
        sys.exit(f"{ENGINES[wanted].needs} is not installed")
    print(json.dumps(measured(wanted, Path(place))))
