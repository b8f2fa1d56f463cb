"""From lines of cells, or JSON objects, to rows whose columns are known by name."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import Any, Final

from marketplace.imports.cells import Surroundings, blank
from marketplace.imports.columns import Field
from marketplace.imports.fields import COUNTERS, PASSED_OVER, header, known, own_name
from marketplace.imports.findings import FileRefused, Findings, Place
from schemas.imports import ImportKind

# A table may begin with a title and remarks; its header stands among the first lines.
HEADER_WITHIN: Final = 20
MOST_COLUMNS: Final = 500
_LONGEST_HEADER: Final = 40
_TEXTS: Final = frozenset({"title", "description", "summary", "name"})

Line = tuple[int, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Column:
    field: Field
    place: Place
    around: Surroundings
    own: bool
    """Whether it bears the API's own name for the field."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record as it stands in the file; `cells` has every column of it, blank ones too, and is None when nothing
    could be read."""

    sheet: str | None
    number: int
    cells: list[tuple[Column, Any]] | None


def shown(text: str) -> str:
    """A header or sheet's name fit to be shown: bounded, without what a reader would not see."""
    plain = "".join(char for char in text.strip() if char.isprintable())
    return plain if len(plain) <= _LONGEST_HEADER else f"{plain[: _LONGEST_HEADER - 1]}…"


def letter(number: int) -> str:
    """0 is A, 25 is Z, 26 is AA."""
    found = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        found = chr(ord("A") + rest) + found
    return found


def _column(kind: ImportKind, text: str, at: str | None, findings: Findings) -> Column | None:
    field = known(kind).get(header(text).name)
    if field is None:
        return None
    place = Place(shown(text), at, field.name)
    around = Surroundings(partial(findings.notice, place), header(text).unit)
    return Column(field, place, around, own_name(field, text))


def _headers(kind: ImportKind, cells: Sequence[Any]) -> int:
    return sum(isinstance(cell, str) and header(cell).name in known(kind) for cell in cells if not blank(cell))


def _fits(kind: ImportKind, cells: Sequence[Any]) -> bool:
    """Whether a line can be the header: it names a text to import."""
    fields = (known(kind).get(header(cell).name) for cell in cells if isinstance(cell, str))
    return any(field is not None and field.name in _TEXTS for field in fields)


def headers(kind: ImportKind, lines: Iterable[Sequence[Any]]) -> int:
    """How many headers are known in the line that is most like a header; 0 when none can be one."""
    return max((_headers(kind, line) for line in lines if _fits(kind, line)), default=0)


def rows(kind: ImportKind, sheet: str | None, lines: Iterator[Line], findings: Findings) -> Iterator[Row] | None:
    """The rows below the header; None when no line can be one."""
    first = list(islice(lines, HEADER_WITHIN))
    fitting = [place for place, (_, cells) in enumerate(first) if _fits(kind, cells)]
    if not fitting:
        return None
    best = max(fitting, key=lambda place: (_headers(kind, first[place][1]), -place))
    findings.sheet, findings.row = sheet, first[best][0]
    columns = _columns(kind, first[best][1], findings)
    return _below(sheet, columns, chain(first[best + 1 :], lines), findings)


def _columns(kind: ImportKind, cells: Sequence[Any], findings: Findings) -> dict[int, Column]:
    if len(cells) > MOST_COLUMNS:
        raise FileRefused(
            "too_many_columns",
            f"最多 {MOST_COLUMNS} 列 · at most {MOST_COLUMNS} columns",
            sheet=findings.sheet,
            row=findings.row,
        )
    found: dict[int, Column] = {}
    for place, cell in enumerate(cells):
        if blank(cell):
            continue
        text = str(cell)
        column = _column(kind, text, letter(place), findings)
        if column is not None:
            found[place] = column
        elif header(text).name not in COUNTERS | PASSED_OVER.get(kind, frozenset()):
            _unknown(Place(shown(text), letter(place)), findings)
    return {place: column for place, column in found.items() if _chosen(column, found.values(), findings)}


def _unknown(place: Place, findings: Findings) -> None:
    findings.notice(place, "unknown_column", "不认识的列，没有导入 · this column is not known and was not imported")


def _chosen(column: Column, among: Iterable[Column], findings: Findings) -> bool:
    """Whether this column speaks for its field: the only one, or the one with the API's own name."""
    rivals = [other for other in among if other.field is column.field and other is not column]
    if not rivals or (column.own and not any(other.own for other in rivals)):
        return True
    if column.own or not any(other.own for other in rivals):
        others = "、".join(other.place.header for other in rivals)
        raise FileRefused(
            "column_twice",
            f"“{column.place.header}”与“{others}”是同一项，请只留一列"
            f" · “{column.place.header}” and “{others}” are the same field; keep one of the columns",
            sheet=findings.sheet,
            row=findings.row,
        )
    _second(column.place, findings)
    return False


def _second(place: Place, findings: Findings) -> None:
    findings.notice(
        place,
        "field_twice",
        "另一列已是这一项，此列没有导入 · another column is this field already; this one was not imported",
    )


def _below(sheet: str | None, columns: dict[int, Column], lines: Iterable[Line], findings: Findings) -> Iterator[Row]:
    for number, cells in lines:
        findings.sheet, findings.row = sheet, number
        if all(map(blank, cells)):
            continue
        width = len(cells)
        yield Row(
            sheet,
            number,
            [(column, cells[place] if place < width else None) for place, column in columns.items()],
        )


class Objects:
    """JSON objects as rows; a member is known by the API's name or an alias."""

    def __init__(self, kind: ImportKind, findings: Findings) -> None:
        self._kind, self._findings = kind, findings
        self._columns: dict[str, Column | None] = {}

    def row(self, number: int, members: dict[str, Any]) -> Row:
        cells: dict[str, tuple[Column, Any]] = {}
        for name, value in members.items():
            if name not in self._columns and len(self._columns) < MOST_COLUMNS:
                self._columns[name] = _column(self._kind, name, None, self._findings)
            column = self._columns.get(name)
            if column is None:
                _unknown(Place(shown(name)), self._findings)
                continue
            rival = cells.get(column.field.name)
            if rival is None:
                cells[column.field.name] = (column, value)
                continue
            # The API's own name comes first, and a value before none.
            keep, other = (rival, (column, value)) if rival[0].own >= column.own else ((column, value), rival)
            if blank(keep[1]):
                keep, other = other, keep
            cells[column.field.name] = keep
            if not blank(other[1]):
                _second(other[0].place, self._findings)
        return Row(None, number, list(cells.values()))
