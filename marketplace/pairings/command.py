"""`duijie rematch`: everybody against everybody, in a terminal."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Who(StrEnum):
    PROBLEMS = "problems"
    ACHIEVEMENTS = "achievements"


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("rematch")(rematch)


def rematch(
    to: Annotated[
        Path | None,
        typer.Option(dir_okay=False, writable=True, help="把推荐写入 CSV · write the proposals to a CSV file"),
    ] = None,
    way: Annotated[Who, typer.Option("--for", help="为谁推荐 · whom to make proposals to")] = Who.PROBLEMS,
    proposals: Annotated[int, typer.Option(min=1, max=100, help="每方最多几条推荐 · proposals for each at most")] = 5,
    places: Annotated[
        int | None,
        typer.Option(
            min=0, max=10_000, help="每项（或每个单位）最多推荐给几方；不填不限 · to how many one is proposed at most"
        ),
    ] = None,
    floor: Annotated[int, typer.Option(min=0, max=100, help="每方保底几条推荐 · proposals that each one keeps")] = 0,
    by_organisation: Annotated[
        bool, typer.Option("--by-organisation", help="名额按单位计 · places are those of an organisation")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="也推荐不够合适的 · propose also what hardly fits")] = False,
    depth: Annotated[int, typer.Option(min=1, max=1000, help="每方取前多少条 · how deep the rankings go")] = 50,
    threads: Annotated[int, typer.Option(min=1, max=256, help="线程数 · threads")] = 2,
    anew: Annotated[bool, typer.Option("--anew", help="丢弃未完成的，重新开始 · begin again")] = False,
) -> None:
    """全量匹配：所有难题与所有成果，可中断后继续 · Match all problems and all achievements; goes on where it stopped."""
    if floor > proposals:
        raise typer.BadParameter("保底不能多于推荐数 · the floor cannot be above the proposals", param_hint="--floor")
    if proposals > depth:
        raise typer.BadParameter("推荐数不能多于深度 · no more proposals than the depth", param_hint="--proposals")
    # These take seconds to import, and the help needs none of them.
    from marketplace.pairings import terminal  # noqa: PLC0415
    from marketplace.pairings.rematching import Wish  # noqa: PLC0415
    from matching.segments.rematch import Way  # noqa: PLC0415

    wish = Wish(Way(way.value), proposals, places, floor, by_organisation, every)
    terminal.run(wish, depth=depth, threads=threads, anew=anew, to=to)
