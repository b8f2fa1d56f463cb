"""Where a question's terms stand in a record's sentences, and which passages both texts share.

A kernel, since a page of twenty reasons asks it of every sentence of twenty records; tests/matching/phrases_by_hand.py says
the same in plain Python.
"""

from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.segments.compiling import compiled, whole
from matching.segments.files import frozen
from matching.text import CHARACTER, COMPOUND, PAIR, Sentence

LONGEST = 12
"""Longer shared passages are shown in several phrases, divided between words."""

Codes = NDArray[np.uint32]
I32 = NDArray[np.int32]
F64 = NDArray[np.float64]

_WORD, _PAIR, _CHARACTER, _COMPOUND = 0, 1, 2, 3
_KINDS = {COMPOUND: _COMPOUND, PAIR: _PAIR, CHARACTER: _CHARACTER}  # the latter last
_BUCKETS = 1 << 16
_FNV_START = np.uint64(14695981039346656037)
_FNV_STEP = np.uint64(1099511628211)
_FOLD = np.uint64(32)


class Standing(NamedTuple):
    """In characters of all sentences' normalised texts end to end, and terms by their number in the question.

    ``places``: start, end and term of each word, pair and compound, in order of place, and where those of each sentence begin.
    ``here``: the terms of each sentence once, single characters too, and where those of each begin. ``passages``: start
    and end of what overlapping terms cover and the query has as well, and from which to before which place they are.
    """

    places: list[list[int]]
    places_of: list[int]
    here: list[int]
    here_of: list[int]
    passages: list[list[int]]


class _Asked(NamedTuple):
    """Terms end to end without their marks, a table of hashes to find them by, and the query with chains of the places
    that begin alike. ``spans``: the lengths that compounds have."""

    codes: Codes
    starts: I32
    kinds: NDArray[np.int8]
    slots: I32
    query: Codes
    first: I32
    following: I32
    spans: I32


@compiled
def _hash(codes: Codes, start: int, end: int, kind: int) -> np.uint64:
    value = _FNV_START ^ np.uint64(kind)
    for i in range(start, end):
        value = (value ^ np.uint64(codes[i])) * _FNV_STEP
    return value ^ (value >> _FOLD)


@compiled
def _slots(codes: Codes, starts: I32, kinds: NDArray[np.int8], slots: I32) -> None:
    mask = np.uint64(len(slots) - 1)
    for number in range(len(kinds)):
        at = _hash(codes, starts[number], starts[number + 1], kinds[number]) & mask
        while slots[at] != 0:
            at = (at + np.uint64(1)) & mask
        slots[at] = number + 1


@compiled
def _find(asked: _Asked, text: Codes, start: int, end: int, kind: int) -> int:
    mask = np.uint64(len(asked.slots) - 1)
    at = _hash(text, start, end, kind) & mask
    while asked.slots[at] != 0:
        number = whole(asked.slots[at]) - 1
        begin = whole(asked.starts[number])
        if asked.kinds[number] == kind and asked.starts[number + 1] - begin == end - start:
            same = True
            for i in range(end - start):
                if asked.codes[begin + i] != text[start + i]:
                    same = False
                    break
            if same:
                return number
        at = (at + np.uint64(1)) & mask
    return -1


@compiled
def _chains(query: Codes, first: I32, following: I32) -> None:
    for place in range(len(query) - 1, -1, -1):
        bucket = query[place] & np.uint32(_BUCKETS - 1)
        following[place] = first[bucket]
        first[bucket] = place


@compiled
def _known(asked: _Asked, code: np.uint32) -> bool:
    """Whether the query may have this character; most it has not, and no term of it begins there."""
    return bool(asked.first[code & np.uint32(_BUCKETS - 1)] >= 0)


@compiled
def _goes_on(text: Codes, place: int, begin: int, end: int) -> bool:
    """As ``synonyms.goes_on``, within a sentence."""
    return begin < place < end and _plain(text[place - 1]) and _plain(text[place])


@compiled
def _ends(asked: _Asked, text: Codes, place: int, which: int, word: int, begin: int, end: int) -> int:
    """Where a term of a kind that begins here ends; beyond the sentence where none may stand. ``word``: the length of the
    word that begins here, 0 for none; kinds from ``_COMPOUND`` on are compounds of one length each."""
    if which == _WORD:
        return place + word if word > 0 else end + 1
    if which == _PAIR:
        return place + 2 if place + 1 < end and _known(asked, text[place + 1]) else end + 1
    if which == _CHARACTER:
        return place + 1
    to = place + whole(asked.spans[which - _COMPOUND])
    apart = to <= end and not _goes_on(text, place, begin, end) and not _goes_on(text, to, begin, end)
    return to if apart else end + 1


@compiled
def _plain(code: np.uint32) -> bool:
    """Whether it is a Latin letter or a digit of a normalised text."""
    return bool(97 <= code <= 122 or 48 <= code <= 57)


@compiled
def _asks(asked: _Asked, text: Codes, start: int, end: int) -> bool:
    """Whether the query has this passage."""
    place = whole(asked.first[text[start] & np.uint32(_BUCKETS - 1)])
    while place >= 0:
        if place + end - start <= len(asked.query):
            same = True
            for i in range(end - start):
                if asked.query[place + i] != text[start + i]:
                    same = False
                    break
            if same:
                return True
        place = whole(asked.following[place])
    return False


@compiled
def _standing(asked: _Asked, text: Codes, lengths: I32, words_of: I32, worth: F64) -> tuple[I32, I32, I32, I32, I32]:
    """``lengths``: of the words, end to end; ``words_of``: how many each sentence has. Terms without worth are not sought."""
    n = len(text)
    most = 2 + len(asked.spans)
    places = np.empty((most * n, 3), np.int32)
    here = np.empty((most + 1) * n, np.int32)
    passages = np.empty((most * n, 4), np.int32)
    places_of, here_of = np.zeros(len(words_of) + 1, np.int32), np.zeros(len(words_of) + 1, np.int32)
    seen = np.full(len(worth), -1, np.int32)
    word_at = np.zeros(n + 1, np.int32)
    n_places = n_here = n_passages = begin = word = 0
    for sentence in range(len(words_of)):
        end = begin
        for _ in range(words_of[sentence]):
            word_at[end] = word + 1
            end += lengths[word]
            word += 1
        first_place = n_places
        for place in range(begin, end):
            if not _known(asked, text[place]):
                continue
            long = whole(lengths[word_at[place] - 1]) if word_at[place] > 0 else 0
            for which in range(3 + len(asked.spans)):
                to = _ends(asked, text, place, which, long, begin, end)
                if to > end:
                    continue
                kind = min(which, _COMPOUND)
                term = _find(asked, text, place, to, kind)
                if term < 0 or worth[term] <= 0:
                    continue
                if kind != _CHARACTER:
                    places[n_places, 0], places[n_places, 1], places[n_places, 2] = place, to, term
                    n_places += 1
                if seen[term] != sentence:
                    seen[term] = sentence
                    here[n_here] = term
                    n_here += 1
        n_passages = _passages(asked, text, places, first_place, n_places, begin, word_at, passages, n_passages)
        begin = end
        places_of[sentence + 1], here_of[sentence + 1] = n_places, n_here
    return places[:n_places], places_of, here[:n_here], here_of, passages[:n_passages]


@compiled
def _passages(
    asked: _Asked,
    text: Codes,
    places: I32,
    first_place: int,
    n_places: int,
    begin_of: int,
    word_at: I32,
    passages: I32,
    found: int,
) -> int:
    """Those of one sentence; answers how many there are then."""
    start = end = begin_of
    first = at = first_place
    while at < n_places:
        group = at
        begin, to = whole(places[at, 0]), whole(places[at, 1])
        at += 1
        while at < n_places and places[at, 0] == begin:
            to = max(to, whole(places[at, 1]))
            at += 1
        apart = begin >= end or (to - start > LONGEST and word_at[begin] > 0)
        if apart or not _asks(asked, text, start, to):
            if group > first:
                passages[found, 0], passages[found, 1] = start, end
                passages[found, 2], passages[found, 3] = first, group
                found += 1
            start = end = begin
            first = group
        end = max(end, to)
    if at > first:
        passages[found, 0], passages[found, 1] = start, end
        passages[found, 2], passages[found, 3] = first, at
        found += 1
    return found


def _codes(text: str) -> Codes:
    return frozen(np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32))


# One query is asked of all the records of a page.
@lru_cache(maxsize=16)
def sought(terms: tuple[str, ...], query: str) -> "Sought":
    return Sought(terms, query)


class Sought:
    """A question's terms, with their marks and in their order, and its normalised text, ready to be found in texts."""

    def __init__(self, terms: Sequence[str], query: str) -> None:
        self.bare, kinds = list(terms), np.zeros(len(terms), np.int8)
        for mark, kind in _KINDS.items():
            here = slice(bisect_left(terms, mark), bisect_left(terms, chr(ord(mark) + 1)))
            self.bare[here] = [term[1:] for term in terms[here]]
            kinds[here] = kind
            if kind == _COMPOUND:
                self.compounds = range(here.start, here.stop)
        self._singles = range(here.start, here.stop)
        self.characters = dict(zip(self.bare[here], self._singles, strict=True))
        codes = _codes("".join(self.bare))
        starts = np.zeros(len(terms) + 1, np.int32)
        np.cumsum(np.fromiter(map(len, self.bare), np.int32, len(terms)), out=starts[1:])
        slots = np.zeros(1 << (2 * len(terms) + 1).bit_length(), np.int32)
        _slots(codes, starts, kinds, slots)
        asked = _codes(query)
        first, following = np.full(_BUCKETS, -1, np.int32), np.empty(len(asked), np.int32)
        _chains(asked, first, following)
        spans = np.unique(np.diff(starts)[kinds == _COMPOUND]).astype(np.int32)
        self._asked = _Asked(codes, starts, kinds, slots, asked, first, following, spans)

    def is_character(self, term: int) -> bool:
        return term in self._singles

    def is_compound(self, term: int) -> bool:
        return term in self.compounds

    def standing(self, read: Sequence[Sentence], worth: F64) -> Standing:
        """``worth``: of each term; those without any are left aside."""
        text = _codes("".join([each.normalised for each in read]))
        words_of = np.array([len(each.words) for each in read], np.int32)
        lengths = np.fromiter(map(len, chain.from_iterable([each.words for each in read])), np.int32)
        places, places_of, here, here_of, passages = _standing(self._asked, text, lengths, words_of, worth)
        return Standing(places.tolist(), places_of.tolist(), here.tolist(), here_of.tolist(), passages.tolist())
