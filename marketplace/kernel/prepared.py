"""A statement that is put together once and then only filled in.

SQLAlchemy writes the SQL; building, hashing and typing it anew for each request costs several times what PostgreSQL takes
to answer. It is worth it for what every request does (who asks, the idempotency key, facts) and for the most asked-for
reads and writes of the house (see docs/benchmarks.md).
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import asyncpg as dialects
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import ClauseElement

from marketplace.kernel.actor import Actor
from schemas.identity import Permission

_ADAPTER: Final[Any] = dialects.dialect.import_dbapi()  # type: ignore[no-untyped-call]
_DIALECT: Final = dialects.dialect(dbapi=_ADAPTER)  # type: ignore[no-untyped-call]
_CONNECTION: Final = "duijie.connection"
# Shapes of actors that are kept of one statement; there are a few dozen in practice.
MOST_SHAPES: Final = 256


async def connected(session: AsyncSession) -> asyncpg.Connection:
    """The driver's own connection, in the session's transaction, with what the session was told written down.

    SQLAlchemy sends BEGIN with its first statement, and of what passes it by it knows nothing.
    """
    plain = session.sync_session
    kept = plain.info.get(_CONNECTION)
    # SQLAlchemy sends a SAVEPOINT, too, only when it is next asked for the connection.
    within = plain.get_nested_transaction() or plain.get_transaction()
    if kept is None or kept[0] is None or kept[0] is not within:
        held = await (await session.connection()).get_raw_connection()
        within = plain.get_nested_transaction() or plain.get_transaction()
        kept = plain.info[_CONNECTION] = (within, held)
    held = kept[1]
    adapted: Any = held.dbapi_connection
    raw = held.driver_connection
    assert isinstance(raw, asyncpg.Connection)
    if adapted.isolation_level != "autocommit" and not raw.is_in_transaction():
        await adapted._start_transaction()  # noqa: SLF001 -- what its cursor does before the first statement
    if not plain._is_clean():  # noqa: SLF001 -- what its flush asks first
        await session.flush()
    return raw


async def fetched(session: AsyncSession, sql: str, *arguments: object) -> list[asyncpg.Record]:
    """The rows of a statement with `$1`, `$2`, …, as the driver gives them, read on the session's own connection."""
    try:
        raw = await connected(session)
        rows: list[asyncpg.Record] = await raw.fetch(sql, *arguments)
    except (asyncpg.InterfaceError, asyncpg.PostgresConnectionError, OSError, _ADAPTER.Error):
        # SQLAlchemy has to see for itself that the connection is dead: then it drops the whole pool's.
        await (await session.connection()).execute(text("select 1"))
        raise
    return rows


class _Written(NamedTuple):
    sql: str
    order: list[tuple[str, Callable[[Any], Any] | None]]
    fixed: dict[str, Any]


class Prepared:
    """A statement with `bindparam`s for what varies; their values are given by name, and sent as the column's type asks.

    What comes back is as the driver gives it: words of the language are plain strings, JSON is taken apart. It is
    written when it is first asked for, since by then every table is known.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement

    @cached_property
    def _written(self) -> _Written:
        compiled: Any = self._statement.compile(dialect=_DIALECT)
        asked = {name for name, bind in compiled.binds.items() if bind.required}
        state = compiled.construct_expanded_state(dict.fromkeys(asked))
        order = []
        for name in state.positiontup or ():
            kind = compiled.binds[name].type if name in compiled.binds else None
            order.append((name, kind and kind.dialect_impl(_DIALECT).bind_processor(_DIALECT)))
        fixed = {name: value for name, value in state.parameters.items() if name not in asked}
        return _Written(state.statement, order, fixed)

    @property
    def sql(self) -> str:
        return self._written.sql

    @property
    def fixed(self) -> dict[str, Any]:
        """The values that were written into the statement, beside those that have to be given."""
        return self._written.fixed

    def arguments(self, values: Mapping[str, object]) -> list[Any]:
        """What is sent, in its order."""
        order, fixed = self._written.order, self._written.fixed
        given = {**fixed, **values} if fixed else values
        return [
            value if processed is None or value is None else processed(value)
            for name, processed in order
            for value in (given[name],)
        ]

    async def fetch(self, session: AsyncSession, **values: object) -> list[asyncpg.Record]:
        return await fetched(session, self._written.sql, *self.arguments(values))

    async def first(self, session: AsyncSession, **values: object) -> asyncpg.Record | None:
        """The first row, if there is one."""
        rows = await self.fetch(session, **values)
        return rows[0] if rows else None


class PreparedFor:
    """A statement that holds a rule about its reader: written once for everybody of the same shape.

    `write` is given a stand-in who may as much as the reader, in as many organisations (rounded up to a power of two),
    under ids that stand for the reader's; the ids are then filled in. So a rule stays written once, in its policy.
    """

    def __init__(self, write: Callable[[Actor], ClauseElement]) -> None:
        self._write = write
        self._shapes: dict[object, tuple[Prepared, list[tuple[str, Permission | None, int]]]] = {}

    async def fetch(self, session: AsyncSession, actor: Actor, **values: object) -> list[asyncpg.Record]:
        statement, blanks = self._for(actor)
        places = {permission: sorted(found) for permission, found in actor.where.items() if found}
        for name, permission, number in blanks:
            if permission is None:
                values[name] = actor.person_id
            else:
                mine = places[permission]
                values[name] = mine[min(number, len(mine) - 1)]
        return await statement.fetch(session, **values)

    async def first(self, session: AsyncSession, actor: Actor, **values: object) -> asyncpg.Record | None:
        rows = await self.fetch(session, actor, **values)
        return rows[0] if rows else None

    def _for(self, actor: Actor) -> tuple[Prepared, list[tuple[str, Permission | None, int]]]:
        counts = frozenset((permission, _rounded(len(found))) for permission, found in actor.where.items() if found)
        shape = actor.person_id is None, actor.platform, counts
        known = self._shapes.get(shape)
        if known is None:
            if len(self._shapes) >= MOST_SHAPES:
                self._shapes.clear()
            known = self._shapes[shape] = self._written(actor, dict(counts))
        return known

    def _written(
        self, actor: Actor, counts: Mapping[Permission, int]
    ) -> tuple[Prepared, list[tuple[str, Permission | None, int]]]:
        stands_for: dict[UUID, tuple[Permission | None, int]] = {}
        where = {}
        for permission, count in counts.items():
            ids = [uuid4() for _ in range(count)]
            stands_for |= {one: (permission, number) for number, one in enumerate(ids)}
            where[permission] = frozenset(ids)
        person = None if actor.person_id is None else uuid4()
        if person is not None:
            stands_for[person] = (None, 0)
        statement = Prepared(self._write(Actor(person_id=person, where=where, platform=actor.platform)))
        blanks = [
            (name, *stands_for[value])
            for name, value in statement.fixed.items()
            if isinstance(value, UUID) and value in stands_for
        ]
        return statement, blanks


def _rounded(count: int) -> int:
    return 1 << (count - 1).bit_length()
