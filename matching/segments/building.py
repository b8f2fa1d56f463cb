"""Make a segment of documents, or one of several: turn documents' terms into terms' documents, block by block."""

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.segments import codec
from matching.segments.compiling import compiled, whole
from matching.segments.files import Array, frozen
from matching.segments.segment import BLOCK, KeyTaken, Segment
from matching.segments.vocabulary import Vocabulary

Mask = NDArray[np.bool_]
_ANY_TF = 65_535


@compiled
def _tf_class(tf: int) -> int:
    """The least of 1, 2, 3, 4, 6, 8, 12, 16, … that is not below: runs stay few, bounds tight."""
    if tf <= 4:
        return tf
    step = 4
    while tf > step:
        if tf <= step + step // 2:
            return min(step + step // 2, _ANY_TF)
        step *= 2
    return min(step, _ANY_TF)


@compiled
def _invert(
    starts: codec.Starts, ids: codec.Ids, tf: codec.Counts, n_terms: int
) -> tuple[NDArray[np.uint16], NDArray[np.int32], NDArray[np.uint32]]:
    first = np.zeros(n_terms + 1, np.int64)
    for j in range(len(ids)):
        first[ids[j] + 1] += 1
    for term in range(n_terms):
        first[term + 1] += first[term]
    next_ = first.copy()
    rows = np.empty(len(ids), np.uint16)
    classes = np.empty(len(ids), np.uint16)
    for row in range(len(starts) - 1):
        for j in range(starts[row], starts[row + 1]):
            at = next_[ids[j]]
            next_[ids[j]] = at + 1
            rows[at] = row
            classes[at] = _tf_class(whole(tf[j]))
    out = np.empty(len(ids), np.uint16)
    terms = np.empty(len(ids), np.int32)
    runs = np.empty((len(ids), 3), np.uint32)
    found = n = 0
    for term in range(n_terms):
        begin, end = first[term], first[term + 1]
        done = 0
        while n < end:
            here = _ANY_TF + 1
            for j in range(begin, end):
                if done < classes[j] < here:
                    here = whole(classes[j])
            start = n
            for j in range(begin, end):
                if classes[j] == here:
                    out[n] = rows[j]
                    n += 1
            terms[found] = term
            runs[found, 0] = here
            runs[found, 1] = start
            runs[found, 2] = n - start
            found += 1
            done = here
    return out, terms[:found].copy(), runs[:found].copy()


@compiled
def _copy(
    from_rows: codec.Rows,
    from_starts: codec.Starts,
    from_ids: codec.Ids,
    from_tf: codec.Counts,
    to: NDArray[np.int32],
    rows: codec.Rows,
    starts: codec.Starts,
    ids: codec.Ids,
    tf: codec.Counts,
) -> None:
    for i in range(len(rows)):
        at = starts[rows[i]]
        for j in range(from_starts[from_rows[i]], from_starts[from_rows[i] + 1]):
            ids[at] = to[from_ids[j]]
            tf[at] = from_tf[j]
            at += 1


@compiled
def counted_by_row(
    lengths: NDArray[np.int32], met: NDArray[np.int32]
) -> tuple[codec.Starts, NDArray[np.int32], NDArray[np.int32]]:
    """Each row's term numbers, ascending, and how often it met each. ``lengths``: how many a row met; below 0: no term."""
    starts = np.zeros(len(lengths) + 1, np.int64)
    ids, tf = np.empty(len(met), np.int32), np.empty(len(met), np.int32)
    begin = n = 0
    for row in range(len(lengths)):
        here = np.sort(met[begin : begin + lengths[row]])
        begin += lengths[row]
        last = -1
        for number in here:
            if number < 0:
                continue
            if number == last:
                tf[n - 1] += 1
            else:
                ids[n], tf[n] = number, 1
                n += 1
                last = number
        starts[row + 1] = n
    return starts, ids[:n].copy(), tf[:n].copy()


@compiled
def _tops(ids: codec.Ids, tf: codec.Counts, n_terms: int) -> NDArray[np.uint32]:
    """The largest count of each term."""
    tops = np.zeros(n_terms, np.uint32)
    for j in range(len(ids)):
        tops[ids[j]] = max(whole(tops[ids[j]]), whole(tf[j]))
    return tops


class _Laid(NamedTuple):
    """A block of documents: as they are read back, and by term."""

    words: codec.Words
    places: codec.Starts
    rows: NDArray[np.uint16]
    terms: NDArray[np.int32]
    runs: NDArray[np.uint32]
    totals: "Totals"
    tops: NDArray[np.uint32]


class _Making:
    """Takes a segment's documents block by block."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._df = np.zeros(len(vocabulary), np.uint32)
        self._cf = np.zeros(len(vocabulary), np.uint64)
        self._top = np.zeros(len(vocabulary), np.uint32)
        self._forward: list[codec.Words] = []
        self._places: list[codec.Starts] = [np.zeros(1, np.int64)]
        self._ids: list[NDArray[np.uint16]] = []
        self._runs: list[tuple[NDArray[np.int32], NDArray[np.uint32]]] = []
        self._words = self._postings = 0

    def add(self, *block: Any) -> None:
        """The next BLOCK documents, or the last few: starts, term numbers and counts."""
        self.append(self.laid_out(*block))

    def laid_out(self, starts: codec.Starts, ids: codec.Ids, tf: codec.Counts) -> "_Laid":
        """Some documents both ways round. Threads may do this for several blocks at once; the kernels hold no lock."""
        n = len(self._vocabulary)
        words, places = codec.encode(starts, ids, tf)
        rows, terms, runs = _invert(starts, ids, tf, n)
        return _Laid(words, places, rows, terms, runs, counted(ids, tf, n), _tops(ids, tf, n))

    def append(self, laid: "_Laid") -> None:
        if not len(laid.places) - 1:
            return
        runs = laid.runs
        runs[:, 0] |= np.uint32(len(self._ids) << 16)
        runs[:, 1] += np.uint32(self._postings)
        self._forward.append(laid.words)
        self._places.append(laid.places[1:] + self._words)
        self._runs.append((laid.terms, runs))
        self._ids.append(laid.rows)
        self._words += len(laid.words)
        self._postings += len(laid.rows)
        if max(self._words, self._postings) >= 1 << 32:
            raise ValueError("more than one segment can hold")
        self._df += laid.totals.df
        self._cf += laid.totals.cf
        np.maximum(self._top, laid.tops, out=self._top)

    def finished(self, keys: NDArray[np.bytes_], columns: Mapping[str, Array]) -> Segment:
        nothing = np.zeros(0, np.int32), np.zeros((0, 3), np.uint32)
        terms, runs = map(np.concatenate, zip(*(self._runs or [nothing]), strict=True))
        counts = np.bincount(terms, minlength=len(self._vocabulary))
        return Segment(
            keys=frozen(keys),
            vocabulary=self._vocabulary,
            df=frozen(self._df),
            cf=frozen(self._cf),
            top_tf=frozen(self._top),
            run_first=frozen(np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32)),
            runs=frozen(runs[np.argsort(terms, kind="stable")]),
            ids=frozen(np.concatenate([np.zeros(0, np.uint16), *self._ids])),
            forward=frozen(np.concatenate([np.zeros(0, np.uint16), *self._forward])),
            forward_start=frozen(np.concatenate(self._places).astype(np.uint32)),
            columns={name: frozen(column) for name, column in columns.items()},
        )


def built(
    keys: NDArray[np.bytes_],
    vocabulary: Vocabulary,
    starts: codec.Starts,
    ids: codec.Ids,
    tf: codec.Counts,
    columns: Mapping[str, Array] | None = None,
) -> Segment:
    """From each document's term numbers, ascending, and counts. ``keys`` may come in any order; KeyTaken for a double."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    _refuse_doubles(ordered)
    making = _Making(vocabulary)
    same = np.arange(len(vocabulary), dtype=np.int32)
    lengths = np.diff(starts)
    for begin in range(0, len(keys), BLOCK):
        rows = order[begin : begin + BLOCK]
        block = _room(lengths[rows])
        _copy(rows, starts, ids, tf, same, np.arange(len(rows)), *block)
        making.add(*block)
    return making.finished(ordered, {name: column[order] for name, column in (columns or {}).items()})


def merged(sources: Sequence[tuple[Segment, Mask]], *, threads: int = 1) -> Segment:
    """One segment of those rows of several that are still alive. No key may be alive in two; all have the same columns."""
    vocabulary, to = _joined(sources)
    rows_of = [np.flatnonzero(alive) for _, alive in sources]
    kept = [segment.keys[rows] for (segment, _), rows in zip(sources, rows_of, strict=True)]
    keys = np.concatenate([np.zeros(0, "S1"), *kept])
    order = np.argsort(keys, kind="stable")  # finds the sources in order already, and only weaves them
    _refuse_doubles(keys[order])
    source_of = np.repeat(np.arange(len(sources)), list(map(len, rows_of)))[order]
    row_of = np.concatenate([np.zeros(0, np.int64), *rows_of])[order]
    making = _Making(vocabulary)

    def laid_out(begin: int) -> _Laid:
        source, row = source_of[begin : begin + BLOCK], row_of[begin : begin + BLOCK]
        pieces = []
        lengths = np.zeros(len(row), np.int64)
        for number, (segment, _) in enumerate(sources):
            here = np.flatnonzero(source == number)
            if not len(here):
                continue
            piece = segment.decoded(row[here])
            lengths[here] = np.diff(piece[0])
            pieces.append((number, here, piece))
        block = _room(lengths)
        for number, here, piece in pieces:
            _copy(np.arange(len(here)), *piece, to[number], here, *block)
        return making.laid_out(*block)

    begins = range(0, len(keys), BLOCK)
    if threads == 1:
        for begin in begins:
            making.append(laid_out(begin))
    else:
        with ThreadPoolExecutor(threads) as pool:
            waiting: deque[Future[_Laid]] = deque()
            for begin in begins:
                waiting.append(pool.submit(laid_out, begin))
                if len(waiting) > threads:  # more would only fill the memory
                    making.append(waiting.popleft().result())
            for one in waiting:
                making.append(one.result())
    names = sources[0][0].columns if sources else {}
    columns = {
        name: np.concatenate([segment.columns[name][rows] for (segment, _), rows in zip(sources, rows_of, strict=True)])
        for name in names
    }
    return making.finished(keys[order], {name: column[order] for name, column in columns.items()})


class Totals(NamedTuple):
    """By term: how many documents have it, and how often it occurs in all of them."""

    df: NDArray[np.uint32]
    cf: NDArray[np.uint64]


def counted(ids: codec.Ids, tf: codec.Counts, n_terms: int) -> Totals:
    df = np.bincount(ids, minlength=n_terms).astype(np.uint32)
    return Totals(df, np.bincount(ids, tf, minlength=n_terms).astype(np.uint64))


def of_the_living(segment: Segment, alive: Mask) -> Totals:
    """By the segment's terms."""
    dead = np.flatnonzero(~alive)
    if not len(dead):
        return Totals(segment.df, segment.cf)
    _, ids, tf = segment.decoded(dead)
    theirs = counted(ids, tf, len(segment.df))
    return Totals(segment.df - theirs.df, segment.cf - theirs.cf)


def _joined(sources: Sequence[tuple[Segment, Mask]]) -> tuple[Vocabulary, list[NDArray[np.int32]]]:
    """The terms that any living document has, and where the terms of each source have gone (-1: nowhere)."""
    vocabulary = Vocabulary.of([])
    to: list[NDArray[np.int32]] = []
    for segment, alive in sources:
        used, kept = segment.vocabulary.kept(of_the_living(segment, alive).df > 0)
        vocabulary, moved, new = vocabulary.merged(used)
        to = [np.where(old >= 0, moved[old], -1).astype(np.int32) if len(moved) else old for old in to]
        to.append(np.where(kept >= 0, new[kept], -1).astype(np.int32) if len(new) else kept)
    return vocabulary, to


def _refuse_doubles(ordered: NDArray[np.bytes_]) -> None:
    if (ordered[1:] == ordered[:-1]).any():
        raise KeyTaken("a key comes twice")


def _room(lengths: NDArray[np.int64]) -> tuple[codec.Starts, codec.Ids, codec.Counts]:
    """Where each document begins, and room for its term numbers and counts."""
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return starts, np.empty(int(starts[-1]), np.int32), np.empty(int(starts[-1]), np.int32)
