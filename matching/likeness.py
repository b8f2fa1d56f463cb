"""Texts that are nearly the same: found by sketches, told by the exact overlap of their shingles.

A shingle is six letters, digits or ideographs in a row, whatever stands between them. Each distinct one is hashed once; of
the hashes that fall into each of 30 bins a sketch keeps the least (one-permutation hashing, Li, Owen and Zhang 2012; an
empty bin borrows from the next, Shrivastava and Li 2014), three bins at a time as ten numbers: two texts that share a
number are worth comparing. Where J is the share of shingles that both have among those that either has, they share one
with a probability of about 1 - (1 - J³)¹⁰: 0.99 at 0.7, 0.74 at 0.5, 0.03 at 0.15. The comparison itself is exact. The
numbers are the same on every machine and in every process, so they can be stored.

Texts are given folded (NFKC, case folded). No array library is needed: whoever checks a file of records imports this.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from zlib import crc32

LENGTH: Final = 6
BANDS: Final = 10
ROWS: Final = 3
LEAST: Final = 30
"""A text with fewer shingles has no sketch: a title alone says too little to be called the same."""
ALIKE: Final = 0.5
"""From this overlap on two texts are nearly the same."""
PASSAGES: Final = 3

_BINS: Final = BANDS * ROWS
_MASK: Final = 2**64 - 1


def _mixed(number: int) -> int:
    """Every bit of the outcome depends on every bit (the finalizer of SplitMix64)."""
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    return number ^ (number >> 31)


def shingles(folded: str) -> list[bytes]:
    """In order, with repetitions, each as UTF-32: cut out of one encoded text they need no encoding of their own."""
    kept = "".join(filter(str.isalnum, folded)).encode("utf-32-le", "surrogatepass")
    return [kept[at : at + 4 * LENGTH] for at in range(0, len(kept) - 4 * LENGTH + 1, 4)]


def sketch(folded: str) -> list[int]:
    """Ten numbers of 64 bits, with a sign; none for a text of fewer than 30 distinct shingles. Some 100 µs for an
    abstract."""
    distinct = set(shingles(folded))
    if len(distinct) < LEAST:
        return []
    least: dict[int, int] = {}
    for hashed in map(crc32, distinct):
        rest, place = divmod(hashed, _BINS)
        if rest < least.get(place, _MASK):
            least[place] = rest
    bins = [_borrowed(least, place) for place in range(_BINS)]
    return [_signed(_joined(bins[band * ROWS : (band + 1) * ROWS], band)) for band in range(BANDS)]


def _borrowed(least: dict[int, int], place: int) -> int:
    far = 0
    while (place + far) % _BINS not in least:
        far += 1
    return _mixed(least[(place + far) % _BINS] + (far << 50))


def _joined(numbers: list[int], band: int) -> int:
    found = band
    for number in numbers:
        found = _mixed((found ^ number) + 0x9E3779B97F4A7C15 & _MASK)
    return found


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number


@dataclass(frozen=True, slots=True)
class Likeness:
    """``overlap``: the share of shingles that both have among those that either has. ``of_one``, ``of_other``: the share
    of either's own that the other has too. ``passages``: the longest that both have, as the one has them."""

    overlap: float
    of_one: float
    of_other: float
    passages: tuple[str, ...]


class Compared:
    """A folded text made ready to be compared with many."""

    def __init__(self, folded: str) -> None:
        self._text = folded
        self._places = [place for place, char in enumerate(folded) if char.isalnum()]
        self._shingles = shingles(folded)
        self._distinct = set(self._shingles)

    def __call__(self, other: str) -> Likeness:
        """Exact, in time linear in both."""
        theirs = set(shingles(other))
        both = len(self._distinct & theirs)
        either = len(self._distinct) + len(theirs) - both
        return Likeness(
            overlap=both / max(either, 1),
            of_one=both / max(len(self._distinct), 1),
            of_other=both / max(len(theirs), 1),
            passages=self._longest(theirs) if both else (),
        )

    def _longest(self, theirs: set[bytes]) -> tuple[str, ...]:
        runs = sorted(self._runs(theirs), key=lambda run: (run[0] - run[1], run[0]))
        passages = (self._text[self._places[first] : self._places[last + LENGTH - 2] + 1] for first, last in runs)
        return tuple(dict.fromkeys(passages))[:PASSAGES]

    def _runs(self, theirs: set[bytes]) -> Iterator[tuple[int, int]]:
        """From the first shared shingle to before the next that is not."""
        begun: int | None = None
        for place, shingle in enumerate([*self._shingles, b""]):
            if shingle in theirs:
                begun = place if begun is None else begun
            elif begun is not None:
                yield begun, place
                begun = None
