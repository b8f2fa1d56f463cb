"""Why a document has its score: terms, signals and the best sentence, in parts that add up to it.

A matched term contributes wq · wd, as ``weighting`` tells; everything those are made of is listed, so the sum can be
redone by hand. Character pairs and single characters are shown inside the phrase that query and document share (态电 and
电解 under 固态电解质); the phrase's contribution is the sum of its terms', and each term belongs to one phrase only.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.blend import Detail, Weights, judge
from matching.phrases import Matched, Occurrence, occurrences, shared_phrases
from matching.queries import Reading
from matching.records import Document, Facets, Query
from matching.text import CHARACTER, PAIR, is_plain, normalise_with_offsets, sentences_read
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

    ``synonym_of``: what the query says instead, where some of them are shared through a synonym alone. ``parts`` is empty
    unless the reasons were asked for in full. ``lowered``: what the weight of its lowest term is multiplied by, because
    people called it misleading; mostly 1.
    """

    label: str
    contribution: float
    parts: tuple[TermPart, ...]
    synonym_of: str | None = None
    lowered: float = 1.0

    @property
    def can_mislead(self) -> bool:
        """Whether it is a word or phrase, which people may call misleading; single characters weigh little anyhow."""
        return len(self.label) > 1 and any(part.kind != "character" for part in self.parts)


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
    facets: Facets,
    matched: Places,
    counts: Ints,
    length: float,
    now: float,
    weights: Weights,
    top: int,
    in_full: bool = True,
    version: int = 0,
) -> Reasons:
    """Take one document's score for one query apart; called by those who rank, who have all of these at hand.

    ``matched``: which of the query's terms the document has, ascending; ``counts``: how often; ``length``: |d|. ``facets``:
    what is known of it beside its text. At most ``top`` groups are listed, the rest summed up in ``other``; ``in_full``:
    with the parts of each, which a page of twenty does not show.
    """
    numbers = _Numbers(weighed, matched, counts, length)
    contributions = numbers.contributions
    text = round(math.fsum(contributions.values()), DECIMALS)
    signals = tuple(
        [
            Signal(
                name=each.name,
                known=each.value is not None,
                value=each.value,
                weight=(weight := getattr(weights, each.name)),
                contribution=text * weight * (each.value or 0.0),
                detail=each.detail,
            )
            for each in judge(query, facets, now)
        ]
    )
    found = _Found(document, contributions, reading.normalised)
    groups = _grouped(contributions, found.phrases)
    rest = groups[top:]
    parts = numbers.parts(reading.through) if in_full else {}
    lowered = numbers.lowered()
    return Reasons(
        key=key,
        score=round(text + sum(signal.contribution for signal in signals), DECIMALS),
        text=text,
        terms=tuple([_told(group, contributions, parts, reading.through, lowered) for group in groups[:top]]),
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


def _bare(term: str) -> str:
    """A term without its mark."""
    return term[1:] if term[0] in PAIR + CHARACTER else term


def _kind(term: str) -> Kind:
    return "pair" if term[0] == PAIR else "character" if term[0] == CHARACTER else "word"


class _Numbers:
    """What the shared terms (with their marks) contribute, and all that is made of."""

    def __init__(self, weighed: Question, matched: Places, tf: Ints, length: float) -> None:
        self._weighed, self._matched, self._tf = weighed, matched, tf
        self.contributions: dict[str, float] = {}
        if not weighed.lone[matched].all():
            self._idf = weighed.idf[matched]
            self._query = weighed.weights[matched]
            self._document = damped_twice(tf) * self._idf / (length + weighed.pivot)
            terms = weighed.terms
            self.contributions = dict(
                zip([terms[place] for place in matched.tolist()], (self._query * self._document).tolist(), strict=True)
            )

    def lowered(self) -> dict[str, float]:
        """The terms that people called misleading, and what their weights are multiplied by."""
        factors = self._weighed.lowered[self._matched]
        return {self._weighed.terms[self._matched[at]]: float(factors[at]) for at in np.flatnonzero(factors < 1.0)}

    def parts(self, through: Mapping[str, str]) -> dict[str, TermPart]:
        if not self.contributions:
            return {}
        weighed, matched = self._weighed, self._matched
        factors = (weighed.focus[matched], weighed.aside[matched], weighed.lowered[matched])
        columns = (weighed.counts[matched], self._tf, weighed.df[matched], weighed.cf[matched], self._idf, *factors)
        numbers: list[list[Any]] = [each.tolist() for each in (*columns, self._query, self._document)]
        return {
            term: TermPart._make([_bare(term), _kind(term), contribution, *of_it, through.get(term)])
            for (term, contribution), *of_it in zip(self.contributions.items(), *numbers, strict=True)
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

    def __init__(self, document: Document, contributions: Mapping[str, float], query: str) -> None:
        self._contributions = contributions
        self._matched = Matched(contributions)
        self._document = document
        self.phrases: list[tuple[str, set[str]]] = []
        self._best: tuple[float, Literal["title", "body"], int, int, list[Occurrence]] | None = None
        self._read("body", document.body, query, eligible=True)
        self._read("title", document.title, query, eligible=self._best is None)

    def _read(self, field: Literal["title", "body"], text: str, query: str, *, eligible: bool) -> None:
        characters = self._matched.characters
        for span, normalised, words in sentences_read(text):
            places = occurrences(normalised, words, self._matched)
            if not places:
                continue
            self.phrases.extend(shared_phrases(normalised, words, places, query))
            if not eligible:
                continue
            here = {place[2] for place in places}
            here.update([characters[char] for char in characters.keys() & set(normalised)])
            carried = math.fsum(map(self._contributions.__getitem__, here))
            if carried > (self._best[0] if self._best else 0.0):
                self._best = (carried, field, span.start, span.end, places)

    def best_sentence(self, total: float) -> Sentence | None:
        if self._best is None:
            return None
        carried, field, start, end, places = self._best
        text = (self._document.body if field == "body" else self._document.title)[start:end]
        offsets = None if is_plain(text) else normalise_with_offsets(text)[1]
        spans: list[tuple[int, int]] = []
        for left, right, _ in places:
            if offsets is not None:
                left, right = offsets[left], _end(offsets, right)  # noqa: PLW2901 -- the same place, in the original
            if spans and left <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(right, spans[-1][1]))
            else:
                spans.append((left, right))
        return Sentence(field, start, end, text, min(1.0, carried / total), tuple(spans))


def _end(offsets: list[int], end: int) -> int:
    """Where a run that ends before ``end`` ends in the original: behind the whole group its last character came from."""
    last = offsets[end - 1]
    return next((offset for offset in offsets[end:] if offset > last), offsets[-1])


Group = tuple[str, float, list[str]]
STRAYS = 6
"""So many single characters that no shared phrase holds are named in their common label."""


def _grouped(contributions: Mapping[str, float], phrases: Sequence[tuple[str, set[str]]]) -> list[Group]:
    """Each term under the longest phrase that holds it (the first of equals), or by itself; strongest group first."""
    label_of: dict[str, str] = {}
    for label, held in sorted(phrases, key=_shortness):
        for term in held:
            label_of.setdefault(term, label)
        for char in label:
            label_of.setdefault(CHARACTER + char, label)
    groups: dict[str, list[str]] = {}
    strays: list[str] = []
    for term in contributions:
        if term in label_of or term[0] != CHARACTER:
            groups.setdefault(label_of.get(term) or _bare(term), []).append(term)
        else:
            strays.append(term)
    if strays:
        # One by one they would crowd out what people read; together they are one honest line.
        strongest = sorted(strays, key=lambda term: (-contributions[term], term))[:STRAYS]
        groups["·".join([term[1:] for term in strongest])] = strays
    found = [(label, sum([contributions[term] for term in held]), held) for label, held in groups.items()]
    return sorted(found, key=_weakness)


def _shortness(phrase: tuple[str, object]) -> int:
    return -len(phrase[0])


def _weakness(group: Group) -> tuple[float, str]:
    return -group[1], group[0]


def _told(
    group: Group,
    contributions: Mapping[str, float],
    parts: Mapping[str, TermPart],
    through: Mapping[str, str],
    lowered: Mapping[str, float],
) -> TermGroup:
    label, contribution, held = group
    listed = tuple(sorted([parts[term] for term in held], key=_strongest)) if parts else ()
    instead = None
    if through and (widened := [term for term in held if term in through]):
        instead = through[min(widened, key=lambda term: (-contributions[term], _kind(term), term))]
    lowest = min([lowered.get(term, 1.0) for term in held]) if lowered else 1.0
    return TermGroup(_BLANKS.sub(" ", label), contribution, listed, instead, lowest)


def _strongest(part: TermPart) -> tuple[float, str, str]:
    return -part.contribution, part.kind, part.term
