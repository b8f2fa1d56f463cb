"""What there are some hundreds of at most, ranked by the same engine without segments or facts.

Each process holds them in memory and looks before every ranking whether one has come, changed or gone: what is answered is
what the database says now.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import ClassVar, Final, Generic, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.pairings.engine import Engine, Side
from matching import Document
from matching.segments.index import SharedIndex, SharedSnapshot
from matching.tuning import Tuning

Row = TypeVar("Row")
Kept = TypeVar("Kept")

MOST: Final = 2000
"""How many are held; which ones `there` decides by its order."""


class Held(NamedTuple, Generic[Kept]):
    """All of them at one moment: ready to be ranked, and what is kept beside each."""

    snapshot: SharedSnapshot
    kept: Mapping[UUID, Kept]


class Few(Generic[Row, Kept]):
    """One kind of them. One object a process. `tuning`: how they are ranked, and from where on one fits."""

    tuning: ClassVar[Tuning]

    def __init__(self) -> None:
        self._side = Side()
        self._known: dict[UUID, int] = {}
        self._kept: Mapping[UUID, Kept] = {}
        self._looking = asyncio.Lock()

    def there(self) -> Select[UUID, int]:
        """Id and version of those that are ranked at this moment."""
        raise NotImplementedError

    def rows(self, ids: Collection[UUID]) -> Select[Row]:
        """Those rows, with all that `document` and `beside` read."""
        raise NotImplementedError

    def document(self, row: Row) -> Document:
        """A row as it is found."""
        raise NotImplementedError

    def beside(self, row: Row) -> Kept:
        """What is kept of a row, so that a ranking need not read it."""
        raise NotImplementedError

    def id_of(self, row: Row) -> UUID:
        raise NotImplementedError

    async def now(self, session: AsyncSession, engine: Engine) -> Held[Kept]:
        """As the database has them at this moment."""
        async with self._looking:
            if self._side.index.lexicon is not engine.lexicon:  # then all of them are read anew
                self._side, self._known, self._kept = Side(SharedIndex(None, engine.lexicon)), {}, {}
            found = await session.execute(self.there().limit(MOST))
            there = {id_: version for id_, version in found.all()}  # noqa: C416 -- rows are no pairs to mypy
            gone = self._known.keys() - there.keys()
            fresh = [id_ for id_, version in there.items() if self._known.get(id_) != version]
            if gone or fresh:
                rows = (await session.scalars(self.rows(fresh))).all()
                await engine.off_the_loop(partial(self._exchange, gone, rows))
                # A new mapping, never the old one changed: whoever ranks goes on with what belongs to its snapshot.
                kept = {id_: one for id_, one in self._kept.items() if id_ not in gone}
                self._kept = kept | {self.id_of(row): self.beside(row) for row in rows}
                self._known = there
            return Held(self._side.tuned(self.tuning), self._kept)

    def _exchange(self, gone: Collection[UUID], rows: Sequence[Row]) -> None:
        index = self._side.index
        for id_ in gone:
            index.drop(str(id_))
        index.put_many((str(self.id_of(row)), self.document(row)) for row in rows)
        index.refresh()
