"""QR codes (ISO/IEC 18004): as the dark stretches of each row, to be drawn on a page or on paper."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Final

from reportlab.graphics.barcode import qrencoder

QUIET: Final = 4
"""Modules that stay light on every side."""
# Finding the mask that scatters best takes nine tenths of the time; readers take any of the eight.
_MASK: Final = 2


@dataclass(frozen=True)
class Code:
    """A code of `size` × `size` modules, without the quiet zone; `dark` holds (row, first column, how many)."""

    size: int
    dark: tuple[tuple[int, int, int], ...]

    @property
    def path(self) -> str:
        """The dark modules as the path of an SVG whose view begins at the corner of the quiet zone."""
        return "".join(f"M{column + QUIET} {row + QUIET}h{many}v1h-{many}z" for row, column, many in self.dark)

    @property
    def side(self) -> int:
        """Modules of a side, with the quiet zone."""
        return self.size + 2 * QUIET


@lru_cache(maxsize=256)
def code(text: str) -> Code:
    """The smallest code that holds a text and is still read with an eighth of it damaged (level M)."""
    made = qrencoder.QRCode(None, qrencoder.QRErrorCorrectLevel.M)
    made.addData(text)
    made.version = made.calculate_version()
    made.makeImpl(False, _MASK)
    return Code(made.moduleCount, tuple(_stretches(made.modules)))


def _stretches(rows: list[list[bool]]) -> Iterator[tuple[int, int, int]]:
    for number, row in enumerate(rows):
        column = 0
        for dark, modules in groupby(row):
            many = sum(1 for _ in modules)
            if dark:
                yield number, column, many
            column += many
