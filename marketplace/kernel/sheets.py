"""Excel files: text is written as text, so that what somebody typed is never run as a formula."""

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
