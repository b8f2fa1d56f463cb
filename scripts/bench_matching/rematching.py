# ruff: noqa: PLC0415 -- the peer is imported where it is asked, and only there
"""Everybody against everybody: a block of problems and a block of achievements, top 50 each way, beside sparse_dot_topn.

Both are given the same share of a full rematch and the same two threads: all problems ask all achievements, and every
achievement of the share asks all problems.
"""

import importlib.util
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from matching.segments.bulk import Record, publish
from matching.segments.collection import Collection
from matching.segments.rematch import Block, Run, Way
from matching.segments.store import Store
from scripts.bench_matching import corpus

THREADS = 2
DEPTH = 50
PROBLEMS = 10_000
ASKING = 200
"""Problems that ask a million achievements; so many times more ask fewer, at most all, since what lasts a few milliseconds
measures how threads start. Achievements that ask: a hundred times as many, at most all."""

MILLION = 1_000_000


def timed_ours(run: Run) -> dict[str, float]:
    """Seconds for the share of each way, in blocks on two threads."""
    asking = min(ASKING * max(MILLION // run.plan.achievements, 1), run.plan.problems)
    share = {Way.PROBLEMS: asking, Way.ACHIEVEMENTS: min(100 * ASKING, run.plan.achievements)}
    took = {}
    for way, rows in share.items():
        run.compute(Block(way, 0))
        blocks = [Block(way, first) for first in range(0, rows, run.plan.block)]
        wall, cpu = time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(run.compute, blocks))
        took[way.value] = time.perf_counter() - wall
        took[f"{way.value}_cpu"] = time.process_time() - cpu
        took[f"{way.value}_asked"] = rows
    return took


def vectors(run: Run, way: Way, rows: int) -> tuple[Any, Any]:
    """The share that asks, and all that answer, by the terms that answer: log-tf TF-IDF rows of unit length."""
    from scipy.sparse import csr_matrix

    asking, answering = (Collection(Store(run.folder / side)).view for side in (way, way.other))
    (ours,), (theirs,) = asking.parts, answering.parts
    numbers = theirs.segment.vocabulary.numbers(ours.segment.vocabulary.all())
    idf = np.log((1 + answering.collection.documents) / (1 + theirs.weighing.df.astype(np.int64))) + 1
    out = []
    for part, to, most in ((ours, numbers, rows), (theirs, np.arange(len(idf)), len(theirs))):
        starts, ids, tf = part.segment.decoded(np.arange(most))
        known = to[ids] >= 0
        lengths = np.diff(np.concatenate([[0], np.cumsum(known)])[starts])
        place = to[ids][known]
        matrix = csr_matrix(
            ((1 + np.log(tf[known])) * idf[place], place, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)),
            shape=(most, len(idf)),
        )
        norms = np.maximum(np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()), 1e-9)
        matrix.data /= np.repeat(norms, np.diff(matrix.indptr))
        out.append(matrix)
    return out[0], out[1]


def timed_theirs(run: Run, ours: dict[str, float]) -> dict[str, float]:
    from sparse_dot_topn import sp_matmul_topn

    took = {}
    for way in Way:
        asking, answering = vectors(run, way, int(ours[f"{way.value}_asked"]))
        by_term = answering.T.tocsr()
        wall, cpu = time.perf_counter(), time.process_time()
        found = sp_matmul_topn(asking, by_term, top_n=DEPTH, sort=True, n_threads=THREADS)
        took[way.value] = time.perf_counter() - wall
        took[f"{way.value}_cpu"] = time.process_time() - cpu
        its = run.compute(Block(way, 0)).scores
        rows = min(len(its), asking.shape[0])
        scores = np.zeros((rows, DEPTH))
        for row in range(rows):
            some = np.sort(found.data[found.indptr[row] : found.indptr[row + 1]])[::-1]
            scores[row, : len(some)] = some
        took[f"{way.value}_apart"] = float(np.abs(scores - its[:rows]).max())
    return took


def measured(work: Path) -> dict[str, Any]:
    with TemporaryDirectory(dir=work) as folder:
        achievements = Store(work / "duijie")
        manifest = achievements.latest()
        assert manifest
        n = min(PROBLEMS, manifest.documents)
        problems = Store(Path(folder) / "problems")
        texts = corpus.records(corpus.written(n, work.parent), n)
        # Problems are records of the same kind, cut in half, so that none is its own answer.
        publish(problems, (Record(one.key, one.text[: len(one.text) // 2]) for one in texts), analysis=corpus.WORDS)
        run = Run.begin(Path(folder) / "run", problems, achievements, k=DEPTH, block=100)
        ours = timed_ours(run)
        figures: dict[str, Any] = {"problems": n, "achievements": manifest.documents, "ours": ours}
        if importlib.util.find_spec("sparse_dot_topn"):
            figures["theirs"] = timed_theirs(run, ours)
        return figures


if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1]))))
