"""Many texts at once: cut and counted in several processes, laid out as one segment, published."""

import multiprocessing
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, repeat
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.segments.building import built, counted_by_row, merged
from matching.segments.files import finish
from matching.segments.segment import BLOCK, Segment, encoded, opened
from matching.segments.store import Manifest, Store, Writer
from matching.segments.vocabulary import Vocabulary
from matching.text import all_pieces, is_piece

_ASIDE: Final = "bulk-"


class Record(NamedTuple):
    """``codes``: terms to be counted beside those of the text. ``columns``: a value for each column; all records of an
    index have the same."""

    key: str
    text: str
    codes: Mapping[str, int] = {}
    columns: Mapping[str, object] = {}


@dataclass(frozen=True, slots=True)
class Analysis:
    """How texts become terms; both functions at the top of a module, so that processes can be told of them.

    ``pieces``: text → (mark, pieces with their repetitions), several times. ``is_term``: whether the mark with a piece is a
    term; asked once for each distinct piece.
    """

    pieces: Callable[[str], Iterable[tuple[str, Iterable[str]]]] = all_pieces
    is_term: Callable[[str, str], bool] = is_piece


TERMS = Analysis()
"""The words, pairs and characters of ``matching.text``."""


class _Numbers(dict[str, int]):
    """A number for each piece with one mark as it is first met; -1 for what is no term. ``terms``: of all marks."""

    def __init__(self, mark: str, terms: list[str], is_term: Callable[[str, str], bool]) -> None:
        super().__init__()
        self._mark, self._terms, self._is_term = mark, terms, is_term

    def __missing__(self, piece: str) -> int:
        number = -1
        if self._is_term(self._mark, piece):
            number = len(self._terms)
            self._terms.append(self._mark + piece)
        self[piece] = number
        return number


def _is_code(_mark: str, _piece: str) -> bool:
    return True


class _Block:
    """Records whose terms are numbered; their texts are not kept."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._terms: list[str] = []
        self._numbers: dict[str, _Numbers] = {}
        self._codes = _Numbers("", self._terms, _is_code)
        self._met, self._lengths = array("i"), array("i")
        self._keys: list[str] = []
        self._columns: list[Mapping[str, object]] = []

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, record: Record) -> None:
        met: list[int] = []
        for mark, pieces in self._analysis.pieces(record.text):
            numbers = self._numbers.get(mark)
            if numbers is None:
                numbers = self._numbers[mark] = _Numbers(mark, self._terms, self._analysis.is_term)
            met.extend(map(numbers.__getitem__, pieces))
        for code, times in record.codes.items():
            met.extend(repeat(self._codes[code], times))
        self._met.fromlist(met)
        self._lengths.append(len(met))
        self._keys.append(record.key)
        self._columns.append(record.columns)

    def segment(self) -> Segment:
        vocabulary = sorted(set(self._terms))
        place = dict(zip(vocabulary, range(len(vocabulary)), strict=True))
        renumbered = np.array([*(place[term] for term in self._terms), -1], np.int32)
        counts = counted_by_row(_whole(self._lengths), renumbered[_whole(self._met)])
        names = self._columns[0] if self._columns else {}
        columns = {name: np.array([values[name] for values in self._columns]) for name in names}
        return built(encoded(self._keys), Vocabulary.of(vocabulary), *counts, columns)


def _whole(numbers: "array[int]") -> NDArray[np.int32]:
    return np.frombuffer(numbers, np.int32) if numbers else np.zeros(0, np.int32)


def counted(records: Iterable[Record], analysis: Analysis = TERMS) -> Segment:
    """A segment of these records, in this process."""
    block = _Block(analysis)
    for record in records:
        block.add(record)
    return block.segment()


class Building:
    """A version in the making: see ``building``."""

    def __init__(self, writer: Writer, folder: Path, analysis: Analysis) -> None:
        self._writer, self._folder, self._analysis = writer, folder, analysis
        self._block = _Block(analysis)
        self._written: list[Segment] = []

    def add(self, records: Iterable[Record]) -> None:
        """Count some more. KeyTaken, here or when it is published, when a key comes twice."""
        for record in records:
            self._block.add(record)
            if len(self._block) == BLOCK:
                path = self._folder / f"{len(self._written)}.segment"
                self._written.append(opened(_written(self._block.segment(), path)))
                self._block = _Block(self._analysis)

    def publish(self, mark: int) -> Manifest:
        """Make all of them the newest version, in place of what was there."""
        last = [self._block.segment()] if len(self._block) else []
        return _published(self._writer, [*self._written, *last], mark)


@contextmanager
def building(store: Store, analysis: Analysis = TERMS) -> Iterator[Building]:
    """Make a version from records that come bit by bit. ``store.Busy`` when another process writes there.

    Keeps one copy of the index in memory while it is published, and what is counted of one block until then.
    """
    with store.writing() as writer, _aside(store) as folder:
        yield Building(writer, folder, analysis)


def publish(
    store: Store, records: Iterable[Record], *, mark: int = 0, analysis: Analysis = TERMS, processes: int = 1
) -> Manifest:
    """Make these records the newest version, in place of all others, with the help of several processes.

    Keeps one copy of the index in memory while it is made, and a few blocks of texts. KeyTaken when a key comes twice.
    """
    with store.writing() as writer, _aside(store) as folder:
        segments = [opened(path) for path in _cut(records, analysis, processes, folder)]
        return _published(writer, segments, mark, threads=processes)


def _published(writer: Writer, segments: Sequence[Segment], mark: int, *, threads: int = 1) -> Manifest:
    lives = [(each, np.ones(len(each), np.bool_)) for each in segments]
    one = segments[0] if len(segments) == 1 else merged(lives, threads=threads)
    return writer.publish([(one, np.ones(len(one), np.bool_))] if len(one) else [], mark)


@contextmanager
def _aside(store: Store) -> Iterator[Path]:
    """A folder for the writer to work in; what one that was killed has left goes."""
    for left in store.folder.glob(f"{_ASIDE}*"):
        rmtree(left, ignore_errors=True)
    with TemporaryDirectory(dir=store.folder, prefix=_ASIDE) as folder:
        yield Path(folder)


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
    return _written(counted(records, analysis), path)


def _written(segment: Segment, path: Path) -> Path:
    segment.write(path)
    finish(path)
    return path
