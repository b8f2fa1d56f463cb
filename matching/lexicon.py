"""Technical compounds that are counted whole, 固态电解质薄膜 or SiC/Al, beside the words and pairs that they are made of.

Records and questions have to be read with the same lexicon, or a question asks for what no record was counted by. So an index
is built with one, and what is asked of it is read with that one, whoever asks.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from operator import add
from typing import Final, Self

from matching.synonyms import goes_on, spelt
from matching.text import COMPOUND, all_pieces, count_all_normalised, count_terms, is_piece, normalise

LONGEST: Final = 60
"""Characters of a term; the time that a text takes is bounded by it."""


@dataclass(frozen=True, eq=False)
class Lexicon:
    """Terms as they are compared (``spelt``), in their order. Never changes. ``version``: the number people know it by, 0 for
    the one without terms."""

    version: int = 0
    terms: tuple[str, ...] = ()
    # The lengths of the terms that begin with two characters, the shortest first.
    _by_head: dict[str, tuple[int, ...]] = field(default_factory=dict, repr=False)
    _known: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def of(cls, terms: Iterable[str], version: int = 0) -> Self:
        """Terms of fewer than two characters or more than ``LONGEST`` are left out."""
        known = frozenset(word for one in terms if 2 <= len(word := spelt(one)) <= LONGEST)
        lengths: dict[str, set[int]] = {}
        for word in known:
            lengths.setdefault(word[:2], set()).add(len(word))
        return cls(version, tuple(sorted(known)), {head: tuple(sorted(its)) for head, its in lengths.items()}, known)

    def __len__(self) -> int:
        return len(self.terms)

    @cached_property
    def digest(self) -> str:
        """The same for two that hold the same terms, whatever their numbers; empty for no terms."""
        return sha256("\n".join(self.terms).encode("utf-8", "surrogatepass")).hexdigest() if self.terms else ""

    def standing(self, normalised: str) -> list[str]:
        """Each occurrence of each term in a normalised text, in the order in which they begin.

        A term stands by itself (LED is not in filled) and does not overlap itself; different terms may overlap. Looks at
        each place of the text once, and there at no more than ``LONGEST`` lengths.
        """
        heads, known = self._by_head, self._known
        pairs = list(map(add, normalised, normalised[1:]))
        if heads.keys().isdisjoint(pairs):
            return []
        found: list[str] = []
        ends: dict[str, int] = {}
        for start, pair in enumerate(pairs):
            for length in heads.get(pair, ()):
                word, end = normalised[start : start + length], start + length
                apart = word in known and not goes_on(normalised, start) and not goes_on(normalised, end)
                if apart and ends.get(word, 0) <= start:
                    ends[word] = end
                    found.append(word)
        return found

    def count_all(self, normalised: str) -> dict[str, int]:
        """As ``text.count_all_normalised``, with the compounds as well."""
        return self._with_compounds(count_all_normalised(normalised), normalised)

    def count_terms(self, text: str) -> dict[str, int]:
        """As ``text.count_terms``, with the compounds as well."""
        return self._with_compounds(count_terms(text), normalise(text)) if self.terms else count_terms(text)

    def _with_compounds(self, counted: dict[str, int], normalised: str) -> dict[str, int]:
        if not self.terms or not (found := self.standing(normalised)):
            return counted
        counted |= {COMPOUND + word: times for word, times in Counter(found).items()}
        return {term: counted[term] for term in sorted(counted)}

    def pieces(self, text: str) -> list[tuple[str, Iterable[str]]]:
        """As ``text.all_pieces``, with the compounds as well."""
        return [*all_pieces(text), (COMPOUND, self.standing(normalise(text)))]


def is_piece_or_compound(mark: str, piece: str) -> bool:
    """As ``text.is_piece``; what was found as a compound is one."""
    return mark == COMPOUND or is_piece(mark, piece)


NO_LEXICON: Final = Lexicon()
