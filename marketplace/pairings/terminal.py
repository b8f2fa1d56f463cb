"""What `duijie rematch` does and says in a terminal, apart from reading its options."""

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import typer
import uvloop
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from marketplace.kernel import log
from marketplace.kernel.refusals import Refusal
from marketplace.kernel.sheets import harmless
from marketplace.opening import open_database
from marketplace.pairings import rematching
from marketplace.pairings.rematching import Proposed, Wish, Words
from marketplace.settings import Settings, settings
from matching.segments.rematch import Run
from matching.sharing import Passed

_HEADERS: Final = (
    "编号 id", "名称 title", "位次 place", "推荐编号 proposed id", "推荐 proposed", "单位 organisation", "得分 score",
    "原位次 plain rank", "说明 note",
)  # fmt: skip


def run(wish: Wish, *, depth: int, threads: int, anew: bool, to: Path | None) -> None:
    """Match, as far as it is not done yet; share out what is proposed; say it, and write it to a CSV file if wanted."""
    console, found = Console(), settings()
    log.configure(found.format, found.log_level)
    try:
        folder, by = uvloop.run(_prepared(found))
        with rematching.begun(folder, depth=depth, anew=anew, by=by) as matched:
            uvloop.run(_worded(found, matched, by))
            _work(matched, threads, found.rematch_scheduler, console)
            out = uvloop.run(_proposed(found, matched, wish))
    except Refusal as refusal:
        Console(stderr=True).print(f"[red]{escape(refusal.detail or refusal.title())}[/red]", highlight=False)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        Console(stderr=True).print(
            "已停下；再次运行同一命令会从这里继续。 · Stopped; the same command goes on from here.", highlight=False
        )
        raise
    _tell(console, out, wish)
    if to is not None:
        with to.open("w", encoding="utf-8-sig", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(_HEADERS)
            lines.writerows([harmless(cell) for cell in line] for line in _lines(out))


async def _prepared(found: Settings) -> tuple[Path, Words]:
    async with open_database(found, name="duijie-rematch") as database:
        return await rematching.written_down(database, found.home), await rematching.words(database)


async def _worded(found: Settings, run: Run, by: Words) -> None:
    async with open_database(found, name="duijie-rematch") as database:
        await rematching.worded(database, run, by)


async def _proposed(found: Settings, run: Run, wish: Wish) -> Proposed:
    async with open_database(found, name="duijie-rematch") as database:
        return await rematching.proposed(database, run, wish)


def _work(run: Run, threads: int, scheduler: str | None, console: Console) -> None:
    done, of = run.progress()
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
        console=console,
    ) as bar:  # fmt: skip
        task = bar.add_task("匹配 matching", total=of, completed=done)
        told = partial(_tell_bar, bar, task)
        rematching.match(run, told, threads=threads, scheduler=scheduler)


def _tell_bar(bar: Progress, task: TaskID, done: int, of: int) -> None:
    bar.update(task, completed=done, total=of)


def _tell(console: Console, out: Proposed, wish: Wish) -> None:
    made = sum(len(proposals) for _, proposals, _ in out.asking)
    nothing = sum(not proposals for _, proposals, _ in out.asking)
    console.print(
        f"{len(out.asking)} 方 asked，{made} 条推荐 proposals，{nothing} 方没有合适的 without any", highlight=False
    )
    if wish.places is not None or wish.floor:
        share = out.total / out.plain if out.plain else 1.0
        console.print(
            f"名额内得分之和 {out.total:.2f}，不限名额 {out.plain:.2f}（{share:.0%}）；{out.short} 方不足保底"
            f" · scores add up to {out.total:.2f} within the places, {out.plain:.2f} without; {out.short} below the floor",
            highlight=False,
        )


def _lines(out: Proposed) -> Iterator[list[str]]:
    for key, proposals, passed in out.asking:
        title = out.names[key].title
        for place, one in enumerate(proposals, 1):
            named = out.names[one.key]
            said = "保底 · kept" if one.kept else ""
            yield [
                key,
                title,
                str(place),
                one.key,
                named.title,
                named.organisation,
                f"{one.score:.6f}",
                str(one.rank),
                said,
            ]
        for over in passed:
            named = out.names[over.key]
            yield [
                key,
                title,
                "",
                over.key,
                named.title,
                named.organisation,
                f"{over.score:.6f}",
                str(over.rank),
                _why(over),
            ]


def _why(over: Passed) -> str:
    if not over.places:
        return "没有名额 · has no place"
    return (
        f"{over.places} 个名额已给了得分 {over.lowest:.4f} 至 {over.highest:.4f} 的各方"
        f" · its {over.places} places went to scores from {over.lowest:.4f} to {over.highest:.4f}"
    )
