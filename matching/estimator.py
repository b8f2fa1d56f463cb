"""The ranking as an estimator, for those who come from scikit-learn.

Apart from the rest because scikit-learn takes half a second to import, which every command would pay.
"""

from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from matching.text import count_terms, terms
from matching.tfidf import Match, Postings, best


class TfidfRanker(BaseEstimator):  # type: ignore[misc,unused-ignore]
    """Rank a fixed set of texts against a query: scikit-learn's contract around ``Postings``.

    Settings: ``analyzer`` (text → terms with repetitions; ours by default) and ``sublinear_tf``. Knowledge after
    ``fit``: ``keys_``, ``vocabulary_``, ``postings_``, ``idf_``. For a set that changes, see ``matching.index``.
    """

    def __init__(self, *, analyzer: Callable[[str], list[str]] = terms, sublinear_tf: bool = True) -> None:
        self.analyzer = analyzer
        self.sublinear_tf = sublinear_tf

    def fit(self, texts: Sequence[str], keys: Sequence[str] | None = None) -> Self:
        """Learn the texts. ``keys`` are their distinct names (default: their places, padded so that they sort).

        Raises ValueError when the numbers of texts and keys differ or a key comes twice.
        """
        names = [f"{place:09d}" for place in range(len(texts))] if keys is None else list(keys)
        if len(names) != len(texts):
            raise ValueError(f"{len(texts)} texts but {len(names)} keys")
        if len(set(names)) != len(names):
            raise ValueError("a key comes twice")
        vocabulary: dict[str, int] = {}
        ids, counts = [], []
        for _, text in sorted(zip(names, texts, strict=True)):
            found = self._count(text)
            ids.append(np.array([vocabulary.setdefault(term, len(vocabulary)) for term in found], dtype=np.int32))
            counts.append(np.fromiter(found.values(), dtype=np.int32, count=len(found)))
        self.keys_ = sorted(names)
        self.vocabulary_ = vocabulary
        self.postings_ = Postings.build(ids, counts, len(vocabulary), sublinear=self.sublinear_tf)
        self.idf_ = self.postings_.idf
        return self

    def rank(self, query: str, k: int = 10) -> list[Match]:
        """The k best texts that share a term with the query, best first, ties by key. NotFittedError before ``fit``."""
        check_is_fitted(self)
        scores = self.postings_.scores(self.postings_.weigh(self._count(query), self.vocabulary_))
        return [Match(self.keys_[row], float(scores[row]), float(scores[row])) for row in best(scores, k)]

    def _count(self, text: str) -> dict[str, int]:
        if self.analyzer is terms:
            return count_terms(text)
        found: dict[str, int] = {}
        for term in self.analyzer(text):
            found[term] = found.get(term, 0) + 1
        return dict(sorted(found.items()))
