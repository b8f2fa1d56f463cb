"""Which field a text that tells none is of: that of the records nearest to it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from matching.codes import discipline_path, industry_path

NEAREST: Final = 8
"""So many records are asked."""
SHARE: Final = 0.25
"""A code counts that has this share of their weight, the squares of their text scores."""


class Field(NamedTuple):
    """``industries``: divisions of GB/T 4754 (38). ``disciplines``: those of the first level of GB/T 13745 (460)."""

    industries: tuple[str, ...] = ()
    disciplines: tuple[str, ...] = ()


def field_of(nearest: Iterable[tuple[float, Sequence[str], Sequence[str]]]) -> Field:
    """From (text score, industries, disciplines) of the nearest records: what a quarter of them is of, weighed by how near
    they are; the strongest first. Codes that name neither a division nor a discipline say nothing."""
    industries, disciplines = defaultdict[str, float](float), defaultdict[str, float](float)
    total = 0.0
    for score, its_industries, its_disciplines in nearest:
        weight = score * score
        total += weight
        for paths, found in (
            (map(industry_path, its_industries), industries),
            (map(discipline_path, its_disciplines), disciplines),
        ):
            for code in {path[1] for path in paths if len(path) > 1}:
                found[code] += weight

    def strong(found: dict[str, float]) -> tuple[str, ...]:
        kept = (code for code, weight in found.items() if weight >= SHARE * total)
        return tuple(sorted(kept, key=lambda code: (-found[code], code)))

    return Field(strong(industries), strong(disciplines))
