"""Where matched terms stand in a text, and which phrases they make."""

from collections.abc import Collection, Iterator
from functools import lru_cache
from itertools import accumulate
from operator import add, itemgetter
from typing import NamedTuple

from matching.stopwords import STOPWORDS
from matching.text import CHARACTER, PAIR, cut, normalise

LONGEST = 12
"""Longer shared passages are shown in several phrases, divided between words."""


class Occurrence(NamedTuple):
    """A matched term (pairs with their mark) at characters ``start`` to ``end`` of the normalised text."""

    start: int
    end: int
    term: str


class Matched:
    """The terms of a match by kind, made once for all the sentences that they are sought in."""

    def __init__(self, terms: Collection[str]) -> None:
        self.words = {term for term in terms if not term.startswith((PAIR, CHARACTER))}
        self.characters = {term.removeprefix(CHARACTER) for term in terms if term.startswith(CHARACTER)}
        self.pairs = {term.removeprefix(PAIR) for term in terms if term.startswith(PAIR)}


def occurrences(text: str, matched: Matched) -> tuple[str, list[Occurrence]]:
    """The normalised text and every place in it where a matched term stands, in order of place."""
    normalised = normalise(text)
    found = []
    words, pairs = matched.words, matched.pairs
    start = 0
    for word in cut(normalised):
        end = start + len(word)
        if word in words:
            found.append(Occurrence(start, end, word))
        start = end
    found += [
        Occurrence(place, place + 2, PAIR + pair)
        for place, pair in enumerate(map(add, normalised, normalised[1:]))
        if pair in pairs
    ]
    found.sort(key=itemgetter(0))
    return normalised, found


def shared_phrases(text: str, found: list[Occurrence], query: str) -> Iterator[tuple[str, frozenset[str]]]:
    """The passages that overlapping terms cover and that the query has as well, each with the terms inside it.

    ``found`` in order of place. Function words at either end are left off the label, not off the terms. Every term of
    ``found`` is in some phrase.
    """
    if not found:
        return
    breaks = set(accumulate(map(len, cut(text))))
    start = end = 0
    held: set[str] = set()
    at = 0
    while at < len(found):
        begin, to, term = found[at]
        here = [term]
        at += 1
        while at < len(found) and found[at].start == begin:
            to = max(to, found[at].end)
            here.append(found[at].term)
            at += 1
        too_long = to - start > LONGEST and begin in breaks
        if begin >= end or too_long or text[start:to] not in query:
            if held:
                yield _trimmed(text[start:end]), frozenset(held)
            start = end = begin
            held = set()
        end = max(end, to)
        held.update(here)
    if held:
        yield _trimmed(text[start:end]), frozenset(held)


# One query's explanations meet the same few phrases again and again.
@lru_cache(maxsize=4096)
def _trimmed(phrase: str) -> str:
    words = [word for word in cut(phrase) if word.strip()]
    first, last = 0, len(words)
    while first < last and words[first] in STOPWORDS:
        first += 1
    while last > first and words[last - 1] in STOPWORDS:
        last -= 1
    return "".join(words[first:last]) or phrase
