"""All records of one collection against all of another, both ways, block by block: a run that can stop and go on.

A run is a folder. ``problems`` and ``achievements`` (``Way``) hold the two versions that it compares, as links to their
files, so that later publications do not take them away. Each block's answers are a file, complete under its name or not
there; whoever computes a block writes the same bytes, so a block that is computed twice, or begun by a process that
died, changes nothing. What is not there is what is left to do.
"""

import json
import os
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from pathlib import Path
from shutil import copyfile
from typing import Final

import numpy as np

from matching.rewording import Rewording
from matching.segments.batch import NOBODY, Answers, Asking
from matching.segments.collection import Collection
from matching.segments.files import Opened, finish, write_arrays, write_text
from matching.segments.store import Manifest, Store
from matching.segments.wording import Gathering, Wording

BLOCK: Final = 1000
"""Records that ask in one block: some seconds of work against a million."""

_PLAN: Final = "plan.json"


def nobody_hears(_done: int, _of: int) -> None:
    """Told of progress, says nothing."""


class Way(StrEnum):
    """Who asks."""

    PROBLEMS = "problems"
    ACHIEVEMENTS = "achievements"

    @property
    def other(self) -> "Way":
        return Way.ACHIEVEMENTS if self is Way.PROBLEMS else Way.PROBLEMS


@dataclass(frozen=True, slots=True, order=True)
class Block:
    """The asking rows from ``first`` on."""

    way: Way
    first: int


@dataclass(frozen=True, slots=True)
class Plan:
    """``problems``, ``achievements``: rows of each side, the dead included. ``name``: of this run alone, also when another one
    was or will be in the same folder."""

    k: int
    block: int
    problems: int
    achievements: int
    name: str = ""

    def blocks(self) -> list[Block]:
        return [
            Block(way, first)
            for way, rows in ((Way.PROBLEMS, self.problems), (Way.ACHIEVEMENTS, self.achievements))
            for first in range(0, rows, self.block)
        ]


class Run:
    """One full rematch in a folder. Any number of processes may work on it at once."""

    def __init__(self, folder: Path) -> None:
        """FileNotFoundError when no run was begun there."""
        self.folder = folder
        self.plan = Plan(**json.loads((folder / _PLAN).read_text(encoding="utf-8")))

    @classmethod
    def begin(cls, folder: Path, problems: Store, achievements: Store, *, k: int = 50, block: int = BLOCK) -> "Run":
        """Of the newest versions of both; the run that is there already, when there is one. LookupError when a side was
        never published. ValueError when k or block < 1."""
        if k < 1 or block < 1:
            raise ValueError("k and block must be at least 1")
        if not (folder / _PLAN).exists():
            rows = {}
            for way, store in ((Way.PROBLEMS, problems), (Way.ACHIEVEMENTS, achievements)):
                manifest = _kept(store, folder / way)
                rows[way.value] = sum(entry.records for entry in manifest.entries)
            write_text(folder / _PLAN, json.dumps(asdict(Plan(k, block, name=uuid.uuid4().hex, **rows))))
        return cls(folder)

    @cached_property
    def _sides(self) -> dict[Way, Collection]:
        return {way: Collection(Store(self.folder / way)) for way in Way}

    @cached_property
    def _asking(self) -> dict[Way, Asking]:
        return {way: Asking(self._sides[way].view, self._sides[way.other].view, self.wording(way)) for way in Way}

    @contextmanager
    def rewording(self, way: Way, name: str = "") -> Iterator[Callable[[str, Rewording], None]]:
        """Write down how the records of a side ask otherwise than by their own terms alone, each by its key.

        Before the first block is computed; ``name``: of what they are reworded by. ValueError when that was written down
        before, or when a block has landed that did not know of it.
        """
        if self.worded_by(way) is not None or self.progress()[0]:
            raise ValueError("the run has begun to ask already")
        view, gathering = self._sides[way].view, Gathering()

        def add(key: str, its: Rewording) -> None:
            if (row := view.row(key)) >= 0:
                gathering.add(row, its)

        yield add
        gathering.finished(name).write(self.folder / f"{way.value}.wording")

    def worded_by(self, way: Way) -> str | None:
        """The name of what a side's questions are reworded by; None when nothing was written down of it."""
        wording = self.wording(way)
        return None if wording is None else wording.name

    def wording(self, way: Way) -> Wording | None:
        """What was written down of a side; None when all of it asks by its own terms."""
        try:
            return Wording.opened(self.folder / f"{way.value}.wording")
        except FileNotFoundError:
            return None

    def left(self) -> list[Block]:
        """The blocks whose answers are not there yet."""
        there = {path.name for path in self.folder.glob("*.answers")}
        return [block for block in self.plan.blocks() if _name(block) not in there]

    def progress(self) -> tuple[int, int]:
        """How many blocks are done, and of how many."""
        every = len(self.plan.blocks())
        return every - len(self.left()), every

    def compute(self, block: Block) -> Answers:
        """The block function: what these records find. Depends on nothing but the run and the block."""
        asking = self._asking[block.way]
        return asking.best(range(block.first, min(block.first + self.plan.block, asking.asking.rows)), self.plan.k)

    def land(self, block: Block) -> None:
        """Compute a block and write it down, unless it is there."""
        path = self.folder / _name(block)
        if path.exists():
            return
        answers = self.compute(block)
        mine = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
        write_arrays(mine, {"rows": answers.rows.astype(np.int32), "scores": answers.scores}, {})
        finish(mine)
        mine.replace(path)

    def work(self, *, threads: int = 1, told: Callable[[int, int], object] = nobody_hears) -> None:
        """Do what is left. ``told`` hears after each block how many are done, and of how many."""
        left, every = self.left(), len(self.plan.blocks())
        if left:
            _ = self._asking  # opened once, before the threads share it
        with ThreadPoolExecutor(threads) as pool:
            try:
                for done, future in enumerate(as_completed([pool.submit(self.land, block) for block in left]), 1):
                    future.result()
                    told(every - len(left) + done, every)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        self.sweep()

    def sweep(self) -> None:
        """Remove what died before it was complete. Only when nobody works any more."""
        for path in self.folder.glob("*.answers.*"):
            path.unlink(missing_ok=True)

    def answers(self, block: Block) -> Answers:
        """What has landed. FileNotFoundError when it has not; ``files.Damaged`` when it is not what was written."""
        file = Opened(self.folder / _name(block))
        file.verify()
        return Answers(file.arrays["rows"].astype(np.int64), file.arrays["scores"])

    def found(self, way: Way) -> Iterator[tuple[str, list[tuple[str, float]]]]:
        """Every living record that asked, by its key, with the keys and scores that it found, best first."""
        asking, answering = self._sides[way].view, self._sides[way.other].view
        for block in self.plan.blocks():
            if block.way is not way:
                continue
            answers = self.answers(block)
            for place, (rows, scores) in enumerate(zip(answers.rows.tolist(), answers.scores.tolist(), strict=True)):
                key = asking.key(block.first + place)
                if asking.row(key) == block.first + place:
                    some = zip(rows, scores, strict=True)
                    yield key, [(answering.key(row), score) for row, score in some if row != NOBODY]


def _name(block: Block) -> str:
    return f"{block.way.value}-{block.first:012}.answers"


def _kept(store: Store, folder: Path) -> Manifest:
    """The newest version of a store, in a folder of its own that shares its files."""
    folder.mkdir(parents=True, exist_ok=True)
    while (manifest := store.latest()) is not None:
        with suppress(FileNotFoundError):  # a newer version came, and this one was swept
            for name in sorted(manifest.files(), key=lambda name: name.endswith(".json")):  # the manifest last
                path = folder / name
                path.unlink(missing_ok=True)
                try:
                    os.link(store.folder / name, path)
                except OSError:  # another file system, or gone: then this is not there either
                    copyfile(store.folder / name, path)
            return manifest
    raise LookupError(f"{store.folder.name} was never published")


@lru_cache(maxsize=4)
def opened_run(folder: Path, name: str) -> Run:
    """The run of that name in a folder, opened once in each process. LookupError when another one is there."""
    run = Run(folder)
    if run.plan.name != name:
        raise LookupError(f"{folder} holds another run")
    return run


def land(folder: str, name: str, way: str, first: int) -> None:
    """One block of a run, for a process that knows only where it is and what it is called."""
    opened_run(Path(folder), name).land(Block(Way(way), first))
