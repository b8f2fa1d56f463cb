"""Having a file checked by another process, which may be killed."""

import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from marketplace.kernel.validation import told_of
from schemas.imports import Finding, ImportKind

log = structlog.get_logger("imports")

SECONDS: Final = 180
_ROOT: Final = Path(__file__).parents[2]
# Longer than any line of progress; a report of 1,000 errors is about half a megabyte.
_LONGEST_LINE: Final = 16 * 1024 * 1024

# How many rows are checked, of about how many.
Checked = Callable[[int, int], Awaitable[None]]

# A check may take a gigabyte: one at a time in each process.
_turn = asyncio.Semaphore(1)


@dataclass(frozen=True, slots=True)
class Report:
    """What the checking process found. `sizes`: how many records each line of the spool holds."""

    rows: int
    failed: int
    repeated: int
    errors: list[Finding]
    left_off: int
    notices: list[Finding]
    refused: bool
    sizes: list[int]

    @property
    def records(self) -> int:
        return sum(self.sizes)


async def check(
    path: Path,
    spool: Path,
    *,
    name: str,
    kind: ImportKind,
    source: str | None,
    publish: bool,
    on_progress: Checked,
    seconds: float = SECONDS,
) -> Report:
    """Read and check the file; its records stand in `spool` afterwards. Whatever the file does, this ends."""
    task = {"path": str(path), "spool": str(spool), "name": name, "kind": kind, "source": source, "publish": publish}
    async with _turn:
        return await _check(json.dumps(task).encode() + b"\n", on_progress, seconds)


async def _check(task: bytes, on_progress: Checked, seconds: float) -> Report:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "marketplace.imports.process",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
        env={"PYTHONPATH": str(_ROOT), "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    raw: dict[str, Any] | None = None
    try:
        async with asyncio.timeout(seconds):
            said = asyncio.ensure_future(_said(process))
            try:
                raw = await _followed(process, task, on_progress)
            finally:
                if raw is None:
                    _kill(process)
                errors = await said
            code = await process.wait()
    except TimeoutError:
        code, errors = -signal.SIGKILL, b"time is up"
    finally:
        _kill(process)
        await process.wait()
    if raw is None or code != 0:
        log.warning("import_check_died", code=code, because=errors[-2000:].decode(errors="replace"))
        return _died()
    return _report(raw)


async def _said(process: asyncio.subprocess.Process) -> bytes:
    assert process.stderr is not None
    return await process.stderr.read()


async def _followed(process: asyncio.subprocess.Process, task: bytes, on_progress: Checked) -> dict[str, Any] | None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(task)
    process.stdin.close()
    try:
        async for line in process.stdout:
            said = json.loads(line)
            if "report" in said:
                report: dict[str, Any] = said["report"]
                return report
            await on_progress(said["checked"], said["expected"])
    except ValueError:
        # Cut off in the middle of a line.
        return None
    return None


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()


def _died() -> Report:
    found = Finding(
        code="file_too_heavy",
        detail="读取这个文件超出了内存或时间限制：请拆成几个文件，或另存为 CSV"
        " · reading this file takes more memory or time than allowed: split it, or save it as CSV",
    )
    return Report(0, 0, 0, [found], 0, [], refused=True, sizes=[])


def _report(raw: dict[str, Any]) -> Report:
    errors = [_finding(error) for error in raw["errors"]]
    if raw["refused"] is not None:
        errors.insert(0, _finding(raw["refused"]))
    return Report(
        rows=raw["rows"],
        failed=raw["failed"],
        repeated=raw["repeated"],
        errors=errors,
        left_off=raw["left_off"],
        notices=[_finding(notice) for notice in raw["notices"]],
        refused=raw["refused"] is not None,
        sizes=raw["sizes"],
    )


def _finding(raw: dict[str, Any]) -> Finding:
    said = raw.pop("said", None)
    if said is not None:
        raw["detail"] = told_of({**said, "loc": ()}).detail
    return Finding.model_validate(raw)
