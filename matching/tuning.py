"""How rankings are tuned while they run: the weights of the signals, and the terms that people called misleading.

A term is lowered for questions of one kind, the division of GB/T 4754 that a record belongs to (38 for C3841): what
misleads a maker of batteries may be the very thing that a foundry asks for. ``ALL`` holds for questions of every kind
but those that are spared.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from matching.blend import DEFAULT_WEIGHTS, Weights
from matching.codes import industry_path
from matching.queries import Reading
from matching.records import Query
from matching.style import Style
from matching.text import CHARACTER, COMPOUND, PAIR, count_terms, normalise

ALL: Final = ""
LEAST_FACTOR: Final = 0.25
"""No term loses more than three quarters of its weight: a word that misled is not a word that means nothing."""

FITS_FROM: Final[Mapping[Style, float]] = {"request": 0.0055, "report": 0.007}
"""Of achievements and problems; see ``index.fits_from``."""

NOTHING: Final[Mapping[str, float]] = {}


class LoweredTerm(NamedTuple):
    """``term``, a word or phrase as reasons show it, weighs ``factor`` times its weight in questions of ``kind``.
    ``spared``: the kinds that ``ALL`` does not stand for."""

    term: str
    kind: str
    factor: float
    spared: frozenset[str] = frozenset()


def kinds_of(industries: Iterable[str]) -> frozenset[str]:
    """The divisions of some GB/T 4754 codes; a section alone, or what is no code, is of no kind."""
    paths = map(industry_path, industries)
    return frozenset(path[1] for path in paths if len(path) > 1)


@dataclass(frozen=True, eq=False)
class Lowered:
    """The lowered terms, found by what stands in a question."""

    # Under one term of the question that a lowered one has for certain: what it is, and its factor by kind.
    _held: Mapping[str, list[tuple[str, Mapping[str, float]]]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._held)

    @classmethod
    def of(cls, terms: Iterable[LoweredTerm]) -> "Lowered":
        """ValueError for a factor that is not from 0.25 to 1. Of two of one term and kind the later stays."""
        factors: dict[str, dict[str, float]] = {}
        for one in terms:
            if not LEAST_FACTOR <= one.factor <= 1:
                raise ValueError(f"a factor lies from {LEAST_FACTOR} to 1")
            by_kind = factors.setdefault(normalise(one.term), {})
            by_kind[one.kind] = one.factor
            for kind in one.spared:
                by_kind.setdefault(kind, 1.0)
        held: dict[str, list[tuple[str, Mapping[str, float]]]] = {}
        for term, by_kind in factors.items():
            found = sorted(count_terms(term), key=lambda each: not each.startswith(PAIR))
            # Pairs stand in any text that has the phrase; how words are cut depends on their neighbours.
            if found:
                held.setdefault(found[0], []).append((term, by_kind))
        return cls(held)

    def listed(self) -> list[tuple[str, list[tuple[str, float]]]]:
        """All of them with their factors by kind, always in the same order."""
        return sorted((term, sorted(by_kind.items())) for some in self._held.values() for term, by_kind in some)

    def may_stand_in(self, normalised: str) -> bool:
        """Whether one of them stands in a text, for a question of whatever kind."""
        return any(term in normalised for some in self._held.values() for term, _ in some)

    def within(self, reading: Reading, kinds: frozenset[str]) -> Mapping[str, float]:
        """The factor of each of a question's words, pairs and compounds that is part of a lowered term that stands in it.

        Where the question is of several kinds the mildest counts, where a term is part of several lowered ones the
        strictest. Single characters keep what little they weigh.
        """
        standing = [
            (term, factor)
            for key in self._held.keys() & reading.counts.keys()
            for term, by_kind in self._held[key]
            if term in reading.normalised and (factor := _mildest(by_kind, kinds)) < 1
        ]
        if not standing:
            return NOTHING
        factors: dict[str, float] = {}
        for one in reading.counts:
            if not one.startswith(CHARACTER):
                bare = one.removeprefix(PAIR).removeprefix(COMPOUND)
                least = min((factor for term, factor in standing if bare in term), default=1.0)
                if least < 1:
                    factors[one] = least
        return factors


def _mildest(by_kind: Mapping[str, float], kinds: frozenset[str]) -> float:
    everywhere = by_kind.get(ALL, 1.0)
    return max((by_kind.get(kind, everywhere) for kind in kinds), default=everywhere)


@dataclass(frozen=True, slots=True, eq=False)
class Tuning:
    """One state of both. ``version``: the number of the weights' version, 0 for those the program starts with. ``least``: from
    where on something fits, by style."""

    version: int = 0
    weights: Weights = DEFAULT_WEIGHTS
    lowered: Lowered = field(default_factory=Lowered)
    least: Mapping[Style, float] = field(default_factory=lambda: FITS_FROM)

    def kinds(self, query: Query) -> frozenset[str]:
        """What a question is weighed by beside its text; nothing while nothing is lowered."""
        return kinds_of(query.facets.industries) if self.lowered else frozenset()

    def factors(self, reading: Reading, kinds: frozenset[str]) -> Mapping[str, float]:
        return self.lowered.within(reading, kinds) if self.lowered else NOTHING


STARTING: Final = Tuning()
