"""A statement that is put together once and then only filled in.

SQLAlchemy writes the SQL; building, hashing and typing it anew for each request costs several times what PostgreSQL takes
to answer. Only the one or two most asked-for reads of the house are worth it (see docs/benchmarks.md).
"""

from collections.abc import Sequence
from typing import Any

import asyncpg
from sqlalchemy import Select, text
from sqlalchemy.dialects.postgresql import asyncpg as dialects
from sqlalchemy.ext.asyncio import AsyncSession


class Prepared:
    """`select` with `bindparam`s for what varies; `fetch` takes their values by name."""

    def __init__(self, select: Select[*tuple[Any, ...]]) -> None:
        compiled = select.compile(dialect=dialects.dialect(), compile_kwargs={"render_postcompile": True})  # type: ignore[no-untyped-call]
        self.sql = compiled.string
        self._order: Sequence[str] = compiled.positiontup or ()
        self._fixed: dict[str, Any] = dict(compiled.params)

    async def fetch(self, session: AsyncSession, **values: object) -> list[asyncpg.Record]:
        """The rows, as the driver gives them, read on the session's own connection."""
        connection = await session.connection()
        raw = (await connection.get_raw_connection()).driver_connection
        assert isinstance(raw, asyncpg.Connection)
        try:
            rows: list[asyncpg.Record] = await raw.fetch(
                self.sql, *(values[name] if name in values else self._fixed[name] for name in self._order)
            )
        except (asyncpg.InterfaceError, asyncpg.PostgresConnectionError, OSError):
            # SQLAlchemy has to see for itself that the connection is dead: then it drops the whole pool's.
            await connection.execute(text("select 1"))
            raise
        return rows
