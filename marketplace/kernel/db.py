"""Where transactions begin and end, and how the database is reached."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final

import asyncpg
from fastapi import Depends, Request
from fastapi.routing import APIRoute
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from starlette.responses import Response

from marketplace.kernel import idempotency, parameters
from marketplace.kernel.refusals import Invalid, Malformed, Unavailable
from marketplace.kernel.strict_json import StrictRequest
from marketplace.settings import Settings

RETRIED: Final = {"40P01", "40001"}
CONNECT_SECONDS = 3
COMMAND_SECONDS = 6
BODY_SECONDS = 120


class Database:
    """The two ways to PostgreSQL: `writing` (one transaction) and `reading` (single statements, refused to write).

    Statements that only read run in AUTOCOMMIT on connections whose default is read-only: that saves the BEGIN and
    COMMIT round trips, and a write that strays into a reading route fails in PostgreSQL instead of being lost.
    """

    def __init__(self, url: str, *, pool_size: int = 10, name: str = "duijie") -> None:
        self.url = url
        common: dict[str, Any] = {
            "pool_size": pool_size,
            "max_overflow": 0,
            "pool_timeout": CONNECT_SECONDS,
            "pool_pre_ping": False,
            "pool_use_lifo": True,
            # An error's text goes to the log; what somebody wrote does not.
            "hide_parameters": True,
        }
        limits = {
            "application_name": name,
            "timezone": "UTC",
            "statement_timeout": str(COMMAND_SECONDS * 1000),
            "idle_in_transaction_session_timeout": "30000",
            "lock_timeout": "4000",
        }
        reach = {"timeout": CONNECT_SECONDS, "command_timeout": COMMAND_SECONDS}
        self.writing_engine = create_async_engine(url, connect_args=reach | {"server_settings": limits}, **common)
        self.reading_engine = create_async_engine(
            url,
            isolation_level="AUTOCOMMIT",
            connect_args=reach | {"server_settings": limits | {"default_transaction_read_only": "on"}},
            **common,
        )
        self.writing = async_sessionmaker(self.writing_engine, expire_on_commit=False)
        self.reading = async_sessionmaker(self.reading_engine, expire_on_commit=False)

    def engines(self) -> tuple[AsyncEngine, AsyncEngine]:
        return self.writing_engine, self.reading_engine

    async def forget_connections(self) -> None:
        """Drop pooled connections after the server went away, so that no request inherits a dead one."""
        for engine in self.engines():
            await engine.dispose(close=False)

    async def close(self) -> None:
        for engine in self.engines():
            await engine.dispose()


def sqlstate(error: BaseException) -> str | None:
    """The five-character code PostgreSQL gave, wherever the driver wrapped it."""
    cause: BaseException | None = getattr(error, "orig", error)
    while cause is not None:
        state = getattr(cause, "sqlstate", None)
        if isinstance(state, str):
            return state
        cause = cause.__cause__
    return None


def gone(error: BaseException) -> bool:
    """Whether the database could not be reached, or went away in mid-sentence."""
    if isinstance(error, (PoolTimeout, TimeoutError, OSError)):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    cause = getattr(error, "orig", error)
    cause = getattr(cause, "__cause__", None) or cause
    if isinstance(cause, (TimeoutError, OSError, asyncpg.InterfaceError, asyncpg.InternalClientError)):
        return True
    state = sqlstate(error) or ""
    # 08 connection, 57P server shutting down or starting, 57014 statement timeout, 53 out of something, 55P03 lock wait
    return state[:2] in {"08", "53"} or state in {"57P01", "57P02", "57P03", "57P05", "57014", "55P03", "25P03"}


class TransactionRoute(APIRoute):
    """One request, one transaction, committed before the first byte of the answer leaves.

    The answer is rendered inside the transaction, so that a failing answer undoes the change, and a repeat under the
    same `Idempotency-Key` can be given the very same bytes.
    """

    reads_are_logged = False
    # Whether parameters that the route does not know are let through.
    takes_any_parameter = False

    @staticmethod
    def most_bytes(settings: Settings) -> int:
        """How long a body may be."""
        return settings.body_limit

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        reading = not self.reads_are_logged and self.methods is not None and self.methods <= {"GET", "HEAD"}

        async def once(request: Request) -> Response:
            database: Database = request.app.state.database
            async with (database.reading if reading else database.writing)() as session:
                request.state.session = session
                request.scope.pop("duijie.after_commit", None)
                if reading:
                    return await handler(request)
                kept = await idempotency.recall(session, request)
                if kept is not None:
                    return kept
                response = await handler(request)
                await idempotency.keep(session, request, response)
                await session.commit()
                for afterwards in request.scope.get("duijie.after_commit", ()):
                    afterwards()
                return response

        takes = parameters.known(self.dependant)

        async def in_one_transaction(request: Request) -> Response:
            if not self.takes_any_parameter:
                parameters.check(request, takes)
            settings: Settings = request.app.state.settings
            whole = StrictRequest(request.scope, request.receive)
            if not reading:
                # Before a connection is taken: a slow sender keeps nobody waiting but himself.
                try:
                    async with asyncio.timeout(BODY_SECONDS):
                        await whole.read(self.most_bytes(settings))
                except TimeoutError as error:
                    raise Malformed("正文没有及时发完。 · The body did not arrive in time.") from error
            for attempt in (1, 2):
                try:
                    async with asyncio.timeout(settings.request_deadline):
                        return await once(whole if reading else whole.again())
                except (DBAPIError, asyncpg.PostgresError) as error:
                    state = sqlstate(error)
                    stale_plan = isinstance(
                        getattr(getattr(error, "orig", None), "__cause__", None), asyncpg.InvalidCachedStatementError
                    )
                    if attempt == 1 and (state in RETRIED or stale_plan):
                        await asyncio.sleep(random.uniform(0.005, 0.05))  # noqa: S311 -- jitter, not a secret
                        continue
                    if state in RETRIED or gone(error):
                        raise Unavailable from error
                    if state is not None and state.startswith("22"):
                        raise Invalid("有一个值超出可保存的范围。 · A value is outside what can be stored.") from error
                    raise
                except (PoolTimeout, TimeoutError, OSError, InterfaceError, OperationalError) as error:
                    raise Unavailable from error
            raise AssertionError  # pragma: no cover -- the second attempt returns or raises

        return in_one_transaction


class LoggedReadRoute(TransactionRoute):
    """A GET that writes down who read: the reading and its record stand or fall together."""

    reads_are_logged = True


class UploadRoute(TransactionRoute):
    """A POST that brings a file."""

    @staticmethod
    def most_bytes(settings: Settings) -> int:
        return settings.upload_limit


async def _session(request: Request) -> AsyncSession:
    session: AsyncSession = request.state.session
    return session


# Both are the session that `TransactionRoute` opened; the name says what the route's method allows.
Reading = Annotated[AsyncSession, Depends(_session)]
Writing = Annotated[AsyncSession, Depends(_session)]


def after_commit(request: Request, call: Callable[[], None]) -> None:
    """Do something in this process once the request's transaction stands; nothing that must not be lost."""
    request.scope.setdefault("duijie.after_commit", []).append(call)
