# ruff: noqa: PLC0415 -- a peer is imported where it is asked, and only there
"""Every engine behind the same three verbs: make an index of the matrix, open it, ask it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from matching.segments.batch import NOBODY, Asking
from matching.segments.collection import Collection
from matching.segments.store import Store
from scripts.bench_matching.corpus import Matrix

TOP: Final = 10
Rows = Sequence[int]


class Engine(ABC):
    """``title``: for the table. ``files``: the folder of its index, which several may share. ``most``: how many queries of a kind it is asked, when it is slow. ``batch``: it is
    asked all at once, as its makers mean it to be."""

    title = ""
    files = ""
    needs = ""
    most = 1000
    batch = False

    def __init__(self, folder: Path, matrix: Matrix | None) -> None:
        """``matrix``: the documents, for what has nothing on disk of its own, and for ``make``."""
        self.folder = folder
        self.matrix = matrix

    def make(self) -> None:  # noqa: B027 -- ours was made from the texts already
        """From the matrix to an index on disk."""

    @abstractmethod
    def open(self) -> None: ...

    @abstractmethod
    def ask(self, terms: Sequence[str]) -> Rows: ...

    def ask_all(self, queries: Sequence[Sequence[str]]) -> list[Rows]:
        return [self.ask(terms) for terms in queries]


class Ours(Engine):
    title = "Duijie"
    files = "duijie"

    def open(self) -> None:
        self.collection = Collection(Store(self.folder))

    def ask(self, terms: Sequence[str]) -> Rows:
        view = self.collection.view
        found: list[int] = view.best(view.ask(dict.fromkeys(terms, 1)), TOP).rows.tolist()
        return found


class OursBatch(Ours):
    """The questions are laid down as records first, which is counted in: so a rematch asks, whose records are there."""

    title = "Duijie, batch"
    batch = True

    def ask_all(self, queries: Sequence[Sequence[str]]) -> list[Rows]:
        asking = Collection()
        for number, terms in enumerate(queries):
            asking.put(f"{number:09}", dict.fromkeys(terms, 1))
        found = Asking(asking.refresh(), self.collection.view).best(range(len(queries)), TOP)
        return [[row for row in rows if row != NOBODY] for rows in found.rows.tolist()]


class _Vectors(Engine):
    """Log-tf TF-IDF rows of unit length, by scikit-learn's own transformer."""

    files = "scikit-learn"

    def make(self) -> None:
        from scipy.sparse import csr_array, save_npz
        from sklearn.feature_extraction.text import TfidfTransformer

        matrix = self.matrix
        assert matrix
        shape = (matrix.documents, len(matrix.vocabulary))
        counts = csr_array((matrix.tf.astype(np.float64), matrix.ids, matrix.starts), shape=shape)
        transformer = TfidfTransformer(sublinear_tf=True).fit(counts)
        save_npz(self.folder / "vectors.npz", transformer.transform(counts, copy=False), compressed=False)
        np.save(self.folder / "idf.npy", transformer.idf_)

    def open(self) -> None:
        from scipy.sparse import load_npz

        assert self.matrix
        self.idf = np.load(self.folder / "idf.npy")
        self.vectors = load_npz(self.folder / "vectors.npz")
        self.number = self.matrix.number

    def weighed(self, queries: Sequence[Sequence[str]]) -> Any:
        from scipy.sparse import csr_array

        ids = [
            np.sort([self.number[term] for term in terms if term in self.number]).astype(np.int32) for terms in queries
        ]
        weights = [self.idf[each] / (np.linalg.norm(self.idf[each]) or 1.0) for each in ids]
        starts = np.concatenate([[0], np.cumsum([len(each) for each in ids])])
        shape = (len(queries), len(self.idf))
        return csr_array((np.concatenate(weights), np.concatenate(ids), starts), shape=shape)


def _best(rows: NDArray[Any], scores: NDArray[np.float64]) -> Rows:
    """The highest scores to twelve decimals, the lower row first among equals."""
    scores = np.round(scores, 12)
    if len(scores) > TOP:
        near = scores >= np.partition(scores, len(scores) - TOP)[len(scores) - TOP]
        rows, scores = rows[near], scores[near]
    found: list[int] = rows[np.lexsort((rows, -scores))][:TOP].tolist()
    return found


class ScikitLearn(_Vectors):
    title = "scikit-learn linear_kernel"
    needs = "sklearn"
    most = 8

    def ask(self, terms: Sequence[str]) -> Rows:
        from sklearn.metrics.pairwise import linear_kernel

        scores = linear_kernel(self.weighed([terms]), self.vectors).ravel()
        return _best(np.arange(len(scores)), scores)


class Scipy(_Vectors):
    title = "scipy, transposed CSR"
    needs = "scipy"
    most = 50

    def open(self) -> None:
        super().open()
        self.by_term = self.vectors.T.tocsr()
        del self.vectors

    def ask(self, terms: Sequence[str]) -> Rows:
        scores = self.weighed([terms]) @ self.by_term
        return _best(scores.indices, scores.data)


class SparseDotTopn(Scipy):
    title = "sparse_dot_topn, batch"
    needs = "sparse_dot_topn"
    most = 50
    batch = True

    def open(self) -> None:
        from scipy.sparse import csr_matrix

        super().open()
        self.by_term = csr_matrix(self.by_term)

    def ask(self, terms: Sequence[str]) -> Rows:
        return self.ask_all([terms])[0]

    def ask_all(self, queries: Sequence[Sequence[str]]) -> list[Rows]:
        from scipy.sparse import csr_matrix
        from sparse_dot_topn import sp_matmul_topn

        found = sp_matmul_topn(csr_matrix(self.weighed(queries)), self.by_term, top_n=TOP, sort=True, n_threads=1)
        return [found.indices[a:b].tolist() for a, b in zip(found.indptr[:-1], found.indptr[1:], strict=True)]


class Bm25s(Engine):
    title = "bm25s (numba)"
    files = "bm25s"
    needs = "bm25s"

    def make(self) -> None:
        import bm25s

        matrix = self.matrix
        assert matrix
        every = np.repeat(matrix.ids, matrix.tf)
        ends = np.cumsum(np.add.reduceat(matrix.tf, matrix.starts[:-1]) * (np.diff(matrix.starts) > 0))
        documents = np.split(every, ends[:-1])
        engine = bm25s.BM25(backend="numba")
        engine.index((documents, matrix.number), show_progress=False)
        engine.save(self.folder)

    def open(self) -> None:
        import bm25s

        self.engine = bm25s.BM25.load(self.folder, backend="numba")
        self.engine.backend = "numba"

    def ask(self, terms: Sequence[str]) -> Rows:
        return self.ask_all([terms])[0]

    def ask_all(self, queries: Sequence[Sequence[str]]) -> list[Rows]:
        asked = [list(terms) for terms in queries]
        found = self.engine.retrieve(asked, k=TOP, n_threads=0, show_progress=False, backend_selection="numba")
        rows: list[Rows] = found.documents.tolist()
        return rows


class Bm25sBatch(Bm25s):
    title = "bm25s (numba), batch"
    batch = True


class Tantivy(Engine):
    title = "tantivy, one segment"
    files = "tantivy"
    needs = "tantivy"

    @property
    def schema(self) -> Any:
        import tantivy

        builder = tantivy.SchemaBuilder()
        builder.add_text_field("text", stored=False, tokenizer_name="whitespace", index_option="freq")
        builder.add_unsigned_field("row", stored=True)
        return builder.build()

    def make(self) -> None:
        import tantivy

        matrix = self.matrix
        assert matrix
        index = tantivy.Index(self.schema, path=str(self.folder))
        writer = index.writer(heap_size=4_000_000_000, num_threads=1)
        words = matrix.vocabulary
        for row in range(matrix.documents):
            here = slice(matrix.starts[row], matrix.starts[row + 1])
            text = " ".join(
                [(words[i] + " ") * n for i, n in zip(matrix.ids[here].tolist(), matrix.tf[here].tolist(), strict=True)]
            )
            writer.add_document(tantivy.Document(text=text, row=row))
        writer.commit()
        writer.wait_merging_threads()

    def open(self) -> None:
        import tantivy

        self.index = tantivy.Index(self.schema, path=str(self.folder))
        self.searcher = self.index.searcher()

    def ask(self, terms: Sequence[str]) -> Rows:
        import tantivy

        schema = self.index.schema
        asked = [(tantivy.Occur.Should, tantivy.Query.term_query(schema, "text", term, "freq")) for term in terms]
        hits = self.searcher.search(tantivy.Query.boolean_query(asked), TOP, count=False).hits
        return [address.doc for _, address in hits]


ENGINES: Final[dict[str, type[Engine]]] = {
    "duijie": Ours,
    "duijie-batch": OursBatch,
    "scikit-learn": ScikitLearn,
    "scipy": Scipy,
    "sparse_dot_topn": SparseDotTopn,
    "bm25s": Bm25s,
    "bm25s-batch": Bm25sBatch,
    "tantivy": Tantivy,
}
