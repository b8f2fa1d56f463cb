"""Text score and structured signals, blended into one score whose parts can be listed.

    score = text · (1 + Σ weight · value)

where text is the cosine and each signal's value lies in [0, 1]. A signal therefore contributes text · weight · value:
it can lift a document that speaks of the same thing, by at most a quarter in all, and can never lift one that does not.
Text is at least 0.8 of every score. (Added beside the text instead, a signal of 0.1 would drown it: the cosine of a real
requirement with its best answer is typically 0.1 to 0.3.) What is unknown on either side contributes 0.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from matching.codes import (
    DISCIPLINE_LEVELS,
    INDUSTRY_LEVELS,
    REGION_LEVELS,
    Path,
    discipline_path,
    industry_path,
    region_path,
    shared_levels,
)
from matching.facets import numbers
from matching.records import Facets, Query
from matching.tfidf import rounded

Floats = NDArray[np.float64]
Detail = Mapping[str, str | float | None]

LARGEST_SUM = 0.25

FIELD_VALUES = {
    "industry": (0.1, 0.5, 0.75, 1.0),  # same section, division, group, class
    "discipline": (0.1, 0.5, 0.75, 1.0),  # same branch, first, second, third level
}
REGION_VALUES = (0.5, 1.0, 1.0)  # same province, prefecture, county
TRL_STEP = 0.25
FRESH_FOR = 180 * 86_400.0


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each signal may add to the text score, as a share of it. 0 switches a signal off.

    ValueError when one is negative or not finite, or all together exceed ``MOST``.
    """

    MOST: ClassVar[float] = LARGEST_SUM

    field: float = 0.10
    trl: float = 0.05
    region: float = 0.04
    budget: float = 0.04
    freshness: float = 0.02

    def __post_init__(self) -> None:
        values = [getattr(self, each.name) for each in fields(self)]
        if not all(np.isfinite(values)) or min(values) < 0 or sum(values) > self.MOST + 1e-12:
            raise ValueError(f"signal weights must be at least 0 and at most {self.MOST} together")


@dataclass(frozen=True, slots=True)
class FieldWeights(Weights):
    """For records that are about a whole field, an event or a call for projects: that it is the asker's own says more than
    the words they share, which are few and general. It may lift a score to four times that of the text."""

    MOST: ClassVar[float] = 3.0 + LARGEST_SUM
    field: float = 3.0


DEFAULT_WEIGHTS = Weights()
TEXT_ONLY = Weights(field=0, trl=0, region=0, budget=0, freshness=0)


@dataclass(frozen=True, slots=True)
class Judged:
    """One signal for one pair: its value in [0, 1], None when either side does not say, and what was compared."""

    name: str
    value: float | None
    detail: Detail


class Carriers(Protocol):
    """Who carries which codes; see ``codes.Codes``."""

    def agreement(self, paths: Iterable[Path], values: Sequence[float]) -> Floats:
        """For each row the value of the deepest level that it shares with any of these paths, 0 for none."""


class Table(Protocol):
    """Some documents' facets as columns; see ``facets.FacetTable``."""

    @property
    def size(self) -> int: ...
    @property
    def industries(self) -> Carriers: ...
    @property
    def disciplines(self) -> Carriers: ...
    @property
    def regions(self) -> Carriers: ...
    @property
    def trl(self) -> Floats: ...
    @property
    def low(self) -> Floats: ...
    @property
    def high(self) -> Floats: ...
    @property
    def confirmed_at(self) -> Floats: ...


def highest(query: Query, weights: Weights) -> float:
    """What no ``bonus`` of this query exceeds: the weights of the signals that it speaks of."""
    facets = query.facets
    return sum(
        weight
        for weight, spoken_of in (
            (weights.field, facets.industries or facets.disciplines),
            (weights.trl, facets.trl is not None),
            (weights.region, facets.region),
            (weights.budget, facets.money is not None),
            (weights.freshness, True),
        )
        if spoken_of
    )


def bonus(query: Query, table: Table, weights: Weights, now: float) -> Floats:
    """Σ weight · value for every document, shape (size,), always summed in the order of ``Weights``."""
    total = np.zeros(table.size)
    facets = query.facets
    if weights.field and (facets.industries or facets.disciplines):
        by_industry = table.industries.agreement(map(industry_path, facets.industries), FIELD_VALUES["industry"])
        by_discipline = table.disciplines.agreement(
            map(discipline_path, facets.disciplines), FIELD_VALUES["discipline"]
        )
        total += weights.field * np.maximum(by_industry, by_discipline)
    trl, low, high, _, _ = numbers(facets)
    if weights.trl and not np.isnan(trl):
        need, has = (trl, table.trl) if query.side == "problem" else (table.trl, trl)
        total += weights.trl * np.nan_to_num(_readiness(need, has))
    if weights.region and facets.region:
        total += weights.region * table.regions.agreement([region_path(facets.region)], REGION_VALUES)
    if weights.budget and not (np.isnan(low) and np.isnan(high)):
        money = (
            _affordable(low, high, table.low, table.high)
            if query.side == "problem"
            else _affordable(table.low, table.high, low, high)
        )
        total += weights.budget * np.nan_to_num(money)
    if weights.freshness:
        total += weights.freshness * np.nan_to_num(_fresh(table.confirmed_at, now))
    return total


def _readiness(need: float | Floats, has: float | Floats) -> Floats:
    """1 where the achievement is at least as ready as the problem asks; a quarter less for each level short of it."""
    return np.clip(1.0 - TRL_STEP * np.maximum(np.subtract(need, has), 0.0), 0.0, 1.0)


def _affordable(
    budget_low: float | Floats, budget_high: float | Floats, price_low: float | Floats, price_high: float | Floats
) -> Floats:
    """1 where the whole price range is within the budget, 0.5 where only its lower end is, 0 above; NaN where either
    side names no amount. A range open above reaches to infinity, one open below begins at 0."""
    no_budget = np.isnan(budget_low) & np.isnan(budget_high)
    no_price = np.isnan(price_low) & np.isnan(price_high)
    most = np.where(np.isnan(budget_high), np.inf, budget_high)
    lowest = np.where(np.isnan(price_low), 0.0, price_low)
    highest = np.where(np.isnan(price_high), price_low, price_high)
    value = np.where(highest <= most, 1.0, np.where(lowest <= most, 0.5, 0.0))
    return np.where(no_budget | no_price, np.nan, value)


def _fresh(confirmed_at: float | Floats, now: float) -> Floats:
    """1 just after its owner confirmed it, falling evenly to 0 after 180 days."""
    return np.clip(1.0 - np.subtract(now, confirmed_at) / FRESH_FOR, 0.0, 1.0)


def judge(query: Query, facets: Facets, now: float) -> list[Judged]:
    """Every signal for one document, in the order of ``Weights``, with the same values that ``bonus`` uses."""
    problem, achievement = (query.facets, facets) if query.side == "problem" else (facets, query.facets)
    # What one side does not say is unknown whatever the other says; most records say little, and arrays are slow for one.
    ready = fits = None
    if problem.trl is not None and achievement.trl is not None:
        ready = _known(_readiness(problem.trl, achievement.trl))
    if problem.money is not None and achievement.money is not None:
        fits = _known(_affordable(*numbers(problem)[1:3], *numbers(achievement)[1:3]))
    confirmed_at, confirmed_until = facets.confirmed_at, facets.confirmed_until
    return [
        _judge_field(problem, achievement),
        Judged("trl", ready, {"needed": problem.trl, "has": achievement.trl}),
        _judge_region(problem, achievement),
        Judged(
            "budget",
            fits,
            {
                "budget_low": (problem.money or (None, None))[0],
                "budget_high": (problem.money or (None, None))[1],
                "price_low": (achievement.money or (None, None))[0],
                "price_high": (achievement.money or (None, None))[1],
                "level": None if fits is None else {1.0: "within", 0.5: "partly", 0.0: "above"}[fits],
            },
        ),
        Judged(
            "freshness",
            None if confirmed_at is None else min(max(1.0 - (now - confirmed_at) / FRESH_FOR, 0.0), 1.0),
            {"confirmed_at": confirmed_at, "confirmed_until": confirmed_until},
        ),
    ]


def lifted(query: Query, facets: Facets, text: float, weights: Weights, now: float) -> float:
    """The blended score of one document whose text score is known; the same number as with ``bonus``."""
    total = 0.0
    for one in judge(query, facets, now):
        total += getattr(weights, one.name) * (one.value or 0.0)
    return float(rounded(np.array(text * (1.0 + total))))


def _known(value: Floats) -> float | None:
    return None if np.isnan(value) else float(value)


def _judge_field(problem: Facets, achievement: Facets) -> Judged:
    best: tuple[float, Detail] | None = None
    for by, ours, theirs, path, levels in (
        ("industry", problem.industries, achievement.industries, industry_path, INDUSTRY_LEVELS),
        ("discipline", problem.disciplines, achievement.disciplines, discipline_path, DISCIPLINE_LEVELS),
    ):
        for one in ours:
            for other in theirs:
                value, level = _agreement(path(one), path(other), FIELD_VALUES[by], levels)
                if best is None or value > best[0]:
                    best = (value, {"by": by, "problem": one, "achievement": other, "level": level})
    if best is None:
        return Judged("field", None, {"by": None, "problem": None, "achievement": None, "level": None})
    return Judged("field", *best)


def _judge_region(problem: Facets, achievement: Facets) -> Judged:
    detail = {"problem": problem.region, "achievement": achievement.region}
    if not (problem.region and achievement.region):
        return Judged("region", None, {**detail, "level": None})
    value, level = _agreement(
        region_path(problem.region), region_path(achievement.region), REGION_VALUES, REGION_LEVELS
    )
    return Judged("region", value, {**detail, "level": level})


def _agreement(one: Path, other: Path, values: tuple[float, ...], levels: tuple[str, ...]) -> tuple[float, str | None]:
    shared = shared_levels(one, other)
    return (values[shared - 1], levels[shared - 1]) if shared else (0.0, None)
