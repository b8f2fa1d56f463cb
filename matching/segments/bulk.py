"""Many texts at once: cut and counted in several processes, laid out as one segment, published."""

import multiprocessing
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from matching.segments.building import built, merged
from matching.segments.files import finish
from matching.segments.segment import BLOCK, Segment, encoded, opened
from matching.segments.store import Manifest, Store
from matching.segments.vocabulary import Vocabulary
from matching.text import count_all


class Record(NamedTuple):
    """``codes``: terms to be counted beside those of the text. ``columns``: a value for each column; all records of an
    index have the same."""

    key: str
    text: str
    codes: Mapping[str, int] = {}
    columns: Mapping[str, object] = {}


def _any(_: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Analysis:
    """How texts become terms; both functions at the top of a module, so that processes can be told of them.

    ``count``: text → piece → how often. ``is_term``: which pieces are terms; asked once for each distinct piece.
    """

    count: Callable[[str], Mapping[str, int]] = count_all
    is_term: Callable[[str], bool] = _any


TERMS = Analysis()
"""The words, pairs and characters of ``matching.text``."""


class _Numbers(dict[str, int]):
    """A number for each piece as it is first met; -1 for what is no term."""

    def __init__(self, is_term: Callable[[str], bool]) -> None:
        super().__init__()
        self.terms: list[str] = []
        self._is_term = is_term

    def __missing__(self, piece: str) -> int:
        number = -1
        if self._is_term(piece):
            number = len(self.terms)
            self.terms.append(piece)
        self[piece] = number
        return number


def counted(records: Sequence[Record], analysis: Analysis = TERMS) -> Segment:
    """A segment of these records, in this process."""
    numbers = _Numbers(analysis.is_term)
    ids, tf, lengths = array("i"), array("i"), array("i")
    number_of = numbers.__getitem__
    for record in records:
        counts = {**record.codes, **analysis.count(record.text)}
        ids.extend(map(number_of, counts))
        tf.extend(counts.values())
        lengths.append(len(counts))
    vocabulary = sorted(numbers.terms)
    place = dict(zip(vocabulary, range(len(vocabulary)), strict=True))
    renumbered = np.array([*(place[term] for term in numbers.terms), -1], np.int32)
    flat = renumbered[np.frombuffer(ids, np.int32) if ids else np.zeros(0, np.int32)]
    row = np.repeat(np.arange(len(records)), np.frombuffer(lengths, np.int32) if lengths else 0)
    terms = np.flatnonzero(flat >= 0)
    order = terms[np.argsort((row[terms] << 32) | flat[terms])]
    starts = np.concatenate([[0], np.cumsum(np.bincount(row[terms], minlength=len(records)))]).astype(np.int64)
    times = np.frombuffer(tf, np.int32)[order] if tf else np.zeros(0, np.int32)
    columns = {name: np.array([record.columns[name] for record in records]) for name in records[0].columns}
    keys = encoded([record.key for record in records])
    return built(keys, Vocabulary.of(vocabulary), starts, flat[order], times, columns)


def publish(
    store: Store,
    records: Iterable[Record],
    *,
    mark: int = 0,
    origin: str = "",
    analysis: Analysis = TERMS,
    processes: int = 1,
) -> Manifest:
    """Make these records the newest version, in place of all others.

    Keeps one copy of the index in memory while it is made, and a few blocks of texts. KeyTaken when a key comes twice.
    """
    store.folder.mkdir(parents=True, exist_ok=True)
    with store.writing() as writer, TemporaryDirectory(dir=store.folder, prefix="bulk-") as folder:
        segments = [opened(path) for path in _cut(records, analysis, processes, Path(folder))]
        one = merged([(segment, np.ones(len(segment), np.bool_)) for segment in segments])
        return writer.publish([(one, np.ones(len(one), np.bool_))] if len(one) else [], mark, origin)


def _cut(records: Iterable[Record], analysis: Analysis, processes: int, folder: Path) -> Iterator[Path]:
    """A file for each block of records, in their order."""
    blocks = _blocks(iter(records))
    named = ((block, analysis, folder / f"{number}.segment") for number, block in enumerate(blocks))
    if processes == 1:
        yield from (_write(*each) for each in named)
        return
    waiting: deque[Future[Path]] = deque()
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        for each in named:
            waiting.append(pool.submit(_write, *each))
            if len(waiting) > processes + 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _blocks(records: Iterator[Record]) -> Iterator[list[Record]]:
    while block := list(islice(records, BLOCK)):
        yield block


def _write(records: Sequence[Record], analysis: Analysis, path: Path) -> Path:
    counted(records, analysis).write(path)
    finish(path)
    return path
