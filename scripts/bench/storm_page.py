"""What the storm of bookings found: kept beside the page, and told on it."""

import json
from pathlib import Path
from typing import Any, Final

from scripts.bench.__main__ import ROOT

PAGE: Final = ROOT / "docs" / "benchmarks-bookings.md"
KEPT: Final = ROOT / "docs" / "benchmarks-storm.json"
HEAD: Final = "## Storm\n"


def keep(found: dict[str, Any]) -> None:
    """Write the figures down, and the page's part about them anew."""
    KEPT.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    page = PAGE.read_text() if PAGE.exists() else "# Benchmarks of bookings\n\n"
    PAGE.write_text(page.partition(HEAD)[0].rstrip("\n") + "\n\n" + section())


def section(kept: Path = KEPT) -> str:
    """The part of the page, made of the figures that were kept; nothing where there are none."""
    if not kept.exists():
        return ""
    found = json.loads(kept.read_text())
    rows = [
        "| seed | scene | rounds | winners a round | requests | 5xx | p50 s | p95 s |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(
            f"| {row['seed']} | {row['scene']} | {row['rounds']} | {_winners(row['winners'])} | {row['requests']}"
            f" | {row['faults']} | {row['p50']:.3f} | {row['p95']:.3f} |"
            for row in found["rows"]
        ),
    ]
    overlaps = ", ".join(f"seed {seed}: {count}" for seed, count in found["overlaps"].items())
    naive = found["naive"]
    return (
        f"{HEAD}\nWritten by `make storm` (`scripts/storm_bookings.py`) on {found['date']}: {found['clients']} clients at two"
        f" processes with their workers, PostgreSQL and the clients themselves on the same machine ({found['cores']} cores;"
        f" load {found['load_before']:.1f} before, {found['load_after']:.1f} after). The naive twin, which looks and then"
        f" books, let {naive['winners']:.1f} of {found['clients']} have one slot on average and left {naive['overlaps']}"
        f" overlaps.\n\nOverlaps in the database afterwards — {overlaps}.\n\n" + "\n".join(rows) + "\n"
        + (f"\n{found['note']}\n" if found.get("note") else "")
    )  # fmt: skip


def _winners(counts: dict[str, int]) -> str:
    return ", ".join(f"{winners} ({rounds}×)" for winners, rounds in sorted(counts.items()))
