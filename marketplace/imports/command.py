"""`duijie import`: the operator's way in."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer


class What(StrEnum):
    ACHIEVEMENTS = "achievements"
    PROBLEMS = "problems"
    INSTRUMENTS = "instruments"
    EXPERTS = "experts"


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("import")(import_file)
    app.command("undo-import")(undo_import)


def import_file(
    what: Annotated[
        What, typer.Argument(metavar="KIND", help="achievements 成果 | problems 难题 | instruments 仪器 | experts 专家")
    ],
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            readable=True,
            help="JSONL、CSV（UTF-8、GB18030）、Excel · .jsonl .csv .xlsx .xls",
        ),
    ],
    organisation: Annotated[
        str,
        typer.Option(help="统一社会信用代码：记录归属的单位 · credit code of the organisation whose records these are"),
    ],
    source: Annotated[
        str | None,
        typer.Option(help="来源；与外部编号一起认出同一条记录 · with the external id it tells a record again"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只检查，不写入 · check only, write nothing")] = False,
    partial: Annotated[
        bool,
        typer.Option("--partial", help="有错误时仍导入正确的行 · import the good rows although others have errors"),
    ] = False,
    publish: Annotated[
        bool,
        typer.Option(
            "--publish",
            help="随即发布，缺少内容的先存为草稿；专家不能 · publish; what lacks something stays a draft; never experts",
        ),
    ] = False,
    errors_to: Annotated[
        Path | None, typer.Option(dir_okay=False, writable=True, help="把错误写入 CSV · write the errors to a CSV file")
    ] = None,
) -> None:
    """导入成果、难题、仪器或专家 · Import achievements, problems, instruments or experts from a file; importing it again changes nothing."""
    from marketplace.imports import terminal  # noqa: PLC0415 -- takes seconds to import, and the help needs none of it

    how = terminal.How(source, dry_run, partial, publish)
    terminal.load(file, what.value, organisation, how, errors_to=errors_to)


def undo_import(
    number: Annotated[UUID, typer.Argument(metavar="ID", help="导入编号 · as the import told it")],
) -> None:
    """撤销一次导入 · Undo an import as a whole; what was changed or used since stays, row by row."""
    from marketplace.imports import undo_terminal  # noqa: PLC0415 -- takes seconds to import, and the help needs none of it

    undo_terminal.undo(number)
