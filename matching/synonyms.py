"""Spellings that mean the same, 锂电池 and 锂离子电池: a question that uses one asks for the others as well.

Only the question is widened, with the words and pairs of the other spellings, each as often as the one that was used; what
it says already counts no more than before. Records stay as they are, so a changed list holds from the next question on,
whatever was indexed when. A record's reasons mark what was found through another spelling.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import add
from typing import NamedTuple, Self

from matching.text import count_terms, normalise


class Widening(NamedTuple):
    """``other`` is asked for because the question says ``asked``, ``times`` times; both normalised."""

    asked: str
    other: str
    times: int


class _Spelling(NamedTuple):
    text: str
    group: int


def spelt(text: str) -> str:
    """How a spelling is compared: normalised, blanks as one."""
    return " ".join(normalise(text).split())


@dataclass(frozen=True, slots=True, eq=False)
class Synonyms:
    """Groups of spellings. Never changes; two are the same only if they are one object. Finding those that a text uses
    takes time linear in the text, and no more for those it does not."""

    groups: tuple[tuple[str, ...], ...] = ()
    _by_head: dict[str, list[_Spelling]] = field(default_factory=dict)

    @classmethod
    def of(cls, groups: Iterable[Iterable[str]]) -> Self:
        """A spelling has two characters or more; shorter ones are left out, as are groups of fewer than two."""
        known = (tuple(dict.fromkeys(word for one in group if len(word := spelt(one)) > 1)) for group in groups)
        kept = tuple(group for group in known if len(group) > 1)
        by_head: dict[str, list[_Spelling]] = {}
        for number, group in enumerate(kept):
            for word in group:
                by_head.setdefault(word[:2], []).append(_Spelling(word, number))
        return cls(kept, by_head)

    def __len__(self) -> int:
        return len(self.groups)

    def widened(self, normalised: str) -> list[Widening]:
        """What a question asks for besides its own spellings, in the order of the groups. A group whose spellings are
        all there adds nothing."""
        if not self.groups:
            return []
        used: dict[int, dict[str, int]] = {}
        for head in self._by_head.keys() & set(map(add, normalised, normalised[1:])):
            for word, group in self._by_head[head]:
                if times := sum(1 for _ in places_of(word, normalised)):
                    used.setdefault(group, {})[word] = times
        found = []
        for group, said in sorted(used.items()):
            # The longest is the most definite: 锂电池 and not 锂电 is what was said.
            asked = max(said, key=lambda word: (len(word), word))
            found += [Widening(asked, other, max(said.values())) for other in self.groups[group] if other not in said]
        return found


NO_SYNONYMS = Synonyms()


def places_of(word: str, text: str) -> Iterator[int]:
    """Where it ends each time that it stands by itself: LED is not in filled, 5G not in 15GHz."""
    at = text.find(word)
    while at >= 0:
        end = at + len(word)
        if not (goes_on(text, at) or goes_on(text, end)):
            yield end
        at = text.find(word, end)


def goes_on(text: str, place: int) -> bool:
    """Whether a Latin word or a number runs over this place, between one character and the next."""
    if not 0 < place < len(text):
        return False
    one, other = text[place - 1], text[place]
    return one.isascii() and one.isalnum() and other.isascii() and other.isalnum()


def added(
    widenings: Iterable[Widening],
    counts: dict[str, int],
    count: Callable[[str], Mapping[str, int]] = count_terms,
) -> tuple[dict[str, int], dict[str, str]]:
    """The counts with those of the other spellings, in the order of the terms; and for each term that the question has
    through another spelling alone, what it said instead. ``count``: how a spelling becomes terms."""
    through: dict[str, str] = {}
    more: dict[str, int] = {}
    for asked, other, times in widenings:
        for term in count(other):
            if term not in counts:
                more[term] = max(more.get(term, 0), times)
                through.setdefault(term, asked)
    return (dict(sorted((counts | more).items())) if more else counts), through
