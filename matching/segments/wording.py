"""How the records of one view ask otherwise than by their own terms alone: few terms of few rows, in arrays and on disk."""

from array import array
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from matching.rewording import Rewording
from matching.segments.compiling import compiled
from matching.segments.files import Opened, finish, write_arrays
from matching.segments.vocabulary import Vocabulary, packed

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]


class Words(NamedTuple):
    """What some documents ask for. ``starts``, ``ids``, ``tf``: as ``codec.decode`` answers them. ``through``: 1 for what
    only a synonym asks for; ``lowered``: the factor of each."""

    starts: I64
    ids: I32
    tf: I32
    through: U8
    lowered: F64


@dataclass(frozen=True, slots=True)
class Wording:
    """Row after row, and in each in the order of the terms: ``numbers`` among ``terms``, ``times`` that it is asked for if
    the record has it not (0: it is not), and ``factors``. ``name``: of what the questions were reworded by."""

    name: str
    terms: tuple[str, ...]
    rows: I64
    starts: I64
    numbers: I32
    times: I32
    factors: F64

    def write(self, path: Path) -> None:
        """Complete under its name or not there."""
        arrays = {name: getattr(self, name) for name in ("rows", "starts", "numbers", "times", "factors")}
        write_arrays(path, arrays, {"name": self.name, "terms": self.terms})
        finish(path)

    @classmethod
    def opened(cls, path: Path) -> Self:
        """FileNotFoundError when nothing was written there; ``files.Damaged`` when it is not what was written."""
        file = Opened(path)
        file.verify()
        return cls(file.about["name"], tuple(file.about["terms"]), **file.arrays)

    def beyond(self, vocabulary: Vocabulary) -> "Beyond":
        """Its terms beside those that a part's records have."""
        ours = vocabulary.numbers(packed(self.terms))
        new = np.flatnonzero(ours < 0)
        places = [_place(vocabulary, self.terms[n]) for n in new.tolist()]
        ids = ours.copy()
        ids[new] = len(vocabulary) + np.arange(len(new), dtype=np.int32)
        keys = 2 * ours.astype(np.int64) + 1
        keys[new] = 2 * np.array(places, np.int64)
        return Beyond(self, tuple(self.terms[n] for n in new.tolist()), ids, keys)


class Gathering:
    """A wording while it is gathered, record by record; holds numbers, and no text twice."""

    def __init__(self) -> None:
        self._number: dict[str, int] = {}
        self._rows, self._numbers, self._times, self._factors = array("q"), array("i"), array("i"), array("d")

    def add(self, row: int, its: Rewording) -> None:
        """How the record of a row asks; each row once, in any order."""
        for term in its.more.keys() | its.lowered.keys():
            self._rows.append(row)
            self._numbers.append(self._number.setdefault(term, len(self._number)))
            self._times.append(its.more.get(term, 0))
            self._factors.append(its.lowered.get(term, 1.0))

    def finished(self, name: str) -> Wording:
        terms = sorted(self._number)
        to = np.empty(len(terms), np.int32)
        to[[self._number[term] for term in terms]] = np.arange(len(terms), dtype=np.int32)
        rows, numbers = np.array(self._rows, np.int64), to[np.array(self._numbers, np.int32)]
        order = np.lexsort((numbers, rows))
        there, firsts = np.unique(rows[order], return_index=True)
        times, factors = np.array(self._times, np.int32)[order], np.array(self._factors, np.float64)[order]
        starts = np.append(firsts, len(rows)).astype(np.int64)
        return Wording(name, tuple(terms), there, starts, numbers[order], times, factors)


@dataclass(frozen=True, slots=True)
class Beyond:
    """A wording's terms numbered for one part: those that no record of it has, ``new``, follow behind its own.

    ``keys``: where each comes in the order of the terms: twice the place of the first that is not before it, and one
    more where it is that term.
    """

    wording: Wording
    new: tuple[str, ...]
    ids: I32
    keys: I64

    def words(self, rows: I64, starts: I64, ids: I32, tf: I32) -> Words:
        """What documents ask for that were decoded. ``rows``: of the view, ascending."""
        wording = self.wording
        at = np.searchsorted(wording.rows, rows)
        known = at < len(wording.rows)
        known[known] = wording.rows[at[known]] == rows[known]
        its = np.where(known, at, -1)
        if not known.any():
            return plain(starts, ids, tf)
        most = len(ids) + int(np.diff(wording.starts)[at[known]].sum())
        made = Words(
            np.zeros(len(starts), np.int64), np.empty(most, np.int32), np.empty(most, np.int32),
            np.zeros(most, np.uint8), np.ones(most),
        )  # fmt: skip
        said = _Said(
            wording.starts, self.ids[wording.numbers], self.keys[wording.numbers], wording.times, wording.factors
        )
        n = _joined(starts, ids, tf, its, said, made)
        return Words(made.starts, made.ids[:n], made.tf[:n], made.through[:n], made.lowered[:n])


class _Said(NamedTuple):
    starts: I64
    ids: I32
    keys: I64
    times: I32
    factors: F64


def plain(starts: I64, ids: I32, tf: I32) -> Words:
    """Documents that ask by their own terms."""
    return Words(starts, ids, tf, np.zeros(len(ids), np.uint8), np.ones(len(ids)))


@compiled
def _joined(starts: I64, ids: I32, tf: I32, its: I64, said: Any, made: Any) -> int:
    """Into ``made`` each document's terms and those that it is said to ask for, in their order; answers how many."""
    n = 0
    for i in range(len(starts) - 1):
        j, end = starts[i], starts[i + 1]
        s = s_end = 0
        if its[i] >= 0:
            s, s_end = said.starts[its[i]], said.starts[its[i] + 1]
        while j < end or s < s_end:
            own = 2 * ids[j] + 1 if j < end else -1
            if s < s_end and (own < 0 or said.keys[s] < own):
                if said.times[s] > 0:
                    made.ids[n], made.tf[n] = said.ids[s], said.times[s]
                    made.through[n], made.lowered[n] = 1, said.factors[s]
                    n += 1
                s += 1
                continue
            made.ids[n], made.tf[n] = ids[j], tf[j]
            if s < s_end and said.keys[s] == own:
                made.lowered[n] = said.factors[s]
                s += 1
            n += 1
            j += 1
        made.starts[i + 1] = n
    return n


def _place(vocabulary: Vocabulary, term: str) -> int:
    """How many of the terms come before one that is not among them."""
    return bisect_left(range(len(vocabulary)), term, key=vocabulary.term)
