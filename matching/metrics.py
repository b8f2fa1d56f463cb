"""How good a ranking is: nDCG, recall, reciprocal rank, and an interval that says how sure that is."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from matching.tfidf import Match


def ndcg(ranked: Sequence[str], grades: Mapping[str, int], k: int) -> float:
    """Normalised discounted cumulative gain of the first k keys, in [0, 1] (Järvelin and Kekäläinen 2002).

    Gain 2^grade - 1, discount log2(1 + rank); ungraded keys gain nothing. 0 when nothing is graded above 0.
    """
    ideal = _gain(sorted(grades.values(), reverse=True)[:k])
    return _gain([grades.get(key, 0) for key in ranked[:k]]) / ideal if ideal else 0.0


def _gain(grades: Sequence[int]) -> float:
    return float(sum((2.0**grade - 1.0) / np.log2(rank + 1) for rank, grade in enumerate(grades, 1)))


def recall(ranked: Sequence[str], relevant: Collection[str], k: int) -> float | None:
    """The share of the relevant keys among the first k; None when none is relevant."""
    return len(set(ranked[:k]) & set(relevant)) / len(relevant) if relevant else None


def rank_of(key: str, matches: Sequence[Match]) -> int | None:
    """1 + the number of matches that score strictly higher than this key's; None when it is not among them."""
    score = next((match.score for match in matches if match.key == key), None)
    return None if score is None else 1 + sum(match.score > score for match in matches)


def reciprocal_rank(rank: int | None, k: int) -> float:
    """1 / rank, or 0 beyond k and for None. Its mean over queries is MRR@k."""
    return 1.0 / rank if rank is not None and rank <= k else 0.0


_DRAWN = 1_000_000
"""So many values are drawn at a time; the draws are the same whatever their number."""


def bootstrap_interval(
    values: Sequence[float], *, share: float = 0.95, rounds: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean (Efron 1979), the same for the same values. ValueError when empty."""
    if not values:
        raise ValueError("an interval needs at least one value")
    sample = np.asarray(values, dtype=np.float64)
    random = np.random.default_rng(seed)
    size = len(sample)
    many = max(1, _DRAWN // size)
    means = [
        sample[random.integers(0, size, (min(many, rounds - done), size))].mean(axis=1)
        for done in range(0, rounds, many)
    ]
    low, high = np.quantile(np.concatenate(means), [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)
