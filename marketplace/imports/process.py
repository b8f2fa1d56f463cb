"""The checking process: `python -m marketplace.imports.process`, told on standard input what to check.

It reads files that nobody has looked at, so it limits its own memory, time and output before it opens one, and knows
neither database nor settings. Standard output carries one JSON object a line: progress, then the report.
"""

import json
import resource
import sys
import types
from pathlib import Path
from typing import Any, Final

MEMORY: Final = 1024 * 1024 * 1024
CPU_SECONDS: Final = 120
OUTPUT: Final = 2 * 1024 * 1024 * 1024


def limit() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, OUTPUT),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (bound, bound))


def without_the_front_door(package: str) -> None:
    """Let a module of a package be imported without what the package's front door brings: a second of numerics."""
    place = Path(__file__).parents[2] / package
    stand_in = types.ModuleType(package)
    stand_in.__path__ = [str(place)]
    sys.modules[package] = stand_in


def say(**what: Any) -> None:
    sys.stdout.write(json.dumps(what, ensure_ascii=True) + "\n")
    sys.stdout.flush()


def work(task: dict[str, Any]) -> None:
    """Check the file of a task and spool its records."""
    from marketplace.imports.checkers import checker_of  # noqa: PLC0415 -- after the limits
    from marketplace.imports.checking import records_of, spool  # noqa: PLC0415
    from marketplace.imports.files import BEGINNING, file_type  # noqa: PLC0415
    from marketplace.imports.findings import FileRefused, Findings  # noqa: PLC0415
    from schemas.imports import ImportKind  # noqa: PLC0415

    findings = Findings()
    checker = checker_of(ImportKind(task["kind"]), task["source"], findings, publish=task["publish"])
    path = Path(task["path"])
    refused: dict[str, Any] | None = None
    sizes: list[int] = []
    try:
        with path.open("rb") as file:
            kind = file_type(task["name"], file.read(BEGINNING))
        with Path(task["spool"]).open("wb") as out:
            sizes = spool(
                records_of(path, kind, checker),
                out,
                lambda: say(checked=checker.tally.rows, expected=max(findings.expected, checker.tally.rows)),
            )
        if not checker.tally.rows:
            findings.sheet = findings.row = None
            findings.notice(None, "no_rows", "文件中没有数据行 · there are no rows of data in the file")
    except FileRefused as error:
        refused = error.found()
    say(
        report={
            "rows": checker.tally.rows,
            "failed": checker.tally.failed,
            "repeated": checker.tally.repeated,
            "errors": findings.errors,
            "left_off": findings.left_off,
            "notices": list(findings.notices.values()),
            "refused": refused,
            "sizes": sizes,
        }
    )


def main() -> None:
    limit()
    without_the_front_door("matching")
    work(json.loads(sys.stdin.readline()))


if __name__ == "__main__":
    main()
