"""Where the segments of a ranking stand: one folder for one database, read by one program with one lexicon."""

import os
import shutil
import time
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import matching
from marketplace.pairings import reading
from matching.lexicon import Lexicon

# A program that was replaced may run on for a while; what nobody has lived in for so long goes.
FORGOTTEN_AFTER: Final = 7 * 86_400.0

# Another cluster, another history of the same one, another database or another schema: other records.
_ORIGIN: Final = text(
    "select concat_ws(' ', (select system_identifier from pg_control_system()),"
    " (select timeline_id from pg_control_checkpoint()),"
    " (select oid from pg_database where datname = current_database()),"
    " (select string_agg(version_num, ',') from alembic_version))"
)


@cache
def _program() -> str:
    """What records are read with: when it changes, they have to be read again."""
    digest = sha256(version("rjieba").encode())
    package = Path(matching.__file__).parent
    for file in [Path(reading.__file__), *sorted(package.rglob("*.py"))]:
        digest.update(file.read_bytes())
    return digest.hexdigest()


class Shelf:
    """The folders below one home."""

    def __init__(self, home: Path) -> None:
        self._all = home / "ranking"
        self._ours: Path | None = None

    async def folder(self, session: AsyncSession, lexicon: Lexicon) -> Path:
        """The one for this database, this program and this lexicon; there may be nothing in it yet."""
        origin = f"{await session.scalar(_ORIGIN)} {_program()} {lexicon.version} {lexicon.digest}"
        self._ours = self._all / sha256(origin.encode()).hexdigest()[:24]
        return self._ours

    def lived_in(self) -> None:
        """Keep ours from being forgotten, and forget those that nobody has kept."""
        if self._ours is None or not self._ours.is_dir():
            return
        os.utime(self._ours)
        for other in self._all.iterdir():
            if other != self._ours and time.time() - other.stat().st_mtime > FORGOTTEN_AFTER:
                shutil.rmtree(other, ignore_errors=True)
