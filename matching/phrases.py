"""Where matched terms stand in a text, and which phrases they make."""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import accumulate, groupby

from matching.stopwords import STOPWORDS
from matching.text import PAIR, cut, normalise

LONGEST = 12
"""Longer shared passages are shown in several phrases, divided between words."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A matched term (pairs with their mark) at characters ``start`` to ``end`` of the normalised text."""

    start: int
    end: int
    term: str


def occurrences(text: str, matched: Container[str]) -> tuple[str, list[Occurrence]]:
    """The normalised text and every place in it where a matched term stands, in order of place."""
    normalised = normalise(text)
    found = []
    start = 0
    for word in cut(normalised):
        if word in matched:
            found.append(Occurrence(start, start + len(word), word))
        start += len(word)
    for place in range(len(normalised) - 1):
        pair = PAIR + normalised[place : place + 2]
        if pair in matched:
            found.append(Occurrence(place, place + 2, pair))
    found.sort(key=lambda each: each.start)
    return normalised, found


def shared_phrases(text: str, found: list[Occurrence], query: str) -> Iterator[tuple[str, frozenset[str]]]:
    """The passages that overlapping terms cover and that the query has as well, each with the terms inside it.

    ``found`` in order of place. Function words at either end are left off the label, not off the terms. Every term of
    ``found`` is in some phrase.
    """
    breaks = set(accumulate(map(len, cut(text))))
    start = end = 0
    held: set[str] = set()
    for begin, group in groupby(found, key=lambda each: each.start):
        here = list(group)
        to = max(each.end for each in here)
        too_long = to - start > LONGEST and begin in breaks
        if begin >= end or too_long or text[start:to] not in query:
            if held:
                yield _trimmed(text[start:end]), frozenset(held)
            start = end = begin
            held = set()
        end = max(end, to)
        held.update(each.term for each in here)
    if held:
        yield _trimmed(text[start:end]), frozenset(held)


def _trimmed(phrase: str) -> str:
    words = [word for word in cut(phrase) if word.strip()]
    first, last = 0, len(words)
    while first < last and words[first] in STOPWORDS:
        first += 1
    while last > first and words[last - 1] in STOPWORDS:
        last -= 1
    return "".join(words[first:last]) or phrase
