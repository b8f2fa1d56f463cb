"""Files that are written once: named arrays with checksums, and small texts; complete under their name or not there."""

import json
import mmap
import os
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Arrays = Mapping[str, Array]

UNFINISHED: Final = ".unfinished"
_MAGIC: Final = b"duijie 1"
_END: Final = 8 + 4 + len(_MAGIC)
_LINE: Final = 64  # arrays begin at cache lines
_PIECE: Final = 1 << 24


class Damaged(Exception):  # noqa: N818  # read aloud: "Damaged: …"
    """A file is cut short, or its bytes are not the ones that were written."""


def write_arrays(path: Path, arrays: Mapping[str, Array | Iterable[Array]], about: Mapping[str, Any]) -> None:
    """Write arrays of one dimension or more, each whole or as pieces along its first axis, and what to know of them.

    The file is on disk when this returns, under a name that ends in ``UNFINISHED``: ``finish`` gives it its own.
    """
    directory: dict[str, Any] = {}
    with _unfinished(path).open("wb") as file:
        for name, given in arrays.items():
            file.write(b"\0" * (-file.tell() % _LINE))
            start, checksum, length = file.tell(), 0, 0
            shape: list[int] = []
            dtype = ""
            for piece in [given] if isinstance(given, np.ndarray) else given:
                dtype, shape = piece.dtype.str, list(piece.shape[1:])
                length += len(piece)
                checksum = _append(file, piece, checksum)
            directory[name] = {"dtype": dtype, "shape": [length, *shape], "start": start, "crc32": checksum}
        listed = json.dumps({"arrays": directory, "about": dict(about)}, ensure_ascii=False).encode()
        file.write(listed + len(listed).to_bytes(8, "little") + zlib.crc32(listed).to_bytes(4, "little") + _MAGIC)
        _sync(file)


def _append(file: BinaryIO, piece: Array, checksum: int) -> int:
    content: Any = np.ascontiguousarray(piece).reshape(-1).view(np.uint8)
    for begin in range(0, len(content), _PIECE):
        part = content[begin : begin + _PIECE]
        checksum = zlib.crc32(part, checksum)
        file.write(part)
    return checksum


def write_text(path: Path, text: str) -> None:
    """Write a small file and give it its name at once: it is there completely or not at all."""
    with _unfinished(path).open("wb") as file:
        file.write(text.encode())
        _sync(file)
    finish(path)


def finish(*paths: Path) -> None:
    """Give written files their names, for good: also the folder is on disk when this returns."""
    for path in paths:
        _unfinished(path).replace(path)
    for folder in {path.parent for path in paths}:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _unfinished(path: Path) -> Path:
    return path.with_name(path.name + UNFINISHED)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


class Opened:
    """A file of arrays, mapped into memory and read only when it is looked at."""

    def __init__(self, path: Path) -> None:
        """Damaged when the directory at its end is not whole. The arrays are checked by ``verify``, not here."""
        self.path = path
        self.size = path.stat().st_size
        if self.size < _END:
            raise Damaged(f"{path.name} is cut short")
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if hasattr(mmap, "MADV_HUGEPAGE"):  # fewer, larger pages where the kernel can: a third of the time of far reads
            with suppress(OSError):
                self._map.madvise(mmap.MADV_HUGEPAGE)
        if self._map[-len(_MAGIC) :] != _MAGIC:
            raise Damaged(f"{path.name} is cut short, or not a file of ours")
        length = int.from_bytes(self._map[-_END : -_END + 8], "little")
        listed = self._map[max(self.size - _END - length, 0) : -_END]
        if zlib.crc32(listed) != int.from_bytes(self._map[-_END + 8 : -len(_MAGIC)], "little"):
            raise Damaged(f"{path.name}: its directory is not what was written")
        found = json.loads(listed)
        self.about: dict[str, Any] = found["about"]
        self._directory: dict[str, Any] = found["arrays"]
        self.arrays: dict[str, Array] = {name: self._array(entry) for name, entry in self._directory.items()}

    def _array(self, entry: dict[str, Any]) -> Array:
        dtype = np.dtype(entry["dtype"])
        count = int(np.prod(entry["shape"]))
        if count == 0:
            return frozen(np.zeros(entry["shape"], dtype))
        return np.frombuffer(self._map, dtype, count, entry["start"]).reshape(entry["shape"])

    def verify(self) -> None:
        """Read everything; Damaged when a byte is not the one that was written. About a second a gigabyte."""
        for name, entry in self._directory.items():
            content: Any = self.arrays[name].reshape(-1).view(np.uint8)
            checksum = 0
            for begin in range(0, len(content), _PIECE):
                checksum = zlib.crc32(content[begin : begin + _PIECE], checksum)
            if checksum != entry["crc32"]:
                raise Damaged(f"{self.path.name}: {name} is not what was written")


def frozen(array: Array) -> Array:
    """The same array, no longer to be written to: kernels are then compiled once, for mapped and other arrays alike."""
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array
