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
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.blend import Detail, Weights, judge
from matching.queries import Reading
from matching.records import Document, Facets, Query
from matching.segments.passages import Sought, sought
from matching.stopwords import STOPWORDS
from matching.style import Style
from matching.text import CHARACTER, COMPOUND, PAIR, cut, is_plain, normalise_with_offsets, sentences_read
from matching.text import Sentence as Read
from matching.tfidf import DECIMALS, Floats, Ints
from matching.weighting import Question, damped_twice

Places = NDArray[np.intp]

# Of function words. Most phrases have none at their ends and need not be cut.
_BEGIN = frozenset(word[0] for word in STOPWORDS)
_END = frozenset(word[-1] for word in STOPWORDS)

_BLANKS = re.compile(r"\s+")


Kind = Literal["word", "pair", "character", "compound"]


class TermPart(NamedTuple):
    """One matched term: ``contribution`` = ``weight_query`` · ``weight_document``, and what those are made of.

    ``kind``: a "word", a "pair" of neighbouring characters, a single "character", or a "compound" of the lexicon. ``df``: how many of the documents
    have it; ``cf``: how often it occurs in all of them. ``weight_query`` = (1 + ln ``tf_query``) · ``idf`` · ``focus`` ·
    ``emphasis`` · ``aside`` · ``lowered`` · ``raised`` · ``apart`` ÷ |q|; ``weight_document`` = (1 + ln(1 + ln ``tf_document``)) · ``idf`` ÷ (|d| + pivot). ``synonym_of``: what
    the query says instead, where it has the term through a synonym, or through what it needs a test for, alone.
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
    emphasis: float
    aside: float
    lowered: float
    raised: float
    apart: float
    weight_query: float
    weight_document: float
    synonym_of: str | None = None


@dataclass(frozen=True, slots=True)
class TermGroup:
    """A word or phrase that query and document share, and the terms inside it, strongest first.

    ``synonym_of``: what the query says instead, where some of them are shared through a synonym alone. ``parts`` is empty
    unless the reasons were asked for in full. ``lowered``: what the weight of its lowest term is multiplied by, because
    people called it misleading, ``raised``: that of its highest, because it is of a test that the query needs; mostly 1.
    """

    label: str
    contribution: float
    parts: tuple[TermPart, ...]
    synonym_of: str | None = None
    lowered: float = 1.0
    raised: float = 1.0

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
    is n: with a term's counts, df and cf, enough to compute its contribution by hand. ``version``: of the weights, ``lexicon``: of
    the compounds. ``style``: how the query was read.
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
    lexicon: int = 0
    style: Style = "request"


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
    lexicon: int = 0,
) -> Reasons:
    """Take one document's score for one query apart; called by those who rank, who have all of these at hand.

    ``matched``: which of the query's terms the document has, ascending; ``counts``: how often; ``length``: |d|. ``facets``:
    what is known of it beside its text. At most ``top`` groups are listed, the rest summed up in ``other``; ``in_full``:
    with the parts of each, which a page of twenty does not show.
    """
    numbers = _Numbers(weighed, matched, counts, length)
    text = numbers.text()
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
    its = sought(weighed.terms, reading.normalised)
    value = numbers.value
    found = _Found(document, its, numbers.worth, value)
    groups = _grouped(numbers.matched, value, its, found.phrases)
    rest = groups[top:]
    parts = numbers.parts(its.bare, reading.through) if in_full else {}
    changed = weighed.lowered.tolist() if (weighed.lowered != 1.0).any() else ()
    return Reasons(
        key=key,
        score=round(text + sum(signal.contribution for signal in signals), DECIMALS),
        text=text,
        terms=tuple([_told(group, value, parts, weighed.terms, reading.through, changed) for group in groups[:top]]),
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
        lexicon=lexicon,
        style=reading.style,
    )


_KINDS: Final[Mapping[str, Kind]] = {PAIR: "pair", CHARACTER: "character", COMPOUND: "compound"}


def _kind(term: str) -> Kind:
    return _KINDS.get(term[0], "word")


class _Numbers:
    """What each of the question's terms contributes, 0 where the document has it not, and all that is made of."""

    def __init__(self, weighed: Question, matched: Places, tf: Ints, length: float) -> None:
        # Single characters alone are chance: see ``weighting``.
        some = bool(len(matched)) and not weighed.lone[matched].all()
        self._weighed, self._matched = weighed, matched if some else matched[:0]
        self._tf = tf if some else tf[:0]
        self._idf = weighed.idf[self._matched]
        self._query = weighed.weights[self._matched]
        self._document = damped_twice(self._tf) * self._idf / (length + weighed.pivot)
        self._contributions = self._query * self._document
        self.worth: Floats = np.zeros(len(weighed.terms))
        self.worth[self._matched] = self._contributions
        self.matched: list[int] = self._matched.tolist()
        self.value = dict(zip(self.matched, self._contributions.tolist(), strict=True))

    def text(self) -> float:
        return round(math.fsum(self._contributions.tolist()), DECIMALS)

    def parts(self, bare: Sequence[str], through: Mapping[str, str]) -> dict[int, TermPart]:
        """By the terms' numbers in the question."""
        weighed, matched = self._weighed, self._matched
        focus, emphasis, aside, changed, apart = (each[matched] for each in weighed.factors)
        factors: list[Any] = [focus, emphasis, aside, np.minimum(changed, 1.0), np.maximum(changed, 1.0), apart]
        counted = (self._contributions, weighed.counts[matched], self._tf, weighed.df[matched], weighed.cf[matched])
        numbers: list[list[Any]] = [
            each.tolist() for each in (*counted, self._idf, *factors, self._query, self._document)
        ]
        terms = weighed.terms
        return {
            place: TermPart._make([bare[place], _kind(terms[place]), *of_it, through.get(terms[place])])
            for place, *of_it in zip(self.matched, *numbers, strict=True)
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
    """Where the matched terms stand in the document, sentence by sentence. ``phrases``: the passages that both texts share,
    function words at their ends left off unless a compound of the lexicon is in it, with the terms (by number) inside each."""

    def __init__(self, document: Document, sought: Sought, worth: Floats, value: Mapping[int, float]) -> None:
        self._document = document
        body, title = sentences_read(document.body), sentences_read(document.title)
        read = [*body, *title]
        places, places_of, here, here_of, passages = sought.standing(read, worth)
        together = "".join([each.normalised for each in read])
        self.phrases = []
        for start, end, first, last in passages:
            held = [place[2] for place in places[first:last]]
            whole = bool(sought.compounds) and any(sought.is_compound(term) for term in held)
            self.phrases.append((together[start:end] if whole else trimmed(together[start:end]), held))
        self._best: tuple[float, Literal["title", "body"], Read, list[list[int]], int] | None = None
        most, begin = 0.0, 0
        for n, sentence in enumerate(read):
            if n == len(body) and self._best is not None:
                break
            if places_of[n] < places_of[n + 1]:
                carried = math.fsum([value[term] for term in here[here_of[n] : here_of[n + 1]]])
                if carried > most:
                    most = carried
                    field: Literal["title", "body"] = "body" if n < len(body) else "title"
                    self._best = (carried, field, sentence, places[places_of[n] : places_of[n + 1]], begin)
            begin += len(sentence.normalised)

    def best_sentence(self, total: float) -> Sentence | None:
        if self._best is None:
            return None
        carried, field, (span, _, _), places, begin = self._best
        text = (self._document.body if field == "body" else self._document.title)[span.start : span.end]
        offsets = None if is_plain(text) else normalise_with_offsets(text)[1]
        spans: list[tuple[int, int]] = []
        for start, end, _ in places:
            left, right = start - begin, end - begin
            if offsets is not None:
                left, right = offsets[left], _end(offsets, right)
            if spans and left <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(right, spans[-1][1]))
            else:
                spans.append((left, right))
        return Sentence(field, span.start, span.end, text, min(1.0, carried / total), tuple(spans))


# One query's explanations meet the same few phrases again and again.
@lru_cache(maxsize=4096)
def trimmed(phrase: str) -> str:
    """Without the function words at its ends, unless it has no others."""
    if phrase.isalnum() and phrase[0] not in _BEGIN and phrase[-1] not in _END:
        return phrase
    words = [word for word in cut(phrase) if word.strip()]
    first, last = 0, len(words)
    while first < last and words[first] in STOPWORDS:
        first += 1
    while last > first and words[last - 1] in STOPWORDS:
        last -= 1
    return "".join(words[first:last]) or phrase


def _end(offsets: list[int], end: int) -> int:
    """Where a run that ends before ``end`` ends in the original: behind the whole group its last character came from."""
    last = offsets[end - 1]
    return next((offset for offset in offsets[end:] if offset > last), offsets[-1])


Group = tuple[str, float, list[int]]
STRAYS = 6
"""So many single characters that no shared phrase holds are named in their common label."""


def _grouped(
    matched: Sequence[int], value: Mapping[int, float], sought: Sought, phrases: Sequence[tuple[str, list[int]]]
) -> list[Group]:
    """Each term under the longest phrase that holds it (the first of equals), or by itself; strongest group first."""
    label_of: dict[int, str] = {}
    bare, characters = sought.bare, sought.characters
    seen: set[str] = set()
    for label, held in sorted(phrases, key=_shortness):
        for term in held:
            label_of.setdefault(term, label)
        if label not in seen:  # a record says the same again and again
            seen.add(label)
            for char in label:
                if char in characters:
                    label_of.setdefault(characters[char], label)
    groups: dict[str, list[int]] = {}
    strays: list[int] = []
    for term in matched:
        if term in label_of or not sought.is_character(term):
            groups.setdefault(label_of.get(term) or bare[term], []).append(term)
        else:
            strays.append(term)
    if strays:
        # One by one they would crowd out what people read; together they are one honest line.
        strongest = sorted(strays, key=lambda term: (-value[term], bare[term]))[:STRAYS]
        groups["·".join([bare[term] for term in strongest])] = strays
    found = [(label, sum([value[term] for term in held]), held) for label, held in groups.items()]
    return sorted(found, key=_weakness)


def _shortness(phrase: tuple[str, object]) -> int:
    return -len(phrase[0])


def _weakness(group: Group) -> tuple[float, str]:
    return -group[1], group[0]


def _told(
    group: Group,
    value: Mapping[int, float],
    parts: Mapping[int, TermPart],
    terms: Sequence[str],
    through: Mapping[str, str],
    changed: Sequence[float],
) -> TermGroup:
    label, contribution, held = group
    listed = tuple(sorted([parts[term] for term in held], key=_strongest)) if parts else ()
    instead = None
    if through and (widened := [terms[term] for term in held if terms[term] in through]):
        worth = {terms[term]: value[term] for term in held}
        instead = through[min(widened, key=lambda term: (-worth[term], _kind(term), term))]
    its = [1.0, *(changed[term] for term in held)] if changed else [1.0]
    return TermGroup(_BLANKS.sub(" ", label), contribution, listed, instead, min(its), max(its))


def _strongest(part: TermPart) -> tuple[float, str, str]:
    return -part.contribution, part.kind, part.term
