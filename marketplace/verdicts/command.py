"""`duijie learn`: what the verdicts given so far teach, in a terminal."""

# ruff: noqa: PLC0415 -- declared with the others at every start, so what it works with is imported when it runs

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("learn")(learn)


def learn(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只显示，不写入 · show it, write nothing")] = False,
    activate: Annotated[
        bool, typer.Option("--activate", help="离线确实更好就启用 · activate it if it is certainly better offline")
    ] = False,
) -> None:
    """从评价中学习匹配权重与误导的词 · Learn the ranking's weights and misleading terms from verdicts."""
    if dry_run and activate:
        raise typer.BadParameter("--dry-run 什么也不写入 · --dry-run writes nothing down", param_hint="--activate")
    import uvloop
    from rich.console import Console
    from rich.markup import escape

    from marketplace.kernel.refusals import Refusal
    from marketplace.verdicts import terminal

    try:
        uvloop.run(terminal.run(Console(), dry_run=dry_run, activate=activate))
    except Refusal as refusal:
        Console(stderr=True).print(f"[red]{escape(refusal.detail or refusal.title())}[/red]", highlight=False)
        raise typer.Exit(1) from None
