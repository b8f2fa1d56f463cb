"""Measure the ranking beside its peers and write docs/benchmarks-matching.md: `make bench-matching`.

Every engine gets the same tokens and the same queries, runs in a process of its own on one thread, one after the other.
"""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rich.console import Console

from matching.segments.bulk import publish
from matching.segments.collection import Collection
from matching.segments.store import Store
from scripts.bench_matching import corpus, report
from scripts.bench_matching.engines import ENGINES

DOCS = corpus.ROOT / "docs"
SIZES = [10_000, 100_000, 1_000_000]
REMATCHED = 2000
PROCESSES = 2

console = Console()
app = typer.Typer()

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS"), "1"
)


def child(module: str, *arguments: str, one_thread: bool = True) -> dict[str, Any] | str:
    """The figures that a process prints, or why it could not."""
    done = subprocess.run(
        [sys.executable, "-m", f"scripts.bench_matching.{module}", *arguments],
        env=os.environ | (ONE_THREAD if one_thread else {}),
        cwd=corpus.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["failed"])[-1]
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def cpu_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system + times.user + times.system


def prepared(n: int, work: Path, *, anew: bool) -> dict[str, float]:
    """Our index, made from the texts; from it the matrix and the queries for all. Answers what the building took, also
    when that was in an earlier run in the same folder, unless it has to be made ``anew``: it has the same rows then, so
    what peers have made of the matrix stays."""
    known = work / "prepared.json"
    if known.exists() and not anew:
        took: dict[str, float] = json.loads(known.read_text(encoding="utf-8"))
        return took
    rmtree(work / "duijie", ignore_errors=True)
    texts = corpus.written(n, work.parent)
    wall, cpu = time.perf_counter(), cpu_of_children()
    publish(Store(work / "duijie"), corpus.records(texts, n), analysis=corpus.WORDS, processes=PROCESSES)
    took = {"load": os.getloadavg()[0], "wall": time.perf_counter() - wall, "cpu": cpu_of_children() - cpu}
    view = Collection(Store(work / "duijie")).view
    took["postings"] = float(sum(part.segment.postings for part in view.parts))
    if not (work / "matrix").exists():
        corpus.Matrix.save(view, work / "matrix")
    asked = json.dumps(corpus.queries(200), ensure_ascii=False)
    (work / "queries.json").write_text(asked, encoding="utf-8")
    known.write_text(json.dumps(took), encoding="utf-8")
    return took


def versions() -> dict[str, str]:
    found = {}
    for name in ("numpy", "numba", "scipy", "scikit-learn", "bm25s", "tantivy", "sparse_dot_topn"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def machine() -> dict[str, str]:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return {"processor": model, "cores": str(os.cpu_count()), "Python": platform.python_version()} | versions()


@contextmanager
def place(given: Path | None) -> Iterator[Path]:
    if given:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    with TemporaryDirectory() as folder:
        yield Path(folder)


def measure(n: int, work: Path, only: list[str], *, anew: bool, beside: bool) -> dict[str, Any]:
    work.mkdir(exist_ok=True)
    figures: dict[str, Any] = {"documents": n, "load": os.getloadavg()[0], "engines": {}}
    figures["prepared"] = prepared(n, work, anew=anew)
    made = figures["prepared"]
    console.print(f"{n:>9,} built: {made['wall']:.1f} s wall, {made['cpu']:.1f} s CPU", highlight=False)
    figures["opening"] = {which: child("opening", str(work), which) for which in ("cold", "warm")}
    console.print(f"{n:>9,} opened: {figures['opening']}", highlight=False)
    for name in only:
        started = time.perf_counter()
        first = child("one", name, str(work))
        second = child("one", name, str(work)) if isinstance(first, dict) and "short" not in first else first
        figures["engines"][name] = second
        told = (
            second if isinstance(second, str) else {kind: round(second[kind]["cpu"], 3) for kind in ("short", "long")}
        )
        console.print(f"{n:>9,} {name:16} {told} ({time.perf_counter() - started:.0f} s)", highlight=False)
    for name in ("updating", "living", "rematching") if beside else ():
        figures[name] = child(name, str(work), one_thread=False)
        console.print(f"{n:>9,} {name}: {figures[name]}", highlight=False)
    figures["load_after"] = os.getloadavg()[0]
    return figures


@app.command()
def main(
    *,
    sizes: Annotated[list[int] | None, typer.Option("--size", help="records; may be given several times")] = None,
    only: Annotated[list[str] | None, typer.Option("--only", help="an engine; all by default")] = None,
    work: Annotated[
        Path | None, typer.Option(help="a folder to keep corpus and indexes in; a temporary one by default")
    ] = None,
    anew: Annotated[bool, typer.Option(help="make our index again, where an earlier run in the folder has")] = False,
    beside: Annotated[bool, typer.Option(help="measure updates and a rematch too")] = True,
    add: Annotated[bool, typer.Option(help="to what an earlier run in the same folder has measured")] = False,
    write: Annotated[bool, typer.Option(help="renew the page")] = True,
) -> None:
    """Measure and write the page."""
    with place(work) as folder:
        kept = folder / "figures.json"
        before = json.loads(kept.read_text(encoding="utf-8")) if add and kept.exists() else {"runs": []}
        runs: dict[int, dict[str, Any]] = {run["documents"]: run for run in before["runs"]}
        odd = child("odd", str(folder / "odd")) if beside else before.get("odd")
        for n in sizes or SIZES:
            run = measure(n, folder / str(n), only or list(ENGINES), anew=anew, beside=beside)
            earlier = runs.get(n, {})
            measured = earlier.get("engines", {}) | run["engines"]
            ordered = {name: measured[name] for name in ENGINES if name in measured}
            runs[n] = earlier | run | {"engines": ordered}
            figures = {
                "date": time.strftime("%Y-%m-%d"),
                "machine": machine(),
                "source": corpus.source(),
                "runs": [runs[n] for n in sorted(runs)],
                "odd": odd,
            }
            kept.write_text(json.dumps(figures, ensure_ascii=False), encoding="utf-8")
            if write:
                (DOCS / "benchmarks-matching.md").write_text(report.page(figures), encoding="utf-8")
                (DOCS / "benchmarks-matching.svg").write_text(report.plot(figures), encoding="utf-8")


if __name__ == "__main__":
    app()
