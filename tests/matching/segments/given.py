"""Collections to be ranked, in several segments, and the brute force over the whole matrix to hold them against."""

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from matching.segments.building import Totals, built, of_the_living
from matching.segments.ranking import Part, View
from matching.segments.segment import Segment, encoded
from matching.segments.statistics import weighed
from matching.segments.vocabulary import Vocabulary
from matching.style import Style
from matching.tfidf import best
from matching.weighting import TermWeights

Counts = Mapping[str, int]

unhurried = settings(deadline=None, max_examples=40)

words = st.sampled_from(
    [
        *"的和在电池机钢",
        "电池",
        "公司",
        "~电池",
        "~公司",
        "~ba",
        "~b池",
        "|电池",
        "|ba",
        "^电",
        "^机",
        "^公",
        "b",
        "ba",
        "\U00020000",
        "\uffff",
        "é",
    ]
)
counts = st.dictionaries(words, st.sampled_from([1, 1, 1, 2, 3, 4, 5, 70, 300, 65_534, 65_535, 70_000]), max_size=8)
styles: st.SearchStrategy[Style] = st.sampled_from(["request", "report"])
keys = st.text("abc0\u4e00\U00020000", max_size=3)
corpora = st.dictionaries(keys, counts, max_size=12)


def segment_of(corpus: Mapping[str, Counts]) -> Segment:
    vocabulary = sorted({term for counts in corpus.values() for term in counts})
    number = {term: place for place, term in enumerate(vocabulary)}
    lengths = [len(counts) for counts in corpus.values()]
    flat = [(number[term], tf) for counts in corpus.values() for term, tf in sorted(counts.items())]
    return built(
        encoded(list(corpus)),
        Vocabulary.of(vocabulary),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        np.array([each for each, _ in flat], np.int32),
        np.array([tf for _, tf in flat], np.int32),
        {"length": np.array(lengths, np.int32)},
    )


def view_of(*segments: tuple[Segment, np.ndarray]) -> View:
    """All segments under the numbers of their living records."""
    df, cf = Counter(), Counter()
    for segment, alive in segments:
        for place, (has, times) in enumerate(zip(*of_the_living(segment, alive), strict=True)):
            df[segment.vocabulary.term(place)] += int(has)
            cf[segment.vocabulary.term(place)] += int(times)
    totals = []
    for segment, _ in segments:
        terms = [segment.vocabulary.term(place) for place in range(len(segment.vocabulary))]
        totals.append(Totals(np.array([df[t] for t in terms], np.uint32), np.array([cf[t] for t in terms], np.uint64)))
    weighings, collection = weighed(segments, totals)
    return View.of(
        [
            Part(segment, weighing, alive.astype(np.uint8))
            for (segment, alive), weighing in zip(segments, weighings, strict=True)
        ],
        collection,
    )


@st.composite
def lives(draw):
    """A collection over up to three segments, some of it dead, and what is left of it."""
    parts, living = [], {}
    for _ in range(draw(st.integers(0, 3))):
        corpus = draw(corpora)
        segment = segment_of(corpus)
        names = [bytes(key).decode() for key in segment.keys]
        alive = np.array([name not in living and draw(st.booleans()) for name in names], np.bool_)
        living |= {name: corpus[name] for name, lives in zip(names, alive, strict=True) if lives}
        parts.append((segment, alive))
    return parts, living


def everyone(segment: Segment) -> np.ndarray:
    return np.ones(len(segment), np.bool_)


class BruteForce:
    """``matching.weighting`` on the same records, the whole matrix at once."""

    def __init__(self, corpus: Mapping[str, Counts]) -> None:
        self.keys = sorted(corpus)
        self.vocabulary: dict[str, int] = {}
        ids, tf = [], []
        for key in self.keys:
            found = sorted(corpus[key].items())
            ids.append(
                np.array([self.vocabulary.setdefault(term, len(self.vocabulary)) for term, _ in found], np.int32)
            )
            tf.append(np.array([count for _, count in found], np.int32))
        self.postings = TermWeights.build(ids, tf, len(self.vocabulary))

    def ranked(
        self, query: Counts, k: int, among: Iterable[str] | None = None, style: Style = "request"
    ) -> list[tuple[str, float]]:
        scores = self.postings.scores(self.postings.weigh(dict(sorted(query.items())), self.vocabulary, style=style))
        if among is not None:
            allowed = set(among)
            scores = np.where([key in allowed for key in self.keys], scores, 0.0)
        return [(self.keys[row], float(scores[row])) for row in best(scores, k)]


def ranked(
    view: View, query: Counts, k: int, admitted: np.ndarray | None = None, style: Style = "request"
) -> list[tuple[str, float]]:
    found = view.best(view.ask(query, style=style), k, admitted=admitted)
    return [(view.key(row), score) for row, score in zip(found.rows.tolist(), found.scores.tolist(), strict=True)]
