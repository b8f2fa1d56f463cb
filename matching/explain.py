"""Why a document has its score: terms, signals and the best sentence, in parts that add up to it.

A matched term contributes wq · wd, as ``weighting`` tells; everything those are made of is listed, so the sum can be
redone by hand. Character pairs and single characters are shown inside the phrase that query and document share (态电 and
电解 under 固态电解质); the phrase's contribution is the sum of its terms', and each term belongs to one phrase only.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.blend import Detail, Weights, judge
from matching.phrases import Matched, Occurrence, occurrences, shared_phrases
from matching.queries import Reading
from matching.records import Document, Query
from matching.text import CHARACTER, PAIR, normalise_with_offsets, sentences
from matching.tfidf import DECIMALS, Ints
from matching.weighting import Question, damped_twice

Places = NDArray[np.intp]

_BLANKS = re.compile(r"\s+")


Kind = Literal["word", "pair", "character"]


class TermPart(NamedTuple):
    """One matched term: ``contribution`` = ``weight_query`` · ``weight_document``, and what those are made of.

    ``kind``: a "word", a "pair" of neighbouring characters, or a single "character". ``df``: how many of the documents
    have it; ``cf``: how often it occurs in all of them. ``weight_query`` = (1 + ln ``tf_query``) · ``idf`` · ``focus`` ·
    ``aside`` · ``lowered`` ÷ |q|; ``weight_document`` = (1 + ln(1 + ln ``tf_document``)) · ``idf`` ÷ (|d| + pivot). ``synonym_of``: what
    the query says instead, where it has the term through a synonym alone.
    """

    term: str
    kind: Kind
    contribution: float
    tf_query: int
    tf_document: int
    df: int
    cf: int
    idf: float
    focus: float
    aside: float
    lowered: float
    weight_query: float
    weight_document: float
    synonym_of: str | None = None


@dataclass(frozen=True, slots=True)
class TermGroup:
    """A word or phrase that query and document share, and the terms inside it, strongest first.

    ``synonym_of``: what the query says instead, where some of them are shared through a synonym alone.
    """

    label: str
    contribution: float
    parts: tuple[TermPart, ...]

    @property
    def synonym_of(self) -> str | None:
        return next((part.synonym_of for part in self.parts if part.synonym_of), None)

    @property
    def can_mislead(self) -> bool:
        """Whether it is a word or phrase, which people may call misleading; single characters weigh little anyhow."""
        return len(self.label) > 1 and any(part.kind != "character" for part in self.parts)

    @property
    def lowered(self) -> float:
        """What its lowest part's weight is multiplied by, because people called the term misleading; mostly 1."""
        return min(part.lowered for part in self.parts)


@dataclass(frozen=True, slots=True)
class OtherTerms:
    """All groups that are not listed: how many groups, how many terms in them, and their sum."""

    groups: int
    terms: int
    contribution: float


@dataclass(frozen=True, slots=True)
class Signal:
    """One structured signal: ``contribution`` = text score · ``weight`` · ``value``.

    ``value`` is None and the contribution 0 when either side does not say (``known`` is False). ``detail`` holds what
    was compared, for instance {"by": "industry", "problem": "C3841", "achievement": "C384", "level": "group"}.
    """

    name: str
    known: bool
    value: float | None
    weight: float
    contribution: float
    detail: Detail


@dataclass(frozen=True, slots=True)
class Sentence:
    """The sentence of the body that carries most of the text score, or of the title if the body carries none.

    ``share``: the part of the text score, 0 to 1, whose terms stand in it (they may stand elsewhere as well).
    ``start`` and ``end`` are characters of the document's ``field``; ``spans`` are the matched phrases, as characters
    of ``text`` (half open, in order, not overlapping).
    """

    field: Literal["title", "body"]
    start: int
    end: int
    text: str
    share: float
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Reasons:
    """``score`` = Σ ``terms`` + ``other`` + Σ ``signals`` (to 1e-9); ``text`` is the sum of the first two.

    ``query_norm`` is |q|, ``document_norm`` what this document's weights are divided by, |d| + ``pivot``, ``documents``
    is n: with a term's counts, df and cf, enough to compute its contribution by hand. ``version``: of the weights.
    """

    key: str
    score: float
    text: float
    terms: tuple[TermGroup, ...]
    other: OtherTerms
    signals: tuple[Signal, ...]
    sentence: Sentence | None
    query_norm: float
    document_norm: float
    pivot: float
    documents: int
    version: int = 0


def explain(
    *,
    query: Query,
    reading: Reading,
    weighed: Question,
    documents: int,
    key: str,
    document: Document,
    matched: Places,
    counts: Ints,
    length: float,
    now: float,
    weights: Weights,
    top: int,
    version: int = 0,
) -> Reasons:
    """Take one document's score for one query apart; called by those who rank, who have all of these at hand.

    ``matched``: which of the query's terms the document has, ascending; ``counts``: how often; ``length``: |d|. At most
    ``top`` groups are listed, the rest summed up in ``other``.
    """
    parts = _matched(weighed, matched, counts, length, reading.through)
    contributions = {term: part.contribution for term, part in parts.items()}
    text = round(math.fsum(contributions.values()), DECIMALS)
    signals = tuple(
        Signal(
            name=each.name,
            known=each.value is not None,
            value=each.value,
            weight=getattr(weights, each.name),
            contribution=text * getattr(weights, each.name) * (each.value or 0.0),
            detail=each.detail,
        )
        for each in judge(query, document.facets, now)
    )
    found = _Found(document, contributions, reading.normalised)
    groups = _grouped(parts, found.phrases)
    rest = groups[top:]
    return Reasons(
        key=key,
        score=round(text + sum(signal.contribution for signal in signals), DECIMALS),
        text=text,
        terms=tuple(map(_told, groups[:top])),
        other=OtherTerms(
            groups=len(rest),
            terms=sum(len(held) for _, _, held in rest),
            contribution=sum(contribution for _, contribution, _ in rest),
        ),
        signals=signals,
        sentence=found.best_sentence(text),
        query_norm=weighed.norm,
        document_norm=length + weighed.pivot,
        pivot=weighed.pivot,
        documents=documents,
        version=version,
    )


@lru_cache(maxsize=16)
def _read(terms: tuple[str, ...]) -> list[tuple[str, Kind]]:
    """Each term without its mark, and what the mark says."""
    return [(term.removeprefix(PAIR).removeprefix(CHARACTER), _kind(term)) for term in terms]


def _kind(term: str) -> Kind:
    return "pair" if term.startswith(PAIR) else "character" if term.startswith(CHARACTER) else "word"


def _matched(
    weighed: Question, matched: Places, tf: Ints, length: float, through: Mapping[str, str]
) -> dict[str, TermPart]:
    """The shared terms with their marks, each with its numbers."""
    if weighed.lone[matched].all():
        return {}
    idf = weighed.idf[matched]
    weight_query = weighed.weights[matched]
    weight_document = damped_twice(tf) * idf / (length + weighed.pivot)
    instead = [through.get(weighed.terms[place]) for place in matched.tolist()]
    columns: Sequence[Sequence[Any]] = [
        each.tolist()
        for each in (
            weight_query * weight_document,
            weighed.counts[matched],
            tf,
            weighed.df[matched],
            weighed.cf[matched],
            idf,
            weighed.focus[matched],
            weighed.aside[matched],
            weighed.lowered[matched],
            weight_query,
            weight_document,
        )
    ] + [instead]
    read = _read(weighed.terms)
    return {
        weighed.terms[place]: TermPart(*read[place], *numbers_of)
        for place, numbers_of in zip(matched.tolist(), zip(*columns, strict=True), strict=True)
    }


def shared(asked: Ints, held: Ints) -> tuple[Places, Places]:
    """Where the term numbers that both have stand in either, in the question's order; -1 stands for no term."""
    if not len(asked):
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    by_number = np.argsort(asked)
    place = by_number[np.minimum(np.searchsorted(asked, held, sorter=by_number), len(asked) - 1)]
    both = np.flatnonzero(asked[place] == held)
    both = both[np.argsort(place[both])]
    return place[both], both


class _Found:
    """Where the matched terms stand in the document, sentence by sentence."""

    def __init__(self, document: Document, contributions: dict[str, float], query: str) -> None:
        self._contributions = contributions
        self._matched = Matched(contributions)
        self._document = document
        self.phrases: list[tuple[str, frozenset[str]]] = []
        self._best: tuple[float, Literal["title", "body"], int, int, list[Occurrence]] | None = None
        self._read("body", document.body, query, eligible=True)
        self._read("title", document.title, query, eligible=self._best is None)

    def _read(self, field: Literal["title", "body"], text: str, query: str, *, eligible: bool) -> None:
        for span in sentences(text):
            normalised, places = occurrences(text[span.start : span.end], self._matched)
            self.phrases.extend(shared_phrases(normalised, places, query))
            here = {place.term for place in places}
            here.update(CHARACTER + char for char in self._matched.characters.intersection(normalised))
            carried = math.fsum(self._contributions[term] for term in here)
            if eligible and places and carried > (self._best[0] if self._best else 0.0):
                self._best = (carried, field, span.start, span.end, places)

    def best_sentence(self, total: float) -> Sentence | None:
        if self._best is None:
            return None
        carried, field, start, end, places = self._best
        text = (self._document.body if field == "body" else self._document.title)[start:end]
        _, offsets = normalise_with_offsets(text)
        spans: list[tuple[int, int]] = []
        for place in places:
            left, right = offsets[place.start], _end(offsets, place.end)
            if spans and left <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(right, spans[-1][1]))
            else:
                spans.append((left, right))
        return Sentence(field, start, end, text, min(1.0, carried / total), tuple(spans))


def _end(offsets: list[int], end: int) -> int:
    """Where a run that ends before ``end`` ends in the original: behind the whole group its last character came from."""
    last = offsets[end - 1]
    return next((offset for offset in offsets[end:] if offset > last), offsets[-1])


Group = tuple[str, float, list[TermPart]]
STRAYS = 6
"""So many single characters that no shared phrase holds are named in their common label."""


def _grouped(parts: dict[str, TermPart], phrases: list[tuple[str, frozenset[str]]]) -> list[Group]:
    """Each term under the longest phrase that holds it (the first of equals), or by itself; strongest group first."""
    label_of: dict[str, str] = {}
    for label, held in sorted(phrases, key=lambda phrase: -len(phrase[0])):
        for term in [*held, *(CHARACTER + char for char in label)]:
            label_of.setdefault(term, label)
    groups: dict[str, list[TermPart]] = {}
    strays: list[TermPart] = []
    for term, part in parts.items():
        if term in label_of or part.kind != "character":
            groups.setdefault(label_of.get(term, part.term), []).append(part)
        else:
            strays.append(part)
    if strays:
        # One by one they would crowd out what people read; together they are one honest line.
        groups["·".join(part.term for part in sorted(strays, key=_strongest)[:STRAYS])] = strays
    found = [(label, sum(part.contribution for part in held), held) for label, held in groups.items()]
    return sorted(found, key=lambda group: (-group[1], group[0]))


def _strongest(part: TermPart) -> tuple[float, str, str]:
    return -part.contribution, part.kind, part.term


def _told(group: Group) -> TermGroup:
    label, contribution, held = group
    parts = sorted(held, key=_strongest)
    return TermGroup(label=_BLANKS.sub(" ", label), contribution=contribution, parts=tuple(parts))
