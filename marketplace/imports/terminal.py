"""What `duijie import` does and says in a terminal, apart from reading its options."""

import asyncio
import csv
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy import select
from uuid_utils.compat import uuid7

from marketplace.identity.models import Organisation
from marketplace.imports import imports
from marketplace.imports.fields import heading
from marketplace.imports.imports import Import
from marketplace.kernel import facts, log
from marketplace.kernel.db import Database
from marketplace.kernel.refusals import Refusal
from marketplace.kernel.sheets import harmless
from marketplace.opening import open_database
from marketplace.settings import Settings, settings
from marketplace.wiring import LISTENERS, WITHIN
from schemas.imports import Finding, ImportKind, ImportResult

SHOWN: Final = 50
_HEADERS: Final = ("工作表 sheet", "行 row", "列 column", "单元格 cell", "字段 field", "代码 code", "说明 detail")


_KINDS: Final = {
    "achievements": ImportKind.ACHIEVEMENT,
    "problems": ImportKind.PROBLEM,
    "instruments": ImportKind.INSTRUMENT,
    "experts": ImportKind.EXPERT,
}


@dataclass(frozen=True, slots=True)
class How:
    """The options of the command, as marketplace/imports/imports.py tells them."""

    source: str | None
    dry_run: bool
    partial: bool
    publish: bool


def load(file: Path, what: str, organisation: str, how: How, *, errors_to: Path | None) -> None:
    """Import the file's records for the organisation with that credit code, and say what came of it."""
    found = settings()
    log.configure(found.format, found.log_level)
    facts.listen(LISTENERS, WITHIN)
    console = Console()
    started = time.perf_counter()

    import_id = uuid7()

    async def run() -> ImportResult:
        async with open_database(found, name="duijie-import") as database:
            asked = Import(
                id=import_id,
                kind=_KINDS[what],
                organisation_id=await _organisation(database, organisation),
                name=file.name,
                source=how.source,
                dry_run=how.dry_run,
                partial=how.partial,
                publish=how.publish,
                fresh_for=_fresh_for(found),
            )
            with _bar(console) as bar:
                task = bar.add_task("检查 checking", total=None)

                async def progress(checked: int, written: int, of: int) -> None:
                    said = "写入 writing" if written else "检查 checking"
                    bar.update(task, completed=written or checked, total=of, description=said)

                return await imports.run(database, asked, file, on_progress=progress)

    try:
        result = asyncio.run(run())
    except Refusal as refusal:
        Console(stderr=True).print(f"[red]{escape(refusal.detail or refusal.title())}[/red]", highlight=False)
        raise typer.Exit(1) from None
    _tell(console, _KINDS[what], result, time.perf_counter() - started)
    if not result.dry_run and result.created + result.updated:
        console.print(f"撤销这次导入 · to undo it: duijie undo-import {import_id}", highlight=False, soft_wrap=True)
    if errors_to is not None:
        _write(errors_to, result)
    if result.errors:
        raise typer.Exit(1)


def _fresh_for(found: Settings) -> timedelta:
    return timedelta(days=found.freshness_days)


async def _organisation(database: Database, uscc: str) -> UUID:
    async with database.reading() as session:
        found = await session.scalar(select(Organisation.id).where(Organisation.uscc == uscc.strip().upper()))
    if found is None:
        raise Refusal("没有这个统一社会信用代码的单位。 · No organisation has this credit code.")
    return found


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


def _tell(console: Console, kind: ImportKind, result: ImportResult, seconds: float) -> None:
    said = "试运行，没有写入 · dry run, nothing written" if result.dry_run else "完成 · done"
    if result.errors and not (result.dry_run or result.created + result.updated + result.unchanged):
        said = "没有导入任何内容 · nothing was imported"
    console.print(
        f"{said}：{result.rows} 行 rows，新增 created {result.created}，更新 updated {result.updated}，"
        f"未变 unchanged {result.unchanged}，有误 failed {result.failed}"
        f"（{seconds:.1f} s，{result.rows / seconds:,.0f} 行/秒 rows/s）",
        highlight=False,
    )
    for notice in result.notices:
        where = f"第 {notice.row} 行 row {notice.row}" if notice.rows == 1 and notice.row else f"{notice.rows} 行 rows"
        column = notice.column and heading(kind, notice.column)
        at = "，".join(part for part in (notice.sheet, column, where) if part)
        console.print(f"[yellow]提示 note[/yellow]（{escape(at)}）：{escape(notice.detail)}", highlight=False)
    if not result.errors:
        return
    table = Table(title="需要修改 · to be changed", title_justify="left", show_lines=True)
    table.add_column("位置 place", overflow="fold")
    table.add_column("列 column", overflow="fold")
    table.add_column("怎样改 what to mend", overflow="fold", ratio=1)
    for error in result.errors[:SHOWN]:
        sheet, row, column, cell, field, code, detail = map(escape, _line(error))
        place = "\n".join(part for part in (sheet, cell or row) if part)
        table.add_row(place, column or heading(kind, field), f"{detail}\n[dim]{code}[/dim]")
    console.print(table)
    more = len(result.errors) - SHOWN + result.errors_left_off
    if more > 0:
        console.print(f"还有 {more} 处 · {more} more（--errors-to FILE.csv）", highlight=False)


def _line(error: Finding) -> list[str]:
    row = None if error.row is None else str(error.row)
    parts = (error.sheet, row, error.column, error.cell, error.field, error.code, error.detail)
    return [part or "" for part in parts]


def _write(to: Path, result: ImportResult) -> None:
    """The errors as CSV that Excel opens; what could be taken for a formula is not."""
    with to.open("w", encoding="utf-8-sig", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(_HEADERS)
        for error in result.errors:
            lines.writerow(map(harmless, _line(error)))
        if result.errors_left_off:
            lines.writerow(["", "", "", "", "", "left_off", f"还有 {result.errors_left_off} 处 · and as many more"])
