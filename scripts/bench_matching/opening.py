"""From the start of a process to its first answers: what it reads of an index that another has published.

Nearly all of the first answer's time is numba making itself ready: in a new process the first call of a kernel of one line
takes as long. A server has it behind it before it answers (``index.warm``).

With "cold" the index and the kept machine code of the kernels are dropped from the page cache first, as after a restart of
the machine; Python and its libraries are not.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any


def since_start() -> float:
    """Seconds that this process has lived, to a hundredth."""
    started = int(Path("/proc/self/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[19])
    uptime = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    return uptime - started / os.sysconf("SC_CLK_TCK")


def measured(work: Path, *, cold: bool) -> dict[str, Any]:
    import matching.segments  # noqa: PLC0415 -- importing is what is timed
    from matching.segments.collection import Collection  # noqa: PLC0415
    from matching.segments.store import Store  # noqa: PLC0415

    figures: dict[str, Any] = {"imports": since_start()}
    from scripts.bench_matching.one import memory_mb, out_of_the_page_cache, timed  # noqa: PLC0415

    queries = json.loads((work / "queries.json").read_text(encoding="utf-8"))
    if cold:
        out_of_the_page_cache(work / "duijie")
        out_of_the_page_cache(Path(matching.segments.__file__).parent / "__pycache__")
    wall = time.perf_counter()
    collections: list[Collection] = []

    def ask(terms: list[str]) -> None:
        view = collections[0].view
        assert len(view.best(view.ask(dict.fromkeys(terms, 1)), 10).rows)

    figures["open"] = timed(lambda: collections.append(Collection(Store(work / "duijie"))))
    figures["first"] = timed(lambda: ask(queries["short"][0]))
    figures["to_first"] = time.perf_counter() - wall
    figures["long"] = timed(lambda: ask(queries["long"][0]))
    figures["next"] = timed(lambda: ask(queries["long"][1]))
    figures["memory_mb"] = memory_mb("RssAnon")
    return figures


if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1]), cold=sys.argv[2] == "cold")))
