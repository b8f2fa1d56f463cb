"""What a requirement speaks of and what that is measured with: who asks for 抗拉强度 will need a tensile test.

A requirement says what it wants and seldom how that is shown; a lab says what its instruments determine. So a question that
looks for instruments asks, beside its own words, for the tests that belong to what it speaks of, and these count more
than the rest: what the text tells of its trade, a lab does not.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import add
from typing import Final, Self

from matching.synonyms import Widening, places_of, spelt
from matching.text import CHARACTER, count_terms

RAISED: Final = 4.0
"""So many times as much as other terms count those of a test: docs/matching-quality.md."""

GENERAL: Final = 8
"""What the tests of more rows have in common is a word of all labs (试验, 分析), and counts as it would anyhow."""


@dataclass(frozen=True, slots=True, eq=False)
class Measuring:
    """Rows of (what is spoken of, the tests for it). Never changes; two are the same only if they are one object."""

    rows: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()
    _by_head: Mapping[str, list[tuple[str, int]]] = field(default_factory=dict)
    _general: frozenset[str] = frozenset()

    @classmethod
    def of(cls, rows: Iterable[tuple[Iterable[str], Iterable[str]]]) -> Self:
        """Spellings have two characters or more."""
        kept = tuple((tuple(map(spelt, said)), tuple(map(spelt, tests))) for said, tests in rows)
        by_head: dict[str, list[tuple[str, int]]] = {}
        for number, (said, _) in enumerate(kept):
            for word in said:
                by_head.setdefault(word[:2], []).append((word, number))
        rows_of = Counter(term for _, tests in kept for term in {term for test in tests for term in count_terms(test)})
        return cls(kept, by_head, frozenset(term for term, number in rows_of.items() if number > GENERAL))

    def asked(self, normalised: str) -> list[Widening]:
        """The tests for what a text speaks of, each once, in the order of the rows: also those that it names itself."""
        if not self.rows:
            return []
        said: dict[int, str] = {}
        pairs = set(map(add, normalised, normalised[1:]))
        for head in self._by_head.keys() & pairs:
            for word, row in self._by_head[head]:
                known = said.get(row, "")
                # The longest is the most definite; of two, the same in every process.
                longer = (len(word), word) > (len(known), known)
                if longer and pairs.issuperset(map(add, word, word[1:])) and any(places_of(word, normalised)):
                    said[row] = word
        found: dict[str, Widening] = {}
        for row, word in sorted(said.items()):
            for test in self.rows[row][1]:
                found.setdefault(test, Widening(word, test, 1))
        return list(found.values())

    def raised(self, tests: Iterable[Widening]) -> dict[str, float]:
        """How much more the terms of some tests count. Single characters keep what little they weigh."""
        terms = {term for one in tests for term in count_terms(one.other) if not term.startswith(CHARACTER)}
        return dict.fromkeys(terms - self._general, RAISED)


NO_MEASURING: Final = Measuring()
