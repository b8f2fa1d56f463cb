"""Many terms without a Python object each: their bytes end to end, sorted, and a table of hashes to find them by."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from matching.segments.compiling import compiled, lean, whole
from matching.segments.files import Arrays, frozen

Bytes = NDArray[np.uint8]
Places = NDArray[np.uint32]
Slots = NDArray[np.uint32]
Numbers = NDArray[np.int32]

_FNV_START: Final = np.uint64(14695981039346656037)
_FNV_STEP: Final = np.uint64(1099511628211)
_FOLD: Final = np.uint64(32)


@lean
def hash_of(content: Bytes, start: int, end: int) -> np.uint64:
    value = _FNV_START
    for i in range(start, end):
        value = (value ^ np.uint64(content[i])) * _FNV_STEP
    return value ^ (value >> _FOLD)


@compiled
def _fill_slots(content: Bytes, places: Places, slots: Slots) -> None:
    mask = np.uint64(len(slots) - 1)
    for number in range(len(places) - 1):
        at = hash_of(content, places[number], places[number + 1]) & mask
        while slots[at] != 0:
            at = (at + np.uint64(1)) & mask
        slots[at] = number + 1


@lean
def find(content: Bytes, places: Places, slots: Slots, asked: Bytes, start: int, end: int, hashed: np.uint64) -> int:
    """The number of the term that stands in ``asked`` from ``start`` to before ``end``, -1 when there is no such term.
    ``hashed``: its ``hash_of``."""
    mask = np.uint64(len(slots) - 1)
    length = end - start
    at = hashed & mask
    while slots[at] != 0:
        number = whole(slots[at]) - 1
        begin = whole(places[number])
        if whole(places[number + 1]) - begin == length:
            same = True
            for j in range(length):
                if content[begin + j] != asked[start + j]:
                    same = False
                    break
            if same:
                return number
        at = (at + np.uint64(1)) & mask
    return whole(-1)


@compiled
def _find_all(content: Bytes, places: Places, slots: Slots, asked: Bytes, asked_places: Places, found: Numbers) -> None:
    for i in range(len(found)):
        start, end = whole(asked_places[i]), whole(asked_places[i + 1])
        found[i] = find(content, places, slots, asked, start, end, hash_of(asked, start, end))


@compiled
def _order(one: Bytes, start: int, end: int, other: Bytes, other_start: int, other_end: int) -> int:
    length = min(end - start, other_end - other_start)
    for j in range(length):
        a, b = one[start + j], other[other_start + j]
        if a != b:
            return -1 if a < b else 1
    return (end - start) - (other_end - other_start)


@compiled
def _merge(
    one: Bytes, places: Places, other: Bytes, other_places: Places, to: Numbers, other_to: Numbers
) -> tuple[int, int]:
    i = j = n = size = 0
    while i < len(to) or j < len(other_to):
        if i == len(to):
            before = 1
        elif j == len(other_to):
            before = -1
        else:
            before = _order(
                one,
                whole(places[i]),
                whole(places[i + 1]),
                other,
                whole(other_places[j]),
                whole(other_places[j + 1]),
            )
        if before <= 0:
            size += whole(places[i + 1]) - whole(places[i])
            to[i] = n
            i += 1
        else:
            size += whole(other_places[j + 1]) - whole(other_places[j])
        if before >= 0:
            other_to[j] = n
            j += 1
        n += 1
    return n, size


@compiled
def _copy(content: Bytes, places: Places, to: Numbers, into: Bytes, starts: NDArray[np.int64], sizes: bool) -> None:
    for i in range(len(to)):
        if to[i] >= 0:
            begin, end = whole(places[i]), whole(places[i + 1])
            if sizes:
                starts[to[i] + 1] = end - begin
            else:
                at = starts[to[i]]
                for j in range(end - begin):
                    into[at + j] = content[begin + j]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Terms numbered in the order of their bytes, which is the order of Python's strings."""

    content: Bytes
    places: Places
    slots: Slots

    @classmethod
    def of(cls, terms: Sequence[str]) -> Self:
        """``terms`` sorted and distinct."""
        content, places = packed(terms)
        return cls._with_slots(content, places)

    @classmethod
    def _with_slots(cls, content: Bytes, places: Places) -> Self:
        slots = np.zeros(max(8, 1 << (2 * len(places)).bit_length()), np.uint32)
        _fill_slots(content, places, slots)
        return cls(content, places, frozen(slots))

    @classmethod
    def opened(cls, arrays: Arrays) -> Self:
        return cls(arrays["term_bytes"], arrays["term_start"], arrays["term_slots"])

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"term_bytes": self.content, "term_start": self.places, "term_slots": self.slots}

    def __len__(self) -> int:
        return len(self.places) - 1

    def term(self, number: int) -> str:
        return self._bytes(number).decode("utf-8", "surrogatepass")

    def numbers(self, asked: tuple[Bytes, Places]) -> Numbers:
        """The number of each packed term, -1 for what is not in it. Some 50 ns a term."""
        found = np.empty(len(asked[1]) - 1, np.int32)
        _find_all(self.content, self.places, self.slots, asked[0], asked[1], found)
        return found

    def beginning(self, prefix: str) -> tuple[int, int]:
        """The terms that begin with this, from the first to before the last. Some 20 µs."""
        wanted = prefix.encode("utf-8", "surrogatepass")
        first = bisect_left(range(len(self)), wanted, key=self._bytes)
        # No byte of UTF-8 is 255, so all that begins with the prefix comes before it.
        return first, bisect_left(range(len(self)), wanted + b"\xff", lo=first, key=self._bytes)

    def _bytes(self, number: int) -> bytes:
        found: bytes = self.content[self.places[number] : self.places[number + 1]].tobytes()
        return found

    def all(self) -> tuple[Bytes, Places]:
        return self.content, self.places

    def merged(self, other: "Vocabulary") -> tuple["Vocabulary", Numbers, Numbers]:
        """Both together, and where the terms of each have gone."""
        to, other_to = np.empty(len(self), np.int32), np.empty(len(other), np.int32)
        n, size = _merge(self.content, self.places, other.content, other.places, to, other_to)
        return _gathered(n, size, [(self, to), (other, other_to)]), to, other_to

    def kept(self, keep: NDArray[np.bool_]) -> tuple["Vocabulary", Numbers]:
        """Some of the terms, and where each has gone; -1 for those left out."""
        to = np.where(keep, np.cumsum(keep) - 1, -1).astype(np.int32)
        size = int(np.diff(self.places.astype(np.int64))[keep].sum())
        return _gathered(int(keep.sum()), size, [(self, to)]), to


def _gathered(n: int, size: int, sources: Iterable[tuple[Vocabulary, Numbers]]) -> Vocabulary:
    starts = np.zeros(n + 1, np.int64)
    content = np.empty(size, np.uint8)
    for vocabulary, to in sources:
        _copy(vocabulary.content, vocabulary.places, to, content, starts, True)
    np.cumsum(starts, out=starts)
    for vocabulary, to in sources:
        _copy(vocabulary.content, vocabulary.places, to, content, starts, False)
    return Vocabulary._with_slots(frozen(content), frozen(starts.astype(np.uint32)))  # noqa: SLF001 -- its own module


def packed(terms: Sequence[str]) -> tuple[Bytes, Places]:
    """Terms as bytes end to end, and where each begins, as ``numbers`` takes them."""
    encoded = [term.encode("utf-8", "surrogatepass") for term in terms]
    places = np.zeros(len(encoded) + 1, np.uint32)
    np.cumsum(np.fromiter(map(len, encoded), np.uint32, len(encoded)), out=places[1:])
    return frozen(np.frombuffer(b"".join(encoded) or b"", np.uint8)), frozen(places)
