"""Where matched terms stand in a text, and which phrases they make."""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import accumulate

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
    """The normalised text and every place in it where a matched term stands."""
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
    return normalised, found


def shared_phrases(text: str, found: list[Occurrence], query: str) -> Iterator[tuple[str, frozenset[str]]]:
    """The passages that matched terms cover and that the query has as well, each with the terms inside it.

    Function words at either end are left off the label, not off the terms.
    """
    for start, end in _passages(text, found, query):
        label = _trimmed(text[start:end])
        held = frozenset(each.term for each in found if each.start >= start and each.end <= end)
        if label and held:
            yield label, held


def _passages(text: str, found: list[Occurrence], query: str) -> Iterator[tuple[int, int]]:
    reach: dict[int, int] = {}
    for each in found:
        reach[each.start] = max(reach.get(each.start, 0), each.end)
    breaks = set(accumulate(map(len, cut(text))))
    start = end = -1
    for begin in sorted(reach):
        to = reach[begin]
        joined = begin < end and text[start:to] in query and not (begin in breaks and to - start > LONGEST)
        if joined:
            end = max(end, to)
            continue
        if end > start:
            yield start, end
        start, end = begin, to
    if end > start:
        yield start, end


def _trimmed(phrase: str) -> str:
    words = [word for word in cut(phrase) if word.strip()]
    first, last = 0, len(words)
    while first < last and words[first] in STOPWORDS:
        first += 1
    while last > first and words[last - 1] in STOPWORDS:
        last -= 1
    return "".join(words[first:last]) or phrase
