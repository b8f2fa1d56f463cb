"""`duijie import`: the operator's way in."""

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
