"""A query's text, read once for its ranking and all its explanations."""

from dataclasses import dataclass
from functools import lru_cache

from matching.text import count_all, normalise


@dataclass(frozen=True, slots=True)
class Reading:
    normalised: str
    counts: dict[str, int]


@lru_cache(maxsize=16)
def read(text: str) -> Reading:
    """The last few texts are kept, since a ranking is usually followed by the explanation of each of its items."""
    return Reading(normalise(text), count_all(text))
