"""Records that never change: on disk and mapped, or in memory until they are written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from matching.segments import codec
from matching.segments.files import Array, Opened, frozen, write_arrays
from matching.segments.vocabulary import Vocabulary

BLOCK: Final = 65_536
"""Rows a block: what 16 bits can name, and what sums of fit the second-level cache."""

_COLUMN: Final = "column."


class KeyTaken(ValueError):  # noqa: N818  # read aloud
    """A key comes twice, or cannot be kept."""


@dataclass(frozen=True)
class Segment:
    """``keys`` in order; ``columns``: whatever else is known of each record, first axis by row."""

    keys: NDArray[np.bytes_]
    vocabulary: Vocabulary
    df: NDArray[np.uint32]
    cf: NDArray[np.uint64]
    top_tf: NDArray[np.uint32]
    run_first: NDArray[np.uint32]
    runs: NDArray[np.uint32]
    ids: NDArray[np.uint16]
    forward: codec.Words
    forward_start: NDArray[np.uint32]
    columns: dict[str, Array] = field(default_factory=dict)
    file: Opened | None = None

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def postings(self) -> int:
        return len(self.ids)

    def row(self, key: bytes) -> int:
        """The key's row, -1 when it is not here."""
        if len(key) > self.keys.dtype.itemsize:  # and numpy would copy all keys to make room for a longer one
            return -1
        row = int(np.searchsorted(self.keys, np.array(key, self.keys.dtype)))
        return row if row < len(self.keys) and self.keys[row] == key else -1

    def decoded(self, rows: NDArray[np.int64]) -> tuple[codec.Starts, codec.Ids, codec.Counts]:
        """The terms of some rows: see ``codec.decode``."""
        return codec.decode(self.forward, self.forward_start, rows)

    @cached_property
    def everyone(self) -> NDArray[np.uint8]:
        """Every row is alive."""
        return frozen(np.ones(len(self), np.uint8))

    def write(self, path: Path) -> None:
        """Put it on disk under an unfinished name: see ``files``."""
        arrays: dict[str, Any] = {"keys": self.keys, **self.vocabulary.arrays()}
        arrays |= {name: getattr(self, name) for name in _ARRAYS}
        arrays |= {_COLUMN + name: column for name, column in self.columns.items()}
        write_arrays(path, arrays, {"records": len(self), "postings": self.postings, "terms": len(self.vocabulary)})


_ARRAYS: Final = (
    "df",
    "cf",
    "top_tf",
    "run_first",
    "runs",
    "ids",
    "forward",
    "forward_start",
)


def opened(path: Path) -> Segment:
    """Damaged when the file is not whole; FileNotFoundError when it is not there. Reads almost nothing of it."""
    file = Opened(path)
    arrays = file.arrays
    return Segment(
        keys=arrays["keys"],
        vocabulary=Vocabulary.opened(arrays),
        **{name: arrays[name] for name in _ARRAYS},
        columns={name.removeprefix(_COLUMN): array for name, array in arrays.items() if name.startswith(_COLUMN)},
        file=file,
    )


def encoded(keys: Sequence[str]) -> NDArray[np.bytes_]:
    """Keys as an array of one width. KeyTaken for a key with a NUL character, which such an array cannot keep."""
    if any("\0" in key for key in keys):
        raise KeyTaken("a key may not hold a NUL character")
    return np.array([key_bytes(key) for key in keys] or [b""], dtype=np.bytes_)[: len(keys)]


def key_bytes(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")
