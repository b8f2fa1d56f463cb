"""The facets of all documents as columns, so that filters and signals are a few array operations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from matching.codes import Codes, discipline_path, industry_path, plain_path, region_path
from matching.records import Facets, Filters

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Numbers = tuple[float, float, float, float, float]

_UNKNOWN = float("nan")


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
        columns = np.array([numbers(row) for row in rows], dtype=np.float64).reshape(len(rows), 5).T.copy()
        return cls(
            size=len(rows),
            regions=Codes([[region_path(row.region)] if row.region else () for row in rows]),
            industries=Codes([map(industry_path, row.industries) for row in rows]),
            disciplines=Codes([map(discipline_path, row.disciplines) for row in rows]),
            stages=Codes([[plain_path(row.stage)] if row.stage else () for row in rows]),
            modes=Codes([map(plain_path, row.modes) for row in rows]),
            trl=columns[0],
            low=columns[1],
            high=columns[2],
            confirmed_at=columns[3],
            confirmed_until=columns[4],
        )

    def admitted(self, filters: Filters, now: float) -> Mask:
        """Which documents are still confirmed at ``now`` and pass the filters, shape (size,)."""
        mask: Mask = ~(self.confirmed_until <= now)
        for codes, paths in (
            (self.regions, list(map(region_path, filters.regions))),
            (self.industries, list(map(industry_path, filters.industries))),
            (self.disciplines, list(map(discipline_path, filters.disciplines))),
            (self.stages, list(map(plain_path, filters.stages))),
            (self.modes, list(map(plain_path, filters.modes))),
        ):
            if paths:
                mask &= codes.admitted(paths)
        if filters.trl_min is not None:
            mask &= self.trl >= filters.trl_min
        if filters.trl_max is not None:
            mask &= self.trl <= filters.trl_max
        return mask
