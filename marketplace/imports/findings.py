"""What is found while a file is read: errors one by one up to a bound, notices counted together."""

from dataclasses import dataclass, field
from typing import Any, Final

MOST_ERRORS: Final = 1000
MOST_NOTICES: Final = 200


class FileRefused(ValueError):  # noqa: N818 -- an answer about a file, not a fault
    """The file as a whole cannot be imported; `detail` says why and what to do."""

    def __init__(self, code: str, detail: str, *, sheet: str | None = None, row: int | None = None) -> None:
        super().__init__(code)
        self.code, self.detail, self.sheet, self.row = code, detail, sheet, row

    def found(self) -> dict[str, Any]:
        return {"sheet": self.sheet, "row": self.row, "code": self.code, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the file something stands. `letter` is the column of a table, None for a member of a JSON object."""

    header: str
    letter: str | None = None
    field: str | None = None


@dataclass
class Findings:
    """The errors and notices of one file. `sheet` and `row` say where the reading is now; `expected` is about how many
    rows there will be."""

    expected: int = 0
    sheet: str | None = None
    row: int | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)
    left_off: int = 0
    notices: dict[tuple[Any, ...], dict[str, Any]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many errors there are, listed or not."""
        return len(self.errors) + self.left_off

    def _at(self, place: Place | None) -> dict[str, Any]:
        found: dict[str, Any] = {"sheet": self.sheet, "row": self.row}
        if place is not None:
            found |= {"column": place.header, "field": place.field}
            if place.letter is not None and self.row is not None:
                found["cell"] = f"{place.letter}{self.row}"
        return found

    def error(self, place: Place | None, **said: Any) -> None:
        """One thing to correct. `said`: `code` and `detail`, or pydantic's own words for it."""
        if len(self.errors) < MOST_ERRORS:
            self.errors.append(self._at(place) | said)
        else:
            self.left_off += 1

    def notice(self, place: Place | None, code: str, detail: str) -> None:
        """Something to know. The same thing in many rows is one notice."""
        key = (self.sheet, place.header if place else None, code)
        if (known := self.notices.get(key)) is not None:
            known["rows"] += 1
        elif len(self.notices) < MOST_NOTICES:
            self.notices[key] = self._at(place) | {"code": code, "detail": detail, "rows": 1}
