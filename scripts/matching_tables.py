"""The score over each query's candidates alone, as sparse products: a change of its numbers costs a tenth of a second.

``matching.weighting`` says what the score is; this says the same for thousands of queries at once, so that many settings
can be tried. Tests hold the two against each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from matching import TEXT_ONLY, Query, Snapshot
from matching.asides import ASIDE_TERMS
from matching.text import CHARACTER
from matching.tfidf import rounded
from matching.weighting import CALM, NEAREST, SETTINGS, Settings, emphasis_of, idf_of, mean_of
from scripts.evaluate_matching import DEPTH, TASKS, Corpora
from scripts.matching_sets import grades, records

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Numbers = NDArray[np.intp]

PLAIN = Settings(
    focus=0.0,
    half=300.0,
    pivot=0.0,
    asides=False,
    characters=False,
    names=1.0,
    letters=1.0,
    pairs=1.0,
    apart=0.0,
    reports=False,
)
"""The plain cosine, but for tf that is damped twice in records."""

WIDE = (
    PLAIN,
    SETTINGS,
    replace(SETTINGS, reports=False, characters=False, pivot=0.3),
    replace(PLAIN, focus=0.5, pivot=0.8),
)
"""Whose first records are the candidates."""

NONE, NAME, LETTERS, OTHER, LONE = range(1, 6)
"""Kinds of terms: words, Latin names, pairs of Latin letters, other pairs, single characters."""
_KINDS = replace(SETTINGS, names=float(NAME), letters=float(LETTERS), pairs=float(OTHER))


@dataclass(frozen=True, slots=True)
class Asked:
    """Some queries of one task, all written in one style, with their candidates, laid out so that a score is one sparse
    product.

    An entry is a query with a term that some record has; a pair is a query with a candidate. ``held``: shape (pairs,
    entries), wd before division where the candidate has the term. Queries are numbered in the order of ``names``.
    """

    names: tuple[str, ...]
    report: bool
    terms: Floats  # distinct ones of each query
    words: Floats  # the same without single characters
    query: Numbers  # of each entry
    base: Floats  # (1 + ln tf) · idf
    focus: Floats  # ln((cf + 5) / (df + 5))
    kind: NDArray[np.int8]  # NONE to LONE
    aside: Mask
    held: csr_array
    asking: Numbers  # of each pair
    begins: Numbers  # of each query's pairs
    norms: tuple[Floats, Floats]  # |d| of each pair, without and with single characters
    means: tuple[float, float]
    spoken: Mask  # pairs that share more than single characters
    gain: Floats  # of each pair: 2 ** grade - 1, or 1 for the record that is sought
    ideal: Floats | None  # of each query; None where one record is sought

    def values(self, settings: Settings, metric: str) -> Floats:
        """What each query gets under these settings."""
        scores = self._scores(settings)
        if self.ideal is not None:
            place = self._places(scores)
            counted = (place < DEPTH) & (scores > 0)
            gained = np.where(counted, self.gain, 0.0) / np.log2(place + 2)
            return np.bincount(self.asking, gained, len(self.names)) / self.ideal
        sought = np.maximum.reduceat(np.where(self.gain > 0, scores, 0.0), self.begins)
        rank = 1 + np.bincount(self.asking, scores > sought[self.asking], len(self.names))
        value = 1.0 / rank if metric == "mrr@10" else 1.0 / np.log2(rank + 1)
        return np.where((sought > 0) & (rank <= DEPTH), value, 0.0)

    def _places(self, scores: Floats) -> Numbers:
        """Of each pair in its query's ranking, from 0."""
        order = np.lexsort((-scores, self.asking))  # stable: of equals the earlier record first
        place = np.empty(len(scores), np.intp)
        place[order] = np.arange(len(scores)) - self.begins[self.asking]
        return place

    def _scores(self, settings: Settings) -> Floats:
        report = self.report and settings.reports
        lone = self.kind == LONE
        terms = self.terms if settings.characters else self.words
        brevity = settings.half / (settings.half + terms)
        stress = np.array([0.0, 1.0, settings.names, settings.letters, settings.pairs if report else 1.0, 1.0])
        weights = self.base * np.exp(settings.focus * self.focus) * stress[self.kind]
        if not report:
            beside = lone | self.aside if settings.asides else lone
            weights[beside] *= brevity[self.query[beside]]
        if not settings.characters:
            weights[lone] = 0.0
        lengths = self.norms[settings.characters]
        if report:
            scores = self._divided(weights, lengths)
            if not settings.apart:
                return scores
            nearest = ((self._places(scores) < NEAREST) & (scores > 0)).astype(np.float64)
            many = np.bincount(self.asking, nearest, len(self.names))
            there = csr_array((np.ones(self.held.nnz), self.held.indices, self.held.indptr), shape=self.held.shape)
            apart = ((many[self.query] + 1) / (there.T @ nearest + 1)) ** settings.apart
            return self._divided(weights * apart, lengths)
        pivot = settings.pivot * brevity * self.means[settings.characters]
        return self._divided(weights, lengths + pivot[self.asking])

    def _divided(self, weights: Floats, lengths: Floats) -> Floats:
        norm = np.sqrt(np.bincount(self.query, weights * weights, len(self.names)))
        norm[norm == 0] = 1.0
        scores = self.held @ (weights / norm[self.query]) / lengths
        return rounded(np.where(self.spoken, scores, 0.0))


def kinds(terms: Sequence[str]) -> NDArray[np.int8]:
    """Of terms in their order: which emphasis each gets."""
    found = emphasis_of(terms, _KINDS, "report").astype(np.int8)
    found[[term.startswith(CHARACTER) for term in terms]] = LONE
    return found


Sought = Mapping[str, float]
"""The gain of each record that is worth anything to a query."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """A snapshot with what the table of its queries is made of: idf, focus and single characters by term number, |d|
    without and with single characters, and the same records under other settings, to find candidates."""

    snapshot: Snapshot
    idf: Floats
    focus: Floats
    norms: tuple[Floats, Floats]
    rows: Mapping[str, int]
    wide: tuple[Snapshot, ...]

    @classmethod
    def of(cls, snapshot: Snapshot) -> "Corpus":
        postings, vocabulary = snapshot.postings, snapshot.vocabulary
        idf = idf_of(postings.df, len(snapshot))
        lone = [number for term, number in vocabulary.items() if term.startswith(CHARACTER)]
        single = postings.by_term[lone]
        norms = np.sqrt(np.maximum(postings.norms**2 - single.multiply(single).sum(axis=0), 0.0))
        norms[norms < 1e-6] = 1.0
        return cls(
            snapshot,
            idf,
            np.log((postings.cf + CALM) / (postings.df + CALM)),
            (norms, postings.norms),
            {key: row for row, key in enumerate(snapshot.keys)},
            tuple(Snapshot(snapshot.entries, vocabulary, len(postings.df), settings) for settings in WIDE),
        )


def asked(questions: Sequence[tuple[str, Query, Sought]], corpus: Corpus, depth: int, ideal: Floats | None) -> Asked:
    """Queries of one style with their names and what they seek. Candidates are the first ``depth`` records under each of the wide
    settings, and what is sought."""
    snapshot, vocabulary = corpus.snapshot, corpus.snapshot.vocabulary
    parts: dict[str, list[Any]] = {name: [] for name in ("query", "kind", "aside", "number", "tf", "row", "gain")}
    parts |= {name: [] for name in ("data", "indices", "lengths", "begins", "terms", "words")}
    entries = 0
    for place, (_, question, sought) in enumerate(questions):
        reading = question.reading
        known = {term: tf for term, tf in reading.counts.items() if term in vocabulary}
        numbers = np.fromiter((vocabulary[term] for term in known), np.intp, len(known))
        firsts = [one.rank(question, k=depth, now=0.0, weights=TEXT_ONLY).items for one in corpus.wide]
        found = {match.key for items in firsts for match in items} | (sought.keys() & corpus.rows.keys())
        rows = sorted(corpus.rows[key] for key in found)
        held = snapshot.postings.by_term[numbers].tocsc()[:, rows]  # by column: a pair's terms one after the other
        parts["data"].append(held.data)
        parts["indices"].append(held.indices + entries)
        parts["lengths"].append(np.diff(held.indptr))
        parts["query"].append(np.full(len(known), place))
        parts["number"].append(numbers)
        parts["tf"].append(np.fromiter(known.values(), np.float64, len(known)))
        parts["kind"].append(kinds(list(known)))
        parts["aside"].append(np.array([term in ASIDE_TERMS for term in known], np.bool_))
        parts["row"].append(np.array(rows, np.intp))
        parts["gain"].append(np.array([sought.get(snapshot.keys[row], 0.0) for row in rows]))
        parts["begins"].append(len(rows))
        parts["terms"].append(len(reading.counts))
        parts["words"].append(sum(not term.startswith(CHARACTER) for term in reading.counts))
        entries += len(known)
    one = {name: np.concatenate(parts[name]) for name in ("query", "kind", "aside", "number", "tf", "row", "gain")}
    ends = np.concatenate([[0], np.cumsum(np.concatenate(parts["lengths"]))])
    inside = np.concatenate(parts["data"]), np.concatenate(parts["indices"]), ends
    held = csr_array(inside, shape=(len(one["row"]), entries))
    plain, whole = (norms[one["row"]] for norms in corpus.norms)
    return Asked(
        names=tuple(name for name, _, _ in questions),
        report=questions[0][1].reading.style == "report",
        terms=np.array(parts["terms"], np.float64),
        words=np.array(parts["words"], np.float64),
        query=one["query"],
        base=(1.0 + np.log(one["tf"])) * corpus.idf[one["number"]],
        focus=corpus.focus[one["number"]],
        kind=one["kind"],
        aside=one["aside"],
        held=held,
        asking=np.repeat(np.arange(len(questions)), parts["begins"]),
        begins=np.concatenate([[0], np.cumsum(parts["begins"])[:-1]]).astype(np.intp),
        norms=(plain, whole),
        means=(mean_of(corpus.norms[0]), mean_of(corpus.norms[1])),
        spoken=held @ (one["kind"] != LONE).astype(np.float64) > 0,
        gain=one["gain"],
        ideal=ideal,
    )


@dataclass(frozen=True, slots=True)
class Task:
    """A task's queries by style, and how they are measured. What was measured is kept: a number that only one style
    knows changes nothing for the other."""

    names: tuple[str, ...]
    metric: str
    parts: tuple[Asked, ...]
    kept: dict[tuple[int, Settings], Floats]

    @classmethod
    def of(
        cls,
        questions: Sequence[tuple[str, Query, Sought]],
        corpus: Corpus,
        depth: int,
        metric: str,
        *,
        graded: bool = False,
    ) -> "Task":
        """``graded``: what is sought has grades' gains; else there is one record."""
        parts = []
        for style in ("request", "report"):
            its = [one for one in questions if one[1].reading.style == style]
            if its:
                ideal = np.array([best_gain(sought) for _, _, sought in its]) if graded else None
                parts.append(asked(its, corpus, depth, ideal))
        return cls(tuple(name for part in parts for name in part.names), metric, tuple(parts), {})

    def values(self, settings: Settings) -> Floats:
        """What each query gets, in the order of ``names``."""
        found = []
        for number, part in enumerate(self.parts):
            if part.report and settings.reports:
                its = replace(settings, half=0.0, pivot=0.0, asides=False)
            else:
                its = replace(settings, pairs=1.0, apart=0.0, reports=False)
            if (number, its) not in self.kept:
                self.kept[number, its] = part.values(its, self.metric)
            found.append(self.kept[number, its])
        return np.concatenate(found)


def best_gain(sought: Sought) -> float:
    """The discounted gain of the best possible first ten."""
    return sum(gain / np.log2(rank + 1) for rank, gain in enumerate(sorted(sought.values(), reverse=True)[:DEPTH], 1))


def graded_questions(data: Path, path: Path) -> list[tuple[str, Query, Sought]]:
    """The requirements that a file of grades has an answer for."""
    requirements = {each["id"]: each for each in records(data / "real/problems.jsonl", "id", "text")}
    found = []
    for key, graded in grades(path).items():
        if max(graded.values()) > 0:
            query = Query(requirements[key].get("title") or "", requirements[key]["text"])
            found.append((key, query, {name: 2.0**grade - 1.0 for name, grade in graded.items() if grade}))
    return found


def tables(data: Path, depth: int) -> dict[str, Task]:
    """The four tasks of ``evaluate_matching``. Raises Unusable as it does. A minute or two."""
    corpora = Corpora()
    achievements = records(data / "real/achievements.jsonl", "id", "text")
    whole = ((each["id"], each.get("title") or "", each["text"]) for each in achievements)
    corpus = Corpus.of(corpora.of("whole", whole, SETTINGS))
    questions = graded_questions(data, data / "judged/qrels.tsv")
    made = {"judged": Task.of(questions, corpus, 3 * depth, TASKS["judged"], graded=True)}
    texts = Corpus.of(corpora.of("texts", ((each["id"], "", each["text"]) for each in achievements), SETTINGS))
    halves = ((each["id"], "", each["text"]) for each in records(data / "half/docs.jsonl", "id", "text"))
    corpus_of = {"title": texts, "keywords": texts, "half": Corpus.of(corpora.of("halves", halves, SETTINGS))}
    paths = {"title": "known_item/title", "keywords": "known_item/keywords", "half": "half/queries"}
    for task, path in paths.items():
        queries = records(data / f"{path}.jsonl", "query", "relevant")
        known = [
            (f"{n}:{one['relevant']}", Query("", one["query"]), {one["relevant"]: 1.0}) for n, one in enumerate(queries)
        ]
        made[task] = Task.of(known, corpus_of[task], depth, TASKS[task])
    return made
