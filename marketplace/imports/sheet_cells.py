"""Cells as our own workbooks write them: text as it was before it was made harmless, lists, whole numbers with a unit."""

import re
from typing import Any, Final

from marketplace.imports import cells
from marketplace.imports.cells import Surroundings, plain
from marketplace.kernel.sheets import as_typed
from schemas.text import fold


def text(value: Any, _: Surroundings) -> Any:
    """Text as it was before our own workbook made it harmless."""
    read = plain(value)
    return as_typed(read) if isinstance(read, str) else read


def lines(value: Any, _: Surroundings) -> Any:
    """Entries of a line each, or divided by ; ；."""
    read = plain(value)
    if not isinstance(read, str):
        return value
    return [part.strip() for part in re.split(r"[;；\n]", as_typed(read)) if part.strip()]


def words(value: Any, around: Surroundings) -> Any:
    return cells.words(text(value, around), around)


_WHOLE: Final = re.compile(r"(-?[0-9]{1,12})(?:\.0+)?\s*(?:分钟|分|天|人|次|家|个|min)?")


def whole(value: Any, _: Surroundings) -> Any:
    """A whole number, with or without its unit; what is none is told by the field itself."""
    read = plain(value)
    if not isinstance(read, str) or isinstance(value, bool):
        return value
    match = _WHOLE.fullmatch(fold(read).replace(",", ""))
    return int(match[1]) if match else read
