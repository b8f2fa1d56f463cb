"""The test sets as they are read from files, records as JSONL, grades as tab-separated lines; and how scripts are told where."""

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

GRADES = {"0", "1", "2", "3"}


class Unusable(Exception):  # noqa: N818  # read aloud: "Unusable: …"
    """A file is missing or is not what it should be."""


def lines_of(path: Path) -> list[tuple[int, str]]:
    """The lines that are not blank, numbered from 1."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise Unusable(f"{path}: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise Unusable(f"{path}: not UTF-8 ({problem.reason} at byte {problem.start})") from problem
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        raise Unusable(f"{path}: empty")
    return lines


def records(path: Path, *needed: str) -> list[dict[str, Any]]:
    """The records of a JSONL file, each with the fields that are needed, as text."""
    found = []
    for number, line in lines_of(path):
        try:
            record = json.loads(line)
        except json.JSONDecodeError as problem:
            raise Unusable(f"{path}, line {number}: {problem.msg}") from problem
        if not isinstance(record, dict) or not all(isinstance(record.get(name), str) for name in needed):
            raise Unusable(f"{path}, line {number}: needs {', '.join(needed)} as text")
        found.append(record)
    return found


def grades(path: Path) -> dict[str, dict[str, int]]:
    """requirement → achievement → grade, in the order of the file, whose first line is a header."""
    found: dict[str, dict[str, int]] = {}
    for number, line in lines_of(path)[1:]:
        match line.split("\t"):
            case [problem_id, achievement_id, grade] if grade.strip() in GRADES:
                found.setdefault(problem_id, {})[achievement_id] = int(grade)
            case _:
                raise Unusable(f"{path}, line {number}: needs problem, achievement and grade 0–3, tab-separated")
    return found


def parser_of(doc: str | None) -> ArgumentParser:
    """Of a script that says in its docstring what it does, and that asks for the folder first of all."""
    description, _, rest = (doc or "").partition("\n\n")
    parser = ArgumentParser(description=description, epilog=rest, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder with the test sets, as below")
    return parser
