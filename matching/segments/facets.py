"""A record's facets inside a segment: its codes as terms that weigh nothing, its figures as a column.

A code is a term like ``\\0i`` + ``C\\0`` ``38\\0`` ``384\\0`` + ``C384``: the mark, the field, the path from the general to
the particular, and how it was written. Such terms come before all others, so all codes below a path are one range of
term numbers, and the rows that carry them stand in its runs: a filter is a bitmap made of them, whatever was merged or
has died. They weigh nothing, no query asks for them, and scoring reads over them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isnan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.codes import Path, discipline_path, industry_path, plain_path, region_path, spelt
from matching.facets import numbers
from matching.records import Facets, Filters
from matching.segments.codec import Counts, Ids, Words, following
from matching.segments.compiling import compiled, whole
from matching.segments.segment import BLOCK, Segment
from matching.segments.statistics import MARK

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

NUMBERS: Final = "numbers"
COLUMNS: Final = {NUMBERS: np.zeros((0, 5), np.float64)}
"""``matching.facets.numbers``: trl, lowest and highest amount, confirmed at and until."""

_AT: Final = 3
_UNTIL: Final = 4
_FIELDS: Final[Mapping[str, tuple[str, Callable[[str], Path]]]] = {
    "regions": ("r", region_path),
    "industries": ("i", industry_path),
    "disciplines": ("d", discipline_path),
    "stages": ("s", plain_path),
    "modes": ("m", plain_path),
}


def _term(field: str, code: str) -> str:
    letter, path_of = _FIELDS[field]
    return f"{MARK}{letter}{spelt(path_of(code))}{code}"


def codes(facets: Facets) -> dict[str, int]:
    """The terms to be counted beside those of the text; how often tells a code's place among those of its field."""
    found: dict[str, int] = {}
    for field, values in (
        ("industries", facets.industries),
        ("disciplines", facets.disciplines),
        ("modes", sorted(facets.modes)),
        ("regions", (facets.region,)),
        ("stages", (facets.stage,)),
    ):
        for place, code in enumerate(values, 1):
            if code:
                found.setdefault(_term(field, code), place)
    return found


def columns(facets: Facets) -> dict[str, object]:
    return {NUMBERS: numbers(facets)}


@compiled
def _carry(
    first: int, last: int, runs: NDArray[np.uint32], ids: NDArray[np.uint16], block: int, mask: NDArray[np.uint8]
) -> None:
    for run in range(first, last):
        base = whole(runs[run, 0] >> 16) * block
        start = whole(runs[run, 1])
        for at in range(start, start + whole(runs[run, 2])):
            mask[base + whole(ids[at])] = 1


class Carried:
    """Who carries what in one segment. Never changes."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        self.marked = segment.vocabulary.beginning(MARK)[1]
        given = segment.columns.get(NUMBERS)
        self.numbers: Floats = np.full((len(segment), 5), np.nan) if given is None else given

    def _below(self, field: str, path: Path, mask: NDArray[np.uint8]) -> None:
        segment = self._segment
        first, last = segment.vocabulary.beginning(f"{MARK}{_FIELDS[field][0]}{spelt(path)}")
        if first < last:
            runs = whole(segment.run_first[first]), whole(segment.run_first[last])
            _carry(*runs, segment.runs, segment.ids, BLOCK, mask)

    def admitted(self, filters: Filters) -> Mask | None:
        """Which rows pass the filters, but for what the clock decides; None when they admit everybody."""
        passed: Mask | None = None
        for field, (_, path_of) in _FIELDS.items():
            wanted: tuple[str, ...] = getattr(filters, field)
            if wanted:
                mask = np.zeros(len(self._segment), np.uint8)
                for code in wanted:
                    self._below(field, path_of(code), mask)
                passed = mask.view(np.bool_) if passed is None else passed & mask.view(np.bool_)
        for bound, compare in ((filters.trl_min, np.greater_equal), (filters.trl_max, np.less_equal)):
            if bound is not None:
                its: Mask = compare(self.numbers[:, 0], bound)
                passed = its if passed is None else passed & its
        return passed

    def confirmed(self, now: float, within: float | None) -> tuple[Mask | None, float, float]:
        """Which rows are still confirmed, ``within`` so many seconds if that is asked, None for all of them; and from
        when until when that is so."""
        until = self.numbers[:, _UNTIL]
        if within is not None:
            at = self.numbers[:, _AT]
            until = np.fmin(until, np.where(np.isnan(at), -np.inf, at + within))
        over: Mask = until <= now
        last = float(np.max(until, where=over, initial=-np.inf))
        following = float(np.min(until, where=until > now, initial=np.inf))
        return ~over if over.any() else None, last, following

    def facets(self, row: int, ids: Ids, places: Counts) -> Facets:
        """What one row carries, as it was given. ``ids``, ``places``: its terms before ``marked``, and their counts."""
        found: dict[str, list[str]] = {letter: [] for letter, _ in _FIELDS.values()}
        for _, number in sorted(zip(places.tolist(), ids.tolist(), strict=True)):
            term = self._segment.vocabulary.term(number)
            found[term[1]].append(term.rpartition(MARK)[2])
        trl, low, high, at, until = (None if isnan(each) else each for each in self.numbers[row].tolist())
        return Facets(
            industries=tuple(found["i"]),
            disciplines=tuple(found["d"]),
            region=found["r"][0] if found["r"] else None,
            trl=None if trl is None else int(trl),
            stage=found["s"][0] if found["s"] else None,
            modes=frozenset(found["m"]),
            money=None if low is None and high is None else (low, high),
            confirmed_at=at,
            confirmed_until=until,
        )

    def table(self, rows: Rows) -> "Table":
        """What some rows carry, for ``blend.bonus``."""
        return Table(self._segment, rows, self.numbers[rows], self.marked)


@compiled
def _agree(
    rows: Rows,
    words: Words,
    places: NDArray[np.uint32],
    firsts: NDArray[np.int64],
    lasts: NDArray[np.int64],
    values: Floats,
    marked: int,
    found: Floats,
) -> None:
    """For each row the highest of the ``values`` whose range, from the first term to before the last, it has a term of."""
    for i in range(len(rows)):
        at, end = whole(places[rows[i]]), whole(places[rows[i] + 1])
        term = whole(-1)
        while at < end:
            term, _, at = following(words, at, term)
            if term >= marked:
                break
            for j in range(len(values)):
                if firsts[j] <= term < lasts[j] and values[j] > found[i]:
                    found[i] = values[j]


class _Carriers:
    """``codes.Codes`` for some rows: who carries what in one field."""

    def __init__(self, segment: Segment, rows: Rows, field: str, marked: int) -> None:
        self._segment, self._rows, self._marked = segment, rows, marked
        self._letter = _FIELDS[field][0]

    def agreement(self, paths: Iterable[Path], values: Sequence[float]) -> Floats:
        vocabulary = self._segment.vocabulary
        ranges: dict[tuple[int, int], float] = {}
        for path in paths:
            for depth, value in zip(range(1, len(path) + 1), values, strict=False):
                first, last = vocabulary.beginning(f"{MARK}{self._letter}{spelt(path[:depth])}")
                if first < last:
                    ranges[first, last] = max(value, ranges.get((first, last), 0.0))
        found = np.zeros(len(self._rows))
        if ranges:
            bounds = np.array(list(ranges), np.int64)
            _agree(
                self._rows,
                self._segment.forward,
                self._segment.forward_start,
                bounds[:, 0].copy(),
                bounds[:, 1].copy(),
                np.array(list(ranges.values())),
                self._marked,
                found,
            )
        return found


class Table:
    """``matching.facets.FacetTable`` for some rows of a segment."""

    def __init__(self, segment: Segment, rows: Rows, figures: Floats, marked: int) -> None:
        self.size = len(rows)
        self.industries = _Carriers(segment, rows, "industries", marked)
        self.disciplines = _Carriers(segment, rows, "disciplines", marked)
        self.regions = _Carriers(segment, rows, "regions", marked)
        self.trl, self.low, self.high, self.confirmed_at, _ = figures.T
