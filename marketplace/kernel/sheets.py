"""Excel files: text is written as text, so that what somebody typed is never run as a formula."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LONGEST: Final = 32_767
"""Characters that Excel keeps in a cell."""
# A program that reads the saved text again, as CSV say, would run what begins like this.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula, even after it was saved in another form."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def as_typed(text: str) -> str:
    """What stood there before `harmless` looked at it."""
    return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA) else text


class Cells:
    """Writes values into the cells of one sheet: amounts to the cent, rates to four places, all else as text."""

    def __init__(self, book: Any, sheet: Any) -> None:
        self._sheet = sheet
        self._money, self._rate = (book.add_format({"num_format": form}) for form in ("#,##0.00", "0.0000"))

    def write(self, row: int, column: int, value: object) -> None:
        if isinstance(value, Decimal):
            exponent = value.as_tuple().exponent
            to_the_cent = isinstance(exponent, int) and exponent >= -2
            self._sheet.write_number(row, column, value, self._money if to_the_cent else self._rate)
        elif isinstance(value, int):
            self._sheet.write_number(row, column, value)
        elif value is not None and value != "":
            self._sheet.write_string(row, column, harmless(str(value))[:LONGEST])


def write_table(book: Any, name: str, title: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A sheet with a title, a row of headings that stays in sight, and the rows below it."""
    sheet = book.add_worksheet(name)
    bold = book.add_format({"bold": True, "bg_color": "#DDEBF7", "bottom": 1, "text_wrap": True})
    cells = Cells(book, sheet)
    sheet.write_string(0, 0, harmless(title))
    sheet.set_column(0, len(head) - 1, 16)
    for place, one in enumerate(head):
        sheet.write_string(1, place, harmless(one)[:LONGEST], bold)
    sheet.freeze_panes(2, 0)
    for number, row in enumerate(rows, 2):
        for place, value in enumerate(row):
            cells.write(number, place, value)
