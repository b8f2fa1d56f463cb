"""The facets of all documents as columns, so that filters and signals are a few array operations."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from matching.codes import Codes, Path, discipline_path, industry_path, plain_path, region_path
from matching.records import Facets, Filters

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Numbers = tuple[float, float, float, float, float]

_UNKNOWN = float("nan")
_READERS: dict[str, Callable[[str], Path]] = {
    "regions": region_path,
    "industries": industry_path,
    "disciplines": discipline_path,
    "stages": plain_path,
    "modes": plain_path,
}


def _number(value: float | None) -> float:
    return _UNKNOWN if value is None else float(value)


def numbers(facets: Facets) -> Numbers:
    """trl, lowest and highest amount, confirmed at and until; unknown is NaN."""
    low, high = facets.money or (None, None)
    return (
        _number(facets.trl),
        _number(low),
        _number(high),
        _number(facets.confirmed_at),
        _number(facets.confirmed_until),
    )


@dataclass(frozen=True, slots=True)
class FacetTable:
    """One row a document; unknown numbers are NaN."""

    size: int
    regions: Codes
    industries: Codes
    disciplines: Codes
    stages: Codes
    modes: Codes
    trl: Floats
    low: Floats
    high: Floats
    confirmed_at: Floats
    confirmed_until: Floats

    @classmethod
    def build(cls, rows: Sequence[Facets]) -> Self:
        carried: dict[str, dict[str, list[int]]] = {name: {} for name in _READERS}
        for row, facets in enumerate(rows):
            for code in facets.industries:
                carried["industries"].setdefault(code, []).append(row)
            for code in facets.disciplines:
                carried["disciplines"].setdefault(code, []).append(row)
            for mode in facets.modes:
                carried["modes"].setdefault(mode, []).append(row)
            if facets.region:
                carried["regions"].setdefault(facets.region, []).append(row)
            if facets.stage:
                carried["stages"].setdefault(facets.stage, []).append(row)
        size = len(rows)
        columns = np.array([numbers(row) for row in rows], dtype=np.float64).reshape(size, 5).T.copy()
        return cls(
            **{name: Codes(carried[name], path_of, size) for name, path_of in _READERS.items()},
            size=size,
            trl=columns[0],
            low=columns[1],
            high=columns[2],
            confirmed_at=columns[3],
            confirmed_until=columns[4],
        )

    def admitted(self, filters: Filters, now: float) -> Mask:
        """Which documents are still confirmed at ``now`` and pass the filters, shape (size,)."""
        mask: Mask = ~(self.confirmed_until <= now)
        for name, path_of in _READERS.items():
            wanted: tuple[str, ...] = getattr(filters, name)
            if wanted:
                codes: Codes = getattr(self, name)
                mask &= codes.admitted(map(path_of, wanted))
        if filters.trl_min is not None:
            mask &= self.trl >= filters.trl_min
        if filters.trl_max is not None:
            mask &= self.trl <= filters.trl_max
        if filters.confirmed_within is not None:
            mask &= self.confirmed_at + filters.confirmed_within > now
        return mask
