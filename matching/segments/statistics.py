"""What the whole collection makes of each record: n, df and cf, and from them |d| and its parts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.segments.building import Totals, of_the_living
from matching.segments.codec import lengths
from matching.segments.files import Opened, frozen, write_arrays
from matching.segments.segment import BLOCK, Segment
from matching.weighting import Collection, idf_of, mean_of

MARK: Final = "\0"
"""Begins terms that weigh nothing: see ``facets``."""

COMMON: Final = (0.3, 0.15, 0.07, 0.03, 0.01)
"""A term's class of commonness is the first share of the documents that it exceeds; rarer terms have none."""

_COMMON_FIRST: Final = np.array(COMMON[::-1])

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Whole = NDArray[np.uint32] | NDArray[np.int64]

_ARRAYS: Final = ("df", "cf", "norms", "low_norms", "parts")
_STEPS: Final = 65_535


@dataclass(frozen=True)
class Weighing:
    """One segment under one version of the collection's numbers.

    ``documents``: n. ``df``, ``cf``: by the segment's terms. ``norms``: |d| by row; it lies between ``low_norms`` and
    ``low_norms`` + 1, times ``unit``. ``parts``, in 255ths: at least the share of |d| in each class of ``COMMON``, 0 to
    1, shape (classes, rows).
    """

    documents: int
    df: NDArray[np.uint32]
    cf: NDArray[np.uint64]
    norms: NDArray[np.float64]
    low_norms: NDArray[np.uint16]
    unit: float
    parts: NDArray[np.uint8]

    @classmethod
    def of(cls, segment: Segment, totals: Totals, documents: int) -> "Weighing":
        """Reads every posting of the segment once; some 3 ns each."""
        idf = idf_of(totals.df.astype(np.int64), documents)
        idf[: segment.vocabulary.beginning(MARK)[1]] = 0.0
        norms, parts = lengths(
            segment.forward,
            segment.forward_start,
            idf,
            classes_of(totals.df, documents),
            len(COMMON),
        )
        unit = float(norms.max(initial=1.0)) / _STEPS
        return cls(
            documents=documents,
            df=frozen(totals.df),
            cf=frozen(totals.cf),
            norms=frozen(norms),
            low_norms=frozen(np.minimum(norms / unit, _STEPS).astype(np.uint16)),
            unit=unit,
            parts=frozen(np.minimum(np.ceil(parts / norms * 255 * (1 + 1e-6)), 255).astype(np.uint8)),
        )

    @cached_property
    def least_norms(self) -> NDArray[np.float64]:
        """The lowest |d| of each block, rounded down."""
        begins = np.arange(0, len(self.low_norms), BLOCK)
        return frozen(np.minimum.reduceat(self.low_norms, begins) * self.unit if len(begins) else np.zeros(0))

    @classmethod
    def opened(cls, path: Path) -> "Weighing":
        file = Opened(path)
        arrays = {name: file.arrays[name] for name in _ARRAYS}
        return cls(documents=file.about["documents"], unit=file.about["unit"], **arrays)

    def write(self, path: Path) -> None:
        about = {"documents": self.documents, "unit": self.unit}
        write_arrays(path, {name: getattr(self, name) for name in _ARRAYS}, about)


def weighed(lives: Sequence[tuple[Segment, Mask]], totals: Sequence[Totals]) -> tuple[tuple[Weighing, ...], Collection]:
    """Segments under the numbers of their living records, of which ``totals`` are the counts."""
    documents = sum(int(np.count_nonzero(alive)) for _, alive in lives)
    found = tuple(Weighing.of(segment, its, documents) for (segment, _), its in zip(lives, totals, strict=True))
    norms = [its.norms[alive] for its, (_, alive) in zip(found, lives, strict=True)]
    return found, Collection(documents, mean_of(np.concatenate([np.zeros(0), *norms])))


@dataclass
class Counting:
    """Counts df and cf over several segments. Remembers where the terms of one are in another, since neither changes."""

    _links: dict[tuple[int, int], tuple[Segment, Segment, NDArray[np.int32]]] = field(default_factory=dict)

    def totals(self, lives: Sequence[tuple[Segment, Mask]]) -> list[Totals]:
        """For each segment, by its terms: of the living records of all segments."""
        segments = [segment for segment, _ in lives]
        wanted = [(one, other) for one in segments for other in segments if one is not other]
        self._links = {(id(one), id(other)): self._link(one, other) for one, other in wanted}
        own = [of_the_living(segment, alive) for segment, alive in lives]
        totals = []
        for one, its in zip(segments, own, strict=True):
            df, cf = its.df.copy(), its.cf.copy()
            for other, their in zip(segments, own, strict=True):
                if other is not one and len(their.df):
                    numbers = self._links[id(one), id(other)][2]
                    df += np.where(numbers >= 0, their.df[numbers], np.uint32(0))
                    cf += np.where(numbers >= 0, their.cf[numbers], np.uint64(0))
            totals.append(Totals(df, cf))
        return totals

    def _link(self, one: Segment, other: Segment) -> tuple[Segment, Segment, NDArray[np.int32]]:
        known = self._links.get((id(one), id(other)))
        return known or (one, other, other.vocabulary.numbers(one.vocabulary.all()))


def known_totals(segment: Segment, older: Sequence[tuple[Segment, Weighing]]) -> Totals:
    """What older segments were weighed by, for the terms of a young one; 0 for a term that none of them has."""
    df = np.zeros(len(segment.vocabulary), np.uint32)
    cf = np.zeros(len(segment.vocabulary), np.uint64)
    for other, its in older:
        numbers = other.vocabulary.numbers(segment.vocabulary.all())
        has = numbers >= 0
        df[has], cf[has] = its.df[numbers[has]], its.cf[numbers[has]]
    return Totals(df, cf)


def classes_of(df: Whole, documents: int) -> NDArray[np.int8]:
    """Each term's place in ``COMMON``; its length for a term that is rarer."""
    bounds = bounds_of_classes(documents)
    classes: NDArray[np.int8] = (len(bounds) - np.searchsorted(bounds, df)).astype(np.int8)
    return classes


def bounds_of_classes(documents: int) -> Floats:
    """A term is in one class more for each of these that its df exceeds. Ascending."""
    bounds: Floats = _COMMON_FIRST * documents
    return bounds
