"""National codes as paths from the general to the particular, and an inverted list of who carries which."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, chain

import numpy as np
from numpy.typing import NDArray

Path = tuple[str, ...]

# GB/T 4754-2017: the last division of each section.
_LAST_DIVISION = {
    "A": 5,
    "B": 12,
    "C": 43,
    "D": 46,
    "E": 50,
    "F": 52,
    "G": 60,
    "H": 62,
    "I": 65,
    "J": 69,
    "K": 70,
    "L": 72,
    "M": 75,
    "N": 79,
    "O": 82,
    "P": 83,
    "Q": 85,
    "R": 90,
    "S": 96,
    "T": 97,
}
# GB/T 13745-2009: the branch of each leading digit.
_BRANCH = {"1": "A", "2": "B", "3": "C", "4": "D", "5": "D", "6": "D", "7": "E", "8": "E", "9": "E"}
_MUNICIPALITIES = frozenset({"11", "12", "31", "50"})

INDUSTRY_LEVELS = ("section", "division", "group", "class")
DISCIPLINE_LEVELS = ("branch", "first", "second", "third")
REGION_LEVELS = ("province", "prefecture", "county")


@lru_cache(maxsize=8192)
def industry_path(code: str) -> Path:
    """3841 or C3841 → (C, 38, 384, 3841). What is no code of that form stands alone, equal only to itself."""
    code = code.strip().upper()
    digits = code[1:] if code[:1] in _LAST_DIVISION else code
    if not digits and code:
        return (code,)
    if not (digits.isascii() and digits.isdigit() and 2 <= len(digits) <= 4):
        return (code,)
    division = int(digits[:2])
    section = next((letter for letter, last in _LAST_DIVISION.items() if division <= last), "?")
    return (section, *(digits[:length] for length in range(2, len(digits) + 1)))


@lru_cache(maxsize=8192)
def discipline_path(code: str) -> Path:
    """4604010 → (D, 460, 46040, 4604010)."""
    code = code.strip().upper()
    if not (code.isascii() and code.isdigit() and len(code) in {3, 5, 7} and code[0] in _BRANCH):
        return (code,)
    return (_BRANCH[code[0]], *(code[:length] for length in range(3, len(code) + 1, 2)))


@lru_cache(maxsize=8192)
def region_path(code: str) -> Path:
    """220102 → (22, 2201, 220102); 220000 → (22,). The four municipalities are their own prefecture, and so is a
    county that stands directly under its province (429004)."""
    code = code.strip()
    if not (code.isascii() and code.isdigit() and len(code) == 6):
        return (code,)
    province, prefecture = code[:2], code[:4]
    if province in _MUNICIPALITIES:
        return (province, province) if code.endswith("00") else (province, province, code)
    if code.endswith("0000"):
        return (province,)
    if prefecture.endswith("90"):
        return (province, code)
    return (province, prefecture) if code.endswith("00") else (province, prefecture, code)


def plain_path(word: str) -> Path:
    return (word,)


def shared_levels(one: Path, other: Path) -> int:
    """How many levels two paths go together."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def spelt(path: Path) -> str:
    """A path as a string: what is below it begins with it."""
    return "".join(f"{part}\x00" for part in path)


class Codes:
    """For each path the rows that carry it; all rows below a path are one slice. Built once, never changed."""

    def __init__(self, rows_of: Mapping[str, list[int]], path_of: Callable[[str], Path], size: int) -> None:
        """``rows_of``: for each code as it was written, the rows that carry it; ``path_of`` reads a code."""
        self.size = size
        written = sorted((spelt(path_of(code)), rows) for code, rows in rows_of.items())
        self._spelt = [spelt for spelt, _ in written]
        self._starts = list(accumulate((len(rows) for _, rows in written), initial=0))
        self._rows = np.fromiter(chain.from_iterable(rows for _, rows in written), np.intp, self._starts[-1])

    def below(self, path: Path) -> NDArray[np.intp]:
        """The rows that carry this path or one below it; a row may come twice."""
        prefix = spelt(path)
        first, last = bisect_left(self._spelt, prefix), bisect_left(self._spelt, prefix + "\U0010ffff")
        return self._rows[self._starts[first] : self._starts[last]]

    def admitted(self, paths: Iterable[Path]) -> NDArray[np.bool_]:
        """Which rows carry any of these paths or one below, shape (size,)."""
        mask = np.zeros(self.size, dtype=np.bool_)
        for path in paths:
            mask[self.below(path)] = True
        return mask

    def agreement(self, paths: Iterable[Path], values: Sequence[float]) -> NDArray[np.float64]:
        """For each row the value of the deepest level that it shares with any of these paths, 0 for none.

        ``values``: by number of shared levels less one, rising.
        """
        found = np.zeros(self.size)
        for path in paths:
            for depth, value in zip(range(1, len(path) + 1), values, strict=False):
                rows = self.below(path[:depth])
                found[rows] = np.maximum(found[rows], value)
        return found
