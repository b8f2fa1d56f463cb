"""Many queries at once that are records themselves: each asks another collection for its best, without Python between."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.asides import ASIDE_TERMS
from matching.segments.codec import decode
from matching.segments.compiling import compiled
from matching.segments.kernels import room_for
from matching.segments.planning import Questions, sort_down
from matching.segments.ranking import Part, View, found_by
from matching.segments.statistics import MARK, classes_of
from matching.segments.vocabulary import Vocabulary, packed
from matching.segments.wording import Beyond, Wording, Words, plain
from matching.text import CHARACTER, COMPOUND, PAIR
from matching.weighting import Settings, emphasis_of, focus_of, idf_of

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

NOBODY: Final = -1
"""Stands where a record found fewer than k."""


@dataclass(frozen=True, slots=True)
class Answers:
    """For each asking row the rows it found and their scores, best first, the lower key first among equals; behind the
    last ``NOBODY`` and 0. Shape (asked, k)."""

    rows: I64
    scores: F64


@compiled
def _in_order(starts: I64, found: I64, their: F64, first: int, rows: I64, scores: F64) -> None:
    """What each question found, counted from ``first``, best first, as many as there is room for. Sorts what it is given."""
    for i in range(len(starts) - 1):
        its_rows, its_scores = found[starts[i] : starts[i + 1]], their[starts[i] : starts[i + 1]]
        sort_down(its_scores, its_rows)
        for f in range(min(len(its_rows), rows.shape[1])):
            rows[i, f], scores[i, f] = first + its_rows[f], its_scores[f]


class _Terms(NamedTuple):
    """The terms of an asking part, as the answering collection has them; ``idf`` 0 for one that nobody answers to.

    The first ``marked`` are none: see ``facets``. Behind its own come those that only a wording asks for.
    ``focus``, ``emphasis`` and ``aside`` as in ``weighting``, the last 1 where brevity counts, ``emphasis`` ``_AS_BREVITY`` for
    compounds.
    """

    marked: int
    idf: F64
    focus: F64
    emphasis: F64
    aside: U8
    lone: U8
    classes: NDArray[np.int8]


_AS_BREVITY: Final = -1.0


@compiled
def _weighed(
    words: Words, terms: _Terms, damp: F64, numbers: tuple[float, float, float], weights: F64, brevities: F64
) -> None:
    """Each record's terms as ``weighting.weigh`` does it, 0 for what nobody has. ``damp``: 1 + ln tf; ``numbers``: half,
    compounds and chosen of the settings."""
    half, compounds, chosen = numbers
    starts, ids, tf = words.starts, words.ids, words.tf
    for i in range(len(starts) - 1):
        begin, end = starts[i], starts[i + 1]
        n = end - begin
        for j in range(begin, end):
            if ids[j] >= terms.marked:
                break
            n -= 1
        brevity = half / (half + n)
        brevities[i] = brevity
        of_compounds = compounds * brevity**chosen
        squared = 0.0
        for j in range(begin, end):
            term, count = ids[j], tf[j]
            once = damp[count] if count < len(damp) else 1.0 + math.log(count)
            aside = brevity if terms.aside[term] or words.through[j] else 1.0
            emphasis = of_compounds if terms.emphasis[term] == _AS_BREVITY else terms.emphasis[term]
            asked = once * terms.idf[term] * terms.focus[term] * emphasis
            weights[j] = asked * aside * words.lowered[j]
            squared += weights[j] * weights[j]
        norm = math.sqrt(squared) if squared > 0.0 else 1.0
        for j in range(begin, end):
            weights[j] /= norm


@compiled
def _chosen(starts: I64, ids: I32, weights: F64, numbers: I32, lone: U8, chosen_starts: I64, chosen: I64) -> int:
    """Which terms a part answers to, record by record; none where it has but single characters of a record."""
    n = 0
    for i in range(len(starts) - 1):
        first, spoken = n, False
        for j in range(starts[i], starts[i + 1]):
            if weights[j] > 0.0 and numbers[ids[j]] >= 0:
                chosen[n] = j
                n += 1
                spoken |= not lone[ids[j]]
        if not spoken:
            n = first
        chosen_starts[i + 1] = n
    return n


def _emphasis(vocabulary: Vocabulary, settings: Settings) -> F64:
    """Of all terms; other than 1 only among Latin words, pairs and compounds, as ``weighting.emphasis_of`` has it."""
    found = np.ones(len(vocabulary))
    for beginning, end in (("a", "z"), (PAIR, PAIR + "\x7f")):
        first, last = vocabulary.beginning(beginning)[0], vocabulary.beginning(end)[1]
        found[first:last] = emphasis_of([vocabulary.term(number) for number in range(first, last)], settings)
    found[slice(*vocabulary.beginning(COMPOUND))] = _AS_BREVITY
    return found


def _emphasis_of(terms: Sequence[str], settings: Settings) -> F64:
    """The same of some terms in their order."""
    found = emphasis_of(terms, settings)
    found[[term.startswith(COMPOUND) for term in terms]] = _AS_BREVITY
    return found


_ONCE: Final = np.concatenate([[0.0], 1.0 + np.log(np.arange(1, 4096, dtype=np.int32))])


class Asking:
    """The records of one collection as queries to another. Both stay as they are; any number of threads may share it.

    ``wording``: how some rows of the asking view ask otherwise than by their own terms alone.
    """

    def __init__(self, asking: View, answering: View, wording: Wording | None = None) -> None:
        self.asking = asking
        self.answering = answering
        self._beyond = [None if wording is None else wording.beyond(part.segment.vocabulary) for part in asking.parts]
        self._links = list(map(self._linked, asking.parts, self._beyond))

    def _linked(self, part: Part, beyond: Beyond | None) -> tuple[list[I32], _Terms]:
        """Where a part's terms are in each answering part, and what the answering collection makes of them."""
        vocabulary, collection = part.segment.vocabulary, self.answering.collection
        more = packed(beyond.new if beyond else ())
        numbers = [
            np.concatenate([its.numbers(vocabulary.all()), its.numbers(more)])
            for its in (other.segment.vocabulary for other in self.answering.parts)
        ]
        terms = len(vocabulary) + len(more[1]) - 1
        df, cf, there = self.answering.totals(numbers, terms)
        marked = vocabulary.beginning(MARK)[1]
        there[:marked] = False
        lone = np.zeros(terms, np.bool_)
        lone[slice(*vocabulary.beginning(CHARACTER))] = True
        aside = lone.copy()
        if collection.settings.asides:
            known = vocabulary.numbers(packed(sorted(ASIDE_TERMS)))
            aside[known[known >= 0]] = True
        return numbers, _Terms(
            marked=marked,
            idf=np.where(there, idf_of(df, collection.documents), 0.0),
            focus=focus_of(df, cf, collection.settings),
            emphasis=np.concatenate(
                [
                    _emphasis(vocabulary, collection.settings),
                    _emphasis_of(beyond.new if beyond else (), collection.settings),
                ]
            ),
            aside=aside.view(np.uint8),
            lone=lone.view(np.uint8),
            classes=classes_of(df, collection.documents),
        )

    def best(self, rows: range, k: int) -> Answers:
        """What some rows of the asking view find: for each the same as ``View.best``. The dead find nobody.

        Holds no lock of the interpreter while it computes. ValueError when k < 1.
        """
        if k < 1:
            raise ValueError("k must be at least 1")
        out = Answers(np.full((len(rows), k), NOBODY, np.int64), np.zeros((len(rows), k)))
        for part, link, beyond in zip(self.asking.parts, self._links, self._beyond, strict=True):
            first, last = max(rows.start, part.first), min(rows.stop, part.first + len(part))
            if first < last:
                here = slice(first - rows.start, last - rows.start)
                asked = np.arange(first, last)
                living = np.flatnonzero(part.alive[asked - part.first])
                decoded = decode(part.segment.forward, part.segment.forward_start, asked[living] - part.first)
                words = beyond.words(asked[living], *decoded) if beyond else plain(*decoded)
                self._ask(words, link, living, out.rows[here], out.scores[here])
        return out

    def _ask(self, words: Words, link: tuple[list[I32], _Terms], living: I64, found: I64, scores: F64) -> None:
        starts, ids = words.starts, words.ids
        numbers, terms = link
        collection, k = self.answering.collection, found.shape[1]
        weights, brevities = np.empty(len(ids)), np.empty(len(living))
        settings = collection.settings
        _weighed(words, terms, _ONCE, (settings.half, settings.compounds, settings.chosen), weights, brevities)
        pivots = settings.pivot * brevities * collection.mean
        best_rows, best_scores = np.full((len(living), k), NOBODY, np.int64), np.zeros((len(living), k))
        for answering, number in zip(self.answering.parts, numbers, strict=True):
            if not len(answering):
                continue
            its_starts, its = np.zeros(len(starts), np.int64), np.empty(len(ids), np.int64)
            its = its[: _chosen(starts, ids, weights, number, terms.lone, its_starts, its)]
            asked = ids[its]
            here = number[asked]
            questions = Questions(
                its_starts,
                here,
                weights[its],
                terms.idf[asked],
                terms.lone[asked],
                terms.classes[asked],
                answering.segment.df[here],
                answering.segment.top_tf[here],
                pivots,
            )
            every = answering.alive is answering.segment.everyone
            floors = np.ascontiguousarray(best_scores[:, -1])
            near = found_by(questions, answering, answering.alive, every, room_for(len(answering)), k, floors, 1.0)
            its_rows, its_scores = np.full((len(living), k), NOBODY, np.int64), np.zeros((len(living), k))
            _in_order(*near, answering.first, its_rows, its_scores)
            if answering.first == 0:
                best_rows, best_scores = its_rows, its_scores
            else:
                self._merge(best_rows, best_scores, its_rows, its_scores)
        found[living], scores[living] = best_rows, best_scores

    def _merge(self, rows: I64, scores: F64, other_rows: I64, other_scores: F64) -> None:
        """Into the first two the best of both, row by row."""
        k = rows.shape[1]
        for i in np.flatnonzero(other_rows[:, 0] != NOBODY).tolist():
            both = np.concatenate([rows[i], other_rows[i]])
            theirs = np.concatenate([scores[i], other_scores[i]])
            held = np.flatnonzero(both != NOBODY).tolist()
            order = sorted(held, key=lambda j: (-theirs[j], self.answering.key_bytes_of(int(both[j]))))[:k]
            rows[i, : len(order)], scores[i, : len(order)] = both[order], theirs[order]
