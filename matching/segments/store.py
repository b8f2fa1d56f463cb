"""The collection on disk: segments that never change, and manifests that say which of them count."""

import fcntl
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.segments import files
from matching.segments.files import Damaged, Opened
from matching.segments.segment import Segment, opened
from matching.segments.statistics import Counting, Weighing, weighed
from matching.weighting import Collection

Mask = NDArray[np.bool_]
Lives = Sequence[tuple[Segment, Mask]]

FORMAT: Final = 2
KEPT: Final = 2
"""Manifests whose files stay: a reader may still be opening the one before."""

_MANIFEST: Final = "manifest-"
_SUFFIX: Final = ".json"


class Busy(Exception):  # noqa: N818  # read aloud
    """Another process writes to this folder."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The files of one segment, and how many records and postings it holds, the dead included."""

    segment: str
    statistics: str
    alive: str | None
    records: int
    postings: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """One version of the collection. ``mark``: everything up to there is in it; what it counts is the caller's affair.
    ``documents`` and ``mean``: of ``weighting.Collection``."""

    number: int
    mark: int
    documents: int
    mean: float
    entries: tuple[Entry, ...]

    @property
    def postings(self) -> int:
        return sum(entry.postings for entry in self.entries)

    @property
    def collection(self) -> Collection:
        return Collection(self.documents, self.mean)

    def files(self) -> set[str]:
        names = {entry.segment for entry in self.entries} | {entry.statistics for entry in self.entries}
        return names | {entry.alive for entry in self.entries if entry.alive} | {_name(self.number)}

    def text(self) -> str:
        body = json.dumps({"format": FORMAT, **asdict(self)}, ensure_ascii=False)
        return json.dumps({"manifest": body, "crc32": zlib.crc32(body.encode())}, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Shelved:
    """An opened version: its segments, which of their records are alive, and what the collection's numbers make of them."""

    manifest: Manifest
    lives: tuple[tuple[Segment, Mask], ...]
    weighings: tuple[Weighing, ...]


def _name(number: int) -> str:
    return f"{_MANIFEST}{number:010}{_SUFFIX}"


class Store:
    """A folder that any number of processes read and one at a time writes to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def latest(self) -> Manifest | None:
        """The newest version whose manifest is whole; None when nothing was published yet."""
        return next((good for number in self._numbers() if (good := self._read(number))), None)

    def _numbers(self) -> list[int]:
        if not self.folder.is_dir():
            return []
        names = (path.name for path in self.folder.glob(f"{_MANIFEST}*{_SUFFIX}"))
        return sorted((int(name.removeprefix(_MANIFEST).removesuffix(_SUFFIX)) for name in names), reverse=True)

    def _read(self, number: int) -> Manifest | None:
        try:
            outer = json.loads((self.folder / _name(number)).read_text(encoding="utf-8"))
            if zlib.crc32(outer["manifest"].encode()) != outer["crc32"]:
                return None
            body = json.loads(outer["manifest"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        if body.pop("format") != FORMAT:
            return None
        return Manifest(**body | {"entries": tuple(Entry(**entry) for entry in body["entries"])})

    def open(self) -> Shelved | None:
        """The newest version that is whole, down to the directories of its files. Maps, and reads next to nothing.

        None when there is none. A version that was swept while it was being opened is given up for the newer one.
        """
        tried: set[int] = set()
        while fresh := [number for number in self._numbers() if number not in tried]:
            tried.add(fresh[0])
            if (manifest := self._read(fresh[0])) and (shelved := self._opened(manifest)):
                return shelved
        return None

    def _opened(self, manifest: Manifest) -> Shelved | None:
        try:
            segments = [opened(self.folder / entry.segment) for entry in manifest.entries]
            weighings = [Weighing.opened(self.folder / entry.statistics) for entry in manifest.entries]
            alive = [_alive(self.folder, entry) for entry in manifest.entries]
        except (Damaged, OSError):
            return None
        return Shelved(manifest, tuple(zip(segments, alive, strict=True)), tuple(weighings))

    def verify(self, manifest: Manifest) -> None:
        """Read every byte of a version; Damaged when one is not what was written, OSError when a file is missing."""
        for name in sorted(manifest.files() - {_name(manifest.number)}):
            Opened(self.folder / name).verify()

    @contextmanager
    def writing(self) -> Iterator["Writer"]:
        """Become the writer, and sweep what a crash has left. Busy when another process is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "writer.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as taken:
                raise Busy(f"another process writes to {self.folder.name}") from taken
            writer = Writer(self)
            writer.sweep()
            yield writer


class Writer:
    """Publishes versions; see ``Store.writing``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counting = Counting()

    def publish(self, lives: Lives, mark: int, *, step: Callable[[str], None] = lambda _: None) -> Manifest:
        """Make these segments and their living records the newest version, with n, df and cf counted from them.

        Segments that come from this folder's files are not written again. ``step`` is told before each file is written.
        """
        folder, latest = self._store.folder, self._store.latest()
        number = max([0, *self._store._numbers()]) + 1  # noqa: SLF001 -- two halves of one thing
        written: list[Path] = []
        weighings, collection = weighed(lives, self._counting.totals(lives))
        entries = []
        for place, ((segment, alive), weighing) in enumerate(zip(lives, weighings, strict=True)):
            stem = f"{number:010}-{place}"
            name = f"{stem}.segment"
            if segment.file and segment.file.path.parent == folder:
                name = segment.file.path.name
            else:
                step(name)
                segment.write(folder / name)
                written.append(folder / name)
            step(f"{stem}.statistics")
            weighing.write(folder / f"{stem}.statistics")
            written.append(folder / f"{stem}.statistics")
            dead = _same_dead(latest, folder, name, alive)
            if dead is None and not alive.all():
                dead = f"{stem}.alive"
                step(dead)
                files.write_arrays(folder / dead, {"alive": np.packbits(alive)}, {"records": len(alive)})
                written.append(folder / dead)
            entries.append(Entry(name, f"{stem}.statistics", dead, len(segment), segment.postings))
        step("names")
        files.finish(*written)
        manifest = Manifest(number, mark, collection.documents, collection.mean, tuple(entries))
        step(_name(number))
        files.write_text(folder / _name(number), manifest.text())
        step("sweep")
        self.sweep()
        return manifest

    def sweep(self) -> None:
        """Remove what none of the latest ``KEPT`` whole versions names. Who has such a file mapped keeps it."""
        good: list[Manifest] = []
        for number in self._store._numbers():  # noqa: SLF001
            if len(good) < KEPT and (manifest := self._store._read(number)):  # noqa: SLF001
                good.append(manifest)
        named = {name for manifest in good for name in manifest.files()}
        for path in self._store.folder.iterdir():
            ours = path.name.startswith(_MANIFEST) or path.name.endswith(
                (".segment", ".statistics", ".alive", files.UNFINISHED)
            )
            if ours and path.name not in named:
                path.unlink(missing_ok=True)


def _alive(folder: Path, entry: Entry) -> Mask:
    if entry.alive is None:
        return np.ones(entry.records, np.bool_)
    file = Opened(folder / entry.alive)
    file.verify()
    return np.unpackbits(file.arrays["alive"], count=file.about["records"]).astype(np.bool_)


def _same_dead(latest: Manifest | None, folder: Path, segment: str, alive: Mask) -> str | None:
    """The file of the version before, when nobody has died since."""
    for entry in latest.entries if latest else ():
        if entry.segment == segment and entry.alive and np.array_equal(_alive(folder, entry), alive):
            return entry.alive
    return None
