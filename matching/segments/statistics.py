"""What the whole collection makes of each record: df, n, and from them |d| and its parts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.segments.building import live_df
from matching.segments.codec import lengths
from matching.segments.files import Opened, frozen, write_arrays
from matching.segments.segment import Segment

COMMON: Final = (0.3, 0.15, 0.07, 0.03, 0.01)
"""A term's class of commonness is the first share of the documents that it exceeds; rarer terms have none."""

Whole = NDArray[np.uint32] | NDArray[np.int64]

_ARRAYS: Final = ("df", "norms", "low_norms", "parts")


@dataclass(frozen=True, slots=True)
class Weighing:
    """One segment under one version of the collection's numbers.

    ``documents``: n. ``df``: by the segment's terms. ``norms``: |d| by row; ``low_norms`` times ``unit`` is at most
    that. ``parts``, in 255ths: at least the share of |d| in each class of ``COMMON``, 0 to 1, shape (classes, rows).
    """

    documents: int
    df: NDArray[np.uint32]
    norms: NDArray[np.float64]
    low_norms: NDArray[np.uint8]
    unit: float
    parts: NDArray[np.uint8]

    @classmethod
    def of(cls, segment: Segment, df: NDArray[np.uint32], documents: int) -> "Weighing":
        """Reads every posting of the segment once; some 3 ns each."""
        norms, parts = lengths(
            segment.forward, segment.forward_start, idf_of(df, documents), classes_of(df, documents), len(COMMON)
        )
        # The few longest are cut: they are held for shorter than they are, which only makes their bounds wider.
        unit = float(np.quantile(norms, 0.999)) / 255 if len(norms) else 1.0
        return cls(
            documents=documents,
            df=frozen(df),
            norms=frozen(norms),
            low_norms=frozen(np.minimum(norms / unit, 255).astype(np.uint8)),
            unit=unit,
            parts=frozen(np.minimum(np.ceil(parts / norms * 255 * (1 + 1e-6)), 255).astype(np.uint8)),
        )

    @classmethod
    def opened(cls, path: Path) -> "Weighing":
        file = Opened(path)
        arrays = {name: file.arrays[name] for name in _ARRAYS}
        return cls(documents=file.about["documents"], unit=file.about["unit"], **arrays)

    def write(self, path: Path) -> None:
        about = {"documents": self.documents, "unit": self.unit}
        write_arrays(path, {name: getattr(self, name) for name in _ARRAYS}, about)


@dataclass
class Counting:
    """Counts df over several segments. Remembers where the terms of one are in another, since neither changes."""

    _links: dict[tuple[int, int], tuple[Segment, Segment, NDArray[np.int32]]] = field(default_factory=dict)

    def df(self, lives: Sequence[tuple[Segment, NDArray[np.bool_]]]) -> list[NDArray[np.uint32]]:
        """For each segment, by its terms: how many living records of all segments have them."""
        segments = [segment for segment, _ in lives]
        wanted = [(one, other) for one in segments for other in segments if one is not other]
        self._links = {(id(one), id(other)): self._link(one, other) for one, other in wanted}
        own = [live_df(segment, alive) for segment, alive in lives]
        totals = []
        for one, its in zip(segments, own, strict=True):
            total = its.copy()
            for other, their in zip(segments, own, strict=True):
                if other is not one and len(their):
                    numbers = self._links[id(one), id(other)][2]
                    total += np.where(numbers >= 0, their[numbers], 0)
            totals.append(total)
        return totals

    def _link(self, one: Segment, other: Segment) -> tuple[Segment, Segment, NDArray[np.int32]]:
        known = self._links.get((id(one), id(other)))
        return known or (one, other, other.vocabulary.numbers(one.vocabulary.all()))


def known_df(segment: Segment, counted: Sequence[tuple[Segment, NDArray[np.uint32]]]) -> NDArray[np.uint32]:
    """The df of a young segment's terms as they were counted in older ones; 0 for a term that none of these has."""
    df = np.zeros(len(segment.vocabulary), np.uint32)
    for other, its in counted:
        numbers = other.vocabulary.numbers(segment.vocabulary.all())
        df[numbers >= 0] = its[numbers[numbers >= 0]]
    return df


def idf_of(df: Whole, documents: int) -> NDArray[np.float64]:
    """As ``tfidf.Postings``: ln((1 + n) / (1 + df)) + 1."""
    idf: NDArray[np.float64] = np.log((1 + documents) / (1 + df.astype(np.int64))) + 1
    return idf


def classes_of(df: Whole, documents: int) -> NDArray[np.int8]:
    """Each term's place in ``COMMON``; its length for a term that is rarer."""
    bounds = np.array(COMMON) * documents
    classes: NDArray[np.int8] = (df[:, None] <= bounds).sum(axis=1).astype(np.int8)
    return classes
