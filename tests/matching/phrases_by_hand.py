"""Where matched terms stand in a text, and which phrases they make, in plain Python: what the kernel has to find."""

from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate
from operator import add, itemgetter
from typing import NamedTuple

from matching.explain import trimmed
from matching.segments.passages import LONGEST
from matching.synonyms import goes_on
from matching.text import CHARACTER, COMPOUND, PAIR


class Occurrence(NamedTuple):
    """A matched term (pairs with their mark) at characters ``start`` to ``end`` of the normalised text."""

    start: int
    end: int
    term: str


class Matched:
    """The terms of a match by kind, made once for all the sentences that they are sought in."""

    def __init__(self, terms: Collection[str]) -> None:
        self.words = {term for term in terms if term[0] not in _MARKS}
        self.characters = {term[1:]: term for term in terms if term[0] == CHARACTER}
        self.pairs = {term[1:]: term for term in terms if term[0] == PAIR}
        self.compounds = {term[1:]: term for term in terms if term[0] == COMPOUND}


_MARKS = PAIR + CHARACTER + COMPOUND


def occurrences(normalised: str, words: Sequence[str], matched: Matched) -> list[Occurrence]:
    """Every place in a normalised text, cut into these words, where a matched term stands, in order of place."""
    sought, pairs = matched.words, matched.pairs
    found = [
        Occurrence(end - len(word), end, word)
        for word, end in zip(words, accumulate(map(len, words)), strict=True)
        if word in sought
    ]
    found += [
        Occurrence(place, place + 2, pairs[pair])
        for place, pair in enumerate(map(add, normalised, normalised[1:]))
        if pair in pairs
    ]
    found += [
        Occurrence(place, place + len(bare), term)
        for bare, term in matched.compounds.items()
        for place in range(len(normalised))
        if normalised.startswith(bare, place)
        and not goes_on(normalised, place)
        and not goes_on(normalised, place + len(bare))
    ]
    found.sort(key=itemgetter(0))
    return found


def shared_phrases(
    text: str, words: Sequence[str], found: Sequence[Occurrence], query: str
) -> Iterator[tuple[str, set[str]]]:
    """The passages that overlapping terms cover and that the query has as well, each with the terms inside it.

    ``found`` in order of place. Function words at either end are left off the label, not off the terms. Every term of
    ``found`` is in some phrase.
    """
    breaks: set[int] | None = None
    start = end = 0
    held: set[str] = set()
    at, many = 0, len(found)
    while at < many:
        begin, to, term = found[at]
        here = [term]
        at += 1
        while at < many and found[at][0] == begin:
            _, other, term = found[at]
            to = max(to, other)
            here.append(term)
            at += 1
        apart = begin >= end
        if not apart and to - start > LONGEST:
            if breaks is None:
                breaks = set(accumulate(map(len, words)))
            apart = begin in breaks
        if apart or text[start:to] not in query:
            if held:
                yield trimmed(text[start:end]), held
            start = end = begin
            held = set()
        end = max(end, to)
        held.update(here)
    if held:
        yield trimmed(text[start:end]), held
