"""Savepoints for a tenth of their price: a test's requests are savepoints of the test's transaction."""

from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import await_


def quick_savepoints(engine: AsyncEngine) -> None:
    """Name savepoints by their depth and ask for each in one message.

    SQLAlchemy numbers them, so each is a statement never seen before: compiled, prepared in one round trip, executed in
    another. Those left behind by a rollback are under the same name as the next of that depth, which hides them.
    """
    open_ones: WeakKeyDictionary[Connection, list[str]] = WeakKeyDictionary()

    async def sent(at: Any, statement: str) -> None:
        async with at._execute_mutex:
            if at._transaction is None:
                await at._start_transaction()
            await at.driver_connection.execute(statement)

    def ask(connection: Connection, statement: str, depth: int) -> None:
        await_(sent(connection.connection.dbapi_connection, f"{statement} s{depth}"))

    def do_savepoint(connection: Connection, name: str) -> None:
        names = open_ones.setdefault(connection, [])
        names.append(name)
        ask(connection, "savepoint", len(names))

    def ended(connection: Connection, name: str) -> int:
        names = open_ones[connection]
        depth = names.index(name) + 1
        del names[depth - 1 :]
        return depth

    def do_rollback_to_savepoint(connection: Connection, name: str) -> None:
        ask(connection, "rollback to savepoint", ended(connection, name))

    def do_release_savepoint(connection: Connection, name: str) -> None:
        ask(connection, "release savepoint", ended(connection, name))

    for instead in (do_savepoint, do_rollback_to_savepoint, do_release_savepoint):
        setattr(engine.dialect, instead.__name__, instead)
